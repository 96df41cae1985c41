"""Latent classes in scikit-learn's manner: what they are, and what its users do out of habit."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer
from sklearn.utils.estimator_checks import parametrize_with_checks

from segkit.core.arguments import SettingError
from segkit.core.errors import SegkitError
from segkit.models.columns import learn_levels
from segkit.models.latent_class_estimator import LatentClasses
from segkit.models.latent_classes import compare_class_counts, fit_classes
from segkit.segmentation.class_document import build_classes

COLUMNS = ["tea", "milk", "visits", "is_member", "city"]


def make_answers(n: int = 600, *, seed: int = 0) -> pd.DataFrame:
    """Two kinds of people in five answers: text, numbers, yes and no, with gaps and rare levels."""
    rng = np.random.default_rng(seed)
    group = rng.random(n) < 0.4
    own = {
        "tea": np.where(rng.random(n) < np.where(group, 0.9, 0.2), "yes", "no"),
        "milk": np.where(rng.random(n) < np.where(group, 0.1, 0.8), "often", "never"),
        "visits": np.where(group, 1, 4) + rng.integers(0, 2, n),
        "is_member": rng.random(n) < np.where(group, 0.8, 0.3),
        "city": rng.choice(["Graz", "Linz", "Wels"], n, p=[0.6, 0.397, 0.003]),
    }
    table = pd.DataFrame(own)
    table.loc[rng.random(n) < 0.1, "tea"] = None
    return table


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    return make_answers()


@pytest.fixture(scope="module")
def model(answers) -> LatentClasses:
    return LatentClasses(2, random_state=0).fit(answers)


class TestFit:
    def test_it_is_the_fit_of_a_plan_to_the_last_bit(self, answers, model):
        found = fit_classes(answers, COLUMNS, 2, random_state=0, smallest_level=1)
        assert model.log_likelihood_ == found.log_likelihood
        assert model.weights_.tolist() == list(found.weights)
        assert model.bic_ == found.bic
        assert model.levels_[4] == ("Graz", "Linz", "(other)")
        assert model.probabilities_[0][1].tolist() == list(found.probabilities[1][0])

    @pytest.mark.parametrize("seed", [0, 1])
    def test_it_places_as_the_document_does(self, answers, model, seed):
        found = fit_classes(answers, COLUMNS, 2, random_state=0, smallest_level=1)
        new = make_answers(200, seed=seed + 10)
        new.loc[:9, "tea"] = "never heard of"
        new.loc[5:14, "city"] = "Bregenz"
        new.loc[10:19, "milk"] = None
        new["visits"] = new["visits"].where(new.index > 3, 77)
        table = ibis.memtable(new.assign(row=range(200)))
        placed = build_classes(found).place(table).order_by("row").to_pandas()
        np.testing.assert_array_equal(model.predict(new), placed["segment"] - 1)
        np.testing.assert_allclose(
            model.predict_proba(new).max(axis=1), placed["probability"], rtol=1e-12
        )

    def test_probabilities_follow_bayes_rule(self, model):
        row = pd.DataFrame([["yes", "often", 1, True, None]], columns=COLUMNS)
        likely = model.weights_.copy()
        for i, level in enumerate(["yes", "often", "1", "true"]):
            likely *= model.probabilities_[i][:, model.levels_[i].index(level)]
        expected = likely / likely.sum()
        np.testing.assert_allclose(model.predict_proba(row)[0], expected)
        assert model.score_samples(row)[0] == pytest.approx(np.log(likely.sum()))

    def test_the_score_is_the_log_likelihood_a_row(self, answers, model):
        assert model.score(answers) == pytest.approx(model.log_likelihood_ / len(answers))
        assert model.score(answers) == pytest.approx(model.score_samples(answers).mean())

    def test_who_answered_nothing_is_in_a_class_as_likely_as_it_is_large(self, model):
        nobody = pd.DataFrame([[None] * 5], columns=COLUMNS)
        np.testing.assert_allclose(model.predict_proba(nobody)[0], model.weights_)

    def test_truths_and_ones_stand_for_each_other(self, answers, model):
        as_numbers = answers.assign(is_member=answers["is_member"].astype(int))
        np.testing.assert_array_equal(model.predict(as_numbers), model.labels_)
        of_numbers = LatentClasses(2, random_state=0).fit(as_numbers)
        np.testing.assert_array_equal(of_numbers.predict(answers), of_numbers.labels_)

    def test_the_parts_of_many_patterns_are_put_together(self, answers, model, monkeypatch):
        monkeypatch.setattr("segkit.models.latent_class_estimator.PART_ROWS", 7)
        np.testing.assert_array_equal(model.predict(answers), model.labels_)


WRONG = {
    "n_clusters": [True, 0, -2, 2.0, np.nan, np.inf, "2", None],
    "n_init": [False, 0, 1.5, None],
    "smallest_level": [0, True, 0.5, None],
    "random_state": [-1, 0.5, "seed", True, np.nan],
}


@pytest.mark.parametrize(
    ("setting", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_setting_of_the_wrong_kind_is_refused_in_words(answers, setting, value):
    with pytest.raises(SettingError, match=f"{setting} is a whole number"):
        LatentClasses(**{"n_clusters": 2, "random_state": 0, setting: value}).fit(answers)


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pd.date_range("2026-01-01", periods=600), "holds times"),
        (pd.to_timedelta(np.arange(600), unit="D"), "holds times"),
        (np.arange(600), "a number with more than 20 values"),
        ([f"c{i}" for i in range(600)], "nearly every customer has another value"),
        ([None] * 600, "has no values"),
    ],
)
def test_a_column_that_is_no_category_is_refused(answers, column, message):
    table = answers.assign(other=column)
    with pytest.raises(SettingError, match=message):
        LatentClasses(2, random_state=0).fit(table)
    with pytest.raises(SegkitError, match=message):
        fit_classes(table, [*COLUMNS, "other"], 2, random_state=0)


def test_a_column_of_times_is_no_category_of_a_plan_either():
    table = pd.DataFrame({"joined": pd.to_datetime(["2026-01-01", "2026-01-02"] * 30)})
    with pytest.raises(SegkitError, match="each would be a level of its own"):
        learn_levels(table, "joined")


class TestFitClasses:
    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"columns": "tea"}, r"not one text. Found: 'tea'. Write \['tea'\]"),
            ({"columns": []}, "columns names no column"),
            ({"columns": ["tea", "tea"]}, "columns names a column twice"),
            ({"columns": [1]}, "columns is a list of names"),
            ({"columns": None}, "columns is a list of names"),
            ({"columns": ["coffee"]}, "no column 'coffee'"),
            ({"n_segments": True}, "n_segments is a whole number"),
            ({"n_segments": 0}, "n_segments is a whole number"),
            ({"n_segments": 2.0}, "n_segments is a whole number"),
            ({"n_init": 0}, "n_init is a whole number"),
            ({"smallest_level": -1}, "smallest_level is a whole number"),
            ({"random_state": None}, "random_state is a whole number"),
            ({"random_state": -1}, "random_state is a whole number"),
            ({"customers": [["yes"]]}, "customers are a table"),
        ],
    )
    def test_an_argument_of_the_wrong_kind_is_refused_in_words(self, answers, changed, message):
        given = {"customers": answers, "columns": COLUMNS, "n_segments": 2, "random_state": 0}
        with pytest.raises(SegkitError, match=message):
            fit_classes(**{**given, **changed})

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"counts": 3}, "counts is a list"),
            ({"counts": "23"}, "counts is a list"),
            ({"counts": [2, True]}, "a number of classes is a whole number"),
            ({"counts": [0]}, "a number of classes is a whole number"),
            ({"n_bootstrap": -1}, "n_bootstrap is a whole number"),
            ({"n_bootstrap": 1.5}, "n_bootstrap is a whole number"),
        ],
    )
    def test_so_are_those_of_the_comparison(self, answers, changed, message):
        given = {"counts": [1, 2], "random_state": 0, "n_bootstrap": 0}
        with pytest.raises(SettingError, match=message):
            compare_class_counts(answers, COLUMNS, **{**given, **changed})

    def test_a_table_of_pyarrow_gives_the_same_fit(self, answers):
        given = {"random_state": 0, "n_init": 2}
        by_arrow = fit_classes(pa.Table.from_pandas(answers), COLUMNS, 2, **given)
        assert by_arrow == fit_classes(answers, COLUMNS, 2, **given)


class TestHabitsOfScikitLearn:
    def test_a_clone_fits_alike(self, answers, model):
        copy = clone(model)
        assert not hasattr(copy, "labels_")
        np.testing.assert_array_equal(copy.fit_predict(answers), model.labels_)

    def test_a_grid_finds_the_number_of_classes_on_rows_not_fitted(self):
        search = GridSearchCV(
            LatentClasses(n_init=3, random_state=0), {"n_clusters": [1, 2, 4]}, cv=3
        )
        search.fit(make_answers(900)[["tea", "milk", "visits", "is_member"]])
        assert search.best_params_ == {"n_clusters": 2}

    def test_a_pipeline_that_cuts_numbers_into_groups(self):
        numbers = np.random.default_rng(0).normal(size=(300, 3))
        numbers[:150] += 3
        cut = KBinsDiscretizer(4, encode="ordinal", quantile_method="averaged_inverted_cdf")
        flow = make_pipeline(cut, LatentClasses(2, random_state=0))
        labels = flow.fit_predict(numbers)
        assert (labels[:150] == labels[0]).mean() > 0.9
        assert (labels[150:] != labels[0]).mean() > 0.9

    def test_probabilities_beside_other_columns_in_a_column_transformer(self, answers, model):
        both = ColumnTransformer(
            [("classes", LatentClasses(2, random_state=0), COLUMNS)], remainder="passthrough"
        ).set_output(transform="pandas")
        table = both.fit_transform(answers.assign(spend=1.0))
        assert list(table.columns) == [
            "classes__latentclasses0", "classes__latentclasses1", "remainder__spend",
        ]  # fmt: skip
        np.testing.assert_array_equal(table.iloc[:, :2].to_numpy(), model.predict_proba(answers))

    def test_a_random_state_of_any_kind_is_taken(self, answers):
        for seed in (None, np.random.RandomState(0), np.int64(3)):
            fitted = LatentClasses(2, n_init=1, random_state=seed).fit(answers)
            assert len(fitted.labels_) == len(answers)

    def test_a_table_of_polars_is_read_like_a_data_frame(self, answers, model):
        polars = pytest.importorskip("polars")
        table = polars.from_arrow(pa.Table.from_pandas(answers))
        fitted = LatentClasses(2, random_state=0).fit(table)
        np.testing.assert_array_equal(fitted.labels_, model.labels_)
        frame = fitted.set_output(transform="polars").transform(table)
        assert frame.columns == ["latentclasses0", "latentclasses1"]


# Its data are 50 rows of continuous numbers, of which each differs: no answers.
GRANTED = {"check_clustering": "continuous numbers with more than 20 values are refused"}


@pytest.mark.slow
@parametrize_with_checks(
    [LatentClasses(n_clusters=2, n_init=1)], expected_failed_checks=lambda _: GRANTED
)
def test_scikit_learn_takes_it_for_one_of_its_own(estimator, check):
    check(estimator)
