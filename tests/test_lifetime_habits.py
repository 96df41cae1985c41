"""What users of lifetimes and pymc-marketing do out of habit, and what is refused in words."""

from __future__ import annotations

import datetime
import math

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.stats import beta as beta_density
from scipy.stats import gamma as gamma_density
from shops import AS_OF
from test_lifetime import make_orders, make_sales

from segkit.core.arguments import SettingError
from segkit.core.errors import SegkitError
from segkit.features.lifetime_choice import (
    add_lifetime,
    choose_lifetime,
    choose_split,
    compare_models,
    hold_out,
)
from segkit.features.lifetime_histories import read_histories, summarise_histories
from segkit.features.lifetime_periods import summarise_periods, tabulate_holdout
from segkit.features.lifetime_value import (
    fit_lifetime,
    fit_purchases,
    predict_lifetime,
    sum_expected,
    summarise_lifetime_value,
)
from segkit.models.lifetime.bg_nbd import BgNbd, fit_bg_nbd
from segkit.models.lifetime.expectations import (
    expect_purchases,
    find_active_probability,
    tabulate_active_probability,
    tabulate_expected_purchases,
)
from segkit.models.lifetime.gamma_gamma import Spend, expect_spend, fit_spend
from segkit.models.lifetime.mbg_cnbd import MbgCnbd, fit_mbg_cnbd
from segkit.models.lifetime.pareto_nbd import ParetoNbd, fit_pareto_nbd
from segkit.models.lifetime.peaks import History

PAPER = BgNbd(0.243, 4.414, 0.793, 2.426)
MODELS = [PAPER, ParetoNbd(0.553, 10.58, 0.606, 11.67), MbgCnbd(0.5, 6.0, 0.9, 3.0, 2)]


@pytest.fixture(scope="module")
def lines():
    return ibis.memtable(make_orders())


@pytest.fixture(scope="module")
def histories(lines) -> pd.DataFrame:
    return summarise_histories(lines, as_of=AS_OF)


@pytest.fixture(scope="module")
def model(histories):
    return fit_lifetime(histories)


class TestExpectations:
    @pytest.mark.parametrize("model", MODELS)
    def test_arrays_give_what_the_table_gives(self, histories, model):
        history, _ = read_histories(histories)
        expected = model.expect_purchases(history, [90.0])[0]
        columns = {
            "repeat_count": histories["repeat_count"],
            "active_days": histories["active_days"].tolist(),
            "tenure_days": histories["tenure_days"].to_numpy(),
        }
        found = expect_purchases(model, **columns, horizon_days=90)
        np.testing.assert_array_equal(found, expected)
        active = find_active_probability(model, **columns)
        np.testing.assert_array_equal(active, model.find_active_probability(history))

    def test_it_is_the_integral_over_rate_and_dropout(self):
        # Of a customer who is active, the purchases in t days at rate l with dropout p are
        # (1 - exp(-l p t)) / p; rate and dropout come from the posterior of who has not left.
        r, alpha, a, b = PAPER
        x, tenure, ahead = 3, 30.0, 20.0

        nodes, weights = np.polynomial.legendre.leggauss(200)
        part = (nodes + 1) / 2
        # Powers of the nodes, for both densities have a pole at 0.
        rate = 4 * part[:, None] ** 6
        dropout = part**6
        posterior = gamma_density.pdf(rate, r, scale=1 / alpha) * beta_density.pdf(dropout, a, b)
        posterior *= rate**x * np.exp(-rate * tenure) * (1 - dropout) ** x
        posterior *= np.outer(weights * part**5, weights * part**5)
        ahead_counts = -np.expm1(-rate * dropout * ahead) / dropout
        while_active = (posterior * ahead_counts).sum() / posterior.sum()
        columns = {"repeat_count": x, "active_days": 25.0, "tenure_days": tenure}
        found = expect_purchases(PAPER, **columns, horizon_days=ahead)
        active = find_active_probability(PAPER, **columns)
        assert found[0] == pytest.approx(while_active * active[0], rel=1e-6)

    def test_one_number_stands_for_everybody_and_horizons_are_rows(self):
        found = expect_purchases(
            PAPER, repeat_count=[0, 2], active_days=[0, 9], tenure_days=39, horizon_days=[0, 7, 39]
        )
        assert found.shape == (3, 2)
        assert (found[0] == 0).all()
        assert (np.diff(found, axis=0) > 0).all()

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"repeat_count": [1, 2, 3]}, "shapes"),
            ({"repeat_count": [-1, 2]}, "not possible"),
            ({"repeat_count": [1.5, 2]}, "not possible"),
            ({"repeat_count": ["one", "two"]}, "three columns of numbers"),
            ({"active_days": [0, 9]}, "not possible"),
            ({"active_days": [9, 40]}, "not possible"),
            ({"tenure_days": np.inf}, "not possible"),
            ({"tenure_days": np.nan}, "not possible"),
            ({"horizon_days": -30}, "horizon_days is a number from 0"),
            ({"horizon_days": np.nan}, "horizon_days is a number from 0"),
            ({"horizon_days": np.inf}, "horizon_days is a number from 0"),
            ({"horizon_days": "90"}, "horizon_days is a number from 0"),
            ({"horizon_days": True}, "horizon_days is a number from 0"),
            ({"horizon_days": [30, -1]}, "horizon_days is a number from 0"),
            ({"horizon_days": [[30]]}, "horizon_days is a number, or a list"),
        ],
    )
    def test_what_cannot_be_is_refused(self, changed, message):
        columns = {"repeat_count": [1, 2], "active_days": [5, 9], "tenure_days": [39, 39]}
        with pytest.raises(SettingError, match=message):
            expect_purchases(PAPER, **{**columns, "horizon_days": 30, **changed})

    @pytest.mark.parametrize(
        "model", [None, (0.2, 4.0, 0.8, 2.4), BgNbd(-0.2, 4.0, 0.8, 2.4), BgNbd(0.2, np.nan, 1, 1)]
    )
    def test_what_is_no_model_is_refused(self, model):
        with pytest.raises(SettingError):
            find_active_probability(model, repeat_count=0, active_days=0, tenure_days=9)

    def test_a_fitted_lifetime_is_told_where_its_purchases_are(self, model):
        with pytest.raises(SettingError, match="`purchases`"):
            expect_purchases(model, repeat_count=0, active_days=0, tenure_days=9, horizon_days=30)


