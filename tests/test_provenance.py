"""Claims about provenance: what ran is recorded, secrets are not, and no other machine is asked about itself."""

import asyncio
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest
from servers import Reply, Server, as_json, page, serve

from eval import provenance
from eval.provenance import describe_machine, describe_server, model_family

LLAMA_CPP = {
    "default_generation_settings": {"n_ctx": 4096, "params": {"seed": 1}},
    "total_slots": 2,
    "model_path": "/models/phi.gguf",
    "chat_template": "{% if x %}" * 20_000,
    "build_info": "b6000-abc",
}
LM_STUDIO = as_json({"error": "Unexpected endpoint or method. (GET /api/version). Returning 200 anyway"})


def told(url: str, header: str | None = None) -> dict[str, Any]:
    return asyncio.run(describe_server(url, header))


def told_by(routes: Mapping[str, Reply], otherwise: Reply | None = None) -> dict[str, Any]:
    with serve(routes=routes, otherwise=otherwise) as server:
        return told(server.url, "uvicorn")


# --- this machine ---------------------------------------------------------------------------------------------------


def test_software_and_hardware_of_this_machine_are_told() -> None:
    machine = describe_machine()
    assert machine["rightsize"]
    if (provenance.ROOT / ".git").exists() and shutil.which("git"):
        assert re.fullmatch("[0-9a-f]{40}", machine["commit"])
        assert machine["uncommitted_changes"] in (True, False)
    assert machine["packages"]["openai"]
    assert machine["cpu"]
    assert 0 < machine["cores"] <= machine["threads"] == psutil.cpu_count()
    assert machine["memory_gib"] > 0
    json.dumps(machine)


def test_uncommitted_changes_of_a_checkout_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*words: str) -> None:
        subprocess.run(
            ["git", "-C", str(tmp_path), "-c", "user.name=T", "-c", "user.email=t@localhost", *words], check=True
        )

    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert (describe_machine()["commit"], describe_machine()["uncommitted_changes"]) == (None, None)
    (tmp_path / "code.py").write_text("1")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "--message", "first")
    (tmp_path / "rightsize.db").write_text("data is no change of the code")
    assert describe_machine()["uncommitted_changes"] is False
    (tmp_path / "code.py").write_text("2")
    assert describe_machine()["uncommitted_changes"] is True


def test_no_value_of_the_environment_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {name: f"sk-secret-{name}" for name in ("OPENAI_API_KEY", "SOME_KEY", "HF_TOKEN", "HTTP_PROXY")}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    text = json.dumps(describe_machine())
    for name, value in os.environ.items():
        if len(value) > 8 and ("KEY" in name or "TOKEN" in name or "SECRET" in name or name in secrets):
            assert value not in text, name


@pytest.mark.parametrize("command", [("no-such-command",), ("python3", "-c", "import sys; sys.exit(1)")])
def test_a_command_that_is_missing_or_fails_says_nothing(command: tuple[str, ...]) -> None:
    assert provenance._say(*command) is None


# --- the server -----------------------------------------------------------------------------------------------------


def test_ollama_is_recognised() -> None:
    found = told_by({"/api/version": as_json({"version": "0.12.3"})})
    assert found == {"server": "uvicorn", "software": "Ollama", "version": "0.12.3"}


def test_llama_cpp_is_recognised_by_properties_longer_than_one_packet() -> None:
    properties = json.dumps(LLAMA_CPP).encode()
    found = told_by({"/props": Reply((properties[:900], 0.05, properties[900:]))})
    assert (found["software"], found["build_info"], found["n_ctx"], found["total_slots"]) == (
        "llama.cpp",
        "b6000-abc",
        4096,
        2,
    )
    assert "chat_template" not in found


def test_vllm_is_recognised() -> None:
    assert told_by({"/version": as_json({"version": "0.11.0"})})["software"] == "vLLM"


def test_lm_studio_is_recognised_although_it_answers_every_address() -> None:
    found = told_by({"/api/v0/models": as_json({"object": "list", "data": [{"id": "phi"}]})}, otherwise=LM_STUDIO)
    assert found == {"server": "uvicorn", "software": "LM Studio"}


