"""Stability at three levels, against hand-worked samples and scikit-learn's index."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from segkit.models.columns import PreparedColumns
from segkit.validation import stability
from segkit.validation.intervals import bound_segments
from segkit.validation.resampling import Resamples, draw_bootstraps, resample_prototypes
from segkit.validation.stability import (
    compare_labels,
    compare_pairs,
    count_confidence,
    follow_segments,
    judge_kind,
    match_labels,
    measure_jaccard,
    rate_customers,
    rate_segments,
    summarise_stability,
)

OPTIONS = {"gamma": 1.0, "random_state": 0}


def make_resamples(own, labels, *, k: int | None = None, draws=None, **changes) -> Resamples:
    own, labels = np.array(own), np.array(labels)
    draws = np.ones(labels.shape, dtype=int) if draws is None else np.array(draws)
    known = {"reference_labels": [], "structure": 0.5, "border_share": 0.0} | changes
    return Resamples(own, k or own.max() + 1, labels, draws, **known)


class TestTwoLabellings:
    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=40))
    def test_the_index_is_scikit_learn_s(self, pairs):
        one, other = np.array(pairs).T
        assert compare_labels(one, other) == pytest.approx(adjusted_rand_score(one, other))

    def test_of_five_rows_it_is_what_the_formula_gives(self):
        # Pairs together: 4 in each, 2 in both; expected 4 * 4 / 10, the most 4.
        found = compare_labels(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, 1]))
        assert found == pytest.approx((2 - 1.6) / (4 - 1.6))

    def test_pairs_are_the_first_with_the_second_and_so_on(self):
        labels = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 0, 1]])
        assert compare_pairs(labels).tolist() == pytest.approx([1, -0.5])

    def test_numbers_are_matched_where_most_rows_agree(self):
        own = np.array([0, 0, 0, 1, 1, 1])
        assert match_labels(own, 1 - own).tolist() == own.tolist()
        # Of three clusters one is left over: it gets a number that no segment has.
        assert match_labels(own, np.array([2, 2, 0, 1, 1, 1])).tolist() == [0, 0, 2, 1, 1, 1]

    @given(st.permutations(range(4)), st.lists(st.integers(0, 3), min_size=4, max_size=30))
    def test_matching_undoes_any_renumbering(self, order, rest):
        own = np.array([0, 1, 2, 3, *rest])
        assert (match_labels(own, np.array(order)[own]) == own).all()


class TestSegments:
    def test_the_best_jaccard_is_counted_by_hand(self):
        # The first segment shares two of three rows with cluster 0; the second is whole in
        # cluster 1, which has another row. A third has nobody.
        found = measure_jaccard(make_resamples([0, 0, 0, 1, 1], [[0, 0, 1, 1, 1]], k=3))
        assert found[0, :2].tolist() == pytest.approx([2 / 3, 2 / 3])
        assert np.isnan(found[0, 2])

    def test_ratings_change_at_hennig_s_thresholds(self, monkeypatch):
        means = [0.5, 0.501, 0.599, 0.6, 0.749, 0.75, 0.849, 0.85, np.nan]
        monkeypatch.setattr(stability, "measure_jaccard", lambda _: np.array([means] * 2))
        rated = rate_segments(make_resamples([0], [[0]]))
        assert rated["rating"].tolist() == [
            "dissolved", "do not trust", "do not trust", "doubtful", "doubtful", "stable",
            "stable", "highly stable", "nobody",
        ]  # fmt: skip
        assert rated["dissolved_share"].tolist()[:-1] == [1, 0, 0, 0, 0, 0, 0, 0]
        assert rated["segment"].tolist() == list(range(1, 10))

    def test_the_mean_is_over_solutions_and_dissolving_is_counted(self):
        own, merged = [0, 0, 1, 1], [0, 0, 0, 0]
        rated = rate_segments(make_resamples(own, [own, merged]))
        assert rated["jaccard"].tolist() == [0.75, 0.75]
        assert rated["jaccard_low"].tolist() == [0.625, 0.625]
        assert rated["jaccard_high"].tolist() == [0.875, 0.875]
        assert rated["dissolved_share"].tolist() == [0.5, 0.5]
        assert rated["customer_count"].tolist() == [2, 2]

    def test_a_segment_that_nobody_is_in_is_not_the_weakest(self):
        own = [0, 0, 2, 2]
        resamples = make_resamples(own, [own, [0, 0, 2, 0]], k=4)
        found = summarise_stability(resamples, least_structure=None)
        assert (found["weakest_place"], found["weakest_jaccard"]) == (2, 0.75)
        assert rate_segments(resamples)["rating"].tolist()[1::2] == ["nobody", "nobody"]

    def test_customers_keep_their_segment_as_often_as_solutions_leave_them_there(self):
        resamples = make_resamples([0, 0, 1, 1], [[1, 1, 0, 0], [0, 0, 0, 1]])
        assert rate_customers(resamples).tolist() == [1, 1, 0.5, 1]


class TestPaths:
    def test_segments_stay_split_and_merge(self):
        two = np.repeat([0, 1], 10)
        three = np.repeat([0, 1, 2], [10, 6, 4])
        four = np.repeat([3, 0, 1, 2], [5, 8, 3, 4])
        found = follow_segments({3: three, 2: two, 4: four})
        paths = found.nodes
        assert paths["segment_count"].tolist() == [2, 2, 3, 3, 3, 4, 4, 4, 4]
        assert paths["change"].tolist() == [
            "", "", "stays", "splits off", "splits off", "merges", "splits off", "stays",
            "splits off",
        ]  # fmt: skip
        assert paths["customer_share"].tolist()[2:5] == [0.5, 0.3, 0.2]
        assert paths["customer_count"].tolist()[2:5] == [10, 6, 4]
        merged = paths.iloc[5]
        flows = found.flows
        own = flows[(flows["segment_count"] == 4) & (flows["segment"] == 1)]
        assert own["segment_before"].tolist() == [1, 2]
        assert own["customer_count"].tolist() == [5, 3]
        assert own["customer_share"].tolist() == [5 / 20, 3 / 20]
        # Of its eight customers five and three come from two of three segments.
        entropy = -(5 / 8 * np.log(5 / 8) + 3 / 8 * np.log(3 / 8)) / np.log(3)
        assert merged["entropy"] == pytest.approx(entropy)
        assert merged["continuity"] == pytest.approx(1 - entropy)
        assert paths["continuity"].isna().tolist() == [True, True, *[False] * 7]
        assert paths["continuity"].tolist()[2:5] == [1, 1, 1]

    def test_a_segment_drawn_evenly_from_all_has_no_continuity(self):
        solutions = {2: np.array([0, 0, 1, 1]), 3: np.array([0, 1, 1, 2])}
        paths = follow_segments(solutions).nodes
        assert paths["continuity"].tolist()[2:] == pytest.approx([1, 0, 1])

    def test_flows_into_each_number_of_segments_add_up_to_all_customers(self):
        rng = np.random.default_rng(0)
        paths = follow_segments({k: rng.integers(0, k, 200) for k in (2, 3, 5)})
        sums = paths.flows.groupby("segment_count")["customer_share"].sum()
        assert sums.tolist() == pytest.approx([1, 1])
        assert (paths.flows["customer_count"] > 0).all()


class TestConfidence:
    def test_customers_are_counted_by_how_sure_their_segment_is(self):
        found = count_confidence(pd.Series([1.0, 0.9, 0.89, 0.5, 0.49]))
        assert found["confidence"].tolist() == ["sure", "between", "unsure"]
        assert found["customer_count"].tolist() == [2, 2, 1]
        assert found["customer_share"].tolist() == [0.4, 0.4, 0.2]


def judge(least: float | None = 0.05, **changes) -> str:
    measured = {"stability": 0.6, "structure": 0.05, "weakest_jaccard": 0.75}
    measured |= {"beyond_null": 0.05, "valley": 0.45, "null_valley": 0.45}
    return judge_kind(measured | changes, least)


class TestKinds:
    def test_words_change_at_their_limits(self):
        assert judge() == "natural"
        assert judge(stability=0.599) == "none"
        assert judge(valley=0.451) == "reproducible"
        assert judge(null_valley=0.449) == "reproducible"
        assert judge(weakest_jaccard=0.749) == "reproducible"
        assert judge(beyond_null=0.049) == "reproducible"
        assert judge(beyond_null=0.049, structure=0.049) == "constructive"
        assert judge(beyond_null=np.nan, structure=np.nan) == "constructive"

    def test_groups_in_columns_that_do_not_hang_together_are_groups(self):
        assert judge(structure=-0.1) == "natural"

    def test_where_no_valley_can_be_seen_the_word_says_so(self):
        assert judge(valley=np.nan) == "classes"
        assert judge(valley=np.nan, beyond_null=0.049) == "reproducible"
        assert judge(valley=np.nan, weakest_jaccard=0.749) == "reproducible"

    def test_rules_never_find_anything_however_stable(self):
        assert judge(None, stability=1.0, structure=1.0) == "constructive"
        assert judge(None, stability=0.1) == "none"


class TestPrototypes:
    """The whole way from prepared rows to the figures."""

    @pytest.fixture(scope="class")
    def apart(self) -> tuple[PreparedColumns, np.ndarray]:
        centres = 8 * np.eye(3)
        numbers, own = make_blobs([80, 70, 50], centers=centres, random_state=1)
        rng = np.random.default_rng(0)
        codes = np.where(rng.random((200, 1)) < 0.9, own[:, None], rng.integers(0, 3, (200, 1)))
        return PreparedColumns((), (), numbers, codes.astype(np.int32)), own

    @pytest.fixture(scope="class")
    def found(self, apart) -> Resamples:
        rows, own = apart
        draws = draw_bootstraps(200, pairs=6, random_state=3)
        return resample_prototypes(rows, own, draws, segment_count=3, **OPTIONS)

    def test_groups_far_apart_are_natural_and_data_without_groups_are_not_stable(self, found):
        measured = summarise_stability(found, least_structure=0.05)
        assert measured["kind"] == "natural"
        assert measured["stability"] > 0.98
        assert measured["stability_low"] <= measured["stability"] <= measured["stability_high"]
        assert measured["reference_stability"] < measured["stability"] - 0.1
        assert measured["border_share"] < 0.02
        assert len(found.reference_labels) == 5
        assert measured["beyond_null"] > 0.3
        assert measured["valley"] < 0.1 < measured["null_valley"]
        assert measured["parts_beyond_null"] == 0

    def test_a_group_cut_in_two_is_not_natural_however_small_its_part_of_all(self):
        rng = np.random.default_rng(0)
        numbers = np.concatenate([c + rng.normal(size=(100, 2)) for c in 30 * np.eye(6, 2)])
        own = np.repeat([0, 1, 2], [100, 100, 400])
        whole = PreparedColumns((), (), numbers, np.empty((600, 0), np.int32))
        draws = draw_bootstraps(600, pairs=1, random_state=0)
        found = resample_prototypes(whole, own, draws, segment_count=3, **OPTIONS)
        assert found.border_share == 0
        cut = np.where(own == 0, np.where(numbers[:, 1] > numbers[:100, 1].mean(), 0, 3), own)
        found = resample_prototypes(whole, cut, draws, segment_count=4, **OPTIONS)
        # Halves of a normal have a quarter of their rows within 0.4 standard deviations of the cut.
        assert 0.15 < found.border_share < 0.35

    def test_the_same_seed_gives_the_same_and_another_does_not(self, apart, found):
        rows, own = apart
        again = resample_prototypes(rows, own, found.draws, segment_count=3, **OPTIONS)
        assert (again.labels == found.labels).all()
        assert (again.structure, again.null_gain) == (found.structure, found.null_gain)
        assert all(map(np.array_equal, again.reference_labels, found.reference_labels))
        other = draw_bootstraps(200, pairs=6, random_state=4)
        assert (other != found.draws).any()
        assert (other.sum(axis=1) == 200).all()

    def test_the_order_of_rows_changes_no_solution(self, apart, found):
        rows, own = apart
        order = np.random.default_rng(5).permutation(200)
        moved = resample_prototypes(
            rows.take(order), own[order], found.draws[:, order], segment_count=3, **OPTIONS
        )
        assert (moved.labels == found.labels[:, order]).all()
        assert moved.border_share == pytest.approx(found.border_share)

    def test_with_fewer_different_rows_than_clusters_some_stay_empty(self):
        rows = PreparedColumns(
            (), (), np.repeat([[0.0], [5.0]], 20, axis=0), np.empty((40, 0), np.int32)
        )
        own, draws = np.repeat([0, 1], 20), draw_bootstraps(40, pairs=3, random_state=0)
        found = resample_prototypes(rows, own, draws, segment_count=3, **OPTIONS)
        assert [len(set(labels)) for labels in found.labels] == [2] * 6
        rated = rate_segments(found)
        assert rated["rating"].tolist() == ["highly stable", "highly stable", "nobody"]
        assert bound_segments(found, np.ones(40))["mean_value"].tolist()[:2] == [1, 1]

    def test_missing_values_are_left_out_of_distances(self, apart):
        rows, own = apart
        numbers, codes = rows.numbers.copy(), rows.codes.copy()
        rng = np.random.default_rng(2)
        numbers[rng.random(numbers.shape) < 0.1] = np.nan
        codes[rng.random(codes.shape) < 0.1] = -1
        draws = draw_bootstraps(200, pairs=4, random_state=0)
        holes = PreparedColumns((), (), numbers, codes)
        found = resample_prototypes(holes, own, draws, segment_count=3, **OPTIONS)
        measured = summarise_stability(found, least_structure=0.05)
        assert measured["stability"] > 0.8
        assert np.isfinite([measured["structure"], measured["border_share"]]).all()
        numbers[:] = np.nan
        nothing = resample_prototypes(holes, own, draws, segment_count=3, **OPTIONS)
        assert np.isfinite(summarise_stability(nothing, least_structure=0.05)["structure"])

    def test_tables_have_a_row_a_segment_and_the_documented_columns(self, found):
        bounds = bound_segments(found, np.arange(200.0))
        assert bounds["segment"].tolist() == [1, 2, 3]
        assert bounds["customer_share"].sum() == pytest.approx(1)
        for name in ("customer_share", "mean_value"):
            assert (bounds[f"{name}_low"] <= bounds[name]).all()
            assert (bounds[name] <= bounds[f"{name}_high"]).all()
