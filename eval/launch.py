"""Starts a `rightsize` command as a process of its own, so that a run outlives the page that asked for it.

What the process does is followed through the database; its output goes to a log file, and when it ends while this
process still lives, its exit code to a file beside that.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from threading import Thread


def launch(arguments: Sequence[str], db_url: str) -> Path:
    """Start `rightsize ARGUMENTS` on a database, detached from this process; returns the path of its log.

    The process survives this one (a closed browser, a restarted dashboard) on Windows as elsewhere.
    """
    handle, name = tempfile.mkstemp(prefix="rightsize-", suffix=".log")
    flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS if sys.platform == "win32" else 0
    with os.fdopen(handle, "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "eval.cli", *arguments],
            env=os.environ | {"RIGHTSIZE_DB": db_url, "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            creationflags=flags,
            start_new_session=sys.platform != "win32",
        )
    path = Path(name)
    Thread(target=_wait, args=(process, path), daemon=True, name="rightsize-launch").start()
    return path


def exit_code(log: Path) -> int | None:
    """How the process of this log ended; None while it is at work, or when this cannot be known any more."""
    try:
        return int(log.with_suffix(".exit").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _wait(process: "subprocess.Popen[bytes]", log: Path) -> None:
    """Wait for the process, so that it does not stay behind as a zombie that looks alive, and note how it ended."""
    log.with_suffix(".exit").write_text(str(process.wait()), encoding="ascii")
