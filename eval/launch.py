"""Starts a `rightsize` command as a process of its own, so that a run outlives the page that asked for it.

What the process does is followed through the database; its output goes to a log file beside it.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path


def launch(arguments: Sequence[str], db_url: str) -> Path:
    """Start `rightsize ARGUMENTS` on a database, detached from this process; returns the path of its log.

    The process survives this one (a closed browser, a restarted dashboard) on Windows as elsewhere.
    """
    handle, name = tempfile.mkstemp(prefix="rightsize-", suffix=".log")
    flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS if sys.platform == "win32" else 0
    with os.fdopen(handle, "wb") as log:
        subprocess.Popen(
            [sys.executable, "-m", "eval.cli", *arguments],
            env=os.environ | {"RIGHTSIZE_DB": db_url, "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            creationflags=flags,
            start_new_session=sys.platform != "win32",
        )
    return Path(name)
