"""Which months of a KPI are unlike the others: control limits of the figures that are shown.

The limits are made of published figures only, so that they tell nothing of a month that is hidden.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.control_limits import NO_LIMITS, RUN_LENGTH, find_limits

POINT_COLUMNS = ["kpi", "text", "unit", "better", "segment_name", "month", "value"]
POINT_COLUMNS += ["limit_low", "limit_high", "centre", "signal"]
LIMIT_COLUMNS = ["kpi", "text", "unit", "better", "segment_name", "chart", "month_count"]
LIMIT_COLUMNS += ["first_month", "last_month", "centre", "limit_low", "limit_high"]
LIMIT_COLUMNS += ["spread", "outside_count", "run_count", "outside_months", "run_months", "note"]
OUTSIDE = {True: "above the limits", False: "below the limits"}
RUN = f"{RUN_LENGTH} or more on one side"
GROUP = ["kpi", "segment_name"]


def limit_months(months: pd.DataFrame) -> pd.DataFrame:
    """Return each month with its control limits, see `segkit.core.control_limits.find_limits`.

    Parameters
    ----------
    months : DataFrame
        One row a KPI, segment and month, as published: kpi, text, unit, better, segment_name,
        month, value (missing where it is hidden), trial_count (of shares only).

    Returns
    -------
    DataFrame
        The same rows with centre, limit_low and limit_high (missing where there are too few
        months), and signal: *above the limits*, *below the limits*, *8 or more on one side*, or
        empty.
    """
    if months.empty:
        return empty_table(POINT_COLUMNS, getattr(months, "reason", "There are no months."))
    table = months.sort_values([*GROUP, "month"], kind="stable").reset_index(drop=True)
    found = {name: np.full(len(table), np.nan) for name in ("centre", "limit_low", "limit_high")}
    found |= {"spread": np.full(len(table), np.nan), "chart": np.full(len(table), "", dtype=object)}
    signal = np.full(len(table), "", dtype=object)
    values = table["value"].to_numpy(float)
    trials = table["trial_count"].to_numpy(float)
    for rows in table.groupby(GROUP, sort=False).indices.values():
        is_share = np.isfinite(trials[rows]).any()
        limits = find_limits(values[rows], trials[rows] if is_share else None)
        for name, made in (
            ("centre", limits.centre),
            ("limit_low", limits.low),
            ("limit_high", limits.high),
            ("spread", limits.spread),
            ("chart", limits.chart),
        ):
            found[name][rows] = made
        signal[rows[limits.is_run]] = RUN
        for place in rows[limits.is_outside]:
            signal[place] = OUTSIDE[bool(values[place] > limits.centre)]
    order = months.groupby(GROUP, sort=False).ngroup()
    places = dict(zip(months.set_index(GROUP).index, order, strict=True))
    limited = table.assign(**found, signal=signal)
    first = limited.set_index(GROUP).index.map(places)
    return (
        limited.assign(place_=first)
        .sort_values(["place_", "month"], ignore_index=True)
        .drop(columns="place_")
    )


def summarise_limits(limited: pd.DataFrame) -> pd.DataFrame:
    """Return the limits of each series, and how many months are a signal.

    Parameters
    ----------
    limited : DataFrame
        See `limit_months`.

    Returns
    -------
    DataFrame
        One row a KPI and segment: chart (see `segkit.core.control_limits.Limits`), month_count
        (known months), first_month and last_month, centre, limit_low and limit_high (of the last
        known month), spread (see `segkit.core.control_limits.Limits`), outside_count and run_count,
        outside_months and run_months (as text), note (too few months for limits).
    """
    if limited.empty:
        return empty_table(LIMIT_COLUMNS, getattr(limited, "reason", "There are no months."))
    rows = []
    for (_kpi, _segment), part in limited.groupby(GROUP, sort=False):
        known = part[part["value"].notna()]
        last = (known if len(known) else part).iloc[-1]
        signals = part[part["signal"] != ""]
        rows.append(
            {
                **{name: last[name] for name in ("kpi", "text", "unit", "better", "segment_name")},
                "chart": last["chart"],
                "month_count": len(known),
                "first_month": f"{part['month'].iloc[0]:%Y-%m}",
                "last_month": f"{part['month'].iloc[-1]:%Y-%m}",
                "centre": last["centre"],
                "limit_low": last["limit_low"],
                "limit_high": last["limit_high"],
                "spread": last["spread"],
                "outside_count": int((signals["signal"] != RUN).sum()),
                "run_count": int((signals["signal"] == RUN).sum()),
                "outside_months": _list_months(signals[signals["signal"] != RUN]),
                "run_months": _list_months(signals[signals["signal"] == RUN]),
                "note": "" if last["chart"] else NO_LIMITS,
            }
        )
    return pd.DataFrame(rows)[LIMIT_COLUMNS]


def _list_months(rows: pd.DataFrame) -> str:
    """Return months as text; those that follow each other by the first and the last of them.

    >>> _list_months(pd.DataFrame({"month": pd.to_datetime(["2026-01-01", "2026-02-01"])}))
    '2026-01 to 2026-02'
    """
    months = rows["month"].sort_values()
    number = 12 * months.dt.year + months.dt.month
    spans = months.groupby((number.diff() != 1).cumsum())
    told = []
    for _span, part in spans:
        first, last = f"{part.iloc[0]:%Y-%m}", f"{part.iloc[-1]:%Y-%m}"
        told.append(first if first == last else f"{first} to {last}")
    return ", ".join(told)
