"""The customer base: who the customers are, and how few of them bring how much."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.core.absence import explain_empty
from segkit.core.errors import SegkitError
from segkit.profiles.concentration import measure_concentration, rank_customers
from segkit.profiles.customer_counts import count_buyers, count_stages, summarise_customers
from segkit.profiles.rfm import count_rfm
from segkit.report import customer_base, rfm
from segkit.report.shared.numbers import THIN_SPACE


def state_customers(customers: pd.DataFrame, *, smallest_cell: int = 1) -> list[str]:
    """Say who the customers are, as the notebook does."""
    tables = [
        publish(table, view, smallest_cell=smallest_cell)
        for table, view in (
            (summarise_customers(customers), customer_base.CUSTOMERS),
            (count_buyers(customers), customer_base.BUYERS),
            (count_stages(customers), customer_base.STAGES),
        )
    ]
    told = read_texts(customer_base.state_customers(*tables))
    return [text.replace(THIN_SPACE, " ") for text in told]


def publish_parts(values: list[float], *, smallest_cell: int = 5):
    customers = pd.DataFrame({"customer_id": range(len(values)), "spend": values})
    parts = measure_concentration(customers, "spend")[1]
    return publish(parts, customer_base.CONCENTRATION, smallest_cell=smallest_cell)


def state_concentration(values: list[float]) -> list[str]:
    parts = publish_parts(values)
    return read_texts(customer_base.state_concentration(parts, value_name="net spend"))


def test_customers_are_told_as_far_as_they_are_known():
    customers = pd.DataFrame(
        {
            "order_count": [0, 1, 2, 5],
            "total_spend": [0.0, 10.0, 30.0, 5000.0],
            "journey_stage": ["lead", "new", "new", "loyal"],
        }
    )
    assert state_customers(customers) == [
        "4 customers, 3 of them with at least one sale; 66.7% of these bought more than once.",
        "Over all time to 2026-03-31 the median customer spent EUR 20.00 net of returns, the mean "
        "is EUR 1 260.",
        "By stage of the journey: lead 25.0%, loyal 25.0% and new 50.0%.",
    ]
    named = pd.DataFrame({"customer_id": ["a"]})
    assert state_customers(named) == ["1 customer in the customer table."]


def test_few_customers_of_a_stage_or_of_a_kind_of_buyer_are_not_told():
    customers = pd.DataFrame(
        {
            "order_count": [0] * 2 + [1] * 10 + [3] * 20,
            "total_spend": [None] * 29 + [5.0] * 3,
            "journey_stage": ["lead"] * 2 + ["new"] * 10 + ["loyal"] * 20,
        }
    )
    # Two never bought; those with one order are hidden too, or the sum would tell of the two.
    assert state_customers(customers, smallest_cell=5) == [
        "32 customers; how many of them bought, once or more often, would tell of too few.",
        "By stage of the journey: lead –, loyal 62.5% and new –.",
    ]


def test_concentration_is_told_with_the_customers_it_rests_on():
    # 2160 altogether: the top 200 bring 1560, the top 10 bring 360; 1728 takes 168 more customers.
    told = state_concentration([0.0] * 200 + [1.0] * 600 + [6.0] * 188 + [36.0] * 12)
    assert told == [
        "Over all time to 2026-03-31 the top fifth of customers bring 72.2% of net spend, "
        "the top hundredth 16.7%.",
        "36.8% of customers bring four fifths of net spend, all time; the Gini coefficient is "
        "0.61.",
    ]


def test_what_few_customers_bring_is_not_told():
    # The top hundredth of sixty customers is one customer. Four fifths of 96 take 12 and 29.
    told = state_concentration([1.0] * 48 + [4.0] * 12)
    assert told == [
        "Over all time to 2026-03-31 the top fifth of customers bring 50.0% of net spend.",
        "68.3% of customers bring four fifths of net spend, all time; the Gini coefficient is "
        "0.30.",
    ]
    assert state_concentration([1.0] * 56 + [1000.0] * 4) == [
        "Over all time to 2026-03-31 the top fifth of customers bring 98.8% of net spend, of "
        "which two customers bring more than a fifth.",
        "The Gini coefficient of net spend is 0.92, all time.",
    ]
    assert state_concentration([1.0, 2.0, 3.0]) == []


@pytest.mark.parametrize(("count", "is_told"), [(5, True), (4, False)])
def test_customers_with_a_loss_are_told_where_they_are_enough(count, is_told):
    told = state_concentration([-1.0] * count + [1.0] * 60)
    assert any("5 customers brought a loss or returned more" in text for text in told) == is_told


def test_the_first_page_has_the_count_and_the_top_fifth():
    customers = pd.DataFrame({"customer_id": range(1200)})
    everybody = publish(summarise_customers(customers), customer_base.CUSTOMERS)
    parts = publish_parts([1.0] * 80 + [16.0] * 20)
    headline = customer_base.list_headline(everybody, parts, value_name="profit")
    assert {label: finding.text for label, finding in headline.items()} == {
        "Customers": "1\u202f200",
        "Top fifth's share of profit, all time": "80.0%",
    }
    nothing = measure_concentration(customers, "total_spend")[1]
    shown = publish(nothing, customer_base.CONCENTRATION)
    headline = customer_base.list_headline(everybody, shown, value_name="net spend")
    assert list(headline) == ["Customers"]


def test_each_step_of_the_curve_rests_on_enough_customers():
    customers = pd.DataFrame({"customer_id": range(123), "spend": np.arange(1.0, 124)})
    lorenz = measure_concentration(customers, "spend", smallest_cell=5)[0]
    assert lorenz["customer_count"][1:].between(10, 11).all()
    assert lorenz["customer_count"].sum() == 123
    assert lorenz.iloc[-1].tolist()[:2] == [1, 1]
    few = measure_concentration(customers.head(9), "spend", smallest_cell=5)[0]
    assert explain_empty(few) == "There are fewer than 10 customers."
    alt = customer_base.plot_lorenz(publish(few, customer_base.LORENZ)).figure._segkit_alt
    assert "There are fewer than 10 customers." in alt


def test_tenths_of_few_customers_are_hidden():
    customers = pd.DataFrame({"customer_id": range(40), "spend": np.arange(40.0)})
    tenths = publish(rank_customers(customers, "spend"), customer_base.TENTHS)
    assert tenths.frame["customer_count"].isna().all()
    assert tenths.frame["total"].isna().all()
    assert tenths.frame["tenth"].tolist() == list(range(1, 11))


def test_concentration_agrees_with_the_paper():
    customers = pd.DataFrame({"customer_id": list("abcde"), "spend": [0.0, 10, 10, 20, 60]})
    lorenz, parts = measure_concentration(customers, "spend", smallest_cell=1)
    parts = parts.set_index("part")
    # Gini: sum of (2i - n - 1) x_i over n times the total:
    # (-4*0 - 2*10 + 0*10 + 2*20 + 4*60) / (5 * 100) = 260 / 500.
    assert parts.loc["all customers", "gini"] == pytest.approx(0.52)
    assert parts.loc["top fifth", "value_share"] == pytest.approx(0.6)
    most = parts.loc["four fifths of the value", "customer_share"]
    assert most == pytest.approx(0.4)  # 60 + 20 of 100
    assert lorenz["value_share"].tolist() == pytest.approx([0, 0, 0.1, 0.2, 0.4, 1])


def test_equal_customers_have_a_gini_of_zero_and_losses_count_as_zero():
    equal = pd.DataFrame({"customer_id": list("abc"), "spend": [7.0, 7, 7]})
    assert measure_concentration(equal, "spend")[1]["gini"][0] == pytest.approx(0)
    losses = pd.DataFrame({"customer_id": list("abc"), "spend": [-5.0, None, 7]})
    parts = measure_concentration(losses, "spend")[1].set_index("part")
    assert parts.loc[["a loss", "value not known"], "customer_count"].tolist() == [1, 1]
    assert parts.loc["top hundredth", "value_share"] == pytest.approx(1)


def test_customers_are_ranked_largest_first_without_identifiers():
    customers = pd.DataFrame({"customer_id": range(20), "spend": np.arange(20.0)})
    ranks = rank_customers(customers, "spend")
    assert ranks["total"].tolist()[:2] == [19 + 18, 17 + 16]
    assert ranks["running_share"].iloc[-1] == pytest.approx(1)
    assert "customer_id" not in ranks


def test_concentration_of_nothing_is_refused_with_the_column():
    customers = pd.DataFrame({"customer_id": ["a"], "spend": [0.0]})
    with pytest.raises(SegkitError, match="'spend' has no positive values"):
        measure_concentration(customers, "spend")
    with pytest.raises(SegkitError, match="Did you mean 'spend'"):
        measure_concentration(customers, "spned")


def test_small_cells_of_recency_and_frequency_stay_hidden():
    count = 60
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{n}" for n in range(count)],
            "recency_days": [n * 7 % 53 for n in range(count)],
            "order_count": [1 + n * 11 % 17 for n in range(count)],
            "total_spend": [float(n) for n in range(count)],
        }
    )
    grid = count_rfm(customers)
    shown = grid["customer_count"]
    assert shown.sum() == count
    assert shown.between(1, 2).any()
    published = publish(grid, rfm.GRID, smallest_cell=3)
    hidden = published.frame["customer_count"]
    assert hidden.isna().any()
    assert not hidden.between(1, 2).any()
    texts = [text.get_text() for text in rfm.plot_rfm_grid(published).texts]
    assert "–" in texts
    assert not {"1", "2"} & set(texts)
