"""What ran, where and on what: the facts stored with every run so that its figures can be judged later.

Reads this machine and, for servers on it, what they tell of themselves. Never holds a key.
"""

import asyncio
import json
import platform
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psutil

from eval.transport import is_loopback

ROOT = Path(__file__).resolve().parent.parent
MAX_PROBE_BYTES = 1024 * 1024
PROBE_TIMEOUT_S = 2.0
PROBES = (  # address below the server's root, what answers there, the key it is known by, the keys worth keeping
    # LM Studio answers any address with status 200 and an error, so an answer alone says nothing.
    ("/api/version", "Ollama", "version", ("version",)),
    ("/props", "llama.cpp", "default_generation_settings", ("build_info", "model_path", "n_ctx", "total_slots")),
    ("/version", "vLLM", "version", ("version",)),
    ("/api/v0/models", "LM Studio", "data", ()),
)
FAMILIES = {
    "phi": "phi",
    "(chat)?gpt": "openai",
    r"o[134](-|$)": "openai",
    "(code|tiny)?llama": "llama",
    "(qwen|qwq)": "qwen",
    "(mis|mix|pix|minis|magis|codes|devs)tral": "mistral",
    "(code|shield)?gemma": "google",
    "gemini": "google",
    "deepseek": "deepseek",
    "claude": "anthropic",
    "granite": "ibm",
    "grok": "xai",
    "command": "cohere",
}


def model_family(model: str) -> str | None:
    """The family a model id tells of, or None; judge and target of one family are flagged.

    The first name counts that stands at the start of a word: a distilled model belongs to the family it is named for.
    """
    name = model.lower().rsplit("/", 1)[-1]
    found = [(re.search(rf"(?<![a-z0-9]){pattern}", name), family) for pattern, family in FAMILIES.items()]
    first = min(((match.start(), family) for match, family in found if match), default=None)
    return first[1] if first else None


def own_family_note(judge: str, targets: Sequence[str]) -> str:
    """What has to stand beside the scores that a judge gave targets of its own model family."""
    return f"{judge} judged its own model family, which it may favour: {', '.join(targets)}."


def _say(*command: str) -> str | None:
    """The first output of a command, or None where it is missing, slow or fails."""
    if not shutil.which(command[0]):
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True, encoding="utf-8")
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    return done.stdout.strip() or None


def _cpu() -> str:
    if platform.system() == "Darwin":
        return _say("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _source() -> dict[str, Any]:
    """The commit of a checkout and whether tracked files differ from it; None for what cannot be told."""
    commit = _say("git", "-C", str(ROOT), "rev-parse", "HEAD") if (ROOT / ".git").exists() else None
    changed = commit and _say("git", "-C", str(ROOT), "status", "--porcelain", "--untracked-files=no", "--branch")
    return {"commit": commit, "uncommitted_changes": len(changed.splitlines()) > 1 if changed else None}


def describe_machine() -> dict[str, Any]:
    """Software and hardware of this machine; memory in GiB, GPU only where it can be read."""
    gpus = _say("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    return {
        "rightsize": version("rightsize"),
        **_source(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("openai", "aiohttp", "httpx2")},
        "os": platform.platform(),
        "cpu": _cpu(),
        "cores": psutil.cpu_count(logical=False) or psutil.cpu_count(),
        "threads": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": gpus.splitlines() if gpus else None,
    }


async def _probe(session: aiohttp.ClientSession, root: str, path: str) -> dict[str, Any] | None:
    try:
        async with session.get(root + path, allow_redirects=False) as response:
            if response.status != 200:
                return None
            content = bytearray()
            async for chunk in response.content.iter_any():
                content += chunk
                if len(content) > MAX_PROBE_BYTES:
                    return None
            body = json.loads(content)
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


async def describe_server(url: str, server_header: str | None) -> dict[str, Any]:
    """What the server at an endpoint tells of itself; only servers on this machine are asked beyond their header."""
    told: dict[str, Any] = {"server": server_header}
    if (server_header or "").startswith("oatpp"):
        return told | {"software": "Foundry Local"}
    if not is_loopback(urlsplit(url).hostname or "") or (server_header or "").startswith("rightsize-simulator"):
        return told
    root = url.removesuffix("/v1")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PROBE_TIMEOUT_S)) as session:
        bodies = await asyncio.gather(*(_probe(session, root, path) for path, *_ in PROBES))
    for (_, software, known_by, keys), body in zip(PROBES, bodies, strict=True):
        if body is not None and known_by in body:
            settings = body.get("default_generation_settings")
            body = body | settings if isinstance(settings, dict) else body
            return told | {"software": software} | {key: body[key] for key in keys if key in body}
    return told
