"""Regular buyers of a grocer: 52 weeks to fit, and 52 weeks to judge what was expected of them.

Reutterer, Platzer and Schröder (2021) and the vignette of BTYDplus: absolute error over actual
purchases .644 for MBG/CNBD-k and .621 for Pareto/GGG; .710 was that of BG/NBD here.
"""

from __future__ import annotations

import datetime

import ibis
import pandas as pd
import pytest

from segkit.features.lifetime_choice import choose_lifetime

SPLIT, END = datetime.date(2006, 12, 31), datetime.date(2007, 12, 30)


@pytest.fixture
def choice(shared_data):
    log = pd.read_parquet(shared_data("btydplus/groceryElog.parquet"))
    lines = pd.DataFrame(
        {
            "customer_id": log["cust"].astype(str),
            "ordered_at": pd.to_datetime(log["date"]),
            "line_amount": 10.0 + log.index % 90,  # the log has no money
            "line_type": "sale",
        }
    )
    return choose_lifetime(ibis.memtable(lines), as_of=END, split_on=SPLIT)


def test_the_model_of_regular_buyers_is_taken_and_meets_the_published_error(choice):
    assert len(choice.held_out.histories) == 1_525
    assert choice.held_out.histories["later_count"].sum() == 3_389
    table = choice.candidates.set_index("model")
    assert table.index.tolist() == ["BG/NBD", "Pareto/NBD", "MBG/CNBD-2"]
    assert table.loc["BG/NBD", "absolute_error"] == pytest.approx(0.710, abs=0.001)
    assert table.loc["MBG/CNBD-2", "absolute_error"] <= 0.644
    assert table.index[table["is_chosen"]].tolist() == ["MBG/CNBD-2"]


def test_the_likelihood_tells_that_they_are_regular(choice):
    likelihoods = choice.candidates["log_likelihood"]
    assert likelihoods.iloc[2] > likelihoods.iloc[:2].max() + 500
    later = choice.candidates["later_log_likelihood"]
    assert later.iloc[2] > later.iloc[:2].max() + 100
    assert choice.model.purchases.k == 2
