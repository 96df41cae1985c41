"""What may be said of a segment as of a person: shares and means that differ from all customers.

Facts are made of published tables only: of the levels of descriptors, of the mean of each column.
Each knows the table and column that it can be worked out from again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from segkit.action.persona_headings import PICTURED, find_group, find_heading
from segkit.core.statistics import (
    ALPHA,
    bound_share_difference,
    correct_p_values,
    find_share_p_value,
)
from segkit.plan.personas import Personas

SHARE = "share"
MEAN = "mean"
CUSTOMERS = "customers"  # the table that most columns stand in
TRAITS = "persona_traits"  # and that of what is read from other tables for the sheets
NOT_KNOWN = ("", "unknown", "not known", "missing", "nan")
# Levels that say nothing of anybody: what was pooled, and no.
NOT_TELLING = (*NOT_KNOWN, "other", "false", "no")
# A share is a trait from a fifth more, or less, than among all; a mean from a fifth of a standard
# deviation, below which differences are small (Cohen 1988).
HIGHEST_ALIKE = 120.0
LOWEST_ALIKE = 80.0
SMALLEST_STRENGTH = 0.2
# What fewer have is no picture of anybody, however seldom it is elsewhere.
SMALLEST_SHARE = 0.1
KEYS = ["feature", "value"]
MEAN_COLUMNS = [
    "segment_name",
    "feature",
    "mean",
    "base_mean",
    "known_count",
    "base_count",
    "index",
    "difference_sd",
    "effect_low",
    "effect_high",
    "set_apart",
    "by_construction",
]
FACT_COLUMNS = [
    "segment_name",
    "heading",
    "feature",
    "value",
    "kind",
    "figure",
    "base_figure",
    "index",
    "difference_low",
    "difference_high",
    "strength",
    "customer_count",
    "known_count",
    "base_count",
    "is_of_known",
    "by_construction",
    "differs",
    "source",
]


def list_facts(
    levels: Mapping[str, pd.DataFrame], profile: pd.DataFrame, *, personas: Personas | None = None
) -> pd.DataFrame:
    """List all that could be said of each segment, and whether it differs from all customers.

    The share of a level is that of the customers of whom the column is known: who is not asked is
    not without children. Where it must not be seen of how many it is not known, it is the share of
    all. A share differs if its index (100 is that of all customers) lies outside 80 to 120, if the
    interval of its difference from all other customers leaves out zero, and if that holds after
    Holm's correction (1979) of all shares together. A mean differs from a fifth of a standard
    deviation on, with the same two conditions, the correction being that of the profile. Columns
    that made the segments differ by construction, and are not tested.

    Parameters
    ----------
    levels : mapping of str to pandas.DataFrame
        Published levels, see `judge_levels`, by the table that their columns stand in.
    profile : pandas.DataFrame
        The published profile, see `profile_segments`.
    personas : Personas, optional
        The plan's headings.

    Returns
    -------
    pandas.DataFrame
        One row a segment, ``feature`` and ``value`` (empty of a mean): ``heading``, ``kind``
        (share or mean), ``figure``, ``base_figure``, ``index``, ``difference_low`` and
        ``difference_high`` (95 %, from all other customers; of a mean in standard deviations),
        ``strength`` (of a mean the difference from all in standard deviations, of a share p
        against p0 of all (p - p0) / sqrt(p0 (1 - p0)), the same for zeros and ones),
        ``customer_count`` (who has the value; of a mean who has any), ``known_count``,
        ``base_count`` (all of whom it is known), ``is_of_known``, ``by_construction``, ``differs``
        and ``source`` (table and column).
    """
    parts = [_list_shares(table, source) for source, table in levels.items()]
    shares = _judge_shares(pd.concat([part for part in parts if len(part)] or parts[:1]))
    means = _list_means(profile)
    both = [part for part in (shares, means) if len(part)]
    facts = pd.concat(both or [shares], ignore_index=True)
    named = facts["feature"].map(lambda name: find_heading(name, personas))
    return facts.assign(heading=named)[FACT_COLUMNS]


def _list_shares(levels: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return the share of each level that may be seen, among those of whom it is known."""
    if levels.empty:
        return pd.DataFrame(columns=[*FACT_COLUMNS, "value_count"])
    texts = levels["value"].astype(str).str.strip().str.casefold()
    counts = ["customer_count", "segment_count", "value_count", "base_count"]
    rows = levels.astype(dict.fromkeys(counts, float))
    unknown = rows[texts.isin(NOT_KNOWN)]
    by = ["descriptor", "segment_name"]
    # A hidden count makes the sum missing: then nobody may know of how many it is known.
    left_out = unknown.groupby(by)["customer_count"].agg(_add_up)
    of_all = unknown.groupby(["descriptor", "value"])["value_count"].max()
    base_out = of_all.groupby("descriptor").agg(_add_up)
    rows = rows[~texts.isin(NOT_TELLING) & rows["customer_count"].notna()]
    keys = pd.MultiIndex.from_frame(rows[by])
    own_unknown = _look_up(left_out, keys)
    base_unknown = _look_up(base_out, pd.Index(rows["descriptor"]))
    told = pd.Series(np.isfinite(own_unknown) & np.isfinite(base_unknown), rows.index)
    # One share of all for every segment: where one must not say of how many it knows, none does.
    is_of_known = told.groupby(rows["descriptor"]).transform("all").to_numpy(bool)
    known = rows["segment_count"].to_numpy() - np.where(is_of_known, own_unknown, 0.0)
    base = rows["base_count"].to_numpy() - np.where(is_of_known, base_unknown, 0.0)
    made = rows.get("by_construction", False)
    table = pd.DataFrame(
        {
            "segment_name": rows["segment_name"],
            "feature": rows["descriptor"],
            "value": rows["value"].astype(str),
            "kind": SHARE,
            "customer_count": rows["customer_count"],
            "known_count": known,
            "value_count": rows["value_count"],
            "base_count": base,
            "is_of_known": is_of_known,
            "by_construction": pd.Series(made, rows.index).fillna(False).astype(bool),
            "source": f"{source}." + rows["descriptor"].astype(str),
        }
    )
    return table[(table["known_count"] > 0) & table["value_count"].notna()]


