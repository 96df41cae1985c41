"""Sizes, profiles and descriptors of segments, worked out by hand."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from demo_report import capture_displays
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from published import publish, read_texts

from segkit.core.absence import ALL_HIDDEN, empty_table
from segkit.core.audit import TOO_LARGE
from segkit.core.errors import SegkitError
from segkit.core.hiding import hide_counts
from segkit.core.privacy import Published, explain_hidden
from segkit.profiles.crossed_schemes import cross_all_schemes
from segkit.profiles.descriptors import count_descriptor, list_descriptors
from segkit.profiles.differences import rank_descriptors
from segkit.profiles.segment_profiles import profile_segments
from segkit.profiles.sizes import size_segments
from segkit.report import choice, descriptors, differences, sizes
from segkit.report.shared.numbers import THIN_SPACE
from segkit.report.shared.segment_counts import add_segment_counts
from segkit.report.shared.tables import build_table, lay_out_view, show_table


@pytest.fixture
def customers() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": list("abcdef"),
            "recency_days": [1.0, 3, 10, 20, np.nan, 60],
            "total_spend": [50.0, 30, 10, 6, -6, 10],
        }
    )


@pytest.fixture
def segments() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "customer_id": list("fedcba"),  # any order
            "segment": [2, 2, 2, 2, 1, 1],
            "segment_name": ["Rest"] * 4 + ["Top"] * 2,
        }
    )


def test_sizes_and_values_add_up(customers, segments):
    sizes = size_segments(customers, segments).set_index("segment_name")
    assert sizes.index.tolist() == ["Top", "Rest"]
    assert sizes["customer_count"].tolist() == [2, 4]
    assert sizes["customer_share"].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert sizes["total_spend"].tolist() == [80, 20]
    assert sizes["spend_share"].tolist() == [0.8, 0.2]
    assert sizes["mean_spend"].tolist() == [40, 5]
    assert sizes["median_recency_days"].tolist() == [2, 20]  # of 10, 20 and 60


def test_the_mean_order_value_of_a_segment_is_its_sales_over_its_orders(customers, segments):
    orders = {
        "order_count": [1, 3, 2, 0, 0, 8],
        "mean_order_value": [10.0, 2, 5, np.nan, np.nan, 1],
    }
    sizes = size_segments(customers.assign(**orders), segments).set_index("segment_name")
    # 16 over 4 orders, where the mean of the means is 6; 18 over 10 orders.
    assert sizes["mean_order_value"].tolist() == [4, 1.8]


def test_a_profile_compares_with_all_customers(customers, segments):
    profile = profile_segments(customers, segments).set_index(["segment_name", "feature"])
    top = profile.loc[("Top", "total_spend")]
    # Base: 100 / 6 = 16.67; standard deviation of 50 30 10 6 -6 10 about it is 18.28.
    assert top["base_mean"] == pytest.approx(100 / 6)
    assert top["index"] == pytest.approx(240)
    sd = np.std([50, 30, 10, 6, -6, 10])
    assert top["difference_sd"] == pytest.approx((40 - 100 / 6) / sd)
    assert top["unit"] == "currency"
    assert profile.loc[("Rest", "recency_days"), "known_count"] == 3


def test_a_customer_without_a_segment_is_left_out(customers, segments):
    sizes = size_segments(customers, segments[segments["customer_id"] != "a"])
    assert sizes["customer_count"].sum() == 5


def make_people(counts: dict[tuple[str, str], int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    rows = [key for key, count in counts.items() for _ in range(count)]
    people = pd.DataFrame(rows, columns=["segment_name", "country"])
    people["customer_id"] = [f"c{i:03}" for i in range(len(people))]
    people["segment"] = people["segment_name"].map({"A": 1, "B": 2})
    return people[["customer_id", "country"]], people[["customer_id", "segment", "segment_name"]]


def test_small_cells_and_what_gives_them_away_are_hidden():
    # 3 is small; from A's sum of 33 it follows unless 10 is hidden too, likewise in B.
    counts = {
        ("A", "FI"): 20, ("A", "SE"): 10, ("A", "EE"): 3,
        ("B", "FI"): 40, ("B", "SE"): 30, ("B", "EE"): 20,
    }  # fmt: skip
    counted = count_descriptor(*make_people(counts), "country", smallest_cell=5)
    table = publish(counted.assign(descriptor="country"), descriptors.LEVELS).frame
    shown = table.set_index(["segment_name", "value"])["customer_count"]
    assert shown[("A", "FI")] == 20
    assert shown[("B", "FI")] == 40
    hidden = shown[shown.isna()].index
    assert set(hidden) == {("A", "EE"), ("A", "SE"), ("B", "EE"), ("B", "SE")}
    assert table.loc[table["is_hidden"], ["share", "index", "base_share"]].isna().all().all()
    row = table.set_index(["segment_name", "value"]).loc[("A", "FI")]
    assert row["share"] == pytest.approx(20 / 33)
    assert row["base_share"] == pytest.approx(60 / 123)


def test_nothing_is_shown_of_a_segment_or_of_a_level_of_too_few_customers():
    # B has three customers, all in FI: that nobody of B is in SE would tell of them.
    counts = {("A", "FI"): 20, ("A", "SE"): 30, ("B", "FI"): 3}
    counted = count_descriptor(*make_people(counts), "country", smallest_cell=5)
    table = publish(counted.assign(descriptor="country"), descriptors.LEVELS).frame
    table = table.set_index(["segment_name", "value"])
    figures = ["customer_count", "segment_count", "share", "base_share", "index", "residual"]
    assert table.loc["B", figures].isna().all().all()
    # Nor of a segment whose size is hidden, since it would tell of a small one.
    counts = {("A", "FI"): 60, ("A", "SE"): 40, ("B", "FI"): 20, ("B", "SE"): 20}
    counted = count_descriptor(*make_people(counts), "country", smallest_cell=5)
    named = pd.DataFrame({"segment_name": ["A", "B", "C"], "customer_count": [100, 40, 3]})
    counted = add_segment_counts(counted, publish(named, sizes.SIZES))
    table = publish(counted.assign(descriptor="country"), descriptors.LEVELS).frame
    table = table.set_index(["segment_name", "value"])
    assert table.loc["B", figures].isna().all().all()
    assert table.loc["B", "note"].tolist() == [explain_hidden(5)] * 2
    assert table.loc[("A", "FI"), "customer_count"] == 60
    # Three customers of "other" may not be told by its share among all, which other rows carry.
    counts = {("A", "FI"): 20, ("A", "AQ"): 3, ("B", "FI"): 30}
    counted = count_descriptor(*make_people(counts), "country", smallest_cell=5)
    table = publish(counted.assign(descriptor="country"), descriptors.LEVELS).frame
    assert table.loc[table["value"] == "other", ["customer_count", "base_share"]].isna().all().all()


def test_missing_values_are_unknown_and_rare_ones_are_pooled():
    people, segments = make_people({("A", "FI"): 20, ("B", "FI"): 20, ("B", "AQ"): 2})
    people.loc[:9, "country"] = None
    table = count_descriptor(people, segments, "country", smallest_cell=5)
    assert sorted(table["value"].unique()) == ["FI", "other", "unknown"]


@given(
    arrays(np.int64, st.tuples(st.integers(1, 5), st.integers(1, 5)), elements=st.integers(0, 12))
)
def test_no_hidden_cell_can_be_found_by_subtraction(counts):
    places = np.arange(counts.size).reshape(counts.shape)
    own = counts.ravel().astype(float)
    small = (own > 0) & (own < 5)
    hidden = hide_counts(own, small, [*places.T, *places], smallest_cell=5).reshape(counts.shape)
    assert not ((~hidden) & (counts > 0) & (counts < 5)).any()
    for lines, values in ((hidden, counts), (hidden.T, counts.T)):
        for line, count in zip(lines, values, strict=True):
            others_shown = (~line & (count > 0)).any()
            assert not (line.sum() == 1 and others_shown)


def make_placements(tiers: list[str], rfm: list[str]) -> pd.DataFrame:
    """Return who is where in two schemes, a row a customer and scheme."""
    ids = [f"c{place}" for place in range(len(tiers))]
    placed = [("tiers", tiers), ("rfm", rfm)]
    return pd.concat(
        pd.DataFrame({"customer_id": ids, "scheme": scheme, "segment": list(segments)})
        for scheme, segments in placed
    )


def test_schemes_are_crossed():
    both = make_placements(list("ttll"), ["x", "x", "x", "y"])
    table = cross_all_schemes(both, "rfm")
    assert table.to_numpy().tolist() == [
        ["tiers", "l", "x", 1],
        ["tiers", "l", "y", 1],
        ["tiers", "t", "x", 2],
        ["tiers", "t", "y", 0],
    ]
    assert cross_all_schemes(both[both["scheme"] == "rfm"], "rfm").empty
    with pytest.raises(SegkitError, match="Did you mean 'tiers'"):
        cross_all_schemes(both, "tier")


def test_a_pair_of_segments_with_few_customers_cannot_be_found_from_its_row_or_column():
    pairs = {("t", "x"): 30, ("t", "y"): 3, ("l", "x"): 20, ("l", "y"): 40, ("m", "y"): 50}
    rows = [pair for pair, count in pairs.items() for _ in range(count)]
    both = make_placements(*zip(*rows, strict=True))
    crossed = publish(cross_all_schemes(both, "rfm"), choice.CROSSED)
    hidden = crossed.frame["customer_count"].isna()
    places = crossed.frame[hidden][["other_segment", "segment"]].to_numpy().tolist()
    assert sorted(places) == [["l", "x"], ["l", "y"], ["t", "x"], ["t", "y"]]
    grid = choice.lay_out_crossed(crossed)
    assert grid.frame.columns.tolist() == ["other_scheme", "other_segment", "x", "y"]
    assert grid.frame["y"].isna().tolist() == [True, False, True]
    assert grid.frame.loc[1, ["x", "y"]].tolist() == [0, 50]
    outputs = []
    with capture_displays(outputs):
        show_table(grid, caption="Crossed")
    markup = outputs[0].data["text/html"]
    assert re.findall(r">(–|\d+)<", markup) == ["–", "–", "0", "50", "–", "–"]


def test_a_grid_of_which_all_is_hidden_still_names_its_segments():
    both = make_placements(list("ttll"), ["x", "x", "x", "y"])
    grid = choice.lay_out_crossed(publish(cross_all_schemes(both, "rfm"), choice.CROSSED))
    outputs = []
    with capture_displays(outputs):
        show_table(grid, caption="Crossed")
    markup = outputs[0].data["text/html"]
    assert ">x</th>" in markup
    assert ">y</th>" in markup


def test_a_column_that_is_not_there_is_named(customers, segments):
    with pytest.raises(SegkitError, match="no column 'total_spent'"):
        profile_segments(customers, segments, columns=["total_spent"])
    with pytest.raises(SegkitError, match="lacks segment_name"):
        size_segments(customers, segments.drop(columns="segment_name"))


class TestSentences:
    """What the findings say, on tables made by hand."""

    @pytest.fixture
    def profile(self) -> Published:
        table = pd.DataFrame(
            {
                "segment": [1, 1, 2, 2],
                "segment_name": ["Top", "Top", "Rest", "Rest"],
                "feature": ["age_years", "visit_count", "age_years", "visit_count"],
                "known_count": [1500, 1500, 500, 500],
                "segment_count": [1500, 1500, 500, 500],
                "base_count": 2000,
                "difference_sd": [0.9, -1.2, -0.1, 0.3],
                "effect_size": [1.0, -1.5, -0.1, 0.4],
                "effect_low": [0.8, -1.75, -0.3, 0.1],
                "effect_high": [1.2, -1.25, 0.1, 0.7],
                "p_value": [0.001, 0.0001, 0.6, 0.04],
                "set_apart": [True, True, False, False],
            }
        )
        return publish(table, differences.PROFILE)

    def test_the_largest_difference_that_holds_is_told_of_each_segment(self, profile):
        told = differences.state_differences(profile)
        assert read_texts(told) == [
            "Of 4 comparisons of a segment with all other customers, in columns that did not make "
            "the segments, 2 hold after the correction for so many.",
            "Top: fewer visits, by 1.5 standard deviations against other customers (95% interval "
            "of the difference 1.25 to 1.75).",
            "Nothing but what made it sets apart: Rest.",
        ]
        assert told[1].count == 1500
        assert told[1].figures[0].value == 1.5

    def test_where_nothing_can_be_compared_that_is_said(self, profile):
        made = profile.frame.assign(p_value=np.nan, set_apart=False)
        told = differences.state_differences(publish(made, differences.PROFILE))
        assert read_texts(told) == ["No column but those that made the segments can be compared."]

    def test_a_hidden_segment_is_neither_compared_nor_named(self, profile):
        few = profile.frame.assign(known_count=[1500, 1500, 3, 3])
        told = read_texts(differences.state_differences(publish(few, differences.PROFILE)))
        assert told == [ALL_HIDDEN]

    def test_where_the_sizes_are_left_out_their_reason_is_told_and_not_that_nothing_is_there(
        self, profile
    ):
        left_out = publish(empty_table(["segment_name", "customer_count"], TOO_LARGE), sizes.SIZES)
        hidden = profile.frame.assign(segment_count=np.nan, by_construction=False)
        hidden = hidden.assign(unit="", mean=1.0, base_mean=1.0)
        hidden = publish(hidden, differences.PROFILE)
        told = read_texts(differences.state_differences(hidden, left_out))
        assert told == [TOO_LARGE]
        assert sizes.list_headline(left_out) == {}, "no segments are not nought segments"
        listed = differences.list_differences(hidden, count=3)
        assert listed.reason == ALL_HIDDEN
        assert ALL_HIDDEN in build_table(listed.frame, caption="Differences")

    def make_sizes(self, *counts: int) -> Published:
        table = pd.DataFrame({"segment_name": ["Top", "Rest"], "customer_count": counts})
        table["customer_share"] = table["customer_count"] / sum(counts)
        return publish(table.assign(spend_share=[0.5, 0.5]), sizes.SIZES)

    def test_a_segment_is_told_by_its_size_and_what_lies_furthest_from_all(self, profile):
        shown = self.make_sizes(1500, 500)
        told = sizes.state_segments(shown, profile)
        assert told[0].text == (
            "Top: 75.0% of customers, 50.0% of net spend, all time; fewer visits and older."
        )
        assert told[0].count == 1500
        assert told[1].text.endswith("; more visits.")  # a tenth is like everybody
        assert sizes.list_segments(shown, profile)[0] == {
            "segment_name": "Top",
            "customer_count": 1500,
            "customer_share": 0.75,
            "spend_share": 0.5,
            "set_apart_by": "fewer visits and older",
            "period": "all time to 2026-03-31",
        }
        headline = sizes.list_headline(shown)
        assert {label: found.text for label, found in headline.items()} == {
            "Segments": "2",
            "Largest segment": "75.0%",
        }

    def test_the_intervals_of_sizes_are_written_and_those_of_hidden_segments_are_not(self):
        table = pd.DataFrame({"segment_name": ["A", "B", "C"], "customer_count": [60, 40, 3]})
        table = table.assign(customer_share=[0.58, 0.39, 0.03], mean_spend=1500.0)
        table = table.assign(customer_share_low=0.1, customer_share_high=0.2)
        table = table.assign(mean_spend_low=999.0, mean_spend_high=2000.0)
        shown = lay_out_view(publish(table, sizes.SIZES))["table"]
        assert shown["share_interval"].tolist() == ["10.0% to 20.0%", "", ""]
        assert shown["mean_interval"].tolist() == [f"999.00 to 2{THIN_SPACE}000", "", ""]

    def test_a_segment_that_may_not_be_seen_is_named_and_nothing_more(self, profile):
        shown = self.make_sizes(2000, 3)
        assert sizes.state_segments(shown, profile) == []
        first, other = sizes.list_segments(shown, profile)
        assert first["customer_count"] is first["spend_share"] is None
        assert other["segment_name"] == "Rest"
        assert sizes.list_headline(shown)["Largest segment"].text == "–"

    def test_the_differences_are_listed_with_what_may_be_concluded(self, profile):
        table = profile.frame.assign(unit="years", mean=12.34, base_mean=1500.0)
        table = table.assign(by_construction=[False, True, False, False])
        listed = differences.list_differences(publish(table, differences.PROFILE), count=1).frame
        assert listed["feature"].tolist() == ["visit_count", "visit_count"]
        assert listed["mean_text"].tolist() == ["12.3", "12.3"]
        assert listed["base_text"].tolist() == [f"1{THIN_SPACE}500"] * 2
        assert listed["interval"].tolist() == ["−1.75 to −1.25", "0.10 to 0.70"]
        assert listed["evidence"].tolist() == [differences.MADE, differences.CHANCE]

    def test_the_strongest_descriptor_is_told_and_none_where_all_made_the_segments(self):
        levels = pd.DataFrame(
            {
                "descriptor": ["home_country"] * 4,
                "segment": [1, 1, 2, 2],
                "value": ["FI", "SE"] * 2,
                "base_count": 2000,
                # Shares .6 and .4 against .4 and .6: the residuals are +-100 / sqrt(500), V is .2.
                "residual": np.array([1, -1, -1, 1]) * 100 / np.sqrt(500),
                "by_construction": False,
                "set_apart": True,
            }
        )
        ranked = publish(rank_descriptors(levels), descriptors.RANKED)
        published = publish(
            levels.assign(
                segment_name="A",
                customer_count=90,
                value_count=90,
                segment_count=90,
                by_construction=True,
            ),
            descriptors.LEVELS,
        )
        assert read_texts(descriptors.state_descriptors(ranked, published)) == [
            "“home country” goes furthest with the segments (Cramer's V 0.20); over all "
            "descriptors 4 differences hold after the correction."
        ]
        made = rank_descriptors(levels.assign(by_construction=True))
        told = descriptors.state_descriptors(publish(made, descriptors.RANKED), published)
        assert read_texts(told) == ["There is no descriptor that did not make the segments."]

    def test_descriptors_that_are_hidden_are_not_said_to_be_none(self):
        levels = pd.DataFrame({"descriptor": ["home_country"] * 4, "segment": [1, 1, 2, 2]})
        levels = levels.assign(segment_name=["A", "A", "B", "B"], value=["FI", "SE"] * 2)
        levels = levels.assign(customer_count=40, value_count=80, base_count=160)
        levels = levels.assign(segment_count=np.nan, residual=1.0, set_apart=True)
        levels = levels.assign(by_construction=False, difference_low=0.1, difference_high=0.2)
        hidden = publish(levels.assign(difference=0.1, p_value=0.01), descriptors.LEVELS)
        none = publish(rank_descriptors(hidden.frame), descriptors.RANKED)
        assert read_texts(descriptors.state_descriptors(none, hidden)) == [ALL_HIDDEN]
        left_out = publish(empty_table(["segment_name", "customer_count"], TOO_LARGE), sizes.SIZES)
        told = descriptors.state_descriptors(none, hidden, left_out)
        assert read_texts(told) == [TOO_LARGE]
        columns = [*hidden.frame.columns, "share", "base_share", "adjusted_p_value"]
        levels = publish(empty_table(columns, TOO_LARGE), descriptors.LEVELS)
        assert read_texts(descriptors.state_descriptors(none, levels)) == [TOO_LARGE]
        assert descriptors.list_levels(levels, count=5).reason == TOO_LARGE

    def test_unusual_values_are_counted_by_column_and_few_are_hidden(self):
        counted = pd.DataFrame(
            {
                "column": ["b", "a"],
                "customer_count": 100,
                "missing_count": [3, 0],
                "new_count": [0, 20],
            }
        )
        shown = publish(sizes.list_unusual(counted), sizes.UNUSUAL)
        wide = sizes.spread_unusual(shown).frame
        assert wide["column"].tolist() == ["b", "a"]
        assert wide["customer_count"].tolist() == [100, 100]
        assert wide["missing_count"].fillna(-1).tolist() == [-1, 0]
        assert wide["new_count"].tolist() == [0, 20]


def test_a_category_describes_up_to_forty_values():
    names = [f"country {place}" for place in range(41)]
    people = pd.DataFrame({"customer_id": names, "many": names, "some": [*names[:40], names[0]]})
    assert list_descriptors(people) == ["some"]
