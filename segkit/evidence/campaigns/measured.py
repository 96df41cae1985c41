"""All that campaigns tell, in one call: the checks first, then effects, then policies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from ibis import _, ir

from segkit.core.measures import LARGEST, OF_A_MEAN, SECOND
from segkit.core.settings import Settings
from segkit.evidence.campaigns.assigned import Assigned, assign_customers
from segkit.evidence.campaigns.checks import check_balance, check_sizes, count_arms
from segkit.evidence.campaigns.contrasts import EVERYBODY
from segkit.evidence.campaigns.effects import Compared, compare_arms, compare_campaigns
from segkit.evidence.campaigns.policies import value_policies
from segkit.features.expressions import find_contributions, sum_money
from segkit.plan.campaigns import Campaigns

SPEND = "spend"
SIDES = {"treated": "treated_value", "baseline": "baseline_value"}


@dataclass(frozen=True)
class Measured:
    """What campaigns tell; without messages, arms or a comparison all tables are empty and say why.

    Attributes
    ----------
    assigned : Assigned
        Who was in which arm.
    arms, sizes, balance : DataFrame
        The checks: see `count_arms`, `check_sizes` and `check_balance`.
    effects, heterogeneity : DataFrame
        See `compare_arms`; with the largest contributions to spend for the gate.
    by_campaign : DataFrame
        See `compare_campaigns`.
    policies, curve : DataFrame
        See `value_policies`.
    """

    assigned: Assigned
    arms: pd.DataFrame
    sizes: pd.DataFrame
    balance: pd.DataFrame
    effects: pd.DataFrame
    heterogeneity: pd.DataFrame
    by_campaign: pd.DataFrame
    policies: pd.DataFrame
    curve: pd.DataFrame


def measure_campaigns(
    tables: Mapping[str, ir.Table], segments: pd.DataFrame, *, plan: Campaigns, at: Settings
) -> Measured:
    """Measure what campaigns did: checks of the arms, effects, and what a policy by segment brings.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        ``messages``, and for orders, spend and visits ``order_lines`` and ``events``.
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    plan : Campaigns
        What the plan says of campaigns.
    at : Settings
    """
    assigned = assign_customers(tables, segments, plan=plan, at=at)
    compared: Compared = compare_arms(assigned)
    policies, curve = value_policies(assigned)
    return Measured(
        assigned,
        arms=count_arms(assigned),
        sizes=check_sizes(assigned),
        balance=check_balance(assigned, compared.estimates),
        effects=add_largest(assigned, compared.effects),
        heterogeneity=compared.heterogeneity,
        by_campaign=compare_campaigns(assigned, compared.effects),
        policies=policies,
        curve=curve,
    )


def add_largest(assigned: Assigned, effects: pd.DataFrame) -> pd.DataFrame:
    """Add the two largest contributions to both arms' spend, for the gate.

    They are sums over all campaigns, of the customers of each arm and segment.
    """
    if SPEND not in assigned.outcomes:
        return effects
    rows = assigned.rows
    by = ["arm", "segment_name"]
    tops = find_contributions(rows, sum_money(_.spend), name=SPEND, by=by)
    sums = rows.group_by(*by).agg(spend=sum_money(rows.spend)).to_pandas()
    found = sums.merge(tops, on=by, how="left")
    whole = found.groupby("arm", as_index=False).apply(_join_segments, include_groups=False)
    found = pd.concat([found[found["segment_name"] != EVERYBODY], whole], ignore_index=True)
    names = {"spend": OF_A_MEAN, f"spend{LARGEST}": LARGEST, f"spend{SECOND}": SECOND}
    is_spend = effects["outcome"] == SPEND
    for arm, column in SIDES.items():
        own = found.rename(columns={name: f"{column}{end}" for name, end in names.items()})
        own = own.rename(columns={"arm": arm})
        effects = effects.merge(own, on=[arm, "segment_name"], how="left")
        ends = [f"{column}{end}" for end in names.values()]
        effects[ends] = effects[ends].astype(float).where(is_spend)
    return effects


def _join_segments(own: pd.DataFrame) -> pd.Series:
    """Return an arm's sum over all segments, and the two largest contributions of any."""
    tops = own[[f"spend{LARGEST}", f"spend{SECOND}"]].astype(float).stack().dropna()
    tops = tops.reindex(tops.abs().sort_values(ascending=False, kind="stable").index)
    first, second, *_rest = [*tops.head(2), float("nan"), float("nan")]
    return pd.Series(
        {
            "segment_name": EVERYBODY,
            "spend": own["spend"].sum(),
            f"spend{LARGEST}": first,
            f"spend{SECOND}": second,
        }
    )
