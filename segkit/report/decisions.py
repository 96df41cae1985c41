"""The one matrix that decides: what makes each segment worth acting on, and able to be."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from segkit.core.findings import Condition, Finding
from segkit.core.measures import COUNT, FIGURE
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, chart
from segkit.report.shared.numbers import format_number, join_words, plural
from segkit.report.shared.sentences import (
    explain_absence,
    explain_silence,
    name_column,
    write_finding,
)
from segkit.report.shared.views import Column, View

SMALLEST_DRAWN = 0.005  # a range that can be seen
# What the plan's weights call a measure, in words.
MEASURE_WORDS = {
    "value_share": "share of net spend",
    "mean_value": "mean net spend",
    "customer_share": "share of customers",
    "consent_share": "consent",
    "reach": "reach by rules",
    "stability": "stability",
    "channel": "a channel to send by",
    "test": "what a test can see",
    "pay": "what a contact has to bring",
}
DECISIONS = View(
    Shape(
        "decisions",
        by=("segment_name",),
        measures={
            "contact_share": COUNT,
            "consent_share": COUNT,
            "control_count": FIGURE,
            "control_needed": FIGURE,
            "place": FIGURE,
        },
    ),
    {
        "segment_name": Column(),
        "place": Column("Place", "integer"),
        "score_low": Column("Score, at least", "number"),
        "score_high": Column("At most", "number"),
        "first_share": Column("First, of all weightings", "share"),
        "customer_count": Column("Customers", "integer"),
        "value_share": Column("Share of net spend", "share", always=True),
        "mean_value": Column("Net spend a customer", "money", always=True),
        "mean_lifetime_value": Column("Lifetime value a customer", "money", always=True),
        "stability": Column("Stability", "number", always=True),
        "reach": Column("Reach by rules", "share", always=True),
        "consent_share": Column("Consent", "share", always=True),
        "channel": Column("Best channel", always=True),
        "contact_count": Column("May be contacted there", "integer", always=True),
        "control_count": Column("Control group", "integer", always=True),
        "detectable_effect": Column("A test sees, points", "points", always=True),
        "control_needed": Column("Control group for the plan's effect", "integer"),
        "break_even_spend": Column("A contact has to bring", "money", always=True),
        "break_even_share": Column("Contacts that have to order", "share", always=True),
        "unknown_words": Column("Not known"),
        NOTE: Column(),
    },
)
SCORE_COLUMNS = (
    *("segment_name", "place", "score_low", "score_high", "first_share", "unknown_words", NOTE),
)
WORTH_COLUMNS = (
    *("segment_name", "customer_count", "value_share", "mean_value", "mean_lifetime_value"),
    *("stability", "reach", "consent_share", NOTE),
)
TEST_COLUMNS = (
    *("segment_name", "channel", "contact_count", "control_count", "detectable_effect"),
    *("control_needed", "break_even_spend", "break_even_share", NOTE),
)


def word_unknown(decisions):
    """Add what is not known of each segment in words, from the names of `rank_segments`."""
    words = [
        join_words([name_measure(name) for name in str(names).split(", ") if name])
        for names in decisions["unknown"]
    ]
    return decisions.assign(unknown_words=words)


def name_measure(name: str) -> str:
    """Return what a measure that the plan weighs is called in a sentence."""
    return MEASURE_WORDS.get(name, name_column(name))


@chart("segment_name", "score_low", values=["score_high"])
def plot_decisions(table, *, title: str = "Which segment to act on first") -> Axes:
    """Draw the score of each segment by all that decides, from what it is at least to at most.

    How to read it: the dot is the score with all that is not known counted as nothing, the line
    reaches to where it would be if that were the best of all. The first stands at the top. Where
    lines overlap, what is not known could change the order.
    The table has a row a segment: ``segment_name``, ``score_low`` and ``score_high``.
    """
    rows = table.sort_values("score_low", kind="stable")
    low = rows["score_low"].astype(float)
    high = rows["score_high"].astype(float)
    ax = figures.new_axes(title, height=1.3 + 0.36 * len(rows))
    places = np.arange(len(rows))
    ax.hlines(places, low, high, color=BLUE, linewidth=2, alpha=0.6)
    ax.scatter(low, places, s=60, color=BLUE, zorder=3)
    is_open = (high > low + SMALLEST_DRAWN).to_numpy()
    ax.scatter(high[is_open], places[is_open], s=28, color="white", edgecolor=BLUE, zorder=3)
    figures.name_rows(ax, rows["segment_name"])
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.6, len(rows) - 0.4))
    figures.name_values(ax, "score, 0 to 1, at least and at most")
    ends = rows.assign(low=low, high=high)[::-1].dropna(subset=["low"])
    said = [
        f"{row.segment_name}: {format_number(row.low, 2)} to {format_number(row.high, 2)}"
        for row in ends.itertuples()
    ]
    return figures.describe_chart(ax, f"{plural(len(rows), 'segment')} by one score", said)


def state_decisions(decisions: Published, *, sizes: Published | None = None) -> list[Finding]:
    """Say which segment comes first and how surely, what is not known, and what a test needs.

    Parameters
    ----------
    decisions : Published
        Of `rank_segments`, with its words, see `word_unknown`.
    sizes : Published, optional
        The sizes of all segments: those that may not be shown are named as left out.
    """
    rows = decisions.frame
    if decisions.empty:
        return [explain_absence(decisions)]
    seen = rows.dropna(subset=["score_low"])
    if seen.empty:
        silence = explain_silence(decisions)
        return [silence] if silence else []
    told = _state_first(decisions, seen)
    names = [] if sizes is None else sizes.frame["segment_name"]
    left_out = [name for name in names if name not in set(seen["segment_name"])]
    if left_out:
        words = {"segments": join_words([f"“{name}”" for name in left_out])}
        told.append(write_finding("decisions.matrix.left_out", words=words))
    unknown = list(dict.fromkeys(", ".join(seen["unknown"].astype(str)).split(", ")))
    unknown = [name_measure(name) for name in unknown if name]
    if unknown:
        words = {"measures": join_words(unknown)}
        told.append(write_finding("decisions.matrix.unknown", words=words))
    told += _state_tests(decisions, seen)
    if seen["break_even_spend"].isna().all():
        told.append(write_finding("decisions.matrix.no_cost"))
    return told


def _state_first(decisions: Published, seen) -> list[Finding]:
    first = seen.iloc[0]
    is_alone = (seen["place"] == first["place"]).sum() == 1
    if not is_alone:
        return [write_finding("decisions.matrix.tied")]
    where = {"segment_name": first["segment_name"]}
    read = [
        decisions.read_figure("score_low", where=where, decimals=2),
        decisions.read_figure("score_high", where=where, decimals=2),
        decisions.read_figure("first_share", where=where, kind="share"),
    ]
    count = decisions.read_figure("customer_count", where=where, kind="count", unit="customer")
    others = seen.iloc[1:]
    could = others[others["score_high"].astype(float) > float(first["score_low"])]
    is_known = format_number(read[0].value, 2) == format_number(read[1].value, 2)
    kind = "first_known" if is_known else "first"
    told = [write_finding(f"decisions.matrix.{kind}", [*read, count], count=count, words=where)]
    if len(could):
        names = join_words([f"“{name}”" for name in could["segment_name"]])
        told.append(write_finding("decisions.matrix.could", words={"segments": names}))
    return told


def _state_tests(decisions: Published, seen) -> list[Finding]:
    """Say what a test of the first segment that can be sized sees, and how many see what pays."""
    sized = seen.dropna(subset=["contact_count", "detectable_effect"])
    if sized.empty:
        return []
    told = _state_test(decisions, sized.iloc[0].to_dict())
    if sized["shows_pay"].notna().sum() > 1:
        known = Condition("shows_pay", "known")
        paid = [known, Condition("shows_pay", "==", True)]
        written = {"how": "rows", "kind": "count"}
        read = [
            decisions.read_figure("shows_pay", where=paid, name="shown_count", **written),
            decisions.read_figure(
                "shows_pay", where=[known], name="sized_count", unit="segment", **written
            ),
        ]
        told.append(write_finding("decisions.matrix.paying", read))
    return told


def _state_test(decisions: Published, row: dict) -> list[Finding]:
    """Say of one segment what a test of its size sees, and what a contact has to bring."""
    known = {name for name, value in row.items() if value is not None and value == value}
    where = {"segment_name": row["segment_name"]}
    if not {"contact_count", "detectable_effect"} <= known:
        return []
    read = [
        decisions.read_figure("contact_count", where=where, kind="count", unit="customer"),
        decisions.read_figure("control_count", where=where, kind="count"),
        decisions.read_figure("detectable_effect", where=where, kind="points"),
    ]
    words = where | {"channel": row["channel"], "answer": row["answer"]}
    told = [write_finding("decisions.matrix.test", read, count=read[0], words=words)]
    if "break_even_share" in known:
        read = [
            decisions.read_figure("break_even_spend", where=where, kind="money"),
            decisions.read_figure("break_even_share", where=where, kind="share"),
        ]
        kind = "pays" if bool(row["shows_pay"]) else "pays_unseen"
        told.append(write_finding(f"decisions.matrix.{kind}", read, count=None, words=where))
    return told
