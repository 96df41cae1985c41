"""KPIs then and now: what a run keeps of them, and what has changed since the last one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.files import hash_value
from segkit.core.findings import HIDDEN
from segkit.core.shapes import NOTE
from segkit.evidence.kpi_definitions import Followed
from segkit.evidence.kpi_sums import ALL

KEPT_COLUMNS = ["kpi", "segment_name", "scheme", "definition", "unit", "customer_count"]
KEPT_COLUMNS += ["value", "low", "high", "text", "better", NOTE, HIDDEN]
CHANGE_COLUMNS = ["kpi", "text", "unit", "better", "segment_name", "customer_count"]
CHANGE_COLUMNS += ["value", "then_value", "change", "change_low", "change_high"]
CHANGE_COLUMNS += ["moved", "then_on", "remark"]
FIRST_RUN = "This is the first run: no run of an earlier day has kept its KPIs."
REDEFINED = "it was defined otherwise then"
NEW = "it was not followed then"
OTHER_SCHEME = "the segments were others then"
KEY = ["kpi", "segment_name"]


def list_kept(
    values: pd.DataFrame, compared: pd.DataFrame, followed: Sequence[Followed], *, scheme: str
) -> pd.DataFrame:
    """Return what a run keeps of its KPIs: published figures only, so that nothing hidden is kept.

    Parameters
    ----------
    values, compared : DataFrame
        As published: see `segkit.evidence.kpi_values.measure_values` and ``compare_segments``.
    followed : sequence of Followed
    scheme : str
        The scheme of the segments.

    Returns
    -------
    DataFrame
        One row a KPI and segment (``all`` for all customers): scheme, definition (a hash that
        changes when the KPI does), unit, customer_count, value, low and high, the words for it, and
        what the gate left out (``note``, ``is_hidden``).
    """
    definitions = {one.name: define(one) for one in followed}
    whole = values.assign(segment_name=ALL)
    parts = [part.reindex(columns=KEPT_COLUMNS) for part in (whole, compared) if len(part)]
    if not parts:
        return pd.DataFrame(columns=KEPT_COLUMNS)
    table = pd.concat(parts, ignore_index=True)
    numbers = ["customer_count", "value", "low", "high"]
    return table.assign(
        scheme=scheme,
        definition=table["kpi"].map(definitions),
        note=table[NOTE].fillna(""),
        is_hidden=table[HIDDEN].astype("boolean").fillna(False).astype(bool),
        **table[numbers].apply(pd.to_numeric, errors="coerce").astype(float),
    )


def define(followed: Followed) -> str:
    """Return a hash of what a KPI is; its words are no part of that."""
    content = followed.kpi.model_dump(mode="json", exclude={"text", "unit", "better"})
    return hash_value(content)


def compare_values(now: pd.DataFrame, before: pd.DataFrame) -> pd.DataFrame:
    """Return each KPI then and now, with the interval of the change.

    The interval is of the difference of two independent figures, made of theirs (Zou and Donner
    2008, Construction of confidence limits about effect measures, *Statistics in Medicine* 27,
    equation 4). Many customers are the same then and now, so it is rather too wide than too narrow.

    Parameters
    ----------
    now : DataFrame
        See `list_kept`.
    before : DataFrame
        What an earlier run kept, with its ``as_of``; no rows on a first run.

    Returns
    -------
    DataFrame
        One row a KPI and segment: customer_count, value and then_value, change with
        change_low and change_high, moved (*rose*, *fell*, *alike*: it may be chance, or empty),
        then_on (the day of the earlier run), remark (why nothing is compared).
    """
    if before.empty:
        return empty_table(CHANGE_COLUMNS, FIRST_RUN)
    then = before[[*KEY, "scheme", "definition", "value", "low", "high"]]
    then = then.rename(columns={name: f"then_{name}" for name in then if name not in KEY})
    table = now.merge(then, on=KEY, how="left")
    table["remark"] = _explain(table, schemes=set(before["scheme"]))
    table.loc[table["remark"] != "", ["then_value", "then_low", "then_high"]] = np.nan
    value, other = table["value"], table["then_value"]
    change = value - other
    down = np.hypot(value - table["low"], table["then_high"] - other)
    up = np.hypot(table["high"] - value, other - table["then_low"])
    table = table.assign(change=change, change_low=change - down, change_high=change + up)
    is_known = table["change_low"].notna() & table["change_high"].notna()
    is_apart = (table["change_low"] > 0) | (table["change_high"] < 0)
    moved = np.where(is_apart, np.where(change > 0, "rose", "fell"), "alike")
    then_on = f"{pd.Timestamp(before['as_of'].iloc[0]):%Y-%m-%d}"
    table = table.assign(moved=np.where(is_known, moved, ""), then_on=then_on)
    return table[[*CHANGE_COLUMNS, NOTE, HIDDEN]]


def _explain(table: pd.DataFrame, schemes: set[str]) -> np.ndarray:
    """Say why a row is not compared; nothing where it is."""
    is_whole = table["segment_name"] == ALL
    is_other = ~is_whole & ~table["scheme"].isin(schemes)
    is_new = table["then_definition"].isna()
    is_redefined = ~is_new & (table["then_definition"] != table["definition"])
    return np.select([is_other, is_new, is_redefined], [OTHER_SCHEME, NEW, REDEFINED], default="")
