"""The bases for segmenting: who the customers are by each, and who of them brings the value."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.contract.features import BASES
from segkit.core.findings import Figure, Finding
from segkit.core.periods import word_spend
from segkit.core.privacy import Published, Shape
from segkit.core.settings import Settings
from segkit.features.wording import OTHERS, Labels, capitalise, name_feature, tell_level
from segkit.profiles.base_summaries import ALL, INDEX, list_bases, summarise_base
from segkit.report.shared import figures
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.extremes import (
    MOST_TIED,
    find_ends,
    find_sure_end,
    list_alike,
    state_sure_end,
)
from segkit.report.shared.figures import BLUE, GREY, MUTED, SKY, chart
from segkit.report.shared.numbers import (
    format_number,
    format_share,
    join_period,
    join_words,
    plural,
)
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View

LIKE_ALL = 5  # an index so near to 100 is like everybody
INDEX_ENDS = ("value_index_low", "value_index_high")
NAMED = "base_"  # what the names of these tables begin with
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
        "feature": Column("Feature", "feature"),
        "level": Column("Level"),
        "customer_count": Column("Customers"),
        "customer_share": Column("Share of customers"),
        "mean": Column("Mean"),
        "lower_quartile": Column("Lower quartile"),
        "median": Column("Median"),
        "upper_quartile": Column("Upper quartile"),
        "value_index": Column("Index of value, mean customer = 100", "integer"),
    },
)


def list_tables(
    customers: pd.DataFrame, *, value: str, at: Settings, most_levels: int = 6, said: bool = False
) -> list[tuple[pd.DataFrame, View]]:
    """Return the table of each base of which there is a feature to show, with its view.

    Parameters
    ----------
    customers : DataFrame
        One row a customer.
    value : str
        The column that measures value.
    at : Settings
        Levels of fewer customers than ``smallest_cell`` are put together.
    most_levels : int, optional
        Levels of each feature; the others are put together.
    said : bool, optional
        Whether of the bases of what customers say, or of all others.
    """
    return [
        (
            summarise_base(
                customers,
                base,
                value=value,
                most_levels=most_levels,
                smallest_cell=at.smallest_cell,
            ),
            BASE.rename(f"{NAMED}{base}"),
        )
        for base in list_bases(customers, said=said)
    ]


def lay_out_bases(
    bases: Sequence[Published], *, value_name: str, said: bool = False
) -> list[Exhibit]:
    """Return of each base what is shown of it: its findings, its chart, and the folded table.

    Parameters
    ----------
    bases : sequence of Published
        The tables of :func:`list_tables`, after the gate.
    value_name : str
        What the value is called for people.
    said : bool, optional
        Whether they are of what customers say.
    """
    exhibits = []
    for shown in bases:
        base = shown.shape.name.rpartition(NAMED)[2]
        name = base.replace("_", " ")
        told = state_base(shown, value_name=value_name)
        chart = plot_base(shown, told=told, value_name=value_name, title=f"Base: {name}")
        caption = f"Features of the base {name} that are spoken of above, or tell most of value."
        if said:
            caption = f"What customers say: {name}."
        exhibits += [
            Exhibit(thing=told, title=BASES[base].answers),
            Exhibit(thing=chart, caption=caption),
            Exhibit(thing=shown, caption=f"All features: {name}", max_rows=60, folded=True),
        ]
    return exhibits


@chart("feature", "level", "customer_share", values=["value_index"])
def plot_base(
    table,
    *,
    told: Sequence[Finding] = (),
    most: int = 3,
    value_name: str = "value",
    period: str = "",
    labels: Labels | None = None,
    title: str = "Customers by level",
) -> Axes:
    """Draw the customers at each level of some features of a base, and the value that they bring.

    How to read it: within a feature the bars at the left add up to the customers of whom it is
    known. The bars at the right begin at 100, the mean customer: to the right customers bring more
    than that, to the left less.
    The table is that of `segkit.profiles.base_summaries.summarise_base`. The features that the
    findings ``told`` speak of are drawn, then the first others until there are ``most``.
    """
    value_name = word_spend(value_name, period)
    rows = []
    names = []
    bold = []
    for feature in _choose_features(table, told, most):
        levels = table[(table["feature"] == feature) & (table["level"] != ALL)]
        rows += [None, *levels.to_dict("records")]
        names += [capitalise(name_feature(feature, labels)), *levels["level"]]
        bold += [True, *[False] * len(levels)]
    index_name = f"index of {value_name}"
    has_index = any(row and pd.notna(row["value_index"]) for row in rows)
    panels = np.atleast_1d(
        figures.new_axes(title, height=0.8 + 0.24 * len(rows), columns=1 + has_index)
    )
    ax = panels[0]
    _draw_shares(ax, rows[::-1])
    if has_index:
        _draw_indices(panels[1], rows[::-1])
        # It ends where the panel does, however narrow that is.
        panels[1].set_title(f"{index_name}, mean customer = 100", loc="right", color=MUTED)
    for panel in panels:
        figures.name_rows(panel, reversed(names), bold=bold[::-1])
    shown_period = period if has_index else ""
    figures.name_values(ax, "share of all customers", period=shown_period)
    said = [
        f"{tell_level(row['feature'], row['level'], labels)}: {_write_level(row)}"
        for row in rows
        if row
    ]
    start = f"Bars of {plural(len(said), 'level')}"
    if has_index:
        start = join_period(f"{start} with the {index_name}", period)
    return figures.describe_chart(ax, start, said)


def _choose_features(table: pd.DataFrame, told: Sequence[Finding], most: int) -> list[str]:
    """Return the features that are drawn: those that are spoken of, then the first others."""
    shown = list(table["feature"].unique())
    spoken = [
        condition.value
        for finding in told
        for figure in finding.figures
        for condition in (figure.cell.where if figure.cell else ())
        if condition.column == "feature"
    ]
    first = [feature for feature in dict.fromkeys(spoken) if feature in shown]
    others = [feature for feature in shown if feature not in first]
    return [*first, *others[: max(0, most - len(first))]]


def _draw_shares(ax: Axes, rows: Sequence[dict | None]) -> None:
    shares = [row["customer_share"] if row else 0 for row in rows]
    texts = [format_share(row["customer_share"]) if row else "" for row in rows]
    bars = ax.barh(range(len(rows)), shares, color=BLUE, height=0.7)
    ax.bar_label(bars, texts, padding=4, fontsize=9)
    ax.margins(x=0.2)


def _draw_indices(ax: Axes, rows: Sequence[dict | None]) -> None:
    """Draw how far each level's value lies from that of the mean customer."""
    indices = np.array([np.nan if row is None else row["value_index"] for row in rows], dtype=float)
    texts = ["" if np.isnan(index) else format_number(index) for index in indices]
    bars = ax.barh(range(len(rows)), np.nan_to_num(indices - 100), 0.7, left=100, color=SKY)
    ax.bar_label(bars, texts, padding=4, fontsize=9)
    ax.axvline(100, color=GREY, linewidth=1)
    ax.margins(x=0.25)


