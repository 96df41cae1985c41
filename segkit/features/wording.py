"""The words for features: how a sentence, a chart and the name of a segment tell of them.

Those of segkit stand in the contract, the plan's ``labels`` go before them. Of a feature without
either its name is said, in quotation marks, so that it reads as a name.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping

from segkit.contract.definitions import Feature
from segkit.contract.features import CATEGORY_SHARE, FEATURES
from segkit.core.errors import PlanError, SegkitError, suggest_name
from segkit.features.own_features import describe_feature
from segkit.plan.labels import Label
from segkit.plan.models import Plan

Labels = Mapping[str, Label]
WORDS = ("label", "more", "less", "none", "yes", "no", "level")
OTHERS = "all others"  # the level of whoever is in none that is named
YES = ("yes", "true", "1")
NO = ("no", "false", "0")
# Units that cannot be counted: one says "a price level of 2", but "2 orders".
_UNCOUNTED = ("", "share", "ratio", "probability", "0 to 1", "1 to 5", "-1 to 1")
_SHORTER = {"higher ": "high ", "lower ": "low ", "fewer ": "few "}
_SINGULAR = {"children": "child", "people": "person", "categories": "category"}
_NUMBER = re.compile(r"\d[\d,]*(\.\d+)?(e[+-]?\d+)?")


def find_words(name: str, labels: Labels | None = None) -> Feature:
    """Return a feature with all its words.

    Examples
    --------
    >>> find_words("order_count").more, find_words("wine_spend").more
    ('more orders', 'higher “wine spend”')
    >>> find_words("wine_spend", {"wine_spend": Label(label="spend on wine")}).less
    'lower spend on wine'
    """
    feature = describe_feature(name)
    given = (labels or {}).get(name)
    if given is not None:
        own = {word: getattr(given, word) for word in WORDS}
        bare = dataclasses.replace(feature, high="", low="", **own)
        return _complete(bare, told=given.label)
    if name.startswith(CATEGORY_SHARE):
        return _word_category_share(feature)
    if name in FEATURES:
        return _complete(feature, told=feature.label)
    words = name.replace("_", " ")
    return _complete(dataclasses.replace(feature, label=f"“{words}”"), told="")


def _word_category_share(feature: Feature) -> Feature:
    """Return the words for the share of one category."""
    words = feature.name.removeprefix(CATEGORY_SHARE).replace("_", " ")
    return dataclasses.replace(
        feature,
        label=f"share of sales in “{words}”",
        more=f"more bought in “{words}”",
        less=f"less bought in “{words}”",
        none=f"nothing bought in “{words}”",
        level=f"with {{}} of sales in “{words}”",
    )


def _complete(feature: Feature, *, told: str) -> Feature:
    """Make what is not given of the label; ``told`` is one that somebody wrote, or nothing."""
    label = feature.label
    more, less = "higher", "lower"
    if told and feature.name.endswith("_count"):
        more, less = "more", "fewer"
    elif told and not feature.unit:
        more, less = "more", "less"
    made = {
        "more": f"{more} {label}",
        "less": f"{less} {label}",
        "none": _word_none(feature, told),
        "yes": f"with {label}" if told else f"with yes to {label}",
        "no": f"without {label}" if told else f"with no to {label}",
        "level": _word_level(feature),
    }
    if feature.yes:  # means of it are shares of yes
        made |= {"more": f"{label} more often", "less": f"{label} less often"}
    given = {word: getattr(feature, word) or text for word, text in made.items()}
    return dataclasses.replace(feature, **given)


def _word_none(feature: Feature, told: str) -> str:
    """Say that nobody has any: of amounts and counts of one's own, elsewhere it is written."""
    is_amount = feature.unit.startswith("currency") or feature.name.endswith("_count")
    if feature.name in FEATURES or not is_amount:
        return ""
    return f"no {told}" if told else f"{feature.label} of 0"


def _word_level(feature: Feature) -> str:
    """Say who has a value, by what is counted."""
    label = feature.label
    if label.startswith("share of "):
        return f"with {{}} of {label.removeprefix('share of ')}"
    is_counted = feature.name in FEATURES or feature.name.endswith("_count")
    is_amount = feature.unit in _UNCOUNTED or feature.unit.startswith("currency")
    if is_counted and not is_amount and not label.startswith("“"):
        return f"with {{}} {label}"
    return f"with {label} of {{}}"


def name_feature(name: object, labels: Labels | None = None) -> str:
    """Return a feature's label.

    >>> name_feature("recency_days")
    'days since the last order'
    """
    return find_words(str(name), labels).label


def name_features(names: Collection[object], labels: Labels | None = None) -> list[str]:
    """Return the labels of features, each once."""
    return list(dict.fromkeys(name_feature(name, labels) for name in names))


