"""The browser for tests is found on every platform; without one tests are skipped, and fail in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from browser import CHOSEN, NAMES, PLACES, find_browser, how_to_get

BOTH = [(platform, place) for platform, places in PLACES.items() for place in places]


def make(file: Path) -> Path:
    file.parent.mkdir(parents=True)
    file.touch(mode=0o755)
    return file


@pytest.mark.parametrize(("platform", "place"), BOTH)
def test_a_browser_is_found_where_it_is_usually_installed(platform: str, place: str, tmp_path: Path) -> None:
    folder = "Programs" if platform == "win32" else "Applications"
    environment = {"PATH": "", "HOME": str(tmp_path), "PROGRAMFILES(X86)": str(tmp_path / "Programs")}
    assert find_browser(platform, environment) is None
    file = make(tmp_path / folder / place)
    assert find_browser(platform, environment) == file


@pytest.mark.skipif(sys.platform == "win32", reason="there a program needs an ending")
@pytest.mark.parametrize("name", NAMES)
def test_a_browser_on_the_path_is_found(name: str, tmp_path: Path) -> None:
    assert find_browser("linux", {"PATH": str(tmp_path)}) is None
    file = make(tmp_path / "bin" / name)
    assert find_browser("linux", {"PATH": str(tmp_path / "bin")}) == file


def test_the_one_that_is_chosen_goes_first_and_no_other_takes_its_place(tmp_path: Path) -> None:
    make(tmp_path / "bin" / "chromium")
    own = make(tmp_path / "own" / "browser")
    environment = {"PATH": str(tmp_path / "bin"), CHOSEN: str(own)}
    assert find_browser("linux", environment) == own
    assert find_browser("linux", environment | {CHOSEN: str(tmp_path / "gone")}) is None


@pytest.mark.parametrize(("platform", "how"), [("win32", "winget"), ("darwin", "brew"), ("linux", "apt-get")])
def test_how_to_get_one_is_said_for_the_platform(platform: str, how: str) -> None:
    assert f"get one with: {how} install" in how_to_get(platform)


@pytest.mark.parametrize(("ci", "code", "word"), [("", 0, "1 skipped"), ("true", 1, "1 error")])
def test_without_a_browser_a_test_is_skipped_and_fails_in_ci(ci: str, code: int, word: str, tmp_path: Path) -> None:
    (tmp_path / "test_page.py").write_text("def test_page(chromium):\n    assert chromium\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "browser", "-rsE", "-n", "0", "test_page.py"],
        cwd=tmp_path,
        env=os.environ | {"CI": ci, CHOSEN: str(tmp_path / "none"), "PYTHONPATH": str(Path(__file__).parent)},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stdout
    assert word in done.stdout
    assert "get one with:" in done.stdout
