"""What users of scikit-learn, kmodes, pandas and polars do with the estimators out of habit."""

from __future__ import annotations

import datetime
import decimal

import duckdb
import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from segkit.core.arguments import SettingError
from segkit.core.errors import SegkitError
from segkit.models.kprototypes import KPrototypes
from segkit.models.prototypes import choose_gamma, fit_prototypes, weigh_categories
from segkit.plan.models import Scheme
from segkit.segmentation.preparation import prepare_columns


def make_shop(n: int = 90, *, seed: int = 0) -> pd.DataFrame:
    """Three groups that differ in spend, channel and plan."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) % 3
    return pd.DataFrame(
        {
            "spend": group * 20.0 + rng.normal(size=n),
            "visits": group + rng.normal(size=n),
            "channel": np.array(["web", "app", "shop"])[group],
            "is_member": group == 1,
        }
    )


def fit(table, **settings) -> KPrototypes:
    return KPrototypes(**{"n_clusters": 3, "n_init": 2, "random_state": 0, **settings}).fit(table)


def same_groups(one, other) -> bool:
    return adjusted_rand_score(one, other) == 1.0


WRONG = {
    "n_clusters": [True, 0, -1, 2.0, np.nan, np.inf, "3", None, [3], np.bool_(True), np.float64(3)],
    "n_init": [False, 0, 1.5, None, "10", np.inf],
    "max_iter": [True, 0, -5, 100.0, None, np.nan],
    "gamma": [None, [1, 2], (1,), np.array([1.0, 2.0]), -1, np.nan, np.inf, True, "huang", "1"],
    "init": [None, "random", 1, ["k-prototypes++"]],
    "missing": [None, "owned", True, 0],
    "n_jobs": [0, True, 1.0, "all", np.nan],
    "random_state": [-1, 2**32, 1.5, np.nan, "seed", True, [1], np.random.default_rng(0)],
    "categorical": [1, "channel", True, {"channel": 1}, 1.5, [1.0], [None], [["channel"]]],
}


@pytest.mark.parametrize(
    ("setting", "value"), [(name, value) for name, values in WRONG.items() for value in values]
)
def test_a_setting_of_the_wrong_kind_is_refused_in_words(setting, value):
    with pytest.raises(SettingError) as caught:
        fit(make_shop(), **{setting: value})
    assert isinstance(caught.value, ValueError)
    assert setting in str(caught.value) or "no such column" in str(caught.value)
    assert "Found: " in str(caught.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"n_clusters": np.int64(3), "n_init": np.int32(2), "max_iter": np.uint8(9)},
        {"gamma": 0},
        {"gamma": np.float32(0.5)},
        {"n_jobs": -1},
        {"n_jobs": np.int64(-50)},
        {"random_state": np.int64(0)},
        {"random_state": np.random.RandomState(0)},
        {"random_state": np.random},
        {"random_state": None},
    ],
)
def test_numpy_s_scalars_and_scikit_learn_s_usual_settings_are_taken(settings):
    assert len(fit(make_shop(), **settings).labels_) == 90


def test_one_text_is_no_list_of_letters():
    frame = pd.DataFrame({"a": ["x", "y"] * 5, "b": np.arange(10.0)})
    with pytest.raises(SettingError, match=r"Write categorical=\['a'\]"):
        fit(frame, categorical="a")
    with pytest.raises(SettingError, match=r"Write categorical=\[0\]"):
        fit(frame, categorical=0)


def test_a_generator_that_would_be_empty_at_the_second_fit_is_refused():
    with pytest.raises(SettingError, match="categorical is a list"):
        fit(make_shop(), categorical=(name for name in ["channel", "is_member"]))


@pytest.mark.parametrize(
    "mask",
    [
        [False, False, True, True],
        np.array([False, False, True, True]),
        pd.Series([True, True, False, False], index=["channel", "is_member", "visits", "spend"]),
    ],
)
def test_a_mask_chooses_the_columns_where_it_is_true(mask):
    shop = make_shop()
    by_name = fit(shop, categorical=["channel", "is_member"])
    by_mask = fit(shop, categorical=mask)
    np.testing.assert_array_equal(by_mask.labels_, by_name.labels_)
    assert by_mask.cost_ == by_name.cost_
    assert set(by_mask.cluster_centers_[:, 2]) == {"web", "app", "shop"}


def test_a_mask_of_numbers_alone_leaves_k_means_and_another_length_is_refused():
    numbers = make_shop()[["spend", "visits"]]
    assert fit(numbers, categorical=[False, False]).cost_ == fit(numbers).cost_
    with pytest.raises(SettingError, match="3 truth values for 2 columns"):
        fit(numbers, categorical=[True, False, True])


def test_positions_count_from_the_end_too_and_a_name_comes_first():
    shop = make_shop()
    by_name = fit(shop, categorical=["channel", "is_member"])
    assert fit(shop, categorical=[-1, np.int64(2)]).cost_ == by_name.cost_
    numbered = shop.set_axis([3, 2, 1, 0], axis=1)
    assert fit(numbered, categorical=[0, 1]).cost_ == by_name.cost_
    for position in (4, -5):
        with pytest.raises(SettingError, match="no such column"):
            fit(shop, categorical=[position])


def test_a_name_that_stands_twice_is_told():
    frame = pd.DataFrame([["a", "b", 1.0], ["b", "a", 2.0]] * 3, columns=["plan", "plan", "spend"])
    with pytest.raises(SettingError, match="two columns have the same name"):
        fit(frame, n_clusters=2)


TIMES = {
    "datetime64": pd.date_range("2026-01-01", periods=90),
    "with a zone": pd.date_range("2026-01-01", periods=90, tz="Europe/Vienna"),
    "timedelta": pd.to_timedelta(np.arange(90), unit="D"),
    "dates as objects": pd.Series([datetime.date(2026, 1, 1 + i % 28) for i in range(90)]),
    "times of day": pd.Series([datetime.time(i % 24) for i in range(90)], dtype=object),
    "periods": pd.period_range("2020-01", periods=90, freq="M"),
    "intervals": pd.interval_range(0, 90),
}  # fmt: skip


@pytest.mark.parametrize("kind", TIMES)
def test_a_column_of_times_does_not_become_a_level_a_day(kind):
    shop = make_shop().assign(joined=TIMES[kind])
    with pytest.raises(SettingError, match="'joined' holds times") as caught:
        fit(shop)
    assert "days before a date" in str(caught.value)
    on_purpose = fit(shop, categorical=["joined", "channel", "is_member"])
    assert len(set(on_purpose.labels_)) == 3
    by_type = fit(shop.assign(joined=shop["joined"].astype("category")))
    np.testing.assert_array_equal(on_purpose.labels_, by_type.labels_)
    with pytest.raises(SettingError, match="times are not numbers"):
        fit(shop, categorical=["channel", "is_member"])


def test_an_array_of_times_is_refused_as_a_table_of_them_is():
    days = np.arange("2026-01-01", "2026-01-11", dtype="datetime64[D]").reshape(-1, 1)
    for table in (days, days.astype(object), pd.DataFrame(days)):
        with pytest.raises(SettingError, match="holds times"):
            fit(table, n_clusters=2)


@pytest.mark.parametrize("dtype", [bool, object, "boolean"])
def test_yes_and_no_are_categories_in_tables_and_arrays_alike(dtype):
    truths = np.random.default_rng(0).random((60, 3)) < 0.5
    frame = pd.DataFrame(truths)
    by_frame = fit(frame)
    typed = frame.astype(dtype)
    for table in (typed, truths, truths.astype(object), truths.tolist()):
        other = fit(table)
        np.testing.assert_array_equal(other.labels_, by_frame.labels_)
        assert other.cost_ == by_frame.cost_
    # Modes, and no means: k-modes.
    assert set(by_frame.cluster_centers_.ravel()) <= {True, False}
    means = [fit(table, categorical=[]) for table in (typed, truths)]
    assert means[0].cost_ == means[1].cost_ < by_frame.cost_
    assert means[0].cluster_centers_.dtype == float


@pytest.mark.parametrize(
    "column",
    [
        pd.Series([1.5, None, 2.5, 9.0] * 5, dtype=object),
        pd.Series([1, None, 3, 9] * 5, dtype="Int64"),
        pd.Series([decimal.Decimal("1.5"), None, decimal.Decimal(2), decimal.Decimal(9)] * 5),
    ],
)
def test_numbers_in_a_column_of_objects_are_numbers_with_a_gap(column):
    frame = pd.DataFrame({"spend": column})
    expected = fit(frame.astype(float), n_clusters=2)
    for table in (frame, frame.to_numpy(dtype=object, na_value=None)):
        found = fit(table, n_clusters=2)
        np.testing.assert_array_equal(found.labels_, expected.labels_)
        assert found.cost_ == expected.cost_


def test_complex_numbers_do_not_lose_a_part_in_silence():
    with pytest.raises(SettingError, match="complex"):
        fit(pd.DataFrame({"a": np.arange(9) + 1j}))


@pytest.mark.parametrize(
    "column", [[1, 2, 3] * 30, pd.date_range("2026-01-01", periods=90), [True, False, None] * 30]
)
def test_levels_read_as_another_type_are_told_and_not_all_taken_for_new(column):
    shop = make_shop()
    model = fit(shop.assign(channel=["1", "2", "3"] * 30))
    with pytest.raises(SettingError, match="'channel' holds values of another kind"):
        model.predict(shop.assign(channel=column))
    of_numbers = fit(shop.assign(channel=[1, 2, 3] * 30), categorical=["channel", "is_member"])
    with pytest.raises(SettingError, match="Found: '1', where there was 1"):
        of_numbers.predict(shop.assign(channel=["1", "2", "3"] * 30))
    assert len(model.predict(shop.assign(channel=None))) == 90
    assert len(model.predict(shop.assign(channel="4"))) == 90


class TestGamma:
    def test_a_worked_example(self):
        # Variances 4 and 0 have mean 2; 1 - sum(p^2) is 1/2 and 3/8, of which the mean is 7/16.
        numbers = np.array([[1.0, 5.0], [5.0, 5.0], [1.0, np.nan], [5.0, 5.0]])
        codes = np.array([[0, 0], [0, 0], [1, 0], [1, 1]])
        assert weigh_categories(numbers, codes) == pytest.approx(2 / (7 / 16))

    def test_it_is_the_plan_s(self):
        shop = make_shop(200)
        scheme = Scheme.model_validate(
            {
                "name": "x",
                "goal": "g",
                "base": "behavioural",
                "method": "kprototypes",
                "columns": ["spend", "visits", "channel"],
            }
        )
        prepared = prepare_columns(shop, scheme)
        own = pd.DataFrame(prepared.numbers, columns=["spend", "visits"])
        found = fit(own.assign(channel=shop["channel"])).gamma_
        assert found == pytest.approx(choose_gamma(prepared), rel=1e-12)

    @pytest.mark.parametrize("factor", [0.01, 100.0])
    def test_another_unit_of_the_numbers_changes_no_cluster(self, factor):
        shop = make_shop(seed=1)
        numbers = ["spend", "visits"]
        other = shop.assign(**(shop[numbers] * factor))
        np.testing.assert_array_equal(fit(shop).labels_, fit(other).labels_)

    def test_a_weight_counts_as_so_many_rows(self):
        rng = np.random.default_rng(3)
        numbers = rng.normal(size=(30, 2))
        numbers[4, 0] = np.nan
        codes = rng.integers(-1, 3, (30, 2))
        weights = rng.integers(0, 4, 30)
        repeated = weigh_categories(numbers.repeat(weights, axis=0), codes.repeat(weights, axis=0))
        assert weigh_categories(numbers, codes, weights.astype(float)) == pytest.approx(repeated)

    @pytest.mark.parametrize(
        ("numbers", "codes"),
        [
            (np.empty((4, 0)), [[0], [1], [0], [1]]),
            ([[1.0], [2.0], [3.0], [4.0]], np.empty((4, 0), dtype=int)),
            ([[1.0], [1.0], [1.0], [1.0]], [[0], [1], [0], [1]]),
            ([[1.0], [2.0], [3.0], [4.0]], [[0], [0], [0], [0]]),
            ([[np.nan], [np.nan], [np.nan], [np.nan]], [[0], [1], [0], [1]]),
            ([[1.0], [2.0], [3.0], [4.0]], [[-1], [-1], [-1], [-1]]),
        ],
    )
    def test_it_is_one_where_a_kind_is_not_there_or_does_not_vary(self, numbers, codes):
        assert weigh_categories(np.array(numbers), np.array(codes)) == 1.0


class TestGammaByColumn:
    def test_it_weighs_each_category_by_its_own(self):
        frame = pd.DataFrame(
            {"plan": list("aabb"), "city": list("xyxy"), "spend": [0.0, 0.0, 0.0, 0.0]}
        )
        by_plan = fit(frame, n_clusters=2, gamma={"plan": 5, "city": 1})
        assert same_groups(by_plan.labels_, [0, 0, 1, 1])
        # In each cluster one of two differs in the city.
        assert by_plan.cost_ == 2.0
        by_city = fit(frame, n_clusters=2, gamma={"plan": 1, 1: 5})
        assert same_groups(by_city.labels_, [0, 1, 0, 1])
        assert by_city.gamma_.tolist() == [1.0, 5.0]

    def test_distances_and_cost_follow_from_it(self):
        shop = make_shop(60, seed=2)
        model = fit(shop, gamma={"channel": 2.5, "is_member": 0.25})
        centres = model.cluster_centers_
        squares = sum(
            (shop[[name]].to_numpy(float) - centres[:, i].astype(float)) ** 2
            for i, name in enumerate(["spend", "visits"])
        )
        squares += 2.5 * (shop[["channel"]].to_numpy() != centres[:, 2])
        squares += 0.25 * (shop[["is_member"]].to_numpy() != centres[:, 3])
        np.testing.assert_allclose(model.transform(shop), np.sqrt(squares))
        np.testing.assert_array_equal(model.predict(shop), squares.argmin(axis=1))
        np.testing.assert_array_equal(model.labels_, model.predict(shop))
        assert model.cost_ == pytest.approx(squares.min(axis=1).sum())

    def test_equal_ones_are_one_gamma_to_the_last_bit(self):
        shop = make_shop()
        one = fit(shop, gamma=0.7)
        each = fit(shop, gamma={"channel": 0.7, "is_member": 0.7})
        assert each.gamma_ == 0.7
        assert each.cost_ == one.cost_
        np.testing.assert_array_equal(each.labels_, one.labels_)

    def test_what_it_does_not_name_weighs_what_auto_says(self):
        shop = make_shop()
        auto = fit(shop).gamma_
        np.testing.assert_allclose(fit(shop, gamma={"is_member": 3.0}).gamma_, [auto, 3.0])
        assert fit(shop, gamma={}).gamma_ == auto

    @pytest.mark.parametrize(
        ("gamma", "message"),
        [
            ({"chanel": 1}, "Did you mean 'channel'"),
            ({"spend": 1}, "'spend' is taken as a number"),
            ({"channel": -1}, "gamma is 'auto' or a number from 0"),
            ({"channel": np.nan}, "gamma is 'auto' or a number from 0"),
            ({"channel": "auto"}, "gamma is 'auto' or a number from 0"),
            ({None: 1}, "no such column to weigh in gamma"),
        ],
    )
    def test_a_wrong_one_is_told(self, gamma, message):
        with pytest.raises(SettingError, match=message):
            fit(make_shop(), gamma=gamma)


class TestScore:
    def test_it_is_minus_the_inertia_on_the_rows_fitted(self):
        shop = make_shop()
        model = fit(shop)
        assert model.inertia_ == model.cost_
        assert model.score(shop) == pytest.approx(-model.inertia_)

    def test_weights_count_as_so_many_rows(self):
        shop = make_shop()
        model = fit(shop)
        weights = np.arange(len(shop)) % 3
        repeated = shop.loc[shop.index.repeat(weights)]
        assert model.score(shop, sample_weight=weights) == pytest.approx(model.score(repeated))

    def test_a_new_row_far_away_scores_low(self):
        model = fit(make_shop())
        assert model.score(make_shop().assign(spend=1e6)) < -1e10


def test_weights_that_give_nobody_a_say_are_refused():
    with pytest.raises(ValueError, match="at least one non-zero"):
        KPrototypes(2).fit(make_shop(), sample_weight=np.zeros(90))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_clusters": True}, "n_clusters is a whole number"),
        ({"n_init": 0}, "n_init is a whole number"),
        ({"max_iter": 1.5}, "max_iter is a whole number"),
        ({"gamma": np.nan}, "gamma is a number"),
        ({"gamma": -1.0}, "gamma is a number"),
        ({"gamma": np.array([1.0])}, "one a category. Found: 1 for 2 categories"),
        ({"n_jobs": 0}, "n_jobs is a number of threads"),
    ],
)
def test_plain_arrays_are_fitted_with_settings_that_can_be_taken(changed, message):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(20, 2))
    codes = rng.integers(0, 3, (20, 2))
    with pytest.raises(SettingError, match=message):
        fit_prototypes(
            numbers, codes, **{"n_clusters": 2, "gamma": 1.0, "random_state": 0, **changed}
        )


def test_max_iter_is_lloyd_s_steps_at_a_time():
    rows = np.random.default_rng(0).normal(size=(400, 2))
    few = KPrototypes(8, max_iter=1, n_init=1, random_state=0).fit(rows)
    many = KPrototypes(8, max_iter=100, n_init=1, random_state=0).fit(rows)
    assert 1 < few.n_iter_ < many.n_iter_ + 100
    assert "bounds no start as a whole" in KPrototypes.__doc__


class TestHabitsOfScikitLearn:
    def test_a_pipeline_that_scales_the_numbers_and_keeps_the_categories(self):
        shop = make_shop()
        scale = ColumnTransformer(
            [("scale", StandardScaler(), ["spend", "visits"])],
            remainder="passthrough",
            verbose_feature_names_out=False,
        ).set_output(transform="pandas")
        flow = Pipeline([("scale", scale), ("clusters", KPrototypes(3, n_init=2, random_state=0))])
        labels = flow.fit_predict(shop)
        assert same_groups(labels, np.arange(90) % 3)
        np.testing.assert_array_equal(flow.predict(shop), labels)
        assert flow[-1].feature_names_in_.tolist() == ["spend", "visits", "channel", "is_member"]
        assert flow.score(shop) == pytest.approx(-flow[-1].inertia_)

    def test_a_pipeline_to_plain_arrays_needs_no_names(self):
        numbers = make_shop()[["spend", "visits"]]
        flow = make_pipeline(StandardScaler(), KPrototypes(3, n_init=2, random_state=0))
        distances = flow.fit_transform(numbers)
        assert distances.shape == (90, 3)

    def test_distances_beside_other_columns_in_a_column_transformer(self):
        shop = make_shop()
        columns = ["spend", "channel"]
        both = ColumnTransformer(
            [("near", KPrototypes(3, n_init=2, random_state=0), columns)], remainder="passthrough"
        ).set_output(transform="pandas")
        table = both.fit_transform(shop)
        assert list(table.columns) == [
            "near__kprototypes0", "near__kprototypes1", "near__kprototypes2",
            "remainder__visits", "remainder__is_member",
        ]  # fmt: skip
        expected = fit(shop[columns]).transform(shop[columns])
        np.testing.assert_array_equal(table.iloc[:, :3].to_numpy(), expected)

    def test_output_as_pandas_keeps_the_rows_names(self):
        shop = make_shop().set_index(pd.Index([f"c{i}" for i in range(90)]))
        model = fit(shop).set_output(transform="pandas")
        table = model.transform(shop)
        assert table.index.equals(shop.index)
        assert table.columns.tolist() == model.get_feature_names_out().tolist()

    def test_a_clone_has_the_settings_and_no_fit(self):
        model = fit(make_shop(), gamma={"channel": 2.0}, categorical=[2, 3])
        copy = clone(model)
        assert copy.get_params() == model.get_params()
        assert not hasattr(copy, "labels_")
        np.testing.assert_array_equal(copy.fit(make_shop()).labels_, model.labels_)

    def test_a_grid_finds_the_number_and_the_weights_that_score_best(self):
        grid = {"n_clusters": [2, 3], "missing": ["own", "ignore"]}
        search = GridSearchCV(KPrototypes(n_init=2, random_state=0), grid, cv=3)
        search.fit(make_shop())
        assert search.best_params_["n_clusters"] == 3
        assert np.isfinite(search.cv_results_["mean_test_score"]).all()
        by_gamma = GridSearchCV(
            KPrototypes(3, n_init=1, random_state=0), {"gamma": ["auto", 0.5, {"channel": 2}]}, cv=2
        )
        assert len(by_gamma.fit(make_shop()).cv_results_["params"]) == 3


class TestTablesOfOthers:
    def test_a_table_of_pyarrow_is_read_like_a_data_frame(self):
        shop = make_shop()
        table = pa.Table.from_pandas(shop)
        np.testing.assert_array_equal(fit(table).labels_, fit(shop).labels_)
        model = fit(shop)
        np.testing.assert_array_equal(model.transform(table), model.transform(shop))
        assert fit(table).feature_names_in_.tolist() == list(shop.columns)

    def test_dictionaries_dates_and_gaps_of_arrow_keep_their_meaning(self):
        table = pa.table(
            {
                "plan": pa.array(["a", None, "b", "a"] * 3).dictionary_encode(),
                "spend": pa.array([1, None, 8, 2] * 3, pa.int64()),
                "is_member": pa.array([True, None, False, True] * 3),
            }
        )
        frame = pd.DataFrame(
            {
                "plan": ["a", None, "b", "a"] * 3,
                "spend": [1, np.nan, 8, 2] * 3,
                "is_member": pd.Series([True, None, False, True] * 3, dtype="boolean"),
            }
        )
        np.testing.assert_array_equal(
            fit(table, n_clusters=2).labels_, fit(frame, n_clusters=2).labels_
        )
        dated = table.append_column("day", pa.array([datetime.date(2026, 1, 1)] * 12))
        with pytest.raises(SettingError, match="'day' holds times"):
            fit(dated)

    def test_a_table_of_polars_is_read_like_a_data_frame(self):
        polars = pytest.importorskip("polars")
        shop = make_shop()
        table = polars.DataFrame(shop.to_dict("list"))
        model = fit(table)
        np.testing.assert_array_equal(model.labels_, fit(shop).labels_)
        np.testing.assert_array_equal(model.predict(table), model.labels_)
        typed = table.with_columns(polars.col("channel").cast(polars.Categorical))
        np.testing.assert_array_equal(fit(typed).labels_, model.labels_)
        distances = model.set_output(transform="polars").transform(table)
        assert isinstance(distances, polars.DataFrame)
        assert distances.columns == ["kprototypes0", "kprototypes1", "kprototypes2"]

    def test_tables_of_duckdb_and_ibis_are_read_too(self):
        shop = make_shop()
        labels = fit(shop).labels_
        np.testing.assert_array_equal(fit(ibis.memtable(shop)).labels_, labels)
        with duckdb.connect() as connection:
            table = connection.from_arrow(pa.Table.from_pandas(shop))
            np.testing.assert_array_equal(fit(table).labels_, labels)

    def test_columns_in_another_order_are_told(self):
        shop = make_shop()
        model = fit(shop)
        for other in (shop[shop.columns[::-1]], pa.Table.from_pandas(shop[shop.columns[::-1]])):
            with pytest.raises(ValueError, match="feature names"):
                model.predict(other)

    @pytest.mark.parametrize("table", [pd.Series([1.0, 2.0]), [1.0, 2.0], np.arange(4.0), 3, "abc"])
    def test_what_is_no_table_is_refused(self, table):
        with pytest.raises((ValueError, TypeError, SegkitError)):
            fit(table)
