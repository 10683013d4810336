"""The way bytes travel: an aiohttp session under the openai client, stamping the moments that a latency is made of.

A stamp is taken when the request leaves and each time bytes arrive; nothing is parsed here. What the stamps mean is
decided in stream.py, which attempt counts in endpoint.py.
"""

import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter_ns
from types import SimpleNamespace
from typing import Any, cast
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2

MAX_BODY_BYTES = 32 * 1024 * 1024  # a longer reply is no answer to any question


@dataclass(slots=True)
class Stamps:
    """The moments of one request on the monotonic clock, in nanoseconds; None where it never came so far."""

    started_ns: int
    sent_ns: int | None = None
    headers_ns: int | None = None
    ended_ns: int | None = None
    connect_ns: int = 0  # how long a new connection took; 0 on a reused one
    connect_start_ns: int | None = None
    connection_reused: bool | None = None
    http_version: str | None = None
    chunks: list[tuple[int, bytes]] = field(default_factory=list)


recorder: ContextVar[Stamps | None] = ContextVar("recorder", default=None)
"""The stamps of the newest request in this task: there also when the request failed and no response came."""


class BodyTooLargeError(Exception):
    """The reply went past MAX_BODY_BYTES."""


class StampedBody(httpx2.AsyncByteStream):
    """The body of one reply; draining it stamps each piece as it arrives."""

    def __init__(self, response: aiohttp.ClientResponse, stamps: Stamps) -> None:
        self._response = response
        self._stamps = stamps

    async def drain(self) -> None:
        """Read to the end, stamping; the pieces lie in the stamps, also those before a failure."""
        chunks, content, size = self._stamps.chunks, self._response.content, 0
        with mapped_errors():
            while chunk := await content.readany():
                chunks.append((perf_counter_ns(), chunk))
                size += len(chunk)
                if size > MAX_BODY_BYTES:
                    raise BodyTooLargeError
        self._stamps.ended_ns = perf_counter_ns()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The same bytes for the openai client, which reads the body of an error itself."""
        await self.drain()
        for _, chunk in self._stamps.chunks:
            yield chunk

    async def aclose(self) -> None:
        self._response.release()


def _tls_fault(error: BaseException) -> str:
    """What went wrong, without the socket's address and OpenSSL's line numbers that the messages are wrapped in."""
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    if isinstance(inner, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({inner.verify_message})"
    if isinstance(inner, ssl.SSLError) and (reason := getattr(inner, "reason", "")):
        return f"what answers there speaks no TLS that is understood ({reason.lower().replace('_', ' ')})"
    return str(inner)


class mapped_errors:  # noqa: N801 - reads as a statement
    """Turn aiohttp's exceptions into httpx2's, which the openai client knows."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        match error:
            case aiohttp.ClientHttpProxyError():  # its own text holds the password in the proxy's address
                raise httpx2.ProxyError(f"it answered {error.status} {error.message}") from error
            case aiohttp.ClientProxyConnectionError():
                raise httpx2.ProxyError("nothing answers there") from error
            case aiohttp.ClientSSLError() | aiohttp.ClientConnectorCertificateError() | ssl.SSLError():
                raise httpx2.ConnectError(f"TLS: {_tls_fault(error)}") from error
            case aiohttp.ConnectionTimeoutError():
                raise httpx2.ConnectTimeout(str(error)) from error
            case aiohttp.SocketTimeoutError() | TimeoutError():
                raise httpx2.ReadTimeout(str(error)) from error
            case aiohttp.ClientConnectorError() | aiohttp.InvalidURL():
                raise httpx2.ConnectError(str(error)) from error
            case aiohttp.ClientError() | ConnectionError():
                raise httpx2.ReadError(str(error) or type(error).__name__) from error
            case _:
                return


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine."""
    try:
        address = ipaddress.ip_address(host)
        return address.is_loopback or address.is_unspecified
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _tracing() -> aiohttp.TraceConfig:
    """Hooks that stamp connection set-up and the moment before the request is written."""
    trace = aiohttp.TraceConfig()

    def stamps(context: SimpleNamespace) -> Stamps:
        return cast(Stamps, context.trace_request_ctx)

    async def connecting(_session: Any, context: SimpleNamespace, _params: Any) -> None:
        stamps(context).connect_start_ns = perf_counter_ns()

    async def connected(_session: Any, context: SimpleNamespace, _params: Any) -> None:
        its = stamps(context)
        its.connection_reused = False
        its.connect_ns = perf_counter_ns() - (its.connect_start_ns or its.started_ns)

    async def reused(_session: Any, context: SimpleNamespace, _params: Any) -> None:
        stamps(context).connection_reused = True

    async def sending(_session: Any, context: SimpleNamespace, _params: Any) -> None:
        stamps(context).sent_ns = perf_counter_ns()

    trace.on_connection_create_start.append(connecting)
    trace.on_connection_create_end.append(connected)
    trace.on_connection_reuseconn.append(reused)
    trace.on_request_headers_sent.append(sending)
    return trace


class StampingTransport(httpx2.AsyncBaseTransport):
    """An httpx2 transport over one aiohttp session; the StampedBody of a reply lies in its extensions as "body".

    The environment's proxy settings are followed, except towards this machine itself. (aiohttp's own trust_env would
    also take passwords from .netrc, and look all of it up anew for every request.)
    """

    def __init__(self, host: str, max_connections: int) -> None:
        self._host = host
        self._max_connections = max_connections
        self._session: aiohttp.ClientSession | None = None

    def _proxy(self, scheme: str) -> str | None:
        return None if is_loopback(self._host) or proxy_bypass(self._host) else getproxies().get(scheme)

    def _open(self, scheme: str) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._max_connections, keepalive_timeout=60),
                trace_configs=[_tracing()],
                proxy=self._proxy(scheme),
                auto_decompress=True,
                read_bufsize=2**20,
            )
        return self._session

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        stamps = Stamps(started_ns=perf_counter_ns())
        recorder.set(stamps)
        timeout = request.extensions.get("timeout", {})
        with mapped_errors():
            response = await self._open(request.url.scheme).request(
                request.method,
                str(request.url),
                headers=request.headers.multi_items(),
                data=request.content or None,
                allow_redirects=False,
                # No sock_read: it would set a new timer at every piece of a stream; endpoint.py bounds the whole call.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=timeout.get("connect")),
                trace_request_ctx=stamps,
            )
        stamps.headers_ns = perf_counter_ns()
        if response.version:
            stamps.http_version = f"{response.version.major}.{response.version.minor}"
        headers = [(k, v) for k, v in response.headers.items() if k.lower() != "content-encoding"]  # aiohttp decodes
        body = StampedBody(response, stamps)
        return httpx2.Response(response.status, headers=headers, stream=body, extensions={"body": body})

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
