"""Ready-made sets of rules, and what a plan's rules are before any data is read.

A set is data: names, conditions and named cut points that the plan's ``cuts`` replace. RFM and
value tiers depend on how many segments are asked for.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from segkit.core.errors import SegkitError, suggest_name
from segkit.models.rule_language import quote_name, read_predicate, write_number
from segkit.plan.models import Scheme

EVERYONE_ELSE = "Everyone else"
# Scores that a condition may name, as recency_score: the column, and whether more is better.
SCORES = {
    "recency": ("recency_days", False),
    "frequency": ("order_count", True),
    "money": ("total_spend", True),
    "value": ("total_spend", True),
}
GROUPS = 5
MOST_GROUPS = 20

# Segment and condition of each rule, first match wins; the last condition is "true".
Rows = list[tuple[str, str]]


@dataclass(frozen=True)
class Ruleset:
    """A ready-made set: its cut points, which ascend, and its rules.

    A condition holds the cut points by name, in braces.
    """

    cuts: Mapping[str, float]
    rules: tuple[tuple[str, str], ...]


RULESETS = {
    "journey_stages": Ruleset(
        cuts={"new_days": 90, "at_risk_days": 180, "lapsed_days": 365},
        rules=(
            ("Prospect", "recency_days is null"),
            ("Lapsed", "recency_days > {lapsed_days}"),
            ("At risk", "recency_days > {at_risk_days}"),
            ("New", "tenure_days <= {new_days}"),
            ("One order", "order_count = 1"),
            ("Loyal", "order_count >= 5"),
            ("Active", "true"),
        ),
    ),
    "life_cycle": Ruleset(
        cuts={"new_days": 90, "lapsed_days": 365},
        rules=(
            ("Lapsed", "recency_days > {lapsed_days}"),
            ("New", "tenure_days <= {new_days}"),
            ("Returning", "order_count > 1"),
            ("One order", "order_count = 1"),
            ("No order known", "true"),
        ),
    ),
    "activity_levels": Ruleset(
        cuts={"active_days": 30, "quiet_days": 180},
        rules=(
            ("Active", "days_since_visit <= {active_days} or recency_days <= {active_days}"),
            ("Quiet", "days_since_visit <= {quiet_days} or recency_days <= {quiet_days}"),
            ("Passive", "true"),
        ),
    ),
    "generations": Ruleset(
        cuts={},
        rules=(
            ("Generation Alpha", "generation like 'Alpha%'"),
            ("Generation Z", "generation like 'Z%'"),
            ("Millennials", "generation like 'Millennial%'"),
            ("Generation X", "generation like 'X%'"),
            ("Boomers", "generation like 'Boomer%'"),
            ("Silent and older", "generation like 'Silent%' or generation like 'born before%'"),
            ("Year of birth not known", "true"),
        ),
    ),
    "triggers": Ruleset(
        cuts={"trigger_days": 7, "after_days": 14},
        rules=(
            (
                "Checkout left",
                "last_moment = 'checkout' and days_since_moment <= {trigger_days} "
                "and (recency_days > days_since_moment or recency_days is null)",
            ),
            (
                "Cart left",
                "days_since_cart <= {trigger_days} "
                "and (recency_days > days_since_cart or recency_days is null)",
            ),
            ("Just bought", "recency_days <= {after_days}"),
            ("Looked and did not buy", "days_since_visit <= {trigger_days}"),
            ("No trigger", "true"),
        ),
    ),
}


@dataclass(frozen=True)
class Tiers:
    """Names of value tiers, the top one first, and the shares of customers below each cut."""

    names: tuple[str, ...]
    shares_below: tuple[float, ...]


# With three tiers: the top fifth, the next three tenths, and the lower half.
TIERS = {
    2: Tiers(("Top value", "Other value"), (0.8,)),
    3: Tiers(("Top value", "Middle value", "Low value"), (0.5, 0.8)),
    4: Tiers(("Top value", "High value", "Middle value", "Low value"), (0.5, 0.8, 0.95)),
    5: Tiers(
        ("Top value", "High value", "Middle value", "Low value", "Lowest value"),
        (0.2, 0.5, 0.8, 0.95),
    ),
    6: Tiers(
        ("Top value", "High value", "Upper middle", "Lower middle", "Low value", "Lowest value"),
        (0.2, 0.4, 0.6, 0.8, 0.95),
    ),
}


class RfmCell(NamedTuple):
    """How far up their scales recency, and frequency and money together, lie at least.

    ``most_orders`` is the most orders that a customer has there, and ``names`` are those of the
    segment where there are 6, 5, 4, 3 and 2 of them.
    """

    recency: float
    others: float
    most_orders: int | None
    names: tuple[str, str, str, str, str]


# First match wins.
RFM_CELLS = (
    RfmCell(0.75, 0.75, None, ("Champions", "Champions", "Loyal", "Loyal", "Active")),
    RfmCell(0.75, 0.0, 1, ("New", "Promising", "Promising", "Promising", "Active")),
    RfmCell(0.5, 0.5, None, ("Loyal", "Loyal", "Loyal", "Loyal", "Active")),
    RfmCell(0.5, 0.0, None, ("Promising", "Promising", "Promising", "Promising", "Active")),
    RfmCell(0.0, 0.5, None, ("At risk", "At risk", "At risk", "Lapsed", "Lapsed")),
    RfmCell(0.0, 0.0, None, ("Lost", "Lost", "Lost", "Lapsed", "Lapsed")),
)
BEST_FIRST = ("Champions", "Loyal", "Promising", "New", "Active", "At risk", "Lost", "Lapsed")


def build_ruleset(name: str, cuts: Mapping[str, object] | None = None) -> Rows:
    """Return the rules of a ready-made set, first match wins, with ``cuts`` in place of its own.

    Raises
    ------
    SegkitError
        If there is no such set or cut point, or cut points are no numbers or do not ascend.
    """
    where = f"ruleset '{name}'"
    if name not in RULESETS:
        raise SegkitError("no such set", where=where, fix=suggest_name(name, RULESETS))
    numbers = dict(RULESETS[name].cuts)
    for cut, number in (cuts or {}).items():
        if cut not in numbers:
            raise SegkitError(f"no cut '{cut}'", where=where, fix=suggest_name(cut, numbers))
        if not isinstance(number, int | float):
            raise SegkitError(f"cut '{cut}' is one number", where=where, found=str(number))
        numbers[cut] = number
    _check_ascending(tuple(numbers.values()), where)
    texts = {cut: write_number(number) for cut, number in numbers.items()}
    return [(segment, when.format(**texts)) for segment, when in RULESETS[name].rules]


def build_rfm(n_segments: int, groups: Mapping[str, int], orders: str) -> Rows:
    """Return the rules of RFM with at most ``n_segments`` segments, from 2 to 6.

    ``groups`` is the number of points of recency, frequency and money; ``orders`` the column that
    counts orders.
    """
    merged = 6 - max(2, min(n_segments, 6))
    rows = []
    for cell in RFM_CELLS:
        least = 1 + math.ceil(cell.recency * (groups["recency"] - 1))
        both = 2 + math.ceil(cell.others * (groups["frequency"] + groups["money"] - 2))
        when = f"recency_score >= {least} and frequency_score + money_score >= {both}"
        if cell.most_orders is not None:
            when += f" and {quote_name(orders)} <= {cell.most_orders}"
        rows.append((cell.names[merged], when))
    last, _ = rows[-1]
    return [*rows[:-1], (last, "true")]


def list_rules(scheme: Scheme) -> Rows:
    """Return the rules of a scheme of method ``rules``; the last takes everyone else."""
    rows = [(rule.name, rule.when) for rule in scheme.rules]
    if scheme.ruleset is not None:
        own = {name: cut for name, cut in scheme.cuts.items() if name not in SCORES}
        rows = build_ruleset(scheme.ruleset, own)
    if len(rows) > 1 and rows[-1][1].strip().lower() == "true":
        return [*rows[:-1], (rows[-1][0], "true")]
    return [*rows, (EVERYONE_ELSE, "true")]


def check_cuts(scheme: Scheme) -> None:
    """Raise an error if a score's cut is neither 2 to 20 groups of equal size nor cut points."""
    own = {"rfm": tuple(SCORES)[:3], "tiers": ("value",), "rules": tuple(SCORES)}
    for name, cut in scheme.cuts.items():
        where = f"scheme '{scheme.name}', cut '{name}'"
        if name in own.get(scheme.method, ()):
            group_count = cut if isinstance(cut, int) else len(cut) + 1
            if not 2 <= group_count <= MOST_GROUPS:
                message = f"give 2 to {MOST_GROUPS} groups, or the points between them"
                raise SegkitError(message, where=where)
            if not isinstance(cut, int):
                _check_ascending(cut, where)
        elif scheme.ruleset is None:
            fix = suggest_name(name, own.get(scheme.method, ()))
            raise SegkitError("there is no such score", where=where, fix=fix)


