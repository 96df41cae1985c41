"""Show a chart or a table, or in its place the reason why there is none."""

from __future__ import annotations

import html
from collections.abc import Callable

import pandas as pd
from matplotlib.axes import Axes

from segkit.evidence.missing import explain_empty
from segkit.report.figures import show_chart
from segkit.report.tables import show_table


def show_table_or_reason(table: pd.DataFrame, *, caption: str, **options) -> None:
    """Display a table as :func:`show_table` does; if it has no rows, say why."""
    if table.empty:
        _show_reason(caption, explain_empty(table))
    else:
        show_table(table, caption=caption, **options)


def show_chart_or_reason(
    plot: Callable[..., Axes], table: pd.DataFrame, *, caption: str, **options
) -> None:
    """Draw a finished table and display it with its caption; if it has no rows, say why.

    Parameters
    ----------
    plot : callable
        One of ``segkit.report.charts``; gets the table and ``options``.
    """
    if table.empty:
        _show_reason(caption, explain_empty(table))
    else:
        show_chart(plot(table, **options), caption=caption)


def _show_reason(caption: str, reason: str) -> None:
    from IPython.display import display

    text = f"Nothing to show. {reason}"
    markup = f'<p class="nothing"><strong>{html.escape(caption)}</strong> {html.escape(text)}</p>'
    display({"text/html": markup, "text/plain": f"{caption} {text}"}, raw=True)


def show_gaps(gaps: pd.DataFrame, *, caption: str) -> None:
    """Table of :func:`segkit.evidence.missing.describe_missing`."""
    columns = {"table": "", "state": "", "row_count": "Rows", "answers": "What it answers"}
    columns |= {"collect": "Where to find it"}
    show_table_or_reason(gaps, caption=caption, columns=columns)
