"""Names for clusters, from what sets each apart."""

from __future__ import annotations

import numpy as np

from segkit.contract.features import FEATURES
from segkit.models.columns import MISSING, OTHER, Levels, Preparation, PreparedColumns

NOTABLE = 0.4
MOST_WORDS = 3
# Words for a cluster far below and far above the average of a feature.
WORDS = {
    "age_years": ("younger", "older"),
    "household_size": ("small households", "large households"),
    "recency_days": ("recent", "long gone"),
    "order_count": ("rare", "frequent"),
    "order_count_last_365_days": ("quiet year", "busy year"),
    "active_days": ("short history", "long history"),
    "tenure_days": ("newcomers", "long-standing"),
    "spend_last_365_days": ("low spend this year", "high spend this year"),
    "mean_order_value": ("small baskets", "big baskets"),
    "category_count": ("narrow choice", "broad choice"),
    "favourite_category_share": ("mixed baskets", "one category"),
    "mean_days_between_orders": ("tight rhythm", "slow rhythm"),
    "return_share": ("few returns", "many returns"),
    "discount_share": ("full price", "discount buyers"),
    "fourth_quarter_share": ("rest-of-year buyers", "year-end buyers"),
    "signed_up_days": ("new accounts", "old accounts"),
    "days_since_moment": ("fresh moment", "stale moment"),
    "days_since_cart": ("fresh cart", "stale cart"),
    "days_since_visit": ("recent visits", "no recent visits"),
    "days_since_open": ("recent opens", "no recent opens"),
    "open_share": ("seldom open", "often open"),
    "click_share": ("seldom click", "often click"),
    "conversion_share": ("seldom convert", "often convert"),
    "mean_satisfaction": ("less satisfied", "more satisfied"),
}

# How a level is told; else after the column's name.
LEVELS = {
    "age_band": "{} years",
    "child_count": "children: {}",
    "customer_type": "{}",
    "density": "{}",
    "device": "{}",
    "favourite_category": "{}",
    "favourite_channel": "by {}",
    "gender": "{}",
    "generation": "{}",
    "journey_stage": "{}",
    "operating_system": "{}",
    "engagement_level": "{}",
}

# For each column the word for what a segment is there, and how far it lies from the average.
Traits = list[tuple[str, float]]


def describe_segments(
    labels: np.ndarray, prepared: PreparedColumns, n_segments: int
) -> list[Traits]:
    """Describe segments 1 to ``n_segments`` by each column, in standard deviations.

    For a category it is the level whose share most exceeds that among all; the standard deviation
    is that of having the level. What is known of few tells little: the difference is taken times
    the share of the segment's customers with a value.
    """
    described = []
    for n in range(1, n_segments + 1):
        here = labels == n
        traits = []
        for part, values in zip(prepared.preparations, prepared.numbers.T, strict=True):
            effect = _measure_effect(values, here)
            traits.append((_describe_end(part, effect > 0), abs(effect)))
        for part, codes in zip(prepared.levels, prepared.codes.T, strict=True):
            size = len(part.levels)
            every = np.bincount(codes[codes >= 0], minlength=size) / max((codes >= 0).sum(), 1)
            own = codes[here & (codes >= 0)]
            excess = np.bincount(own, minlength=size) - every * len(own)
            spread = np.sqrt(every * (1 - every)) * max(here.sum(), 1)
            effects = np.divide(excess, spread, np.zeros(size), where=spread > 0)
            best = int(effects.argmax())
            traits.append((_describe_level(part, part.levels[best]), float(effects[best])))
        described.append(traits)
    return described


def _measure_effect(values: np.ndarray, here: np.ndarray) -> float:
    """Return how far the mean of some lies from that of all, in standard deviations."""
    in_order = np.sort(values[~np.isnan(values)])
    spread = in_order.std() if len(in_order) else 0.0
    if spread == 0:
        return 0.0
    own = values[here & ~np.isnan(values)]
    return float((own - in_order.mean()).sum() / spread) / max(here.sum(), 1)


def name_segments(described: list[Traits]) -> list[str]:
    """Name each segment by the columns in which it lies furthest from the average.

    A name has up to three traits at least 0.4 away, in the columns' order; further traits, then a
    number, only where two names would be the same.

    Examples
    --------
    >>> name_segments([[("recent", 1.0), ("frequent", 0.9)], [("long gone", 0.9), ("rare", 0.1)]])
    ['Recent, frequent', 'Long gone']
    """
    names = [_join_words(traits, MOST_WORDS, NOTABLE) for traits in described]
    names = [
        _join_words(traits, 2 * MOST_WORDS, 0.0) if names.count(name) > 1 else name
        for name, traits in zip(names, described, strict=True)
    ]
    earlier = [names[:index].count(name) for index, name in enumerate(names)]
    return [f"{n} ({e + 1})" if e else n for n, e in zip(names, earlier, strict=True)]


def _join_words(traits: Traits, most: int, notable: float) -> str:
    strength = np.array([effect for _, effect in traits])
    furthest = [i for i in np.argsort(-strength, kind="stable") if strength[i] > notable]
    words = dict.fromkeys(traits[i][0] for i in sorted(furthest[:most]))
    name = ", ".join(words) or "close to average"
    return name[0].upper() + name[1:]


def _describe_end(part: Preparation, high: bool) -> str:
    column = part.column
    if part.kind == "boolean":
        return _describe_truth(column, "true" if high else "false")
    if column in WORDS:
        return WORDS[column][int(high)]
    if column.endswith("_count") and column in FEATURES:
        return f"{'many' if high else 'few'} {FEATURES[column].unit}"
    return f"{'high' if high else 'low'} {column.removeprefix('total_').replace('_', ' ')}"


def _describe_level(part: Levels, level: str) -> str:
    if part.kind == "boolean" and level in ("true", "false"):
        return _describe_truth(part.column, level)
    words = part.column.replace("_", " ")
    named = {OTHER: f"other {words}", MISSING: f"{words} unknown"}
    return named.get(level) or LEVELS.get(part.column, words + " {}").format(level)


def _describe_truth(column: str, level: str) -> str:
    words = column.replace("_", " ").removeprefix("has ").removeprefix("is ")
    return words if level == "true" else f"no {words}"
