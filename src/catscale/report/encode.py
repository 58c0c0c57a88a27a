"""Figures as the page's data: compact JSON that can stand inside a script element."""

import json
from collections.abc import Sequence
from typing import Any

from catscale.report.figures.figure import Figure
from catscale.report.figures.theme import CONFIG
from catscale.report.series import round_numbers
from catscale.system.console.safe_text import all_for_figure


def encode_page_data(figures: Sequence[Figure], methods: Sequence[str]) -> str:
    """Return everything that the page's script draws: theme, methods, and each figure's specification, rows and
    choice."""
    content = {
        "config": CONFIG,
        "methods": all_for_figure(list(methods)),  # as in the rows
        "figures": [
            {
                "name": figure.name,
                "spec": figure.spec,
                "table": encode_rows(round_numbers(figure.rows, 5)),
                "choice": None if figure.choice is None else vars(figure.choice),
            }
            for figure in figures
        ],
    }
    return escape_script(json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def encode_rows(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return rows as columns, with texts as places in a list of distinct ones: a fifth of the bytes.

    Example:
        >>> encode_rows([{"m": "a", "x": 1}, {"m": "a", "x": 2}])
        {'length': 2, 'columns': {'m': {'levels': ['a'], 'codes': [0, 0]}, 'x': [1, 2]}}
    """
    columns: dict[str, Any] = {}
    for key in rows[0] if rows else ():
        values = [row[key] for row in rows]
        if all(isinstance(value, str) for value in values):
            levels = {value: place for place, value in enumerate(dict.fromkeys(values))}
            columns[key] = {"levels": list(levels), "codes": [levels[value] for value in values]}
        else:
            columns[key] = values
    return {"length": len(rows), "columns": columns}


def escape_script(text: str) -> str:
    """Return JSON that no HTML parser takes for the end of a script, or a comment.

    Example:
        >>> escape_script('"</script>"')
        '"\\\\u003c/script>"'
    """
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
