"""Ready-made sets of rules, and what a plan's rules are before any data is read.

A set is data: names, conditions and named cut points that the plan's ``cuts`` replace. RFM and
value tiers depend on how many segments are asked for.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from segkit.core.errors import SegkitError, suggest_name
from segkit.features.journey import AT_RISK_DAYS, LAPSED_DAYS, LOYAL_ORDERS, NEW_DAYS
from segkit.models.rule_language import quote_name, read_predicate, write_number
from segkit.plan.models import Scheme

EVERYONE_ELSE = "Everyone else"
AT_RISK_OR_LOST = "At risk or lost"  # the two together, where there are few segments
NO_ORDER = "No order"  # who bought nothing, or sent back all
GROUPS = 5
MOST_GROUPS = 20


class SegmentRule(NamedTuple):
    """A segment and the condition that puts a customer there; a last rule's is ``true``."""

    segment: str
    when: str


class ScoredColumn(NamedTuple):
    """What a score is made of."""

    column: str
    higher_is_better: bool


@dataclass(frozen=True)
class RuleSet:
    """A ready-made set: ordered rules, first match wins, and the cut points in their conditions.

    A condition names a cut point in braces. Cut points ascend.
    """

    rules: tuple[SegmentRule, ...]
    cuts: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ValueTiers:
    """Names of tiers, the top one first, and the shares of customers below each cut, ascending."""

    names: tuple[str, ...]
    shares_below: tuple[float, ...]


@dataclass(frozen=True)
class RfmCell:
    """Cells of RFM that make one segment.

    ``recency_reach`` and ``both_reach`` say how far up its scale recency, and frequency and money
    together, lie at least: 0 at the bottom, 1 at the top. ``segments`` has the segment's name by
    how many segments there are. A name that says that somebody came back is for ``several_orders``
    alone: one large order makes frequency and money together high, but nobody loyal.
    """

    recency_reach: float
    both_reach: float
    segments: Mapping[int, str]
    one_order_at_most: bool = False
    several_orders: bool = False


# Scores that a condition may name, as recency_score.
SCORES = {
    "recency": ScoredColumn("recency_days", higher_is_better=False),
    "frequency": ScoredColumn("order_count", higher_is_better=True),
    "money": ScoredColumn("total_spend", higher_is_better=True),
    "value": ScoredColumn("total_spend", higher_is_better=True),
}
# The scores whose cut points a scheme may give, by its method.
SCORES_OF_METHOD = {
    "rfm": ("recency", "frequency", "money"),
    "tiers": ("value",),
    "rules": tuple(SCORES),
}

RULESETS = {
    "journey_stages": RuleSet(
        cuts={"new_days": NEW_DAYS, "at_risk_days": AT_RISK_DAYS, "lapsed_days": LAPSED_DAYS},
        rules=(
            SegmentRule("Prospect", "recency_days is null"),
            SegmentRule("Lapsed", "recency_days > {lapsed_days}"),
            SegmentRule("At risk", "recency_days > {at_risk_days}"),
            SegmentRule("New", "tenure_days <= {new_days}"),
            SegmentRule("One order", "order_count = 1"),
            SegmentRule("Loyal", f"order_count >= {LOYAL_ORDERS}"),
            SegmentRule("Active", "true"),
        ),
    ),
    "life_cycle": RuleSet(
        cuts={"new_days": NEW_DAYS, "lapsed_days": LAPSED_DAYS},
        rules=(
            SegmentRule("Lapsed", "recency_days > {lapsed_days}"),
            SegmentRule("New", "tenure_days <= {new_days}"),
            SegmentRule("Returning", "order_count > 1"),
            SegmentRule("One order", "order_count = 1"),
            SegmentRule("No order known", "true"),
        ),
    ),
    "activity_levels": RuleSet(
        cuts={"active_days": 30, "quiet_days": 180},
        rules=(
            SegmentRule(
                "Active", "days_since_visit <= {active_days} or recency_days <= {active_days}"
            ),
            SegmentRule(
                "Quiet", "days_since_visit <= {quiet_days} or recency_days <= {quiet_days}"
            ),
            SegmentRule("Passive", "true"),
        ),
    ),
    "generations": RuleSet(
        rules=(
            SegmentRule("Generation Alpha", "generation like 'Alpha%'"),
            SegmentRule("Generation Z", "generation like 'Z%'"),
            SegmentRule("Millennials", "generation like 'Millennial%'"),
            SegmentRule("Generation X", "generation like 'X%'"),
            SegmentRule("Boomers", "generation like 'Boomer%'"),
            SegmentRule(
                "Silent and older", "generation like 'Silent%' or generation like 'born before%'"
            ),
            SegmentRule("Year of birth not known", "true"),
        )
    ),
    "triggers": RuleSet(
        cuts={"trigger_days": 7, "after_days": 14},
        rules=(
            SegmentRule(
                "Checkout left",
                "last_moment = 'checkout' and days_since_moment <= {trigger_days} "
                "and (recency_days > days_since_moment or recency_days is null)",
            ),
            SegmentRule(
                "Cart left",
                "days_since_cart <= {trigger_days} "
                "and (recency_days > days_since_cart or recency_days is null)",
            ),
            SegmentRule("Just bought", "recency_days <= {after_days}"),
            SegmentRule("Looked and did not buy", "days_since_visit <= {trigger_days}"),
            SegmentRule("No trigger", "true"),
        ),
    ),
}

