"""Who still waits is counted as waiting: survival from counts agrees with what was published."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from segkit.core.errors import SegkitError
from segkit.core.survival import (
    compare_survival,
    estimate_survival,
    find_log_rank_parts,
    find_restricted_mean,
    find_survival_median,
    read_survival,
)

# Freireich et al. (1963), Blood 21: weeks of remission of children with leukaemia; with a minus who
# was still in remission. Kalbfleisch and Prentice (1980) and many others work it out.
DRUG = [6, 6, 6, -6, 7, -9, 10, -10, -11, 13, 16, -17, -19, -20, 22, 23, -25, -32, -32, -34, -35]
PLACEBO = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23]


def count(weeks: list[float], name: str = "all") -> pd.DataFrame:
    """Return one row a patient, which is a count of one."""
    signed = pd.Series(weeks, dtype=float)
    return pd.DataFrame(
        {
            "arm": name,
            "duration": signed.abs(),
            "event_count": (signed > 0).astype(int),
            "censored_count": (signed < 0).astype(int),
        }
    )


def count_trial() -> pd.DataFrame:
    return pd.concat([count(DRUG, "drug"), count(PLACEBO, "placebo")], ignore_index=True)


def draw(seed: int, size: int = 80, groups: int = 3, scale: float = 10.0) -> pd.DataFrame:
    """Draw rounded waits, so that there are ties, in groups that wait equally long."""
    rng = np.random.default_rng(seed)
    wait = np.ceil(rng.exponential(scale, size))
    watched = np.ceil(rng.uniform(1, 3 * scale, size))
    is_event = wait <= watched
    return pd.DataFrame(
        {
            "group": rng.integers(0, groups, size),
            "duration": np.minimum(wait, watched),
            "event_count": is_event.astype(int),
            "censored_count": (~is_event).astype(int),
        }
    )


def test_the_survival_of_the_leukaemia_trial_is_the_published_one():
    curve = estimate_survival(count(DRUG))
    events = curve[curve["event_count"] > 0]
    assert events["duration"].tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert events["at_risk"].tolist() == [21, 17, 15, 12, 11, 7, 6]
    published = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert events["survival"].round(3).tolist() == published
    assert events["error"].round(4).tolist() == [
        0.0764,
        0.0869,
        0.0963,
        0.1068,
        0.1141,
        0.1282,
        0.1346,
    ]


def test_the_interval_lies_within_0_and_1_as_kalbfleisch_and_prentice_have_it():
    first = estimate_survival(count(DRUG)).iloc[0]
    assert (first["low"], first["high"]) == pytest.approx((0.6197, 0.9516), abs=5e-5)


def test_the_medians_of_the_trial_are_23_and_8_weeks():
    medians = find_survival_median(estimate_survival(count_trial(), by="arm"), by="arm")
    assert medians["arm"].tolist() == ["drug", "placebo"]
    assert medians["median"].tolist() == [23, 8]
    assert medians["low"].tolist() == [13, 4]
    assert np.isnan(medians["high"][0])  # not reached
    assert medians["high"][1] == 11


def test_the_log_rank_statistic_of_the_trial_is_16_79():
    statistic, freedom, p_value = compare_survival(count_trial(), by="arm")
    assert statistic == pytest.approx(16.793, abs=5e-4)
    assert freedom == 1
    assert p_value == pytest.approx(4.17e-5, abs=5e-7)
    expected, _ = find_log_rank_parts(count_trial(), by="arm")
    assert expected["event_count"].tolist() == [9, 21]
    assert expected["expected_count"].round(2).tolist() == [19.25, 10.75]


def test_the_mean_up_to_35_weeks_is_the_area_under_the_curve():
    curve = estimate_survival(count_trial(), by="arm")
    means = find_restricted_mean(curve, until=35, by="arm")
    # Klein and Moeschberger (2003), page 119: 23.29 (standard error 2.83) and 8.67 (1.38).
    assert means["restricted_mean"].round(2).tolist() == [23.29, 8.67]
    assert ((means["high"] - means["low"]) / 2 / 1.959964).round(2).tolist() == [2.83, 1.38]


@pytest.mark.parametrize("seed", range(5))
def test_every_figure_agrees_with_statsmodels(seed):
    from statsmodels.duration.survfunc import SurvfuncRight, survdiff

    rows = draw(seed)
    curve = estimate_survival(rows)
    reference = SurvfuncRight(rows["duration"], rows["event_count"])
    events = curve[curve["event_count"] > 0]
    assert events["duration"].tolist() == reference.surv_times.tolist()
    assert events["survival"].to_numpy() == pytest.approx(reference.surv_prob, abs=1e-10)
    is_left = reference.surv_prob > 0
    errors = reference.surv_prob_se[is_left]
    assert events["error"].to_numpy()[is_left] == pytest.approx(errors, abs=1e-10)
    low, high = reference.quantile_ci(0.5, method="cloglog")
    ends = find_survival_median(curve).iloc[0]
    assert (ends["low"], ends["high"]) == (low, high)
    statistic, p_value = survdiff(rows["duration"], rows["event_count"], rows["group"])
    ours = compare_survival(rows, by="group")
    assert (ours.statistic, ours.p_value) == pytest.approx((statistic, p_value), abs=1e-10)


def test_counts_say_the_same_as_a_row_each_in_any_order():
    rows = draw(1, size=300)
    counted = rows.groupby(["group", "duration"], as_index=False).sum()
    counted = counted.sample(frac=1, random_state=0)
    whole = estimate_survival(rows, by="group")
    pd.testing.assert_frame_equal(whole, estimate_survival(counted, by="group"))
    one = compare_survival(rows, by="group")
    assert compare_survival(counted, by="group") == pytest.approx(one, abs=1e-10)
    assert "at_risk" not in rows


def test_dropping_who_still_waits_would_turn_the_order_round():
    """Half of the slow group is still waiting; of those that ended it looks the faster one."""
    fast = count([10.0] * 10, "fast")
    slow = count([5.0] * 4 + [-40.0] * 6, "slow")
    both = pd.concat([fast, slow])
    ended = both[both["event_count"] > 0].groupby("arm")["duration"].median()
    assert ended["slow"] < ended["fast"]
    medians = find_survival_median(estimate_survival(both, by="arm"), by="arm")
    assert medians.loc[0, "median"] == 10
    assert np.isnan(medians.loc[1, "median"])


def test_a_median_is_the_first_duration_at_which_half_are_done():
    curve = estimate_survival(count([1.0, 2.0, 3.0, 4.0]))
    assert find_survival_median(curve)["median"].tolist() == [2.0]


def test_where_it_happened_to_nobody_everybody_still_waits():
    curve = estimate_survival(count([-1.0, -2.0]))
    assert curve["survival"].tolist() == [1, 1]
    assert curve[["low", "high"]].isna().all(axis=None)
    assert find_survival_median(curve).isna().all(axis=None)


def test_where_it_happened_to_all_at_once_the_median_is_that_moment():
    ends = find_survival_median(estimate_survival(count([3.0] * 5))).iloc[0]
    assert (ends["median"], ends["low"]) == (3, 3)
    assert np.isnan(ends["high"])


def test_nobody_at_all_has_no_curve():
    nobody = count([])
    assert estimate_survival(nobody).empty
    assert find_survival_median(estimate_survival(nobody, by="arm"), by="arm").empty
    assert compare_survival(nobody, by="arm").freedom == 0


def test_survival_is_read_between_the_durations_and_not_beyond_them():
    curve = estimate_survival(count(DRUG))
    read = read_survival(curve, [1, 8, 40])
    assert read["survival"].round(3).tolist()[:2] == [1.0, 0.807]
    assert read["at_risk"].tolist() == [21, 16, 0]
    assert np.isnan(read["survival"][2])
    gone = read_survival(estimate_survival(count(PLACEBO)), [40])
    assert gone["survival"].tolist() == [0]


def test_no_mean_is_told_beyond_what_was_watched():
    curve = estimate_survival(count(DRUG))
    assert find_restricted_mean(curve, until=36)["restricted_mean"].isna().all()
    with pytest.raises(SegkitError, match="a time above 0"):
        find_restricted_mean(curve, until=0)


def test_one_group_or_one_without_anybody_has_no_test():
    alone = compare_survival(count(DRUG), by="arm")
    assert alone.freedom == 0
    assert np.isnan(alone.p_value)
    empty = count([5.0], "nobody").assign(event_count=0)
    both = pd.concat([count_trial(), empty])
    assert compare_survival(both, by="arm").freedom == 1


@pytest.mark.parametrize(
    ("column", "value"),
    [("duration", -1.0), ("duration", np.nan), ("event_count", -1), ("arm", None)],
)
def test_what_cannot_be_counted_is_refused(column, value):
    wrong = count([1.0, 2.0]).astype({"event_count": float})
    wrong.loc[0, column] = value
    with pytest.raises(SegkitError, match="1 rows of 2"):
        estimate_survival(wrong, by="arm")


def test_a_table_without_counts_is_refused_by_name():
    with pytest.raises(SegkitError, match="no event_count, censored_count"):
        estimate_survival(pd.DataFrame({"duration": [1.0]}))


@pytest.mark.slow
def test_the_interval_holds_the_true_survival_and_the_test_its_risk():
    """Exponential waits of mean 10, ceiled: the survival after 7 is exp(-.7) for sure."""
    held = refused = 0
    for seed in range(300):
        rows = draw(seed, size=60)
        low, high = read_survival(estimate_survival(rows), [7.0])[["low", "high"]].iloc[0]
        held += low <= np.exp(-0.7) <= high
        refused += compare_survival(rows, by="group").p_value < 0.05
    assert 0.92 <= held / 300 <= 0.98
    assert refused / 300 <= 0.08
