"""What is said of rules, of the quiz and of outlines, and what is hidden in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.core.absence import empty_table
from segkit.profiles.descriptors import find_source
from segkit.profiles.quiz import BY_ALL_COLUMNS, BY_QUIZ, WANTED
from segkit.report import reach, separation
from segkit.validation.reach import BY_GUESSING, BY_RULES, tabulate_accuracies
from segkit.validation.separation import INSIDE, OUTSIDE, project_segments


def make_placed(*counts: int):
    table = pd.DataFrame({"segment_name": ["A", "B", "C"], "customer_count": counts})
    table = table.assign(tested_count=counts, segment_count=counts, recall=[0.9, 0.5, 0.7])
    table = table.assign(recall_low=[0.8, 0.33, 0.48], recall_high=[0.96, 0.67, 0.86])
    return publish(table, reach.PLACED)


def make_accuracies(low: float = 0.6, *, largest_count: int = 60):
    accuracies = {BY_RULES: (0.7, low, 0.8), BY_GUESSING: (largest_count / 100, None, None)}
    table = tabulate_accuracies(accuracies, customer_count=100, largest_count=largest_count)
    return publish(table, reach.ACCURACIES)


def test_rules_are_told_with_the_segment_that_is_hardest_to_find():
    told = reach.state_reach(make_placed(50, 30, 20), make_accuracies(largest_count=50), by="age")
    assert read_texts(told) == [
        "By age, a few plain rules place 70.0% of unseen customers in their segment (95% interval "
        "60.0% to 80.0%); naming the largest segment for everybody places 50.0%.",
        "By age, hardest to find is B: 50.0% of its customers are placed there (95% interval 33.0% "
        "to 67.0%, 30 customers tested).",
    ]
    assert [finding.count for finding in told] == [100, 30]


def test_rules_whose_interval_reaches_down_to_guessing_tell_nothing_apart():
    told = reach.state_reach(make_placed(60, 30, 10), make_accuracies(low=0.6), by="age")
    assert read_texts(told)[1] == (
        "That is no better than guessing: by age they cannot be told apart."
    )


def test_a_small_segment_is_not_the_hardest_to_find_and_guessing_does_not_tell_of_it():
    # Of 100 customers 97 are in A: the share of the largest segment would tell of the other three.
    placed = publish(
        pd.DataFrame(
            {"segment_name": ["A", "B"], "customer_count": [97, 3], "recall": [0.9, 0.1]}
        ).assign(tested_count=[97, 3], segment_count=[97, 3]),
        reach.PLACED,
    )
    told = reach.state_reach(placed, make_accuracies(largest_count=97), by="age")
    assert len(told) == 1
    assert told[0].text.endswith("(95% interval 60.0% to 80.0%).")


def test_without_a_test_the_reason_is_told():
    placed = publish(empty_table(["segment_name"], "There is only one segment."), reach.PLACED)
    told = reach.state_reach(placed, make_accuracies(), by="age")
    assert read_texts(told) == ["There is only one segment."]


def test_a_rule_for_a_small_segment_shows_its_name_alone():
    rules = pd.DataFrame(
        {
            "rule_number": [1, 2, 3],
            "segment": [1, 1, 2],
            "segment_name": ["A", "A", "B"],
            "rule": ["few orders", "some orders", "total spend over 9 000"],
            "customer_count": [60, 34, 6],
            "hit_share": [1.0, 1.0, None],
            "segment_count": [97, 97, 3],
        }
    )
    shown = publish(rules, reach.RULES).frame
    assert shown["segment_name"].tolist() == ["A", "A", "B"]
    assert shown["rule"].isna().tolist() == [False, False, True]
    assert shown["customer_count"].isna().tolist() == [False, False, True]


def tell_quiz(*questions: str, reaches_wanted: bool = True) -> list[str]:
    accuracies = tabulate_accuracies(
        {
            BY_QUIZ: (0.8, 0.75, 0.85),
            BY_ALL_COLUMNS: (0.9, None, None),
            WANTED: (0.78, None, None),
            BY_GUESSING: (0.5, None, None),
        },
        customer_count=100,
        largest_count=50,
    )
    sources = [find_source(name, base="needs") for name in questions]
    asked = pd.DataFrame({"question": questions, "answered_by": sources})
    asked = publish(asked, reach.QUESTIONS)
    accuracies = publish(accuracies, reach.ACCURACIES)
    return read_texts(reach.state_quiz(accuracies, asked, reaches_wanted=reaches_wanted))


def test_the_quiz_is_told_by_its_questions_and_what_all_columns_place():
    assert tell_quiz("order_count", "age") == [
        "2 questions (orders and “age”) place 80.0% of unseen customers in their segment (95% "
        "interval 75.0% to 85.0%); all columns place 90.0%, guessing 50.0%.",
        "Wanted was 78.0%: fewer questions do not reach it.",
        "Anybody can tell “age”; orders is read from what a customer did before, so that the quiz "
        "places customers and no newcomers.",
    ]
    one = tell_quiz("age", reaches_wanted=False)
    assert one[0].startswith("1 question (“age”) places 80.0%")
    assert one[1] == "Wanted was 78.0%: no quiz this short reaches it."


def test_a_quiz_of_what_anybody_knows_places_newcomers_and_one_of_orders_does_not():
    assert tell_quiz("age_band", "motive_sun")[-1] == (
        "Anybody can answer, so that newcomers can be placed too."
    )
    told = tell_quiz("recency_days", "total_spend", "open_share")[-1]
    assert told.endswith("the quiz places customers, not newcomers.")
    assert find_source("milk_spend", base="behavioural") == "customers"
    assert find_source("needs_purpose", base="behavioural") == "anybody"


@pytest.fixture(scope="module")
def apart():
    rng = np.random.default_rng(3)
    labels = np.repeat([1, 2, 3], [40, 30, 12])
    customers = pd.DataFrame({"customer_id": [f"c{n}" for n in range(82)]})
    customers["orders"] = labels * 5 + rng.normal(size=82)
    customers["spend"] = rng.normal(size=82)
    segments = customers[["customer_id"]].assign(segment=labels)
    segments["segment_name"] = "S" + segments["segment"].astype(str)
    return project_segments(customers, segments, columns=["orders", "spend"])


def test_an_outline_of_few_customers_is_not_drawn_and_its_overlap_not_told(apart):
    outlines = publish(apart.outlines, separation.OUTLINES, smallest_cell=7)
    seen = outlines.frame.dropna(subset=["x", "y"])
    assert set(seen["segment_name"]) == {"S1", "S2"}  # half of twelve is six
    counted = apart.overlaps.assign(segment_count=30)
    overlaps = publish(counted, separation.OVERLAPS, smallest_cell=7)
    hidden = overlaps.frame.set_index("segment_name").loc["S3"]
    assert hidden[["customer_count", "share"]].isna().all().all()
    centres = publish(apart.centres, separation.CENTRES, smallest_cell=7)
    axes = publish(apart.axes, separation.AXES)
    ax = separation.plot_separation(outlines, centres=centres, overlaps=overlaps, axes=axes)
    assert "Outlines of 2 segments" in ax.figure._segkit_alt
    assert "S3" not in ax.figure._segkit_alt


def state_separation(rows: list[tuple[str, float]], *, interval: bool = False) -> list[str]:
    table = pd.DataFrame(
        [
            (name, place, round(100 * share), share, 100, 50)
            for name, inside in rows
            for place, share in ((INSIDE, inside), (OUTSIDE, 1 - inside))
        ],
        columns=[
            "segment_name",
            "place",
            "customer_count",
            "share",
            "segment_count",
            "inner_count",
        ],
    )
    if interval:
        table = table.assign(share_low=table["share"] - 0.05, share_high=table["share"] + 0.05)
    axes = pd.DataFrame({"axis": ["x", "y"], "explained_share": [0.5, 0.2], "columns": ["a", "b"]})
    axes = publish(axes, separation.AXES)
    return read_texts(separation.state_separation(axes, publish(table, separation.OVERLAPS)))


def test_the_segment_that_lies_most_apart_is_told_beside_the_one_that_lies_least():
    assert state_separation([("A", 0.1), ("B", 0.5), ("C", 0.3)]) == [
        "The two axes show 70.0% of all differences between customers.",
        "On them most apart: A, with 10.0% of the customers within another segment's outline "
        "(n = 100); least: B, with 50.0% (n = 100).",
    ]
    assert len(state_separation([("A", 0.1)])) == 1


def test_segments_that_lie_apart_are_told_with_their_intervals():
    assert state_separation([("A", 0.1), ("B", 0.5)], interval=True)[1] == (
        "On them most apart: A, with 10.0% of the customers within another segment's outline (95% "
        "interval 5.0% to 15.0%, n = 100); least: B, with 50.0% (95% interval 45.0% to 55.0%, "
        "n = 100)."
    )


def test_segments_that_share_an_end_are_all_named_and_where_all_are_alike_none_is():
    assert state_separation([("A", 0.0), ("B", 0.5), ("C", 0.0)])[1] == (
        "On them most apart: A and C, with 0.0% of the customers within another segment's outline "
        "(n = 200); least: B, with 50.0% (n = 100)."
    )
    assert state_separation([("A", 0.0), ("B", 0.0)])[1] == (
        "On them all segments lie alike: of each, 0.0% of the customers are within another "
        "segment's outline."
    )


def test_the_interval_of_what_lies_apart_stands_apart_from_its_count():
    rows = [
        (name, place, round(100 * share), share, 100, 50)
        for name, inside in (("A", 0.1), ("B", 0.5))
        for place, share in ((INSIDE, inside), (OUTSIDE, 1 - inside))
    ]
    columns = ["segment_name", "place", "customer_count", "share", "segment_count", "inner_count"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.assign(share_low=table["share"] - 0.05, share_high=table["share"] + 0.05)
    axes = pd.DataFrame({"axis": ["x", "y"], "explained_share": [0.5, 0.2], "label": ["a", "b"]})
    overlaps = publish(table, separation.OVERLAPS)
    told = read_texts(separation.state_separation(publish(axes, separation.AXES), overlaps))[1]
    assert "(95% interval 5.0% to 15.0%, n = 100)" in told