class TestMatrices:
    @pytest.mark.parametrize("model", MODELS)
    def test_each_cell_is_the_history_of_its_row_and_column(self, model):
        active = tabulate_active_probability(model, tenure_days=36)
        ahead = tabulate_expected_purchases(model, tenure_days=36, horizon_days=30)
        assert active.shape == ahead.shape == (13, 11)
        assert active.index.name == "active_days"
        assert active.columns.name == "repeat_count"
        cell = {"repeat_count": 4, "active_days": 9.0, "tenure_days": 36}
        assert active.loc[9.0, 4] == find_active_probability(model, **cell)[0]
        assert ahead.loc[9.0, 4] == expect_purchases(model, **cell, horizon_days=30)[0]

    def test_histories_that_cannot_be_are_missing(self):
        grid = tabulate_active_probability(PAPER, tenure_days=36)
        assert grid.loc[0.0].notna().tolist() == [True] + [False] * 10
        assert grid[0].notna().tolist() == [True] + [False] * 12
        assert grid.iloc[1:, 1:].notna().all(axis=None)

    def test_the_longer_silent_the_less_probable(self):
        grid = tabulate_active_probability(PAPER, tenure_days=36).iloc[1:, 1:]
        assert (grid.diff().iloc[1:] > 0).all(axis=None)

    @pytest.mark.parametrize(
        "changed",
        [
            {"tenure_days": 0},
            {"tenure_days": -5},
            {"tenure_days": np.nan},
            {"repeat_counts": []},
            {"repeat_counts": 5},
            {"repeat_counts": [0.5]},
            {"repeat_counts": [-1]},
            {"repeat_counts": "012"},
            {"active_days": [37]},
            {"active_days": [-1]},
            {"active_days": [np.nan]},
            {"active_days": [[1], [2]]},
        ],
    )
    def test_a_grid_that_cannot_be_is_refused(self, changed):
        with pytest.raises(SettingError):
            tabulate_active_probability(PAPER, **{"tenure_days": 36, **changed})

    @pytest.mark.parametrize("horizon", [0, -1, np.nan, "30", None])
    def test_a_horizon_is_above_0(self, horizon):
        with pytest.raises(SettingError, match="horizon_days is a number above 0"):
            tabulate_expected_purchases(PAPER, tenure_days=36, horizon_days=horizon)


