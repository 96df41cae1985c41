"""Ready-made sets of rules, and what a plan's rules are before any data is read.

A set is data: names, conditions and named cut points that the plan's ``cuts`` replace. RFM and
value tiers depend on how many segments are asked for.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping

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
GROUPS, MOST_GROUPS = 5, 20

# A set and its cut points, which ascend; below it its rules, first match wins.
_TABLE = """
journey_stages: new_days=90 at_risk_days=180 lapsed_days=365
Prospect | recency_days is null
Lapsed | recency_days > {lapsed_days}
At risk | recency_days > {at_risk_days}
New | tenure_days <= {new_days}
One order | order_count = 1
Loyal | order_count >= 5
Active | true
life_cycle: new_days=90 lapsed_days=365
Lapsed | recency_days > {lapsed_days}
New | tenure_days <= {new_days}
Returning | order_count > 1
One order | order_count = 1
No order known | true
activity_levels: active_days=30 quiet_days=180
Active | days_since_visit <= {active_days} or recency_days <= {active_days}
Quiet | days_since_visit <= {quiet_days} or recency_days <= {quiet_days}
Passive | true
generations:
Generation Alpha | generation like 'Alpha%'
Generation Z | generation like 'Z%'
Millennials | generation like 'Millennial%'
Generation X | generation like 'X%'
Boomers | generation like 'Boomer%'
Silent and older | generation like 'Silent%' or generation like 'born before%'
Year of birth not known | true
triggers: trigger_days=7 after_days=14
Checkout left | last_moment = 'checkout' and days_since_moment <= {trigger_days} \
and (recency_days > days_since_moment or recency_days is null)
Cart left | days_since_cart <= {trigger_days} \
and (recency_days > days_since_cart or recency_days is null)
Just bought | recency_days <= {after_days}
Looked and did not buy | days_since_visit <= {trigger_days}
No trigger | true
"""

# Names of value tiers, and the shares of customers below each cut: with three tiers, the top fifth,
# the next three tenths, and the lower half.
TIERS = {
    2: ("Top value, Other value", (0.8,)),
    3: ("Top value, Middle value, Low value", (0.5, 0.8)),
    4: ("Top value, High value, Middle value, Low value", (0.5, 0.8, 0.95)),
    5: ("Top value, High value, Middle value, Low value, Lowest value", (0.2, 0.5, 0.8, 0.95)),
    6: (
        "Top value, High value, Upper middle, Lower middle, Low value, Lowest value",
        (0.2, 0.4, 0.6, 0.8, 0.95),
    ),
}
# Cells of RFM, first match wins: how far up its scale recency, and frequency and money together,
# lie at least, whether one order is the most, and the segment where there are 6, 5, 4, 3 and 2.
RFM_CELLS = (
    (0.75, 0.75, False, ("Champions", "Champions", "Loyal", "Loyal", "Active")),
    (0.75, 0.0, True, ("New", "Promising", "Promising", "Promising", "Active")),
    (0.5, 0.5, False, ("Loyal", "Loyal", "Loyal", "Loyal", "Active")),
    (0.5, 0.0, False, ("Promising", "Promising", "Promising", "Promising", "Active")),
    (0.0, 0.5, False, ("At risk", "At risk", "At risk", "Lapsed", "Lapsed")),
    (0.0, 0.0, False, ("Lost", "Lost", "Lost", "Lapsed", "Lapsed")),
)
BEST_FIRST = ("Champions", "Loyal", "Promising", "New", "Active", "At risk", "Lost", "Lapsed")

# Segment and condition of each rule; the last condition is "true".
Rows = list[tuple[str, str]]


def _read_table() -> dict[str, tuple[dict[str, float], Rows]]:
    sets = {}
    for part in re.split(r"\n(?=\w+:)", _TABLE.strip()):
        head, *lines = part.splitlines()
        cuts = {cut: float(number) for cut, number in re.findall(r"(\w+)=(\d+)", head)}
        sets[head.split(":")[0]] = (cuts, [tuple(line.split(" | ")) for line in lines])
    return sets


RULESETS = _read_table()


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
    numbers, rows = RULESETS[name]
    for cut, number in (cuts or {}).items():
        if cut not in numbers:
            raise SegkitError(f"no cut '{cut}'", where=where, fix=suggest_name(cut, numbers))
        if not isinstance(number, int | float):
            raise SegkitError(f"cut '{cut}' is one number", where=where, found=str(number))
    numbers = {**numbers, **(cuts or {})}
    _check_ascending(tuple(numbers.values()), where)
    texts = {cut: write_number(number) for cut, number in numbers.items()}
    return [(segment, when.format(**texts)) for segment, when in rows]


def build_rfm(n_segments: int, groups: Mapping[str, int], orders: str) -> Rows:
    """Return the rules of RFM with at most ``n_segments`` segments, from 2 to 6.

    ``groups`` is the number of points of recency, frequency and money; ``orders`` the column that
    counts orders.
    """
    rows = []
    for recency, others, once, merged in RFM_CELLS:
        least = 1 + math.ceil(recency * (groups["recency"] - 1))
        both = 2 + math.ceil(others * (groups["frequency"] + groups["money"] - 2))
        when = f"recency_score >= {least} and frequency_score + money_score >= {both}"
        when += f" and {quote_name(orders)} <= 1" if once else ""
        rows.append((merged[6 - max(2, min(n_segments, 6))], when))
    return [*rows[:-1], (rows[-1][0], "true")]


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
            cut = tuple(range(cut - 1)) if isinstance(cut, int) else cut
            if not 1 <= len(cut) < MOST_GROUPS:
                message = f"give 2 to {MOST_GROUPS} groups, or the points between them"
                raise SegkitError(message, where=where)
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
    faults, rows = [], []
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
