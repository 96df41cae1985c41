"""What each KPI is: of all customers and by segment, with intervals, and what sets segments apart.

All of it is worked out from what each customer adds, see `segkit.evidence.kpi_sums`.
"""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.carried import bound_without_two
from segkit.core.clustered import (
    bound_share_of_customers,
    bound_total,
    find_clustered_share_p_value,
    find_design_effect,
    find_ratio_p_value,
)
from segkit.core.measures import CEILING, FLOOR, LARGEST, OF_A_MEAN, SECOND, find_largest
from segkit.core.periods import name_all_time, name_last_days
from segkit.core.skewed_means import bound_ratio
from segkit.core.statistics import ALPHA, correct_p_values
from segkit.evidence.experience.promoter import bound_score
from segkit.evidence.kpi_definitions import POINTS, TOTALS, Followed
from segkit.evidence.kpi_sums import ALL, KpiSums, Summed
from segkit.plan.kpis import Kpi

SHARES = ("share", "median", "customers")  # what is compared as a share of rows or of customers
CONTRIBUTIONS = [f"value{end}" for end in (OF_A_MEAN, LARGEST, SECOND)]
WITHOUT_TWO = [f"value{end}" for end in (FLOOR, CEILING)]
VALUE_COLUMNS = ["kpi", "text", "unit", "better", "value", "low", "high", "customer_count"]
VALUE_COLUMNS += ["row_count", "unknown_count", "period", *CONTRIBUTIONS, *WITHOUT_TWO]
LACK_COLUMNS = ["kpi", "text", "lack"]
NO_DATA = "No KPI that is followed has data."
SEGMENT_COLUMNS = ["kpi", "text", "unit", "better", "segment_name", "segment_count"]
SEGMENT_COLUMNS += ["customer_count", "rests_on_count", "value", "low", "high", "base_value"]
SEGMENT_COLUMNS += ["p_value", "p_value_corrected", "stands", "period"]
SEGMENT_COLUMNS += [*CONTRIBUTIONS, *WITHOUT_TWO]


def name_period(kpi: Kpi, as_of: datetime.date) -> str:
    """Name the time that a KPI's value speaks of.

    >>> name_period(Kpi(name="visits", text="Visits", over="events", measure="count", days=30),
    ...     datetime.date(2026, 6, 30))
    'the last 30 days to 2026-06-30'
    """
    if kpi.days == "all":
        return name_all_time(as_of)
    return name_last_days(as_of, kpi.days)


def measure_values(sums: KpiSums) -> pd.DataFrame:
    """Return what each KPI is of all customers; those without data are in `list_lacks`.

    Returns
    -------
    DataFrame
        One row a KPI: kpi, text, unit, better, value, low and high (its 95 % interval, by customer;
        missing where rows without a customer count in it), customer_count (who have a row),
        row_count, unknown_count (rows of a share whose condition could not be decided, in neither
        part), period, and for the gate the sum behind the value, its
        two largest contributions and what is left without two customers.
    """
    rows = []
    for one in sums.summed:
        if one.lack:
            continue
        kpi = one.kpi
        row = {"kpi": kpi.name, "text": kpi.text, "unit": one.followed.unit, "better": kpi.better}
        rows.append({**row, "period": name_period(kpi, sums.as_of), **_measure_all(one)})
    if not rows:
        return empty_table(VALUE_COLUMNS, NO_DATA)
    return pd.DataFrame(rows)[VALUE_COLUMNS]


def list_lacks(sums: KpiSums) -> pd.DataFrame:
    """Return the KPIs without data: ``kpi``, ``text``, and in ``lack`` what is missing."""
    lacks = [(one.kpi.name, one.kpi.text, one.lack) for one in sums.summed if one.lack]
    if not lacks:
        return empty_table(LACK_COLUMNS, "Every KPI that is followed has data.")
    return pd.DataFrame(lacks, columns=LACK_COLUMNS)


