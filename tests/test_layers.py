"""The layers hold: dashboard -> eval -> db, Streamlit and openai only where they belong, and no page is imported."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    file
    for package in ("db", "eval", "dashboard")
    for file in (ROOT / package).rglob("*.py")
    if "versions" not in str(file)
)
PURE = [
    *(ROOT / "eval" / "stats").glob("*.py"),
    *(ROOT / "eval" / "cost").glob("*.py"),
    ROOT / "eval" / "rubric.py",
    ROOT / "eval" / "qa_set.py",
    ROOT / "eval" / "faults.py",
]
WITHOUT_STREAMLIT = [*(ROOT / "dashboard" / "charts").glob("*.py"), ROOT / "dashboard" / "format.py"]


def imports(file: Path) -> Iterator[str]:
    """Every module a file imports, wherever in it, by its full name."""
    package = ".".join(file.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = f"{package}.{node.module or ''}".rstrip(".") if node.level else node.module or ""
            yield module
            yield from (f"{module}.{name.name}" for name in node.names)


def roots(file: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(file)}


def name(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def test_there_is_something_to_check():
    assert len(FILES) > 20
    assert all(file.exists() for file in [*PURE, *WITHOUT_STREAMLIT])


@pytest.mark.parametrize("file", [f for f in FILES if name(f).startswith("db/")], ids=name)
def test_db_imports_neither_eval_nor_dashboard(file: Path):
    assert not roots(file) & {"eval", "dashboard", "streamlit", "openai"}


@pytest.mark.parametrize("file", [f for f in FILES if name(f).startswith("eval/")], ids=name)
def test_eval_never_imports_dashboard(file: Path):
    assert not roots(file) & {"dashboard", "streamlit"}


@pytest.mark.parametrize("file", [f for f in FILES if name(f) != "eval/endpoint.py"], ids=name)
def test_openai_is_imported_by_the_endpoint_only(file: Path):
    assert "openai" not in roots(file)


@pytest.mark.parametrize("file", WITHOUT_STREAMLIT, ids=name)
def test_charts_and_format_know_nothing_of_streamlit_or_the_database(file: Path):
    assert "streamlit" not in roots(file)
    assert not [module for module in imports(file) if module.startswith(("db.", "dashboard.data", "dashboard.widgets"))]


@pytest.mark.parametrize("file", PURE, ids=name)
def test_the_pure_parts_know_no_database_network_or_clock(file: Path):
    assert not roots(file) & {
        "db",
        "sqlalchemy",
        "sqlmodel",
        "aiohttp",
        "httpx2",
        "socket",
        "time",
        "datetime",
        "random",
    }


@pytest.mark.parametrize("file", FILES, ids=name)
def test_nobody_imports_a_page(file: Path):
    assert not [module for module in imports(file) if "app_pages" in module or module == "dashboard.app"]


@pytest.mark.parametrize("file", sorted((ROOT / "dashboard" / "app_pages").glob("*.py")), ids=name)
def test_pages_leave_frames_to_others(file: Path):
    assert not roots(file) & {"pandas", "altair", "sqlalchemy"}


@pytest.mark.parametrize("file", [f for f in FILES if name(f).startswith("dashboard/")], ids=name)
def test_only_data_caches_and_no_page_writes_html(file: Path):
    text = file.read_text(encoding="utf-8")
    assert "unsafe_allow_html=True" not in text
    assert "st.html" not in text
    if file.name != "data.py":
        assert "cache_data" not in text
        assert "cache_resource" not in text


@pytest.mark.parametrize("file", [f for f in FILES if name(f).startswith("dashboard/")], ids=name)
def test_every_table_has_its_csv_beside_it(file: Path):
    """`show_table` puts it there; a table that can be edited is drawn elsewhere and asks for it."""
    text = file.read_text(encoding="utf-8")
    assert text.count("st.dataframe(") + text.count("st.table(") == (name(file) == "dashboard/widgets.py")
    assert text.count("st.data_editor(") <= text.count("widgets.csv_button(")
