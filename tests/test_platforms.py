"""Nothing in the code is of one platform only: text is UTF-8 by its own word, and no call is missing on Windows."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_layers import FILES, imports, name

TEXT = {"read_text", "write_text"}  # without an encoding they take the platform's: not UTF-8 on most Windows machines
OPENERS = {"open", "fdopen", "NamedTemporaryFile", "TextIOWrapper"}
RUNNERS = {"run", "Popen", "check_output"}
POSIX_MODULES = {"crypt", "curses", "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "syslog", "termios"}
POSIX_CALLS = {
    *("fork", "forkpty", "kill", "killpg", "setsid", "getpgid", "getuid", "geteuid", "getgid", "uname", "mkfifo"),
    *(
        "getloadavg",
        "sched_getaffinity",
        "chown",
        "nice",
        "wait3",
        "wait4",
        "sendfile",
        "set_blocking",
        "register_at_fork",
    ),
}
POSIX_SIGNALS = {
    "SIGKILL",
    "SIGHUP",
    "SIGQUIT",
    "SIGUSR1",
    "SIGUSR2",
    "SIGALRM",
    "SIGCHLD",
    "SIGPIPE",
    "alarm",
    "pause",
}
POSIX_ARGUMENTS = {"preexec_fn", "process_group", "pass_fds"}


def without_encoding(call: ast.Call) -> bool:
    """Whether a call reads or writes text in the encoding of the platform."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in given:
        return False
    if called in TEXT:
        return len(call.args) < (2 if called == "write_text" else 1)
    if called in RUNNERS:
        return bool(given.keys() & {"text", "universal_newlines"})
    if called in OPENERS:
        of_module = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "id", "") in ("os", "webbrowser")
        modes = [each.value for each in (*call.args, *given.values()) if isinstance(each, ast.Constant)]
        of_archive = isinstance(call.func, ast.Attribute) and getattr(call.func.value, "attr", "") == "_zip"
        return not of_module and not of_archive and not any("b" in m for m in modes if isinstance(m, str))
    return False


def posix_only(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        of = {"os": POSIX_CALLS, "signal": POSIX_SIGNALS}.get(node.value.id, set())
        if node.attr in of | {"add_signal_handler"}:
            yield node.attr
    if isinstance(node, ast.Call):
        yield from (str(keyword.arg) for keyword in node.keywords if keyword.arg in POSIX_ARGUMENTS)


@pytest.mark.parametrize("file", FILES, ids=name)
def test_text_is_read_and_written_as_utf8_on_every_platform(file: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    assert [f"line {call.lineno}: {ast.unparse(call)}" for call in calls if without_encoding(call)] == []


@pytest.mark.parametrize("file", FILES, ids=name)
def test_no_call_is_missing_on_windows(file: Path) -> None:
    nodes = ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    assert [said for node in nodes for said in posix_only(node)] == []
    assert not {module.partition(".")[0] for module in imports(file)} & POSIX_MODULES


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("path.read_text()", True),
        ("path.read_text(encoding='utf-8')", False),
        ("path.write_text(said)", True),
        ("open(path)", True),
        ("path.open('rb')", False),
        ("path.open('a')", True),
        ("subprocess.run(words, text=True)", True),
        ("subprocess.run(words)", False),
    ],
)
def test_a_call_in_the_encoding_of_the_platform_is_found(line: str, found: bool) -> None:
    (call,) = [node for node in ast.walk(ast.parse(line)) if isinstance(node, ast.Call)]
    assert without_encoding(call) is found