# By the number of tiers. With three: the top fifth, the next three tenths, and the lower half.
TIERS = {
    2: ValueTiers(("Top value", "Other value"), shares_below=(0.8,)),
    3: ValueTiers(("Top value", "Middle value", "Low value"), shares_below=(0.5, 0.8)),
    4: ValueTiers(
        ("Top value", "High value", "Middle value", "Low value"), shares_below=(0.5, 0.8, 0.95)
    ),
    5: ValueTiers(
        ("Top value", "High value", "Middle value", "Low value", "Lowest value"),
        shares_below=(0.2, 0.5, 0.8, 0.95),
    ),
    6: ValueTiers(
        ("Top value", "High value", "Upper middle", "Lower middle", "Low value", "Lowest value"),
        shares_below=(0.2, 0.4, 0.6, 0.8, 0.95),
    ),
}

# First match wins.
RFM_CELLS = (
    RfmCell(
        recency_reach=0.75,
        both_reach=0.75,
        several_orders=True,
        segments={6: "Champions", 5: "Champions", 4: "Loyal", 3: "Loyal", 2: "Active"},
    ),
    RfmCell(
        recency_reach=0.75,
        both_reach=0.0,
        one_order_at_most=True,
        segments={6: "New", 5: "Promising", 4: "Promising", 3: "Promising", 2: "Active"},
    ),
    RfmCell(
        recency_reach=0.5,
        both_reach=0.5,
        several_orders=True,
        segments={6: "Loyal", 5: "Loyal", 4: "Loyal", 3: "Loyal", 2: "Active"},
    ),
    RfmCell(
        recency_reach=0.5,
        both_reach=0.0,
        segments={6: "Promising", 5: "Promising", 4: "Promising", 3: "Promising", 2: "Active"},
    ),
    RfmCell(
        recency_reach=0.0,
        both_reach=0.5,
        segments={6: "At risk", 5: "At risk", 4: "At risk", 3: AT_RISK_OR_LOST, 2: AT_RISK_OR_LOST},
    ),
    RfmCell(
        recency_reach=0.0,
        both_reach=0.0,
        segments={6: "Lost", 5: "Lost", 4: "Lost", 3: AT_RISK_OR_LOST, 2: AT_RISK_OR_LOST},
    ),
)
BEST_FIRST = (
    "Champions", "Loyal", "Promising", "New", "Active", "At risk", "Lost", AT_RISK_OR_LOST,
    NO_ORDER,
)  # fmt: skip
# Conditions that follow the customers' own rhythm, in place of those by days.
STAGE_RULES = {
    "recency_days > {lapsed_days}": "journey_stage = 'lapsed'",
    "recency_days > {at_risk_days}": "journey_stage = 'at risk'",
}
STAGE_CUTS = frozenset({"lapsed_days", "at_risk_days"})


def build_ruleset(
    name: str, cuts: Mapping[str, object] | None = None, *, has_stages: bool = False
) -> list[SegmentRule]:
    """Return the rules of a ready-made set, first match wins, with ``cuts`` in place of its own.

    Where the customer table ``has_stages``, that is the feature ``journey_stage``, lapsed and at
    risk are what it says, unless ``cuts`` give days for either: see `segkit.features.journey`.

    Raises
    ------
    SegkitError
        If there is no such set or cut point, or cut points are no numbers or do not ascend.
    """
    where = f"ruleset '{name}'"
    if name not in RULESETS:
        raise SegkitError("no such set", where=where, fix=suggest_name(name, RULESETS))
    ruleset = RULESETS[name]
    for cut, number in (cuts or {}).items():
        if cut not in ruleset.cuts:
            raise SegkitError(f"no cut '{cut}'", where=where, fix=suggest_name(cut, ruleset.cuts))
        if not isinstance(number, int | float):
            raise SegkitError(f"cut '{cut}' is one number", where=where, found=str(number))
    numbers = {**ruleset.cuts, **(cuts or {})}
    _check_ascending(tuple(numbers.values()), where)
    texts = {cut: write_number(number) for cut, number in numbers.items()}
    follows_stages = has_stages and not STAGE_CUTS.intersection(cuts or {})
    rules = []
    for rule in ruleset.rules:
        when = STAGE_RULES.get(rule.when, rule.when) if follows_stages else rule.when
        rules.append(SegmentRule(rule.segment, when.format_map(texts)))
    return rules