@pytest.mark.parametrize(
    "answer",
    [
        as_json({"detail": "Not Found"}, 404),
        page("<html>"),
        as_json([1]),
        as_json({"hello": 1}),
        Reply((b"[" * 50_000,)),
        Reply((b'{"version": "' + b"x" * 2_000_000 + b'"}',)),
        Reply(status=302, headers={"location": "/api/version"}),
        Reply((b"\xff\xfe",)),
        as_json({"version": "1", "data": []}, 404),
        as_json({"version": "1", "data": []}, 500),
    ],
)
def test_a_server_that_says_nothing_of_itself_stays_unnamed(answer: Reply) -> None:
    assert told_by({}, otherwise=answer) == {"server": "uvicorn"}


def test_a_redirect_is_not_followed_to_wherever_it_leads() -> None:
    with serve(routes={"/elsewhere": as_json({"version": "1"})}) as other:
        moved = Reply(status=302, headers={"location": f"{other.root}/elsewhere"})
        assert told_by({}, otherwise=moved) == {"server": "uvicorn"}
        assert other.received == []


def test_a_server_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "PROBE_TIMEOUT_S", 0.2)
    assert told_by({}, otherwise=Reply((30,))) == {"server": "uvicorn"}


def test_foundry_local_is_known_by_its_header_and_not_asked() -> None:
    with serve() as server:
        assert told(server.url, "oatpp/1.3.0") == {"server": "oatpp/1.3.0", "software": "Foundry Local"}
        assert told(server.url, "rightsize-simulator/0.1") == {"server": "rightsize-simulator/0.1"}
        assert server.received == []


def test_another_machine_is_never_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def probe(_session: object, root: str, path: str) -> None:
        asked.append(root + path)

    monkeypatch.setattr(provenance, "_probe", probe)
    for url in ("https://api.openai.com/v1", "http://192.168.1.7:11434/v1", "http://localhost.example.com/v1"):
        assert told(url, "envoy") == {"server": "envoy"}
    assert asked == []
    told("http://127.0.0.1:9/v1")
    assert len(asked) == len(provenance.PROBES)


def test_the_key_of_an_endpoint_is_not_sent_with_the_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")

    def headers(server: Server) -> str:
        told(server.url)
        return json.dumps([request.headers for request in server.received])

    with serve() as server:
        assert "authorization" not in headers(server).lower()


# --- families -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("phi-4-mini", "phi"),
        ("microsoft/Phi-4-mini-instruct", "phi"),
        ("Phi-4-mini-instruct-generic-cpu:5", "phi"),
        ("phi3:mini", "phi"),
        ("sim-phi-mini", "phi"),
        ("gpt-4o-mini", "openai"),
        ("openai/gpt-oss-20b", "openai"),
        ("chatgpt-4o-latest", "openai"),
        ("o3-mini", "openai"),
        ("o1", "openai"),
        ("llama3.2:latest", "llama"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama"),
        ("meta-llama-3.1-8b-instruct", "llama"),
        ("codellama-13b", "llama"),
        ("Hermes-3-Llama-3.1-8B", "llama"),
        ("qwen2.5-0.5b-instruct-generic-cpu:4", "qwen"),
        ("qwq-32b", "qwen"),
        ("mixtral-8x7b", "mistral"),
        ("open-mistral-nemo", "mistral"),
        ("Ministral-8B", "mistral"),
        ("magistral-small", "mistral"),
        ("gemma-3-4b-it", "google"),
        ("gemini-2.5-flash", "google"),
        ("deepseek-r1-distill-qwen-7b", "deepseek"),
        ("us.anthropic.claude-sonnet-4", "anthropic"),
        ("granite-3.3-8b", "ibm"),
        ("grok-4", "xai"),
        ("command-r-plus", "cohere"),
        ("dolphin-unknown", None),
        ("solar-10b", None),
        ("pro1-mini", None),
        ("", None),
    ],
)
def test_the_family_of_a_model_is_read_from_its_id(model: str, family: str | None) -> None:
    assert model_family(model) == family


def test_each_gpu_is_told_where_it_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    say = provenance._say

    def answer(program: str, *arguments: str) -> str | None:
        return "Card A, 24 GiB, 1.0\nCard B, 24 GiB, 1.0\n" if program == "nvidia-smi" else say(program, *arguments)

    monkeypatch.setattr(provenance, "_say", answer)
    assert describe_machine()["gpu"] == ["Card A, 24 GiB, 1.0", "Card B, 24 GiB, 1.0"]
