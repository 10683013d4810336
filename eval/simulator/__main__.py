"""`python -m eval.simulator`: the simulator as a process of its own, which ends with the process that started it.

It prints one JSON line, {"urls": [...]}, when it is ready, and stops when its standard input closes. The command for
people is `rightsize simulate`.
"""

import argparse
import json
import sys
from pathlib import Path

from eval import qa_set
from eval.simulator.faults import Faults
from eval.simulator.profiles import PROFILES, Profile, SimulatorError, read_fields
from eval.simulator.server import HOST, Settings, serve


def _ports(text: str) -> list[int]:
    try:
        return [int(port) for port in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f'"{text}" is no list of ports such as 0,0') from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m eval.simulator", description=__doc__)
    parser.add_argument("--ports", type=_ports, default=[0], help="ports, separated by commas; 0 is any free one")
    parser.add_argument("--host", default=HOST, help="address to listen on (default: this machine only)")
    parser.add_argument("--speed", type=float, default=1.0, help="divides all times")
    parser.add_argument("--seed", type=int, default=0, help="enters every answer, fault and jitter")
    parser.add_argument("--qa-set", type=Path, help="questions it can answer (default: the built-in set)")
    parser.add_argument("--log", type=Path, help="file that gets a JSON line a request")
    parser.add_argument("--api-key", help="demand this key of every request")
    parser.add_argument("--faults", default="", help="for example rate_429=0.1,retry_after_s=2,script=500+ok+drop")
    parser.add_argument(
        "--profile",
        action="append",
        default=[],
        help="a model instead of the usual ones, for example name=bench,ttft_ms=50,itl_ms=10,fixed_tokens=100; "
        "may be repeated",
    )
    parser.add_argument("--ready-file", type=Path, help="file that gets the line with the URLs, too")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the simulator until standard input closes; returns the exit status."""
    given = _parser().parse_args(arguments)

    def ready(urls: list[str]) -> None:
        line = json.dumps({"urls": urls})
        print(line, flush=True)
        if given.ready_file:
            given.ready_file.write_text(line + "\n", encoding="utf-8")

    try:
        settings = Settings(
            profiles=tuple(read_fields(Profile, text) for text in given.profile) or PROFILES,
            qa_set=qa_set.load(given.qa_set) if given.qa_set else None,
            faults=read_fields(Faults, given.faults),
            seed=given.seed,
            speed=given.speed,
            api_key=given.api_key,
            log_file=given.log,
        )
        serve(settings, ports=given.ports, host=given.host, on_ready=ready, until_stdin_closes=True)
    except (SimulatorError, qa_set.QASetError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
