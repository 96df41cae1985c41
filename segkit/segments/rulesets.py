"""Ready-made sets of rules, and what a plan's rules are before any data is read.

A set is data: names, conditions and named cut points that the plan's ``cuts`` replace. RFM and
value tiers are sets whose conditions depend on how many segments are asked for.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from segkit.errors import SegkitError, suggest_name
from segkit.plan import Scheme
from segkit.segments.predicates import quote_name, read_predicate

EVERYONE_ELSE = "Everyone else"
# Scores that a condition may name, as recency_score: the column, and whether more is better.
SCORES = {
    "recency": ("recency_days", False),
    "frequency": ("order_count", True),
    "money": ("total_spend", True),
    "value": ("total_spend", True),
}
RFM_SCORES = ("recency", "frequency", "money")
GROUPS, MOST_GROUPS = 5, 20

# A set: name | cut points, ascending where "<" stands between them | what it tells. Below it its
# rules, first match wins: segment | condition.
_TABLE = """
journey_stages | new_days=90; at_risk_days=180 < lapsed_days=365; loyal_orders=5 | The life cycle
Prospect | recency_days is null
Lapsed | recency_days > {lapsed_days}
At risk | recency_days > {at_risk_days}
New | tenure_days <= {new_days}
Loyal | order_count >= {loyal_orders}
One order | order_count = 1
Active | true
life_cycle | new_days=90; lapsed_days=365 | New, returning or lapsed
Lapsed | recency_days > {lapsed_days}
New | tenure_days <= {new_days}
Returning | order_count > 1
One order | order_count = 1
No order known | true
activity_levels | active_days=30 < quiet_days=180 | Days since the last visit or order
Active | days_since_visit <= {active_days} or recency_days <= {active_days}
Quiet | days_since_visit <= {quiet_days} or recency_days <= {quiet_days}
Passive | true
generations | | Generation by year of birth
Alpha | generation like 'Alpha%'
Generation Z | generation like 'Z%'
Millennials | generation like 'Millennial%'
Generation X | generation like 'X%'
Boomers | generation like 'Boomer%'
Silent and older | generation like 'Silent%' or generation like 'born before%'
Year of birth not known | true
triggers | trigger_days=7; after_days=14 | What a customer did last and has not finished
Checkout left | last_moment = 'checkout' and days_since_moment <= {trigger_days} \
and (recency_days > days_since_moment or recency_days is null)
Cart left | days_since_cart <= {trigger_days} \
and (recency_days > days_since_cart or recency_days is null)
Just bought | recency_days <= {after_days}
Looked and did not buy | days_since_visit <= {trigger_days}
No trigger | true
rfm_grid | | Ten cells of the scores of recency, frequency and money
Champions | recency_score >= 4 and frequency_score + money_score >= 8
New | recency_score >= 4 and order_count <= 1
Loyal | recency_score >= 3 and frequency_score + money_score >= 7
Potentially loyal | recency_score >= 3 and frequency_score + money_score >= 5
Promising | recency_score >= 4
About to sleep | recency_score >= 3
Cannot lose | frequency_score + money_score >= 9
At risk | frequency_score + money_score >= 6
Hibernating | recency_score >= 2 or frequency_score + money_score >= 4
Lost | true
"""

# Names of value tiers, and the shares of customers below each cut: with three tiers, the top fifth,
# the next three tenths, and the lower half.
_QUINTILES = (0.2, 0.4, 0.6, 0.8)
TIERS = {
    2: ("Top value, Other value", (0.8,)),
    3: ("Top value, Middle value, Low value", (0.5, 0.8)),
    4: ("Top value, High value, Middle value, Low value", (0.5, 0.8, 0.95)),
    5: ("Top value, High value, Middle value, Low value, Lowest value", (0.2, 0.5, 0.8, 0.95)),
    6: (
        "Top value, High value, Upper middle, Lower middle, Low value, Lowest value",
        (*_QUINTILES, 0.95),
    ),
}
# Cells of RFM, first match wins: how far up its scale recency, and frequency and money together,
# lie at least, whether one order is the most, and the segment where there are 6, 5, 4, 3 and 2.
_RFM_CELLS = (
    (0.75, 0.75, False, ("Champions", "Champions", "Loyal", "Loyal", "Active")),
    (0.75, 0.0, True, ("New", "Promising", "Promising", "Promising", "Active")),
    (0.5, 0.5, False, ("Loyal", "Loyal", "Loyal", "Loyal", "Active")),
    (0.5, 0.0, False, ("Promising", "Promising", "Promising", "Promising", "Active")),
    (0.0, 0.5, False, ("At risk", "At risk", "At risk", "Lapsed", "Lapsed")),
    (0.0, 0.0, False, ("Lost", "Lost", "Lost", "Lapsed", "Lapsed")),
)
RFM_BEST_FIRST = ("Champions", "Loyal", "Promising", "New", "Active", "At risk", "Lost", "Lapsed")

Rows = list[tuple[str, str]]


@dataclass(frozen=True)
class Ruleset:
    """A ready-made set: its cut points, in groups that ascend, and its rules."""

    name: str
    meaning: str
    cuts: tuple[dict[str, float], ...]
    rules: tuple[tuple[str, str], ...]


def _read_table() -> dict[str, Ruleset]:
    heads: list[list[str]] = []
    rules: dict[str, Rows] = {}
    for line in _TABLE.strip().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 3:
            heads.append(cells)
        else:
            rules.setdefault(heads[-1][0], []).append((cells[0], cells[1]))
    sets = {}
    for name, cuts, meaning in heads:
        groups = [re.findall(r"(\w+)=(\d+)", group) for group in cuts.split(";")]
        numbers = tuple({cut: float(number) for cut, number in group} for group in groups)
        sets[name] = Ruleset(name, meaning, numbers, tuple(rules[name]))
    return sets


RULESETS = _read_table()


def build_ruleset(name: str, cuts: Mapping[str, object] | None = None) -> Rows:
    """Return the rules of a ready-made set, first match wins, with ``cuts`` in place of its own.

    Returns
    -------
    list of tuple of str
        Segment and condition; the last condition is ``true``.

    Raises
    ------
    SegkitError
        If there is no such set or cut point, or cut points are no numbers or do not ascend.
    """
    if name not in RULESETS:
        fix = suggest_name(name, RULESETS)
        if name in ("rfm", "tiers"):
            fix = f'Write method = "{name}" in place of method and ruleset.'
        raise SegkitError(f"there is no ready-made set '{name}'", fix=fix)
    own, given = RULESETS[name], dict(cuts or {})
    numbers = {cut: number for group in own.cuts for cut, number in group.items()}
    for cut, number in given.items():
        if cut not in numbers:
            raise SegkitError(f"'{name}' has no cut '{cut}'", fix=suggest_name(cut, numbers))
        if not (isinstance(number, int | float) and math.isfinite(number)):
            message = f"cut '{cut}' of '{name}' is one number"
            raise SegkitError(message, found=str(number), fix=f"Such as {numbers[cut]:g}.")
    numbers |= given
    for group in own.cuts:
        _check_ascending([numbers[cut] for cut in group], " and ".join(group))
    texts = {cut: write_number(number) for cut, number in numbers.items()}
    return [(segment, when.format(**texts)) for segment, when in own.rules]


def build_rfm(n_segments: int, groups: Mapping[str, int], orders: str) -> Rows:
    """Return the rules of RFM with at most ``n_segments`` segments, from 2 to 6.

    ``groups`` is the number of points of recency, frequency and money; ``orders`` the column that
    counts orders.
    """
    rows = []
    for recency, others, once, merged in _RFM_CELLS:
        name = merged[6 - max(2, min(n_segments, 6))]
        least = 1 + math.ceil(recency * (groups["recency"] - 1))
        both = 2 + math.ceil(others * (groups["frequency"] + groups["money"] - 2))
        when = f"recency_score >= {least} and frequency_score + money_score >= {both}"
        rows.append((name, f"{when} and {quote_name(orders)} <= 1" if once else when))
    return [*rows[:-1], (rows[-1][0], "true")]


def list_rules(scheme: Scheme) -> Rows:
    """Return the rules of a scheme of method ``rules``; the last takes everyone else.

    Raises
    ------
    SegkitError
        If the ready-made set cannot be built, or a rule before the last takes everyone.
    """
    rows = [(rule.name, rule.when) for rule in scheme.rules]
    if scheme.ruleset is not None:
        own = {name: cut for name, cut in scheme.cuts.items() if name not in SCORES}
        rows = build_ruleset(scheme.ruleset, own)
    takes_all = [when.strip().lower() == "true" for _, when in rows]
    if any(takes_all[:-1]) or all(takes_all):
        where = f"scheme '{scheme.name}', rule '{rows[takes_all.index(True)][0]}'"
        message, fix = "true takes everyone", "It may be the last rule, after others."
        raise SegkitError(message, where=where, fix=fix)
    return (
        [*rows[:-1], (rows[-1][0], "true")] if takes_all[-1] else [*rows, (EVERYONE_ELSE, "true")]
    )


def check_cuts(scheme: Scheme) -> None:
    """Raise an error if a cut of RFM, tiers or another score is not a grouping.

    A grouping is a number of groups of equal size, from 2 to 20, or ascending values.
    """
    own = {"rfm": RFM_SCORES, "tiers": ("value",), "rules": tuple(SCORES)}.get(scheme.method, ())
    for name, cut in scheme.cuts.items():
        where = f"scheme '{scheme.name}', cut '{name}'"
        if name not in own:
            if scheme.ruleset is None:
                raise SegkitError("no such score", where=where, fix=suggest_name(name, own))
        elif isinstance(cut, tuple) and cut:
            _check_ascending(cut, where)
        elif not (isinstance(cut, int) and 2 <= cut <= MOST_GROUPS):
            message = f"give a number of groups, 2 to {MOST_GROUPS}, or a list of values"
            raise SegkitError(message, where=where, found=str(cut))


def find_rule_faults(scheme: Scheme, features: Mapping[str, str]) -> list[SegkitError]:
    """Find what is wrong with a scheme's rules and cuts before any data is read.

    Parameters
    ----------
    scheme : Scheme
        Of any method.
    features : mapping of str to str
        The features that the tables carry, each ``number``, ``category``, ``boolean``, ``date`` or
        ``any``.

    Returns
    -------
    list of SegkitError
        One for each faulty rule, with the position in its condition.
    """
    try:
        check_cuts(scheme)
        rows = list_rules(scheme) if scheme.method == "rules" else []
    except SegkitError as error:
        return [error]
    kinds = {name: "text" if kind == "category" else kind for name, kind in features.items()}
    scored = {f"{score}_score": "number" for score, (name, _) in SCORES.items() if name in kinds}
    faults = []
    for name, when in rows[:-1]:
        try:
            read_predicate(when, kinds | scored, where=f"scheme '{scheme.name}', rule '{name}'")
        except SegkitError as error:
            faults.append(error)
    return faults


def write_number(number: float) -> str:
    """Write a number as a condition holds it: 90, 0.5."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


def _check_ascending(numbers: list[float] | tuple[float, ...], where: str) -> None:
    pairs = itertools.pairwise(numbers)
    if not all(math.isfinite(n) for n in numbers) or any(one >= other for one, other in pairs):
        found = ", ".join(f"{number:g}" for number in numbers)
        raise SegkitError("cut points are numbers that ascend", where=where, found=found)
