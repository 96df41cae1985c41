"""Finished table -> an HTML table that is read with ease: units, aligned numbers, no index."""

from __future__ import annotations

import datetime
import html
from collections.abc import Sequence

import numpy as np
import pandas as pd

from segkit.errors import SegkitError, suggest_name
from segkit.report.findings import (
    MISSING,
    format_money,
    format_number,
    format_share,
    plural,
)

KINDS = ("integer", "share", "money", "number", "date", "text")
_MONEY = ("amount", "price", "profit", "revenue", "sales", "spend", "value", "margin", "budget")
_NOUNS = {"customer": "customers", "order": "orders", "category": "categories", "row": "rows"}
_WHOLES = {**_NOUNS, **{word: word for word in ("spend", "value", "profit", "revenue", "sales")}}
_WORDS = {"kpi": "KPI", "rfm": "RFM", "id": "ID"}


def show_table(
    df: pd.DataFrame,
    *,
    caption: str,
    columns: dict[str, str] | None = None,
    formats: dict[str, str] | None = None,
    bars: Sequence[str] = (),
    currency: str = "",
    max_rows: int = 30,
) -> None:
    """Display a finished table; everything in it is escaped.

    Parameters
    ----------
    df : DataFrame
        What to show; its index is left out.
    caption : str
        What the table shows; also its name for screen readers.
    columns : dict of str to str, optional
        The columns to show, in this order, with their headings; all, if not given. A heading of
        "" is made from the column's name.
    formats : dict of str to str, optional
        How a column is written: integer, share (0 to 1 as a percentage), money, number, date or
        text. Columns that are not named are guessed from their name and type.
    bars : sequence of str, optional
        Numeric columns that get a bar beside each number; the largest is the longest.
    currency : str, optional
        Added to the headings of money columns.
    max_rows : int, optional
        Further rows are left out, and a line says how many.

    Raises
    ------
    SegkitError
        If a named column is absent, or a format is not known.
    """
    from IPython.display import display

    options = {"columns": columns, "formats": formats, "bars": bars, "currency": currency}
    markup = build_table(df, caption=caption, max_rows=max_rows, **options)
    display({"text/html": markup, "text/plain": f"{caption}\n{df.head(max_rows)}"}, raw=True)


def build_table(
    df: pd.DataFrame,
    *,
    caption: str,
    columns: dict[str, str] | None = None,
    formats: dict[str, str] | None = None,
    bars: Sequence[str] = (),
    currency: str = "",
    max_rows: int = 30,
) -> str:
    """Return the HTML that :func:`show_table` displays."""
    names = list(columns) if columns else list(df.columns)
    _check_names(df, [*names, *(formats or {}), *bars])
    kinds = {name: (formats or {}).get(name) or guess_format(df[name]) for name in names}
    for name, kind in kinds.items():
        if kind not in KINDS:
            fix = suggest_name(kind, KINDS)
            raise SegkitError(f"unknown format of column {name}", found=repr(kind), fix=fix)
    shown = df.head(max_rows)
    cells = {name: _write_column(df[name], kinds[name]).head(max_rows) for name in names}
    sizes = {name: _measure_bars(df[name]).head(max_rows) for name in bars}

    aligns = {name: _align(kinds[name], cells[name]) for name in names}
    heads = []
    for name in names:
        text = (columns or {}).get(name) or label_column(name)
        if kinds[name] == "money" and currency:
            text = f"{text}, {currency}"
        align = ' class="number bar"' if name in sizes else aligns[name]
        heads.append(f'<th scope="col"{align}>{html.escape(text)}</th>')
    lines = []
    for place in range(len(shown)):
        line = []
        for position, name in enumerate(names):
            text = html.escape(cells[name].iloc[place])
            align = aligns[name]
            if name in sizes:
                align = f' class="number bar" style="--size:{sizes[name].iloc[place]:g}"'
            tag = "th" if position == 0 and kinds[name] == "text" else "td"
            scope = ' scope="row"' if tag == "th" else ""
            line.append(f"<{tag}{scope}{align}>{text}</{tag}>")
        lines.append(f"<tr>{''.join(line)}</tr>")
    if not lines:
        reason = html.escape(str(df.attrs.get("reason", "There are no rows to show.")))
        lines = [f'<tr><td colspan="{max(len(names), 1)}">{reason}</td></tr>']
    hidden = len(df) - len(shown)
    more = f'\n<p class="more">{plural(hidden, "more row")} not shown.</p>' if hidden else ""
    escaped, body = html.escape(caption), "\n".join(lines)
    return (
        f'<div class="table"><div class="scroll" role="region" tabindex="0" aria-label="{escaped}">'
        f"<table><caption><span>{escaped}</span></caption>\n<thead><tr>{''.join(heads)}</tr></thead>\n"
        f"<tbody>\n{body}\n</tbody></table></div>{more}</div>"
    )


