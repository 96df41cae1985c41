"""How long tickets wait, by group, with those that still wait.

Tickets stay in the engine and are counted there by duration, to the tenth of an hour. One customer
may have many tickets, which are not independent: standard errors and the log-rank test take the
customers as clusters. Both need what a ticket adds to an estimate, its *influence*; it is joined to
the tickets as a small table and summed up by customer in the engine.
"""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import numpy as np
import pandas as pd
from ibis import _, ir

from segkit.core.absence import empty_table
from segkit.core.statistics import correct_p_values
from segkit.core.survival import (
    bound_survival,
    compare_survival,
    estimate_survival,
    find_log_rank_parts,
    find_survival_median,
    judge_surplus,
)

TENTHS = 10  # of an hour, to which a duration is rounded up
WAITS = {"answer": "first answer", "resolve": "resolution"}
SUBJECTS = {"segment_name": "segments", "topic": "topics", "channel": "channels"}
HAPPENED = {"answer": "is_answered", "resolve": "is_resolved"}
NOTHING_COMPARED = "No two groups of tickets are large enough to be compared."
# What a group needs to be compared, and so many groups at most, the largest.
LEAST_TICKETS = 20
MOST_GROUPS = 12
# Fewer clusters say too little of how much they differ.
LEAST_CLUSTERS = 20
ALL = "all_"
NOBODY = "nobody known"


def add_segments(tickets: ir.Table, segments: pd.DataFrame) -> ir.Table:
    """Keep the tickets of customers who have a segment, and add ``segment_name``."""
    members = ibis.memtable(segments[["customer_id", "segment_name"]])
    return tickets.inner_join(members, "customer_id")


def add_clusters(table: ir.Table, key: str = "ticket_id") -> ir.Table:
    """Add ``cluster`` and ``person``: the customer of each row, and what stands in for one.

    Where nobody knows the customer, the row is its own cluster, for nothing ties it to others. Who
    must not be seen is counted otherwise: rows without a customer are one person, for they may all
    be of one; in a table that names no customers at all each row is a person.
    """
    own = ibis.literal(f"{key} ") + table[key].cast("string")
    if "customer_id" not in table.columns:
        return table.mutate(cluster=own, person=own)
    known = table.customer_id.cast("string")
    return table.mutate(cluster=known.fill_null(own), person=known.fill_null(NOBODY))


def round_waits(tickets: ir.Table, wait: str, *, by: str | None = None) -> ir.Table:
    """Return each ticket whose wait and group are known: group, cluster, person, tenths, is_event.

    ``tenths`` is the duration in tenths of an hour, rounded up.
    """
    hours = tickets[f"{wait}_hours"]
    group = ibis.literal(ALL) if by is None else tickets[by].cast("string")
    rows = add_clusters(tickets).select(
        "cluster",
        "person",
        group=group,
        tenths=(hours * TENTHS).ceil().cast("int64"),
        is_event=tickets[HAPPENED[wait]],
    )
    return rows.filter(_.tenths.notnull() & _.group.notnull())


def count_waits(rows: ir.Table) -> pd.DataFrame:
    """Count the rows of `round_waits` by group and duration, for `segkit.core.survival`.

    The columns are group, tenths, duration (hours), event_count and censored_count.
    """
    counted = rows.group_by("group", "tenths").agg(
        event_count=_.is_event.sum(), censored_count=(~_.is_event).sum()
    )
    table = counted.order_by("group", "tenths").to_pandas()
    return table.assign(duration=table["tenths"] / TENTHS)


def estimate_waits(tickets: ir.Table, wait: str, *, by: str | None = None) -> pd.DataFrame:
    """Estimate how many still wait after each duration, by group.

    As `segkit.core.survival.estimate_survival`; where customers have several tickets, the standard
    errors are wider by as much as customers vary more than tickets do at the median, by the
    influence of each ticket (Williams 1995, *Biometrics* 51, product-limit survival functions with
    correlated survival times). They are never narrower.

    Parameters
    ----------
    tickets : ibis.Table
        Of `segkit.features.tickets.prepare_tickets`.
    wait : str
        ``answer`` or ``resolve``.
    by : str, optional
        A column of groups; without it all tickets are one.

    Returns
    -------
    DataFrame
        group, duration (hours) and the columns of `estimate_survival`.
    """
    rows = round_waits(tickets, wait, by=by)
    curve = estimate_survival(count_waits(rows), by="group")
    if curve.empty:
        return curve
    factor = curve["group"].map(_find_widening(rows, curve))
    error = curve["error"] * factor
    low, high = bound_survival(curve["survival"], error)
    return curve.assign(error=error, low=low, high=high)


