"""Streamlit that ends when its standard input closes: `python -m dashboard.tethered run APP [OPTIONS]`.

A parent that holds the other end of the pipe takes it along however it dies, also on Windows. Otherwise it is
`streamlit`.
"""

import os
import sys
import threading

from streamlit.web import cli


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
    """Watch the parent, then hand over to Streamlit's command line."""
    _watch_stdin()
    sys.argv[0] = "streamlit"
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
