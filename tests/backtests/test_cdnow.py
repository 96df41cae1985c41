"""Lifetime value against published figures on the CDNOW sample.

BG/NBD: Fader, Hardie and Lee (2005) and the vignette of BTYD, in weeks; Gamma-Gamma: Fader and
Hardie (2013). The first 39 weeks are fitted, the next 39 held out.
"""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest

from segkit.features.lifetime_value import fit_lifetime, predict_lifetime, summarise_histories
from segkit.models.lifetime import (
    Purchases,
    expect_purchases,
    find_active_probability,
    fit_purchases,
)
from segkit.validation.lifetime_checks import check_lifetime, compare_holdout

SPLIT, END = datetime.date(1997, 9, 30), datetime.date(1998, 6, 30)
# The published parameters, with which the published expectations were worked out.
PUBLISHED = Purchases(0.243, 4.414, 0.793, 2.426)


@pytest.fixture
def purchases(shared_data) -> ibis.Table:
    names = ["master_id", "customer_id", "ordered_at", "quantity", "line_amount"]
    path = shared_data("cdnow/CDNOW_sample.txt")
    table = pd.read_csv(path, sep=r"\s+", header=None, names=names, dtype={"ordered_at": str})
    table["ordered_at"] = pd.to_datetime(table["ordered_at"], format="%Y%m%d")
    return ibis.memtable(table.assign(line_type="sale"))


def test_the_published_purchase_model_is_found(purchases):
    histories = summarise_histories(purchases, as_of=SPLIT)
    assert len(histories) == 2_357
    weeks = histories[["active_days", "tenure_days"]].to_numpy().T / 7
    peak = fit_purchases(histories["repeat_count"].to_numpy(), *weeks)
    assert peak.values == pytest.approx([0.243, 4.414, 0.793, 2.426], abs=0.01)
    assert peak.log_likelihood == pytest.approx(-9582.43, abs=0.05)
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
    assert model.alpha / 7 == pytest.approx(4.414, abs=0.01)


def test_the_published_expectation_of_one_customer_is_met():
    times = {"active": [30.43], "tenure": [38.86]}
    active = find_active_probability(PUBLISHED, [2], **times)
    expected = active * expect_purchases(PUBLISHED, 39, repeat_count=[2], tenure=[38.86])
    assert expected == pytest.approx([1.226], abs=0.001)


def test_the_published_expectations_of_a_new_customer_are_met(purchases):
    histories = summarise_histories(purchases, as_of=SPLIT)
    weeks = histories[["active_days", "tenure_days"]].to_numpy().T / 7
    model = Purchases(*fit_purchases(histories["repeat_count"].to_numpy(), *weeks).values)
    found = expect_purchases(model, np.array([0.1429, 1, 3, 31.8571, 32, 78]))
    assert found == pytest.approx([0.0078, 0.0532, 0.1506, 1.0405, 1.0437, 1.8576], abs=0.001)


def test_the_published_holdout_is_met(purchases):
    histories = summarise_histories(purchases, as_of=SPLIT)
    model = fit_lifetime(histories)
    holdout = compare_holdout(purchases, as_of=END, split_on=SPLIT)
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
