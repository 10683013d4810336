"""A configuration and a rubric of a user, written to files, and what is said of a plan that cannot be carried out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eval.plan import Overrides, PlanError, make_plan

TARGET = "small=phi@http://127.0.0.1:9/v1"
GOOD = """
[endpoints.laptop]
url = "http://127.0.0.1:5273/v1"

[endpoints.cloud]
url = "https://api.example.com/v1/"
api_key_env = "CLOUD_KEY"
concurrency = 8

[targets.small]
model = "phi"
endpoint = "laptop"

[targets.hybrid]
kind = "draft-and-refine"
draft = { model = "phi", endpoint = "laptop" }
refine = { model = "gpt", endpoint = "cloud" }

[judge]
model = "judge"
endpoint = "cloud"
protocol = "study"

[run]
repeats = 3
warmup = 2
limit = 5

[prices.gpt]
input_usd_per_mtok = 1.25
output_usd_per_mtok = 10
kind = "quoted"
source = "price list"
"""
RUBRIC = """
name = "ours"
version = "3"
instruction = "Score."
[[criteria]]
id = "tone"
label = "Tone"
question = "Is it polite?"
anchors = { 1 = "No.", 2 = "Hardly.", 3 = "Somewhat.", 4 = "Yes.", 5 = "Very." }
"""


def writer(name: str) -> Any:
    """A fixture that writes the file of that name and gives its path."""

    @pytest.fixture
    def written(tmp_path: Path) -> Callable[[str | bytes], Path]:
        def write(content: str | bytes) -> Path:
            path = tmp_path / name
            path.write_bytes(content.encode() if isinstance(content, str) else content)
            return path

        return write

    return written


written = writer("rightsize.toml")


def refusal(config: Path | None = None, **given: Any) -> str:
    """What is said of a plan that cannot be carried out: one line."""
    with pytest.raises(PlanError) as caught:
        make_plan(Overrides(**given), config)
    said = str(caught.value)
    assert "Input should" not in said  # nothing in the words of a library
    assert "?." not in said
    return said
