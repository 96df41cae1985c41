"""How large and how valuable the segments are, and what the segmentation did not know."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Finding
from segkit.core.periods import word_spend
from segkit.core.privacy import Published, Shape
from segkit.core.skewed_means import MOST_EXPECTED_SKEW
from segkit.report.differences import describe_differences
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, ORANGE, chart
from segkit.report.shared.numbers import format_share, join_period, join_words
from segkit.report.shared.sentences import write_finding
from segkit.report.shared.views import Column, View, reshape_published

NOT_SHOWN = "not shown"
LIMITS = [
    "Segments describe the time before the last day counted.",
    "Groups that show in one column alone are called a cut, not a finding.",
    "A scheme that is made from spend is bound to explain spend.",
]
SIZES = View(
    Shape("sizes", by=("segment_name",), shown=("segment",)),
    {
        "segment_name": Column("Segment"),
        "customer_count": Column("Customers"),
        "customer_share": Column("Share of customers"),
        "share_interval": Column(
            "95% interval", "share", interval=("customer_share_low", "customer_share_high")
        ),
        "spend_share": Column("Share of net spend", "share"),
        "mean_spend": Column("Mean net spend", "money"),
        "mean_interval": Column(
            "95% interval of the mean", "money", interval=("mean_spend_low", "mean_spend_high")
        ),
        "median_spend": Column("Median net spend", "money"),
        "median_interval": Column(
            "95% interval of the median",
            "money",
            interval=("median_spend_low", "median_spend_high"),
        ),
        "total_profit": Column("Profit"),
        "median_recency_days": Column("Median days since last order"),
        "mean_order_count": Column("Orders each"),
        "rating": Column("Found again"),
    },
)
# The count of one column's customers without a value or with a new one; the rest is not shown.
UNUSUAL = View(
    Shape(
        "unusual",
        by=("column", "state"),
        count="value_count",
        adds_up=False,
        shown=("customer_count",),
    )
)
UNUSUAL_COLUMNS = View(
    UNUSUAL.shape,
    {
        "column": Column("Column", "feature"),
        "customer_count": Column("Customers"),
        "missing_count": Column("Without a value"),
        "new_count": Column("With a new value"),
    },
)
SEGMENT_COLUMNS = [
    *("segment_name", "customer_count", "customer_share", "spend_share"),
    *("mean_spend", "rating"),
]


@chart("segment_name", values=["customer_share"])
def plot_segment_sizes(table, *, period: str = "", title: str = "Size of each segment") -> Axes:
    """Draw each segment's share of customers, beside its share of net spend where that is known.

    How to read it: where the lower (orange) bar is longer than the upper (blue) one, the segment
    brings more than its numbers; where it is shorter, it brings less. A segment that must not be
    seen has its name and no bar.
    The table has a row a segment: ``segment_name``, ``customer_share``, ``spend_share`` (0 to 1).
    """
    height = 0.19 if "spend_share" in table else 0
    parts = [("customer_share", height, BLUE, "customers")]
    if "spend_share" in table:
        parts.append(("spend_share", -height, ORANGE, "net spend"))
    last = parts[-1][0]
    rows = table.sort_values(last, kind="stable", na_position="first")
    ax = figures.new_axes(title, height=0.9 + 0.62 * len(rows))
    said = []
    for column, up, colour, whole in parts:
        shares = rows[column].astype(float)
        texts = (shares.map(format_share) + word_spend(f" of {whole}", period)).where(
            shares.notna(), NOT_SHOWN
        )
        bars = ax.barh(np.arange(len(rows)) + up, shares.fillna(0), height=0.34, color=colour)
        ax.bar_label(bars, texts, padding=4, fontsize=9, color=colour)
        said.append(texts)
    if len(said) > 1:
        said[0] = said[0].where(said[1] == NOT_SHOWN, said[0] + ", " + said[1])
    figures.name_rows(ax, rows["segment_name"])
    shown = join_words([f"share of {whole}" for *_, whole in parts])
    figures.name_values(ax, shown, period=period)
    said = rows["segment_name"] + ": " + said[0]
    start = f"Bars of the {join_period(shown, period)}"
    return figures.describe_chart(ax, start, said.iloc[::-1])


def list_unusual(unusual: pd.DataFrame) -> pd.DataFrame:
    """Return what `count_unusual` counted, a row a column and state (missing or new)."""
    long = unusual.melt(["column", "customer_count"], var_name="state", value_name="value_count")
    return long.assign(state=long["state"].str.removesuffix("_count"))


def spread_unusual(unusual: Published) -> Published:
    """Return the published counts with a row a column, in the columns' order."""
    columns = list(UNUSUAL_COLUMNS.columns)
    if unusual.empty:
        return reshape_published(unusual, pd.DataFrame(columns=columns), UNUSUAL_COLUMNS)
    frame = unusual.frame
    wide = frame.pivot(index="column", columns="state", values="value_count").add_suffix("_count")
    wide["customer_count"] = frame.drop_duplicates("column").set_index("column")["customer_count"]
    wide = wide.loc[frame["column"].unique()].reset_index()
    return reshape_published(unusual, wide[columns], UNUSUAL_COLUMNS)


