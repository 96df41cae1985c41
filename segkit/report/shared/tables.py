"""Finished table -> an HTML table that is read with ease: units, aligned numbers, no index."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd

from segkit.core.absence import explain_empty
from segkit.core.errors import SegkitError, suggest_name
from segkit.core.findings import HIDDEN
from segkit.core.periods import word_spend
from segkit.core.privacy import CUSTOMERS, Published
from segkit.features.wording import capitalise, name_feature, word_rule
from segkit.models.kinds import find_kind
from segkit.report.shared.figures import ABSENT
from segkit.report.shared.numbers import (
    MISSING,
    format_number,
    format_points,
    format_share,
    join_period,
    plural,
    write_ranges,
)
from segkit.report.shared.views import FEATURE, RULE, Column, View, view_of

TEMPLATES = Path(__file__).parents[1] / "templates" / "segkit"
PAGES = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
KINDS = ("integer", "share", "points", "money", "number", "date", "text")
_MONEY = {"amount", "price", "profit", "revenue", "sales", "spend", "value", "margin", "budget"}
OF_MONEY = re.compile(r"spend|sales|profit", re.IGNORECASE)
_NOUNS = {"customer": "customers", "order": "orders", "category": "categories", "row": "rows"}
_WHOLES = _NOUNS | {word: word for word in ("spend", "value", "profit", "revenue", "sales")}
_WORDS = {"kpi": "KPI", "rfm": "RFM", "id": "ID", "aic": "AIC", "bic": "BIC"}


def show_table(
    table: Published,
    *,
    caption: str,
    columns: Sequence[str] | None = None,
    max_rows: int = 30,
    folded: bool = False,
) -> None:
    """Display a published table as its view says.

    Parameters
    ----------
    table : Published
        A table that passed the gate, with its view.
    caption : str
        What the table shows; also its name for screen readers.
    columns : sequence of str, optional
        Names of the view's columns that are shown; all, if not given.
    max_rows : int, optional
        Further rows are left out, and a line says how many.
    folded : bool, optional
        Whether the table opens only when it is asked for.

    Raises
    ------
    SegkitError
        If the table has not passed the gate.
    """
    from IPython.display import display

    require_published(table, "show_table")
    laid = lay_out_view(table, columns)
    frame = laid.pop("table")
    caption = word_spend(caption, table.period)
    is_of_money = OF_MONEY.search(caption) or _tells_of_money(laid, frame)
    if table.shape.population == CUSTOMERS and is_of_money:
        caption = join_period(caption, table.period)
    markup = build_table(frame, caption=caption, max_rows=max_rows, folded=folded, **laid)
    display(
        {"text/html": markup, "text/plain": f"{caption}\n{frame.head(max_rows)}"},
        metadata={"text/html": {ABSENT: explain_empty(frame)}} if frame.empty else {},
        raw=True,
    )


def _tells_of_money(laid: dict[str, Any], frame: pd.DataFrame) -> bool:
    """Tell whether a table has sums of money, or shares of one, so that its time is to be named."""
    for name, heading in laid["columns"].items():
        kind = laid["formats"].get(name) or guess_format(frame[name])
        if kind == "money" or OF_MONEY.search(heading or label_column(name)):
            return True
    return False


def require_published(table: object, where: str) -> None:
    """Raise an error if a table has not passed the gate."""
    if not isinstance(table, Published):
        raise SegkitError(
            "only a published table is shown",
            where=where,
            found=type(table).__name__,
            fix="Let it through the gate first: shown = ws.publish(table, VIEW).",
        )


def lay_out_view(published: Published, chosen: Sequence[str] | None = None) -> dict[str, Any]:
    """Return the table of a published one as it is shown, and the options of :func:`build_table`.

    Columns that the table does not have, or that are all missing, are left out.
    """
    view = view_of(published)
    table = published.frame
    known = view.columns or {str(name): Column() for name in table.columns if name != HIDDEN}
    columns = {}
    formats = {}
    bars = []
    for name in chosen or known:
        column = known.get(name, Column())
        if column.interval is not None:
            low, high = column.interval
            if low in table:
                write = partial(_write_one, kind=column.kind)
                table = table.assign(**{name: write_ranges(table[low], table[high], write)})
        if name not in table:
            continue
        if column.kind == FEATURE:
            table = table.assign(**{name: _label_features(table[name], published)})
        if column.kind == RULE:
            word = partial(word_rule, labels=published.labels)
            table = table.assign(**{name: table[name].map(word, na_action="ignore")})
        if not (table.empty or column.always or _has_content(table[name])):
            continue
        columns[name] = word_spend(column.heading, published.period)
        if column.kind not in ("", FEATURE, RULE) and column.interval is None:
            formats[name] = column.kind
        if column.bar:
            bars.append(name)
    return {
        "table": table,
        "columns": columns,
        "formats": formats,
        "bars": bars,
        "currency": published.currency,
    }


def spread_table(
    published: Published, *, rows: Sequence[str], column: str, value: str
) -> Published:
    """Return a published long table as a grid that `show_table` shows.

    A figure is read from the long table, never from the grid.

    Parameters
    ----------
    rows : sequence of str
        Columns that together name a row of the grid.
    column : str
        The column whose values become columns.
    value : str
        The column whose figures stand in the cells.
    """
    if published.empty:
        return published
    view = view_of(published)
    frame = published.frame
    names = [str(name) for name in frame[column].drop_duplicates()]
    places = frame.set_index(list(rows)).index.drop_duplicates()
    grid = frame.assign(**{column: frame[column].astype(str)})
    grid = grid.pivot(index=list(rows), columns=column, values=value)
    grid = grid.loc[places, names].rename_axis(columns=None).reset_index()
    kind = view.find_kind(value) or guess_format(frame[value])
    shown = {name: view.columns.get(name, Column()) for name in rows}
    shown |= {name: Column(name, kind, always=True) for name in names}
    return replace(published, frame=grid, view=View(published.shape, shown))


def _label_features(names: pd.Series, published: Published) -> list[str]:
    """Write features by their labels; an empty cell stays empty."""
    return [
        capitalise(name_feature(name, published.labels)) if isinstance(name, str) and name else name
        for name in names
    ]


def _has_content(column: pd.Series) -> bool:
    known = column.notna()
    if not pd.api.types.is_numeric_dtype(column):
        known &= column.astype(str) != ""
    return bool(known.any())


def _write_one(value: float, kind: str) -> str:
    if kind in ("text", "date"):
        return _write_cells(pd.Series([value]), kind)[0]
    return _write_numbers(np.array([np.nan if pd.isna(value) else value], float), kind)[0]


def build_table(
    df: pd.DataFrame,
    *,
    caption: str,
    columns: dict[str, str] | None = None,
    formats: dict[str, str] | None = None,
    bars: Sequence[str] = (),
    currency: str = "",
    max_rows: int = 30,
    folded: bool = False,
) -> str:
    """Return a finished table as HTML; everything in it is escaped.

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
    folded : bool, optional
        Whether the table opens only when it is asked for.
    """
    headings = columns or dict.fromkeys(df.columns, "")
    formats = formats or {}
    for name in [*headings, *formats, *bars]:
        if name not in df.columns:
            fix = suggest_name(str(name), list(map(str, df.columns)))
            raise SegkitError(f"the table has no column '{name}'", where="show_table", fix=fix)
    shown = df.head(max_rows)
    written = []
    for name, heading in headings.items():
        kind = formats.get(name) or guess_format(df[name])
        if kind not in KINDS:
            fix = suggest_name(kind, KINDS)
            raise SegkitError(f"unknown format of column {name}", found=repr(kind), fix=fix)
        cells = _write_cells(shown[name], kind)
        unit = f", {currency}" if currency and kind == "money" else ""
        column = {"heading": (heading or label_column(name)) + unit, "cells": cells}
        column |= {"is_head": kind == "text", "is_text": kind in ("text", "date")}
        longest = max(map(len, cells), default=0)
        width = "long" if longest > 28 else "name" if longest > 12 else ""
        column["style"] = {"text": width, "date": "date"}.get(kind, "number")
        if name in bars:
            sizes = pd.to_numeric(shown[name], errors="coerce").clip(lower=0).fillna(0)
            sizes = (sizes / (sizes.max() or 1)).round(3).map("{:g}".format).tolist()
            column |= {"style": "number bar", "is_text": False, "sizes": sizes}
        written.append(column)
    hidden = len(df) - len(shown)
    return PAGES.get_template("table.html.j2").render(
        caption=caption,
        folded=folded,
        columns=written,
        row_count=len(shown),
        reason=explain_empty(df),
        more=f"{plural(hidden, 'more row')} not shown." if hidden else "",
    )


def guess_format(column: pd.Series) -> str:
    """Tell from a column's name and type how its values are best written.

    >>> guess_format(pd.Series([0.2], name="spend_share"))
    'share'
    """
    words = str(column.name).lower().split("_")
    kind = find_kind(column)
    if kind == "date":
        return "date"
    if kind != "number" or words[-1] in ("year", "id"):
        return "text"
    if words[-1] in ("share", "rate", "penetration", "growth"):
        return "share"
    if words[-1] in ("count", "days"):
        return "integer"
    if words[-1] in ("months", "hours", "rank", "score", *_NOUNS.values()):
        return "integer" if (column.dropna() % 1 == 0).all() else "number"
    if _MONEY & set(words):
        return "money"
    return "integer" if pd.api.types.is_integer_dtype(column) else "number"


def label_column(name: object) -> str:
    """Turn a column's name into a heading with its unit.

    >>> [label_column(n) for n in ("segment_name", "order_count", "spend_share", "recency_days")]
    ['Segment', 'Orders', 'Share of spend', 'Recency, days']
    """
    *stem, last = str(name).split("_")
    words = " ".join(_WORDS.get(word, word) for word in stem)
    if words and last == "name":
        text = words
    elif words and last == "count":
        noun = stem[-1].removesuffix("y") + "ies" if stem[-1].endswith("y") else stem[-1] + "s"
        text = words.removesuffix(stem[-1]) + noun
    elif words in _WHOLES and last == "share":
        text = f"share of {_WHOLES[words]}"
    else:
        comma = "," if words and last in ("days", "months", "hours", "years", "sd") else ""
        text = f"{words}{comma} {_WORDS.get(last, last)}".strip()
    return text[:1].upper() + text[1:]


def _write_cells(column: pd.Series, kind: str) -> list[str]:
    """Write a column's values, numbers with the same decimals each."""
    if kind == "text":
        return [_write_text(value) for value in column]
    if kind == "date":
        return [MISSING if pd.isna(day) else f"{pd.Timestamp(day):%Y-%m-%d}" for day in column]
    return _write_numbers(pd.to_numeric(column, errors="coerce").astype(float).to_numpy(), kind)


def _write_numbers(numbers: np.ndarray, kind: str) -> list[str]:
    if kind == "share":
        return [format_share(number) for number in numbers.tolist()]
    if kind == "points":
        return [format_points(number) for number in numbers.tolist()]
    finite = numbers[np.isfinite(numbers)]
    largest = np.abs(finite).max(initial=0)
    if kind == "money":
        decimals = 0 if largest >= 1000 else 2
    else:
        whole = kind == "integer" or (finite % 1 == 0).all()
        decimals = 0 if whole else 1 if largest >= 100 else 2
    return [format_number(number, decimals) for number in numbers.tolist()]


def _write_text(value: object) -> str:
    if isinstance(value, (list, tuple, np.ndarray)):
        return ", ".join(map(str, value)) or MISSING
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return MISSING if pd.isna(value) or value == "" else str(value)