def guess_format(column: pd.Series) -> str:
    """Tell from a column's name and type how its values are best written.

    >>> guess_format(pd.Series([0.2], name="spend_share"))
    'share'
    """
    name = str(column.name).lower()
    last = name.rsplit("_", 1)[-1]
    if pd.api.types.is_datetime64_any_dtype(column):
        return "date"
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        held = column.dropna()
        dates = len(held) and all(isinstance(value, datetime.date) for value in held)
        return "date" if dates else "text"
    if last == "year" or last == "id":
        return "text"
    if last in ("share", "rate", "penetration", "growth"):
        return "share"
    if last in ("count", "days", "months", "hours", "rank", "score") or last in _NOUNS.values():
        whole = (column.dropna() % 1 == 0).all()
        return "integer" if whole or last in ("count", "days") else "number"
    if any(word in name.split("_") for word in _MONEY):
        return "money"
    return "integer" if pd.api.types.is_integer_dtype(column) else "number"


def label_column(name: object) -> str:
    """Turn a column's name into a heading with its unit.

    >>> [label_column(n) for n in ("segment_name", "order_count", "spend_share", "recency_days")]
    ['Segment', 'Orders', 'Share of spend', 'Recency, days']
    """
    words = str(name).split("_")
    stem, last = words[:-1], words[-1]
    if stem and last == "name":
        text = " ".join(stem)
    elif stem and last == "count":
        text = " ".join([*stem[:-1], _NOUNS.get(stem[-1], _pluralise(stem[-1]))])
    elif last == "share" and len(stem) == 1 and stem[0] in _WHOLES:
        text = f"share of {_WHOLES[stem[0]]}"
    elif stem and last in ("days", "months", "hours", "years", "sd"):
        text = f"{' '.join(stem)}, {last}"
    else:
        text = " ".join(words)
    text = " ".join(_WORDS.get(word, word) for word in text.split(" "))
    return text[:1].upper() + text[1:]


def _check_names(df: pd.DataFrame, names: list[str]) -> None:
    for name in names:
        if name not in df.columns:
            raise SegkitError(
                f"the table has no column '{name}'",
                where="show_table",
                fix=suggest_name(str(name), [str(column) for column in df.columns]),
            )


def _write_column(column: pd.Series, kind: str) -> pd.Series:
    """Write every value of a column with the same number of decimals."""
    if kind == "text":
        return column.map(_write_text).astype(str)
    if kind == "date":
        return column.map(_write_date).astype(str)
    numbers = pd.to_numeric(column, errors="coerce")
    numbers = numbers.where(np.isfinite(numbers.astype(float)))
    largest = float(numbers.abs().max()) if numbers.notna().any() else 0.0
    if kind == "share":
        return numbers.map(format_share).astype(str)
    if kind == "money":
        decimals = 0 if largest >= 1000 else 2
        return numbers.map(lambda value: format_money(value, decimals=decimals)).astype(str)
    if kind == "integer" or bool((numbers.dropna() % 1 == 0).all()):
        decimals = 0
    else:
        decimals = 1 if largest >= 100 else 2
    return numbers.map(lambda value: format_number(value, decimals)).astype(str)


def _write_text(value: object) -> str:
    if isinstance(value, (list, tuple, np.ndarray)):
        return ", ".join(map(str, value)) or MISSING
    if pd.isna(value) or value == "":
        return MISSING
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return str(value)


def _write_date(value: object) -> str:
    return MISSING if pd.isna(value) else f"{pd.Timestamp(value):%Y-%m-%d}"


def _measure_bars(column: pd.Series) -> pd.Series:
    """Length of each value's bar, from 0 to 1 for the largest."""
    numbers = pd.to_numeric(column, errors="coerce").clip(lower=0).fillna(0)
    return (numbers / (numbers.max() or 1)).round(3)


def _align(kind: str, cells: pd.Series) -> str:
    """Put numbers to the right; give long texts room, so that rows stay low."""
    if kind not in ("text", "date"):
        return ' class="number"'
    longest = max(map(len, cells), default=0)
    width = "date" if kind == "date" else "long" if longest > 28 else "name" if longest > 12 else ""
    return (f' class="{width}"' if width else "") + ' style="text-align:left"'


def _pluralise(noun: str) -> str:
    return noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
