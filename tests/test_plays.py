"""Plays: who is in which list and why, by hand; overdue is calibrated; nobody counts twice."""

from __future__ import annotations

import datetime
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest

from segkit.action.leads import SCORE_COLUMNS, LeadScore
from segkit.action.plays import lists
from segkit.action.plays.book import EVERYBODY, find_margin, make_plays
from segkit.action.plays.histories import HAS, fetch_days, fetch_histories, list_categories
from segkit.action.plays.offers import compare_industries, count_pairs, measure_lifted
from segkit.action.plays.overdue import Rhythm, check_rhythm, fit_gaps, learn_rhythm
from segkit.core.settings import Settings
from segkit.plan.plays import PLAYS, Plays

AS_OF = datetime.date(2026, 6, 30)
AT = Settings(AS_OF)
RHYTHM = Rhythm(shape=1.0, prior_count=2.0, prior_days=60.0, share=0.9, level=0.9)


def make_histories(rows: list[dict]) -> pd.DataFrame:
    usual = {
        "day_count": 3,
        "active_days": 60,
        "recency_days": 10,
        "log_gap_sum": 6.8,
        "year_spend": 100.0,
        "later_value": 0.0,
        "due_product": None,
        "due_times": np.nan,
        "due_gap": np.nan,
        "due_since": np.nan,
        "attended_count": 0.0,
        "attended_days": np.nan,
    }
    named = [{"customer_id": f"c{number:03d}", **usual, **row} for number, row in enumerate(rows)]
    return pd.DataFrame(named)


def know(rows: list[dict], **others) -> lists.Known:
    given = {"rhythm": RHYTHM, "plan": Plays(), **others}
    return lists.Known(make_histories(rows), **given)


class TestOverdue:
    def test_the_limit_is_a_quantile_of_the_gaps_that_are_to_be_expected(self):
        from scipy.stats import betaprime

        # Gaps of gamma shape 1 and a rate of gamma shape 2 + 2 and rate 60 + 60 days.
        limit = RHYTHM.find_limits(np.array([2]), np.array([60.0]))[0]
        assert limit == pytest.approx(120 * betaprime.ppf(0.9, 1.0, 4.0))
        # Lomax by hand: P(gap > g) = (120 / (120 + g)) ** 4 is a tenth.
        assert limit == pytest.approx(120 * (10**0.25 - 1))

    def test_whoever_waits_longer_than_the_own_limit_is_overdue(self):
        limit = 120 * (10**0.25 - 1)  # 93.4 days
        found, reason = lists.list_overdue(
            know([{"recency_days": 93}, {"recency_days": 94}, {"recency_days": 300}])
        )
        assert reason == ""
        assert list(found["customer_id"]) == ["c001", "c002"]
        assert found["reason"].iloc[0] == (
            "94 days since the last purchase; 90% of gaps like this customer's ended within 93. "
            "Overdue for 1 day, after 3 purchases."
        )
        assert found["reason_kind"].nunique() == 2  # the other for more than twice the limit
        assert 2 * limit < 300

    def test_few_purchases_are_eked_out_by_those_of_all(self):
        once, often = RHYTHM.find_limits(np.array([0, 30]), np.array([0.0, 300.0]))
        assert once == pytest.approx(60 * (10**0.5 - 1))
        assert often < once  # a gap each ten days

    def test_without_a_rhythm_nobody_is_overdue(self):
        found, reason = lists.list_overdue(know([{}], rhythm=Rhythm(reason="Too few gaps.")))
        assert (len(found), reason) == (0, "Too few gaps.")

    def test_the_distribution_of_gaps_is_found_again(self):
        rows = pd.DataFrame(draw_histories(np.random.default_rng(5), 4000))
        shape, prior, days = fit_gaps(rows)
        assert shape == pytest.approx(1.5, rel=0.1)
        assert days / prior == pytest.approx(30.0, rel=0.12)

    def test_customers_who_are_all_alike_have_one_limit(self):
        rng = np.random.default_rng(6)
        gaps = rng.exponential(30.0, (2000, 4)).clip(1e-3)
        rows = pd.DataFrame(
            {"day_count": 5, "active_days": gaps.sum(axis=1), "log_gap_sum": np.log(gaps).sum(1)}
        )
        rhythm = Rhythm(*fit_gaps(rows), level=0.9)
        few, many = rhythm.find_limits(np.array([0, 8]), np.array([0.0, 120.0]))
        assert few == pytest.approx(30 * np.log(10), rel=0.1)
        assert many == pytest.approx(few, rel=0.1)

    @pytest.mark.slow
    @pytest.mark.parametrize("share", [0.8, 0.9])
    def test_as_many_later_gaps_are_longer_as_was_stated(self, share):
        tables = {"order_lines": ibis.memtable(draw_lines(np.random.default_rng(7)))}
        until = AS_OF - datetime.timedelta(days=365)
        rhythm = learn_rhythm(tables, fetch_days(tables, until), until=until, share=share)
        check = check_rhythm(tables, rhythm, learned_until=until, as_of=AS_OF).iloc[0]
        assert check["over_share"] == pytest.approx(1 - share, abs=0.02)
        assert check["over_low"] < check["over_share"] < check["over_high"]


