"""What data a scheme needs: enough, thin or refused, with the numbers."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.core.errors import SegkitError
from segkit.plan.models import Criteria, Scheme
from segkit.report import candidates, choice
from segkit.validation.candidates import compare_candidates
from segkit.validation.gates import check_data, describe_refusals

RFM = Scheme(name="rfm", goal="g", base="value", method="rfm", segments=6)
LEARNED = {"goal": "g", "base": "behavioural", "method": "kmeans", "segments": (2, 3)}


def learn(*columns: str) -> Scheme:
    return Scheme(name="behaviour", columns=columns, **LEARNED)


def make_customers(count: int, **columns) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": [f"c{i:04}" for i in range(count)], **columns})


def read_status(customers: pd.DataFrame, scheme: Scheme) -> dict[str, str]:
    return check_data(customers, [scheme]).set_index("requirement")["status"].to_dict()


@pytest.mark.parametrize(
    ("count", "status", "missing"),
    [(19, "refused", 91), (20, "thin", 90), (199, "thin", 1), (200, "enough", 0)],
)
def test_customers_are_counted_for_each_column(count, status, missing):
    scheme = learn("x", "y")
    row = check_data(make_customers(count, x=1.0, y=2.0), [scheme]).iloc[0]
    assert row["requirement"] == "customers for each column"
    assert (row["needed"], row["wanted"]) == (10, 100)
    assert (row["status"], row["missing_count"]) == (status, missing)


def test_history_and_repeat_buyers_are_asked_of_schemes_that_read_purchases():
    orders = np.where(np.arange(300) < 50, 2, 1)
    customers = make_customers(300, tenure_days=26, order_count=orders, opinion=1.0)
    assert read_status(customers, learn("recency_days", "order_count")) == {
        "customers for each column": "enough",
        "days of history": "refused",  # 26 days ago and today are 27
        "buyers with repeat purchases": "thin",
    }
    assert read_status(customers, learn("opinion")) == {"customers for each column": "enough"}
    status = read_status(customers.assign(tenure_days=27, order_count=2), RFM)
    assert status == {"days of history": "thin", "buyers with repeat purchases": "enough"}


@pytest.mark.parametrize("fill", [np.nan, None])
def test_what_is_wholly_missing_is_not_counted_as_nothing(fill):
    customers = make_customers(300, tenure_days=fill, order_count=fill)
    assert set(read_status(customers, learn("order_count"))) == {"customers for each column"}
    assert check_data(make_customers(300), [RFM]).empty


def test_refusals_say_what_was_found_and_what_is_needed():
    customers = make_customers(12, tenure_days=5, order_count=1)
    texts = describe_refusals(check_data(customers, [learn("order_count", "recency_days"), RFM]))
    assert set(texts) == {"behaviour", "rfm"}
    assert texts["behaviour"] == (
        "it has 6 customers for each column and needs 10; it has 6 days of history and needs 28; "
        "it has 0 buyers with repeat purchases and needs 10"
    )
    enough = make_customers(500, tenure_days=400, order_count=3)
    assert describe_refusals(check_data(enough, [RFM])) == {}


def test_the_report_tells_what_refused_a_scheme_from_the_published_gates():
    orders = np.where(np.arange(60) < 7, 2, 1)
    gates = check_data(make_customers(60, order_count=orders, opinion=1.0), [RFM])
    refused = pd.DataFrame(
        {"scheme": ["rfm", "own"], "why": ["", "'x' has no values"], "by_gate": [True, False]}
    )
    shown = publish(gates, candidates.GATES)
    told = choice.state_refused(publish(refused, choice.REFUSED), shown)
    assert read_texts(told) == [
        "rfm cannot be fitted: it has 7 buyers with repeat purchases and needs 10",
        "own cannot be fitted: 'x' has no values",
    ]
    assert told[0].figures[0].value == 7


def test_a_handful_of_buyers_is_not_told():
    orders = np.where(np.arange(60) < 3, 2, 1)
    gates = check_data(make_customers(60, order_count=orders, tenure_days=9), [RFM])
    shown = publish(gates, candidates.GATES)
    buyers = shown.frame.set_index("requirement").loc["buyers with repeat purchases"]
    assert buyers[["found", "missing_count", "customer_count"]].isna().all()
    assert (buyers["needed"], buyers["status"]) == (10, "refused")
    refused = pd.DataFrame({"scheme": ["rfm"], "why": [""], "by_gate": [True]})
    told = choice.state_refused(publish(refused, choice.REFUSED), shown)
    assert read_texts(told) == [
        "rfm cannot be fitted: it has 10 days of history and needs 28; "
        "it has fewer than 10 buyers with repeat purchases"
    ]


def test_a_refused_scheme_is_not_fitted_and_the_others_are():
    rng = np.random.default_rng(0)
    customers = make_customers(
        60, total_spend=rng.lognormal(3, 1, 60), order_count=1, tenure_days=9
    )
    for column in "abcdefg":
        customers[column] = rng.normal(size=60)
    tiers = Scheme(name="tiers", goal="g", base="value", method="tiers", segments=2)
    options = {"as_of": datetime.date(2026, 6, 30), "random_state": 0, "pairs": 2}
    schemes = [learn(*"abcdefg"), tiers.model_copy(update={"columns": ("a",)})]
    found = compare_candidates(customers, schemes, Criteria(), **options)
    assert set(found.table["scheme"]) == {"tiers"}
    assert found.refused["scheme"].tolist() == ["behaviour"]
    assert found.refused["by_gate"].tolist() == [True]
    with pytest.raises(SegkitError, match="8 customers for each column and needs 10"):
        compare_candidates(customers, schemes[:1], Criteria(), **options)
