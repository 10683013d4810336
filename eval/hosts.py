"""Which machine and which server an address leads to: who would contend with whom, and who is the same.

Names are compared as written; none is looked up, so two names of one other machine count as two.
"""

import socket
from functools import cache
from urllib.parse import urlsplit

import psutil

from eval.transport import is_loopback

HERE = "this machine"


@cache
def _own_names() -> frozenset[str]:
    """The addresses and names by which this machine may be called besides loopback."""
    addresses = {address.address.partition("%")[0] for its in psutil.net_if_addrs().values() for address in its}
    names = {socket.gethostname(), f"{socket.gethostname()}.local", "host.docker.internal"}
    return frozenset(name.lower() for name in addresses | names)


def host_of(url: str) -> str:
    """The host behind an address; all names of this machine are one."""
    host = (urlsplit(url).hostname or "").lower()
    return HERE if is_loopback(host) or host in _own_names() else host


def endpoint_of(url: str) -> str:
    """Host, port and path of an address: the same for the same endpoint, however this machine is called in it."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{host_of(url)}:{port}{parts.path.rstrip('/')}"
