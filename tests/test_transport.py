"""Claims about the way bytes travel: what is stamped, what is left alone, and whose settings are followed."""

import asyncio
import gzip
import ssl
from pathlib import Path
from time import perf_counter_ns

import aiohttp
import httpx2
import pytest
from aiohttp.client_reqrep import ConnectionKey
from servers import GOOD, Reply, Server, as_json, delta, events, serve

from eval import transport
from eval.transport import BodyTooLargeError, StampingTransport, Stamps, is_loopback, mapped_errors, recorder

PIECES = (delta(content="one"), 0.05, delta(content="two"), 0.05, delta("stop"))


def fetch(server: Server, times: int = 1, host: str = "127.0.0.1", url: str = "", **more: str) -> list[Stamps]:
    """Ask the chat address several times over one connection pool; the stamps of each request."""

    async def run() -> list[Stamps]:
        found = []
        async with httpx2.AsyncClient(transport=StampingTransport(host, 2)) as client:
            for _ in range(times):
                await client.post((url or server.url) + "/chat/completions", json={"model": "m"}, headers=more)
                stamps = recorder.get()
                assert stamps is not None
                found.append(stamps)
        return found

    return asyncio.run(run())


def test_the_bytes_are_stamped_as_they_came_in_the_order_of_events() -> None:
    with serve(events(*PIECES)) as server:
        stamps = fetch(server)[0]
    assert b"".join(chunk for _, chunk in stamps.chunks) == b"".join(p for p in PIECES if isinstance(p, bytes))
    assert stamps.sent_ns is not None
    assert stamps.headers_ns is not None
    assert stamps.ended_ns is not None
    times = [stamps.started_ns, stamps.sent_ns, stamps.headers_ns, *(at for at, _ in stamps.chunks), stamps.ended_ns]
    assert times == sorted(times)
    assert stamps.ended_ns - stamps.sent_ns >= 100e6  # the server's pauses


def test_a_connection_is_new_once_and_then_reused() -> None:
    with serve() as server:
        first, second = fetch(server, times=2)
        assert server.connections == 1
    assert (first.connection_reused, second.connection_reused) == (False, True)
    assert first.connect_ns > 0
    assert second.connect_ns == 0
    assert (first.http_version, second.http_version) == ("1.1", "1.1")


def test_a_packed_body_is_unpacked() -> None:
    body = b'{"choices": []}' * 100
    with serve(Reply((gzip.compress(body),), headers={"content-encoding": "gzip"})) as server:
        stamps = fetch(server)[0]
    assert b"".join(chunk for _, chunk in stamps.chunks) == body


def test_what_came_before_a_connection_broke_is_kept() -> None:
    with serve(events(delta(content="one"), cut=True)) as server, pytest.raises(httpx2.ReadError):
        fetch(server)
    # the recorder belongs to the task that failed, so it is looked at from inside
    with serve(events(delta(content="one"), cut=True)) as server:

        async def run() -> Stamps | None:
            async with httpx2.AsyncClient(transport=StampingTransport("127.0.0.1", 2)) as client:
                with pytest.raises(httpx2.ReadError):
                    await client.post(server.url + "/chat/completions", json={})
            return recorder.get()

        stamps = asyncio.run(run())
    assert stamps is not None
    assert b"".join(chunk for _, chunk in stamps.chunks) == delta(content="one")
    assert stamps.ended_ns is None


def test_a_body_past_the_limit_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MAX_BODY_BYTES", 100_000)
    endless = events(*(b": " + b"x" * 50_000 + b"\n", 0.001) * 10_000)
    with serve(endless) as server, pytest.raises(BodyTooLargeError):
        fetch(server)


def test_a_redirect_is_not_followed() -> None:
    with serve() as other, serve(Reply(status=307, headers={"location": other.url})) as server:
        fetch(server)
        assert (len(server.received), len(other.received)) == (1, 0)


