"""Which lifetime model is taken, when none may be used, and how wide the interval is then."""

from __future__ import annotations

import dataclasses
import datetime
import sys
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from shops import AS_OF

from segkit.core.errors import SegkitError
from segkit.features.lifetime_choice import (
    KINDS,
    LOOSE,
    NO_MAXIMUM,
    _rank_models,
    add_lifetime,
    choose_lifetime,
    explain_model,
    explain_spend,
)
from segkit.features.lifetime_histories import summarise_histories
from segkit.features.lifetime_value import (
    ALL,
    fit_lifetime,
    predict_lifetime,
    summarise_lifetime_value,
)
from segkit.models.lifetime.gamma_gamma import expect_spend
from segkit.report import lifetime_value
from segkit.validation.lifetime_checks import assess_lifetime, check_lifetime

sys.path.insert(0, str(Path(__file__).parent / "simulations"))
from coverage_lifetime import TRUE_MODELS, draw_customers, draw_purchases


def make_sales(who: np.ndarray, days_ago: np.ndarray, amounts: np.ndarray) -> pd.DataFrame:
    """Order lines of one sale each, so many days before AS_OF."""
    lines = pd.DataFrame({"customer_id": [f"c{n}" for n in who], "line_amount": amounts})
    days = pd.to_timedelta(np.asarray(days_ago, dtype=float), unit="D")
    return lines.assign(ordered_at=pd.Timestamp(AS_OF) - days, line_type="sale")


def draw_lines(kind: str, count: int = 1_200, *, seed: int = 0, **changes) -> pd.DataFrame:
    """Order lines of customers drawn from a model over two years until AS_OF."""
    rng = np.random.default_rng(seed)
    tenure = rng.integers(1, 730, count).astype(float)
    model = TRUE_MODELS[kind]._replace(**changes)
    who, when = draw_purchases(rng, model, tenure)
    who = np.append(np.arange(count), who)
    days = np.ceil(tenure[who] - np.append(np.zeros(count), when))
    amounts = 20 * rng.gamma(4, 0.25, len(who)) / rng.gamma(5, 0.2, count)[who]
    return make_sales(who, days, amounts)


def make_subscriptions(count: int = 60, *, months: int = 14) -> pd.DataFrame:
    """One payment a month, always the same for a customer, on a day of the calendar."""
    rng = np.random.default_rng(0)
    rows = []
    for customer in range(count):
        first = (
            pd.Timestamp(AS_OF) - pd.DateOffset(months=months) + pd.Timedelta(days=customer % 28)
        )
        price = rng.choice([9.0, 19.0, 49.0])
        rows += [(customer, first + pd.DateOffset(months=n), price) for n in range(months)]
    table = pd.DataFrame(rows, columns=["customer", "day", "price"])
    days_ago = (pd.Timestamp(AS_OF) - table["day"]).dt.days
    return make_sales(table["customer"], days_ago, table["price"])


class TestContracts:
    def test_are_refused_with_what_was_seen(self):
        lines = ibis.memtable(make_subscriptions())
        with pytest.raises(SegkitError, match="contracts or subscriptions") as error:
            choose_lifetime(lines, as_of=AS_OF)
        assert "100% of 60 customers" in error.value.found
        customers = pd.DataFrame({"customer_id": ["c0", "c1"]})
        added, reason = add_lifetime(customers, lines, as_of=AS_OF)
        assert added["lifetime_value"].isna().all()
        assert "contracts" in reason
        worth = assess_lifetime(lines, customers, as_of=AS_OF, random_state=0)
        told = read_texts(
            lifetime_value.state_lifetime(publish(worth.values, lifetime_value.VALUES))
        )
        assert told[0].startswith("There is no lifetime value.")

    @pytest.mark.parametrize("changed", ["amounts", "days"])
    def test_only_one_of_both_is_no_contract(self, changed):
        lines = make_subscriptions()
        rng = np.random.default_rng(1)
        if changed == "amounts":
            lines["line_amount"] *= rng.gamma(5, 0.2, len(lines))
        else:
            lines["ordered_at"] -= pd.to_timedelta(rng.integers(0, 200, len(lines)), unit="D")
        histories = summarise_histories(ibis.memtable(lines), as_of=AS_OF)
        assert fit_lifetime(histories, kind="MBG/CNBD-k").repeat_buyer_count == 60

    def test_a_missed_month_and_a_new_price_change_nothing(self):
        lines = make_subscriptions()
        month = lines.groupby("customer_id").cumcount()
        lines.loc[month > 8, "line_amount"] *= 1.1
        with pytest.raises(SegkitError, match="contracts or subscriptions"):
            choose_lifetime(ibis.memtable(lines[month != 5]), as_of=AS_OF)


