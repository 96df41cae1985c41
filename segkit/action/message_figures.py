"""What is known of a segment, by the names that the conditions of messages read.

Of a column of numbers ``recency_days`` is the segment's mean, ``recency_days_index`` the same in
percent of the mean of all, and ``recency_days_effect`` its difference from all others in standard
deviations. Of a column of words ``industry`` is the value that is more common in the segment than
among all, ``industry_share`` its share and ``industry_index`` that in percent of the share of all.
An index, an effect or a value that may be chance is not known, and a condition on it is not met.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from segkit.contract.features import FEATURES
from segkit.profiles.base_summaries import UNKNOWN

# What the matrix that decides knows of a segment, besides its columns.
FIXED = {
    "customer_share": "number",
    "value_share": "number",
    "mean_value": "number",
    "mean_lifetime_value": "number",
    "stability": "number",
    "reach": "number",
    "consent_share": "number",
    "contact_count": "number",
    "contact_share": "number",
    "answer_share": "number",
    "break_even_share": "number",
    "channel": "text",
}
NUMBER_ENDS = ("", "_index", "_effect")
VALUE_ENDS = ("_share", "_index")
EVIDENCE = [
    "segment_name",
    "name",
    "feature",
    "level",
    "value",
    "base_value",
    "index",
    "effect_size",
    "customer_count",
    "segment_count",
]
PLAIN_VALUES = {"", "none", "false", "0", "no", "other", "not known", UNKNOWN}


def list_kinds(own: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the names that a condition may read, each ``number`` or ``text``.

    Parameters
    ----------
    own : mapping of str to str, optional
        Further columns of the customers, ``number``, ``category`` or ``boolean``; or ``any`` where
        that is not known yet, as before the tables are read.
    """
    kinds = {name: feature.kind for name, feature in FEATURES.items()} | dict(own or {})
    found = {}
    for name, kind in kinds.items():
        if kind == "number":
            found |= {f"{name}{end}": "number" for end in NUMBER_ENDS}
        elif kind == "any":
            found[name] = "any"
            found |= {f"{name}{end}": "number" for end in (*NUMBER_ENDS[1:], *VALUE_ENDS)}
        elif kind in ("category", "boolean"):
            found[name] = "text"
            found |= {f"{name}{end}": "number" for end in VALUE_ENDS}
    return found | FIXED


def collect_evidence(profile: pd.DataFrame, levels: pd.DataFrame) -> pd.DataFrame:
    """Return what is known of each segment, a row a column that may be told of.

    Parameters
    ----------
    profile, levels : DataFrame
        Of `profile_segments` and `judge_levels`, as they passed the gate.

    Returns
    -------
    DataFrame
        segment_name, name (as conditions read it), feature, level (the value, of a column of
        words), value and base_value (means, or shares of the level), index, effect_size (NaN of
        levels), customer_count (with the level, or with a value) and segment_count. A mean that may
        be chance keeps its value and has no index and no effect; a level that may be is left out.
    """
    numbers = profile.dropna(subset=["mean"]).copy() if len(profile) else profile
    parts = [pd.DataFrame(columns=EVIDENCE)]
    if len(numbers):
        names = {"mean": "value", "base_mean": "base_value", "known_count": "customer_count"}
        numbers = numbers.rename(columns=names)
        is_sure = _is_sure(numbers)
        figures = ["index", "effect_size"]
        numbers[figures] = numbers[figures].astype(float).where(is_sure, np.nan)
        counts = numbers.get("segment_count", numbers["customer_count"])
        numbers = numbers.assign(name=numbers["feature"], level="", segment_count=counts)
        parts.append(numbers[EVIDENCE])
    if len(levels):
        parts.append(_list_levels(levels, known=set(numbers["feature"]) if len(numbers) else ()))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _is_sure(rows: pd.DataFrame) -> pd.Series:
    """Return which differences hold after correction, or are there by construction."""
    apart = rows["set_apart"].astype("boolean").fillna(False)
    made = rows["by_construction"].astype("boolean").fillna(False)
    return (apart | made).astype(bool)


def _list_levels(levels: pd.DataFrame, *, known: Collection[str]) -> pd.DataFrame:
    """Return of each descriptor the level that lies furthest above its share among all."""
    rows = levels.dropna(subset=["share", "base_share", "index"])
    plain = rows["value"].astype(str).str.lower().isin(PLAIN_VALUES)
    rows = rows[~plain & ~rows["descriptor"].isin(list(known)) & _is_sure(rows)]
    gap = rows["share"].astype(float) - rows["base_share"].astype(float)
    rows = rows.assign(gap=gap)[gap > 0]
    rows = rows.sort_values(["gap", "value"], ascending=[False, True], kind="stable")
    first = rows.drop_duplicates(["segment_name", "descriptor"])
    return first.assign(
        name=first["descriptor"],
        feature=first["descriptor"],
        level=first["value"].astype(str),
        value=first["share"].astype(float),
        base_value=first["base_share"].astype(float),
        effect_size=np.nan,
    )[EVIDENCE]


def spread_evidence(
    evidence: pd.DataFrame, decisions: pd.DataFrame, kinds: Mapping[str, str]
) -> pd.DataFrame:
    """Return a row a segment with a column for each name of ``kinds``; missing what is not known.

    Parameters
    ----------
    evidence : DataFrame
        Of `collect_evidence`.
    decisions : DataFrame
        Of `collect_decisions`.
    kinds : mapping of str to str
        Of `list_kinds`.
    """
    names = decisions["segment_name"].astype(str).tolist()
    found: dict[str, dict[str, object]] = {name: {} for name in names}
    for row in evidence.to_dict("records"):
        own = found.get(str(row["segment_name"]))
        if own is None:
            continue
        if row["level"]:
            own[row["name"]] = row["level"]
            own[f"{row['name']}_share"] = row["value"]
        else:
            own[row["name"]] = row["value"]
            own[f"{row['name']}_effect"] = row["effect_size"]
        own[f"{row['name']}_index"] = row["index"]
    table = pd.DataFrame.from_dict(found, orient="index").reindex(names)
    own = decisions.set_index("segment_name").reindex(names)
    for name in FIXED:
        if name in own:
            table[name] = own[name]
    table = table.reindex(columns=list(kinds)).rename_axis("segment_name").reset_index()
    for name, kind in kinds.items():
        if kind == "number":
            table[name] = pd.to_numeric(table[name], errors="coerce").astype(float)
        else:
            table[name] = table[name].astype("string")
    return table
