"""Streamlit with the slow imports under way before the first visitor: `python -m dashboard.warm run APP [OPTIONS]`.

Streamlit runs the app's script, and with it all imports, when the first browser connects. Here a thread imports the
libraries that the pages stand on while the browser still loads Streamlit's own code. Otherwise it is `streamlit`.
"""

import importlib
import sys
import threading

from streamlit.web import cli

SLOW = ("altair", "pandas", "db.store", "db.frames", "eval.summary", "eval.rubric")


def _import_slow() -> None:
    for name in SLOW:
        importlib.import_module(name)


def main() -> None:
    """Start the imports, then hand over to Streamlit's command line."""
    threading.Thread(target=_import_slow, name="imports", daemon=True).start()
    sys.argv[0] = "streamlit"
    cli.main(prog_name="streamlit")


if __name__ == "__main__":
    main()
