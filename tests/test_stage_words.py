"""A segment that is named like a journey stage says how far the two agree."""

from __future__ import annotations

import pandas as pd
import pytest
from published import publish, read_texts

from segkit.profiles.crossed_schemes import cross_stages
from segkit.report import journey, sizes
from segkit.report.shared.segment_counts import add_segment_counts


def tell(counts: dict[str, dict[str, int]], *, smallest_cell: int = 5) -> list[str]:
    """Return what is said of segments with so many customers by stage."""
    rows = [
        (segment, stage)
        for segment, stages in counts.items()
        for stage, count in stages.items()
        for _ in range(count)
    ]
    people = pd.DataFrame(rows, columns=["segment_name", "journey_stage"])
    people["customer_id"] = [f"c{n}" for n in range(len(people))]
    segments = people[["customer_id", "segment_name"]]
    customers = people[["customer_id", "journey_stage"]]
    shares = people["segment_name"].value_counts().rename("customer_count").reset_index()
    shown = publish(shares, sizes.SIZES, smallest_cell=smallest_cell)
    crossed = add_segment_counts(cross_stages(customers, segments), shown)
    told = publish(crossed, journey.STAGES_OF_SEGMENTS, smallest_cell=smallest_cell)
    return read_texts(journey.state_stage_words(told))


def test_lost_customers_who_are_at_risk_by_stage_are_told():
    told = tell({"Lost": {"at risk": 53, "lapsed": 47}, "Champions": {"loyal": 60, "active": 40}})
    assert told == [
        "“Lost” is a name by this scheme's rules, and the journey stages have rules of their own: "
        "of its 100 customers are 47.0% in “lapsed” and 53.0% in “at risk”."
    ]


def test_loyal_customers_of_whom_few_are_loyal_by_stage_are_told():
    (told,) = tell({"Loyal": {"loyal": 30, "active": 70}, "Other": {"loyal": 50, "active": 50}})
    assert "30.0% in “loyal” and 70.0% in “active”" in told


def test_two_stages_in_one_name_are_both_told():
    (told,) = tell({"New": {"active": 60}})
    assert "none in “new” and 100.0% in “active”" in told
    (told,) = tell({"At risk or lost": {"at risk": 40, "lapsed": 30, "active": 30}})
    assert "40.0% in “at risk”, 30.0% in “lapsed” and 30.0% in “active”" in told


@pytest.mark.parametrize(
    "counts",
    [{"Lost": {"lapsed": 95, "at risk": 5}}, {"Big baskets": {"lapsed": 50, "at risk": 50}}],
)
def test_where_the_name_and_the_stage_agree_or_it_is_no_stage_nothing_is_said(counts):
    assert tell(counts) == []


def test_few_customers_are_not_told_by_it():
    assert tell({"Lost": {"lapsed": 3, "at risk": 60}, "Other": {"lapsed": 3, "at risk": 60}}) == []


def test_without_stages_there_is_nothing_to_cross():
    nothing = cross_stages(pd.DataFrame({"customer_id": ["a"]}), pd.DataFrame())
    assert journey.state_stage_words(publish(nothing, journey.STAGES_OF_SEGMENTS)) == []