def count_by_pandas(lines: pd.DataFrame, as_of: datetime.date, unit: str) -> pd.DataFrame:
    """Count periods with a sale with pandas' own periods, in plain steps."""
    frequency = {"day": "D", "week": "W-SUN", "month": "M"}[unit]
    now = pd.Period(pd.Timestamp(as_of), freq=frequency)
    lines = lines[lines["ordered_at"].dt.date <= as_of]
    rows = []
    for customer, own in lines.groupby("customer_id"):
        values = own.groupby(own["ordered_at"].dt.to_period(frequency))["line_amount"].sum()
        places = [period.ordinal for period in values.index]
        later = values.iloc[1:]
        rows.append(
            (
                customer, len(places) - 1, places[-1] - places[0], now.ordinal - places[0],
                later.mean(), np.log(np.diff(places)).sum(),
            )
        )  # fmt: skip
    names = [
        "customer_id", "repeat_count", f"active_{unit}s", f"tenure_{unit}s", "mean_repeat_value",
        "log_gap_sum",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=names)


class TestPeriods:
    @pytest.mark.slow
    @pytest.mark.parametrize("unit", ["day", "week", "month"])
    @pytest.mark.parametrize("as_of", [AS_OF, datetime.date(2024, 12, 31)])
    def test_they_are_those_of_pandas(self, unit, as_of):
        lines = make_orders().round({"line_amount": 2})
        found = summarise_periods(ibis.memtable(lines), as_of=as_of, time_unit=unit)
        expected = count_by_pandas(lines, as_of, unit)
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, atol=1e-4)

    def test_days_are_those_that_a_plan_counts(self, lines, histories):
        found = summarise_periods(lines, as_of=AS_OF, time_unit="day")
        shared = list(found.columns)
        pd.testing.assert_frame_equal(found, histories[shared], check_exact=True)

    def test_sunday_and_monday_are_two_weeks_and_a_week_s_sales_are_one_purchase(self):
        days = pd.to_datetime(["2026-01-05", "2026-01-11", "2026-01-12", "2026-01-31"])
        lines = make_sales(["a"] * 4, (pd.Timestamp(AS_OF) - days).days, np.array([1.0, 2, 4, 8]))
        as_of = datetime.date(2026, 2, 1)
        weeks = summarise_periods(ibis.memtable(lines), as_of=as_of, time_unit="week").iloc[0]
        assert weeks.iloc[1:4].tolist() == [2, 3, 3]
        assert weeks["mean_repeat_value"] == 6.0
        months = summarise_periods(ibis.memtable(lines), as_of=as_of, time_unit="month").iloc[0]
        assert months.iloc[1:4].tolist() == [0, 0, 1]
        assert math.isnan(months["mean_repeat_value"])

    def test_a_model_of_weeks_expects_what_one_of_days_does(self, lines):
        weeks = summarise_periods(lines, as_of=AS_OF, time_unit="week")
        columns = [weeks[name] for name in ("repeat_count", "active_weeks", "tenure_weeks")]
        by_week, peak = fit_purchases(History(*columns), "BG/NBD")
        assert peak.converged
        ahead = expect_purchases(
            by_week,
            repeat_count=columns[0],
            active_days=columns[1],
            tenure_days=columns[2],
            horizon_days=26,
        ).sum()
        days = summarise_histories(lines, as_of=AS_OF)
        by_day = sum_expected(days, fit_lifetime(days), [26 * 7])[0]
        assert ahead == pytest.approx(by_day, rel=0.15)

    @pytest.mark.parametrize("unit", ["weeks", "W", None, 7, "year"])
    def test_another_unit_is_refused(self, lines, unit):
        with pytest.raises(SettingError, match="unknown time_unit"):
            summarise_periods(lines, as_of=AS_OF, time_unit=unit)


