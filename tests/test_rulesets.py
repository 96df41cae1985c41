"""Ready-made sets: they fit the dictionary, take the plan's cut points, and are on their page."""

from __future__ import annotations

import re
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from shops import AS_OF, make_tables

from segkit.contract.features import FEATURES
from segkit.core.errors import SegkitError
from segkit.features.customer_table import build_customers
from segkit.features.generational import GENERATIONS
from segkit.models.rule_language import read_predicate
from segkit.plan.models import Scheme
from segkit.segmentation.rules import fit_rules
from segkit.segmentation.rulesets import (
    BEST_FIRST,
    RFM_CELLS,
    RULESETS,
    TIERS,
    build_ruleset,
    find_rule_faults,
)

PAGE = Path(__file__).parent.parent / "docs" / "rules.md"
KINDS = {name: feature.kind for name, feature in FEATURES.items()}


def make_scheme(ruleset: str | None = None, **options) -> Scheme:
    given = {"name": "s", "goal": "g", "base": "journey", "method": "rules", "ruleset": ruleset}
    return Scheme(**given | options)


def assign(customers: pd.DataFrame, ruleset: str) -> list[str]:
    rules, names = fit_rules(customers, make_scheme(ruleset))
    rows = ibis.memtable(customers.assign(row=np.arange(len(customers))))
    placed = rules.place(rows).order_by("row").to_pandas()
    return [names[number - 1] for number in placed["segment"]]


@pytest.mark.parametrize("name", RULESETS)
def test_a_set_reads_features_of_the_dictionary_and_uses_all_its_cut_points(name):
    assert find_rule_faults(make_scheme(name), KINDS) == []
    rows = build_ruleset(name)
    assert len({segment for segment, _ in rows}) == len(rows)
    assert rows[-1][1] == "true"
    for cut, number in RULESETS[name].cuts.items():
        moved = build_ruleset(name, {cut: number + 0.5})
        assert moved != rows
        assert f"{number + 0.5:g}" in " ".join(when for _, when in moved)


@pytest.mark.parametrize("name", RULESETS)
def test_a_set_is_on_its_page_with_its_segments_cut_points_and_columns(name):
    section = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.M)
    (text,) = [part for part in section if part.startswith(f"`{name}`")]
    cuts = RULESETS[name].cuts
    for cut, number in cuts.items():
        assert f"`{cut}` {number:g}" in text
    kinds = dict.fromkeys(FEATURES, "any")
    for segment, when in build_ruleset(name):
        assert f"| {segment} |" in text
        if when != "true":
            assert f"| `{when}` |" in text
            assert set(read_predicate(when, kinds).columns) <= set(FEATURES)


@pytest.mark.parametrize("segment_count", range(2, 7))
def test_every_number_of_segments_has_its_tiers_and_its_names_of_rfm(segment_count):
    tiers = TIERS[segment_count]
    assert len(set(tiers.names)) == segment_count == len(tiers.shares_below) + 1
    assert list(tiers.shares_below) == sorted(tiers.shares_below)
    named = {cell.segments[segment_count] for cell in RFM_CELLS}
    assert 2 <= len(named) <= segment_count
    assert named <= set(BEST_FIRST)


@pytest.mark.slow
def test_journey_stages_are_those_of_the_feature():
    customers = build_customers(make_tables(), as_of=AS_OF).frame
    found = [name.lower() for name in assign(customers, "journey_stages")]
    assert found == customers["journey_stage"].replace("never bought", "prospect").tolist()
    assert len(set(found)) >= 3


def test_lapsed_and_at_risk_follow_the_learned_stages_unless_the_plan_gives_days():
    customers = pd.DataFrame(
        {
            "recency_days": [400.0, 250.0, 20.0, 10.0],
            "tenure_days": [900.0, 900.0, 900.0, 10.0],
            "order_count": [9, 2, 2, 1],
            "journey_stage": ["loyal", "lapsed", "at risk", "new"],
        }
    )
    assert assign(customers, "journey_stages") == ["Loyal", "Lapsed", "At risk", "New"]
    assert assign(customers, "life_cycle") == ["Returning", "Lapsed", "Returning", "New"]
    by_days = customers.drop(columns="journey_stage")
    assert assign(by_days, "journey_stages") == ["Lapsed", "At risk", "Active", "New"]
    for name in ("journey_stages", "life_cycle"):
        rules, _ = fit_rules(customers, make_scheme(name, cuts={"lapsed_days": 300}))
        assert "journey_stage" not in rules.columns
        rules, _ = fit_rules(customers, make_scheme(name, cuts={"new_days": 30}))
        assert "journey_stage" in rules.columns