def draw_histories(rng, size: int) -> dict:
    """Draw four gaps of each customer: gamma of shape 1.5, with rates of gamma 3 over 90 days."""
    rate = rng.gamma(3.0, 1 / 90.0, size)
    gaps = rng.gamma(1.5, 1 / rate[:, None], (size, 4)).clip(1e-3)
    return {
        "day_count": np.full(size, 5),
        "active_days": gaps.sum(axis=1),
        "log_gap_sum": np.log(gaps).sum(axis=1),
    }


def draw_lines(rng, size: int = 500, days: int = 1000) -> pd.DataFrame:
    """Draw purchases of customers who never leave, each by the own rate."""
    rows = []
    for number, rate in enumerate(rng.gamma(4.0, 1 / 100.0, size)):
        day = rng.uniform(0, 1 / rate)
        while day < days:
            rows.append((f"c{number}", day))
            day += 1 + rng.exponential(1 / rate)
    frame = pd.DataFrame(rows, columns=["customer_id", "day"])
    start = pd.Timestamp(AS_OF) - pd.Timedelta(days=days)
    frame["ordered_at"] = start + pd.to_timedelta(frame["day"].astype(int), unit="D")
    return frame.assign(line_type="sale", line_amount=10.0, product_id="p", order_id="o")


class TestLists:
    def test_who_attended_lately_is_invited_the_most_eager_first(self):
        rows = [
            {"attended_count": 1, "attended_days": 5},
            {"attended_count": 3, "attended_days": 300},
            {"attended_count": 9, "attended_days": 400},  # too long ago
            {},
        ]
        found, _ = lists.list_attended(know(rows))
        assert list(found["customer_id"]) == ["c001", "c000"]
        assert found["reason"].iloc[0] == "Attended 3 events, the last 300 days ago."

    def test_without_attendance_it_is_said_what_to_collect(self):
        found, reason = lists.list_attended(know([{}]))
        assert found.empty
        assert "Record who came" in reason

    def test_what_is_due_again_has_its_rhythm_in_the_reason(self):
        due = {"due_product": "p1", "due_times": 4, "due_gap": 30.0, "due_since": 33}
        found, _ = lists.list_due(know([{}, due], products={"p1": "Tea & more"}))
        assert list(found["reason"]) == [
            "Bought Tea & more on 4 days, every 30 days on average; last 33 days ago."
        ]
        assert list(found["reason_kind"]) == ["past the own mean gap"]

    def test_the_loyal_spent_most_bought_often_and_are_not_overdue(self):
        rows = [{"year_spend": 10.0 * number} for number in range(1, 18)]
        rows += [
            {"year_spend": 900.0, "day_count": 2},  # not often enough
            {"year_spend": 900.0, "recency_days": 400},  # overdue
            {"year_spend": 500.0},
        ]
        found, _ = lists.list_loyal(know(rows))
        assert list(found["customer_id"]) == ["c019", "c016"]  # a tenth of eighteen

    def test_a_reward_that_costs_more_than_it_may_is_not_given(self):
        rows = [{"year_spend": 100.0} for _ in range(4)]
        worth = pd.Series({"c000": 200.0, "c001": 99.0, "c002": 100.0})
        plan = Plays(reward_cost=20.0, most_reward_share=0.2, loyal_share=0.9)
        found, _ = lists.list_loyal(know(rows, plan=plan, lifetime=worth))
        assert list(found["customer_id"]) == ["c000", "c002"]  # of the last nothing is known
        assert found["reason"].iloc[0].endswith("The reward is 10.0% of what a year is to bring.")

    def test_an_industry_is_offered_what_it_buys_more_than_all_firms(self):
        # 40 hotels, 30 of whom bought lamps; 60 shops, 6 of whom did: .75 and .36 of all.
        flags = pd.DataFrame({"Lamps": [True] * 30 + [False] * 10 + [True] * 6 + [False] * 54})
        industry = pd.Series(["hotels"] * 40 + ["shops"] * 60)
        found = compare_industries(flags, industry).set_index("industry")
        assert found.loc["hotels", "lift"] == pytest.approx(0.75 / 0.36)
        assert found["is_offered"].tolist() == [True, False]
        rows = [{f"{HAS}Lamps": one} for one in flags["Lamps"]]
        names = pd.Series({f"c{number:03d}": one for number, one in enumerate(industry)})
        listed, _ = lists.list_by_industry(know(rows, industries=names))
        assert len(listed) == 10
        assert listed["reason"].iloc[0] == (
            "Has not bought Lamps; 30 of 40 firms in hotels have, 2.1 times the share among all "
            "firms."
        )

    def test_chance_makes_no_offer_by_industry(self):
        flags = pd.DataFrame({"Lamps": [True, True, True, False] * 5})
        industry = pd.Series(["hotels"] * 10 + ["shops"] * 10)
        assert not compare_industries(flags, industry)["is_offered"].any()

    def test_low_spenders_are_offered_what_buyers_of_theirs_also_buy(self):
        both = {f"{HAS}Tents": True, f"{HAS}Stoves": True, "year_spend": 900.0}
        tents = {f"{HAS}Tents": True, f"{HAS}Stoves": False}
        none = {f"{HAS}Tents": False, f"{HAS}Stoves": False, "year_spend": 800.0}
        rows = [both] * 40 + [tents] * 10 + [none] * 50
        rows[40] = {**tents, "year_spend": 950.0}  # spends enough
        rows[41] = {**tents, "recency_days": 500}  # long gone
        pairs = count_pairs(
            pd.DataFrame({"Tents": [1] * 50 + [0] * 50, "Stoves": [1] * 40 + [0] * 60})
        )
        assert pairs.set_index("has").loc["Tents", "share"] == 0.8
        found, _ = lists.list_cross(know(rows))
        assert len(found) == 8
        assert found["reason"].iloc[0] == (
            "Bought Tents and not Stoves; 80% of 50 buyers of Tents also bought it, 40% of all "
            "customers."
        )

    def test_spend_by_the_number_of_categories(self):
        rows = [{f"{HAS}a": True, f"{HAS}b": False, "year_spend": 10.0}] * 3
        rows += [{f"{HAS}a": True, f"{HAS}b": True, "year_spend": 30.0}] * 2
        found = measure_lifted(make_histories(rows))
        assert found["category_group"].tolist() == ["one category", "two categories"]
        assert found["mean_spend"].tolist() == [10.0, 30.0]


