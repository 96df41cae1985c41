"""What all evidence by segment shares: its measures, and how they are told and compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.shared.extremes import End, find_ends
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import (
    explain_absence,
    explain_silence,
    find_sentence,
    write_finding,
)
from segkit.report.shared.views import Column, View

# The measures that are compared between segments: what each is called and how it is written.
MEASURES = {
    "spend_per_customer": Column("Net spend a customer", "money"),
    "mean_order_value": Column("Mean order value, gross", "money"),
    "return_share": Column("Share of gross sales returned", "share"),
    "wallet_share": Column("Our share of the wallet", "share"),
    "repeat_90_share": Column("Ordered again within 90 days", "share"),
    "repeat_365_share": Column("Ordered again within 365 days", "share"),
    "orders_ever_per_buyer": Column("Orders a buyer since the data begin", "number"),
    "units_per_order": Column("Units an order", "number"),
    "products_per_buyer": Column("Different products a buyer", "number"),
    "discount_share": Column("Share of the price given as discount", "share"),
    "open_share": Column("Messages opened", "share"),
    "human_open_share": Column("Messages opened, known machines left out", "share"),
    "click_share": Column("Messages clicked", "share"),
    "click_to_open_share": Column("Messages clicked of those opened", "share"),
    "unsubscribe_share": Column("Messages unsubscribed from", "share"),
    "visits_per_customer": Column("Visits a customer", "number"),
    "carts_per_customer": Column("Carts a customer", "number"),
    "tickets_per_100_customers": Column("Tickets per 100 customers", "number"),
    "median_hours_to_resolve": Column("Median hours to resolve", "number"),
    "mean_satisfaction": Column("Mean satisfaction, 1 to 5", "number"),
    "rated_share": Column("Tickets that were rated", "share"),
    "handed_share": Column("Tickets that change hands", "share"),
    "reopened_share": Column("Resolved tickets that come back", "share"),
}
SEGMENT = ("segment_name",)
RESTS_ON = "rests_on_count"
COUNTED_BY = {"spend_per_customer": "customer_count"}  # other measures rest on those with a row
# Counts of events: that none is recorded of anybody does not mean that nobody did it.
RECORDED = {"visits_per_customer", "carts_per_customer"}
CLEARLY_MORE = 1.1

SEGMENT_SIZES = View(
    Shape("segment_sizes", by=SEGMENT),
    {"segment_name": Column(), "customer_count": Column(kind="integer"), NOTE: Column()},
)


def view_shares(name: str, column: str, *, amount: Column | None = None) -> View:
    """Return the view of shares by segment of one column's values, such as ``device``.

    The amount is that of ``sales``; without one, rows are counted.
    """
    counted = {"sales": amount} if amount else {"row_count": Column(kind="integer")}
    columns = {
        "segment_name": Column(),
        "rank": Column(kind="integer"),
        column: Column(),
        "customer_count": Column(kind="integer"),
        **counted,
        "share": Column(kind="share"),
        "base_share": Column("Share among all", "share"),
        "index": Column("Index, average = 100", "integer"),
        NOTE: Column(),
    }
    # Shares of money are amounts; shares of rows are counts.
    measures = {} if amount else dict.fromkeys(("share", "base_share", "index"), COUNT)
    shape = Shape(
        name,
        by=(*SEGMENT, column),
        count=RESTS_ON,
        shown=("rank",),
        measures=measures,
        repeats=True,
    )
    return View(shape, columns)


def keep_leading(shares: Published, *, most: int) -> Published:
    """Return each segment's largest ``most`` values of a table of shares."""
    return shares.keep(shares.frame["rank"] <= most)


def state_measures(table: Published, *, by: str = "segment_name") -> list[Finding]:
    """Say of each measure where it is highest and lowest, and whether intervals keep them apart.

    An end that is another without two customers is not named; where all are written alike, that is
    said, or that nothing was recorded of anybody. ``table`` has one row a segment, or another group
    that ``by`` names: its name, customer_count and any of :data:`MEASURES`.
    """
    if table.empty:
        return [explain_absence(table)]
    told = []
    for column in table.frame:
        if column in MEASURES and table.frame[column].notna().sum() >= 2:
            told.append(_compare_ends(table, column, by))
    return [*told, *_name_hidden(table, by)]


def _compare_ends(table: Published, column: str, by: str) -> Finding:
    """Say in which segments a measure is highest and in which lowest, as far as that stands."""
    interval = _name_interval(column)
    has_interval = set(interval) <= set(table.frame)

    def read(row: pd.Series, name: str) -> Figure:
        ends = interval if has_interval else None
        return _read_measure(table, column, row, by=by, name=name, interval=ends)

    words = {"measure": MEASURES[column].heading}
    ends = find_ends(table, column, read)
    if ends is None:
        rows = table.frame.dropna(subset=[column])
        figure = read(rows.iloc[0], "alike")
        is_recorded = column not in RECORDED or rows[column].astype(float).any()
        return write_finding(
            "by_segment.measures.alike" if is_recorded else "by_segment.measures.not_recorded",
            [figure],
            count=int(rows["customer_count"].sum()),
            words=words,
        )
    told = [
        _state_end(table, column, end, name=name, by=by)
        for end, name in zip(ends, ("highest", "lowest"), strict=True)
        if end.stands
    ]
    hanging = [
        name for end, name in zip(ends, ("highest", "lowest"), strict=True) if not end.stands
    ]
    parts = [part.text for part in told]
    if hanging:
        kind = "both_hanging" if len(hanging) > 1 else "hanging"
        sentence = find_sentence(f"by_segment.measures.{kind}")
        parts.append(sentence.format(end=hanging[0]))
    elif apart := _compare_intervals(*(end.figure for end in ends)):
        parts.append(find_sentence(f"by_segment.measures.{apart}"))
    # An end that hangs on one or two customers is not named, so its figure is no extreme.
    figures = [
        end.figure if end.stands else replace(end.figure, name=f"{end.figure.name}_hanging")
        for end in ends
    ]
    figures += [figure for part in told for figure in part.figures if figure not in figures]
    count = sum(int(table.frame.loc[list(end.rows), "customer_count"].sum()) for end in ends)
    words["ends"] = "; ".join(parts)
    return write_finding("by_segment.measures.ends", figures, count=count, words=words)