def _measure_all(one: Summed) -> dict[str, object]:
    """Return the value of all customers, and rows without a customer."""
    part0, whole0, rows0 = one.unnamed
    kpi = one.kpi
    part, whole, rows = one.part, one.whole, one.rows
    everybody = np.ones(len(part), bool)
    found = {
        "customer_count": int((rows > 0).sum()),
        "row_count": int(rows.sum() + rows0),
        "unknown_count": one.unknown,
        **_list_contributions(one, everybody),
    }
    if kpi.measure == "median":
        value, low, high = one.medians.get(ALL, (np.nan,) * 3)
    elif kpi.measure == "customers":
        value = float((rows > 0).sum())
        low, high = (len(rows) * end for end in _bound(one, everybody))
    elif kpi.measure in TOTALS:
        value = float(part.sum() + part0)
        low, high = (np.nan, np.nan) if rows0 else bound_total(part)
    else:
        total = len(part) if kpi.measure == "per_customer" else whole.sum() + whole0
        value = float((part.sum() + part0) / total) if total > 0 else np.nan
        low, high = _bound(one, everybody)
        if rows0:
            low, high = _bound_with_unnamed(one)
    if not found["row_count"] and kpi.measure not in (*TOTALS, "per_customer"):
        value = low = high = np.nan
    return {**found, "value": value, "low": low, "high": high}


def _bound_with_unnamed(one: Summed) -> tuple[float, float]:
    """Bound a share of rows of which some name no customer, each of these a draw of its own."""
    part0, whole0, _ = one.unnamed
    if one.kpi.measure != "share":
        return np.nan, np.nan
    loose = np.concatenate([np.ones(round(part0)), np.zeros(round(whole0 - part0))])
    if len(loose) > MOST_LOOSE:  # as many draws tell the interval; more would only fill memory
        scale = MOST_LOOSE / len(loose)
        loose = np.concatenate(
            [np.ones(round(part0 * scale)), np.zeros(round((whole0 - part0) * scale))]
        )
    hits = np.concatenate([one.part, loose])
    return bound_share_of_customers(hits, np.concatenate([one.whole, np.ones(len(loose))]))


MOST_LOOSE = 100_000