def _write_level(row: dict) -> str:
    index = row["value_index"]
    told = "" if pd.isna(index) else f", index {format_number(index)}"
    return format_share(row["customer_share"]) + told


def state_base(base: Published, *, value_name: str = "value") -> list[Finding]:
    """Say what is known least, the largest group, and who brings the most and the least value."""
    if base.empty:
        return [explain_absence(base)]
    levels = _list_levels(base)
    told = [_state_least_known(base), _state_largest(base, levels)]
    if levels.empty:
        told.append(write_finding("bases.base.alike"))
    told.append(_state_value(base, value_name))
    return [finding for finding in told if finding is not None]


def _list_levels(base: Published) -> pd.DataFrame:
    """Return the levels that have a name and are shown, of features with more than one of them."""
    levels = base.frame[~base.frame["level"].isin([ALL, OTHERS])]
    levels = levels[levels["feature"].duplicated(keep=False)]  # one level tells nothing
    return levels.dropna(subset=["customer_share"])


def _state_least_known(base: Published) -> Finding | None:
    known = base.frame[base.frame["level"] == ALL]
    rare = known[known["customer_share"] < NEARLY_ALL]
    shares = rare["customer_share"].astype(float).sort_values(kind="stable")
    alike = list_alike(shares, format_share)
    if not 0 < len(alike) <= MOST_TIED:
        return None
    names = [name_feature(name, base.labels) for name in rare.loc[alike, "feature"]]
    feature = rare.loc[alike[0], "feature"]
    place = {"feature": feature, "level": ALL}
    count = base.read_figure(
        "feature", where={"level": ALL}, how="rows", kind="count", name="feature_count"
    )
    return write_finding(
        "bases.base.least_known" if len(known) > 1 else "bases.base.known",
        [count, base.read_figure("customer_share", where=place, kind="share")],
        count=base.read_figure("customer_count", where=place),
        words={"feature": join_words(names)},
    )