class TestHoldout:
    SPLIT = AS_OF - datetime.timedelta(days=182)

    def test_nothing_after_the_split_is_known_before_it_and_nothing_is_lost(self, lines):
        table = tabulate_holdout(lines, as_of=AS_OF, split_on=self.SPLIT)
        before = summarise_histories(lines, as_of=self.SPLIT)
        shared = ["customer_id", "repeat_count", "active_days", "tenure_days", "mean_repeat_value"]
        pd.testing.assert_frame_equal(table[shared], before[shared], check_exact=True)
        after = summarise_histories(lines, as_of=AS_OF).set_index("customer_id")["repeat_count"]
        more = table["customer_id"].map(after) - table["repeat_count"]
        assert table["later_count"].tolist() == more.tolist()
        assert set(table["later_days"]) == {182}

    def test_a_worked_example(self):
        split = datetime.date(2026, 1, 31)
        as_of = datetime.date(2026, 3, 1)
        days = ["2026-01-10", "2026-01-31", "2026-02-01", "2026-02-01", "2026-03-01"]
        ago = (pd.Timestamp(AS_OF) - pd.to_datetime(days)).days
        made = make_sales(list("aaaab"), ago, np.array([1.0, 2, 4, 8, 16]))
        lines = ibis.memtable(made)
        table = tabulate_holdout(lines, as_of=as_of, split_on=split)
        row = table.iloc[0]
        assert len(table) == 1
        assert row[["repeat_count", "active_days", "tenure_days"]].tolist() == [1, 21, 21]
        assert row[["later_count", "later_value", "mean_later_value"]].tolist() == [1, 12.0, 12.0]
        assert row["later_days"] == 29
        months = tabulate_holdout(lines, as_of=as_of, split_on=split, time_unit="month").iloc[0]
        assert months[["repeat_count", "later_count", "later_months"]].tolist() == [0, 1, 2]

    def test_it_agrees_with_the_weeks_held_out_by_the_choice_of_a_model(self, lines):
        table = tabulate_holdout(lines, as_of=AS_OF, split_on=self.SPLIT)
        kept = hold_out(lines, as_of=AS_OF, split_on=self.SPLIT).histories
        np.testing.assert_array_equal(table["later_count"], kept["later_count"])
        np.testing.assert_allclose(table["later_value"], kept["later_value"])

    @pytest.mark.parametrize(
        ("split", "unit", "fix"),
        [
            (datetime.date(2026, 1, 30), "month", "Take 2025-12-31"),
            (datetime.date(2026, 1, 30), "week", "Take 2026-01-25"),
        ],
    )
    def test_a_split_within_a_period_is_refused_with_the_day_to_take(self, lines, split, unit, fix):
        with pytest.raises(SettingError, match=fix):
            tabulate_holdout(lines, as_of=AS_OF, split_on=split, time_unit=unit)

    @pytest.mark.parametrize("split", [AS_OF, AS_OF + datetime.timedelta(days=1)])
    def test_a_split_after_the_end_is_refused(self, lines, split):
        for call in (tabulate_holdout, hold_out, choose_lifetime):
            with pytest.raises(SettingError, match="split_on is not before as_of"):
                call(lines, as_of=AS_OF, split_on=split)


class TestHistories:
    def test_customers_who_stand_twice_are_refused(self, histories, model):
        doubled = pd.concat([histories, histories.head(3)])
        for call in (fit_lifetime, read_histories):
            with pytest.raises(SettingError, match="3 rows too many"):
                call(doubled)
        with pytest.raises(SettingError, match="more than once"):
            predict_lifetime(doubled, model)
        with pytest.raises(SettingError, match="more than once"):
            summarise_lifetime_value(doubled, model, random_state=0)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"customer_id": None}, "without a customer_id"),
            ({"repeat_count": -1}, "not possible"),
            ({"repeat_count": 0.5}, "not possible"),
            ({"repeat_count": np.inf}, "not possible"),
            ({"tenure_days": np.inf, "active_days": np.inf}, "not possible"),
            ({"tenure_days": np.inf}, "not possible"),
            ({"tenure_days": np.nan}, "not possible"),
            ({"tenure_days": "long"}, "'tenure_days' of the histories does not hold numbers"),
            ({"tenure_days": pd.Timedelta(days=900)}, "times are not numbers"),
            ({"active_days": pd.Timestamp("2026-01-01")}, "times are not numbers"),
            ({"mean_repeat_value": "much"}, "'mean_repeat_value' of the histories"),
        ],
    )
    def test_what_cannot_be_is_refused(self, histories, changed, message):
        with pytest.raises(SettingError, match=message):
            read_histories(histories.assign(**changed))

    @pytest.mark.parametrize("table", [None, [1, 2], {"customer_id": ["a"]}, "histories.csv"])
    def test_what_is_no_table_is_refused(self, table, model):
        for call in (read_histories, fit_lifetime, lambda own: predict_lifetime(own, model)):
            with pytest.raises(SettingError, match="histories are a table"):
                call(table)

    def test_a_table_of_pyarrow_gives_the_same_model_and_forecast(self, histories, model):
        table = pa.Table.from_pandas(histories)
        assert fit_lifetime(table) == model
        pd.testing.assert_frame_equal(
            predict_lifetime(table, model), predict_lifetime(histories, model), check_dtype=False
        )

    def test_a_table_of_polars_gives_the_same_model_and_forecast(self, histories, model):
        polars = pytest.importorskip("polars")
        table = polars.DataFrame(histories.to_dict("list"), nan_to_null=True)
        assert fit_lifetime(table) == model
        pd.testing.assert_frame_equal(
            predict_lifetime(table, model), predict_lifetime(histories, model), check_dtype=False
        )
        groups = pd.Series(["all"] * len(histories))
        assert len(summarise_lifetime_value(table, model, groups, random_state=0)) == 2


