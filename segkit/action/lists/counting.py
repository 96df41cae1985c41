"""Who would be on the list of each segment: counts for the report, of the run's own tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from ibis import ir

from segkit.action.lists.control import read_arms
from segkit.action.lists.layouts import read_layout
from segkit.action.lists.sorting import EXPORTED, STATES, Rules, read_register, sort_members
from segkit.action.lists.suppression import read_suppression
from segkit.core.absence import empty_table
from segkit.plan.models import Plan
from segkit.runs.layout import RunFolder

BY_SEGMENT = ["segment_name", "state", "customer_count", "share"]
OF_ALL = ["state", "customer_count", "share"]
NO_CONSENT = (
    "Nobody can be on a list: the plan asks for consent, and no customer's is recorded. Map the "
    "column under tables.customers, and name it under privacy."
)
NO_ADDRESS = (
    "Nobody can be on a list in this layout, which needs e-mail addresses: no customer's is known. "
    "Map the column email under tables.customers, or take another layout."
)


@dataclass(frozen=True)
class ListCounts:
    """How many customers would be on the lists, and where the others go.

    Attributes
    ----------
    by_segment : DataFrame
        `BY_SEGMENT`: one row a segment and state, states of nobody left out; ``share`` is of the
        segment.
    of_all : DataFrame
        `OF_ALL`: one row a state.
    layout : str
        The title of the layout that was counted for.
    campaign : str
        Of which a control group is held out; empty where none is.
    """

    by_segment: pd.DataFrame
    of_all: pd.DataFrame
    layout: str
    campaign: str


def count_lists(
    tables: Mapping[str, ir.Table], segments: pd.DataFrame, *, plan: Plan, run: RunFolder
) -> ListCounts:
    """Count who would be on the list of each segment, by the rules of an export.

    Consent and addresses are those of the run; an export asks the source again. Where customers are
    accounts, accounts are counted, and an export has their contacts.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
    segments : DataFrame
        ``customer_id`` and ``segment_name``, one row a customer.
    plan : Plan
    run : RunFolder
        Where earlier exports recorded who was held out.
    """
    customers = tables.get("customers")
    layout = read_layout(plan.lists.layout, plan)
    campaign = plan.lists.campaign if plan.lists.holds_out else ""
    # Accounts have no address: their contacts do, of whom an export asks.
    needs_address = bool(layout.needs) and plan.unit != "account"
    known = () if customers is None else customers.columns
    column = plan.privacy.consent_column
    reason = ""
    if segments.empty or (column and column not in known):
        reason = NO_CONSENT
    elif needs_address and "email" not in known:
        reason = NO_ADDRESS
    if reason:
        return ListCounts(
            empty_table(BY_SEGMENT, reason), empty_table(OF_ALL, reason), layout.title, campaign
        )
    path = plan.lists.suppression
    rules = Rules(
        settings=plan.lists,
        random_state=plan.random_state,
        needs_address=needs_address,
        suppression=read_suppression(plan.resolve_path(path) if path else None),
        arms=read_arms(run),
    )
    told = _sort_each(segments, read_register(customers, consent_column=column), rules=rules)
    counts = told.groupby(["segment_name", "state"]).size().rename("customer_count")
    states = [state for state in STATES if state == EXPORTED or (told["state"] == state).any()]
    names = sorted(told["segment_name"].unique())
    cells = pd.MultiIndex.from_product([names, states], names=["segment_name", "state"])
    by_segment = counts.reindex(cells, fill_value=0).reset_index()
    sizes = by_segment.groupby("segment_name")["customer_count"].transform("sum")
    by_segment["share"] = by_segment["customer_count"] / sizes
    of_all = by_segment.groupby("state", sort=False)["customer_count"].sum().reset_index()
    of_all["share"] = of_all["customer_count"] / of_all["customer_count"].sum()
    return ListCounts(by_segment[BY_SEGMENT], of_all[OF_ALL], layout.title, campaign)


def _sort_each(segments: pd.DataFrame, register, *, rules: Rules) -> pd.DataFrame:
    """Return each member with a state; addresses repeat within a list, so each is sorted alone."""
    parts = []
    for name, members in segments.dropna(subset=["segment_name"]).groupby("segment_name"):
        told = sort_members(members[["customer_id"]], register, by=rules)
        told.count_states()
        parts.append(told.members[["state"]].assign(segment_name=name))
    return pd.concat(parts, ignore_index=True)
