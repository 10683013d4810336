"""What must not leave with an export: keys, tokens and passwords, should settings hold any after all. Pure."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MASK = "***"
_SECRET = re.compile(
    r"(^|[-_ .])(x?[-_]?api[-_]?key|key|(access|auth|bearer|id|refresh|session)?[-_]?token|secret|client[-_]?secret|"
    r"pass(word|wd|phrase)|authori[sz]ation|credentials?|cookie|signature|sig)$",
    re.IGNORECASE,
)
_LOOKS_LIKE_ONE = re.compile(r"\b(sk|pk|rk|ghp|gho|xox[abp]|hf)[-_][A-Za-z0-9_-]{16,}|\bBearer\s+\S{8,}")
_URL = re.compile(r"\b[a-z][a-z0-9+.-]*://[^\s\"'<>]+", re.IGNORECASE)


def without_secrets(value: Any) -> Any:
    """JSON with what is named like a secret, or looks like one, replaced by three stars.

    The name of an environment variable is no secret: keys that end in _env are left.
    """
    if isinstance(value, dict):
        return {
            key: MASK if isinstance(item, str) and item and _SECRET.search(key) else without_secrets(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if isinstance(value, str):
        return _URL.sub(lambda found: plain_address(found[0]), _LOOKS_LIKE_ONE.sub(MASK, value))
    return value


def plain_address(address: str) -> str:
    """An address without user, password, and whatever in its query is named like a secret."""
    try:
        parts = urlsplit(address)
        query = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return MASK
    host = parts.netloc.rpartition("@")[2]
    secret = any(_SECRET.search(name) for name, _ in query)
    if host == parts.netloc and not secret:
        return address
    masked = urlencode([(name, MASK if _SECRET.search(name) else text) for name, text in query], safe="*")
    return urlunsplit((parts.scheme, host, parts.path, masked, parts.fragment))
