"""Lifetime value: against integrals, drawn customers with known parameters, and hostile data."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from published import publish, read_texts
from scipy.integrate import quad
from scipy.special import betaln, gammaln, roots_jacobi
from scipy.stats import beta
from shops import AS_OF, make_lines, make_tables

from segkit.core.errors import SegkitError
from segkit.features.customer_table import build_customers, list_given
from segkit.features.lifetime_choice import FEATURE_COLUMNS, add_lifetime, hold_out
from segkit.features.lifetime_histories import HISTORY_COLUMNS, summarise_histories
from segkit.features.lifetime_value import fit_lifetime, predict_lifetime, summarise_lifetime_value
from segkit.models.lifetime import bg_nbd, gamma_gamma, peaks
from segkit.models.lifetime.bg_nbd import BgNbd, expect_while_active
from segkit.models.lifetime.gamma_gamma import Spend, expect_spend
from segkit.models.lifetime.peaks import History
from segkit.report import lifetime_value
from segkit.validation import lifetime_checks

sys.path.insert(0, str(Path(__file__).parent / "simulations"))
from coverage_lifetime import TRUE_MODELS, TRUTH, draw_customers, draw_purchases, simulate


@pytest.fixture(scope="module")
def drawn() -> tuple[pd.DataFrame, np.ndarray]:
    return draw_customers(3_000, 1)


@pytest.fixture(scope="module")
def model(drawn):
    return fit_lifetime(drawn[0])


def make_orders(count: int = 400, *, seed: int = 0, value: float = 20.0) -> pd.DataFrame:
    """Order lines of customers drawn from BG/NBD and Gamma-Gamma, over two years until AS_OF."""
    rng = np.random.default_rng(seed)
    tenure = rng.integers(1, 730, count).astype(float)
    who, when = draw_purchases(rng, TRUE_MODELS["BG/NBD"], tenure)
    who = np.append(np.arange(count), who)
    days = np.ceil(tenure[who] - np.append(np.zeros(count), when))
    amounts = value * rng.gamma(4, 0.25, len(who)) / rng.gamma(5, 0.2, count)[who]
    return make_sales([f"c{customer}" for customer in who], days, amounts)


def make_sales(customers: list[str], days_ago: np.ndarray, amounts: np.ndarray) -> pd.DataFrame:
    """Order lines of one sale each, so many days before AS_OF."""
    lines = pd.DataFrame({"customer_id": customers, "line_amount": amounts})
    lines["ordered_at"] = pd.Timestamp(AS_OF) - pd.to_timedelta(days_ago, unit="D")
    return lines.assign(
        order_id=lines.index.astype(str), product_id="p", quantity=1.0, line_type="sale",
        unit_price=lines["line_amount"], is_product=True,
    )  # fmt: skip


class TestHistories:
    def test_are_those_worked_out_on_paper(self):
        found = summarise_histories(make_tables()["order_lines"], as_of=AS_OF)
        assert found["customer_id"].tolist() == ["ann", "bob", "cat", "eve", "fay"]  # not dan
        found = found.set_index("customer_id")
        # ann bought on 1 January and on 1 May for 50; her return is no purchase.
        assert found.loc["ann"].tolist() == [1, 120, 180, 50.0, round(np.log(120), 4), 0]
        assert found.loc["bob", ["repeat_count", "active_days", "tenure_days"]].tolist() == [
            0, 0, 91,
        ]  # fmt: skip
        assert found["mean_repeat_value"].isna().tolist() == [False, True, True, True, True]

    def test_read_nothing_after_the_last_day(self):
        earlier = datetime.date(2026, 4, 30)
        found = summarise_histories(make_tables()["order_lines"], as_of=earlier)
        found = found.set_index("customer_id")
        assert "cat" not in found.index
        assert found.loc["ann", "repeat_count"] == 0

    def test_do_not_depend_on_the_order_of_the_lines(self):
        lines = make_orders()
        mixed = lines.sample(frac=1, random_state=0, ignore_index=True)
        found = [summarise_histories(ibis.memtable(t), as_of=AS_OF) for t in (lines, mixed)]
        pd.testing.assert_frame_equal(*found)


class TestFormulas:
    @settings(max_examples=40, deadline=None)
    @example(r=0.5, alpha=5.0, a=0.5, b=2.0, x=98, tenure=0.0, horizon=46.0)
    @given(
        r=st.floats(0.05, 20), alpha=st.floats(5, 300), a=st.floats(0.05, 30),
        b=st.floats(0.05, 60), x=st.integers(0, 200), tenure=st.floats(0, 700),
        horizon=st.floats(1, 365),
    )  # fmt: skip
    def test_purchases_while_active_are_the_integral(self, r, alpha, a, b, x, tenure, horizon):
        """Given the dropout p they are (1 - (1 + p t / A) ** -(r + x)) / p, by Gauss and Jacobi."""
        nodes, weights = roots_jacobi(200, b + x - 1, a - 1)
        dropout, weights = (nodes + 1) / 2, weights / weights.sum()
        share = horizon / (alpha + tenure)
        gone = -np.expm1(-(r + x) * np.log1p(dropout * share))
        expected = weights @ (gone / dropout)
        found = expect_while_active(BgNbd(r, alpha, a, b), horizon, repeat_count=x, tenure=tenure)
        assert found == pytest.approx(expected, rel=1e-3)

    @pytest.mark.parametrize("a", [1 - 1e-9, 1.0, 1 + 1e-9])
    def test_dropout_of_one_is_no_pole(self, a):
        near = [expect_while_active(BgNbd(0.5, 10, other, 2), 50) for other in (0.999, 1.001)]
        assert expect_while_active(BgNbd(0.5, 10, a, 2), 50) == pytest.approx(np.mean(near), 1e-5)

    def test_counts_sum_to_one_and_to_the_expectation(self):
        model = BgNbd(0.8, 30.0, 0.7, 2.5)
        shares = model.share_counts(np.array([0.0, 5.0, 100.0]), most=400)
        assert shares.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-6)
        means = shares @ np.arange(401)
        assert means[1:] == pytest.approx(
            [*expect_while_active(model, np.array([5.0, 100.0]))], 1e-3
        )

    def test_whoever_never_bought_again_is_active_and_silence_lowers_it(self):
        model = BgNbd(0.8, 30.0, 0.7, 2.5)
        history = History(*np.array([[0, 5, 5, 5], [0, 100, 100, 100], [700, 100, 200, 700]]))
        found = model.find_active_probability(history)
        assert found[0] == 1
        assert (np.diff(found[1:]) < 0).all()
        assert 0 < found[3] < 0.1

    def test_an_active_customer_s_dropout_follows_its_posterior(self):
        r, alpha, a, b, x = 0.8, 30.0, 0.7, 2.5, 3
        found = expect_while_active(BgNbd(r, alpha, a, b), 90, repeat_count=x, tenure=60)
        expected, _ = quad(
            lambda p: beta.pdf(p, a, b + x) * (1 - (1 + p * 90 / (alpha + 60)) ** -(r + x)) / p,
            0, 1,
        )  # fmt: skip
        assert found == pytest.approx(expected, rel=1e-6)

    def test_spend_is_drawn_to_the_mean_of_all(self):
        spend = Spend(6.0, 4.0, 15.0)
        everybody = 6 * 15 / (4 - 1)
        found = expect_spend(spend, [0, 1, 100], [np.nan, 90.0, 90.0])
        assert found[0] == pytest.approx(everybody)
        assert everybody < found[1] < found[2] < 90


class TestDerivatives:
    """The exact slopes and curvature beside central differences, and the fit that rests on them."""

    @settings(max_examples=25, deadline=None)
    @example(logs=[0.0] * 4)
    @given(logs=st.lists(st.floats(-2, 2), min_size=4, max_size=4))
    def test_are_those_of_the_likelihoods(self, drawn, logs):
        histories = drawn[0].head(400)
        count, active, tenure, mean = (histories[name].to_numpy() for name in HISTORY_COLUMNS[1:])
        alike = peaks.count_alike(History(count, active, tenure))
        purchases = bg_nbd._weigh_histories(alike.keys, 2 * alike.counts, known=alike.values)
        again = count > 0
        total = (count * mean)[again]
        spend = gamma_gamma._weigh_spend(count[again].astype(float), total, np.log(total))
        for measure, scale in ((purchases, [1, 1, 1, 1]), (spend, [1, 1, 15])):
            values = np.exp(logs[: len(scale)]) * scale
            _, slopes, bends = measure(values)
            moves = np.diag(values) * 1e-5
            ends = [(measure(values + move), measure(values - move)) for move in moves]
            wide = 2 * values * 1e-5
            found = np.array([up[0] - down[0] for up, down in ends]) / wide
            size = np.abs(slopes * values).max()
            assert slopes * values == pytest.approx(found * values, rel=1e-5, abs=1e-6 * size)
            found = np.array([up[1] - down[1] for up, down in ends]) / wide[:, None]
            assert bends == pytest.approx(bends.T)
            both = np.outer(values, values)
            size = np.abs(bends * both).max()
            assert bends * both == pytest.approx(found * both, rel=1e-5, abs=1e-6 * size)

    def test_a_fit_from_the_peak_of_a_part_is_the_fit(self, drawn, model, monkeypatch):
        monkeypatch.setattr(peaks, "THIN_ROWS", 300)
        monkeypatch.setattr(bg_nbd, "PART_ROWS", 100)
        monkeypatch.setattr(gamma_gamma, "PART_ROWS", 100)
        other = fit_lifetime(drawn[0])
        assert other.converged
        assert [*other.purchases, *other.spend] == pytest.approx(
            [*model.purchases, *model.spend], rel=1e-5
        )
        assert other.standard_errors == pytest.approx(model.standard_errors, rel=1e-2)
        assert other.log_likelihood == pytest.approx(model.log_likelihood, rel=1e-12)

    def test_whole_and_broken_times_give_the_same_fit(self, drawn):
        count, active, tenure = (drawn[0][name].to_numpy() for name in HISTORY_COLUMNS[1:4])
        whole = [np.ceil(active), np.ceil(tenure)]
        days = bg_nbd.fit_bg_nbd(History(count, *whole))
        weeks = bg_nbd.fit_bg_nbd(History(count, *(time / 7 for time in whole)))
        assert weeks.values * [1, 7, 1, 1] == pytest.approx(days.values, rel=1e-6)
        assert weeks.covariance == pytest.approx(days.covariance, rel=1e-4)


class TestFit:
    def test_finds_the_parameters_that_customers_were_drawn_from(self, model):
        found = np.array(list(model.parameters.values()))
        true = np.array(list(TRUTH.values()))
        assert (np.abs(found - true) < 4 * np.array(model.standard_errors)).all()
        assert model.converged
        assert model.spend_converged

    def test_no_other_parameters_are_likelier_and_errors_are_its_curvature(self, drawn, model):
        histories, _ = drawn
        count, active, tenure = (
            histories[name].to_numpy(float)
            for name in ("repeat_count", "active_days", "tenure_days")
        )

        def measure(purchases: BgNbd) -> float:
            """The plain likelihood of Fader, Hardie and Lee (2005), by integration of dropout."""
            r, alpha, a, b = purchases
            base = gammaln(r + count) - gammaln(r) + r * np.log(alpha)
            stays = betaln(a, b + count) - betaln(a, b) - (r + count) * np.log(alpha + tenure)
            left = (
                betaln(a + 1, b + count - 1) - betaln(a, b) - (r + count) * np.log(alpha + active)
            )
            return (base + np.logaddexp(stays, np.where(count > 0, left, -np.inf))).sum()

        precision = np.linalg.inv(np.array(model.covariance)[:4, :4])
        with np.errstate(all="ignore"):
            best = measure(model.purchases)
            assert best == pytest.approx(model.log_likelihood, rel=1e-10)
            for place in range(4):
                ends = []
                for step in (-0.01, 0.01):
                    moved = list(model.purchases)
                    moved[place] *= np.exp(step)
                    ends.append(measure(BgNbd(*moved)))
                assert max(ends) < best
                curvature = (2 * best - sum(ends)) / 0.01**2
                assert curvature == pytest.approx(precision[place, place], rel=0.01)

    def test_rows_in_another_order_give_the_same_bytes(self, drawn, model):
        histories = drawn[0].sample(frac=1, random_state=3)
        assert fit_lifetime(histories) == model
        found = predict_lifetime(histories, model).sort_values("customer_id", ignore_index=True)
        pd.testing.assert_frame_equal(found, predict_lifetime(drawn[0], model), check_exact=True)
        mixed = summarise_lifetime_value(histories, model, random_state=1)
        plain = summarise_lifetime_value(drawn[0], model, random_state=1)
        pd.testing.assert_frame_equal(mixed, plain, check_exact=True)

    def test_currency_changes_the_value_only(self, drawn, model):
        histories = drawn[0].assign(mean_repeat_value=drawn[0]["mean_repeat_value"] * 1000)
        other = fit_lifetime(histories)
        assert other.purchases == model.purchases
        assert other.spend == pytest.approx((*model.spend[:2], 1000 * model.spend.v), rel=1e-4)

    @pytest.mark.parametrize("value", [0.0, -5.0, np.nan, np.inf])
    def test_only_positive_values_enter_the_spend(self, drawn, model, value):
        histories = drawn[0].copy()
        odd = histories.index[histories["repeat_count"] > 0][:50]
        histories.loc[odd, "mean_repeat_value"] = value
        other = fit_lifetime(histories)
        assert other.purchases == model.purchases
        assert other.spender_count == model.spender_count - 50
        assert np.isfinite(predict_lifetime(histories, other)["lifetime_value"]).all()

    def test_without_any_positive_value_purchases_are_still_expected(self, drawn):
        histories = drawn[0].assign(mean_repeat_value=0.0)
        model = fit_lifetime(histories)
        found = predict_lifetime(histories, model)
        assert found["expected_order_count"].gt(0).all()
        assert found["lifetime_value"].isna().all()
        checks = lifetime_checks.check_lifetime(histories, model).set_index("check")
        assert checks.loc["q of the spend, whose mean is finite above 1", "passes"] is None

    def test_a_huge_value_does_not_break_it(self, drawn):
        histories = drawn[0].copy()
        buyer = histories.index[histories["repeat_count"] > 0][0]
        histories.loc[buyer, "mean_repeat_value"] = 1e200
        model = fit_lifetime(histories)
        assert np.isfinite(model.spend).all()

    def test_too_few_repeat_buyers_are_refused(self, drawn):
        once = drawn[0].query("repeat_count == 0")
        with pytest.raises(SegkitError, match="too few customers bought on more than one day"):
            fit_lifetime(once)
        with pytest.raises(SegkitError, match="0, where 30 are needed"):
            fit_lifetime(once.head(1))

    @pytest.mark.parametrize(
        ("column", "value"),
        [("repeat_count", -1), ("active_days", 1e6), ("tenure_days", np.nan), ("active_days", 0)],
    )
    def test_an_impossible_history_is_refused(self, drawn, column, value):
        histories = drawn[0].astype({column: float})
        buyer = histories.index[histories["repeat_count"] > 0][0]
        histories.loc[buyer, column] = value
        with pytest.raises(SegkitError, match="a history is not possible"):
            fit_lifetime(histories)

    def test_customers_who_never_leave_are_found_at_the_edge(self):
        histories, _ = draw_customers(800, 2, truth=TRUE_MODELS["BG/NBD"]._replace(a=1e-4, b=5.0))
        model = fit_lifetime(histories)
        checks = lifetime_checks.check_lifetime(histories, model).set_index("check")
        assert not checks.loc["largest standard error of a parameter's logarithm", "passes"]
        found = predict_lifetime(histories, model)
        assert np.isfinite(found["lifetime_value"]).all()


class TestPrediction:
    def test_orders_and_value_come_true_for_drawn_customers(self, drawn, model):
        histories, brought = drawn
        found = predict_lifetime(histories, model)
        assert found["lifetime_value"].mean() == pytest.approx(brought.mean(), rel=0.15)
        assert found["active_probability"].between(0, 1).all()
        assert (found["lifetime_value_low"] <= found["lifetime_value"]).all()
        assert (found["lifetime_value"] <= found["lifetime_value_high"]).all()

    def test_discounting_lowers_value_by_less_than_a_year_s_rate(self, drawn, model):
        values = [
            predict_lifetime(drawn[0], model, yearly_discount=rate)["lifetime_value"]
            for rate in (0.0, 0.10)
        ]
        assert ((values[1] < values[0]) & (values[1] > values[0] / 1.10)).all()
        plain = predict_lifetime(drawn[0], model, yearly_discount=0.0)
        product = plain["expected_order_count"] * plain["expected_order_value"]
        assert plain["lifetime_value"].to_numpy() == pytest.approx(product.to_numpy())

    def test_groups_sum_to_all(self, drawn, model):
        groups = drawn[0]["repeat_count"].clip(upper=2).map("bought again {} times".format)
        table = summarise_lifetime_value(drawn[0], model, groups, random_state=0)
        everybody, parts = table.iloc[0], table.iloc[1:]
        for column in ("customer_count", "total_lifetime_value"):
            assert parts[column].sum() == pytest.approx(everybody[column])
        assert (table["mean_low"] < table["mean_lifetime_value"]).all()
        assert (table["mean_lifetime_value"] < table["mean_high"]).all()

    @pytest.mark.slow
    @pytest.mark.parametrize("kind", TRUE_MODELS)
    def test_intervals_cover_about_as_often_as_they_say(self, kind):
        found = simulate(6, 100, customers=400, kinds=(kind,))
        coverage = found.set_index("interval")["coverage"]
        assert coverage.mean() > 0.8  # make simulate measures it; this only catches a blunder
        assert coverage["mean value, all"] >= 0.6


class TestFeatures:
    @pytest.mark.slow
    def test_join_the_customer_table_in_the_dictionary_s_place(self):
        lines = ibis.memtable(make_orders())
        built = build_customers({"order_lines": lines}, as_of=AS_OF)
        customers = built.frame
        assert set(FEATURE_COLUMNS) <= set(customers)
        assert customers[list(FEATURE_COLUMNS)].notna().all().all()
        assert built.lifetime_reason == ""
        columns = {"order_lines": dict.fromkeys(lines.columns, "number")}
        assert set(FEATURE_COLUMNS) <= set(list_given(columns))

    @pytest.mark.slow
    def test_are_there_but_missing_where_too_few_bought_again(self):
        built = build_customers(make_tables(), as_of=AS_OF)
        customers = built.frame
        assert customers[list(FEATURE_COLUMNS)].isna().all().all()
        assert "too few" in built.lifetime_reason

    @pytest.mark.slow
    def test_who_never_bought_is_not_there_and_changes_nothing(self):
        returns = make_orders(1).head(1)
        returns = returns.assign(customer_id="nobody", line_type="return", line_amount=-5.0)
        lines = pd.concat([make_orders(), returns], ignore_index=True)
        expected, found = (
            build_customers({"order_lines": ibis.memtable(table)}, as_of=AS_OF).frame
            for table in (make_orders(), lines)
        )
        pd.testing.assert_frame_equal(expected, found)
        assert found["lifetime_value"].notna().all()

    def test_change_no_argument(self):
        customers = pd.DataFrame({"customer_id": ["c1", "c0"]})
        added, _ = add_lifetime(customers, ibis.memtable(make_orders()), as_of=AS_OF)
        assert list(customers) == ["customer_id"]
        assert added["customer_id"].tolist() == ["c1", "c0"]


def publish_worth(worth: lifetime_checks.LifetimeEvidence) -> list:
    """Let the tables of the evidence through the gate as the notebook does."""
    return [
        publish(worth.values, lifetime_value.VALUES),
        publish(lifetime_value.write_checks(worth.checks), lifetime_value.CHECKS),
        publish(worth.holdout, lifetime_value.HOLDOUT),
        publish(worth.repeat_counts, lifetime_value.REPEATS),
    ]


class TestEvidence:
    def test_all_bought_on_one_day_says_why_there_is_nothing(self):
        lines = make_lines().assign(ordered_at=pd.Timestamp("2026-05-01 10:00"))
        customers = pd.DataFrame({"customer_id": ["ann"], "journey_stage": ["new"]})
        options = {"as_of": AS_OF, "random_state": 0}
        for order_lines in (None, ibis.memtable(lines), ibis.memtable(lines.head(1))):
            worth = lifetime_checks.assess_lifetime(order_lines, customers, **options)
            assert worth.model is None
            values, checks, holdout, repeats = publish_worth(worth)
            told = read_texts(lifetime_value.state_lifetime(values))
            assert told[0].startswith("There is no lifetime value.")
            assert lifetime_value.state_lifetime_checks(checks, holdout) == []
            assert checks.empty
            assert checks.reason == worth.checks.reason
            assert {"value_text", "limit_text"} <= set(checks.frame)
            lifetime_value.plot_holdout(holdout)
            lifetime_value.plot_repeat_counts(repeats)

    def test_small_groups_are_put_together_and_small_counts_hidden(self):
        lines = make_orders()
        stages = ["rare" if n < 3 else "some" if n < 12 else "many" for n in range(400)]
        customers = pd.DataFrame(
            {"customer_id": [f"c{n}" for n in range(400)], "journey_stage": stages}
        )
        options = {"as_of": AS_OF, "random_state": 0, "smallest_cell": 5}
        worth = lifetime_checks.assess_lifetime(ibis.memtable(lines), customers, **options)
        assert worth.values["group"].tolist() == ["all customers", "many", "other"]
        assert worth.values["customer_count"].tolist() == [400, 388, 12]
        counts = worth.repeat_counts.assign(actual_customers=[90, 60, 3, 9, 8, 0, 12, 18])
        repeats = publish(counts, lifetime_value.REPEATS)
        shown = repeats.frame["actual_customers"].dropna()
        # 3 is too few, and without 8 the sum of all would tell it.
        assert shown.tolist() == [90, 60, 9, 0, 12, 18]
        assert repeats.frame["expected_customers"].notna().all()
        alt = lifetime_value.plot_repeat_counts(repeats).figure._segkit_alt
        assert "2: – actual" in alt

    @pytest.mark.slow
    def test_sentences_and_charts_say_what_the_tables_hold(self):
        lines = ibis.memtable(make_orders())
        built = build_customers({"order_lines": lines}, as_of=AS_OF)
        customers = built.frame
        worth = lifetime_checks.assess_lifetime(lines, customers, as_of=AS_OF, random_state=0)
        values, checks, holdout, repeats = publish_worth(worth)
        told = read_texts(lifetime_value.state_lifetime(values))
        assert "all 400 customers together" in told[0]
        assert "interval" in told[0]
        told = read_texts(lifetime_value.state_lifetime_checks(checks, holdout))
        assert f"In {len(worth.holdout)} weeks" in told[-1]
        alt = lifetime_value.plot_holdout(holdout).figure._segkit_alt
        assert "actual goes from" in alt
        alt = lifetime_value.plot_repeat_counts(repeats).figure._segkit_alt
        assert "8 counts" in alt
        assert checks.frame["limit_text"].iloc[0] == "at least 100"

    def test_the_group_that_brings_most_is_named_with_its_share(self):
        values = pd.DataFrame(
            {
                "group": ["all customers", "loyal", "new"],
                "customer_count": [100, 40, 60],
                "mean_lifetime_value": [10.0, 20.0, 10 / 3],
                "mean_low": [9.0, 18.0, 3.0],
                "mean_high": [11.0, 22.0, 4.0],
                "total_lifetime_value": [1000.0, 800.0, 200.0],
                "total_low": [900.0, 720.0, 180.0],
                "total_high": [1100.0, 880.0, 240.0],
            }
        )
        told = lifetime_value.state_lifetime(publish(values, lifetime_value.VALUES))
        assert [text.replace("\u202f", " ") for text in read_texts(told)] == [
            "Over all time to 2026-03-31 a customer is expected to bring EUR 10.00 of gross sales "
            "(95 % interval EUR 9.00 to EUR 11.00), all 100 customers together EUR 1 000 (EUR "
            "900.00 to EUR 1 100), discounted.",
            "The largest part of it, 80.0%, is expected of the group 'loyal', which is 40.0% of "
            "the customers.",
        ]
        assert [finding.count for finding in told] == [100, 40]
        alone = publish(values.head(2), lifetime_value.VALUES)
        assert len(lifetime_value.state_lifetime(alone)) == 1
        without = values.assign(mean_lifetime_value=np.nan)
        told = lifetime_value.state_lifetime(publish(without, lifetime_value.VALUES))
        assert read_texts(told)[0].startswith("Purchases can be expected, but not their value")

    def test_checks_that_fail_are_named_with_what_that_means(self):
        checks = pd.DataFrame(
            {
                "check": ["one", "two", "three"],
                "value": [1.0, 0.256, np.nan],
                "bound": ["at least", "at most", "above"],
                "limit": [2.0, 0.2, 1.0],
                "passes": [False, False, None],
                "note": ["One fails.", "Two fails.", "Not measured."],
            }
        )
        holdout = pd.DataFrame(
            {
                "week_end": pd.to_datetime(["2026-06-07", "2026-06-14"]),
                "expected_running": [2.0, 4.4],
                "actual_running": [1, 5],
            }
        )

        def state(table: pd.DataFrame) -> list[str]:
            written = publish(lifetime_value.write_checks(table), lifetime_value.CHECKS)
            shown = publish(holdout, lifetime_value.HOLDOUT)
            return read_texts(lifetime_value.state_lifetime_checks(written, shown))

        assert state(checks) == [
            "Take the values with care: 'one' and 'two' do not hold.",
            "One fails.",
            "Two fails.",
            "In 2 weeks that the fit had not seen, 4 purchases were expected and 5 came.",
        ]
        assert state(checks.head(1))[0] == "Take the values with care: 'one' does not hold."
        fine = checks.assign(passes=[True, True, None])
        assert state(fine)[0] == "All of the 2 checks that were made hold."

    def test_a_time_held_out_counts_only_customers_known_before(self):
        lines = make_orders()
        split = AS_OF - datetime.timedelta(days=140)
        shop = ibis.memtable(lines)
        held_out = hold_out(shop, as_of=AS_OF, split_on=split)
        model = fit_lifetime(held_out.histories)
        table = lifetime_checks.compare_holdout(shop, held_out, model, as_of=AS_OF)
        first = lines.groupby("customer_id")["ordered_at"].transform("min")
        after = (lines["ordered_at"] > pd.Timestamp(split)) & (first <= pd.Timestamp(split))
        after = lines[after]
        assert len(table) == 20
        assert table["actual_running"].iloc[-1] == len(
            after.drop_duplicates(["customer_id", "ordered_at"])
        )
        assert held_out.histories["later_value"].sum() == pytest.approx(after["line_amount"].sum())
        assert table["week_end"].iloc[-1] == pd.Timestamp(AS_OF)

    def test_a_short_history_holds_nothing_out(self):
        lines = make_orders(80)
        late = lines[lines["ordered_at"] > pd.Timestamp(AS_OF) - pd.Timedelta(days=60)]
        with pytest.raises(SegkitError, match="too short"):
            hold_out(ibis.memtable(late), as_of=AS_OF, split_on=AS_OF - datetime.timedelta(days=20))

    def test_money_that_follows_frequency_is_seen(self, drawn):
        histories = drawn[0].copy()
        histories["mean_repeat_value"] = 10.0 * histories["repeat_count"].where(lambda n: n > 0)
        checks = lifetime_checks.check_lifetime(histories, fit_lifetime(histories))
        row = checks.set_index("check").loc["correlation of money and frequency"]
        assert not row["passes"]
        assert "rules out" in row["note"]

    def test_counts_that_the_model_cannot_repeat_are_seen(self, drawn, model):
        table = lifetime_checks.compare_repeat_counts(drawn[0], model)
        assert table["expected_customers"].sum() == pytest.approx(len(drawn[0]))
        regular = drawn[0].assign(repeat_count=5, active_days=drawn[0]["tenure_days"] * 0.9)
        regular["mean_repeat_value"] = 10.0 + (regular["customer_id"] % 7)
        checks = lifetime_checks.check_lifetime(regular, fit_lifetime(regular)).set_index("check")
        assert not checks.loc["share of customers in the wrong repeat count", "passes"]