def make_shop() -> dict[str, ibis.Table]:
    """Amy buys tea every ten days and once a lamp; Bob came to two events; Cid sent all back."""
    days = pd.date_range("2026-05-20", periods=4, freq="10D")  # the last on 19 June
    rows = [("amy", day, "tea", "sale", 5.0) for day in days]
    rows += [
        ("amy", pd.Timestamp("2026-06-25"), "lamp", "sale", 40.0),
        ("amy", pd.Timestamp("2026-06-26"), "lamp", "return", -10.0),
        ("bob", pd.Timestamp("2025-01-01"), "lamp", "sale", 40.0),
        ("cid", pd.Timestamp("2026-06-01"), "lamp", "return", -40.0),
        (None, pd.Timestamp("2026-06-01"), "lamp", "sale", 40.0),
    ]
    columns = ["customer_id", "ordered_at", "product_id", "line_type", "line_amount"]
    lines = pd.DataFrame(rows, columns=columns).assign(order_id="o")
    products = pd.DataFrame({"product_id": ["tea", "lamp"], "category": ["food", "home"]})
    events = pd.DataFrame(
        {
            "customer_id": ["bob", "bob", "bob", None],
            "occurred_at": pd.to_datetime(["2026-06-20", "2026-06-10", "2026-06-29", "2026-06-29"]),
            "event_type": ["Fair", "webinar", "view", "fair"],
        }
    )
    parts = {"order_lines": lines, "products": products, "events": events}
    return {name: ibis.memtable(frame) for name, frame in parts.items()}