class TestArguments:
    @pytest.mark.parametrize("days", [-30, 0, np.nan, np.inf, "90", None, True, [90]])
    def test_a_horizon_is_a_number_above_0(self, histories, model, days):
        with pytest.raises(SettingError, match="horizon_days is a number above 0"):
            predict_lifetime(histories, model, horizon_days=days)

    @pytest.mark.parametrize("rate", [-2, -0.01, 1, 10, np.nan, np.inf, "0.1", None, False])
    def test_a_discount_is_a_share(self, histories, model, rate):
        with pytest.raises(SettingError, match=r"yearly_discount .* Ten per cent are 0\.10"):
            predict_lifetime(histories, model, yearly_discount=rate)

    def test_numpy_s_scalars_are_numbers(self, histories, model):
        own = {"horizon_days": np.int64(90), "yearly_discount": np.float32(0.25)}
        plain = predict_lifetime(histories, model, horizon_days=90, yearly_discount=0.25)
        pd.testing.assert_frame_equal(predict_lifetime(histories, model, **own), plain)

    def test_order_lines_of_pandas_arrow_and_polars_are_read(self, histories):
        lines = make_orders()
        tables = [lines, pa.Table.from_pandas(lines)]
        try:
            import polars

            tables.append(polars.from_arrow(tables[1]))
        except ModuleNotFoundError:
            pass
        for table in tables:
            found = summarise_histories(table, as_of=AS_OF)
            pd.testing.assert_frame_equal(found, histories)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda lines: None, "order lines are a table. Found: NoneType"),
            (lambda lines: lines.to_dict("list"), "order lines are a table. Found: dict"),
            (lambda lines: lines.drop(columns="line_type"), "lack line_type.*prepare_lines"),
            (lambda lines: lines[["customer_id"]], "lack ordered_at, line_type, line_amount"),
            (lambda lines: lines.astype({"ordered_at": str}), "holds no times. Found: string"),
            (lambda lines: lines.astype({"line_amount": str}), "holds no numbers. Found: string"),
        ],
    )
    def test_what_are_no_order_lines_is_refused(self, change, message):
        table = change(make_orders(40))
        for call in (summarise_histories, summarise_periods, choose_lifetime):
            with pytest.raises(SettingError, match=message):
                call(table, as_of=AS_OF)
        with pytest.raises(SettingError, match=message):
            add_lifetime(pd.DataFrame({"customer_id": ["c0"]}), table, as_of=AS_OF)

    @pytest.mark.parametrize("days", [-7, 0, np.nan, "28", True])
    def test_a_time_held_out_is_above_0(self, histories, days):
        with pytest.raises(SettingError, match="days is a number above 0"):
            compare_models(histories, days=days)

    @pytest.mark.parametrize("kind", ["pareto", "bg/nbd", None, 1, "BG/NBD "])
    def test_an_unknown_kind_is_not_fitted_as_another(self, histories, kind):
        history, _ = read_histories(histories)
        with pytest.raises(SettingError, match="unknown kind"):
            fit_lifetime(histories, kind=kind)
        with pytest.raises(SettingError, match="unknown kind"):
            fit_purchases(history, kind)

    @pytest.mark.parametrize("wrong", [None, MODELS[0], {}])
    def test_a_model_is_what_was_fitted(self, histories, wrong):
        with pytest.raises(SettingError, match="model is what fit_lifetime gives"):
            predict_lifetime(histories, wrong)
        with pytest.raises(SettingError, match="model is what fit_lifetime gives"):
            summarise_lifetime_value(histories, wrong, random_state=0)

    @pytest.mark.parametrize("seed", [-1, 1.5, None, "0", True, np.nan])
    def test_a_seed_is_a_whole_number(self, histories, model, seed):
        with pytest.raises(SettingError, match="random_state is a whole number"):
            summarise_lifetime_value(histories, model, random_state=seed)

    def test_groups_that_fit_nobody_are_refused(self, histories, model):
        by_name = pd.Series("a", index=histories["customer_id"])
        with pytest.raises(SettingError, match="no index value in common"):
            summarise_lifetime_value(histories, model, by_name, random_state=0)
        with pytest.raises(SettingError, match="groups are a Series"):
            summarise_lifetime_value(histories, model, ["a"] * len(histories), random_state=0)
        twice = pd.Series("a", index=[0, 0])
        with pytest.raises(SettingError, match="stands twice"):
            summarise_lifetime_value(histories, model, twice, random_state=0)

    @pytest.mark.parametrize("day", ["2026-06-30", None, 20260630, pd.NaT])
    def test_a_day_is_a_date(self, lines, histories, day):
        for call in (summarise_histories, summarise_periods, choose_lifetime):
            with pytest.raises(SettingError, match="as_of is a date"):
                call(lines, as_of=day)
        with pytest.raises(SettingError, match="as_of is a date"):
            choose_split(histories, as_of=day)
        with pytest.raises(SettingError, match="split_on is a date"):
            hold_out(lines, as_of=AS_OF, split_on=day)

    def test_a_point_in_time_is_its_day(self, lines, histories):
        noon = datetime.datetime.combine(AS_OF, datetime.time(12))
        for day in (noon, pd.Timestamp(noon)):
            pd.testing.assert_frame_equal(summarise_histories(lines, as_of=day), histories)


