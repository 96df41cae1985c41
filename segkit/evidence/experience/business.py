"""Business customers: how deals go, and who renews.

Deals and contracts are those of `segkit.features.deals`; they stay in the engine. Intervals take
the customers as clusters, for one may have many deals.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.core.measures import add_contributions
from segkit.core.survival import estimate_survival, find_survival_median
from segkit.evidence.experience.waiting import add_clusters
from segkit.evidence.segment_summaries import bound_ratios, list_bounds
from segkit.features.deals import (
    CONTRACT_FATES,
    DEAL_FATES,
    LOST,
    OPEN,
    WON,
    add_groups,
    prepare_contracts,
    prepare_deals,
)
from segkit.features.expressions import count_true, days_until, keep_until, sum_money

NO_DEALS = "There is no table of deals."
NO_STAGES = "There is no table of the stages of deals (deal_stages)."
NO_CONTRACTS = "There is no table of contracts that tells which were renewed."
WIN = {"win_share": ("won_count", "decided_count")}
RENEWAL = {"renewal_share": ("renewed_count", "due_count")}
UNKNOWN_DEAL = "no deal that is known"
MOST_GROUPS = 12
MOST_STAGES = 15
LEAST_POOLED = 10


def open_deals(
    tables: Mapping[str, Table], segments: pd.DataFrame, *, as_of: datetime.date
) -> Table | None:
    """Return the deals of `prepare_deals` with their groups, worked out once; None without any."""
    deals = prepare_deals(tables.get("deals"), as_of=as_of)
    return None if deals is None else add_groups(deals, tables, segments).cache()


def open_contracts(
    tables: Mapping[str, Table], segments: pd.DataFrame, *, as_of: datetime.date
) -> Table | None:
    """Return the contracts of `prepare_contracts` with their groups; None without any."""
    contracts = prepare_contracts(tables.get("contracts"), as_of=as_of)
    return None if contracts is None else add_groups(contracts, tables, segments).cache()


def count_deal_fates(deals: Table | None) -> pd.DataFrame:
    """Count what became of the deals: fate, deal_count and counts_as (decided, open, left out)."""
    kinds = {WON: "decided", LOST: "decided", OPEN: "open"}
    reasons = (NO_DEALS, "No deal was opened until the last day.")
    return _count_fates(deals, DEAL_FATES, kinds, name="deal_count", reasons=reasons)


def count_contract_fates(contracts: Table | None) -> pd.DataFrame:
    """Count what became of the contracts: fate, contract_count and counts_as (due, not due)."""
    kinds = dict(zip(CONTRACT_FATES, ("due", "due", "not due", "not due"), strict=False))
    name = "contract_count"
    reasons = (NO_CONTRACTS, "No contract had started by the last day.")
    return _count_fates(contracts, CONTRACT_FATES, kinds, name=name, reasons=reasons)


def summarise_deals(deals: Table | None, *, by: str) -> pd.DataFrame:
    """Summarise how deals go by group: how many are decided, how many of these won, and how fast.

    Those still open are told beside the share that was won of the decided ones: what is decided
    first may be won more often than what is decided late, see `summarise_deal_cohorts`. The days to
    a decision count open deals as waiting (Kaplan and Meier 1958).

    Parameters
    ----------
    deals : ibis.Table or None
        Of `segkit.features.deals.prepare_deals`, with the groups of `add_groups`.
    by : str
        The column of groups, such as ``industry``.

    Returns
    -------
    DataFrame
        group_name, customer_count, deal_count, open_count, decided_count, win_share (of the decided
        ones; win_low and win_high), median_days (median_days_low, median_days_high; missing where
        it was not reached), won_amount with its largest contributions, and rests_on_count; the
        group with most deals first, at most 12.
    """
    columns = ["group_name", "customer_count", "deal_count", "open_count", "decided_count"]
    columns += ["win_share", "median_days", "median_days_low", "median_days_high", "won_amount"]
    columns += ["rests_on_count", "won_amount_largest", "won_amount_second", *list_bounds(WIN)]
    if is_missing(deals, by):
        return empty_table(columns, NO_DEALS)
    rows = add_clusters(deals, "deal_id").mutate(group_name=deals[by].cast("string"))
    each = _sum_each(
        rows,
        deal_count=_.count(),
        open_count=count_true(_.fate == OPEN),
        decided_count=count_true(_.is_decided),
        won_count=count_true(_.fate == WON),
        won_amount=sum_money(_.amount.fill_null(0.0), where=_.fate == WON),
    )
    if each.empty:
        return empty_table(columns, "No deal was opened until the last day.")
    pooled = pool_groups(each)
    each["group_name"] = each["group_name"].replace(pooled)
    table = _add_up(each, WIN)
    table = _add_contributions(table, each, "won_amount")
    table = table.merge(_find_median_days(rows, pooled), on="group_name", how="left")
    order = ["deal_count", "group_name"]
    table = table.sort_values(order, ascending=[False, True], ignore_index=True)
    return table[columns].head(MOST_GROUPS)


def summarise_deal_cohorts(deals: Table | None) -> pd.DataFrame:
    """Summarise deals by the quarter in which they were opened.

    Of a young quarter only the quick ones are decided, so that its share of won ones compares with
    none of an older quarter of which many are still open.

    Returns
    -------
    DataFrame
        quarter (its first day), customer_count, deal_count, open_count, open_share, decided_count,
        win_share (of the decided ones; win_low and win_high) and rests_on_count, in their order.
    """
    columns = ["quarter", "customer_count", "deal_count", "open_count", "open_share"]
    columns += ["decided_count", "win_share", "rests_on_count", *list_bounds(WIN)]
    if deals is None:
        return empty_table(columns, NO_DEALS)
    quarter = deals.opened_on.cast("timestamp").truncate("Q").cast("date").cast("string")
    rows = add_clusters(deals, "deal_id").mutate(group_name=quarter)
    each = _sum_each(
        rows,
        deal_count=_.count(),
        open_count=count_true(_.fate == OPEN),
        decided_count=count_true(_.is_decided),
        won_count=count_true(_.fate == WON),
    )
    if each.empty:
        return empty_table(columns, "No deal was opened until the last day.")
    table = _add_up(each, WIN)
    table["open_share"] = table["open_count"] / table["deal_count"]
    table["quarter"] = pd.to_datetime(table["group_name"])
    return table.sort_values("quarter", ignore_index=True)[columns]


def summarise_stages(
    stages: Table | None, deals: Table | None, *, as_of: datetime.date
) -> pd.DataFrame:
    """Estimate how long deals stay in each stage, with those that are still there.

    A stage ends with the next one, or with the deal; where the deal is open in it, it goes on.

    Parameters
    ----------
    stages : ibis.Table or None
        The table ``deal_stages``.
    deals : ibis.Table or None
        Of `segkit.features.deals.prepare_deals`.
    as_of : datetime.date
        The last day counted.

    Returns
    -------
    DataFrame
        stage, customer_count, deal_count (that came there), open_count (still there), lost_share
        (of those that left it, lost there; with what is left without two customers), median_days
        (median_days_low, median_days_high) and rests_on_count; in the order in which deals come to
        them, at most 15.
    """
    share = {"lost_share": ("lost_count", "left_count")}
    columns = ["stage", "customer_count", "deal_count", "open_count", "lost_share", "median_days"]
    columns += ["median_days_low", "median_days_high", "rests_on_count", *list_bounds(share)]
    if stages is None or deals is None:
        return empty_table(columns, NO_DEALS if deals is None else NO_STAGES)
    rows = _list_stage_spells(keep_until(stages, "entered_on", as_of), deals, as_of)
    each = _sum_each(
        rows,
        deal_count=_.count(),
        open_count=count_true(~_.is_decided),
        left_count=count_true(_.is_decided),
        lost_count=count_true(_.is_lost),
        step_sum=_.step.sum(),
    )
    if each.empty:
        return empty_table(columns, "No stage belongs to a deal that is known.")
    table = _add_up(each, share)
    table = table.merge(_find_median_days(rows), on="group_name", how="left")
    table["step"] = table["step_sum"] / table["deal_count"]
    table = table.sort_values(["step", "group_name"], ignore_index=True)
    return table.rename(columns={"group_name": "stage"})[columns].head(MOST_STAGES)


def count_stages(stages: Table | None, deals: Table | None) -> pd.DataFrame:
    """Count the stages of deals that are known, and those that belong to no deal.

    The columns are belongs_to and stage_count.
    """
    columns = ["belongs_to", "stage_count"]
    if stages is None or deals is None:
        return empty_table(columns, NO_STAGES)
    is_known = stages.deal_id.isin(deals.deal_id)
    counted = stages.agg(known=count_true(is_known), unknown=count_true(~is_known)).to_pandas()
    names = ["a deal", UNKNOWN_DEAL]
    return pd.DataFrame({"belongs_to": names, "stage_count": counted.iloc[0].astype("int64")})


def summarise_contracts(contracts: Table | None, *, by: str) -> pd.DataFrame:
    """Summarise how many contracts that were due were renewed, by group.

    Contracts that are not yet due say nothing of it, and are counted beside.

    Parameters
    ----------
    contracts : ibis.Table or None
        Of `segkit.features.deals.prepare_contracts`, with the groups of `add_groups`.
    by : str
        The column of groups, such as ``segment_name``.

    Returns
    -------
    DataFrame
        group_name, customer_count, contract_count, due_count, renewal_share (renewal_low and
        renewal_high), renewed_amount_share (of the yearly amounts that were due), due_amount with
        its largest contributions, and rests_on_count (customers with a contract that was due);
        the group with most due first, at most 12.
    """
    columns = ["group_name", "customer_count", "contract_count", "due_count", "renewal_share"]
    columns += ["due_amount", "renewed_amount_share", "rests_on_count"]
    columns += ["due_amount_largest", "due_amount_second", *list_bounds(RENEWAL)]
    if is_missing(contracts, by):
        return empty_table(columns, NO_CONTRACTS)
    rows = add_clusters(contracts, "contract_id").mutate(group_name=contracts[by].cast("string"))
    each = _sum_each(
        rows,
        contract_count=_.count(),
        due_count=count_true(_.is_due),
        renewed_count=count_true(_.is_renewed),
        due_amount=sum_money(_.amount.fill_null(0.0), where=_.is_due),
        renewed_amount=sum_money(_.amount.fill_null(0.0), where=_.is_renewed),
    )
    if each.empty:
        return empty_table(columns, "No contract had started by the last day.")
    each["group_name"] = each["group_name"].replace(pool_groups(each))
    table = _add_up(each, RENEWAL, resting="due_count")
    due = table["due_amount"].where(table["due_amount"] > 0)
    table["renewed_amount_share"] = table["renewed_amount"] / due
    table = _add_contributions(table, each, "due_amount")
    order = ["due_count", "group_name"]
    table = table.sort_values(order, ascending=[False, True], ignore_index=True)
    return table[columns].head(MOST_GROUPS)


def _count_fates(
    table: Table | None,
    fates: tuple[str, ...],
    kinds: Mapping[str, str],
    *,
    name: str,
    reasons: tuple[str, str],
) -> pd.DataFrame:
    """Count the rows of each fate that there is, in the order of the fates.

    ``reasons`` say why there is no table, and why it has no rows.
    """
    columns = ["fate", name, "counts_as"]
    if table is None:
        return empty_table(columns, reasons[0])
    counted = table.group_by("fate").agg(**{name: _.count()}).to_pandas().set_index("fate")
    counted = counted.reindex(fates).dropna().astype("int64").reset_index()
    if counted.empty:
        return empty_table(columns, reasons[1])
    return counted.assign(counts_as=counted["fate"].map(kinds).fillna("left out"))


def pool_groups(each: pd.DataFrame) -> dict[str, str]:
    """Return new names of the groups that are joined: those of fewer than ten customers.

    They are joined to the next smallest. A group that is hidden hides a second one with it; pooled,
    both are told.

    Parameters
    ----------
    each : DataFrame
        group_name and person, one row a customer and group.
    """
    counts = each.groupby("group_name")["person"].nunique().sort_index()
    pools = sorted(((count, [name]) for name, count in counts.items()), key=lambda pool: pool[0])
    while len(pools) > 1 and pools[0][0] < LEAST_POOLED:
        (one, first), (other, second), *rest = pools
        pools = sorted([(one + other, first + second), *rest], key=lambda pool: pool[0])
    return {
        name: " + ".join(sorted(names))
        for _count, names in pools
        for name in names
        if len(names) > 1
    }


def _sum_each(rows: Table, **measures: ibis.Deferred) -> pd.DataFrame:
    """Sum up each customer's rows by group; one row a customer comes to pandas."""
    each = rows.group_by("group_name", "cluster").agg(person=_.person.first(), **measures)
    table = each.order_by("group_name", "cluster").drop("cluster").to_pandas()
    return table.astype(dict.fromkeys(measures, float))


