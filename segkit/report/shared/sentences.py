"""Findings, and the words for them: a sentence holds words, its figures are put in as written.

The sentences stand in ``templates/sentences/<topic>.toml``, a table for each function that states
something. A sentence names its figures and words in braces. It holds no decision: which sentence is
told is Python.
"""

from __future__ import annotations

import functools
import html
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from segkit.core.absence import ALL_HIDDEN, EmptyTable, explain_empty
from segkit.core.errors import SegkitError
from segkit.core.findings import ABSENCE, Figure, Finding, list_sources
from segkit.core.periods import name_span, word_spend
from segkit.core.privacy import Published, find_covered
from segkit.report.shared.numbers import (
    MISSING,
    format_large,
    format_money,
    format_number,
    format_points,
    format_share,
    format_small_share,
    is_missing_value,
    join_words,
    plural,
    round_once,
)

if TYPE_CHECKING:
    import pandas as pd

SENTENCES = Path(__file__).parents[1] / "templates" / "sentences"
MOST_NAMES = 5
# Kinds that are written in one way, whatever the figure's unit and decimals.
PLAIN_KINDS = {"small share": format_small_share, "points": format_points, "index": format_number}


def write_figure(figure: Figure, value: object = None) -> str:
    """Write a figure's value, or another value, such as an end of its interval, as its kind says.

    >>> write_figure(Figure("customer_count", 405, kind="count", unit="customer"))
    '405 customers'
    >>> write_figure(Figure("spend_share", 0.459, kind="share"))
    '45.9%'
    """
    value = figure.value if value is None else value
    if is_missing_value(value):
        return MISSING
    match figure.kind:
        case "text" | "date":
            return str(value)
        case "count":
            one, _, many = figure.unit.partition("|")
            return plural(value, one, many) if one else format_number(value)
        case "share":
            return format_share(value, 1 if figure.decimals is None else figure.decimals)
        case "money":
            return format_money(value, figure.unit, figure.decimals)
        case "large":
            return format_large(value, figure.unit)
        case "small share" | "points" | "index":
            return PLAIN_KINDS[figure.kind](value)
        case "gap":
            return plural(count_points(value), "point")
    return _write_number(figure, float(value))


def _write_number(figure: Figure, value: float) -> str:
    """Write a number with its unit; decimals that are not named are what the value asks for."""
    decimals = figure.decimals
    if decimals is None:
        decimals = 0 if value.is_integer() or abs(value) >= 100 else 2
    text = format_number(value, decimals)
    return f"{text} {figure.unit}" if figure.unit else text


def count_points(difference: float) -> int:
    """Return how many points, hundredths, two shares differ by, without the sign.

    >>> count_points(-0.126)
    13
    """
    return abs(int(round_once(difference, hundredfold=True)))


def write_finding(
    kind: str,
    figures: Sequence[Figure] = (),
    *,
    count: int | Figure | None = None,
    words: Mapping[str, object] | None = None,
) -> Finding:
    """Make a finding: the sentence of a topic with its figures and words put in.

    Parameters
    ----------
    kind : str
        Which sentence: topic, function and sentence, such as "plan.quality.accepted".
    figures : sequence of Figure
        In the sentence ``{name}`` is the figure as it is written, ``{name_low}`` and
        ``{name_high}`` are the ends of its interval. ``{period}`` is the time that the figures
        speak of, ``{span}`` the same without its last day; ``{name_period}`` and ``{name_span}``
        are those of one figure. Figures that the sentence does not name are kept with the finding.
    count : int or Figure, optional
        Customers whom the statement is about.
    words : mapping of str to object, optional
        Names and words that the sentence asks for.

    Raises
    ------
    SegkitError
        If there is no such sentence, or it names something that was not given.
    """
    sentence = find_sentence(kind)
    texts = {name: str(word) for name, word in (words or {}).items()}
    for figure in figures:
        texts[figure.name] = write_figure(figure)
        if figure.low is not None or figure.high is not None:
            texts[f"{figure.name}_low"] = _write_end(figure, figure.low)
            texts[f"{figure.name}_high"] = _write_end(figure, figure.high)
    texts = name_periods(figures) | texts
    try:
        text = sentence.format_map(texts)
    except KeyError as missing:
        message = f"the sentence names {missing}, which was not given"
        raise SegkitError(message, where=f"sentence {kind}") from None
    if isinstance(count, Figure):
        count = None if count.value is None else int(count.value)
    if len(periods := {figure.period for figure in figures}) == 1:
        text = word_spend(text, periods.pop())
    told = tuple(figures)
    return Finding(kind, text, figures=told, count=count, source=list_sources(told))


