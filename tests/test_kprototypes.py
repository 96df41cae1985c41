"""k-prototypes: the objective, its two ends, what is missing, and what must not matter."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.utils.estimator_checks import parametrize_with_checks

from segkit.core.errors import SegkitError
from segkit.models import descent
from segkit.models.descent import TooFewPointsError
from segkit.models.kprototypes import KPrototypes
from segkit.models.prototypes import assign_prototypes, fit_prototypes, lay_out

PACKAGE = Path(descent.__file__).parent.parent
NO_NUMBERS, NO_CODES = np.empty((0, 0)), np.empty((0, 0), dtype=np.int32)


def make_mixed(n=400, *, seed=0, p=3, q=3, missing=0.1):
    rng = np.random.default_rng(seed)
    group = rng.integers(0, 4, n)
    numbers = rng.normal(size=(4, p))[group] * 2 + rng.normal(size=(n, p))
    codes = (group[:, None] + rng.integers(0, 3, size=(n, q))) % 5
    numbers[rng.random((n, p)) < missing] = np.nan
    codes[rng.random((n, q)) < missing] = -1
    return numbers, codes.astype(np.int32)


def make_frame(n=120, seed=0):
    numbers, codes = make_mixed(n, seed=seed, p=2, q=2)
    names = np.array(["ant", "bee", "cow", "dog", "elk", None], dtype=object)
    return pd.DataFrame(
        {
            "spend": numbers[:, 0],
            "channel": names[codes[:, 0]],
            "visits": numbers[:, 1],
            "plan": pd.Categorical(names[codes[:, 1]]),
        }
    )


def compute_cost(numbers, codes, fit, gamma, weights=1.0):
    squares = np.nansum((numbers - fit.centres[fit.labels]) ** 2, axis=1)
    differ = ((codes != fit.modes[fit.labels]) & (codes >= 0)).sum(axis=1)
    return float((weights * (squares + gamma * differ)).sum())


def same_partition(one, other) -> bool:
    return len(set(zip(one, other, strict=True))) == len(set(one)) == len(set(other))


def test_a_worked_example():
    # Centres .5 and 10.5 leave 4 * .25; one of the first three rows differs from mode 0: + gamma.
    numbers = np.array([[0.0], [1.0], [0.5], [10.0], [11.0]])
    codes = np.array([[0], [0], [1], [1], [1]])
    fit = fit_prototypes(numbers, codes, n_clusters=2, gamma=2.0, random_state=0)
    first = fit.labels[0]
    assert fit.labels.tolist() == [first] * 3 + [1 - first] * 2
    assert fit.centres[[first, 1 - first], 0].tolist() == [0.5, 10.5]
    assert fit.modes[[first, 1 - first], 0].tolist() == [0, 1]
    assert fit.cost == pytest.approx(4 * 0.25 + 2.0)


def test_without_categories_it_is_kmeans():
    numbers, _ = make_mixed(200, missing=0)
    ours = KPrototypes(5, n_init=3, random_state=0).fit(numbers)
    peer = KMeans(5, n_init=3, random_state=0).fit(numbers)
    assert ours.cost_ <= peer.inertia_ * 1.001
    means = [numbers[ours.labels_ == cluster].mean(axis=0) for cluster in range(5)]
    np.testing.assert_allclose(ours.cluster_centers_, means)


def test_without_numbers_it_is_kmodes():
    codes = np.repeat([[0, 0, 0], [1, 1, 1], [2, 2, 0]], [5, 4, 3], axis=0)
    codes[0] = [0, 0, 1]
    fit = fit_prototypes(NO_NUMBERS, codes, n_clusters=3, gamma=1.0, random_state=0)
    assert fit.cost == 1.0
    assert sorted(fit.modes.tolist()) == [[0, 0, 0], [1, 1, 1], [2, 2, 0]]


@pytest.mark.slow
@pytest.mark.parametrize("sampled", [False, True])
def test_the_number_of_threads_changes_nothing(monkeypatch, sampled):
    monkeypatch.setattr(descent, "CHUNK", 300)
    monkeypatch.setattr(descent, "MOST_POLISHED", 500)
    if sampled:
        monkeypatch.setattr(descent, "MOST_STARTED", 1500)
        monkeypatch.setattr(descent, "SAMPLE", 800)
    numbers, codes = make_mixed(2000)
    options = {"n_clusters": 4, "gamma": 0.7, "random_state": 3}
    one = fit_prototypes(numbers, codes, n_jobs=1, **options)
    five = fit_prototypes(numbers, codes, n_jobs=5, **options)
    assert one.cost == five.cost
    np.testing.assert_array_equal(one.labels, five.labels)
    np.testing.assert_array_equal(one.centres, five.centres)
    assert one.cost == pytest.approx(compute_cost(numbers, codes, one, 0.7))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n=st.integers(12, 60),
    p=st.integers(0, 3),
    q=st.integers(0, 3),
    k=st.integers(1, 4),
)
def test_any_table_gets_whole_clusters_and_an_honest_cost(seed, n, p, q, k):
    if p + q == 0:
        return
    numbers, codes = make_mixed(n, seed=seed, p=p, q=q, missing=0.0)
    weights = np.random.default_rng(seed).integers(1, 4, n)
    options = {"n_clusters": k, "gamma": 0.8, "n_init": 2, "random_state": seed}
    try:
        fit = fit_prototypes(numbers, codes, sample_weight=weights, **options)
    except TooFewPointsError:
        assert len(np.unique(np.hstack([numbers, codes]), axis=0)) < k
        return
    assert set(fit.labels) == set(range(k))
    assert fit.cost == pytest.approx(compute_cost(numbers, codes, fit, 0.8, weights))
    labels, squares = assign_prototypes(
        numbers, codes, centres=fit.centres, modes=fit.modes, gamma=0.8
    )
    np.testing.assert_array_equal(labels, fit.labels)
    assert (weights * squares).sum() == pytest.approx(fit.cost)


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(["ant", "bee", "cow", "dog", "elk"]), seed=st.integers(0, 100))
def test_relabelling_a_category_does_not_change_the_partition(order, seed):
    frame = make_frame(seed=seed)
    new = dict(zip(["ant", "bee", "cow", "dog", "elk"], order, strict=True))
    renamed = frame.assign(channel=frame["channel"].map(new))
    fits = [KPrototypes(3, n_init=2, random_state=0).fit(table) for table in (frame, renamed)]
    np.testing.assert_array_equal(fits[0].labels_, fits[1].labels_)


def test_equal_distances_go_to_the_lowest_cluster():
    numbers = np.array([[0.0], [1e-11], [-1e-11], [1e-3], [np.nan]])
    codes = np.empty((5, 0))
    labels, squares = assign_prototypes(
        numbers, codes, centres=[[1.0], [-1.0]], modes=np.empty((2, 0)), gamma=1.0
    )
    # Of the first three the distances differ by less than one part in 1e9; the last is nowhere.
    assert labels.tolist() == [0, 0, 0, 0, 0]
    assert squares[-1] == 0
    labels, _ = assign_prototypes(
        numbers, codes, centres=[[-1.0], [1.0]], modes=np.empty((2, 0)), gamma=1.0
    )
    assert labels.tolist() == [0, 0, 0, 1, 0]


def test_an_empty_cluster_is_seeded_again():
    numbers, codes = make_mixed(300, missing=0)
    rows = lay_out(numbers, codes, None, gamma=0.7).with_fill()
    centres, modes = (np.repeat(part, 4, axis=0) for part in rows.pick(0))
    fit = descent.descend(rows, centres, modes, max_iter=50, tolerance=0.0)
    assert np.bincount(fit.labels, minlength=4).min() > 0


def test_few_distinct_points_are_told_not_lost():
    frame = pd.DataFrame({"spend": [1.0, 1.0, 2.0, 2.0], "plan": ["a", "a", "b", "b"]})
    with pytest.raises(TooFewPointsError, match=r"at least 3 distinct points. Found: 2 among"):
        KPrototypes(3).fit(frame)
    assert set(KPrototypes(2, random_state=0).fit_predict(frame)) == {0, 1}
    # Rows that only a missing value sets apart cannot make clusters of their own.
    with pytest.raises(TooFewPointsError, match="1 among n_samples=3"):
        fit_prototypes(
            np.array([[0.0, 1.0], [np.nan, 1.0], [0.0, np.nan]]), np.empty((3, 0)),
            n_clusters=3, gamma=1.0, random_state=0,
        )  # fmt: skip


def test_a_missing_value_counts_in_no_distance_and_no_centre():
    numbers = np.array([[0.0, 0.0], [2.0, np.nan], [100.0, 7.0], [102.0, np.nan]])
    codes = np.array([[0], [-1], [1], [1]])
    fit = fit_prototypes(numbers, codes, n_clusters=2, gamma=1.0, random_state=0)
    low = fit.labels[0]
    assert fit.labels.tolist() == [low, low, 1 - low, 1 - low]
    assert fit.centres[low].tolist() == [1.0, 0.0]
    assert fit.centres[1 - low].tolist() == [101.0, 7.0]
    assert fit.cost == pytest.approx(4.0)


def test_a_missing_category_is_a_level_or_is_ignored():
    frame = pd.DataFrame({"plan": ["a", "a", "a", None, None, None], "city": list("xxxxyx")})
    own = KPrototypes(2, missing="own", random_state=0).fit(frame)
    assert same_partition(own.labels_, [0, 0, 0, 1, 1, 1])
    assert {None, "a"} == set(own.cluster_centers_[:, 0])
    ignored = KPrototypes(2, missing="ignore", random_state=0).fit(frame)
    assert same_partition(ignored.labels_, [0, 0, 0, 0, 1, 0])


def test_an_unknown_level_differs_from_every_mode():
    frame = pd.DataFrame({"spend": [0.0, 1.0, 9.0, 8.0], "plan": ["a", "a", "b", "b"]})
    model = KPrototypes(2, gamma=3.0, random_state=0).fit(frame)
    new = pd.DataFrame({"spend": [0.5, 8.5, 8.5], "plan": ["new", "b", None]})
    assert model.predict(new).tolist() == [*model.labels_[[0, 2]], model.labels_[2]]
    distances = model.transform(new).min(axis=1)
    np.testing.assert_allclose(distances, np.sqrt([3.0, 0.0, 3.0]))


def test_distances_name_their_columns():
    frame = make_frame()
    model = KPrototypes(3, random_state=0).set_output(transform="pandas")
    distances = model.fit_transform(frame)
    assert list(distances.columns) == ["kprototypes0", "kprototypes1", "kprototypes2"]
    np.testing.assert_array_equal(distances.to_numpy().argmin(axis=1), model.predict(frame))
    np.testing.assert_array_equal(model.labels_, model.predict(frame))
    assert (distances.min(axis=1) ** 2).sum() == pytest.approx(model.cost_)


def test_a_weight_counts_as_so_many_rows():
    numbers, codes = make_mixed(60)
    weights = np.random.default_rng(0).integers(0, 4, 60)
    options = {"n_clusters": 3, "gamma": 0.7, "n_init": 3, "random_state": 0}
    weighted = fit_prototypes(numbers, codes, sample_weight=weights, **options)
    repeated = fit_prototypes(numbers.repeat(weights, 0), codes.repeat(weights, 0), **options)
    assert weighted.cost == pytest.approx(repeated.cost)
    assert len(weighted.labels) == 60
    np.testing.assert_array_equal(weighted.labels.repeat(weights), repeated.labels)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.int8, np.int64, bool, float, str, "category"])
def test_the_type_of_a_category_does_not_matter(dtype):
    numbers, codes = make_mixed(200, missing=0)
    frame = pd.DataFrame(numbers, columns=["a", "b", "c"]).assign(yes=codes[:, 0] % 2)
    typed = frame.assign(yes=frame["yes"].astype(dtype))
    expected = KPrototypes(4, categorical=["yes"], random_state=0).fit(frame)
    found = KPrototypes(4, categorical=["yes"], random_state=0).fit(typed)
    np.testing.assert_array_equal(expected.labels_, found.labels_)
    assert expected.cost_ == found.cost_


def test_arrays_of_objects_and_positions_are_understood():
    frame = make_frame()
    by_frame = KPrototypes(3, random_state=0).fit(frame)
    by_array = KPrototypes(3, random_state=0).fit(frame.to_numpy(dtype=object))
    by_place = KPrototypes(3, categorical=[1, -1], random_state=0).fit(frame)
    np.testing.assert_array_equal(by_frame.labels_, by_array.labels_)
    np.testing.assert_array_equal(by_frame.labels_, by_place.labels_)
    assert by_frame.gamma_ == by_array.gamma_ == by_place.gamma_


def test_read_only_input_is_taken_and_not_changed():
    numbers, codes = make_mixed(100)
    kept = numbers.copy()
    for array in (numbers, codes):
        array.setflags(write=False)
    fit = fit_prototypes(numbers, codes, n_clusters=3, gamma=1.0, random_state=0)
    fit.centres.setflags(write=False)
    assign_prototypes(numbers, codes, centres=fit.centres, modes=fit.modes, gamma=1.0)
    np.testing.assert_array_equal(numbers, kept)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_clusters": 0}, "n_clusters is a whole number above 0. Found: 0"),
        ({"gamma": -1}, "gamma is 'auto' or a number from 0"),
        ({"gamma": "large"}, "gamma is 'auto' or a number from 0"),
        ({"init": "Cao"}, "unknown init. Found: 'Cao'"),
        ({"missing": "ignored"}, "Did you mean 'ignore'"),
        ({"categorical": ["chanel"]}, "Did you mean 'channel'"),
        ({"categorical": ["plan"]}, "column 'channel' does not hold numbers"),
    ],
)
def test_a_wrong_setting_is_told(options, message):
    with pytest.raises(ValueError, match=message) as caught:
        KPrototypes(**{"n_clusters": 2, **options}).fit(make_frame())
    assert isinstance(caught.value, SegkitError)


def test_infinity_and_times_are_refused():
    frame = make_frame()
    with pytest.raises(ValueError, match="infinity"):
        KPrototypes(2).fit(frame.assign(spend=np.inf))
    with pytest.raises(ValueError, match="times are not numbers"):
        KPrototypes(2, categorical=[1, 3]).fit(frame.assign(spend=pd.Timestamp("2026-01-01")))


FIRST_FIT = """
import numpy as np
from segkit.models.kprototypes import KPrototypes
KPrototypes(3, random_state=0).fit(np.random.RandomState(0).rand(200, 3))
"""


@pytest.mark.slow
def test_where_the_package_cannot_be_written_the_second_fit_finds_what_the_first_compiled(tmp_path):
    """A read-only place of packages: numba takes the user's own folder for its cache."""
    shutil.copytree(PACKAGE, tmp_path / "segkit", ignore=shutil.ignore_patterns("__pycache__"))
    # A file where the folder should be keeps everybody out, the superuser too.
    (tmp_path / "segkit" / "models" / "__pycache__").touch()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "HOME": str(tmp_path / "home")}
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        environment.pop(name, None)
    written = []
    for _ in range(2):
        command = [sys.executable, "-P", "-c", FIRST_FIT]
        subprocess.run(command, env=environment, cwd=tmp_path, check=True)
        cached = sorted((tmp_path / "home").rglob("*.nb[ic]"))
        written.append([(path.name, path.stat().st_mtime_ns) for path in cached])
    assert written[0]
    assert written[1] == written[0]


