"""The benchmarks can be begun and their memory is a peak; what they measure is never asserted."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import psutil
import pytest

HOME = Path(__file__).parents[1]
FILES = sorted((HOME / "tests" / "benchmarks").glob("*.py"))


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmark_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_benchmark_finds_everything_it_measures(file: Path) -> None:
    assert callable(load(file).main)


def test_the_readme_names_every_benchmark() -> None:
    readme = (HOME / "README.md").read_text(encoding="utf-8")
    made_by_another = {"million"}  # the database of pages.py
    assert [
        f.name for f in FILES if f.stem not in made_by_another and f"tests/benchmarks/{f.name}`" not in readme
    ] == []


@pytest.mark.skipif(os.name != "nt" and not Path("/proc/self/status").exists(), reason="macOS tells no peak of memory")
def test_memory_that_was_given_back_is_in_the_peak() -> None:
    peak_mib = load(HOME / "tests" / "benchmarks" / "lateness.py").peak_mib
    process = psutil.Process()
    held = bytearray(os.urandom(1024)) * (200 * 2**10)
    with_it = process.memory_info().rss / 2**20
    del held
    assert peak_mib(process) >= with_it - 1
    assert process.memory_info().rss / 2**20 < with_it - 100