def _add_up(
    each: pd.DataFrame, ratios: Mapping[str, tuple[str, str]], *, resting: str | None = None
) -> pd.DataFrame:
    """Add up the customers of each group, with ratios and what bounds them.

    Where ``resting`` is given the figures rest on the customers with such a row only.
    """
    sums = each.groupby("group_name").sum(numeric_only=True)
    counts = [name for name in sums if name.endswith("_count")]
    table = sums.astype(dict.fromkeys(counts, "int64"))
    for name, (part, whole) in ratios.items():
        table[name] = sums[part] / sums[whole].where(sums[whole] > 0)
    table["customer_count"] = each.groupby("group_name")["person"].nunique()
    told = each[each[resting] > 0] if resting else each
    rests = told.groupby("group_name")["person"].nunique().reindex(table.index)
    table["rests_on_count"] = rests.fillna(table["customer_count"]).astype("int64")
    bounds = bound_ratios(each.rename(columns={"group_name": "segment_name"}), ratios)
    bounds = bounds.rename(columns={"segment_name": "group_name"})
    return table.reset_index().merge(bounds, on="group_name", how="left")


def _add_contributions(table: pd.DataFrame, each: pd.DataFrame, name: str) -> pd.DataFrame:
    """Add the two largest contributions to a sum of amounts, those of persons."""
    sums = each.groupby(["group_name", "person"], as_index=False)[name].sum()
    sums = sums[sums[name] != 0]
    return add_contributions(table, sums[name], sums["group_name"], key="group_name", name=name)


