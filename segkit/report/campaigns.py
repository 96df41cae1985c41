"""What campaigns tell: their tables, how they are laid out, and the charts beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd

from segkit.core.measures import COUNT
from segkit.core.privacy import NOTE, Published, Shape
from segkit.evidence.campaigns.assigned import is_amount
from segkit.evidence.campaigns.checks import SEGMENT_SHARES
from segkit.evidence.campaigns.contrasts import EVERYBODY
from segkit.evidence.campaigns.measured import Measured
from segkit.report.by_segment import RESTS_ON, SEGMENT
from segkit.report.campaign_charts import plot_effects, plot_policies, plot_uplift
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.views import Column, View

OUTCOME_WORDS = {
    "converted": "Bought in the campaign's time",
    "visited": "Visited in the window",
    "ordered": "Ordered in the window",
    "spend": "Net spend in the window",
    "opened": "Opened",
    "clicked": "Clicked",
    "unsubscribed": "Unsubscribed",
    "bounced": "Not delivered",
    "reported_spam": "Reported as spam",
}
KNOWN_WORDS = {
    "prior_spend": "Net spend in the year before",
    "prior_orders": "Orders in the year before",
    "prior_recency": "Days since the last order",
    SEGMENT_SHARES: "Share of the segment that differs most",
}
SCALES = {"difference": "differences", "ratio": "ratios"}
PAIR = ("treated", "baseline")
COMPARED = (*PAIR, "outcome")
ENDS = ("difference_low", "difference_high")
_COMPARISON = {"treated": Column("Arm"), "baseline": Column("Against")}
_COUNTS = {
    "treated_count": Column("Assigned", "integer"),
    "baseline_count": Column("Assigned to the other", "integer"),
}
_FLAGS = {"differs": Column("Difference shown"), NOTE: Column()}


def _list_values(kind: str, difference: str) -> dict[str, Column]:
    """Return the columns of both arms' values and their difference, written as shares or money."""
    return {
        "treated_value": Column("In the arm", kind),
        "baseline_value": Column("In the other", kind),
        "difference": Column("Difference" + (", points" if kind == "share" else ""), difference),
        "difference_interval": Column("Interval", difference, interval=ENDS),
        "ratio": Column("Ratio", "number"),
        "detectable": Column("Would have been seen", difference),
    }


