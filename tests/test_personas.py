"""Personas say only what the data say, with the count behind it."""

from __future__ import annotations

import pandas as pd
import pytest
from published import publish, read_texts

from segkit.action.personas import Persona, collect_descriptors, draft_persona
from segkit.core.absence import empty_table
from segkit.core.errors import SegkitError
from segkit.core.findings import Finding
from segkit.profiles.differences import judge_levels, rank_descriptors
from segkit.report import descriptors, differences, personas, sizes
from segkit.report.shared.numbers import THIN_SPACE

NOT_DESCRIBED = "Not described: the segment has fewer than 5 customers, or would tell of so few."
SIZES = publish(
    pd.DataFrame(
        {
            "segment_name": ["Loyal", "Tiny", "Small"],
            "customer_count": [1200, 8, 3],
            "customer_share": [0.6, 0.002, 0.0015],
            "spend_share": [0.8, 0.01, 0.01],
        }
    ),
    sizes.SIZES,
)
PROFILE = publish(
    pd.DataFrame(
        [
            ("Loyal", "order_count", 1200, 9.25, 4.0, 1.5),
            ("Loyal", "recency_days", 1200, 20.0, 140.0, -0.9),
            ("Loyal", "age_years", 1200, 44.0, 43.5, 0.03),
            ("Tiny", "order_count", 8, 1.0, 4.0, -1.0),
            ("Small", "order_count", 3, 1.0, 4.0, -1.0),
        ],
        columns=["segment_name", "feature", "known_count", "mean", "base_mean", "difference_sd"],
    ).assign(segment_count=1200, base_count=2000),
    differences.PROFILE,
)
LEVELS = publish(
    pd.DataFrame(
        [
            ("Loyal", "country", "FI", 600, 0.50, 0.20, 0.27, 0.33),
            ("Loyal", "country", "SE", 300, 0.25, 0.30, -0.08, -0.02),
            # The most common age, but less so than among all; a rarer one is the trait.
            ("Loyal", "age_band", "35-44", 264, 0.22, 0.30, -0.12, -0.04),
            ("Loyal", "age_band", "55-64", 240, 0.20, 0.15, 0.02, 0.08),
            ("Loyal", "density", "urban", 600, 0.50, 0.49, -0.02, 0.04),
            ("Loyal", "industry", "shops", 240, 0.20, 0.15, -0.01, 0.11),
            ("Loyal", "customer_type", "business", 60, 0.05, 0.10, -0.07, -0.03),
            ("Loyal", "occupation", "unknown", 900, 0.75, 0.20, 0.5, 0.6),
            ("Loyal", "gender", "x", 3, 0.9, 0.1, 0.7, 0.9),
            ("Loyal", "device", None, None, None, None, None, None),
        ],
        columns=[
            "segment_name",
            "descriptor",
            "value",
            "customer_count",
            "share",
            "base_share",
            "difference_low",
            "difference_high",
        ],
    ).assign(segment=1, segment_count=1200, value_count=2000),
    descriptors.LEVELS,
)


def draft(name: str) -> Persona:
    return draft_persona(name, SIZES.frame, PROFILE.frame, descriptors=LEVELS.frame)


def state(name: str) -> list[Finding]:
    return personas.state_persona(draft(name), SIZES, PROFILE, levels=LEVELS)


def test_the_strongest_difference_comes_first_and_small_ones_are_silent():
    statements = draft("Loyal").statements
    # That half of them live in FI is told with who they are.
    assert statements["feature"].tolist() == ["order_count", "recency_days"]
    assert statements["strength"].tolist() == pytest.approx([1.5, -0.9])
    assert statements["customer_count"].tolist() == [1200, 1200]


def test_the_role_is_what_is_more_common_than_among_all():
    persona = draft("Loyal")
    assert persona.role[["feature", "value"]].to_numpy().tolist() == [
        ["customer_type", "business"],
        ["age_band", "55-64"],
        ["country", "FI"],
    ]
    # One has half of the segment, as of all; of the other the interval holds no difference too.
    assert persona.alike == ("industry", "density")


