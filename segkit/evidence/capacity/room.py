"""How many customers each scheme of the plan needs, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from segkit.core.statistics import bound_share
from segkit.evidence.capacity.rules_of_thumb import (
    RULES,
    Asked,
    count_most_columns,
    count_most_segments,
)
from segkit.features.customer_table import list_given
from segkit.plan.models import LEARNING_METHODS, Plan, Scheme

BY_RULE = "cut by rule"
NEEDS = tuple(rule.id for rule in RULES)
COLUMNS = (
    "scheme",
    "goal",
    "method",
    "customer_count",
    "columns_asked",
    "segments_asked",
    *NEEDS,
    "met",
    "most_columns",
    "most_segments",
    "even_size",
    "least_size",
    "share_reach",
)


def measure_room(
    plan: Plan, columns: Mapping[str, Mapping[str, str]], *, people: Mapping[str, int]
) -> pd.DataFrame:
    """Hold what each scheme asks for against the customers that are there.

    Parameters
    ----------
    plan : Plan
    columns : mapping of str to mapping
        The columns of each table, with their kinds; see `segkit.workspace.Workspace.columns`.
    people : mapping of str to int
        How many customers a scheme can be of, by its ``who``; see `given.count_people`.

    Returns
    -------
    DataFrame
        One row a scheme. ``customer_count``; ``columns_asked`` and ``segments_asked`` (at most);
        the customers that each rule of `rules_of_thumb.RULES` asks for, by its id, and ``met`` (how
        many of these are met, in words), all missing where the segments are cut by rule, for
        nothing is learned then; ``most_columns`` and ``most_segments`` that the customers carry;
        ``even_size`` (customers of a segment if all are alike), ``least_size`` (of the smallest
        that the criteria allow) and ``share_reach`` (how far the 95 % interval of a share of half
        reaches to each side in that one, Wilson 1927).
    """
    kinds = list_given(columns, plan)
    rows = []
    for scheme in plan.schemes:
        count = min(people[scheme.who], plan.most_fitted)
        size = _size_segments(plan, scheme, count)
        rows.append({**size, **_hold_against_rules(scheme, kinds, count)})
    whole = dict.fromkeys((*NEEDS, "most_columns", "most_segments"), "Int64")
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(whole)


def _size_segments(plan: Plan, scheme: Scheme, count: int) -> dict[str, object]:
    """Return what a scheme asks for, and how small its segments may get."""
    is_free = scheme.method == "rules"
    segments = scheme.segments[1]
    least = np.floor(plan.criteria.smallest_customer_share * count)
    return {
        "scheme": scheme.name.replace("_", " "),
        "goal": scheme.goal.replace("_", " "),
        "method": scheme.method.replace("_", " "),
        "customer_count": count,
        "segments_asked": np.nan if is_free else segments,
        "even_size": np.nan if is_free else count / segments,
        "least_size": least,
        "share_reach": measure_reach(least),
    }


def _hold_against_rules(scheme: Scheme, kinds: Mapping[str, str], count: int) -> dict[str, object]:
    """Return what the rules of thumb say of a scheme that learns from columns."""
    taken = scheme.columns
    if scheme.method not in LEARNING_METHODS:
        return {"met": BY_RULE}
    is_binary = all(kinds.get(name) == "boolean" for name in taken)
    asked = Asked(len(taken), scheme.segments[1], is_binary=is_binary)
    needs = {rule.id: rule.count(asked) for rule in RULES}
    known = [need for need in needs.values() if need is not None]
    return {
        **needs,
        "columns_asked": len(taken),
        "met": f"{sum(count >= need for need in known)} of {len(known)}",
        "most_columns": count_most_columns(count),
        "most_segments": count_most_segments(count, len(taken)),
    }


def measure_reach(count: float) -> float:
    """Return how far the 95 % interval of a share of half reaches to each side; NaN of nobody.

    >>> round(measure_reach(245), 3)
    0.062
    """
    if count < 1:
        return np.nan
    low, high = bound_share(count / 2, count)
    return float(high - low) / 2