def _choose_arrays(one: Summed, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is divided by what, of some customers: rows, or the customers themselves."""
    part, whole, rows = one.part[chosen], one.whole[chosen], one.rows[chosen]
    if one.kpi.measure == "customers":
        return (rows > 0).astype(float), np.ones(len(rows))
    if one.kpi.measure in (*TOTALS, "per_customer"):
        return part, np.ones(len(part))
    counts = rows > 0
    return part[counts], whole[counts]


def _bound(one: Summed, chosen: np.ndarray) -> tuple[float, float]:
    """Return both ends of the interval of a rate of some customers."""
    part, whole = _choose_arrays(one, chosen)
    if one.kpi.measure in SHARES:
        every = find_design_effect(*_choose_arrays(one, np.ones(len(chosen), bool)))
        return bound_share_of_customers(part, whole, other=every)
    if one.kpi.of == POINTS:  # as it is told elsewhere
        counts = [np.array([(part == points).sum()]) for points in (100, 0, -100)]
        low, high = bound_score(*counts) if len(part) else ([np.nan], [np.nan])
        return float(low[0]), float(high[0])
    return bound_ratio(part, whole)


def _list_contributions(one: Summed, chosen: np.ndarray) -> dict[str, float]:
    """Return the sum behind a figure, its two largest contributions, and it without two customers.

    A share and a median rest on rows, of which one customer may have most.
    """
    behind = one.whole if one.kpi.measure in ("share", "median") else one.part
    if one.kpi.measure == "customers":
        behind = (one.rows > 0).astype(float)
    amounts = pd.Series(behind[chosen])
    amounts = amounts[amounts != 0]
    sums = [float(amounts.sum()), *find_largest(amounts)]
    ends = (np.nan, np.nan)
    if one.kpi.measure != "median":
        ends = bound_without_two(*_choose_arrays(one, chosen))
    return dict(zip(CONTRIBUTIONS, sums, strict=True)) | dict(zip(WITHOUT_TWO, ends, strict=True))


def compare_segments(sums: KpiSums, *, random_state: int = 0) -> pd.DataFrame:
    """Return what each KPI is in each segment, and whether that differs from all others.

    A total (count, customers, sum) is told as that of a customer of the segment. The comparisons of
    all KPIs and segments are corrected together (Holm 1979).

    Returns
    -------
    DataFrame
        One row a KPI and segment: segment_count (all its customers), customer_count (who have a
        row), rests_on_count (these, or all where nobody has one), value, low and high (its 95 %
        interval, by customer), base_value (of all segments), p_value and p_value_corrected, stands
        (*higher* or *lower* than all other segments, or *alike*: not told apart), and for the gate
        what `measure_values` has too.
    """
    names = sorted(sums.segment.dropna().unique())
    known = [one for one in sums.summed if not one.lack]
    if not names or not known:
        return empty_table(SEGMENT_COLUMNS, NO_DATA if names else "There are no segments.")
    is_placed = sums.segment.notna().to_numpy()
    rows: list[dict[str, object]] = []
    for one in known:
        base = _find_rate(one, is_placed, ALL)
        for name in names:
            chosen = (sums.segment == name).to_numpy()
            rows.append(
                _compare(one, chosen, is_placed, name, random_state=random_state)
                | {"base_value": base}
            )
            rows[-1]["period"] = name_period(one.kpi, sums.as_of)
    table = pd.DataFrame(rows)
    corrected = correct_p_values(table["p_value"].to_numpy(float))
    is_apart = corrected < ALPHA
    direction = np.where(table["value"] > table["base_value"], "higher", "lower")
    stands = np.where(is_apart, direction, np.where(np.isnan(corrected), "", "alike"))
    return table.assign(p_value_corrected=corrected, stands=stands)[SEGMENT_COLUMNS]


def _find_rate(one: Summed, chosen: np.ndarray, name: str) -> float:
    if one.kpi.measure == "median":
        return one.medians.get(name, (np.nan,))[0]
    part, whole = _choose_arrays(one, chosen)
    return float(part.sum() / whole.sum()) if whole.sum() > 0 else np.nan


def _compare(
    one: Summed, chosen: np.ndarray, is_placed: np.ndarray, name: str, *, random_state: int
) -> dict[str, object]:
    """Return the row of one KPI and segment."""
    kpi = one.kpi
    value = _find_rate(one, chosen, name)
    low, high = (
        one.medians.get(name, (np.nan,) * 3)[1:] if kpi.measure == "median" else _bound(one, chosen)
    )
    part, whole = _spread(one)
    counts = is_placed if kpi.measure in (*TOTALS, "per_customer") else is_placed & (one.rows > 0)
    find = find_clustered_share_p_value if kpi.measure in SHARES else find_ratio_p_value
    p_value = np.nan
    is_tested = len(set(chosen[is_placed])) > 1 and counts.any()
    if is_tested and not one.followed.wait:  # times of waiting have a test of their own
        p_value = find(part[counts], whole[counts], chosen[counts], random_state=random_state)
    customer_count = int((one.rows[chosen] > 0).sum())
    return {
        "kpi": kpi.name,
        "text": name_rate_text(one.followed),
        "unit": name_rate_unit(one.followed),
        "better": kpi.better,
        "segment_name": name,
        "segment_count": int(chosen.sum()),
        "customer_count": customer_count,
        "rests_on_count": customer_count or int(chosen.sum()),
        "value": value,
        "low": low,
        "high": high,
        "p_value": p_value,
        **_list_contributions(one, chosen),
    }


def _spread(one: Summed) -> tuple[np.ndarray, np.ndarray]:
    """Return what is divided by what, of all customers in their places."""
    if one.kpi.measure == "customers":
        return (one.rows > 0).astype(float), np.ones(len(one.rows))
    if one.kpi.measure in (*TOTALS, "per_customer"):
        return one.part, np.ones(len(one.part))
    return one.part, one.whole


def name_rate_unit(followed: Followed) -> str:
    """Return the unit of a KPI by segment: of customers who have a row it is a share."""
    return "share" if followed.kpi.measure == "customers" else followed.unit


def name_rate_text(followed: Followed) -> str:
    """Return what a KPI is called by segment, where a total is told as that of a customer.

    >>> name_rate_text(Followed(Kpi(name="n", text="Tickets", over="tickets", measure="count")))
    'Tickets, a customer of the segment'
    """
    if followed.kpi.measure == "customers":
        return f"{followed.text}, as a share of the segment"
    if followed.kpi.measure in TOTALS:
        return f"{followed.text}, a customer of the segment"
    return followed.text
