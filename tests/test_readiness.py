"""Each practice is scored from evidence; the weakest comes first."""

from __future__ import annotations

import pandas as pd
import pytest
from shops import AS_OF, make_tables
from small_plans import make_plan

from segkit.evidence import readiness
from segkit.evidence.inventory import build_inventory


@pytest.fixture(scope="module")
def scores(tmp_path_factory) -> pd.DataFrame:
    """The scores of the small shop, whose rows after the last day counted were left out."""
    tables = make_tables()
    lines = tables["order_lines"]
    tables["order_lines"] = lines.filter(lines.ordered_at.date() <= AS_OF)
    counts = pd.DataFrame(
        {"table": ["order_lines", "customers"], "read": [16, 4], "accepted": [11, 4]}
    )
    quality = pd.DataFrame(
        {"table": ["order_lines"], "rule": ["missing_customer"], "row_count": [4]}
    )
    return readiness.score_readiness(
        make_plan(tmp_path_factory.mktemp("plan"), {"order_lines": "lines.csv"}),
        tables,
        inventory=build_inventory(tables, counts, as_of=AS_OF),
        gaps=pd.DataFrame({"base": ["value", "season", "needs"], "ready": [True, True, False]}),
        quality=quality,
        counts=counts,
    )


@pytest.mark.parametrize(
    ("practice", "score", "evidence"),
    [
        ("Every goal has a target", 0, "0 of 1 goals have one"),
        ("Rows pass the checks", 15 / 20, "15 of 20 rows were accepted"),
        ("Many bases can be used", 2 / 3, "2 of 3 bases"),
        ("Orders name their customer", 12 / 16, "75.0% of order lines read name one"),
        ("Data is fresh", 1, "the last order is 0 days before the last day counted"),
        ("History is long enough", 394 / 730, "394 days of orders"),
        ("Customers come back", 2 / 500, "2 customers with two orders or more"),
        ("Profit is known", 1, "unit costs are given"),
    ],
)
def test_a_practice_is_scored_from_what_was_found(scores, practice, score, evidence):
    row = scores.set_index("practice").loc[practice]
    assert row["score"] == pytest.approx(score)
    assert row["evidence"] == evidence


def test_each_practice_says_what_to_do_and_the_weakest_comes_first(scores):
    improve = {practice.name: practice.improve for practice in readiness.PRACTICES}
    assert scores.set_index("practice")["improve"].to_dict() == improve
    assert scores["score"].is_monotonic_increasing
    assert scores["score"].between(0, 1).all()
