"""Charts of pages, drawn by unfold's Chart.js from a canvas's attribute. A table with the figures stands beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence


def chart(labels: Sequence[str], figures: Sequence[float], name: str) -> str:
    """The attribute of a bar chart with one row of figures."""
    row = {
        "label": name, "data": list(figures), "backgroundColor": "var(--color-primary-600)",
        "maxBarThickness": 32, "borderRadius": 3, "displayYAxis": True,  # unfold's are 4 px wide, without a scale
    }  # fmt: skip
    return json.dumps({"labels": list(labels), "datasets": [row]})