def compare_waits(tickets: ir.Table, wait: str, by: str) -> dict[str, float]:
    """Test whether groups wait equally long: the log-rank test with customers as clusters.

    What each ticket adds to the surplus of events is summed up by customer, and the sums' own
    spread takes the place of the covariance that independent tickets would have: Lee, Wei and Ying
    (1993), *Biometrika* 80. Where each customer has one ticket, and where there are fewer than 20
    customers, it is the usual test.

    Parameters
    ----------
    tickets, wait
        As of `estimate_waits`.
    by : str
        The column of groups. Those of fewer than 20 tickets are left out, as are all but the 12
        largest.

    Returns
    -------
    dict
        group_count, left_out_count (groups), ticket_count, customer_count, statistic, freedom and
        p_value.
    """
    rows = round_waits(tickets, wait, by=by)
    counted = count_waits(rows)
    sizes = counted.groupby("group")[["event_count", "censored_count"]].sum().sum(axis=1)
    large = sizes[sizes >= LEAST_TICKETS].sort_values(ascending=False, kind="stable")
    kept = sorted(large.index[:MOST_GROUPS])
    rows = rows.filter(_.group.isin(kept)) if kept else rows.filter(ibis.literal(False))
    counted = counted[counted["group"].isin(kept)]
    people = rows.agg(clusters=_.cluster.nunique(), persons=_.person.nunique()).to_pandas().iloc[0]
    count = int(counted[["event_count", "censored_count"]].to_numpy().sum())
    test = compare_survival(counted, by="group")
    if test.freedom and LEAST_CLUSTERS <= people["clusters"] < count:
        test = _compare_clusters(rows, counted)
    return {
        "group_count": len(kept),
        "left_out_count": len(sizes) - len(kept),
        "ticket_count": count,
        "customer_count": int(people["persons"]),
        "statistic": test.statistic,
        "freedom": test.freedom,
        "p_value": test.p_value,
    }


def compare_all_waits(
    tickets: ir.Table | None, segments: pd.DataFrame, *, by: Sequence[str] = tuple(SUBJECTS)
) -> pd.DataFrame:
    """Compare both waits between segments, topics and channels, corrected together (Holm 1979).

    The columns are subject (segments, topics or channels), wait (first answer or resolution), those
    of `compare_waits` and corrected_p_value. What cannot be compared has no row: a column that is
    not there, a wait that nothing tells of, fewer than two groups.
    """
    names = ["group_count", "left_out_count", "ticket_count", "customer_count"]
    names += ["statistic", "freedom", "p_value"]
    found = []
    for column in by if tickets is not None else ():
        rows = tickets
        if column == "segment_name" and "customer_id" in tickets.columns:
            rows = add_segments(tickets, segments)
        for wait in WAITS if column in rows.columns else ():
            compared = compare_waits(rows, wait, column)
            if compared["freedom"]:
                found.append({"subject": SUBJECTS[column], "wait": WAITS[wait]} | compared)
    if not found:
        return empty_table(["subject", "wait", *names, "corrected_p_value"], NOTHING_COMPARED)
    table = pd.DataFrame(found, columns=["subject", "wait", *names])
    p_values = table["p_value"].to_numpy(float)
    return table.assign(corrected_p_value=correct_p_values(p_values))