SHARES = _list_values("share", "points")
MONEY = _list_values("money", "money")
OUTCOME = {"outcome": Column("Outcome")}
ARMS = View(
    Shape("campaign_arms", by=("arm",), repeats=True, shown=("planned_share",)),
    {
        "arm": Column("Arm"),
        "assigned_count": Column("Assigned", "integer"),
        "customer_count": Column("Customers", "integer"),
        "assigned_share": Column("Share", "share"),
        "planned_share": Column("Share planned", "share"),
        NOTE: Column(),
    },
)
SIZES = View(
    Shape("campaign_sizes", by=("campaign",), repeats=True),
    {
        "campaign": Column("Campaign"),
        "first_on": Column("Sent from", "date"),
        "last_on": Column("To", "date"),
        "customer_count": Column("Customers", "integer"),
        "arm_count": Column("Arms", "integer"),
        "adjusted_p_value": Column("P-value of the sizes", "number"),
        "is_mismatch": Column("Not as planned"),
        "is_running": Column("Still running"),
        NOTE: Column(),
    },
)
LEFT_OUT = View(
    Shape("campaign_left_out", population="rows", by=("what",)),
    {
        "what": Column("What"),
        "row_count": Column("How many", "integer"),
        "treatment": Column("What is done"),
    },
)
BALANCE = View(
    Shape("campaign_balance", by=(*PAIR, "known_before"), count=RESTS_ON, adds_up=False),
    {
        **_COMPARISON,
        "known_before": Column("Known before"),
        "treated_value": Column("In the arm", "number"),
        "baseline_value": Column("In the other", "number"),
        "standardised_difference": Column("Difference, standard deviations", "number"),
        "standardised_interval": Column(
            "Interval", "number", interval=("standardised_low", "standardised_high")
        ),
        "is_unbalanced": Column("Unbalanced"),
        NOTE: Column(),
    },
)
_WHOLE = Shape("campaign_effects", by=COMPARED, count=RESTS_ON, adds_up=False)
_BY_SEGMENT = Shape("campaign_segments", by=(*COMPARED, *SEGMENT), count=RESTS_ON, repeats=True)
EFFECTS = View(_WHOLE, _COMPARISON | OUTCOME | _COUNTS | SHARES | _FLAGS)
AMOUNTS = View(_WHOLE, _COMPARISON | OUTCOME | _COUNTS | MONEY | _FLAGS).rename("campaign_amounts")
_SEGMENT = {"segment_name": Column()}
SEGMENTS = View(_BY_SEGMENT, _COMPARISON | OUTCOME | _SEGMENT | _COUNTS | SHARES | _FLAGS)
SEGMENT_AMOUNTS = View(
    _BY_SEGMENT, _COMPARISON | OUTCOME | _SEGMENT | _COUNTS | MONEY | _FLAGS
).rename("campaign_segment_amounts")
HETEROGENEITY = View(
    Shape(
        "campaign_heterogeneity",
        by=(*COMPARED, "scale"),
        count=RESTS_ON,
        adds_up=False,
        measures={"i_squared": COUNT},
    ),
    {
        **_COMPARISON,
        **OUTCOME,
        "scale": Column("Compared are"),
        "segment_count": Column("Segments", "integer"),
        "q": Column("Q", "number"),
        "p_value": Column("P-value", "number"),
        "adjusted_p_value": Column("Corrected", "number"),
        "i_squared": Column("I squared", "share"),
        "differs": Column("Segments differ"),
        NOTE: Column(),
    },
)
BY_CAMPAIGN = View(
    Shape("campaign_by_campaign", by=("campaign",), count=RESTS_ON, repeats=True),
    {"campaign": Column("Campaign"), "first_on": Column("Sent from", "date"), **_COUNTS}
    | {name: column for name, column in SHARES.items() if name not in ("ratio", "detectable")}
    | {NOTE: Column()},
)
POLICIES = View(
    Shape("campaign_policies", by=("outcome", "policy"), count=RESTS_ON, adds_up=False),
    {
        **OUTCOME,
        "policy": Column("Policy"),
        "value": Column("A customer in a campaign", "share"),
        "value_interval": Column("Interval", "share", interval=("value_low", "value_high")),
        "gain": Column("By segment brings more by, points", "points"),
        "gain_interval": Column("Interval", "points", interval=("gain_low", "gain_high")),
        NOTE: Column(),
    },
)
CURVE = View(
    Shape("campaign_uplift", by=("place",), count=RESTS_ON, adds_up=False),
    {
        "place": Column("Segments sent to", "integer"),
        "targeted_share": Column("Share of customers", "share"),
        "gain": Column("Gain a customer of all, points", "points"),
        "gain_interval": Column("Interval", "points", interval=("gain_low", "gain_high")),
        "straight_gain": Column("By chance", "points"),
        "qini": Column("Qini", "points"),
        NOTE: Column(),
    },
)
MONEY_KINDS = {"share": "money", "points": "money"}


def write_as_money(view: View, name: str = "") -> View:
    """Return a view whose shares and points are amounts of money, under another name."""
    columns = {
        key: replace(
            column,
            kind=MONEY_KINDS.get(column.kind, column.kind) if key != "targeted_share" else "share",
            heading=column.heading.replace(", points", ""),
        )
        for key, column in view.columns.items()
    }
    return replace(view, columns=columns).rename(name or view.shape.name)


def list_tables(measured: Measured) -> list[tuple[pd.DataFrame, View]]:
    """Return the tables of campaigns, each with its view, for `ws.publish_each`."""
    effects = _name_outcomes(measured.effects)
    is_money = measured.effects["outcome"].map(is_amount).astype(bool)
    is_whole = measured.effects["segment_name"] == EVERYBODY
    is_first_money = is_amount(measured.assigned.primary)
    parts = [
        (effects[is_whole & ~is_money], EFFECTS),
        (effects[is_whole & is_money], AMOUNTS),
        (effects[~is_whole & ~is_money], SEGMENTS),
        (effects[~is_whole & is_money], SEGMENT_AMOUNTS),
    ]
    policies = _name_outcomes(measured.policies)
    is_spend = measured.policies["outcome"].map(is_amount).astype(bool)
    balance = measured.balance.assign(
        known_before=measured.balance["known_before"].map(KNOWN_WORDS)
    )
    heterogeneity = _name_outcomes(measured.heterogeneity)
    heterogeneity = heterogeneity.assign(scale=heterogeneity["scale"].map(SCALES))
    return [
        (measured.arms, ARMS),
        (measured.sizes, SIZES),
        (measured.assigned.left_out, LEFT_OUT),
        (balance, BALANCE),
        *((table.reset_index(drop=True), view) for table, view in parts),
        (heterogeneity, HETEROGENEITY),
        (measured.by_campaign, write_as_money(BY_CAMPAIGN) if is_first_money else BY_CAMPAIGN),
        (policies[~is_spend].reset_index(drop=True), POLICIES),
        (
            policies[is_spend].reset_index(drop=True),
            write_as_money(POLICIES, "campaign_policy_amounts"),
        ),
        (measured.curve, write_as_money(CURVE) if is_first_money else CURVE),
    ]


