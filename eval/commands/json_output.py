"""JSON for machines, on standard output."""

import json
import sys
from typing import Any


def print_json(value: Any) -> None:
    """A value as JSON on standard output."""
    json.dump(value, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