def build_rfm(
    n_segments: int, groups: Mapping[str, int], orders: str, *, has_no_order: bool = False
) -> list[SegmentRule]:
    """Return the rules of RFM with at most ``n_segments`` segments, from 2 to 6.

    ``groups`` is the number of points of recency, frequency and money; ``orders`` the column that
    counts orders. Where some customers have none (``has_no_order``), they are a segment of their
    own, one of the ``n_segments``: who never bought was not lost. There are two others at least.
    """
    segment_count = max(2, min(n_segments - has_no_order, 6))
    rules = [SegmentRule(NO_ORDER, f"{quote_name(orders)} < 1")] if has_no_order else []
    for cell in RFM_CELLS:
        least_recency = 1 + math.ceil(cell.recency_reach * (groups["recency"] - 1))
        most_both = groups["frequency"] + groups["money"]
        least_both = 2 + math.ceil(cell.both_reach * (most_both - 2))
        when = f"recency_score >= {least_recency} and frequency_score + money_score >= {least_both}"
        if cell.one_order_at_most:
            when += f" and {quote_name(orders)} <= 1"
        if cell.several_orders:
            when += f" and {quote_name(orders)} > 1"
        rules.append(SegmentRule(cell.segments[segment_count], when))
    return _take_everyone_else(rules)


def list_rules(scheme: Scheme, columns: Collection[str]) -> list[SegmentRule]:
    """Return the rules of a scheme of method ``rules``; the last takes everyone else.

    ``columns`` are those of the customer table.
    """
    if scheme.ruleset is not None:
        own_cuts = {name: cut for name, cut in scheme.cuts.items() if name not in SCORES}
        has_stages = "journey_stage" in columns
        rules = build_ruleset(scheme.ruleset, own_cuts, has_stages=has_stages)
    else:
        rules = [SegmentRule(rule.name, rule.when) for rule in scheme.rules]
    if len(rules) > 1 and rules[-1].when.strip().lower() == "true":
        return _take_everyone_else(rules)
    return [*rules, SegmentRule(EVERYONE_ELSE, "true")]


def _take_everyone_else(rules: list[SegmentRule]) -> list[SegmentRule]:
    """Return the rules with the last one open to all who are left."""
    return [*rules[:-1], SegmentRule(rules[-1].segment, "true")]


def check_cuts(scheme: Scheme) -> None:
    """Raise an error if a score's cut is neither 2 to 20 groups of equal size nor cut points."""
    scores = SCORES_OF_METHOD.get(scheme.method, ())
    for name, cut in scheme.cuts.items():
        where = f"scheme '{scheme.name}', cut '{name}'"
        if name in scores:
            points = tuple(range(cut - 1)) if isinstance(cut, int) else cut
            if not 1 <= len(points) < MOST_GROUPS:
                message = f"give 2 to {MOST_GROUPS} groups, or the points between them"
                raise SegkitError(message, where=where)
            _check_ascending(points, where)
        elif scheme.ruleset is None:
            fix = suggest_name(name, scores)
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
    kinds |= {
        f"{name}_score": "number" for name, score in SCORES.items() if score.column in features
    }
    faults = []
    rules = []
    try:
        check_cuts(scheme)
        if scheme.method == "rules":
            rules = list_rules(scheme, features)[:-1]
    except SegkitError as error:
        faults.append(error)
    for rule in rules:
        where = f"scheme '{scheme.name}', rule '{rule.segment}'"
        try:
            read_predicate(rule.when, kinds, where=where)
        except SegkitError as error:
            faults.append(error)
    return faults


def _check_ascending(numbers: tuple[float, ...], where: str) -> None:
    ascend = all(one < other for one, other in itertools.pairwise(numbers))
    if not ascend or not all(map(math.isfinite, numbers)):
        found = ", ".join(map(write_number, numbers))
        raise SegkitError("cut points are numbers that ascend", where=where, found=found)
