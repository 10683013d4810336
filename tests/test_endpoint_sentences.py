"""What is wrong with a server is told in one clear sentence, and no key is ever shown."""

import asyncio
import ssl

import pytest
import trustme
from asked import ASK, KEY, ask, ask_script, check, complaint, failed
from servers import Reply, Server, as_json, event, events, model_list, page, refusal, serve, serve_bytes

from eval import endpoint
from eval.chat import Endpoint, EndpointError
from eval.endpoint import EndpointClient

pytestmark = pytest.mark.usefixtures("no_long_waits")


def test_a_wrong_path_is_named_and_the_right_one_suggested() -> None:
    with serve() as server:
        sentence = failed(ask(server.root), "not_found")
        assert sentence == f"{server.root} has no chat completions (status 404); the path often ends in /v1."
        assert complaint(server.root, "m") == sentence


def test_a_wrong_key_is_named_by_its_variable_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)
    wrong = refusal(401, f"Incorrect API key provided: {KEY}.")
    with serve(wrong, models=wrong) as server:
        outcome = ask(server.url, api_key_env="SOME_KEY")
        sentence = f"{server.url} refused the key in SOME_KEY with status 401; set the right one."
        assert failed(outcome, "wrong_key") == sentence
        assert complaint(server.url, "m", api_key_env="SOME_KEY") == sentence
        assert "(none was sent to this computer: --api-key-env is for others" in failed(ask(server.url), "wrong_key")


@pytest.mark.parametrize(
    "echo",
    [
        refusal(400, f"Bad header: authorization: Bearer {KEY}"),
        refusal(500, f"Bearer {KEY}"),
        refusal(404, f"no model for key {KEY}"),
        refusal(400, "x" * 485 + KEY),
        page(f"<html><title>{KEY}</title>", 503),
        page(f"Bearer {KEY}"),
        as_json({"headers": {"Authorization": f"Bearer {KEY}"}}),
        events(event({"error": {"message": f"bad key {KEY}"}})),
        refusal(400, f"context length with {KEY}"),
    ],
)
def test_the_key_is_in_no_message_attempt_or_repr(echo: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", KEY)

    async def run(server: Server) -> str:
        client = EndpointClient(Endpoint(url=server.url, api_key_env="SOME_KEY", max_attempts=1))
        async with client:
            outcome = await client.complete(ASK)
            assert not outcome.ok
            with pytest.raises(EndpointError) as caught:
                await client.check(["m"])
            return f"{outcome!r} {client!r} {client.endpoint!r} {client.endpoint.model_dump_json()} {caught.value}"

    with serve(echo, models=echo) as server:
        shown = asyncio.run(run(server))
    assert KEY not in shown
    assert KEY[:12] not in shown


def test_an_unknown_model_is_named_with_those_that_are_offered() -> None:
    with serve(models=model_list("phi", "qwen")) as server:
        assert check(server.url, "phi", "qwen") == ["phi", "qwen"]
        sentence = f'{server.url} does not offer the model "m"; it offers: phi, qwen.'
        assert complaint(server.url, "phi", "m") == sentence
    outcome, _ = ask_script(refusal(404, "The model 'm' does not exist"))
    assert "The model 'm' does not exist" in failed(outcome, "unknown_model")


@pytest.mark.parametrize(
    ("listed", "offered"),
    [
        (as_json([{"id": "m"}, {"no": "id"}, 3]), ["m"]),
        (as_json({"data": None}), []),
        (as_json({"data": []}), []),
    ],
)
def test_unusual_lists_of_models_are_understood(listed: Reply, offered: list[str]) -> None:
    with serve(models=listed) as server:
        assert check(server.url, "m") == offered
        assert server.chats == []


@pytest.mark.parametrize("none", [as_json({"detail": "no"}, 404), as_json({"hello": 1}), page("<html>hi")])
def test_a_server_without_a_list_of_models_may_answer_all_the_same(none: Reply) -> None:
    with serve(models=none) as server:
        assert check(server.url, "m") == []
        complaint(server.url)  # but without a model it cannot be asked


def test_a_server_without_a_list_of_models_says_what_else_is_wrong() -> None:
    with serve(refusal(401, "no"), models=as_json({"detail": "no"}, 404)) as server:
        assert "refused the key" in complaint(server.url, "m")


@pytest.mark.parametrize("body", [page("<html><h1>Welcome"), as_json("text"), as_json({"data": 3}), Reply()])
def test_something_other_than_a_list_of_models_is_one_sentence(body: Reply) -> None:
    with serve(page("<html>"), models=body) as server:
        assert "not the OpenAI API" in complaint(server.url, "m")
        assert "not the OpenAI API" in complaint(server.url)


def test_a_check_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "CHECK_TIMEOUT_S", 0.2)
    with serve(models=Reply((30,))) as server:
        assert complaint(server.url, "m") == f"{server.url} gave no complete reply within 0.2 s."


def test_a_certificate_nobody_vouches_for_is_one_sentence() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(tls)
    with serve(tls=tls) as server:
        outcome = ask(server.url)
        assert len(outcome.attempts) == 1
        sentence = failed(outcome, "tls")
        assert sentence.startswith(f"No secure connection to {server.url}: ")
        assert ": its certificate is not trusted (" in sentence
        assert complaint(server.url, "m") == sentence
        failed(ask(server.url.replace("https", "http"), max_attempts=1), "dropped")


def test_https_spoken_to_a_plain_port_is_one_sentence() -> None:
    with serve() as server:
        outcome = ask(server.url.replace("http", "https"))
        assert failed(outcome, "tls") == (
            f"No secure connection to {server.url.replace('http', 'https')}: what answers there speaks no TLS that is "
            "understood (wrong version number); check the certificate, or http instead of https."
        )
        assert len(outcome.attempts) == 1


def test_a_redirect_is_named_and_not_followed() -> None:
    with serve() as other:
        moved = Reply(status=308, headers={"location": f"{other.url.replace('//', '//u:pw@')}/chat/completions?k=1"})
        with serve(moved, models=moved) as server:
            sentence = failed(ask(server.url), "not_found")
            assert sentence == (
                f"{server.url} redirects to {other.url}/chat/completions, which is not followed; correct the address."
            )
            assert "redirects to" in complaint(server.url, "m")
        assert other.received == []


def test_a_port_that_speaks_another_protocol_is_one_sentence() -> None:
    with serve_bytes([b"SSH-2.0-OpenSSH_9.6\r\n"]) as server:
        failed(ask(server.url, max_attempts=1), "dropped")
