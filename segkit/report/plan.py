"""The plan and its tables: what the data can carry, and what to mend first."""

from __future__ import annotations

import datetime
from functools import partial

from matplotlib.axes import Axes

from segkit.core.absence import NO_PURCHASES
from segkit.core.findings import Condition, Figure, Finding
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, ORANGE, TRACK, chart
from segkit.report.shared.numbers import format_number, format_share, join_words, plural
from segkit.report.shared.sentences import explain_absence, name_column, write_finding
from segkit.report.shared.views import Column, View

WEAK_SCORE = 0.5
STALE_DAYS = 31

PLAN = View(Shape("plan", population="plan"))
INVENTORY = View(Shape("inventory", population="rows", by=("table",)))
CONSENT = View(Shape("consent", by=("answer",)))
COUNTS = View(Shape("counts", population="rows", by=("table",)))
QUALITY = View(
    Shape("quality", population="rows", by=("table", "rule")),
    dict.fromkeys(("table", "rule", "severity", "row_count", "reason", "treatment"), Column()),
)
LEARNED = View(
    Shape(
        "learned",
        count="customer_count",
        adds_up=False,
        rests={"top_spend_share": "top_customer_count", "top_customer_count": "top_customer_count"},
        measures={"row_count": "label", "top_order_count": "label"},
    ),
    {
        "table": Column(),
        "row_count": Column("Rows accepted"),
        "customer_count": Column("Customers"),
        "order_count": Column("Orders"),
        "first_on": Column("First day"),
        "last_on": Column("Last day"),
        "spend": Column("Sum of the accepted lines", kind="money"),
        "top_order_count": Column("Largest orders"),
        "top_spend_share": Column("Their share of the sum", kind="share"),
    },
)
STATUSES = View(
    Shape("statuses", by=("status",), count="rests_on_count", repeats=True, covered=("status",)),
    {
        "status": Column(),
        "line_count": Column(kind="integer"),
        "counts_as": Column(),
        "known_by": Column(),
        "rests_on_count": Column("Customers", "integer"),
        "amount": Column(kind="money"),
        NOTE: Column(),
    },
)
GAPS = View(Shape("gaps", population="plan", by=("base",)))
OWN_FEATURES = View(Shape("own_features", population="columns", by=("feature",)))
READINESS = View(Shape("readiness", population="plan", by=("practice",)))
GIVEN = Condition("row_count", ">", 0)


@chart("practice", "score")
def plot_readiness(table, *, title: str = "Readiness by practice") -> Axes:
    """Draw the readiness scorecard: one bar a practice, the strongest on top.

    How to read it: the grey track is the whole way to 1; the lowest bars are where to begin.
    The table has a row a practice: ``practice`` (text) and ``score`` (0 to 1).
    """
    rows = table.sort_values("score", kind="stable")
    names = rows["practice"]
    scores = rows["score"].map(partial(format_number, decimals=2))
    ax = figures.new_axes(title, height=1.0 + 0.34 * len(rows))
    track = ax.barh(range(len(rows)), 1, color=TRACK, height=0.5)
    ax.bar_label(track, scores, padding=6, fontweight="bold")
    ax.barh(range(len(rows)), rows["score"], color=BLUE, height=0.5)
    ax.set_xlim(0, 1)
    figures.name_rows(ax, names)
    figures.name_values(ax, "score: 0 nothing in place, 1 fully in place")
    said = f"Bars: readiness score of {plural(len(rows), 'practice')}"
    return figures.describe_chart(ax, said, *figures.list_ends(names, scores))


@chart("table", "read", "accepted", "rejected")
def plot_quality(table, *, title: str = "Rows accepted and rejected") -> Axes:
    """Draw the share of each table's rows that was accepted.

    How to read it: blue rows are used, hatched rows were set aside with a reason. The counts
    stand to the right, since tables differ in size by orders of magnitude.
    The table has a row a table: ``table``, and its rows ``read``, ``accepted``, ``rejected``.
    """
    rows = table[table["read"] > 0].sort_values("read", kind="stable")
    accepted_share = rows["accepted"] / rows["read"]
    rejected_share = rows["rejected"] / rows["read"]
    ax = figures.new_axes(title, height=1.0 + 0.36 * len(rows))
    ax.barh(range(len(rows)), accepted_share, color=BLUE, height=0.56)
    bars = ax.barh(
        range(len(rows)),
        rejected_share,
        left=accepted_share,
        color="white",
        edgecolor=ORANGE,
        hatch="/////",
        height=0.56,
    )
    counts = rows[["read", "accepted", "rejected"]].map(format_number)
    shares = rejected_share.map(format_share).where(rejected_share > 0, "none")
    ax.bar_label(bars, counts["read"] + " read, " + shares + " rejected", padding=6)
    ax.set_xlim(0, 1)
    names = rows["table"].map(name_column)
    figures.name_rows(ax, names)
    figures.name_values(ax, "share of rows read: solid accepted, hatched rejected")
    said = names + ": " + counts["read"] + " read, " + counts["accepted"] + " accepted, "
    said += counts["rejected"] + " rejected"
    return figures.describe_chart(ax, "Rows by table", said.iloc[::-1])


