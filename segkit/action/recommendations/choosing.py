"""Which ranking serves this shop: a few are tried on an earlier day, one is judged on a later one.

The last days are kept back. In the days before these the settings are compared; the one whose lists
have the highest NDCG is fitted again, a period later, and judged by the last days together with
the simple rules. No setting was chosen by the days that judge it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from segkit.action.recommendations.interactions import Interactions
from segkit.action.recommendations.judging import Truth, bound_mean, find_truth, judge_setting
from segkit.action.recommendations.model import AGAIN, ALL, NEW, Model, Setting, fit_model
from segkit.core.statistics import bound_share

MOST_DAYS = 90
FEWEST_DAYS = 7
FEWEST_JUDGES = 50  # customers, on whose answers a choice may rest
MOST_CHOOSING = 1_500  # customers by whom settings are compared
MOST_JUDGES = 20_000
POPULAR = "the most popular"
OWN = "what they bought most often"
OWN_THEN_POPULAR = "what they bought most often, then the most popular"
ALIKE = "what is bought by the same customers"
LATELY = "the most popular of late"
OWN_MIXED = "what they bought, mixed with the most popular"
ALIKE_MIXED = "what is bought by the same customers, mixed with the most popular"
# The rules that everybody can follow, by kind of list; each is one of those that are tried.
SIMPLE = {
    ALL: (
        Setting(POPULAR, popular=1.0),
        Setting(OWN, own=1.0, popular=0.0),
        Setting(OWN_THEN_POPULAR, own=1e6),
    ),
    AGAIN: (Setting(POPULAR, popular=1.0), Setting(OWN, own=1e6)),
    NEW: (Setting(POPULAR, popular=1.0), Setting(ALIKE, alike=1.0)),
}
# Where nothing can be judged.
USUAL = {
    ALL: Setting(OWN_MIXED, own=1.0, popular=0.3),
    AGAIN: Setting(OWN_MIXED, own=1.0, popular=0.3),
    NEW: Setting(ALIKE_MIXED, alike=1.0, popular=0.3),
}


def list_settings(kind: str, *, days: int) -> list[Setting]:
    """Return what is tried for a kind of list; half-lives are a third of the judged days.

    >>> len(list_settings("new", days=90)), len(list_settings("again", days=90))
    (11, 9)
    """
    short = days / 3
    found = list(SIMPLE[kind])
    found.append(Setting(LATELY, popular=1.0, half_life=short))
    if kind != NEW:
        return found + [
            Setting(OWN_MIXED, own=1.0, popular=weight, half_life=half_life)
            for half_life in (np.inf, short)
            for weight in (0.3, 1.0, 3.0)
        ]
    return found + [
        Setting(ALIKE_MIXED, alike=1.0, popular=weight, half_life=half_life, alike_half_life=recent)
        for half_life in (np.inf, short)
        for recent in (np.inf, short)
        for weight in (0.1, 0.5)
    ]


def choose_days(known: Interactions, judged_days: int | None = None) -> int:
    """Return how many of the last days judge: the plan's, or a quarter of all, 90 at most."""
    if judged_days is not None:
        return judged_days
    return max(FEWEST_DAYS, min(MOST_DAYS, known.days // 4))


@dataclass(frozen=True)
class Chosen:
    """What was chosen for each kind of list, and how good it is.

    Attributes
    ----------
    settings : dict of str to Setting
        By kind: all, again, new.
    quality : DataFrame
        One row a kind and method, what was chosen first: kind, method, is_chosen, customer_count,
        hit_share, ndcg, each with ``_low`` and ``_high``, and how much more the chosen one has:
        hit_gain and ndcg_gain with theirs. No rows where nothing could be judged.
    days : int
        How many days judged.
    """

    settings: dict[str, Setting]
    quality: pd.DataFrame
    days: int


def choose_settings(
    known: Interactions, *, count: int, random_state: int, judged_days: int | None = None
) -> Chosen:
    """Choose a ranking for each kind of list on an earlier day, and judge it on a later one.

    Parameters
    ----------
    known : Interactions
    count : int
        Products on a list.
    random_state : int
        Draws customers by whom settings are compared, where there are many.
    judged_days : int, optional
        See `choose_days`.
    """
    days = choose_days(known, judged_days)
    rng = np.random.default_rng(random_state)
    before, later = known.split(days)
    tried = _choose_each(*before.split(days), days=days, count=count, rng=rng)
    rows = _judge_each(before, later, tried, count=count, rng=rng)
    return Chosen(tried, pd.DataFrame(rows, columns=QUALITY), days)


def _choose_each(
    known: Interactions, later: Interactions, *, days: int, count: int, rng: np.random.Generator
) -> dict[str, Setting]:
    """Return the setting of each kind of list that does best; the usual ones where none can."""
    if len(known.age) == 0 or len(later.age) == 0:
        return dict(USUAL)
    model, truth = fit_model(known), find_truth(known, later)
    return {
        kind: _choose(model, truth, kind=kind, days=days, count=count, rng=rng) for kind in USUAL
    }


def _judge_each(
    known: Interactions,
    later: Interactions,
    settings: dict[str, Setting],
    *,
    count: int,
    rng: np.random.Generator,
) -> list[dict]:
    """Return the rows of all kinds of lists; none where nothing was bought before or later."""
    if len(known.age) == 0 or len(later.age) == 0:
        return []
    model, truth = fit_model(known), find_truth(known, later)
    rows: list[dict] = []
    for kind, setting in settings.items():
        rows += _judge(model, truth, setting, kind=kind, count=count, rng=rng)
    return rows


MEASURES = ("hit_share", "ndcg", "hit_gain", "ndcg_gain")
QUALITY = [
    "kind",
    "method",
    "is_chosen",
    "customer_count",
    "hit_count",
    *(f"{name}{end}" for name in MEASURES for end in ("", "_low", "_high")),
]


def _bound(hits: np.ndarray) -> tuple[float, float, float]:
    """Return a share with its interval, which has a width though all or none are hits."""
    low, high = bound_share(hits.sum(), len(hits))
    return float(hits.mean()), float(low), float(high)


def _draw(customers: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return so many customers at most, in their order."""
    if len(customers) <= most:
        return customers
    return np.sort(rng.choice(customers, most, replace=False))


def _choose(
    model: Model, truth: Truth, *, kind: str, days: int, count: int, rng: np.random.Generator
) -> Setting:
    """Return the setting with the highest NDCG; the first of those that are alike."""
    judges = _draw(truth.list_customers(kind), MOST_CHOOSING, rng)
    if len(judges) < FEWEST_JUDGES:
        return USUAL[kind]
    best, highest = USUAL[kind], -1.0
    for setting in list_settings(kind, days=days):
        _, gains = judge_setting(model, truth, setting, kind=kind, count=count, customers=judges)
        if gains.mean() > highest + 1e-12:
            best, highest = setting, float(gains.mean())
    return best


def _judge(
    model: Model, truth: Truth, setting: Setting, *, kind: str, count: int, rng: np.random.Generator
) -> list[dict]:
    """Return a row for what was chosen, and one for each simple rule."""
    judges = _draw(truth.list_customers(kind), MOST_JUDGES, rng)
    if len(judges) == 0:
        return []
    rows = []
    methods = [setting, *(one for one in SIMPLE[kind] if one != setting)]
    first: tuple[np.ndarray, np.ndarray] | None = None
    for one in methods:
        hits, gains = judge_setting(model, truth, one, kind=kind, count=count, customers=judges)
        first = first or (hits, gains)
        compared = {
            "hit_share": hits,
            "ndcg": gains,
            "hit_gain": first[0].astype(float) - hits,
            "ndcg_gain": first[1] - gains,
        }
        row = {
            "kind": kind,
            "method": one.name,
            "is_chosen": one is setting,
            "customer_count": len(judges),
            "hit_count": int(hits.sum()),
        }
        for name, values in compared.items():
            if one is setting and name.endswith("_gain"):
                continue
            ends = _bound(values) if name == "hit_share" else bound_mean(values)
            row |= dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
        rows.append(row)
    return rows