class TestChoice:
    @pytest.mark.slow
    @pytest.mark.parametrize("kind", ["BG/NBD", "MBG/CNBD-k"])
    def test_whoever_drew_the_customers_is_taken(self, kind):
        lines = ibis.memtable(draw_lines(kind))
        choice = choose_lifetime(lines, as_of=AS_OF)
        assert choice.model.purchases.title == TRUE_MODELS[kind].title
        assert choice.candidates["is_chosen"].sum() == 1
        assert choice.reason == ""
        assert choice.value_reason == ""
        told = publish(choice.candidates, lifetime_value.CANDIDATES)
        assert TRUE_MODELS[kind].title in read_texts(lifetime_value.state_choice(told))[0]
        again = choose_lifetime(lines, as_of=AS_OF)
        pd.testing.assert_frame_equal(choice.candidates, again.candidates, check_exact=True)

    @pytest.mark.slow
    def test_the_simpler_is_taken_but_where_another_is_better_by_more_than_chance(self):
        taken = []
        for seed in range(6):
            lines = ibis.memtable(draw_lines("BG/NBD", 800, seed=seed, a=0.6, b=1.0))
            table = choose_lifetime(lines, as_of=AS_OF).candidates
            taken.append(table.loc[table["is_chosen"], "model"].iloc[0])
        assert len(table) == len(KINDS)
        assert taken.count("BG/NBD") >= 5

    def test_one_that_is_off_in_all_comes_after_one_that_is_not(self):
        columns = ["note", "relative_error", "later_log_likelihood", "log_likelihood"]
        rows = [("", 0.1, -120.0, 0.0), ("", 0.3, -80.0, 0.0), ("", -0.1, -100.0, 0.0)]
        table = pd.DataFrame(rows, index=list(KINDS), columns=columns)
        spread = np.linspace(-0.1, 0.1, 50)
        scores = {kind: table.loc[kind, "later_log_likelihood"] / 50 + spread for kind in KINDS}
        assert _rank_models(table, scores).sort_values().index.tolist() == [
            "MBG/CNBD-k", "BG/NBD", "Pareto/NBD",
        ]  # fmt: skip
        table.loc["MBG/CNBD-k", "note"] = NO_MAXIMUM
        assert _rank_models(table, scores).idxmin() == "BG/NBD"
        scores["BG/NBD"] = scores["Pareto/NBD"] - 0.001 + np.tile([0.1, -0.1], 25)
        near = table.assign(relative_error=0.0, note="")
        assert _rank_models(near, scores).idxmin() == "BG/NBD"

    def test_without_time_to_hold_out_the_likeliest_is_taken(self):
        lines = draw_lines("BG/NBD", alpha=2.0)
        late = lines["ordered_at"] > pd.Timestamp(AS_OF) - pd.Timedelta(days=60)
        choice = choose_lifetime(ibis.memtable(lines[late]), as_of=AS_OF)
        assert choice.held_out is None
        assert "too short" in choice.held_out_reason
        sound = choice.candidates[choice.candidates["note"] == ""]
        taken = choice.candidates.set_index("is_chosen")["log_likelihood"]
        assert taken[True] == sound["log_likelihood"].max()
        told = publish(choice.candidates, lifetime_value.CANDIDATES)
        assert "the likeliest" in read_texts(lifetime_value.state_choice(told))[0]


class TestRefusals:
    def test_who_never_leave_have_no_features_and_a_reason(self):
        lines = ibis.memtable(draw_lines("BG/NBD", a=1e-4, b=5.0))
        choice = choose_lifetime(lines, as_of=AS_OF)
        assert choice.reason in (NO_MAXIMUM, LOOSE)
        customers = pd.DataFrame({"customer_id": ["c0", "c1"]})
        added, reason = add_lifetime(customers, lines, as_of=AS_OF)
        assert added.drop(columns="customer_id").isna().all(axis=None)
        assert reason == choice.reason

    def test_a_shop_that_stopped_has_no_features_and_is_told_how_far_off(self):
        lines = draw_lines("BG/NBD", 3_000)
        keeps = lines["ordered_at"] < pd.Timestamp(AS_OF) - pd.Timedelta(days=200)
        few = np.random.default_rng(0).random(len(lines)) < 0.3
        choice = choose_lifetime(ibis.memtable(lines[keeps | few]), as_of=AS_OF)
        assert "of what was expected" in choice.reason

    def test_prices_that_fell_take_the_value_and_leave_the_purchases(self):
        lines = draw_lines("BG/NBD")
        late = lines["ordered_at"] > pd.Timestamp(AS_OF) - pd.Timedelta(days=200)
        lines.loc[late, "line_amount"] *= 0.2
        shop = ibis.memtable(lines)
        customers = pd.DataFrame({"customer_id": lines["customer_id"].unique()})
        added, reason = add_lifetime(customers, shop, as_of=AS_OF)
        assert "their value" in reason
        assert added["lifetime_value"].isna().all()
        assert added["expected_order_count"].notna().all()
        worth = assess_lifetime(shop, customers, as_of=AS_OF, random_state=0)
        assert worth.values["total_lifetime_value"].isna().all()
        row = worth.checks.set_index("check").loc["error of sales in the time held out"]
        assert row["value"] > 1
        assert not row["passes"]

    def test_a_model_of_the_spend_without_a_mean_is_named(self):
        histories, _ = draw_customers(1_000, 1)
        model = fit_lifetime(histories)
        assert explain_model(model) == explain_spend(model) == ""
        heavy = dataclasses.replace(model, spend=model.spend._replace(q=0.9))
        assert "no finite mean" in explain_spend(heavy)
        loose = np.array(model.covariance)
        loose[4, 4] = 1.1
        assert explain_spend(dataclasses.replace(model, covariance=loose)) == LOOSE
        flat = dataclasses.replace(model, converged=False)
        assert explain_model(flat) == NO_MAXIMUM
        assert predict_lifetime(histories, heavy)["lifetime_value"].isna().all()