def _name_outcomes(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with the words for outcomes."""
    return table.assign(outcome=table["outcome"].map(OUTCOME_WORDS))


@dataclass(frozen=True)
class Tables:
    """The published tables of campaigns, by name, in the order of `list_tables`."""

    arms: Published
    sizes: Published
    left_out: Published
    balance: Published
    effects: Published
    amounts: Published
    segments: Published
    segment_amounts: Published
    heterogeneity: Published
    by_campaign: Published
    policies: Published
    policy_amounts: Published
    curve: Published


def name_tables(published: list[Published]) -> Tables:
    """Give the published tables of `list_tables` their names."""
    return Tables(*published)


def lay_out_checks(tables: Tables) -> list[Exhibit]:
    """Return what is shown of who was assigned: arms, campaigns, what is left out, balance."""
    shown = [
        Exhibit(thing=tables.arms, caption="Everybody who was assigned, by arm"),
        Exhibit(thing=tables.left_out, caption="What does not count, or cannot be"),
        Exhibit(
            thing=tables.balance, caption="Were the arms alike before the messages?", folded=True
        ),
        Exhibit(
            thing=tables.sizes, caption="The campaigns, and the sizes of their arms", folded=True
        ),
    ]
    return [one for one in shown if not one.thing.empty]


def lay_out_effects(tables: Tables) -> list[Exhibit]:
    """Return what is shown of what followed: all customers, then the primary outcome by segment."""
    shown = [
        Exhibit(thing=tables.effects, caption="What followed by arm: shares of everybody assigned"),
        Exhibit(thing=tables.amounts, caption="What followed by arm: amounts a customer assigned"),
    ]
    shown = [one for one in shown if not one.thing.empty]
    shown += _draw_primary(tables)
    for table, caption in (
        (tables.segments, "What followed by arm and segment: shares"),
        (tables.segment_amounts, "What followed by arm and segment: amounts"),
        (tables.heterogeneity, "Do segments answer differently?"),
        (tables.by_campaign, "The primary outcome in each campaign by itself"),
    ):
        if not table.empty:
            shown.append(Exhibit(thing=table, caption=caption, folded=True, max_rows=60))
    return shown


def _draw_primary(tables: Tables) -> list[Exhibit]:
    """Return the chart of the primary outcome by segment; nothing where there are no segments."""
    for whole, table in (
        (tables.effects, tables.segments),
        (tables.amounts, tables.segment_amounts),
    ):
        if whole.empty or table.empty:
            continue
        first = whole.frame[whole.frame["is_primary"].fillna(False).astype(bool)]
        if first.empty:
            continue
        row = first.iloc[0]
        is_own = pd.Series(True, index=table.frame.index)
        for name in COMPARED:
            is_own &= table.frame[name] == row[name]
        title = f"{row['outcome']}: {row['treated']} against {row['baseline']}"
        drawn = plot_effects(
            table.keep(is_own),
            whole=whole.keep(first),
            kind=whole.view.find_kind("difference"),
            title=title,
        )
        caption = "The difference of both arms, with its interval, in each segment and among all."
        return [Exhibit(thing=drawn, caption=caption)]
    return []


def lay_out_policies(tables: Tables) -> list[Exhibit]:
    """Return what is shown of policies: values first, the uplift curve beside them."""
    shown: list[Exhibit] = []
    for table, kind in ((tables.policies, "points"), (tables.policy_amounts, "money")):
        if table.empty:
            continue
        if not shown:
            outcome = str(table.frame["outcome"].iloc[0])
            title = f"{outcome}: the best arm for each segment"
            caption = "What the policy by segment brings more than each other, out of sample."
            drawn = plot_policies(table, kind=kind, title=title)
            shown.append(Exhibit(thing=drawn, caption=caption))
        caption = "The value of policies, out of sample and before the costs of messages"
        shown.append(Exhibit(thing=table, caption=caption, folded=True))
    if not tables.curve.empty:
        kind = tables.curve.view.find_kind("gain")
        caption = "What is gained by sending to the first segments only, out of sample."
        shown.append(Exhibit(thing=plot_uplift(tables.curve, kind=kind), caption=caption))
    return shown
