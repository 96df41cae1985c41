"""The lead score: what was known of a lead, how chances are judged, and when nobody is scored."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest

from segkit.action.lead_model import fit_lead_model
from segkit.action.lead_rows import fetch_lead_rows
from segkit.action.leads import (
    NO_LEADS,
    NOT_BETTER,
    group_leads,
    judge_leads,
    score_leads,
    split_leads,
)
from segkit.core.scores import fit_calibration, measure_auc, measure_brier
from segkit.core.settings import Settings
from segkit.plan.leads import DEAL_WON, FIRST_ORDER, Leads

AS_OF = datetime.date(2026, 6, 30)
CUT = datetime.date(2026, 4, 1)  # 90 days before
CUTS = pd.to_datetime(["2025-07-05", "2025-10-03", "2026-01-01", "2026-04-01"])


class TestScores:
    def test_the_area_counts_pairs_and_ties_by_a_half(self):
        # Pairs of hit and miss: .8 beats .5 and .2; .5 ties with .5 and beats .2: 3.5 of 4.
        area, low, high = measure_auc(np.array([0.8, 0.5, 0.5, 0.2]), np.array([1, 1, 0, 0]))
        assert area == 3.5 / 4
        # DeLong: of the hits 1 and .75, of the misses 1 and .75 lower: variances .03125 each.
        error = np.sqrt(0.03125 / 2 + 0.03125 / 2) / (area * (1 - area))
        logit = np.log(area / (1 - area))
        assert high == pytest.approx(1 / (1 + np.exp(-(logit + 1.959964 * error))), rel=1e-5)
        assert low == pytest.approx(1 / (1 + np.exp(-(logit - 1.959964 * error))), rel=1e-5)

    def test_without_hits_there_is_no_area(self):
        assert np.isnan(measure_auc(np.array([0.1, 0.2]), np.array([0, 0]))).all()

    def test_the_interval_of_the_area_holds_the_truth(self):
        rng = np.random.default_rng(3)
        truth = 0.7602  # two normals one apart: the normal distribution at 1 over root 2
        held = 0
        for _ in range(300):
            hits = np.repeat([1, 0], 40)
            low, high = measure_auc(rng.normal(hits, 1), hits)[1:]
            held += low <= truth <= high
        assert held / 300 > 0.91

    def test_calibration_by_hand(self):
        # A half of those with chance .2 are hits and .8 of those with .5: log odds 0 and 1.386,
        # where -1.386 and 0 were foretold: a slope of 1 and an intercept of 1.386.
        chances = np.repeat([0.2, 0.5], 10)
        hits = np.array([1] * 5 + [0] * 5 + [1] * 8 + [0] * 2)
        found, low, high = fit_calibration(chances, hits)
        assert found == pytest.approx([np.log(4), 1.0], abs=1e-6)
        assert (low < found).all()
        assert (found < high).all()

    @pytest.mark.parametrize("hits", [[0, 0, 0, 0], [0, 0, 1, 1]])
    def test_calibration_that_cannot_be_found_is_missing(self, hits):
        assert np.isnan(fit_calibration(np.array([0.1, 0.2, 0.8, 0.9]), np.array(hits))[0]).all()

    def test_brier(self):
        assert measure_brier(np.array([0.9, 0.2]), np.array([1, 1])) == pytest.approx(0.325)


def make_tables() -> dict[str, ibis.Table]:
    """Anna orders after the cut, Ben before it, Cid never, Dan signs up after it."""
    customers = pd.DataFrame(
        {
            "customer_id": ["anna", "ben", "cid", "dan"],
            "signed_up_on": pd.to_datetime(
                ["2026-03-02", "2026-01-01", "2026-02-01", "2026-05-01"]
            ),
            "source": ["fair", "web", None, "web"],
        }
    )
    lines = pd.DataFrame(
        {
            "customer_id": ["ben", "anna", "anna", "anna"],
            "ordered_at": pd.to_datetime(["2026-02-01", "2026-06-30", "2026-07-01", "2026-06-30"]),
            "line_type": ["sale", "sale", "sale", "return"],
            "line_amount": [10.0, 20.0, 500.0, -5.0],
        }
    )
    events = pd.DataFrame(
        {
            "customer_id": ["anna", "anna", "anna", "cid"],
            "occurred_at": pd.to_datetime(
                ["2026-03-10 09:00", "2026-03-10 10:00", "2026-04-02 10:00", "2026-03-01 08:00"]
            ),
            "event_type": ["form", "Webinar", "webinar", "visit"],
        }
    )
    messages = pd.DataFrame(
        {
            "customer_id": ["anna", "anna"],
            "sent_at": pd.to_datetime(["2026-03-20", "2026-03-30"]),  # the second is known too late
            "opened": [True, True],
        }
    )
    parts = {"customers": customers, "order_lines": lines, "events": events, "messages": messages}
    return {name: ibis.memtable(frame) for name, frame in parts.items()}


@pytest.mark.slow
def test_a_lead_is_known_by_what_came_until_the_day():
    rows = fetch_lead_rows(
        make_tables(),
        [AS_OF, CUT],
        kind=FIRST_ORDER,
        horizon_days=90,
        as_of=AS_OF,
        attended=["webinar"],
    )
    past = rows[rows["cut_on"] == pd.Timestamp(CUT)].set_index("customer_id")
    assert list(past.index) == ["anna", "cid"]
    anna = past.loc["anna"]
    assert anna["is_won"]
    assert anna["later_value"] == 15.0  # 20 less what was sent back; July is no part of it
    assert (anna["known_days"], anna["quiet_days"]) == (30, 22)
    assert (anna["visit_day_count"], anna["lead_action_count"], anna["attended_count"]) == (1, 1, 1)
    assert anna["opened_count"] == 1
    assert not past.loc["cid", "is_won"]
    assert past.loc["cid", "opened_count"] == 0
    today = rows[rows["cut_on"] == pd.Timestamp(AS_OF)]
    assert list(today["customer_id"]) == ["cid", "dan"]


@pytest.mark.slow
def test_a_lead_with_deals_is_one_row():
    deals = pd.DataFrame(
        {
            "deal_id": ["1", "2", "3", "4", "5"],
            "customer_id": ["anna", "anna", "anna", "ben", "cid"],
            "opened_on": pd.to_datetime(
                ["2026-01-01", "2026-02-01", "2026-03-22", "2026-03-01", "2026-03-01"]
            ),
            "closed_on": pd.to_datetime(["2026-02-01", "2026-06-30", None, "2026-07-01", None]),
            "outcome": ["won", "won", "open", "won", "won"],  # nobody knows when the last ended
            "amount": [50.0, 100.0, 30.0, 70.0, 20.0],
            "source": ["fair", "web", "fair", "web", "web"],
        }
    )
    tables = make_tables() | {"deals": ibis.memtable(deals)}
    rows = fetch_lead_rows(tables, [CUT], kind=DEAL_WON, horizon_days=90, as_of=AS_OF)
    rows = rows.set_index("customer_id")
    assert list(rows.index) == ["anna", "ben"]
    anna = rows.loc["anna"]
    assert (anna["open_deal_count"], anna["won_before_count"], anna["deal_days"]) == (2, 1, 10)
    assert (anna["deal_amount"], anna["deal_source"], anna["later_value"]) == (130.0, "fair", 100.0)
    assert anna["is_won"]
    assert not rows.loc["ben", "is_won"]  # won a day after the horizon


def make_leads(rng, *, size: int = 150, strength: float = 1.5) -> pd.DataFrame:
    """Return leads of four days whose chance falls with the days since they were known."""
    parts = []
    for number, cut in enumerate(CUTS):
        days = rng.integers(0, 200, size)
        logit = strength * (4.0 - np.log1p(days))
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": [f"c{number}-{one}" for one in range(size)],
                    "cut_on": cut,
                    "known_days": days,
                    "source": rng.choice(["fair", "web"], size),
                    "is_won": rng.random(size) < 1 / (1 + np.exp(-logit)),
                    "later_value": 100.0,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def judge(past, today=None):
    today = past.tail(20).reset_index(drop=True) if today is None else today
    return judge_leads(past, today, kind=FIRST_ORDER, plan=Leads())


def test_a_score_that_ranks_later_leads_is_given_with_its_reasons():
    found = judge(make_leads(np.random.default_rng(1)))
    assert found.reason == ""
    assert found.judged["auc_low"].iloc[0] > 0.6
    assert found.is_calibrated
    scores = found.scores
    assert list(scores["place"]) == list(range(1, 21))
    assert scores["chance"].is_monotonic_decreasing
    assert scores["is_ready"].sum() == 5  # a quarter of twenty
    assert scores["value"].tolist() == pytest.approx((scores["chance"] * 100).tolist())
    assert scores["reason"].iloc[0].startswith(f"Chance {scores['chance'].iloc[0]:.0%}. Days since")
    assert scores["reason_kind"].iloc[0] == "days since first known"


def test_a_score_is_the_same_whatever_the_order_of_rows():
    past = make_leads(np.random.default_rng(1))
    mixed = past.sample(frac=1, random_state=4).reset_index(drop=True)
    today = past.tail(20).reset_index(drop=True)
    pd.testing.assert_frame_equal(
        judge(past, today).scores.round(6), judge(mixed, today).scores.round(6)
    )


@pytest.mark.slow
def test_nobody_is_scored_where_nothing_tells():
    rng = np.random.default_rng(11)
    given = sum(judge(make_leads(rng, strength=0.0)).reason == "" for _ in range(15))
    assert given <= 2  # a lower end above a half: 2.5 in 100, whatever the model


def test_nobody_is_scored_by_noise():
    rng = np.random.default_rng(12)
    found = judge(make_leads(rng, strength=0.0))
    assert found.reason == NOT_BETTER
    assert found.scores.empty
    assert found.model is None


def test_too_few_outcomes_are_refused_and_small_counts_are_not_told():
    past = make_leads(np.random.default_rng(1))
    past["is_won"] = past.index % 100 == 0
    found = judge(past)
    assert "fewer than 10 successes" in found.reason
    assert found.scores.empty


def test_a_short_history_is_refused():
    past = make_leads(np.random.default_rng(1))
    assert "too short" in judge(past[past["cut_on"] >= CUTS[2]]).reason


def test_nobody_at_all_is_refused():
    nobody = make_leads(np.random.default_rng(1)).head(0)
    assert judge(nobody, nobody).reason == NO_LEADS


def test_tables_without_leads_are_refused():
    for found in score_leads({}, plan=Leads(), at=Settings(AS_OF)):
        assert found.reason
        assert found.scores.empty


@pytest.mark.parametrize(
    "names", [("order_lines",), ("customers",), ("customers", "order_lines"), ("events",)]
)
def test_a_business_that_keeps_few_tables_is_told_why_nobody_is_scored(names):
    tables = {name: table for name, table in make_tables().items() if name in names}
    for found in score_leads(tables, plan=Leads(), at=Settings(AS_OF)):
        assert found.reason
        assert found.scores.empty


def test_a_column_filled_in_afterwards_is_left_out():
    past = make_leads(np.random.default_rng(1))
    past["industry"] = np.where(past["is_won"], "hotels", None)  # asked for with the first order
    model = fit_lead_model(past, features=("known_days", "industry"), events_per_parameter=10)
    assert [one.name for one in model.features] == ["known_days"]
    assert model.left_out["feature"].tolist() == ["industry"]
    assert "less of the others" in model.left_out["reason"].iloc[0]


def test_there_are_outcomes_enough_for_each_parameter():
    past = make_leads(np.random.default_rng(1))
    past["is_won"] = past.index % 20 == 0  # 30 successes: three parameters
    past["region"] = np.array(list("abcd"))[past.index % 4]  # three more
    model = fit_lead_model(past, features=("known_days", "region"), events_per_parameter=10)
    assert [one.name for one in model.features] == ["known_days"]
    assert "too few outcomes" in model.left_out["reason"].iloc[0]


def test_what_was_never_seen_is_taken_as_usual():
    past = make_leads(np.random.default_rng(1))
    model = fit_lead_model(past, features=("known_days", "source"), events_per_parameter=10)
    new = past.head(2).assign(source=["never", None], known_days=[1e12, np.nan])
    chances = model.find_chances(new)
    assert np.isfinite(chances).all()
    oldest = past.head(1).assign(known_days=past["known_days"].max(), source="never")
    assert chances[0] == pytest.approx(model.find_chances(oldest)[0])


def test_the_odds_of_a_feature_that_says_nothing_are_near_one():
    past = make_leads(np.random.default_rng(1))
    model = fit_lead_model(past, features=("known_days", "source"), events_per_parameter=10)
    points = model.list_points().set_index("feature")
    assert points.loc["known_days", "odds_high"] < 1
    assert points.loc["source", "odds_low"] < 1 < points.loc["source", "odds_high"]


def test_a_customer_is_judged_once():
    past = make_leads(np.random.default_rng(1), size=30)
    past["customer_id"] = [f"c{number % 30}" for number in range(len(past))]
    learned, later = split_leads(past)
    assert later["customer_id"].is_unique
    assert learned["cut_on"].max() < later["cut_on"].min()


def test_leads_are_grouped_by_their_chance_and_ties_stay_together():
    later = pd.DataFrame({"is_won": [False] * 5 + [True] * 5})
    groups = group_leads(np.array([0.1] * 5 + [0.9] * 5), later)
    assert groups["customer_count"].tolist() == [5, 5]
    assert groups["event_share"].tolist() == [0.0, 1.0]
    assert groups["mean_chance"].tolist() == pytest.approx([0.1, 0.9])
