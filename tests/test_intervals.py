"""How wide the figures of segments are, against hand-worked samples."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segkit.core.skewed_means import bound_mean, expect_skewness
from segkit.validation.intervals import add_intervals, bound_segments
from segkit.validation.resampling import Resamples


def make_resamples(own, labels, *, k: int | None = None, draws=None, **changes) -> Resamples:
    own, labels = np.array(own), np.array(labels)
    draws = np.ones(labels.shape, dtype=int) if draws is None else np.array(draws)
    known = {"reference_labels": [], "structure": 0.5, "border_share": 0.0} | changes
    return Resamples(own, k or own.max() + 1, labels, draws, **known)


def test_sizes_get_the_ends_of_their_intervals_and_how_well_segments_are_found_again():
    sizes = pd.DataFrame({"segment": [2, 1], "customer_share": [0.6, 0.4]})
    spends = {"mean_spend": [20.0, 10.0], "median_spend": [8.0, 4.0]}
    bounds = pd.DataFrame({"segment": [1, 2], "customer_share": [0.4, 0.6]})
    bounds = bounds.assign(mean_value=[9.0, 20.0], median_value=[4.0, 8.0], mean_skewness=[1, 30])
    for name in ("customer_share", "mean_value", "median_value"):
        bounds[f"{name}_low"] = bounds[name] - [0.1, 0.2]
        bounds[f"{name}_high"] = bounds[name] + [0.1, 0.2]
    ratings = pd.DataFrame({"segment": [1, 2], "rating": ["stable", "doubtful"]})
    found = add_intervals(sizes.assign(**spends), bounds, ratings)
    assert found["rating"].tolist() == ["doubtful", "stable"]
    assert found["customer_share_low"].tolist() == pytest.approx([0.4, 0.3])
    # The mean of a sample was 9: the interval is moved to that of all, 10.
    assert found["mean_spend_high"].tolist() == pytest.approx([20.2, 10.1])
    assert found["median_spend_low"].tolist() == pytest.approx([7.8, 3.9])
    assert found["mean_spend_skewness"].tolist() == [30, 1]
    without = add_intervals(sizes, bounds, ratings)
    assert not any("spend" in name or "value" in name for name in without)


class TestBounds:
    OWN = (0, 0, 1, 1)
    VALUES = np.array([1.0, 3.0, 10.0, np.nan])

    def test_shares_and_means_are_those_of_each_sample_as_drawn(self):
        draws = [[2, 1, 1, 0], [0, 2, 0, 2]]
        resamples = make_resamples(self.OWN, [self.OWN, [1, 1, 0, 0]], draws=draws)
        found = bound_segments(resamples, self.VALUES)
        assert found["customer_share"].tolist() == [0.5, 0.5]
        assert found["mean_value"].tolist() == [2, 10]
        # Two samples hold nothing further out than themselves.
        assert found["customer_share_low"].tolist() == [0.5, 0.25]
        assert found["customer_share_high"].tolist() == [0.75, 0.5]
        # The median of the first sample is that of 1, 1, 3, and of the second that of 3 and 3.
        assert found["median_value"].tolist() == [2, 10]
        assert found.loc[0, ["median_value_low", "median_value_high"]].tolist() == [1, 3]
        # In the second sample nobody's value is known in the second segment.
        assert found.loc[1, ["median_value_low", "median_value_high"]].tolist() == [10, 10]

    def test_a_sample_in_which_a_segment_dissolved_says_nothing_of_it(self):
        resamples = make_resamples(self.OWN, [[0, 0, 0, 1], [0, 0, 0, 1]])
        found = bound_segments(resamples, self.VALUES)
        assert found["customer_share_low"][0] == 0.75
        assert np.isnan(found["customer_share_low"][1])
        assert found["customer_share"].tolist() == [0.5, 0.5]

    def test_of_four_times_as_many_customers_intervals_are_half_as_wide(self):
        draws = [[2, 1, 1, 0], [1, 0, 2, 1]]
        resamples = make_resamples(self.OWN, [self.OWN] * 2, draws=draws)
        whole = bound_segments(resamples, self.VALUES)
        fewer = bound_segments(resamples, self.VALUES, row_count=16)
        for name in ("customer_share", "median_value"):
            for end in ("low", "high"):
                gap = whole[f"{name}_{end}"] - whole[name]
                half = fewer[f"{name}_{end}"] - fewer[name]
                assert half.tolist() == pytest.approx((gap / 2).tolist())

    def test_means_have_the_interval_of_skewed_means_where_fitting_anew_adds_nothing(self):
        values = np.random.default_rng(0).lognormal(size=60)
        own = np.repeat([0, 1], [40, 20])
        draws = np.random.default_rng(1).multinomial(60, np.full(60, 1 / 60), size=20)
        found = bound_segments(make_resamples(own, [own] * 20, draws=draws), values)
        for place, here in enumerate((values[:40], values[40:])):
            ends = found.loc[place, ["mean_value_low", "mean_value_high"]].tolist()
            assert ends == pytest.approx(bound_mean(here))
            assert found.loc[place, "mean_skewness"] == pytest.approx(expect_skewness(here))

    def test_what_fitting_anew_adds_makes_the_intervals_of_means_wider(self):
        rng = np.random.default_rng(0)
        values = np.sort(rng.lognormal(size=60))
        own = np.repeat([0, 1], 30)
        draws = rng.multinomial(60, np.full(60, 1 / 60), size=40)
        moved = [np.repeat([0, 1], [cut, 60 - cut]) for cut in rng.integers(20, 41, 40)]
        widths = []
        for labels in ([own] * 40, moved):
            found = bound_segments(make_resamples(own, labels, draws=draws), values)
            widths.append(found["mean_value_high"] - found["mean_value_low"])
        assert (widths[1] > 1.1 * widths[0]).all()

    def test_where_the_ends_of_a_mean_would_not_hold_there_are_none_and_the_median_has_them(self):
        values = np.exp(3 * np.random.default_rng(0).normal(size=100))
        own = np.zeros(100, dtype=int)
        draws = np.random.default_rng(1).multinomial(100, np.full(100, 0.01), size=40)
        found = bound_segments(make_resamples(own, [own] * 40, draws=draws), values).loc[0]
        assert found["mean_skewness"] > 20
        assert np.isnan(found["mean_value_low"])
        assert found["median_value_low"] < found["median_value"] < found["median_value_high"]