@pytest.mark.slow
def test_without_any_folder_for_the_cache_loops_still_compile():
    code = (
        "from numba.core import caching\n"
        "caching.CacheImpl._locator_classes = []\n"
        "from segkit.models.kprototypes import KPrototypes\n"
        "found = KPrototypes(2, random_state=0).fit([[0.0], [1.0], [9.0]])\n"
        "print(found.labels_.tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() in ("[0, 0, 1]", "[1, 1, 0]"), done.stderr


def test_equal_rows_are_folded_into_weights():
    # So many levels that their combinations pass 2**62.
    numbers, codes = make_mixed(30, p=2, q=12)
    codes[0] = 30_000
    rows = lay_out(numbers.repeat(3, 0), codes.repeat(3, 0), None, gamma=1.0)
    folded = descent.fold_rows(rows, 2)
    np.testing.assert_array_equal(folded.numbers.T, numbers)
    np.testing.assert_array_equal(folded.codes.T, codes)
    assert folded.weights.tolist() == [3.0] * 30
    few = lay_out(numbers, codes, None, gamma=1.0)
    assert descent.fold_rows(few, 2) is few


# scikit-learn grants the same to its KMeans, BisectingKMeans and MiniBatchKMeans: the starts are
# drawn from rows, so that repeated rows in another order number the clusters differently.
GRANTED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "sample_weight is not equivalent to removing/repeating samples."
    )
}


@parametrize_with_checks(
    [KPrototypes(n_clusters=2, n_init=2, max_iter=20)], expected_failed_checks=lambda _: GRANTED
)
def test_scikit_learn_takes_it_for_one_of_its_own(estimator, check):
    check(estimator)
