"""Lifetime value against published figures on the CDNOW sample.

BG/NBD: Fader, Hardie and Lee (2005) and the vignette of BTYD, in weeks; Pareto/NBD: Fader, Hardie
and Lee (2005), table 2, with the standard errors that other implementations find; Gamma-Gamma:
Fader and Hardie (2013). The first 39 weeks are fitted, the next 39 held out.
"""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest

from segkit.features.lifetime_choice import choose_lifetime, hold_out
from segkit.features.lifetime_histories import summarise_histories
from segkit.features.lifetime_value import fit_lifetime, predict_lifetime
from segkit.models.lifetime.bg_nbd import BgNbd, expect_while_active, fit_bg_nbd
from segkit.models.lifetime.pareto_nbd import fit_pareto_nbd
from segkit.models.lifetime.peaks import History
from segkit.validation.lifetime_checks import check_lifetime, compare_holdout

SPLIT, END = datetime.date(1997, 9, 30), datetime.date(1998, 6, 30)
# The published parameters, with which the published expectations were worked out.
PUBLISHED = BgNbd(0.243, 4.414, 0.793, 2.426)


@pytest.fixture
def purchases(shared_data) -> ibis.Table:
    names = ["master_id", "customer_id", "ordered_at", "quantity", "line_amount"]
    path = shared_data("cdnow/CDNOW_sample.txt")
    table = pd.read_csv(path, sep=r"\s+", header=None, names=names, dtype={"ordered_at": str})
    table["ordered_at"] = pd.to_datetime(table["ordered_at"], format="%Y%m%d")
    return ibis.memtable(table.assign(line_type="sale"))


def list_weeks(purchases: ibis.Table) -> History:
    """The histories in weeks, as the published figures are."""
    histories = summarise_histories(purchases, as_of=SPLIT)
    assert len(histories) == 2_357
    weeks = histories[["active_days", "tenure_days"]].to_numpy().T / 7
    return History(histories["repeat_count"].to_numpy(), *weeks)


def test_the_published_purchase_model_is_found(purchases):
    peak = fit_bg_nbd(list_weeks(purchases))
    assert peak.values == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=0.01)
    assert peak.log_likelihood == pytest.approx(-9582.43, abs=0.05)
    assert peak.converged


def test_the_published_pareto_nbd_is_found_with_its_standard_errors(purchases):
    peak = fit_pareto_nbd(list_weeks(purchases))
    assert peak.values == pytest.approx([0.553, 10.578, 0.606, 11.669], abs=0.001)
    assert peak.log_likelihood == pytest.approx(-9594.98, abs=0.01)
    errors = peak.values * np.sqrt(np.diag(peak.covariance))
    assert errors == pytest.approx([0.0476, 0.8427, 0.1873, 6.2105], rel=1e-3)
    assert peak.converged


def test_the_published_spend_model_is_found(purchases):
    model = fit_lifetime(summarise_histories(purchases, as_of=SPLIT))
    assert (model.spender_count, model.spend_converged) == (946, True)
    assert model.spend == pytest.approx([6.25, 3.74, 15.44], abs=0.01)
    assert model.spend_log_likelihood == pytest.approx(-4055.92, abs=0.05)


def test_days_and_weeks_are_the_same_model(purchases):
    histories = summarise_histories(purchases, as_of=SPLIT)
    model = fit_lifetime(histories)
    in_weeks = model.log_likelihood + histories["repeat_count"].sum() * np.log(7)
    assert in_weeks == pytest.approx(-9582.43, abs=0.05)
    assert model.purchases.alpha / 7 == pytest.approx(4.414, abs=0.01)


def test_the_published_expectation_of_one_customer_is_met():
    history = History(np.array([2]), np.array([30.43]), np.array([38.86]))
    assert PUBLISHED.expect_purchases(history, [39])[0] == pytest.approx([1.226], abs=0.001)


def test_the_published_expectations_of_a_new_customer_are_met(purchases):
    model = BgNbd(*fit_bg_nbd(list_weeks(purchases)).values)
    found = expect_while_active(model, np.array([0.1429, 1, 3, 31.8571, 32, 78]))
    assert found == pytest.approx([0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576], abs=0.001)


def test_the_published_holdout_is_met(purchases):
    held_out = hold_out(purchases, as_of=END, split_on=SPLIT)
    histories = held_out.histories
    model = fit_lifetime(histories)
    holdout = compare_holdout(purchases, held_out, model, as_of=END)
    assert len(holdout) == 39
    assert holdout["actual_running"].iloc[-1] == 1_882
    assert holdout["expected_running"].iloc[-1] == pytest.approx(1_653.4, abs=0.05)
    predicted = predict_lifetime(histories, model, horizon_days=39 * 7)
    later = summarise_histories(purchases, as_of=END).set_index("customer_id")["repeat_count"]
    actual = later[histories["customer_id"]].to_numpy() - histories["repeat_count"].to_numpy()
    expected = predicted["expected_order_count"].to_numpy()
    assert np.corrcoef(actual, expected)[0, 1] == pytest.approx(0.626, abs=0.001)
    assert np.abs(actual - expected).mean() == pytest.approx(0.785, abs=0.001)


def test_the_published_correlation_of_money_and_frequency_is_met(purchases):
    histories = summarise_histories(purchases, as_of=SPLIT)
    checks = check_lifetime(histories, fit_lifetime(histories)).set_index("check")
    correlation = checks.loc["correlation of money and frequency", "value"]
    assert correlation == pytest.approx(0.11, abs=0.01)


def test_the_three_models_foresee_these_customers_nearly_alike(purchases):
    choice = choose_lifetime(purchases, as_of=END, split_on=SPLIT)
    table = choice.candidates.set_index("model")
    assert table["absolute_error"].tolist() == pytest.approx([0.984, 0.945, 0.958], abs=0.001)
    assert table["relative_error"].tolist() == pytest.approx([-0.121, -0.115, -0.162], abs=0.001)
    assert (table["relative_error"].abs() < 0.2).all()
    assert choice.reason == ""
