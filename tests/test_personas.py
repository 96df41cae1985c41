"""Personas say only what the data say, with the count behind it."""

from __future__ import annotations

import pandas as pd
import pytest

from segkit.action.personas import collect_descriptors, draft_persona
from segkit.core.errors import SegkitError
from segkit.profiles.descriptors import keep_telling_levels
from segkit.profiles.differences import judge_levels, rank_descriptors
from segkit.report.findings_personas import state_persona
from segkit.report.findings_profiles import write_levels
from segkit.report.shared.numbers import THIN_SPACE

SIZES = pd.DataFrame(
    {
        "segment_name": ["Loyal", "Tiny"],
        "customer_count": [1200, 4],
        "customer_share": [0.6, 0.002],
        "spend_share": [0.8, 0.01],
    }
)
PROFILE = pd.DataFrame(
    [
        ("Loyal", "order_count", 1200, 9.25, 4.0, 1.5),
        ("Loyal", "recency_days", 1200, 20.0, 140.0, -0.9),
        ("Loyal", "age_years", 1200, 44.0, 43.5, 0.03),
        ("Tiny", "order_count", 4, 1.0, 4.0, -1.0),
    ],
    columns=["segment_name", "feature", "known_count", "mean", "base_mean", "difference_sd"],
)
DESCRIPTORS = pd.DataFrame(
    [
        ("Loyal", "country", "FI", 600, 0.50, 0.20),
        ("Loyal", "country", "SE", 300, 0.25, 0.30),
        ("Loyal", "age_band", "35-44", 480, 0.40, 0.38),
        ("Loyal", "occupation", "unknown", 900, 0.75, 0.20),
        ("Loyal", "gender", "x", 3, 0.9, 0.1),
        ("Loyal", "device", None, None, None, None),
    ],
    columns=["segment_name", "descriptor", "value", "customer_count", "share", "base_share"],
)


def test_the_strongest_difference_comes_first_and_small_ones_are_silent():
    persona = draft_persona("Loyal", SIZES, PROFILE, descriptors=DESCRIPTORS)
    statements = persona["statements"]
    # country FI: (.5 - .2) / sqrt(.2 * .8) = .75
    assert statements["feature"].tolist() == ["order_count", "recency_days", "country"]
    assert statements["strength"].tolist() == pytest.approx([1.5, -0.9, 0.75])
    assert statements["customer_count"].tolist() == [1200, 1200, 600]


def test_the_role_is_the_most_typical_value_of_each_descriptor():
    role = draft_persona("Loyal", SIZES, PROFILE, descriptors=DESCRIPTORS)["role"]
    assert role[["feature", "value"]].to_numpy().tolist() == [
        ["age_band", "35-44"],
        ["country", "FI"],
    ]


def test_a_small_segment_is_not_described():
    persona = draft_persona("Tiny", SIZES, PROFILE, descriptors=DESCRIPTORS)
    assert set(persona) == {"segment_name", "title", "note"}
    assert state_persona(persona) == ["Not described: the segment has fewer than 5 customers."]


def test_every_sentence_about_customers_carries_its_count():
    persona = draft_persona("Loyal", SIZES, PROFILE, descriptors=DESCRIPTORS)
    sentences = [text.replace(THIN_SPACE, " ") for text in state_persona(persona, currency="EUR")]
    assert sentences == [
        "1 200 customers, 60.0% of all, with 80.0% of the spend.",
        "Most often: age band 35-44 (40%, n = 480); country FI (50%, n = 600).",
        "Orders with a sale: 9.25 orders on average, against 4.00 (n = 1 200).",
        "Days since the last sale: 20.00 days on average, against 140 (n = 1 200).",
        "Country FI: 50.0%, against 20.0% of all customers (n = 600).",
    ]


def test_descriptors_are_counted_from_the_customer_table_and_small_cells_hidden():
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{i}" for i in range(20)],
            "country": ["FI"] * 10 + ["SE"] * 10,
            "has_loyalty_card": [True] * 6 + [False] * 14,
            "total_spend": range(20),
        }
    )
    segments = customers[["customer_id"]].assign(
        segment=[0] * 10 + [1] * 10, segment_name=["Loyal"] * 10 + ["Rare"] * 10
    )
    table = collect_descriptors(customers, segments)
    assert set(table["descriptor"]) == {"country", "has_loyalty_card"}
    card = table[table["descriptor"] == "has_loyalty_card"].set_index(["segment_name", "value"])
    assert pd.isna(card.loc[("Loyal", "False"), "customer_count"]), "four customers are hidden"
    sizes = SIZES.assign(customer_count=[10, 4])
    persona = draft_persona("Loyal", sizes, PROFILE.iloc[:0], descriptors=table)
    assert persona["statements"].iloc[0][["feature", "value", "figure"]].tolist() == [
        "country",
        "FI",
        1.0,
    ]


def test_customers_without_descriptors_give_empty_tables():
    customers = pd.DataFrame({"customer_id": list("abcdefgh"), "wish_count": range(8)})
    segments = customers[["customer_id"]].assign(segment=[0] * 4 + [1] * 4, segment_name="All")
    levels = judge_levels(collect_descriptors(customers, segments), made_by=["wish_count"])
    assert rank_descriptors(levels).empty
    others = levels[~levels["by_construction"].astype(bool)]
    assert write_levels(keep_telling_levels(others, count=3)).empty


def test_an_unknown_segment_is_refused_with_the_nearest_name():
    with pytest.raises(SegkitError, match="Did you mean 'Loyal'"):
        draft_persona("Loyals", SIZES, PROFILE, descriptors=DESCRIPTORS)