def _name_interval(column: str) -> tuple[str, str]:
    stem = column.removesuffix("_share")
    return f"{stem}_low", f"{stem}_high"


def _state_end(table: Published, column: str, end: End, *, name: str, by: str) -> Finding:
    """Say which segments are the highest, or the lowest, with their count and interval."""
    rows = table.frame.loc[list(end.rows)]
    counts = COUNTED_BY.get(column, RESTS_ON if RESTS_ON in rows else "customer_count")
    # Those that share it are written alike, and so is whatever lies between them.
    values = rows[column].astype(float)
    lowest, highest = float(values.min()), float(values.max())
    where = [Condition(column, ">=", lowest), Condition(column, "<=", highest)]
    count = table.read_figure(counts, where=where, how="sum", kind="count", name=f"{name}_count")
    if len(end.rows) > 1:
        kind = "shared"
    elif end.figure.low is not None and end.figure.high is not None:
        kind = "with_interval"
    elif set(_name_interval(column)) <= set(rows):
        kind = "with_interval_unknown"
    else:
        kind = "alone"
    figures = [replace(end.figure, name="figure"), replace(count, name="count")]
    remark = "made_by_few" if end.is_made_by_few else "stands"
    words = {
        "end": name,
        "segments": _quote_names(rows[by]),
        "remark": find_sentence(f"by_segment.end.{remark}"),
    }
    part = write_finding(f"by_segment.end.{kind}", figures, words=words)
    return replace(part, figures=(end.figure, count))


def _compare_intervals(top: Figure, least: Figure) -> str:
    """Return whether two intervals overlap; empty where one of them is not known."""
    if None in (top.low, top.high, least.low, least.high):
        return ""
    return "overlap" if float(top.low) <= float(least.high) else "apart"


def _read_measure(
    table: Published,
    column: str,
    row: pd.Series,
    *,
    by: str,
    name: str,
    interval: tuple[str, str] | None = None,
) -> Figure:
    """Read a segment's figure as its measure is written."""
    kind = MEASURES[column].kind
    return table.read_figure(
        column,
        where={by: row[by]},
        interval=interval,
        name=name,
        kind=kind,
        decimals=count_decimals(row[column]) if kind == "number" else None,
    )


def count_decimals(value: float) -> int:
    """Return how many decimals a number is written with."""
    return 2 if abs(value) < 100 else 0


def _name_hidden(table: Published, by: str) -> list[Finding]:
    """Say which segments' figures are left out, by the reason."""
    notes = table.frame.loc[table.frame[NOTE] != "", [NOTE, by]]
    told = []
    for note, names in notes.groupby(NOTE)[by].unique().items():
        words = {"segments": _quote_names(names), "note": note}
        told.append(write_finding("by_segment.measures.hidden", words=words))
    return told


def _quote_names(names: Sequence[str]) -> str:
    """Join the names of segments, each in quotation marks."""
    return join_words([f"“{name}”" for name in names])


def state_shares(table: Published, column: str, *, of: str) -> list[Finding]:
    """Say for each segment which value, such as a category, it has most above its share among all.

    ``of`` names what the shares are shares of, such as "sales".
    """
    if table.empty:
        return [explain_absence(table)]
    rows = table.frame.dropna(subset=["share", "base_share"])
    shares = rows[["share", "base_share"]].astype(float)
    gap = shares["share"] - shares["base_share"]
    is_clear = shares["share"] > CLEARLY_MORE * shares["base_share"]
    order = gap[is_clear].sort_values(ascending=False, kind="stable").index
    tops = rows.loc[order].drop_duplicates("segment_name").sort_values("segment_name")
    if tops.empty:
        hidden = explain_silence(table)
        if rows.empty and hidden:
            return [hidden]
        sentence = "alike_of_those_shown" if hidden else "alike"
        return [write_finding(f"by_segment.shares.{sentence}", words={"of": of})]
    return [_state_share(table, row, column, of) for row in tops.to_dict("records")]


def _state_share(table: Published, row: dict, column: str, of: str) -> Finding:
    place = {"segment_name": row["segment_name"], column: row[column]}
    found = [
        table.read_figure("share", where=place, kind="share"),
        table.read_figure("base_share", where=place, kind="share"),
        table.read_figure("index", where=place, kind="index"),
    ]
    words = {"segment": row["segment_name"], "value": row[column], "of": of}
    count = int(row["customer_count"])
    return write_finding("by_segment.shares.stands_out", found, count=count, words=words)