def name_periods(figures: Sequence[Figure]) -> dict[str, str]:
    """Return the periods of figures as a sentence may name them, see `write_finding`.

    Where figures speak of different times none is that of all.
    """
    texts = {}
    for figure in figures:
        texts[f"{figure.name}_period"] = figure.period
        texts[f"{figure.name}_span"] = name_span(figure.period)
    periods = {figure.period for figure in figures}
    if len(periods) == 1:
        period = periods.pop()
        texts |= {"period": period, "span": name_span(period)}
    return texts


def _write_end(figure: Figure, end: float | None) -> str:
    return MISSING if end is None else write_figure(figure, end)


def explain_absence(table: Published) -> Finding:
    """Return, as a finding, why a table has no rows."""
    return Finding(ABSENCE, explain_empty(table.frame), source={table.shape.name: ()})


def explain_silence(table: Published, rows: pd.DataFrame | None = None) -> Finding | None:
    """Return, as a finding, why nothing is told of a table, or of some of its ``rows``.

    The table is not there, or figures of it are hidden; None where neither is so, and what is told
    of nothing is true.
    """
    if isinstance(table.frame, EmptyTable):
        return explain_absence(table)
    rows = table.frame if rows is None else rows
    if not find_covered(rows).any():
        return None
    return Finding(ABSENCE, ALL_HIDDEN, source={table.shape.name: ()})


def pick_findings(groups: Sequence[Sequence[Finding]], *, most: int = 1) -> list[Finding]:
    """Keep the first findings on each table that has rows, for the report's first page."""
    told = [[finding for finding in group if finding.kind != ABSENCE] for group in groups]
    return [finding for group in told for finding in group[:most]]


def list_texts(findings: Iterable[Finding]) -> list[str]:
    """Return the sentences of findings."""
    return [finding.text for finding in findings]


@functools.cache
def find_sentence(kind: str) -> str:
    """Return the sentence of a kind such as "plan.quality.accepted", on one line."""
    topic, _, rest = kind.partition(".")
    path = SENTENCES / f"{topic}.toml"
    found: object = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    for part in rest.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    if not isinstance(found, str):
        raise SegkitError("there is no such sentence", where=f"{path.name}", found=kind)
    return " ".join(found.split())


def name_some(names: Iterable) -> str:
    """Join the first names, and say how many more there are."""
    known = [str(name) for name in names if name]
    more = [f"{len(known) - MOST_NAMES} more"] if len(known) > MOST_NAMES else []
    return join_words([*known[:MOST_NAMES], *more])


def name_column(name: object) -> str:
    """Write a column's name as words."""
    return str(name).replace("_", " ")


def show_findings(
    findings: Sequence[Finding], *, title: str = "What we found", starts_page: bool = False
) -> None:
    """Display findings as a list of sentences; text from data is escaped.

    The findings travel with the output as data, so that a run's notebooks hold them.

    Parameters
    ----------
    findings : sequence of Finding
        Nothing is displayed where there are none.
    title : str, optional
        The line above the list.
    starts_page : bool, optional
        Whether they begin a page of their own where the report is printed.

    Raises
    ------
    SegkitError
        If a text is no finding.
    """
    from IPython.display import display

    for finding in findings:
        if not isinstance(finding, Finding):
            raise SegkitError(
                "only findings are shown",
                where="show_findings",
                found=f"{type(finding).__name__}: {str(finding)[:40]}",
                fix="Make it by write_finding, with its figures and their source.",
            )
    if not findings:
        return
    items = "\n".join(f"<li>{html.escape(finding.text)}</li>" for finding in findings)
    kind = "findings starts-page" if starts_page else "findings"
    markup = (
        f'<div class="{kind}"><p class="findings-title"><strong>{html.escape(title)}</strong></p>'
        f"\n<ul>\n{items}\n</ul></div>"
    )
    plain = "\n".join([title, *(f"- {finding.text}" for finding in findings)])
    records = [finding.to_record() for finding in findings]
    told = {"findings": records}
    if all(finding.kind == ABSENCE for finding in findings):
        told["absent"] = findings[0].text
    display({"text/html": markup, "text/plain": plain}, metadata={"text/html": told}, raw=True)
