"""The bases for segmenting: who the customers are by each, and who of them brings the value."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Figure, Finding
from segkit.core.privacy import Published, Shape
from segkit.profiles.base_summaries import ALL, INDEX, OTHERS
from segkit.report.shared import figures
from segkit.report.shared.extremes import find_ends
from segkit.report.shared.figures import BLUE, chart
from segkit.report.shared.numbers import format_number, format_share, join_words, plural
from segkit.report.shared.sentences import (
    explain_absence,
    find_sentence,
    name_column,
    write_finding,
)
from segkit.report.shared.views import Column, View

LIKE_ALL = 5  # an index so near to 100 is like everybody
MOST_TIED = 3  # so many groups that share an extreme are named together
NEARLY_ALL = 0.995  # a feature that is known of so many is known

# Levels add up to all known. The index of those who are known tells of the others.
BASE = View(
    Shape(
        "base",
        by=("level",),
        within=("feature",),
        rests=dict.fromkeys((*INDEX, "unknown_count"), "unknown_count"),
    ),
    {
        "feature": Column("Feature"),
        "level": Column("Level"),
        "customer_count": Column("Customers"),
        "customer_share": Column("Share of customers"),
        "mean": Column("Mean"),
        "lower_quartile": Column("Lower quartile"),
        "median": Column("Median"),
        "upper_quartile": Column("Upper quartile"),
        "value_index": Column("Value index", "integer"),
    },
)


@chart("feature", "level", "customer_share", values=["value_index"])
def plot_base(table, *, most: int = 3, title: str = "Customers by level") -> Axes:
    """Draw the share of customers at each level of the first ``most`` features of a base.

    How to read it: within a feature the bars add up to the customers of whom it is known. An index
    above 100 is a level whose customers bring more than the mean customer.
    The table is that of `segkit.profiles.base_summaries.summarise_base`.
    """
    rows = []
    names = []
    bold = []
    for feature in table["feature"].unique()[:most]:
        levels = table[(table["feature"] == feature) & (table["level"] != ALL)]
        rows += [None, *levels.to_dict("records")]
        names += [name_column(feature), *levels["level"]]
        bold += [True, *[False] * len(levels)]
    ax = figures.new_axes(title, height=0.8 + 0.24 * len(rows))
    shares = [row["customer_share"] if row else 0 for row in reversed(rows)]
    texts = [_write_level(row) if row else "" for row in reversed(rows)]
    bars = ax.barh(range(len(rows)), shares, color=BLUE, height=0.7)
    ax.bar_label(bars, texts, padding=4, fontsize=9)
    ax.margins(x=0.2)
    figures.name_rows(ax, reversed(names), bold=bold[::-1])
    figures.name_values(ax, "share of all customers; index of their value, 100 is the mean")
    said = [f"{row['feature']} {row['level']}: {_write_level(row)}" for row in rows if row]
    return figures.describe_chart(ax, f"Bars of {plural(len(said), 'level')}", said)


def _write_level(row: dict) -> str:
    index = row["value_index"]
    told = "" if pd.isna(index) else f", index {format_number(index)}"
    return format_share(row["customer_share"]) + told


def state_base(base: Published) -> list[Finding]:
    """Say what is known least, the largest group, and who brings the most and the least value."""
    if base.empty:
        return [explain_absence(base)]
    levels = _list_levels(base)
    told = [_state_least_known(base), _state_largest(base, levels)]
    if levels.empty:
        told.append(write_finding("bases.base.alike"))
    told.append(_state_value(base))
    return [finding for finding in told if finding is not None]


def _list_levels(base: Published) -> pd.DataFrame:
    """Return the levels that have a name and are shown, of features with more than one of them."""
    levels = base.frame[~base.frame["level"].isin([ALL, OTHERS])]
    levels = levels[levels["feature"].duplicated(keep=False)]  # one level tells nothing
    return levels.dropna(subset=["customer_share"])


def _state_least_known(base: Published) -> Finding | None:
    known = base.frame[base.frame["level"] == ALL]
    rare = known[known["customer_share"] < NEARLY_ALL].nsmallest(1, "customer_share")
    if rare.empty:
        return None
    feature = rare["feature"].iloc[0]
    place = {"feature": feature, "level": ALL}
    count = base.read_figure(
        "feature", where={"level": ALL}, how="rows", kind="count", name="feature_count"
    )
    return write_finding(
        "bases.base.least_known" if len(known) > 1 else "bases.base.known",
        [count, base.read_figure("customer_share", where=place, kind="share")],
        count=base.read_figure("customer_count", where=place),
        words={"feature": name_column(feature)},
    )


def _state_largest(base: Published, levels: pd.DataFrame) -> Finding | None:
    """Say which group is the largest; nothing where many are as large, or one is by two customers."""

    def read(row: pd.Series, name: str) -> Figure:
        place = {"feature": row["feature"], "level": row["level"]}
        return base.read_figure("customer_share", where=place, kind="share", name=name)

    rows = levels.index
    if len(rows) == 0:
        return None
    ends = find_ends(base, "customer_share", read, rows=rows, names=("customer_share", "least"))
    if ends is None or not ends[0].stands or len(ends[0].rows) > MOST_TIED:
        return None
    largest = ends[0]
    row = base.frame.loc[largest.rows[0]]
    return write_finding(
        "bases.base.largest" if len(largest.rows) == 1 else "bases.base.largest_of_several",
        [largest.figure],
        count=base.read_figure(
            "customer_count", where={"feature": row["feature"], "level": row["level"]}
        ),
        words={"places": _name_places(base.frame.loc[list(largest.rows)], last="or")},
    )


def _name_places(rows: pd.DataFrame, *, last: str = "and") -> str:
    """Name groups by their feature and level."""
    names = zip(rows["feature"], rows["level"], strict=True)
    return join_words([f"{name_column(feature)} is {level}" for feature, level in names], last)


def _state_value(base: Published) -> Finding | None:
    """Say where customers bring the most and the least, of all levels that are shown.

    Named is the first whose interval leaves out 100, which is like everybody, and that is on the
    same side without two of its customers; that others are further but rest on few is said.
    """
    frame = base.frame
    levels = frame[(frame["level"] != ALL) & frame["feature"].duplicated(keep=False)]
    levels = levels.dropna(subset=["value_index"])
    if levels.empty or not {"value_index_low", "value_index_high"} <= set(levels):
        return None
    ranked = levels.sort_values("value_index", ascending=False, kind="stable")
    ends = {
        "most": ranked[ranked["value_index"] > 100 + LIKE_ALL],
        "least": ranked[ranked["value_index"] < 100 - LIKE_ALL][::-1],
    }
    told = [_state_value_end(base, rows, name) for name, rows in ends.items()]
    told = [part for part in told if part is not None]
    if not told:
        return None
    figures = [figure for part in told for figure in part.figures]
    count = min(int(figure.value) for figure in figures if figure.name.endswith("_count"))
    words = {"ends": "; ".join(part.text for part in told)}
    return write_finding("bases.base.value", figures, count=count, words=words)


def _state_value_end(base: Published, ranked: pd.DataFrame, name: str) -> Finding | None:
    """Say where customers bring the most, or the least, of levels from the furthest on."""
    is_top = name == "most"
    sure = [row for row in ranked.index if _is_sure(base, row, is_top=is_top)]
    if not sure:
        return None
    first = sure[0]
    text = format_number(base.frame.at[first, "value_index"])
    tied = [row for row in sure if format_number(base.frame.at[row, "value_index"]) == text]
    if len(tied) > MOST_TIED:
        return None
    passed = [row for row in ranked.index if row not in sure and _is_further(base, row, first)]
    others = [
        row
        for row in ranked.index
        if row not in (*tied, *passed) and not _hold_same(base, row, first)
    ]
    keeps = base.keeps_place("value_index", first, others, is_top=is_top)
    made = base.is_made_by_few("value_index", first)
    place = {"feature": base.frame.at[first, "feature"], "level": base.frame.at[first, "level"]}
    index = base.read_figure(
        "value_index",
        where=place,
        kind="index",
        name=f"{name}_index",
        interval=("value_index_low", "value_index_high"),
    )
    carried = None if keeps is None or made is None else not keeps or made
    index = replace(index, carried=carried)
    count = base.read_figure("customer_count", where=place, kind="count", name=f"{name}_count")
    remarks = [
        find_sentence(f"bases.value.{remark}")
        for remark, holds in (("made_by_few", made), ("place_of_few", keeps is False))
        if holds
    ]
    words = {
        "end": name,
        "places": _name_places(base.frame.loc[tied]),
        "remark": "".join(remarks),
        "passed": "",
    }
    read = [index, count]
    if passed:
        beyond = _name_passed(base, passed, name=f"{name}_passed", is_top=is_top)
        words["passed"] = beyond.text
        read += beyond.figures
    figures = [replace(index, name="index"), replace(count, name="count")]
    part = write_finding("bases.value.end", figures, words=words)
    return replace(part, figures=tuple(read))


def _is_sure(base: Published, row: int, *, is_top: bool) -> bool:
    """Return whether an index is on its side of 100 by its interval, and without two customers."""
    ends = base.frame.loc[row, ["value_index_low", "value_index_high"]]
    if not np.isfinite(ends.astype(float)).all():
        return False
    if (ends.iloc[0] <= 100) if is_top else (ends.iloc[1] >= 100):
        return False
    return base.stays_beyond("value_index", row, 100.0, is_above=is_top) is not False


def _is_further(base: Published, row: int, first: int) -> bool:
    """Return whether a level is further from 100 than the first that is sure."""
    index = base.frame["value_index"]
    return abs(index[row] - 100) > abs(index[first] - 100)


def _hold_same(base: Published, row: int, other: int) -> bool:
    """Return whether two levels are written alike in all, as the same customers are."""
    columns = ["customer_count", "value_index"]
    return bool((base.frame.loc[row, columns] == base.frame.loc[other, columns]).all())


def _name_passed(base: Published, passed: list[int], *, name: str, is_top: bool) -> Finding:
    """Say that levels are further but rest on few, and which is the furthest of them."""
    row = base.frame.loc[passed[0]]
    place = {"feature": row["feature"], "level": row["level"]}
    index = base.read_figure("value_index", where=place, kind="index", carried=True)
    count = base.read_figure("customer_count", where=place, kind="count")
    words = {
        "direction": "higher" if is_top else "lower",
        "place": _name_places(base.frame.loc[[passed[0]]]),
    }
    kind = "one_passed" if len(passed) == 1 else "some_passed"
    figures = [replace(index, name="index"), replace(count, name="count")]
    part = write_finding(f"bases.value.{kind}", figures, words=words)
    read = (replace(index, name=f"{name}_index"), replace(count, name=f"{name}_count"))
    return replace(part, figures=read)
