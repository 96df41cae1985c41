"""The target-selection matrix, scored by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segkit.action.targeting import collect_measures, list_measures, rate_targets
from segkit.core.errors import SegkitError
from segkit.plan.models import Criteria


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


def test_missing_measures_are_left_out_and_a_missing_value_counts_as_nothing(segments):
    weights = {"stability": 1, "reach": 1, "consent_share": 5}
    found = rate_targets(segments, {"value_share": 1}, weights).set_index("segment_name")
    assert found["fit"].to_dict() == pytest.approx(
        {"Rich": (2 / 3 + 1) / 2, "Many": (1 + 0.5) / 2, "Lost": 0.25}
    )
    nobody_asked = segments.assign(consent_share=np.nan)
    unknown = rate_targets(nobody_asked, {"value_share": 1}, {"consent_share": 1})
    assert unknown["fit"].isna().all()
    assert list_measures(nobody_asked, {"consent_share": 1}) == []
    assert unknown["segment_name"].tolist() == ["Rich", "Many", "Lost"]


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
