"""Real HTTP servers on loopback, each in a thread of its own, that reply as a test scripts them.

`serve` speaks HTTP through aiohttp, `serve_bytes` sends bytes as they are, for what aiohttp would never send.
"""

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

CHAT = "/v1/chat/completions"
MODELS = "/v1/models"


@dataclass(frozen=True)
class Received:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]  # names in small letters
    body: Any  # parsed, None without one


@dataclass(frozen=True)
class Reply:
    """What to reply: `pieces` are sent one by one, a number among them is a pause in seconds."""

    pieces: tuple[bytes | float, ...] = ()
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False  # abort the connection after the pieces


Scripted = Reply | Callable[[Received], Reply]


@dataclass
class Server:
    """A running server: its base URL and what it was asked."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def root(self) -> str:
        return self.url.removesuffix("/v1")

    @property
    def chats(self) -> list[Received]:
        return [request for request in self.received if request.path == CHAT]


# --- what is sent ---------------------------------------------------------------------------------------------------


def event(value: Any) -> bytes:
    """One server-sent event; a string goes out as it is."""
    return f"data: {value if isinstance(value, str) else json.dumps(value)}\n\n".encode()


DONE = event("[DONE]")
USAGE = {"prompt_tokens": 11, "completion_tokens": 3}


def delta(finish: str | None = None, *, model: str = "m", **piece: Any) -> bytes:
    """One chunk of a streamed completion, `piece` being its delta."""
    return event({"model": model, "choices": [{"index": 0, "delta": piece, "finish_reason": finish}]})


def streamed(*texts: str | float, usage: Any = USAGE) -> tuple[bytes | float, ...]:
    """A whole streamed completion; a number among the texts is a pause in seconds."""
    pieces = [delta(content=text) if isinstance(text, str) else text for text in texts]
    counts = [event({"model": "m", "choices": [], "usage": usage})] if usage else []
    return (delta(role="assistant", content=""), *pieces, delta("stop"), *counts, DONE)


def completion(text: str | None, finish: str | None = "stop", *, model: str = "m", **more: Any) -> dict[str, Any]:
    """A completion that is not streamed."""
    message = {"role": "assistant", "content": text}
    return {"model": model, "choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}


def events(*pieces: bytes | float, **more: Any) -> Reply:
    return Reply(pieces, headers={"content-type": "text/event-stream"}, **more)


def as_json(value: Any, status: int = 200, **headers: str) -> Reply:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply((json.dumps(value).encode(),), status, {"content-type": "application/json"} | named)


def page(text: str, status: int = 200) -> Reply:
    return Reply((text.encode(),), status, {"content-type": "text/html"})


def refusal(status: int, message: str, param: str | None = None, **headers: str) -> Reply:
    """An error as the OpenAI API writes it."""
    return as_json({"error": {"message": message, "type": "invalid_request_error", "param": param}}, status, **headers)


def model_list(*names: str) -> Reply:
    return as_json({"object": "list", "data": [{"id": name, "object": "model"} for name in names]})


GOOD = events(*streamed("Oslo", " it", " is."))


# --- servers --------------------------------------------------------------------------------------------------------


@contextmanager
def _in_thread(running: AbstractAsyncContextManager[Server]) -> Iterator[Server]:
    """Keep a server running in a thread with an event loop of its own."""
    ready, stopped = threading.Event(), asyncio.Event()
    found: list[Server] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def stay() -> None:
        loops.append(asyncio.get_running_loop())
        try:
            async with running as server:
                found.append(server)
                ready.set()
                await stopped.wait()
        finally:
            ready.set()

    thread = threading.Thread(target=lambda: asyncio.run(stay()), name="test-server", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield found[0]
    finally:
        loops[0].call_soon_threadsafe(stopped.set)
        thread.join()


def serve(
    *chats: Scripted,
    models: Reply | None = None,
    routes: Mapping[str, Reply] | None = None,
    otherwise: Reply | None = None,
    tls: ssl.SSLContext | None = None,
    headers: Mapping[str, str] | None = None,
) -> AbstractContextManager[Server]:
    """A server whose chat replies come in the given order, the last one for ever; every other path has one reply."""
    fixed = {MODELS: models or model_list("m"), **(routes or {})}
    missing = otherwise or as_json({"detail": "Not Found"}, 404)
    return _in_thread(_http(list(chats or (GOOD,)), fixed, missing, tls, dict(headers or {})))


@asynccontextmanager
async def _http(
    chats: list[Scripted], fixed: Mapping[str, Reply], missing: Reply, tls: ssl.SSLContext | None, names: dict[str, str]
) -> AsyncIterator[Server]:
    server = Server()
    transports = set[Any]()

    async def handle(request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        sent = {name.lower(): value for name, value in request.headers.items()}
        received = Received(request.method, request.path, sent, json.loads(raw) if raw else None)
        server.received.append(received)
        if request.transport not in transports:
            transports.add(request.transport)
            server.connections += 1
        scripted = chats[0] if request.path == CHAT else fixed.get(request.path, missing)
        if request.path == CHAT and len(chats) > 1:
            chats.pop(0)
        reply = scripted(received) if callable(scripted) else scripted
        response = web.StreamResponse(status=reply.status, headers=names | dict(reply.headers))
        await response.prepare(request)
        for piece in reply.pieces:
            await (response.write(piece) if isinstance(piece, bytes) else asyncio.sleep(piece))
        if reply.cut and request.transport:
            await asyncio.sleep(0.02)  # let what was written leave first
            request.transport.abort()
        else:
            await response.write_eof()
        return response

    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}/v1"
        yield server
    finally:
        await runner.cleanup()


def serve_bytes(*replies: Sequence[bytes | float]) -> AbstractContextManager[Server]:
    """A server that answers each connection's first request with bytes as given and closes; the last reply stays."""
    return _in_thread(_tcp(list(replies)))


@asynccontextmanager
async def _tcp(replies: list[Sequence[bytes | float]]) -> AsyncIterator[Server]:
    server = Server()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        pieces = replies.pop(0) if len(replies) > 1 else replies[0]
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lines = head.decode("latin-1").lower().split("\r\n")
            sizes = [int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")]
            body = await reader.readexactly(sizes[0]) if sizes else b""
            method, path, _ = lines[0].split(" ")
            server.received.append(Received(method.upper(), path, {}, json.loads(body) if body else None))
            for piece in pieces:
                if isinstance(piece, bytes):
                    writer.write(piece)
                    await writer.drain()
                else:
                    await asyncio.sleep(piece)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with listening:
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        yield server


def until_closed(content_type: str, *pieces: bytes | float) -> Sequence[bytes | float]:
    """A reply without a length, whose end is the end of the connection."""
    return (f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\nconnection: close\r\n\r\n".encode(), *pieces)
