"""Which open warnings concern a scheme, so that its verdict is not a plain yes."""

from __future__ import annotations

import pandas as pd
import pytest

from segkit.plan.models import Scheme
from segkit.validation.open_warnings import find_open_warnings, list_needed

COLUMNS = {
    "order_lines": ["order_id", "customer_id", "ordered_at", "quantity", "unit_price"],
    "orders": ["order_id", "ordered_at"],
    "customers": ["customer_id", "birth_year", "income", "wine_spend", "beer_spend"],
    "products": ["product_id", "category"],
    "messages": ["customer_id", "sent_at", "opened"],
}
COUNTS = pd.DataFrame({"table": list(COLUMNS), "read": 1000})


def make_scheme(*columns: str) -> Scheme:
    return Scheme(name="s", goal="g", base="behavioural", method="kmeans", columns=columns)


def find(scheme: Scheme, *rules: tuple[str, str, int], severity: str = "warning") -> list[str]:
    """Return the names of the warnings that concern a scheme, of those given."""
    rows = [(table, rule, severity, count, "Because.") for table, rule, count in rules]
    quality = pd.DataFrame(rows, columns=["table", "rule", "severity", "row_count", "reason"])
    found = find_open_warnings(quality, COUNTS, scheme, columns=COLUMNS)
    return [one["name"] for one in found]


@pytest.mark.parametrize(
    ("table", "rule", "spend", "age"),
    [
        ("order_lines", "ends_before_as_of", True, False),
        ("order_lines", "ambiguous_date_ordered_at", True, False),
        ("order_lines", "unusual_unit_price", True, False),
        ("order_lines", "unknown_customer", False, False),
        ("order_lines", "unknown_product", False, False),
        ("customers", "unusual_birth_year", False, True),
        ("customers", "unusual_income", False, False),
        ("customers", "many_rejected", False, True),
        ("messages", "many_rejected", False, False),
    ],
)
def test_a_warning_concerns_who_reads_its_table_or_column(table, rule, spend, age):
    told = [f"{table}.{rule}"]
    assert find(make_scheme("recency_days", "total_spend"), (table, rule, 500)) == told * spend
    assert find(make_scheme("age_years"), (table, rule, 500)) == told * age


def test_lines_of_unknown_customers_concern_who_reads_both_tables():
    both = make_scheme("total_spend", "age_years")
    assert find(both, ("order_lines", "unknown_customer", 400)) == ["order_lines.unknown_customer"]
    assert find(both, ("order_lines", "few_customers_join", 400))
    assert not find(both, ("order_lines", "few_products_join", 400))


def test_a_few_rows_turn_no_verdict_and_the_largest_comes_first():
    scheme = make_scheme("total_spend")
    few = ("order_lines", "amount_differs", 3)
    assert find(scheme, few) == []
    rules = [few, ("order_lines", "zero_quantity", 20), ("order_lines", "unusual_quantity", 90)]
    assert find(scheme, *rules) == ["order_lines.unusual_quantity", "order_lines.zero_quantity"]


def test_notes_and_rejected_rows_are_no_open_warnings():
    rule = ("order_lines", "ends_before_as_of", 900)
    for severity in ("note", "reject"):
        assert find(make_scheme("total_spend"), rule, severity=severity) == []


def test_a_feature_of_one_s_own_is_concerned_by_what_is_said_of_its_column():
    scheme = make_scheme("wine_spend")
    assert find(scheme, ("customers", "mixed_wine_spend", 80)) == ["customers.mixed_wine_spend"]
    assert find(scheme, ("customers", "unusual_income", 80)) == []
    other = make_scheme("beer_spend")
    assert find(other, ("customers", "looks_like_identifier_wine_spend", 1000)) == []


def test_rules_read_what_their_conditions_name():
    rules = ({"name": "old", "when": "age_years > 60"}, {"name": "rest", "when": "true"})
    scheme = Scheme(name="s", goal="g", base="demographic", method="rules", rules=rules)
    assert ("customers", "birth_year") in list_needed(scheme, COLUMNS)
    assert find(scheme, ("customers", "unusual_birth_year", 80))
