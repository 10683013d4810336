"""Streamlit with the slow imports under way before the first visitor: `python -m dashboard.warm run APP [OPTIONS]`.

Streamlit runs the app's script, and with it all imports, when the first browser connects. Here a thread imports the
libraries that the pages stand on while the browser still loads Streamlit's own code. Otherwise it is `streamlit`.

With `--until-stdin-closes` before `run` it ends when its standard input does: a parent that holds the other end of the
pipe takes it along however it dies, also on Windows.
"""

import importlib
import os
import sys
import threading

from streamlit.web import cli

UNTIL_STDIN_CLOSES = "--until-stdin-closes"
SLOW = ("altair", "pandas", "db.store", "db.frames", "eval.summary", "eval.rubric")


def _import_slow() -> None:
    for name in SLOW:
        importlib.import_module(name)


def _end_with(pipe: int) -> None:
    while os.read(pipe, 4096):
        pass
    os._exit(0)  # from a thread nothing gentler is sure to end a server; what is stored is stored by transactions


def _watch_stdin() -> None:
    """End this process when its standard input closes; commands started from here get an empty one instead."""
    pipe = os.dup(0)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    threading.Thread(target=_end_with, args=(pipe,), name="parent", daemon=True).start()


def main() -> None:
    """Start the imports, then hand over to Streamlit's command line."""
    if sys.argv[1:2] == [UNTIL_STDIN_CLOSES]:
        del sys.argv[1]
        _watch_stdin()
    threading.Thread(target=_import_slow, name="imports", daemon=True).start()
    sys.argv[0] = "streamlit"
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
