"""Each practice is scored from evidence; the weakest comes first."""

from __future__ import annotations

import ibis
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
    # The shop's messages were not read, so that it sends none.
    improve = {p.name: p.improve for p in readiness.PRACTICES if p.needs != "messages"}
    assert scores.set_index("practice")["improve"].to_dict() == improve
    assert scores["score"].is_monotonic_increasing
    assert scores["score"].between(0, 1).all()


@pytest.fixture(scope="module")
def score(tmp_path_factory):
    """Return the function that scores a business with these tables of the small shop."""
    plan = make_plan(tmp_path_factory.mktemp("plan"), {"order_lines": "lines.csv"})

    def score_tables(*names: str) -> pd.DataFrame:
        known = make_tables()
        other = ibis.memtable(pd.DataFrame({"customer_id": ["ann"]}))
        tables = {name: known.get(name, other) for name in names}
        counts = [(name, 9, 9) for name in names]
        counts = pd.DataFrame(counts, columns=["table", "read", "accepted"])
        found = readiness.score_readiness(
            plan,
            tables,
            inventory=build_inventory(tables, counts, as_of=AS_OF),
            gaps=pd.DataFrame({"base": ["value"], "ready": [True]}),
            quality=pd.DataFrame(columns=["table", "rule", "row_count"]),
            counts=counts,
        )
        return found.set_index("practice")

    return score_tables


def test_who_sends_nothing_is_not_told_to_send_nothing(score):
    assert "Campaigns have a control group" not in score("customers").index
    assert "Campaigns have a control group" in score("customers", "messages").index


def test_who_sells_nothing_is_not_told_how_to_load_orders(score):
    told = " ".join(score("customers")["improve"])
    assert "order" not in told
    assert "Load orders at least weekly" in set(score("order_lines")["improve"])


def test_who_runs_surveys_is_told_of_tickets_alone(score):
    practice = "Customers are heard"
    assert score("responses").loc[practice, "improve"] == "Export the support tickets"
    assert score("tickets").loc[practice, "improve"] == "Run a short survey"
    both = score("customers").loc[practice, "improve"]
    assert both == "Run a short survey; export the support tickets"