class TestPlainArrays:
    @pytest.mark.parametrize("fit", [fit_bg_nbd, fit_pareto_nbd, fit_mbg_cnbd])
    @pytest.mark.parametrize(
        "history",
        [
            History([1, 2], [1.0, np.nan], [9.0, 9.0]),
            History([1, 2], [1.0, 10.0], [9.0, 9.0]),
            History([1, -2], [1.0, 2.0], [9.0, 9.0]),
            History([1, 2], [1.0, 2.0], [9.0, np.inf]),
            History([0, 2], [1.0, 2.0], [9.0, 9.0]),
            History([1, 2], [1.0], [9.0, 9.0]),
            History(["a", "b"], [1.0, 2.0], [9.0, 9.0]),
            History([[1]], [[1.0]], [[9.0]]),
            History([], [], []),
        ],
    )
    def test_no_model_is_fitted_to_histories_that_cannot_be(self, fit, history):
        with pytest.raises(SegkitError):
            fit(history)

    @pytest.mark.parametrize(
        ("counts", "means"),
        [
            ([0, 1], [5.0, 5.0]),
            ([1, 1], [5.0, -5.0]),
            ([1, 1], [5.0, np.nan]),
            ([1, 1], [5.0, np.inf]),
            ([1.5, 1], [5.0, 5.0]),
            ([1, 1], [5.0]),
            ([], []),
            (["1", "1"], [5.0, 5.0]),
            ([True, True], [5.0, 5.0]),
        ],
    )
    def test_no_spend_is_fitted_to_what_is_none(self, counts, means):
        with pytest.raises(SettingError):
            fit_spend(counts, means)

    @pytest.mark.parametrize(
        ("count", "mean"),
        [(-1, 5.0), (1.5, 5.0), (np.nan, 5.0), (np.inf, 5.0), (1, np.nan), (1, -5.0), (1, np.inf)],
    )
    def test_an_expected_spend_is_of_what_can_be(self, count, mean):
        model = Spend(6.0, 3.0, 1.0)
        assert expect_spend(model, [0, 1], [np.nan, 0.0]) == pytest.approx([3.0, 0.75])
        with pytest.raises(SettingError, match="1 of 2"):
            expect_spend(model, [0, count], [np.nan, mean])

    @pytest.mark.parametrize("total", [np.nan, "5", True])
    def test_a_sum_of_gaps_is_a_number(self, total):
        history = History([1, 2, 0], [1.0, 2.0, 0.0], [9.0, 9.0, 9.0])
        with pytest.raises(SettingError, match="log_gap_sum is a number"):
            fit_mbg_cnbd(history, total)