def state_inventory(
    inventory: Published, consent: Published, *, as_of: datetime.date
) -> list[Finding]:
    """Say which tables there are, how fresh they are, and who may be contacted."""
    frame = inventory.frame
    given = frame[frame["row_count"] > 0]
    told = [
        write_finding(
            "plan.inventory.tables",
            [
                inventory.read_figure("table", where=[GIVEN], how="rows", name="given_count"),
                inventory.read_figure("table", how="rows", name="table_count"),
                inventory.read_figure("row_count", how="sum", kind="count", unit="accepted row"),
            ],
        )
    ]
    if "order_lines" in set(given.dropna(subset=["last_on"])["table"]):
        told.append(_state_orders(inventory, as_of))
    if "order_lines" not in set(given["table"]):
        told.append(write_finding("plan.inventory.no_purchases", words={"reason": NO_PURCHASES}))
    stale = given.loc[given["days_since_last"] > STALE_DAYS, "table"]
    if len(stale):
        told.append(write_finding("plan.inventory.stale", words={"tables": join_words(stale)}))
    return [*told, _state_consent(consent)]


def _state_orders(inventory: Published, as_of: datetime.date) -> Finding:
    lines = {"table": "order_lines"}
    days = inventory.read_figure("days_since_last", where=lines, kind="count", unit="day")
    return write_finding(
        "plan.inventory.orders",
        [
            inventory.read_figure("first_on", where=lines, kind="date"),
            inventory.read_figure("last_on", where=lines, kind="date"),
            days,
        ],
        words={"as_of": as_of},
    )


def _state_consent(consent: Published) -> Finding:
    """Say how many customers may be contacted; a hidden count stays hidden."""
    if consent.empty:
        return explain_absence(consent)
    everybody = consent.locate("customer_count", how="sum")
    count = consent.read_figure("customer_count", how="sum", kind="count", unit="customer")
    return write_finding(
        "plan.inventory.consent",
        [
            consent.read_figure(
                "customer_count",
                where={"answer": "yes"},
                how="sum",
                over=everybody,
                kind="share",
                name="yes_share",
            ),
            count,
            consent.read_figure(
                "customer_count",
                where={"answer": "unknown"},
                how="sum",
                kind="count",
                name="unknown_count",
            ),
        ],
        count=count,
    )


def state_quality(quality: Published, counts: Published) -> list[Finding]:
    """Say how many rows were kept and which rules rejected most."""
    read = counts.locate("read", how="sum")
    told = [
        write_finding(
            "plan.quality.accepted",
            [
                counts.read_figure("read", how="sum", kind="count", unit="row"),
                counts.read_figure("accepted", how="sum", kind="count"),
                counts.read_figure(
                    "accepted", how="sum", over=read, kind="share", name="accepted_share"
                ),
                counts.read_figure("rejected", how="sum", kind="count"),
            ],
        )
    ]
    frame = quality.frame
    rejects = frame[(frame["row_count"] > 0) & (frame["severity"] == "reject")]
    top = rejects.sort_values(["row_count", "rule"], ascending=[False, True]).head(1)
    for row in top.to_dict("records"):
        place = {"table": row["table"], "rule": row["rule"]}
        rows = quality.read_figure("row_count", where=place, how="sum", kind="count", unit="row")
        words = {"table": name_column(row["table"]), "reason": row["reason"]}
        told.append(write_finding("plan.quality.rejects_most", [rows], words=words))
    warnings = quality.read_figure(
        "rule",
        where=[GIVEN, Condition("severity", "==", "warning")],
        how="rows",
        kind="count",
        unit="rule",
        name="warning_count",
    )
    if warnings.value:
        told.append(write_finding("plan.quality.warnings", [warnings]))
    return told


def state_readiness(readiness: Published, gaps: Published, overreach: list[str]) -> list[Finding]:
    """Say how ready the business is, what to improve first, and what the plan overreaches."""
    strong = [Condition("score", ">=", WEAK_SCORE)]
    told = [
        write_finding(
            "plan.readiness.scores",
            [
                readiness.read_figure("score", where=strong, how="rows", name="ready_count"),
                *_read_mean_score(readiness),
            ],
        )
    ]
    frame = readiness.frame
    for row in frame[frame["score"] < WEAK_SCORE].head(1).to_dict("records"):
        words = {
            "improve": row["improve"][0].lower() + row["improve"][1:],
            "practice": row["practice"].lower(),
            "evidence": row["evidence"],
        }
        score = readiness.read_figure("score", where={"practice": row["practice"]})
        told.append(write_finding("plan.readiness.improve_first", [score], words=words))
    ready = gaps.frame.loc[gaps.frame["ready"], "base"]
    told.append(
        write_finding(
            "plan.readiness.bases",
            _count_bases(gaps),
            words={"bases": join_words([name_column(base) for base in ready])},
        )
    )
    for sentence in overreach:
        told.append(write_finding("plan.readiness.overreach", words={"sentence": sentence}))
    if not overreach:
        told.append(write_finding("plan.readiness.no_overreach"))
    return told


def _read_mean_score(readiness: Published) -> list[Figure]:
    """Return the mean score, and of how many practices it is."""
    return [
        readiness.read_figure("score", how="rows", name="practice_count"),
        readiness.read_figure("score", how="mean", kind="share", decimals=0, name="mean_score"),
    ]


def _count_bases(gaps: Published) -> list[Figure]:
    ready = [Condition("ready", "==", True)]
    return [
        gaps.read_figure("base", where=ready, how="rows", name="ready_count"),
        gaps.read_figure("base", how="rows", name="base_count"),
    ]


def list_headline(counts: Published, readiness: Published, gaps: Published) -> dict[str, Finding]:
    """Return the figures of this step for the first page, by label."""
    rows = [
        counts.read_figure("accepted", how="sum", kind="count"),
        counts.read_figure("read", how="sum", kind="count"),
    ]
    return {
        "Rows accepted": write_finding("plan.headline.rows", rows),
        "Readiness": write_finding("plan.headline.readiness", _read_mean_score(readiness)),
        "Bases that can be used": write_finding("plan.headline.bases", _count_bases(gaps)),
    }