@pytest.mark.slow
def test_histories_by_hand():
    tables = make_shop()
    categories = list_categories(tables, as_of=AS_OF)
    assert categories == ["home", "food"]
    given = {"horizon_days": 10, "as_of": AS_OF, "categories": categories}
    found = fetch_histories(tables, AS_OF, attended=["fair", "webinar"], **given)
    found = found.set_index("customer_id")
    assert list(found.index) == ["amy", "bob"]
    amy = found.loc["amy"]
    assert (amy["day_count"], amy["active_days"], amy["recency_days"]) == (5, 36, 5)
    assert amy["log_gap_sum"] == pytest.approx(3 * np.log(10) + np.log(6), abs=1e-3)
    assert amy["year_spend"] == 50.0  # net of what came back
    assert (amy["due_product"], amy["due_times"], amy["due_gap"], amy["due_since"]) == (
        "tea", 4, 10.0, 11,
    )  # fmt: skip
    assert amy[f"{HAS}food"]
    bob = found.loc["bob"]
    assert (bob["attended_count"], bob["attended_days"], bob["year_spend"]) == (2, 10, 0.0)
    assert not bob[f"{HAS}food"]
    before = fetch_histories(tables, datetime.date(2026, 6, 18), **given).set_index("customer_id")
    assert before.loc["amy", "later_value"] == 35.0  # 5, 40 and the 10 that came back
    assert before.loc["amy", "due_since"] == 9


def play(tables, customers=None, *, plan=None, leads=(), at=AT):
    customers = pd.DataFrame({"customer_id": ["amy", "bob"]}) if customers is None else customers
    segments = pd.DataFrame({"customer_id": ["amy", "bob"], "segment_name": ["A", "B"]})
    return make_plays(tables, customers, segments, plan=plan or Plays(), leads=leads, at=at)


@pytest.fixture(scope="module")
def drawn():
    lines = draw_lines(np.random.default_rng(7), size=300, days=800)
    tables = {"order_lines": ibis.memtable(lines)}
    customers = pd.DataFrame({"customer_id": lines["customer_id"].unique()})
    segments = customers.assign(segment_name="All")
    plan = Plays(order=("reward_loyal", "win_back", "offer_from_purchases"))
    return make_plays(tables, customers, segments, plan=plan, at=AT), lines


@pytest.mark.slow
class TestBook:
    def test_a_customer_counts_in_one_play(self, drawn):
        book, _ = drawn
        members = book.members
        assert members["customer_id"].duplicated().any()
        first = members[members["is_first_play"]]
        assert first["customer_id"].is_unique
        assert set(first["customer_id"]) == set(members["customer_id"])
        rank = members["play"].map({name: n for n, name in enumerate(book.plan.order)})
        assert (rank == rank.groupby(members["customer_id"]).transform("min"))[
            members["is_first_play"]
        ].all()

    def test_places_run_from_one_in_each_play(self, drawn):
        for _, own in drawn[0].members.groupby("play"):
            assert list(own["place"]) == list(range(1, len(own) + 1))

    def test_what_all_customers_brought_is_their_net_spend_in_the_horizon(self, drawn):
        book, lines = drawn
        cut = pd.Timestamp(AS_OF) - pd.Timedelta(days=90)
        before = lines[lines["ordered_at"] <= cut]["customer_id"].unique()
        later = lines[(lines["ordered_at"] > cut) & lines["customer_id"].isin(before)]
        whole = book.values.set_index("play").loc[EVERYBODY]
        assert whole["earlier_count"] == len(before)
        assert whole["mean_value"] == pytest.approx(later["line_amount"].sum() / len(before))
        assert whole["mean_low"] < whole["mean_value"] < whole["mean_high"]

    def test_a_play_that_lacks_its_tables_says_so(self, drawn):
        assert "win_back" not in set(drawn[0].missing["play"])
        book = play(make_shop())
        reasons = book.missing.set_index("play")["reason"]
        assert "Too few gaps" in reasons["win_back"]
        assert "No lead has a score" in reasons["call_leads"]
        assert list(book.members["play"].unique()) == [
            "invite_again",
            "offer_from_purchases",
            "reward_loyal",
        ]
        assert not book.members["is_measured"].any()  # of one customer nothing is told


