"""Runs the simulator: listens on ports of this machine, until told to stop.

In a thread of this process (`Simulator`), or in the foreground (`serve`); process.py starts a process of its own. What
is answered there is application.py's business.
"""

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Self

from aiohttp import web

from eval.simulator.application import Application, Settings
from eval.simulator.profiles import SimulatorError

HOST = "127.0.0.1"
BACKLOG = 512  # connections that may arrive at the same moment


class _Running:
    """A simulator that listens; `urls` holds one address a port."""

    def __init__(self, settings: Settings, ports: Sequence[int], host: str) -> None:
        self.application = Application(settings)
        self._sockets: list[socket.socket] = []
        try:
            for port in ports:
                self._sockets.append(_listen(host, port))
        except SimulatorError:
            self._close_sockets()
            self.application.log.close()
            raise
        name = f"[{host}]" if ":" in host else host
        self.urls = [f"http://{name}:{sock.getsockname()[1]}/v1" for sock in self._sockets]
        self._runner: web.AppRunner | None = None

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            sock.close()

    async def start(self) -> None:
        self._runner = web.AppRunner(
            self.application.routes(), access_log=None, handler_cancellation=True, shutdown_timeout=0.2
        )
        await self._runner.setup()
        for sock in self._sockets:
            await web.SockSite(self._runner, sock, backlog=BACKLOG).start()

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()
        self._close_sockets()
        self.application.log.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).partition(" (while ")[0]
        raise SimulatorError(
            f"The simulator cannot listen on {host}:{port} ({reason}); choose another port, or 0 for any free one."
        ) from error
    sock.setblocking(False)
    return sock


def serve(
    settings: Settings | None = None,
    *,
    ports: Sequence[int] = (0,),
    host: str = HOST,
    on_ready: Callable[[list[str]], None] | None = None,
    until_stdin_closes: bool = False,
) -> None:
    """Serve until Ctrl-C, or until standard input closes; `on_ready` gets one URL a port.

    Raises SimulatorError if a port or the log cannot be had.
    """

    async def main() -> None:
        running = _Running(settings or Settings(), ports, host)
        stopped = asyncio.Event()
        try:
            await running.start()
            if on_ready:
                on_ready(running.urls)
            if until_stdin_closes:
                loop = asyncio.get_running_loop()
                threading.Thread(target=_wait_for_stdin, args=(loop, stopped), daemon=True).start()
            await stopped.wait()
        finally:
            await running.stop()

    with suppress(KeyboardInterrupt):
        asyncio.run(main())


def _wait_for_stdin(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    # os.read and not sys.stdin: a thread that holds the lock of sys.stdin makes the interpreter's end crash.
    with suppress(OSError):
        while os.read(0, 4096):
            pass
    with suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(stopped.set)


class Simulator:
    """A simulator in a thread of this process, as a context manager: for tests, where a process costs too much.

    For measurements start a process of its own (see `eval.simulator.process`), which shares no interpreter lock.
    """

    def __init__(self, settings: Settings | None = None, *, ports: Sequence[int] = (0,), host: str = HOST) -> None:
        self._settings, self._ports, self._host = settings or Settings(), ports, host
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._running: _Running | None = None
        self._thread = threading.Thread(target=self._run, name="simulator", daemon=True)

    @property
    def running(self) -> _Running:
        if self._running is None:
            raise SimulatorError("The simulator has not been started; use it in a with statement.")
        return self._running

    @property
    def urls(self) -> list[str]:
        """One base URL a port, ending in /v1."""
        return self.running.urls

    @property
    def url(self) -> str:
        """The base URL of the first port."""
        return self.urls[0]

    def log(self) -> list[dict[str, Any]]:
        """The log of the finished requests, oldest first."""
        return self.running.application.log.entries()

    def __enter__(self) -> Self:
        try:
            self._running = _Running(self._settings, self._ports, self._host)
        except SimulatorError:
            self._loop.close()
            raise
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._main())
        finally:
            self._ready.set()  # also when it could not start: nobody waits in vain

    async def _main(self) -> None:
        await self.running.start()
        self._ready.set()
        await self._stopped.wait()
        await self.running.stop()
