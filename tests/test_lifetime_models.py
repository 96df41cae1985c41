"""Pareto/NBD and MBG/CNBD-k against integrals over customers, and against drawn customers."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import gammaincc, gammaln, hyp2f1, roots_genlaguerre, roots_jacobi

from segkit.models.lifetime import mbg_cnbd, pareto_nbd
from segkit.models.lifetime.mbg_cnbd import MbgCnbd, fit_mbg_cnbd
from segkit.models.lifetime.pareto_nbd import ParetoNbd, fit_pareto_nbd
from segkit.models.lifetime.peaks import History

sys.path.insert(0, str(Path(__file__).parent / "simulations"))
from coverage_lifetime import TRUE_MODELS, draw_customers, draw_purchases

PARETO, MBG = TRUE_MODELS["Pareto/NBD"], TRUE_MODELS["MBG/CNBD-k"]


def make_history(repeats, active, tenure) -> History:
    return History(
        *(np.atleast_1d(np.asarray(column, float)) for column in (repeats, active, tenure))
    )


def measure_pareto(model, history: History) -> float:
    measure = pareto_nbd._weigh_histories(*history, np.ones(len(history.repeats)))
    return measure(np.array(model[:4]))[0]


def measure_mbg(model, history: History) -> float:
    measure = mbg_cnbd._weigh_histories(*history, np.ones(len(history.repeats)), k=model.k)
    return measure(np.array(model[:4]))[0]


class TestLikelihoods:
    """Each beside the likelihood of one customer, integrated over customers."""

    @pytest.mark.parametrize(("x", "active", "tenure"), [(0, 0, 5), (1, 2, 5), (6, 4.5, 5)])
    def test_pareto_nbd_is_that_of_a_customer_over_all(self, x, active, tenure):
        model = ParetoNbd(1.3, 2.0, 1.6, 3.0)
        rates, rate_weights = roots_genlaguerre(60, model.r - 1)
        deaths, death_weights = roots_genlaguerre(60, model.s - 1)
        rate, death = (rates / model.alpha)[:, None], deaths / model.beta
        both = rate + death
        # Schmittlein, Morrison and Colombo (1987): left after the last purchase, or still there.
        each = rate**x * death / both * np.exp(-both * active)
        each += rate ** (x + 1) / both * np.exp(-both * tenure)
        mean = rate_weights @ each @ death_weights
        expected = np.log(mean) - gammaln(model.r) - gammaln(model.s)
        history = make_history(x, active, tenure)
        assert measure_pareto(model, history) == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize("k", [1, 2, 4])
    @pytest.mark.parametrize(("x", "active", "tenure"), [(0, 0, 5), (1, 2, 5), (6, 4.5, 5)])
    def test_mbg_cnbd_is_that_of_a_customer_over_all(self, k, x, active, tenure):
        model = MbgCnbd(1.3, 2.0, 1.2, 2.5, k)
        rates, rate_weights = roots_genlaguerre(60, model.r - 1)
        leaves, leave_weights = roots_jacobi(40, model.b - 1, model.a - 1)
        leave, leave_weights = (leaves + 1) / 2, leave_weights / leave_weights.sum()
        rate = (rates / model.alpha)[:, None]
        # Left after the last purchase, or no further one in the time since.
        silent = gammaincc(k, rate * (tenure - active))
        each = rate ** (k * x) * np.exp(-rate * active) * (1 - leave) ** x
        each = each * (leave + (1 - leave) * silent)
        expected = np.log(rate_weights @ each @ leave_weights) - gammaln(model.r)
        history = make_history(x, active, tenure)
        assert measure_mbg(model, history) == pytest.approx(expected, abs=1e-6)

    @settings(max_examples=60, deadline=None)
    @example(r=0.05, alpha=3000.0, s=5.0, beta=0.01, x=0, share=0.0, tenure=3000.0)
    @example(r=20.0, alpha=0.01, s=0.05, beta=3000.0, x=400, share=0.1, tenure=3000.0)
    @given(
        r=st.floats(0.05, 20), alpha=st.floats(0.01, 3000), s=st.floats(0.05, 20),
        beta=st.floats(0.01, 3000), x=st.integers(0, 400), share=st.floats(0.01, 1),
        tenure=st.floats(1, 3000),
    )  # fmt: skip
    def test_having_left_is_the_integral_whatever_the_size(
        self, r, alpha, s, beta, x, share, tenure
    ):
        active = share * tenure if x else 0.0
        found = ParetoNbd(r, alpha, s, beta).find_active_probability(
            make_history(x, active, tenure)
        )

        def leaves(log_time: float) -> float:
            """The density of having left then, over that of being there still."""
            time = np.exp(log_time) - shift
            fall = (r + x) * (np.log(alpha + time) - np.log(alpha + tenure))
            fall += s * (np.log(beta + time) - np.log(beta + tenure))
            return np.exp(-fall - lift) * s / (beta + time) * (time + shift)

        shift = min(alpha, beta)
        lift = -(r + x) * np.log((alpha + active) / (alpha + tenure))
        lift -= s * np.log((beta + active) / (beta + tenure))
        ends = np.log(shift + active), np.log(shift + tenure)
        points = ends[0] + (ends[1] - ends[0]) * np.logspace(-4, 0, 9)[:-1]
        gone = quad(leaves, *ends, points=points, limit=500, epsabs=0, epsrel=1e-10)[0]
        expected = 1 / (1 + gone * np.exp(min(lift, 700)))
        assert found[0] == pytest.approx(expected, rel=1e-6, abs=1e-12)

    def test_pareto_nbd_is_gauss_s_function_where_that_can_be_had(self):
        r, alpha, s, beta, x, active, tenure = 0.55, 10.6, 0.61, 11.7, 3, 20.0, 38.0

        def part(time: float) -> float:
            z = (beta - alpha) / (beta + time)
            whole = r + s + x
            return hyp2f1(whole, r + x, whole + 1, z) / (beta + time) ** whole

        gone = s / (r + s + x) * (part(active) - part(tenure))
        stays = (alpha + tenure) ** -(r + x) * (beta + tenure) ** -s
        found = ParetoNbd(r, alpha, s, beta).find_active_probability(
            make_history(x, active, tenure)
        )
        assert found[0] == pytest.approx(stays / (stays + gone), rel=1e-9)


class TestDerivatives:
    @settings(max_examples=25, deadline=None)
    @given(
        logs=st.lists(st.floats(-2, 2), min_size=4, max_size=4),
        kind=st.sampled_from(["pareto", "mbg-1", "mbg-3"]),
    )
    def test_are_those_of_the_likelihoods(self, logs, kind):
        histories, _ = draw_customers(200, 3, truth=MBG)
        columns = histories[["repeat_count", "active_days", "tenure_days"]].to_numpy(float).T
        columns = [columns[0], columns[1] / 300, columns[2] / 300]
        weights = np.ones(len(histories))
        if kind == "pareto":
            measure = pareto_nbd._weigh_histories(*columns, weights)
        else:
            measure = mbg_cnbd._weigh_histories(*columns, weights, k=int(kind[-1]))
        values = np.exp(logs)
        value, slopes, bends = measure(values)
        moves = np.diag(values) * 1e-5
        ends = [(measure(values + move), measure(values - move)) for move in moves]
        found = np.array([up[0] - down[0] for up, down in ends]) / 2e-5
        assert slopes * values == pytest.approx(found, rel=1e-5, abs=1e-7 * abs(value))
        found = np.array([up[1] - down[1] for up, down in ends]) / 2e-5
        size = np.abs(bends * np.outer(values, values)).max()
        assert bends * np.outer(values, values) == pytest.approx(
            found * values, rel=1e-4, abs=1e-6 * size
        )


class TestExpectations:
    @pytest.mark.slow
    @pytest.mark.parametrize("kind", TRUE_MODELS)
    def test_come_true_for_drawn_customers_whoever_they_are(self, kind):
        """By count and by silence: what the drawn go on to buy, and who buys ever again."""
        model = TRUE_MODELS[kind]
        rng = np.random.default_rng(4)
        size, horizon = 60_000, 365.0
        tenure = rng.uniform(30, 500, size)
        who, when = draw_purchases(rng, model, tenure + horizon)
        is_past = when <= tenure[who]
        repeats = np.bincount(who[is_past], minlength=size)
        active = np.zeros(size)
        np.maximum.at(active, who[is_past], when[is_past])
        later = np.bincount(who[~is_past], minlength=size)
        history = History(repeats, active, tenure)
        expected = model.expect_purchases(history, [horizon / 3, horizon])
        drawn = model.draw_purchases(history, horizon, rng)
        assert (expected[0] <= expected[1] + 1e-9).all()
        silence = (tenure - active) > 60
        for group in (repeats == 0, repeats == 2, repeats > 8):
            for rows in (group & silence, group & ~silence):
                error = np.sqrt(later[rows].var() / rows.sum())
                assert expected[1, rows].mean() == pytest.approx(later[rows].mean(), abs=4 * error)
                assert drawn[rows].mean() == pytest.approx(later[rows].mean(), abs=6 * error)
                share = (later[rows] > 0).mean()
                assert model.find_active_probability(history)[rows].mean() > share - 0.02

    @pytest.mark.parametrize("model", [PARETO, MBG, MbgCnbd(0.4, 20.0, 1.0, 0.6)])
    def test_counts_sum_to_one_and_to_the_expectation_of_a_new_customer(self, model):
        shares = model.share_counts(np.array([0.0, 90.0, 700.0]), most=600)
        assert shares.sum(axis=1) == pytest.approx([1, 1, 1], abs=1e-5)
        new = model.expect_purchases(make_history(0, 0, 0), [90.0, 700.0])[:, 0]
        means = shares @ np.arange(601)
        assert means[1:] == pytest.approx(new, rel=1e-3)

    def test_a_death_rate_of_shape_one_is_no_pole(self):
        history = make_history(3, 80, 100)
        near = [PARETO._replace(s=s).expect_purchases(history, [90])[0] for s in (0.999, 1.001)]
        found = PARETO._replace(s=1.0).expect_purchases(history, [90])[0]
        assert found == pytest.approx(np.mean(near, axis=0), rel=1e-5)

    @settings(max_examples=20, deadline=None)
    @given(
        logs=st.lists(st.floats(-2, 2), min_size=4, max_size=4), k=st.integers(1, 4),
        horizon=st.floats(1, 365),
    )  # fmt: skip
    def test_many_tenures_give_what_each_gives_alone(self, logs, k, horizon):
        """Between many tenures of one count values are read off; a few are summed one by one."""
        r, alpha, a, b = np.exp(logs) * [1, 30, 1, 1]
        model = MbgCnbd(r, alpha, a, b, k)
        tenure = np.arange(1.0, 701.0, 7)
        history = History(np.full(100, 4), tenure / 2, tenure)
        together = model.expect_purchases(history, [horizon])[0]
        few = History(*(column[::17] for column in history))
        assert together[::17] == pytest.approx(model.expect_purchases(few, [horizon])[0], rel=1e-5)

    def test_regular_buyers_are_missed_earlier_than_random_ones(self):
        history = make_history([8, 8], [240, 240], [300, 360])
        regular, at_random = (
            MbgCnbd(4.0, 120.0 / k, 0.8, 2.4, k).find_active_probability(history) for k in (4, 1)
        )
        assert (regular < at_random).all()


class TestFits:
    def test_regularity_is_found_and_needs_the_gaps(self):
        histories, _ = draw_customers(1_500, 5, truth=MBG)
        history = History(
            *(histories[n].to_numpy() for n in ("repeat_count", "active_days", "tenure_days"))
        )
        peak, k = fit_mbg_cnbd(history, histories["log_gap_sum"].sum())
        assert k == MBG.k
        errors = np.sqrt(np.diag(peak.covariance))
        assert (np.abs(np.log(peak.values / np.array(MBG[:4]))) < 4 * errors).all()
        assert fit_mbg_cnbd(history)[1] == 1

    def test_pareto_nbd_finds_what_customers_were_drawn_from(self):
        histories, _ = draw_customers(2_000, 6, truth=PARETO)
        history = History(
            *(histories[n].to_numpy() for n in ("repeat_count", "active_days", "tenure_days"))
        )
        peak = fit_pareto_nbd(history)
        errors = np.sqrt(np.diag(peak.covariance))
        assert (np.abs(np.log(peak.values / np.array(PARETO))) < 4 * errors).all()
        weeks = fit_pareto_nbd(History(history.repeats, history.active / 7, history.tenure / 7))
        assert weeks.values * [1, 7, 1, 7] == pytest.approx(peak.values, rel=1e-4)