# --- the environment ------------------------------------------------------------------------------------------------


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("http_proxy", "https_proxy", "no_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch


def test_a_proxy_is_used_for_other_machines_and_gets_its_own_password_only(proxied: pytest.MonkeyPatch) -> None:
    with serve() as proxy:
        proxied.setenv("http_proxy", proxy.root.replace("//", "//user:pass@"))
        fetch(proxy, host="models.example", url="http://models.example/v1", authorization="Bearer k")
        assert [request.headers["host"] for request in proxy.received] == ["models.example"]
        assert proxy.received[0].headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"
        assert proxy.received[0].headers["authorization"] == "Bearer k"


def test_a_proxy_that_refuses_or_is_down_is_named_without_its_password(proxied: pytest.MonkeyPatch) -> None:
    with serve() as proxy:
        proxied.setenv("https_proxy", proxy.root.replace("//", "//user:pass@"))
        with pytest.raises(httpx2.ProxyError, match="it answered 404 Not Found") as refused:
            fetch(proxy, host="models.example", url="https://models.example/v1")
    with pytest.raises(httpx2.ProxyError, match="nothing answers there") as down:
        fetch(proxy, host="models.example", url="https://models.example/v1")
    assert "pass" not in f"{refused.value} {down.value}"


def test_no_proxy_stands_between_this_machine_and_itself(proxied: pytest.MonkeyPatch) -> None:
    with serve() as server, serve() as proxy:
        proxied.setenv("http_proxy", proxy.root)
        fetch(server)
        assert (len(server.received), len(proxy.received)) == (1, 0)


def test_hosts_that_need_no_proxy_get_none(proxied: pytest.MonkeyPatch) -> None:
    with serve() as proxy:
        proxied.setenv("http_proxy", proxy.root)
        proxied.setenv("no_proxy", "models.invalid")
        with pytest.raises(httpx2.ConnectError):
            fetch(proxy, host="models.invalid", url="http://models.invalid/v1")
        assert proxy.received == []


def test_passwords_in_netrc_are_no_business_of_an_endpoint(proxied: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password secret\n", encoding="utf-8")
    netrc.chmod(0o600)
    with serve() as proxy:
        proxied.setenv("NETRC", str(netrc))
        proxied.setenv("http_proxy", proxy.root)
        fetch(proxy, host="models.example", url="http://models.example/v1", authorization="Bearer k")
        assert proxy.received[0].headers["authorization"] == "Bearer k"


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("0.0.0.0", True),
        ("localhost", True),
        ("a.localhost", True),
        ("192.168.1.5", False),
        ("localhost.example.com", False),
        ("notlocalhost", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine_and_nothing_else(host: str, here: bool) -> None:
    assert is_loopback(host) is here


# --- failures -------------------------------------------------------------------------------------------------------

KEY = ConnectionKey("h", 443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("raised", "known_as"),
    [
        (aiohttp.ClientConnectorSSLError(KEY, OSError("handshake")), httpx2.ConnectError),
        (ssl.SSLError("bad record"), httpx2.ConnectError),
        (aiohttp.ConnectionTimeoutError(), httpx2.ConnectTimeout),
        (aiohttp.SocketTimeoutError(), httpx2.ReadTimeout),
        (TimeoutError(), httpx2.ReadTimeout),
        (aiohttp.ClientConnectorError(KEY, OSError("refused")), httpx2.ConnectError),
        (aiohttp.InvalidURL("x"), httpx2.ConnectError),
        (aiohttp.ServerDisconnectedError(), httpx2.ReadError),
        (aiohttp.ClientPayloadError("short"), httpx2.ReadError),
        (ConnectionResetError(), httpx2.ReadError),
    ],
)
def test_failures_get_the_names_that_the_openai_client_knows(raised: Exception, known_as: type[Exception]) -> None:
    with pytest.raises(known_as) as caught, mapped_errors():
        raise raised
    assert type(caught.value) is known_as
    assert caught.value.__cause__ is raised


def test_other_failures_pass_and_so_does_success() -> None:
    with pytest.raises(KeyError), mapped_errors():
        raise KeyError
    with mapped_errors():
        pass


def test_every_reply_is_read_even_an_error() -> None:
    with serve(as_json({"error": "no"}, 500), GOOD) as server:
        began = perf_counter_ns()
        first, second = fetch(server, times=2)
    assert first.chunks[0][1] == b'{"error": "no"}'
    assert second.connection_reused
    assert first.started_ns >= began