def _find_widening(rows: ir.Table, curve: pd.DataFrame) -> dict[str, float]:
    """Return by which factor each group's standard errors are wider with customers as clusters."""
    medians = find_survival_median(curve, by="group").set_index("group")["median"]
    last = curve.groupby("group")["duration"].max()
    moment = curve["group"].map(medians.fillna(last))
    is_before = curve["duration"] <= moment
    at_risk = curve["at_risk"]
    step = (curve["event_count"] / at_risk**2).where(is_before, 0.0)
    waited = step.groupby(curve["group"]).cumsum()
    happened = waited - (1 / at_risk).where(is_before, 0.0)
    influence = _lay_out(curve, {"waited": waited, "happened": happened})
    joined = rows.inner_join(influence, ["group", "tenths"])
    value = ibis.ifelse(joined.is_event, joined.happened, joined.waited)
    each = joined.mutate(value=value).group_by("group", "cluster").agg(value=_.value.sum())
    each = each.mutate(square=each.value * each.value)
    found = each.group_by("group").agg(square=_.square.sum(), count=_.count()).to_pandas()
    found = found.set_index("group")
    clustered = found["square"] * found["count"] / (found["count"] - 1).clip(lower=1)
    # The same sum with each ticket as its own cluster.
    single = _sum_squares(curve, waited, happened)
    ratio = (clustered / single.where(single > 0)).fillna(1.0)
    return np.sqrt(ratio.clip(lower=1.0)).to_dict()


def _sum_squares(curve: pd.DataFrame, waited: pd.Series, happened: pd.Series) -> pd.Series:
    """Return each group's sum of the squared influences of single tickets."""
    squares = curve["event_count"] * happened**2 + curve["censored_count"] * waited**2
    return squares.groupby(curve["group"]).sum()


def _compare_clusters(rows: ir.Table, counted: pd.DataFrame):
    """Return the log-rank test whose covariance is that of the customers' sums."""
    expected, _unused = find_log_rank_parts(counted, by="group")
    groups = expected["group"].tolist()
    surplus = (expected["event_count"] - expected["expected_count"]).to_numpy(float)
    influence, names = _list_log_rank_influence(counted, groups)
    joined = rows.inner_join(influence, ["group", "tenths"])
    sums = {
        f"sum_{place}": ibis.ifelse(joined.is_event, joined[event], joined[waits]).sum()
        for place, (event, waits) in enumerate(names)
    }
    each = joined.group_by("cluster").agg(**sums).drop("cluster").to_pandas().to_numpy(float)
    return judge_surplus(surplus, each.T @ each)


def _list_log_rank_influence(
    counted: pd.DataFrame, groups: list[str]
) -> tuple[ir.Table, list[tuple[str, str]]]:
    """Return what a ticket of each group and duration adds to the surplus of each group.

    A column for a ticket to which it happened, and one for a ticket that still waits, by group.
    """
    ended = counted.assign(ended=counted["event_count"] + counted["censored_count"])
    spread = ended.pivot(index="tenths", columns="group", values="ended").fillna(0.0)[groups]
    at_risk = spread.to_numpy(float)[::-1].cumsum(axis=0)[::-1]
    events = ended.groupby("tenths")["event_count"].sum().to_numpy(float)
    whole = at_risk.sum(axis=1)
    share = at_risk / whole[:, None]
    hazard = (events / whole).cumsum()
    share_hazard = (share * (events / whole)[:, None]).cumsum(axis=0)
    found = []
    for own, group in enumerate(groups):
        is_own = np.arange(len(groups)) == own
        waits = share_hazard - is_own * hazard[:, None]
        happens = waits + is_own - share
        table = pd.DataFrame({"group": group, "tenths": spread.index})
        for place in range(len(groups)):
            table[f"event_{place}"] = happens[:, place]
            table[f"wait_{place}"] = waits[:, place]
        found.append(table)
    names = [(f"event_{place}", f"wait_{place}") for place in range(len(groups))]
    return ibis.memtable(pd.concat(found, ignore_index=True)), names


def _lay_out(curve: pd.DataFrame, columns: dict[str, pd.Series]) -> ir.Table:
    """Return a small table for the engine: group, tenths and some columns of a curve."""
    tenths = (curve["duration"] * TENTHS).round().astype("int64")
    return ibis.memtable(pd.DataFrame({"group": curve["group"], "tenths": tenths, **columns}))