def tell_end(
    name: str, *, is_more: bool, labels: Labels | None = None, median: float | None = None
) -> str:
    """Say that a segment has more, or less, of a feature than others; that most have none.

    Examples
    --------
    >>> tell_end("child_count", is_more=False), tell_end("child_count", is_more=False, median=0)
    ('fewer children at home', 'mostly no children at home')
    """
    feature = find_words(name, labels)
    if is_more:
        return feature.more
    if median == 0 and feature.none:
        return f"mostly {feature.none}"
    return feature.less


def tell_level(name: str, level: str, labels: Labels | None = None) -> str:
    """Say who has a value of a feature, as it reads after "those".

    Examples
    --------
    >>> [tell_level("age_band", "35-44"), tell_level("has_pets", "no")]
    ['aged 35-44', 'without pets']
    >>> [tell_level("order_count", "1"), tell_level("return_share", "over 0.18 to 0.31")]
    ['with 1 order', 'with over 18% to 31% of sales returned']
    >>> [tell_level("order_count", "2 and over"), tell_level("country", "all others")]
    ['with at least 2 orders', 'with any other country']
    """
    feature = find_words(name, labels)
    if level == OTHERS:
        return f"with any other {feature.label}"
    text = level.casefold()
    is_truth = feature.kind == "boolean" or text in ("yes", "no", "true", "false")
    is_truth |= bool((labels or {}).get(name) and labels[name].yes)
    if is_truth and text in YES + NO:
        return feature.yes if text in YES else feature.no
    if feature.unit == "share":
        level = _NUMBER.sub(_write_percent, level)
    if not feature.level.startswith("with {} "):
        return feature.level.replace("{}", _drop_repeated(feature.level, level), 1)
    if level == "0" and feature.none and "share" not in feature.unit:
        return f"with {feature.none}"
    words = feature.level.removeprefix("with {} ")
    is_one = level in ("1", "up to 1", "1 and over")
    if level.endswith(" and over"):
        level = f"at least {level.removesuffix(' and over')}"
    return f"with {level} {_make_singular(words) if is_one else words}"


def _drop_repeated(words: str, level: str) -> str:
    """Return a level without the word that stands before it already, as in "region 1"."""
    before = words.partition("{}")[0].split()
    first, _, rest = level.partition(" ")
    return rest if rest and before and before[-1] == first.casefold() else level


def word_rule(rule: str, labels: Labels | None = None) -> str:
    """Write a rule in words, such as "order count above 12", with the labels of its features.

    >>> word_rule("order count above 12 and age years at most 44 (or unknown)")
    'orders above 12 and age in years at most 44 (or unknown)'
    """
    labels = labels or {}
    named = {name.replace("_", " "): name_feature(name, labels) for name in (*FEATURES, *labels)}
    longest_first = sorted(map(re.escape, named), key=len, reverse=True)
    clause = re.compile(
        rf"(^|\band )({'|'.join(longest_first)})(?= (?:above|at most|is|known|unknown)\b)"
    )
    return clause.sub(lambda found: found[1] + named[found[2]], rule)


def _write_percent(found: re.Match) -> str:
    return f"{100 * float(found[0].replace(',', '')):.3g}%"


def _make_singular(words: str) -> str:
    """Write what is counted for one of it: the first of the words is the noun."""
    nouns = [*_SINGULAR, *re.findall(r"\w+s\b", words)]
    noun = next((one for one in nouns if re.search(rf"\b{one}\b", words)), "")
    return words.replace(noun, _SINGULAR.get(noun, noun.removesuffix("s")), 1)


def shorten_end(name: str, *, is_more: bool, labels: Labels | None = None) -> str:
    """Return the words for far more, or far less, of a feature in the name of a segment.

    Examples
    --------
    >>> shorten_end("recency_days", is_more=True), shorten_end("price_level", is_more=True)
    ('long gone', 'high price level')
    """
    feature = find_words(name, labels)
    given = feature.high if is_more else feature.low
    text = given or (feature.more if is_more else feature.less)
    if name.endswith("_count") and text.startswith("more "):
        return "many " + text.removeprefix("more ")
    for long, short in _SHORTER.items():
        if text.startswith(long):
            return short + text.removeprefix(long)
    return text


def capitalise(text: str) -> str:
    """Begin a text with a capital letter and leave the others as they are.

    >>> capitalise("gross mean order value")
    'Gross mean order value'
    """
    return text[:1].upper() + text[1:]


def check_labels(plan: Plan, features: Collection[str]) -> list[SegkitError]:
    """Return a fault for each label of the plan whose feature is neither here nor segkit's."""
    unknown = [name for name in plan.labels if name not in features and name not in FEATURES]
    return [
        SegkitError(
            f"there is no feature '{name}' to label",
            where=f"{plan.path.name}, [labels]",
            fix=suggest_name(name, features),
        )
        for name in unknown
        if not name.startswith(CATEGORY_SHARE)
    ]


def require_labels(plan: Plan, features: Collection[str]) -> None:
    """Raise `PlanError` with every fault of `check_labels`, if there is one."""
    if faults := check_labels(plan, features):
        raise PlanError(faults)
