"""Which months of a KPI are unlike the others: control limits of the figures that are shown.

The limits are made of published figures only, so that they tell nothing of a month that is hidden.
"""

from __future__ import annotations

import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.control_limits import NO_LIMITS, RUN_LENGTH, find_limits

POINT_COLUMNS = ["kpi", "text", "unit", "better", "segment_name", "month", "value"]
POINT_COLUMNS += ["limit_low", "limit_high", "centre", "signal"]
LIMIT_COLUMNS = ["kpi", "text", "unit", "better", "segment_name", "chart", "month_count"]
LIMIT_COLUMNS += ["first_month", "last_month", "centre", "limit_low", "limit_high"]
LIMIT_COLUMNS += ["spread", "outside_count", "run_count", "months", "note"]
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
    parts = []
    for _group, rows in months.groupby(GROUP, sort=False):
        rows = rows.sort_values("month")
        trials = rows["trial_count"].to_numpy(float)
        is_share = rows["trial_count"].notna().any()
        limits = find_limits(rows["value"].to_numpy(float), trials if is_share else None)
        signal = pd.Series("", index=rows.index).mask(limits.is_run, RUN)
        for is_above, word in OUTSIDE.items():
            beyond = (rows["value"].astype(float) > limits.centre) == is_above
            signal = signal.mask(limits.is_outside & beyond.to_numpy(bool), word)
        parts.append(
            rows.assign(
                centre=limits.centre,
                limit_low=limits.low,
                limit_high=limits.high,
                signal=signal,
                chart=limits.chart,
                spread=limits.spread,
            )
        )
    return pd.concat(parts)


def summarise_limits(limited: pd.DataFrame) -> pd.DataFrame:
    """Return the limits of each series, and how many months are a signal.

    Parameters
    ----------
    limited : DataFrame
        See `limit_months`.

    Returns
    -------
    DataFrame
        One row a KPI and segment: chart (*individuals*, *p*, *Laney's p′*, or empty), month_count
        (known months), first_month and last_month, centre, limit_low and limit_high (of the last
        known month), spread (see `segkit.core.control_limits.Limits`), outside_count and run_count
        (months), months (those that are a signal, as text), note (too few months for limits).
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
                "months": ", ".join(f"{month:%Y-%m}" for month in signals["month"]),
                "note": "" if last["chart"] else NO_LIMITS,
            }
        )
    return pd.DataFrame(rows)[LIMIT_COLUMNS]
