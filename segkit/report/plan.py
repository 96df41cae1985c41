"""The plan and its tables: what the data can carry, and what to mend first."""

from __future__ import annotations

import datetime

from matplotlib.axes import Axes

from segkit.core.absence import NO_PURCHASES
from segkit.core.findings import Condition, Figure, Finding
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.readiness import read_mean_score
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, ORANGE, chart
from segkit.report.shared.numbers import format_number, format_share, join_words
from segkit.report.shared.sentences import explain_absence, name_column, write_finding
from segkit.report.shared.views import Column, View

STALE_DAYS = 31

PLAN = View(
    Shape("plan", population="plan"),
    {"item": Column(), "text": Column("In the plan"), "shown_by": Column("Shown by")},
)
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
GIVEN = Condition("row_count", ">", 0)


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


def state_bases(gaps: Published) -> list[Finding]:
    """Say which bases the tables carry."""
    ready = gaps.frame.loc[gaps.frame["ready"], "base"]
    words = {"bases": join_words([name_column(base) for base in ready])}
    kind = "plan.bases.ready" if len(ready) else "plan.bases.none"
    return [write_finding(kind, _count_bases(gaps), words=words)]


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
        "Readiness": write_finding("readiness.headline.readiness", read_mean_score(readiness)),
        "Bases that can be used": write_finding("plan.headline.bases", _count_bases(gaps)),
    }