def find_rule_faults(scheme: Scheme, features: Mapping[str, str]) -> list[SegkitError]:
    """Find what is wrong with a scheme's rules and cuts before any data is read.

    Parameters
    ----------
    scheme : Scheme
        Of any method.
    features : mapping of str to str
        The columns that rules may name, each ``number``, ``category`` or ``text``, ``boolean``,
        ``date``, or ``any`` where that is not known yet.

    Returns
    -------
    list of SegkitError
        One a faulty rule, with the position in its condition.
    """
    kinds = {name: "text" if kind == "category" else kind for name, kind in features.items()}
    kinds |= {f"{score}_score": "number" for score, (name, _) in SCORES.items() if name in features}
    faults = []
    rows = []
    try:
        check_cuts(scheme)
        rows = list_rules(scheme)[:-1] if scheme.method == "rules" else []
    except SegkitError as error:
        faults.append(error)
    for name, when in rows:
        try:
            read_predicate(when, kinds, where=f"scheme '{scheme.name}', rule '{name}'")
        except SegkitError as error:
            faults.append(error)
    return faults


def _check_ascending(numbers: tuple[float, ...], where: str) -> None:
    ascend = all(one < other for one, other in itertools.pairwise(numbers))
    if not ascend or not all(map(math.isfinite, numbers)):
        found = ", ".join(map(write_number, numbers))
        raise SegkitError("cut points are numbers that ascend", where=where, found=found)