def test_without_orders_there_are_no_lists_but_calls():
    scores = pd.DataFrame(
        [["zoe", DEAL, 0.5, 1, True, "Chance 50%.", "source", 50.0, 40.0, 60.0]],
        columns=SCORE_COLUMNS,
    )
    book = play({}, leads=[LeadScore(DEAL, 60, scores=scores)], at=replace(AT, margin_share=0.5))
    (row,) = book.members.to_dict("records")
    assert (row["customer_id"], row["segment_name"], row["play"]) == (
        "zoe",
        "no segment",
        "call_leads",
    )
    assert (row["expected_value"], row["expected_low"], row["expected_high"]) == (25.0, 20.0, 30.0)
    assert row["horizon_days"] == 60
    assert set(book.missing["play"]) == set(PLAYS) - {"call_leads"}


DEAL = "deal_won"


def test_a_lead_of_two_kinds_is_called_once():
    rows = [["zoe", DEAL, 0.5, 1, True, "a", "b", 1.0, 1.0, 1.0]]
    first = LeadScore(DEAL, 90, scores=pd.DataFrame(rows, columns=SCORE_COLUMNS))
    other = LeadScore("first_order", 90, scores=pd.DataFrame(rows, columns=SCORE_COLUMNS))
    assert len(play({}, leads=[first, other]).members) == 1


@pytest.mark.parametrize(
    ("profit", "share", "kind"),
    [
        ([40.0, 60.0], 0.25, "costs"),
        ([40.0, None], 1.0, "revenue"),
        ([-500.0, 1.0], 1.0, "revenue"),
    ],
)
def test_the_margin_is_that_of_costs_only_where_they_are_known(profit, share, kind):
    customers = pd.DataFrame({"total_spend": [100.0, 300.0], "total_profit": profit})
    margin = find_margin(customers)
    assert (margin.share, margin.kind) == (share, kind)
    assert find_margin(customers, 0.4).kind == "plan"


@pytest.mark.slow
def test_online_retail_s_later_gaps_exceed_the_limit_as_often_as_was_stated(shared_data):
    con = ibis.duckdb.connect()
    lines = con.read_parquet(str(shared_data("online_retail/online_retail.parquet")))
    lines = lines.filter(lines.CustomerID.notnull()).select(
        customer_id=lines.CustomerID.cast("string"),
        ordered_at=lines.InvoiceDate.cast("timestamp"),
        line_amount=lines.Quantity * lines.UnitPrice,
        line_type=ibis.ifelse(lines.Quantity > 0, "sale", "return"),
    )
    tables = {"order_lines": lines.cache()}
    until, as_of = datetime.date(2011, 6, 9), datetime.date(2011, 12, 9)
    rhythm = learn_rhythm(tables, fetch_days(tables, until), until=until, share=0.9)
    check = check_rhythm(tables, rhythm, learned_until=until, as_of=as_of).iloc[0]
    # 5 to 14 in 100 by the day of the split: one year, whose autumn is unlike its spring.
    assert 0.05 < check["over_share"] < 0.15
    assert check["gap_count"] > 3000


def test_a_plan_names_a_play_once():
    with pytest.raises(ValueError, match="twice"):
        Plays(order=("win_back", "win_back"))