def test_a_surely_known_but_tiny_difference_is_no_trait():
    levels = LEVELS.frame.query("descriptor == 'density'").assign(difference_low=0.001)
    persona = draft_persona("Loyal", SIZES.frame, PROFILE.frame, descriptors=levels)
    assert persona.role.empty
    assert persona.alike == ("density",)


def test_a_small_segment_is_not_described():
    persona = draft("Tiny")
    assert persona.statements.empty
    assert persona.role.empty
    assert read_texts(state("Tiny")) == [
        "Not described: the segment has fewer than 5 customers, or would tell of so few."
    ]


def test_a_segment_that_would_tell_of_a_small_one_is_not_described_either():
    counts = pd.DataFrame(
        {"segment_name": ["Loyal", "Tiny", "Small"], "customer_count": [1200, 40, 3]}
    )
    shown = publish(counts, sizes.SIZES)
    persona = draft_persona("Tiny", shown.frame, PROFILE.frame, descriptors=LEVELS.frame)
    told = personas.state_persona(persona, shown, PROFILE, levels=LEVELS)
    assert read_texts(told) == [
        "Not described: the segment has fewer than 5 customers, or would tell of so few."
    ]


def test_every_sentence_about_customers_carries_its_count():
    told = state("Loyal")
    assert [text.replace(THIN_SPACE, " ") for text in read_texts(told)] == [
        "1 200 customers, 60.0% of all, with 80.0% of the net spend, all time.",
        "More often than all customers: aged 55-64 (20.0%, against 15.0% of all, n = 240); in the "
        "country FI (50.0%, against 20.0% of all, n = 600).",
        "Less often than all customers: of customer type business (5.0%, against 10.0% of all, "
        "n = 60).",
        "No different from all customers in industry and kind of place.",
        "Orders: 9.25 on average, against 4.00 (n = 1 200).",
        "Days since the last order: 20.00 on average, against 140 (n = 1 200).",
    ]
    assert [finding.count for finding in told] == [1200, 240, 60, None, 1200, 1200]


def test_the_first_segment_is_the_first_of_the_sizes():
    assert personas.choose_first(SIZES) == "Loyal"


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
    table = publish(collect_descriptors(customers, segments), descriptors.LEVELS).frame
    assert set(table["descriptor"]) == {"country", "has_loyalty_card"}
    card = table[table["descriptor"] == "has_loyalty_card"].set_index(["segment_name", "value"])
    assert pd.isna(card.loc[("Loyal", "False"), "customer_count"]), "four customers are hidden"
    persona = draft_persona("Loyal", SIZES.frame, PROFILE.frame.iloc[:0], descriptors=table)
    assert persona.role.iloc[0][["feature", "value", "figure"]].tolist() == ["country", "FI", 1.0]


def test_customers_without_descriptors_give_empty_tables():
    customers = pd.DataFrame({"customer_id": list("abcdefgh"), "wish_count": range(8)})
    segments = customers[["customer_id"]].assign(segment=[0] * 4 + [1] * 4, segment_name="All")
    levels = judge_levels(collect_descriptors(customers, segments), made_by=["wish_count"])
    assert rank_descriptors(levels).empty
    shown = publish(levels, descriptors.LEVELS)
    assert descriptors.list_levels(shown, count=3).empty
    assert descriptors.choose_first(publish(rank_descriptors(levels), descriptors.RANKED)) == ""


def test_an_unknown_segment_is_refused_with_the_nearest_name():
    with pytest.raises(SegkitError, match="Did you mean 'Loyal'"):
        draft("Loyals")


def test_where_no_sizes_are_shown_the_reason_is_told_instead_of_a_persona():
    reason = "It could not be made sure that nothing hidden is told."
    left_out = publish(empty_table(list(SIZES.frame), reason), sizes.SIZES)
    first = personas.choose_first(left_out)
    persona = draft_persona(first, left_out.frame, PROFILE.frame, descriptors=PROFILE.frame)
    told = personas.state_persona(persona, left_out, PROFILE, levels=PROFILE)
    assert persona.title == "Persona"
    assert read_texts(told) == [reason]
