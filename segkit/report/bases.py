"""The bases for segmenting: who the customers are by each, and who of them brings the value."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Figure, Finding
from segkit.core.privacy import Published, Shape
from segkit.profiles.base_summaries import ALL, OTHERS
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, chart
from segkit.report.shared.numbers import format_number, format_share, plural
from segkit.report.shared.sentences import explain_absence, name_column, write_finding
from segkit.report.shared.views import Column, View

LIKE_ALL = 5  # an index so near to 100 is like everybody
NEARLY_ALL = 0.995  # a feature that is known of so many is known

# Levels add up to all known. The index of those who are known tells of the others.
BASE = View(
    Shape(
        "base",
        by=("level",),
        within=("feature",),
        rests={"value_index": "unknown_count", "unknown_count": "unknown_count"},
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
    largest = levels.nlargest(1, "customer_share").to_dict("records")
    told = [_state_least_known(base), *(_state_largest(base, row) for row in largest)]
    if not largest:
        told.append(write_finding("bases.base.alike"))
    told.append(_state_value(base, levels))
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


def _state_largest(base: Published, row: dict) -> Finding:
    place = {"feature": row["feature"], "level": row["level"]}
    return write_finding(
        "bases.base.largest",
        [base.read_figure("customer_share", where=place, kind="share")],
        count=base.read_figure("customer_count", where=place),
        words={"feature": name_column(row["feature"]), "level": row["level"]},
    )


def _state_value(base: Published, levels: pd.DataFrame) -> Finding | None:
    """Say where customers bring the most and the least, if that is not like everybody."""
    ranked = levels.sort_values("value_index", ascending=False, kind="stable")
    ends = {
        "most": ranked[ranked["value_index"] > 100 + LIKE_ALL],
        "least": ranked[ranked["value_index"] < 100 - LIKE_ALL][::-1],
    }
    told = [name for name, rows in ends.items() if len(rows)]
    if not told:
        return None
    read: list[Figure] = []
    words = {}
    for name in told:
        row = ends[name].iloc[0]
        place = {"feature": row["feature"], "level": row["level"]}
        read += [
            base.read_figure("value_index", where=place, kind="index", name=f"{name}_index"),
            base.read_figure("customer_count", where=place, kind="count", name=f"{name}_count"),
        ]
        words[f"{name}_feature"] = name_column(row["feature"])
        words[f"{name}_level"] = row["level"]
    count = min(int(figure.value) for figure in read[1::2])
    return write_finding(f"bases.base.{'_and_'.join(told)}", read, count=count, words=words)
