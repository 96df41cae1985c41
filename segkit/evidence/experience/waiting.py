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
# What is compared: the more that is, the less each comparison can tell.
COMPARED = (
    ("segment_name", "answer"),
    ("segment_name", "resolve"),
    ("topic", "resolve"),
    ("channel", "resolve"),
)
HAPPENED = {"answer": "is_answered", "resolve": "is_resolved"}
NOTHING_COMPARED = "No two groups of tickets are large enough to be compared."
# What a group needs to be compared, and so many groups at most, the largest.
LEAST_TICKETS = 20
MOST_GROUPS = 12
# Fewer clusters say too little of how much they differ.
LEAST_CLUSTERS = 20
ALL = "all_"
NOBODY = "nobody known"


def add_segments(tickets: ir.Table, segments: pd.DataFrame, *, keep_all: bool = False) -> ir.Table:
    """Add ``segment_name`` to the tickets, and keep those of customers who have one, or all."""
    members = ibis.memtable(segments[["customer_id", "segment_name"]])
    if keep_all:
        return tickets.left_join(members, "customer_id").drop("customer_id_right")
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
        group, duration (hours), the columns of `estimate_survival` and rests_on_count (customers of
        the group, see `add_clusters`).
    """
    rows = round_waits(tickets, wait, by=by)
    curve = estimate_survival(count_waits(rows), by="group")
    if curve.empty:
        return curve.assign(rests_on_count=pd.Series(dtype="int64"))
    found = _find_widening(rows, curve)
    error = curve["error"] * curve["group"].map(found["widening"])
    low, high = bound_survival(curve["survival"], error)
    people = curve["group"].map(found["person_count"])
    return curve.assign(error=error, low=low, high=high, rests_on_count=people)


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
    counted = counted[counted["group"].isin(kept)]
    count = int(counted[["event_count", "censored_count"]].to_numpy().sum())
    test = compare_survival(counted, by="group")
    people = 0
    if test.freedom:
        each = _sum_influence(rows, counted, kept)
        people = each["person"].nunique()
        if LEAST_CLUSTERS <= len(each) < count:
            sums = each.drop(columns="person").to_numpy(float)
            expected = find_log_rank_parts(counted, by="group")[0]
            surplus = (expected["event_count"] - expected["expected_count"]).to_numpy(float)
            test = judge_surplus(surplus, sums.T @ sums)
    return {
        "group_count": len(kept),
        "left_out_count": len(sizes) - len(kept),
        "ticket_count": count,
        "customer_count": people,
        "statistic": test.statistic,
        "freedom": test.freedom,
        "p_value": test.p_value,
    }


def compare_all_waits(
    tickets: ir.Table | None,
    segments: pd.DataFrame,
    *,
    compared: Sequence[tuple[str, str]] = COMPARED,
) -> pd.DataFrame:
    """Compare waits between segments, topics and channels, corrected together (Holm 1979).

    ``compared`` are pairs of a column of groups and a wait.

    The columns are subject (segments, topics or channels), wait (first answer or resolution), those
    of `compare_waits` and corrected_p_value. What cannot be compared has no row: a column that is
    not there, a wait that nothing tells of, fewer than two groups.
    """
    names = ["group_count", "left_out_count", "ticket_count", "customer_count"]
    names += ["statistic", "freedom", "p_value"]
    found = []
    if tickets is not None and "customer_id" in tickets.columns:
        tickets = add_segments(tickets, segments, keep_all=True).cache()
    for column, wait in compared if tickets is not None else ():
        if column not in tickets.columns:
            continue
        result = compare_waits(tickets, wait, column)
        if result["freedom"]:
            found.append({"subject": SUBJECTS[column], "wait": WAITS[wait]} | result)
    if not found:
        return empty_table(["subject", "wait", *names, "corrected_p_value"], NOTHING_COMPARED)
    table = pd.DataFrame(found, columns=["subject", "wait", *names])
    p_values = table["p_value"].to_numpy(float)
    return table.assign(corrected_p_value=correct_p_values(p_values))


def _find_widening(rows: ir.Table, curve: pd.DataFrame) -> pd.DataFrame:
    """Return, by group, by which factor its standard errors are wider with customers as clusters.

    The columns are widening and person_count.
    """
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
    value = ibis.ifelse(joined.is_event, joined.happened, joined.waited).sum()
    each = joined.group_by("group", "cluster").agg(value=value, person=joined.person.first())
    found = each.group_by("group").agg(
        square=(_.value * _.value).sum(), count=_.count(), person_count=_.person.nunique()
    )
    found = found.to_pandas().set_index("group")
    clustered = found["square"] * found["count"] / (found["count"] - 1).clip(lower=1)
    # The same sum with each ticket as its own cluster.
    single = _sum_squares(curve, waited, happened)
    ratio = (clustered / single.where(single > 0)).fillna(1.0)
    return found.assign(widening=np.sqrt(ratio.clip(lower=1.0)))[["widening", "person_count"]]


def _sum_squares(curve: pd.DataFrame, waited: pd.Series, happened: pd.Series) -> pd.Series:
    """Return each group's sum of the squared influences of single tickets."""
    squares = curve["event_count"] * happened**2 + curve["censored_count"] * waited**2
    return squares.groupby(curve["group"]).sum()


def _sum_influence(rows: ir.Table, counted: pd.DataFrame, groups: list[str]) -> pd.DataFrame:
    """Return what each customer's tickets add to the surplus of events of each group.

    One row a customer: person, and a column a group.
    """
    influence = _list_log_rank_influence(counted, groups)
    joined = rows.filter(rows.group.isin(groups)).inner_join(influence, "tenths")
    own = joined.is_event.cast("float64") - joined.hazard
    sums = {}
    for place, group in enumerate(groups):
        of_own = ibis.ifelse(joined.group == group, own, 0.0)
        share = ibis.ifelse(joined.is_event, joined[f"share_{place}"], 0.0)
        sums[f"sum_{place}"] = (of_own + joined[f"hazard_{place}"] - share).sum()
    each = joined.group_by("cluster").agg(person=joined.person.first(), **sums)
    return each.order_by("cluster").drop("cluster").to_pandas()


def _list_log_rank_influence(counted: pd.DataFrame, groups: list[str]) -> ir.Table:
    """Return, by duration, what the influence of a ticket is made of.

    ``hazard`` is that of all groups until then, ``share_i`` the part of those at risk that is of a
    group, and ``hazard_i`` the hazard until then times that part.
    """
    ended = counted.assign(ended=counted["event_count"] + counted["censored_count"])
    spread = ended.pivot(index="tenths", columns="group", values="ended").fillna(0.0)[groups]
    at_risk = spread.to_numpy(float)[::-1].cumsum(axis=0)[::-1]
    events = ended.groupby("tenths")["event_count"].sum().to_numpy(float)
    whole = at_risk.sum(axis=1)
    share = at_risk / whole[:, None]
    step = events / whole
    table = {"tenths": spread.index.to_numpy(), "hazard": step.cumsum()}
    for place in range(len(groups)):
        table[f"share_{place}"] = share[:, place]
        table[f"hazard_{place}"] = (share[:, place] * step).cumsum()
    return ibis.memtable(pd.DataFrame(table))


def _lay_out(curve: pd.DataFrame, columns: dict[str, pd.Series]) -> ir.Table:
    """Return a small table for the engine: group, tenths and some columns of a curve."""
    tenths = (curve["duration"] * TENTHS).round().astype("int64")
    return ibis.memtable(pd.DataFrame({"group": curve["group"], "tenths": tenths, **columns}))
