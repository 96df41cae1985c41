"""Names for clusters, from what sets each apart."""

from __future__ import annotations

import re

import numpy as np

from segkit.contract.features import FEATURES
from segkit.features.wording import Labels, find_words, name_feature, shorten_end, tell_level
from segkit.models.columns import MISSING, OTHER, Levels, Preparation, PreparedColumns

NOTABLE = 0.4
HALF = 0.5
MOST_WORDS = 3
# How a level is told; else after the column's label.
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

# "high spend on", "with a yes to": said once where several words of a name begin so.
BEGINNING = re.compile(r"(?:\w+ ){2,3}?(?:on|for|to|of|in) ")
# For each column the word for what a segment is there, and how far it lies from the average.
Traits = list[tuple[str, float]]


def name_clusters(
    labels: np.ndarray, prepared: PreparedColumns, n_segments: int, *, words: Labels | None = None
) -> list[str]:
    """Name segments 1 to ``n_segments`` by their traits; ``words`` are the plan's labels."""
    return name_segments(describe_segments(labels, prepared, n_segments, words=words))


def describe_segments(
    labels: np.ndarray, prepared: PreparedColumns, n_segments: int, *, words: Labels | None = None
) -> list[Traits]:
    """Describe segments 1 to ``n_segments`` by each column, in standard deviations.

    ``words`` are the plan's labels of features.

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
            have_none = effect < 0 and _have_mostly_none(part, values, here)
            text = _describe_end(part, effect > 0, words, have_none=have_none)
            traits.append((text, abs(effect)))
        for part, codes in zip(prepared.levels, prepared.codes.T, strict=True):
            size = len(part.levels)
            every = np.bincount(codes[codes >= 0], minlength=size) / max((codes >= 0).sum(), 1)
            own = codes[here & (codes >= 0)]
            excess = np.bincount(own, minlength=size) - every * len(own)
            spread = np.sqrt(every * (1 - every)) * max(here.sum(), 1)
            effects = np.divide(excess, spread, np.zeros(size), where=spread > 0)
            best = int(effects.argmax())
            text = _describe_level(part, part.levels[best], words)
            traits.append((text, float(effects[best])))
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


def _have_mostly_none(part: Preparation, values: np.ndarray, here: np.ndarray) -> bool:
    """Say whether more than half of some have the least value, and that is zero."""
    if part.smallest != 0 or part.lower > 0:
        return False
    own = values[here & ~np.isnan(values)]
    return len(own) > 0 and (own <= np.nanmin(values)).mean() > HALF


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
    name = ", ".join(_say_once(list(words))) or "close to average"
    return name[0].upper() + name[1:]


def _say_once(words: list[str]) -> list[str]:
    """Leave out, of each word, what it begins with as the one before: "high spend on".

    >>> _say_once(["high spend on milk", "high spend on paper", "high income"])
    ['high spend on milk', 'paper', 'high income']
    """
    beginnings = [BEGINNING.match(word) for word in words]
    told = words[:1]
    for place in range(1, len(words)):
        before, own = beginnings[place - 1], beginnings[place]
        is_same = before is not None and own is not None and before[0] == own[0]
        told.append(words[place].removeprefix(own[0]) if is_same else words[place])
    return told


def _describe_end(part: Preparation, high: bool, words: Labels | None, *, have_none: bool) -> str:
    if part.kind == "boolean":
        return _describe_truth(part.column, "true" if high else "false", words)
    none = find_words(part.column, words).none
    if have_none and none:
        return f"mostly {none}"
    return shorten_end(part.column, is_more=high, labels=words)


def _describe_level(part: Levels, level: str, words: Labels | None) -> str:
    if part.kind == "boolean" and level in ("true", "false"):
        return _describe_truth(part.column, level, words)
    label = name_feature(part.column, words)
    named = {OTHER: f"other {label}", MISSING: f"{label} unknown"}
    own = None if part.column in (words or {}) else LEVELS.get(part.column)
    return named.get(level) or (own or label + " {}").format(level)


def _describe_truth(column: str, level: str, words: Labels | None) -> str:
    """Say yes or no by its words; those of one's own without words by the column's name."""
    if column in (words or {}) or column in FEATURES:
        return tell_level(column, level, words).removeprefix("who ")
    name = column.replace("_", " ").removeprefix("has ").removeprefix("is ")
    return name if level == "true" else f"no {name}"