def _add_up(counts: pd.Series) -> float:
    """Return the sum of counts; missing where one of them is."""
    return counts.sum(skipna=False)


def _look_up(counts: pd.Series, keys: pd.Index) -> np.ndarray:
    """Return the count of each key: 0 where there is none, missing where it is hidden."""
    found = counts.reindex(keys).to_numpy(float)
    return np.where(keys.isin(counts.index), found, 0.0)


def _judge_shares(shares: pd.DataFrame) -> pd.DataFrame:
    """Compare shares with those of all customers, and correct all comparisons together."""
    if shares.empty:
        return pd.DataFrame(columns=FACT_COLUMNS)
    hits, known = shares["customer_count"].to_numpy(float), shares["known_count"].to_numpy(float)
    other_hits = shares["value_count"].to_numpy(float) - hits
    others = shares["base_count"].to_numpy(float) - known
    share, base = hits / known, shares["value_count"].to_numpy(float) / shares["base_count"]
    compared = (others > 0) & (other_hits >= 0) & (other_hits <= others)
    low, high, p_values = (np.full(len(shares), np.nan) for _ in range(3))
    there = {"other_hits": other_hits[compared], "other_trials": others[compared]}
    here = (hits[compared], known[compared])
    low[compared], high[compared] = bound_share_difference(*here, **there)
    is_tested = compared & ~shares["by_construction"].to_numpy(bool)
    p_values[compared] = find_share_p_value(*here, **there)
    p_values[~is_tested] = np.nan
    index = 100 * share / base
    is_far = (index >= HIGHEST_ALIKE) | (index <= LOWEST_ALIKE)
    holds = (correct_p_values(p_values) < ALPHA) | (compared & ~is_tested)
    with np.errstate(divide="ignore", invalid="ignore"):
        strength = (share - base) / np.sqrt(base * (1 - base))
    return shares.assign(
        figure=share,
        base_figure=base,
        index=index,
        difference_low=low,
        difference_high=high,
        strength=strength.replace([np.inf, -np.inf], np.nan),
        differs=is_far & ((low > 0) | (high < 0)) & holds & (hits > 0),
    )