def state_segments(sizes: Published, profile: Published) -> list[Finding]:
    """Say of each segment that may be seen how large it is and what sets it apart most."""
    seen = sizes.frame.dropna(subset=["customer_share"])
    return [_state_segment(name, sizes, profile) for name in seen["segment_name"]]


def _state_segment(name: str, sizes: Published, profile: Published) -> Finding:
    where = {"segment_name": name}
    read = [sizes.read_figure("customer_share", where=where, kind="share")]
    kind = "sizes.segments.size"
    if "spend_share" in sizes.frame:
        read.append(sizes.read_figure("spend_share", where=where, kind="share"))
        kind += "_and_spend"
    words = where
    apart, differences = describe_differences(profile, name, count=2)
    if apart:
        kind += "_apart"
        words = {**where, "differences": apart}
    count = sizes.read_figure("customer_count", where=where, kind="count")
    return write_finding(kind, [*read, *differences], count=count, words=words)


def state_means(sizes: Published) -> list[Finding]:
    """Say of which segments the mean spend is not to be relied on, and what the median is.

    One finding a segment; none where every mean can be relied on.
    """
    frame = sizes.frame
    if "mean_spend_skewness" not in frame:
        return []
    doubtful = frame["mean_spend_skewness"].astype(float) > MOST_EXPECTED_SKEW
    return [_state_median(name, sizes) for name in frame.loc[doubtful, "segment_name"]]


def _state_median(name: str, sizes: Published) -> Finding:
    """Say that a segment's mean spend is not to be relied on, with its median and interval."""
    where = {"segment_name": name}
    interval = ("median_spend_low", "median_spend_high")
    mean = sizes.read_figure("mean_spend", where=where, kind="money")
    median = sizes.read_figure("median_spend", where=where, kind="money", interval=interval)
    count = sizes.read_figure("customer_count", where=where, kind="count")
    kind = "sizes.means.doubtful" if median.low is not None else "sizes.means.doubtful_alone"
    return write_finding(kind, [mean, median], count=count, words=where)


def list_headline(sizes: Published) -> dict[str, Finding]:
    """Return the final scheme's figures for the first page, by label; none without sizes."""
    if sizes.empty:
        return {}
    segments = sizes.read_figure("segment_name", how="rows", kind="count", name="segment_count")
    return {
        "Segments": write_finding("sizes.headline.segments", [segments]),
        "Largest segment": _state_largest(sizes),
    }


def _state_largest(sizes: Published) -> Finding:
    """Say how large the largest segment is; those that are hidden are smaller."""
    shares = sizes.frame.set_index("segment_name")["customer_share"].dropna().astype(float)
    if shares.empty:
        unknown = sizes.read_figure("customer_share", how="max", kind="share")
        return write_finding("sizes.headline.largest", [unknown])
    where = {"segment_name": shares.idxmax()}
    share = sizes.read_figure("customer_share", where=where, kind="share")
    count = sizes.read_figure("customer_count", where=where, kind="count")
    return write_finding("sizes.headline.largest", [share], count=count)


def list_segments(
    sizes: Published, profile: Published, *, consent: Published | None = None
) -> list[dict[str, Any]]:
    """Return the segments for the first page, one record each; what is hidden is None.

    ``consent`` is that of `segkit.report.consent.spread_answers`.
    """
    known = sizes.frame.filter(SEGMENT_COLUMNS)
    apart = [describe_differences(profile, name, count=3)[0] for name in known["segment_name"]]
    known = known.assign(set_apart_by=apart, period=sizes.period).astype(object)
    if consent is not None and not consent.empty:
        shares = consent.frame.set_index("segment_name")["consent_share"]
        known["consent_share"] = shares.reindex(known["segment_name"]).astype(object).to_numpy()
    return known.where(known.notna(), None).to_dict("records")
