"""A chart as Vega-Lite itself: its rows, and what is drawn of them.

For charts that must be quick to put together; the others are Altair's, which writes the same language.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"  # the language's name; nothing is fetched from there


@dataclass(frozen=True, slots=True)
class Drawing:
    """Rows and a Vega-Lite specification without data."""

    rows: pd.DataFrame
    spec: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The specification with its rows in it, as Altair's charts give it."""
        records: Any = self.rows.astype(object).where(self.rows.notna(), None).to_dict("records")
        return {"$schema": SCHEMA, "data": {"values": records}, **self.spec}
