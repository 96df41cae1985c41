"""What is known of all customers by each base, and who of them brings the value."""

from __future__ import annotations

import pandas as pd
from published import publish, read_texts

from segkit.profiles.base_summaries import list_bases, summarise_base
from segkit.report import bases


def test_a_base_names_the_largest_group_and_who_brings_most_and_least():
    shares = {"country": ["FI"] * 20 + ["SE"] * 40, "total_spend": [10.0] * 20 + [50.0] * 40}
    customers = pd.DataFrame({"customer_id": [f"c{i}" for i in range(60)], **shares})

    def state(table: pd.DataFrame) -> list[str]:
        summarised = publish(summarise_base(table, "geographic"), bases.BASE)
        return read_texts(bases.state_base(summarised))

    assert state(customers) == [
        "The largest group, 66.7% of customers: those in the country SE.",
        "Of the customers known, one brings most among those in the country SE (index 136, 136 "
        "to 136, n = 40); least among those in the country FI (index 27, 27 to 27, n = 20), "
        "by the index of value, all time; the mean customer has 100.",
    ]
    one_sided = customers.assign(total_spend=[45.0] * 20 + [50.0] * 40)
    assert state(one_sided)[1].startswith("Of the customers known, one brings least among")
    assert len(state(customers.assign(total_spend=50.0))) == 1
    alike = state(customers.assign(country="FI"))
    assert alike == ["In no feature of this base do enough customers differ to be told apart."]


def test_the_feature_that_is_known_least_is_named():
    customers = pd.DataFrame(
        {
            "customer_id": range(40),
            "country": ["FI"] * 15 + ["SE"] * 20 + [None] * 5,
            "city": ["Turku"] * 10 + ["Lund"] * 10 + [None] * 20,
        }
    )

    def state(table: pd.DataFrame) -> str:
        summarised = publish(summarise_base(table, "geographic"), bases.BASE)
        return read_texts(bases.state_base(summarised))[0]

    assert state(customers) == (
        "Least known of these 2 features: city, told of 50.0% of customers."
    )
    assert state(customers.drop(columns="city")) == "Known of 87.5% of customers: country."


def test_the_index_is_hidden_where_it_would_tell_of_the_few_who_are_not_known():
    customers = pd.DataFrame(
        {
            "customer_id": range(40),
            "country": ["FI"] * 16 + ["SE"] * 20 + [None] * 4,
            "city": ["Turku"] * 10 + ["Lund"] * 20 + [None] * 10,
            "total_spend": [1.0] * 16 + [2.0] * 20 + [99.0] * 4,
        }
    )
    table = summarise_base(customers, "geographic")
    assert table["value_index"].notna().all()
    assert table["feature"].unique().tolist() == ["city", "country"]  # what is hidden ranks last
    shown = publish(table, bases.BASE).frame
    assert shown.loc[shown["feature"] == "country", "value_index"].isna().all()
    assert shown.loc[shown["feature"] == "country", "unknown_count"].isna().all()
    assert shown["customer_count"].notna().all()
    assert shown.loc[shown["feature"] == "city", "value_index"].notna().all()
    alt = bases.plot_base(publish(table, bases.BASE)).figure._segkit_alt
    assert "country SE: 50.0%;" in alt


def test_a_feature_of_too_few_customers_is_left_out():
    customers = pd.DataFrame({"customer_id": range(40), "country": ["FI"] * 4 + [None] * 36})
    assert list(list_bases(customers)) == ["geographic"]
    table = summarise_base(customers, "geographic")
    told = bases.state_base(publish(table, bases.BASE))
    assert read_texts(told) == ["Of no feature of this base enough customers are known."]


def test_no_level_of_a_base_is_small_before_or_after_the_gate():
    customers = pd.DataFrame(
        {
            "customer_id": range(60),
            "country": ["FI"] * 30 + ["SE"] * 24 + ["NO"] * 3 + ["DK"] * 3,
            "city": ["Turku"] * 52 + ["Lund"] * 5 + ["Oslo"] * 3,
        }
    )
    table = summarise_base(customers, "geographic", smallest_cell=5)
    shown = publish(table, bases.BASE, smallest_cell=5).frame
    assert not shown["is_hidden"].any()
    levels = shown.groupby("feature")["level"].agg(list)
    assert levels["country"] == ["all known", "FI", "SE", "all others"]
    assert levels["city"] == ["all known", "Turku", "all others"]
