"""Serves the dashboard: finds a free port, starts Streamlit as a process, opens the browser once it answers."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy.engine import make_url

from eval.expected import ExpectedError

FIRST_PORT, LAST_PORT = 8501, 8540
START_TIMEOUT_S = 60


class ServerError(ExpectedError):
    """The dashboard cannot be served; the text says why and what to do."""


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if sys.platform != "win32":  # there the option would let two servers share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True


def free_port(wanted: int | None) -> int:
    """The wanted port, or the first free one from 8501. Raises ServerError if it is in use or is no port."""
    if wanted is not None:
        if not 1 <= wanted <= 65535:
            raise ServerError(f"{wanted} is not a port; choose one from 1024 to 65535 with --port.")
        if not _is_free(wanted):
            raise ServerError(f"Port {wanted} is in use or not allowed; choose another with --port.")
        return wanted
    for port in range(FIRST_PORT, LAST_PORT):
        if _is_free(port):
            return port
    raise ServerError(f"No port from {FIRST_PORT} to {LAST_PORT} is free; choose one with --port.")


def _absolute(db_url: str) -> str:
    """The database's address with an absolute path, because Streamlit runs in another folder."""
    url = make_url(db_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return db_url
    return url.set(database=str(Path(url.database).absolute())).render_as_string(hide_password=False)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2) as reply:
            return reply.status == 200
    except OSError:
        return False


def serve_dashboard(db_url: str, port: int, *, open_browser: bool) -> None:
    """Serve the dashboard on loopback until Ctrl-C. Raises ServerError if Streamlit does not come up."""
    spec = find_spec("dashboard")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "dashboard.tethered", "run", str(folder / "app.py")),
            *("--server.address", "127.0.0.1", "--server.port", str(port), "--server.headless", "true"),
        ],
        cwd=folder,  # whose .streamlit/config.toml holds theme and manners
        env=os.environ | {"RIGHTSIZE_DB": _absolute(db_url), "PYTHONUTF8": "1"},
        stdin=subprocess.PIPE,  # nothing is written: it closes when this process ends, however it does
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise ServerError("The dashboard did not start; `streamlit run dashboard/app.py` shows why.")
            time.sleep(0.1)
        address = f"http://127.0.0.1:{port}"
        sys.stderr.write(f"Dashboard: {address} (Ctrl-C ends it)\n")
        sys.stderr.flush()
        if open_browser:
            webbrowser.open(address)
        process.wait()
    except KeyboardInterrupt:
        sys.stderr.write("Dashboard ended.\n")
    finally:
        process.terminate()
        process.communicate()
