"""What ran, where and on what: the facts stored with every run so that its figures can be judged later.

Reads this machine and, for servers on it, what they tell of themselves. Never holds a key.
"""

import asyncio
import json
import platform
import re
import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import psutil

from eval.transport import is_loopback

ROOT = Path(__file__).resolve().parent.parent
PROBES = (  # address below the server's root, what answers there, the keys worth keeping
    ("/api/version", "Ollama", ("version",)),
    ("/props", "llama.cpp", ("build_info", "model_path", "n_ctx", "total_slots")),
    ("/version", "vLLM", ("version",)),
    ("/api/v0/models", "LM Studio", ()),
)
FAMILIES = {
    "phi": "phi",
    "gpt": "openai",
    r"o[134](-|$)": "openai",
    "llama": "llama",
    "qwen": "qwen",
    "mi[sx]tral": "mistral",
    "ministral": "mistral",
    "gemma": "google",
    "gemini": "google",
    "deepseek": "deepseek",
    "claude": "anthropic",
    "granite": "ibm",
    "grok": "xai",
    "command": "cohere",
}


def model_family(model: str) -> str | None:
    """The family a model id tells of, or None; judge and target of one family are flagged."""
    name = model.lower().rsplit("/", 1)[-1]
    return next((family for pattern, family in FAMILIES.items() if re.match(rf"(sim-)?{pattern}", name)), None)


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


def _commit() -> str | None:
    return _say("git", "-C", str(ROOT), "rev-parse", "HEAD") if (ROOT / ".git").exists() else None


def describe_machine() -> dict[str, Any]:
    """Software and hardware of this machine; memory in GiB, GPU only where it can be read."""
    gpus = _say("nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader")
    return {
        "rightsize": version("rightsize"),
        "commit": _commit(),
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
            body = json.loads(await response.content.read(65_536))
    except (aiohttp.ClientError, TimeoutError, ValueError):
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
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        bodies = await asyncio.gather(*(_probe(session, root, path) for path, *_ in PROBES))
    for (_, software, keys), body in zip(PROBES, bodies, strict=True):
        if body is not None:
            return told | {"software": software} | {key: body[key] for key in keys if key in body}
    return told