def _find_median_days(rows: Table, pooled: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return each group's median days until a decision, with those still open."""
    counted = rows.filter(rows.days.notnull()).group_by("group_name", "days")
    counted = counted.agg(event_count=_.is_decided.sum(), censored_count=(~_.is_decided).sum())
    table = counted.to_pandas().rename(columns={"days": "duration"})
    table["group_name"] = table["group_name"].replace(pooled or {})
    medians = find_survival_median(estimate_survival(table, by="group_name"), by="group_name")
    names = {"median": "median_days", "low": "median_days_low", "high": "median_days_high"}
    return medians.rename(columns=names)


def _list_stage_spells(stages: Table, deals: Table, as_of: datetime.date) -> Table:
    """Express one row a deal and stage: days, is_decided (it left it), is_lost, and its step."""
    known = add_clusters(deals.filter(deals.fate.isin([WON, LOST, OPEN])), "deal_id")
    known = known.select("deal_id", "opened_on", "fate", "cluster", "person", total=_.days)
    entered = stages.group_by("deal_id", "stage").agg(entered_on=_.entered_on.min())
    joined = entered.inner_join(known, "deal_id")
    since = days_until(joined.opened_on, as_of) - days_until(joined.entered_on, as_of)
    joined = joined.mutate(since=since)
    order = ibis.window(group_by="deal_id", order_by=["since", "stage"])
    following = joined.since.lead().over(order)
    joined = joined.mutate(following=following, step=ibis.row_number().over(order))
    has_next = joined.following.notnull()
    left = has_next | (joined.fate != OPEN)
    days = joined.following.fill_null(joined.total) - joined.since
    return joined.select(
        "cluster",
        "person",
        "step",
        group_name=joined.stage.cast("string"),
        days=ibis.ifelse(days >= 0, days, ibis.null("int64")),
        is_decided=left,
        is_lost=~has_next & (joined.fate == LOST),
    )
