"""The command that serves simulated models: simulate."""

from pathlib import Path
from typing import Annotated

import typer

from eval import qa_set as qa_sets
from eval import terminal
from eval.simulator.faults import Faults
from eval.simulator.profiles import read_fields
from eval.simulator.server import HOST, Settings, serve


def simulate(
    port: Annotated[list[int] | None, typer.Option(help="Port to listen on; may be repeated. 0: any free one.")] = None,
    host: Annotated[str, typer.Option(help="Address to listen on. Default: this machine only.")] = HOST,
    speed: Annotated[float, typer.Option(help="Divides all times.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Enters every answer, fault and jitter.")] = 0,
    qa_set: Annotated[Path | None, typer.Option(help="Questions it can answer. Default: the built-in set.")] = None,
    log: Annotated[Path | None, typer.Option(help="File that gets the true times of every request.")] = None,
    faults: Annotated[str, typer.Option(help="For example rate_429=0.1,retry_after_s=2,rate_drop=0.05")] = "",
) -> None:
    """Serve simulated models on loopback: an OpenAI-compatible server with known answers and latencies."""
    settings = Settings(
        qa_set=qa_sets.load(qa_set) if qa_set else None,
        faults=read_fields(Faults, faults),
        seed=seed,
        speed=speed,
        log_file=log,
    )

    def ready(urls: list[str]) -> None:
        names = ", ".join(profile.name for profile in settings.profiles)
        terminal.say(f"Simulated models {names} at {' '.join(urls)} (Ctrl-C ends it)")

    serve(settings, ports=port or [0], host=host, on_ready=ready)