def test_every_generation_has_one_segment():
    labels = list(GENERATIONS.values())
    customers = pd.DataFrame({"generation": [*labels, None]})
    found = assign(customers, "generations")
    assert found == [
        "Silent and older",
        "Silent and older",
        "Boomers",
        "Generation X",
        "Millennials",
        "Generation Z",
        "Generation Alpha",
        "Year of birth not known",
    ]


def test_a_cart_left_within_seven_days_without_an_order_since_is_a_trigger():
    columns = ["days_since_cart", "recency_days", "last_moment", "days_since_moment"]
    rows = [
        (7, 8, "cart", 7),  # left
        (8, 99, "cart", 8),  # too long ago
        (3, None, "cart", 3),  # never bought
        (3, 3, "cart", 3),  # bought on the same day
        (3, 99, "checkout", 2),
        (None, 99, "checkout", 2),
        (None, None, None, None),
        (None, 14, None, None),
    ]
    customers = pd.DataFrame(rows, columns=columns).astype({"last_moment": "str"})
    customers["days_since_visit"] = [None] * 6 + [7, 0]
    found = assign(customers, "triggers")
    assert found == [
        "Cart left",
        "No trigger",
        "Cart left",
        "Just bought",
        "Checkout left",
        "Checkout left",
        "Looked and did not buy",
        "Just bought",
    ]


def test_who_did_nothing_that_is_known_is_passive():
    customers = pd.DataFrame(
        {
            "days_since_visit": [30, 31, None, None, 181.0],
            "recency_days": [None, 180, 30, None, 200],
        }
    )
    found = assign(customers, "activity_levels")
    assert found == ["Active", "Quiet", "Active", "Passive", "Passive"]


@pytest.mark.parametrize(
    ("name", "cuts", "message"),
    [
        ("journey", {}, "Did you mean 'journey_stages'"),
        ("life_cycle", {"lapsed": 3}, "Did you mean 'lapsed_days'"),
        ("life_cycle", {"lapsed_days": (3, 4)}, "'lapsed_days' is one number"),
        ("life_cycle", {"lapsed_days": 90}, "numbers that ascend. Found: 90, 90"),
        ("activity_levels", {"active_days": 200}, "numbers that ascend. Found: 200, 180"),
        ("life_cycle", {"lapsed_days": float("inf")}, "numbers that ascend"),
        ("life_cycle", {"lapsed_days": float("nan")}, "numbers that ascend"),
    ],
)
def test_a_set_or_cut_point_that_cannot_be_is_refused(name, cuts, message):
    with pytest.raises(SegkitError, match=message):
        build_ruleset(name, cuts)


def test_every_fault_of_a_scheme_is_found_before_data_is_read():
    rules = [
        {"name": "A", "when": "recency_day > 3"},
        {"name": "B", "when": "recency_days >"},
        {"name": "C", "when": "journey_stage = 'lapsed' and recency_score > 2 and consent"},
        {"name": "D", "when": "generation > 3"},
    ]
    faults = find_rule_faults(make_scheme(rules=rules), KINDS)
    assert [fault.where for fault in faults] == [f"scheme 's', rule '{name}'" for name in "ABD"]
    assert "at position 1" in faults[0].message
    assert "at position 14" in faults[1].message
    # A score stands only where its column does.
    fewer = {name: kind for name, kind in KINDS.items() if name != "recency_days"}
    texts = [fault.describe() for fault in find_rule_faults(make_scheme(rules=rules[2:3]), fewer)]
    assert len(texts) == 1
    assert "no column 'recency_score', at position 30" in texts[0]


@pytest.mark.parametrize(
    ("method", "cuts", "message"),
    [
        ("rfm", {"value": 3}, "no such score"),
        ("rfm", {"recency": 1}, "2 to 20 groups"),
        ("rfm", {"recency": 21}, "2 to 20 groups"),
        ("rfm", {"recency": ()}, "2 to 20 groups"),
        ("rfm", {"money": (5.0, 5.0)}, "ascend. Found: 5, 5"),
        ("tiers", {"recency": 3}, "no such score. Valid names: value"),
        ("kmeans", {"recency": 3}, "no such score"),
    ],
)
def test_cuts_of_scores_are_checked(method, cuts, message):
    scheme = make_scheme(method=method, cuts=cuts, columns=("x",) if method == "kmeans" else ())
    (fault,) = find_rule_faults(scheme, KINDS)
    assert re.search(message, fault.describe())