class TestValue:
    def test_purchases_that_were_worth_nothing_are_evidence(self):
        histories, _ = draw_customers(1_000, 1)
        buyer = histories["repeat_count"].idxmax()
        model = fit_lifetime(histories)
        values = []
        for mean in (np.nan, 0.0, 5.0):
            histories.loc[buyer, "mean_repeat_value"] = mean
            found = predict_lifetime(histories, model)
            values.append(found.loc[buyer, "expected_order_value"])
        p, q, v = model.spend
        count = histories.loc[buyer, "repeat_count"]
        assert values[0] == pytest.approx(p * v / (q - 1))  # nothing is known
        assert values[1] == pytest.approx(p * v / (p * count + q - 1))
        assert values[1] == pytest.approx(expect_spend(model.spend, [count], [0.0])[0])
        assert values[1] < values[2] < values[0]

    def test_what_was_missed_widens_the_interval_by_the_stated_rule(self):
        histories, _ = draw_customers(3_000, 2)
        model = fit_lifetime(histories)
        groups = histories["repeat_count"].map(lambda n: "some" if n else "none")
        missed = pd.DataFrame({"log_error": [0.2, 1.5]}, index=[ALL, "none"])
        plain, wide = (
            summarise_lifetime_value(histories, model, groups, random_state=0, missed=errors)
            for errors in (None, missed)
        )
        middle = [name for name in plain if not name.endswith(("low", "high"))]
        pd.testing.assert_frame_equal(plain[middle], wide[middle])
        for row, error in ((0, 0.2), (1, 1.5), (2, 0.2)):
            before, after = (
                np.log(t.loc[row, "total_high"] / t.loc[row, "total_low"]) for t in (plain, wide)
            )
            # Independent errors add up as squares; the draws of chance are no normal ones.
            assert after == pytest.approx(np.hypot(before, 2 * 1.96 * error), rel=0.05)

    def test_groups_are_judged_by_where_they_stood_then(self):
        lines = draw_lines("BG/NBD")
        shop = ibis.memtable(lines)
        ids = sorted(lines["customer_id"].unique())
        stages = pd.Series(["loyal", "new", "lapsed"] * 400)[: len(ids)]
        customers = pd.DataFrame({"customer_id": ids, "journey_stage": stages})
        worth = assess_lifetime(shop, customers, as_of=AS_OF, random_state=0)
        assert worth.values["group"].tolist() == [ALL, "lapsed", "loyal", "new"]
        assert (worth.values["total_low"] < worth.values["total_lifetime_value"]).all()
        checks = worth.checks.set_index("check")
        purchases = checks.loc["error of purchases in the time held out", "value"]
        assert checks.loc["error of sales in the time held out", "value"] == pytest.approx(
            purchases, abs=0.2
        )

    def test_without_time_held_out_both_errors_say_why(self):
        histories, _ = draw_customers(1_000, 1)
        checks = check_lifetime(histories, fit_lifetime(histories))
        assert checks["note"].iloc[-2:].tolist() == ["No time was held out."] * 2
        assert checks["passes"].iloc[-2:].tolist() == [None, None]


def test_a_split_of_one_s_own_is_kept():
    split = AS_OF - datetime.timedelta(days=100)
    choice = choose_lifetime(ibis.memtable(draw_lines("BG/NBD")), as_of=AS_OF, split_on=split)
    assert choice.held_out.split_on == split
    assert choice.held_out.weeks == 14