def _list_means(profile: pd.DataFrame) -> pd.DataFrame:
    """Return the means that may be seen."""
    rows = profile.reindex(columns=MEAN_COLUMNS)
    rows = rows.dropna(subset=["mean", "base_mean", "difference_sd", "known_count"])
    low, high = (rows[f"effect_{end}"].astype(float) for end in ("low", "high"))
    made = rows["by_construction"].astype("boolean").fillna(False).astype(bool)
    apart = rows["set_apart"].astype("boolean").fillna(False).astype(bool)
    strength = rows["difference_sd"].astype(float)
    return pd.DataFrame(
        {
            "segment_name": rows["segment_name"],
            "feature": rows["feature"],
            "value": "",
            "kind": MEAN,
            "figure": rows["mean"].astype(float),
            "base_figure": rows["base_mean"].astype(float),
            "index": rows["index"].astype(float),
            "difference_low": low,
            "difference_high": high,
            "strength": strength,
            "customer_count": rows["known_count"].astype(float),
            "known_count": rows["known_count"].astype(float),
            "base_count": rows["base_count"].astype(float),
            "is_of_known": True,
            "by_construction": made,
            "differs": (strength.abs() >= SMALLEST_STRENGTH)
            & ((low > 0) | (high < 0))
            & (made | apart),
            "source": f"{CUSTOMERS}." + rows["feature"].astype(str),
        }
    )


def choose_facts(
    facts: pd.DataFrame, *, most: int, each: int = 2, left_out: Sequence[str] = ()
) -> pd.DataFrame:
    """Choose what is told of one segment: at most ``each`` facts a heading, ``most`` in all.

    Of the levels of a column that are more common than among all, and that at least a tenth have,
    the one whose excess is surest is chosen: the lower end of the interval is largest. Where none
    is, the one that is surest to be lacking. Of columns that say the same one is told: a level that
    is more common before a mean, then the one that differs most. The first fact of each heading
    goes before the second of any.

    Parameters
    ----------
    facts : pandas.DataFrame
        One segment's rows of `list_facts`.
    most, each : int
        How many facts in all, and under each heading.
    left_out : sequence of str
        Headings of which nothing is told.

    Returns
    -------
    pandas.DataFrame
        The facts chosen, by heading and strength, with ``place`` under their heading from 1.
    """
    rows = facts[facts["differs"].astype(bool) & ~facts["heading"].isin(left_out)]
    is_more = rows["strength"] > 0
    seldom = (rows["kind"] == SHARE) & is_more & (rows["figure"] < SMALLEST_SHARE)
    rows, is_more = rows[~seldom], is_more[~seldom]
    surest = rows["difference_low"].where(is_more, -rows["difference_high"])
    ranked = rows.assign(is_more=is_more, surest=surest, size=rows["strength"].abs())
    ranked = ranked.sort_values(
        ["is_more", "surest", *KEYS], ascending=[False, False, True, True], kind="stable"
    )
    ranked = ranked.drop_duplicates("feature")
    # Of columns that say the same: a level that draws a person, any other level, then a mean.
    is_level = (ranked["kind"] == SHARE) & ranked["is_more"]
    drawn = is_level.astype(int) + (is_level & ranked["feature"].isin(PICTURED)).astype(int)
    ranked = ranked.assign(drawn=drawn, group=ranked["feature"].map(find_group))
    ranked = ranked.sort_values(
        ["drawn", "size", *KEYS], ascending=[False, False, True, True], kind="stable"
    )
    ranked = ranked.drop_duplicates("group")
    ranked = ranked.sort_values(["size", *KEYS], ascending=[False, True, True], kind="stable")
    ranked = ranked.assign(place=ranked.groupby("heading").cumcount() + 1)
    ranked = ranked[ranked["place"] <= each]
    ranked = ranked.sort_values(["place", "size"], ascending=[True, False], kind="stable")
    return ranked.head(most)[[*FACT_COLUMNS, "place"]].reset_index(drop=True)