def _state_largest(base: Published, levels: pd.DataFrame) -> Finding | None:
    """Say which group is the largest; nothing where many are as large, or two customers make it."""

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
        words={"places": _name_places(base, list(largest.rows), last="or")},
    )


def _name_places(base: Published, places: Collection[int], *, last: str = "and") -> str:
    """Name groups by their feature and level, such as "those in the country Norway"."""
    rows = base.frame.loc[list(places)]
    names = zip(rows["feature"], rows["level"], strict=True)
    told = [tell_level(feature, level, base.labels) for feature, level in names]
    return join_words([f"those {who}" for who in told], last)


def _state_value(base: Published, value_name: str) -> Finding | None:
    """Say where customers bring the most and the least, of all levels that are shown.

    Named is the first whose interval leaves out 100, which is like everybody, and that is on the
    same side without two of its customers; that others are further but rest on few is said.
    """
    frame = base.frame
    levels = frame[(frame["level"] != ALL) & frame["feature"].duplicated(keep=False)]
    levels = levels.dropna(subset=["value_index"])
    if levels.empty or not set(INDEX_ENDS) <= set(levels):
        return None
    index = levels["value_index"]
    ends = {"most": index > 100 + LIKE_ALL, "least": index < 100 - LIKE_ALL}
    told = [_state_value_end(base, index.index[rows], name) for name, rows in ends.items()]
    told = [part for part in told if part is not None]
    if not told:
        return None
    figures = [figure for part in told for figure in part.figures]
    count = min(int(figure.value) for figure in figures if figure.name.endswith("_count"))
    words = {"ends": "; ".join(part.text for part in told), "value_name": value_name}
    return write_finding("bases.base.value", figures, count=count, words=words)


def _state_value_end(base: Published, rows: pd.Index, name: str) -> Finding | None:
    """Say where customers surely bring the most, or the least, of some levels."""

    def read(row: pd.Series, figure_name: str) -> Figure:
        return _read_index(base, row, figure_name)

    def read_count(row: pd.Series, figure_name: str) -> Figure:
        return _read_count(base, row, figure_name)

    end = find_sure_end(
        base,
        "value_index",
        read,
        rows=rows,
        interval=INDEX_ENDS,
        average=100.0,
        is_top=name == "most",
        name=f"{name}_index",
    )
    if end is None or len(end.rows) > MOST_TIED:
        return None
    return state_sure_end(
        base,
        end,
        word=name,
        read=read,
        read_count=read_count,
        name_rows=lambda rows: f"among {_name_places(base, rows.index)}",
    )


def _read_index(base: Published, row: pd.Series, name: str) -> Figure:
    place = {"feature": row["feature"], "level": row["level"]}
    return base.read_figure(
        "value_index", where=place, kind="index", name=name, interval=INDEX_ENDS
    )


def _read_count(base: Published, row: pd.Series, name: str) -> Figure:
    place = {"feature": row["feature"], "level": row["level"]}
    return base.read_figure("customer_count", where=place, kind="count", name=name)
