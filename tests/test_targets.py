"""The target-selection matrix, scored by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.action.targeting import collect_measures, list_measures, rate_targets
from segkit.core.errors import SegkitError
from segkit.plan.models import Criteria
from segkit.report import targeting


@pytest.fixture
def segments() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "segment_name": ["Many", "Rich", "Lost"],
            "customer_share": [0.5, 0.3, 0.2],
            "value_share": [0.3, 0.6, 0.1],
            "mean_value": [30.0, 100.0, -5.0],
            "stability": [0.9, 0.6, 0.45],
            "reach": [0.5, 1.0, np.nan],
        }
    )


def test_scores_are_weighted_means_of_parts_of_the_best(segments):
    found = rate_targets(segments, {"value_share": 3, "mean_value": 1}, {"stability": 1})
    # Many: (3 * .5 + .3) / 4 and 1; Rich: 1 and 2 / 3; Lost: (3 / 6 + 0) / 4, below 0 is 0.
    assert found["segment_name"].tolist() == ["Rich", "Many", "Lost"]
    assert found["attractiveness"].tolist() == pytest.approx([1, 0.45, 0.125])
    assert found["fit"].tolist() == pytest.approx([2 / 3, 1, 0.5])
    assert found["customer_share"].tolist() == [0.3, 0.5, 0.2]
    assert list_measures(segments, {"value_share": 3, "mean_value": 1}) == [
        "value_share",
        "mean_value",
    ]


def test_the_plan_s_weights_decide_who_comes_first(segments):
    many = rate_targets(segments, {"customer_share": 1}, {"stability": 1})
    assert many["segment_name"][0] == "Many"
    default = Criteria()
    found = rate_targets(segments, default.attractiveness, default.fit)
    assert found[["attractiveness", "fit"]].to_numpy().min() >= 0
    assert found[["attractiveness", "fit"]].to_numpy().max() <= 1


def test_what_is_not_known_counts_as_nothing_at_least_and_as_the_best_at_most(segments):
    weights = {"stability": 1, "reach": 1, "consent_share": 5}
    found = rate_targets(segments, {"value_share": 1}, weights).set_index("segment_name")
    # Consent is known of nobody, and of Lost neither is reach.
    assert found["fit"].to_dict() == pytest.approx(
        {"Rich": (2 / 3 + 1) / 7, "Many": (1 + 0.5) / 7, "Lost": 0.5 / 7}
    )
    assert found["fit_high"].to_dict() == pytest.approx(
        {"Rich": (2 / 3 + 1 + 5) / 7, "Many": (1 + 0.5 + 5) / 7, "Lost": (0.5 + 1 + 5) / 7}
    )
    assert found["attractiveness"].equals(found["attractiveness_high"].rename("attractiveness"))
    nobody_asked = segments.assign(consent_share=np.nan)
    unknown = rate_targets(nobody_asked, {"value_share": 1}, {"consent_share": 1})
    assert unknown["fit"].isna().all()
    assert list_measures(nobody_asked, {"consent_share": 1}) == []
    assert unknown["segment_name"].tolist() == ["Rich", "Many", "Lost"]


def test_a_measure_that_is_known_of_nobody_does_not_change_the_order(segments):
    weights = {"stability": 1, "reach": 1}
    without = rate_targets(segments, {"value_share": 1}, weights)
    found = rate_targets(segments, {"value_share": 1}, weights | {"consent_share": 3})
    assert found["segment_name"].tolist() == without["segment_name"].tolist()


def test_a_weight_of_nothing_is_as_if_the_measure_were_not_named(segments):
    found = rate_targets(segments, {"value_share": 1, "mean_value": 0}, {"stability": 1})
    without = rate_targets(segments, {"value_share": 1}, {"stability": 1})
    pd.testing.assert_frame_equal(found, without)
    assert list_measures(segments, {"value_share": 1, "mean_value": 0}) == ["value_share"]


@pytest.mark.parametrize("weights", [{}, {"value_share": 0.0}])
def test_weights_that_add_up_to_nothing_are_refused(segments, weights):
    with pytest.raises(SegkitError, match="the weights of fit add up to nothing"):
        rate_targets(segments, {"value_share": 1}, weights)


def test_where_all_are_worth_nothing_nobody_is_attractive(segments):
    found = rate_targets(segments.assign(mean_value=0.0), {"mean_value": 1}, {"stability": 1})
    assert found["attractiveness"].tolist() == [0, 0, 0]


def test_the_table_given_is_not_changed(segments):
    before = segments.copy()
    rate_targets(segments, {"value_share": 1}, {"stability": 1})
    pd.testing.assert_frame_equal(segments, before)


def test_measures_are_joined_by_name_and_what_is_unknown_is_missing():
    sizes = pd.DataFrame(
        {"segment_name": ["A", "B"], "customer_share": [0.6, 0.4], "spend_share": [0.2, 0.8]}
    ).assign(mean_spend=[1.0, 6.0], other=1)
    ratings = pd.DataFrame({"segment_name": ["B", "A"], "jaccard": [0.7, 0.9]})
    reach = pd.DataFrame({"segment_name": ["A"], "recall": [0.8]})
    consent = pd.DataFrame({"segment_name": ["A", "B"], "consent_share": [None, None]})
    found = collect_measures(sizes, ratings, reach=reach, consent=consent)
    assert found["stability"].tolist() == [0.9, 0.7]
    assert found["value_share"].tolist() == [0.2, 0.8]
    assert found["mean_value"].tolist() == [1, 6]
    assert found["reach"].fillna(-1).tolist() == [0.8, -1]
    assert found["consent_share"].isna().all()
    assert "other" not in found


def test_a_segment_whose_size_is_not_known_is_not_rated():
    sizes = pd.DataFrame(
        {"segment_name": ["A", "B"], "customer_count": [60, None], "customer_share": [0.6, None]}
    ).assign(spend_share=[0.2, None], mean_spend=[1.0, None])
    ratings = pd.DataFrame({"segment_name": ["B", "A"], "jaccard": [0.7, 0.9]})
    reach = pd.DataFrame({"segment_name": ["A"], "recall": [0.8]})
    consent = pd.DataFrame({"segment_name": ["A", "B"], "consent_share": [None, None]})
    found = collect_measures(sizes, ratings, reach=reach, consent=consent)
    assert found["segment_name"].tolist() == ["A"]


class TestSentences:
    """What is said of the matrix."""

    def publish_targets(self, *counts: int):
        table = pd.DataFrame(
            {
                "segment_name": ["Rich", "Many"],
                "customer_count": counts,
                "customer_share": [0.3, 0.7],
                "attractiveness": [1.0, 0.456],
                "fit": [2 / 3, None],
            }
        )
        return publish(table, targeting.TARGETS)

    def test_the_first_segment_is_told_with_the_measures_used(self):
        told = targeting.state_targets(
            self.publish_targets(30, 70), {"attractiveness": ("value_share",), "fit": ()}
        )
        assert read_texts(told) == [
            "Rich comes first: attractiveness 1.00, fit 0.67.",
            "Attractiveness is measured by value share.",
        ]
        assert told[0].count == 30

    def test_what_is_not_known_is_named(self):
        measures = {"attractiveness": ("value_share",), "fit": ()}
        told = targeting.state_targets(
            self.publish_targets(30, 70), measures, unknown=["consent_share"]
        )
        assert read_texts(told)[-1].startswith("Not known of all segments: consent share.")

    def test_without_a_known_fit_it_is_a_dash(self):
        shown = self.publish_targets(30, 70).frame[::-1]
        told = targeting.state_targets(
            publish(shown, targeting.TARGETS), {"attractiveness": (), "fit": ()}
        )
        assert read_texts(told) == ["Many comes first: attractiveness 0.46, fit –."]

    def test_where_two_share_the_first_place_none_comes_first(self):
        shown = self.publish_targets(30, 70).frame.assign(attractiveness=0.5, fit=0.5)
        told = targeting.state_targets(
            publish(shown, targeting.TARGETS), {"attractiveness": (), "fit": ()}
        )
        assert not told

    def test_where_no_segment_may_be_seen_only_the_measures_are_told(self):
        told = targeting.state_targets(
            self.publish_targets(30, 3), {"attractiveness": ("value_share",), "fit": ("reach",)}
        )
        assert read_texts(told) == [
            "Attractiveness is measured by value share and fit is measured by reach."
        ]
