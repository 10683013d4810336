"""The command that serves what is stored: dashboard."""

from db import store
from eval import server
from eval.commands.options import Db, NoBrowser, Port


def dashboard(port: Port = None, no_browser: NoBrowser = False, db: Db = None) -> None:
    """Open the dashboard."""
    url = store.database_url(db)
    chosen_port = server.free_port(port)
    store.connect(url).dispose()
    server.serve_dashboard(url, chosen_port, open_browser=not no_browser)
