"""What the report says of leads and plays: from published tables, small groups and names hidden."""

from __future__ import annotations

import datetime
import re

import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from test_leads import make_leads

from segkit.action.leads import LeadScore, judge_leads
from segkit.action.lists.consent import count_consent
from segkit.action.plays.book import (
    EVERYBODY,
    MEMBER_COLUMNS,
    VALUE_COLUMNS,
    Margin,
    PlayBook,
    make_plays,
    measure_list,
)
from segkit.core.settings import Settings
from segkit.plan.leads import Leads
from segkit.plan.plays import Plays
from segkit.report import leads as lead_report
from segkit.report import play_findings, plays
from segkit.report.shared.finding_rules.said import Said
from segkit.report.shared.finding_rules.sentences import RULES

AT = Settings(datetime.date(2026, 6, 30), currency="EUR")
CAUSAL = re.compile(r"\b(?:because|due to|leads? to|effects? of|caused?)\b", re.I)


def make_book(*, reward_cost: float | None = 5.0, size: int = 60) -> PlayBook:
    """Return a book of two plays: ``size`` overdue, and loyal ones, half of them the same."""
    rng = np.random.default_rng(2)
    rows = []
    for name, first in (("win_back", 0), ("reward_loyal", size // 2)):
        for place in range(size):
            rows.append((f"c{first + place}", name, place + 1))
    members = pd.DataFrame(rows, columns=["customer_id", "play", "place"])
    members = members.assign(
        segment_name="All",
        reason="<b>Because</b>",
        reason_kind=np.where(members["place"] <= 3, "rare", "overdue for less than that"),
        expected_value=10.0,
        expected_low=9.0,
        expected_high=11.0,
        horizon_days=90,
        is_measured=True,
        is_first_play=~members["customer_id"].duplicated(),
    )[MEMBER_COLUMNS]
    amounts = pd.Series(rng.gamma(2.0, 10.0, 200))
    values = [measure_list(EVERYBODY, amounts), measure_list("win_back", amounts.head(50))]
    values.append(measure_list("reward_loyal", amounts.tail(4)))  # too few to tell
    share = np.nan if reward_cost is None else reward_cost / 100
    rewards = pd.DataFrame(
        [("reward_loyal", 60, 100.0, 6e3, 150.0, 140.0, reward_cost, share)],
        columns=[
            "play", "customer_count", "mean_worth", "mean_worth_sum", "mean_worth_largest",
            "mean_worth_second", "reward_cost", "cost_share",
        ],
    )  # fmt: skip
    check = pd.DataFrame(
        {"customer_count": [90], "gap_count": [400], "stated_share": [0.1], "over_share": [0.11],
         "over_low": [0.08], "over_high": [0.14]}
    )  # fmt: skip
    lifted = pd.DataFrame(
        {"category_group": ["one category", "three or more"], "customer_count": [40, 50],
         "mean_spend": [10.0, 90.0], "mean_low": [8.0, 80.0], "mean_high": [12.0, 99.0],
         "mean_spend_sum": [400.0, 4500.0], "mean_spend_largest": [20.0, 200.0],
         "mean_spend_second": [19.0, 190.0]}
    )  # fmt: skip
    industries = pd.DataFrame(
        {"industry": ["<hotels>"], "category": ["Lamps"], "industry_count": [40],
         "buyer_count": [30], "share": [0.75], "base_share": [0.4], "lift": [1.9],
         "p_value": [0.001], "is_offered": [True]}
    )  # fmt: skip
    return PlayBook(
        members=members,
        values=pd.DataFrame(values, columns=VALUE_COLUMNS),
        missing=pd.DataFrame([("cross_sell", "No categories.")], columns=["play", "reason"]),
        margin=Margin(0.4, "costs"),
        plan=Plays(reward_cost=reward_cost),
        buyer_count=200,
        check=check,
        industries=industries,
        lifted=lifted,
        rewards=rewards,
    )


def publish_book(book: PlayBook, segments: pd.DataFrame | None = None):
    """Publish all tables of a book as the notebook does."""
    ids = [f"c{number}" for number in range(120)]
    if segments is None:
        segments = pd.DataFrame({"customer_id": ids, "segment_name": "All"})
    customers = pd.DataFrame({"customer_id": ids, "consent": [n % 3 > 0 for n in range(120)]})
    consent = count_consent(customers, plays.name_lists(book), consent_column="consent")
    shown = publish(plays.count_plays(book), plays.PLAYS)
    parts = plays.list_parts(book, segments)
    sizes = segments["segment_name"].value_counts()
    parts = publish(parts.assign(segment_count=parts["segment_name"].map(sizes)), plays.PARTS)
    firsts = publish(plays.list_firsts(book, segments), plays.FIRSTS)
    tables = [publish(table, view) for table, view in plays.list_tables(book, consent)]
    return shown, parts, firsts, plays.name_tables(tables), publish(book.lifted, plays.LIFTED)


def state(book: PlayBook) -> list[str]:
    shown, _, firsts, tables, lifted = publish_book(book)
    told = play_findings.state_plays(shown, book=book, at=AT)
    told += play_findings.state_beside(firsts, tables, lifted, book=book, at=AT)
    return check_rules(told)


def check_rules(told: list) -> list[str]:
    for finding in told:
        for name, check in RULES.items():
            assert not check(finding, Said({})), f"{name}: {finding.text}"
    return read_texts(told)


def test_each_play_is_told_with_its_count_and_its_value():
    texts = state(make_book())
    start = "Win back those who are overdue: 60 customers today. Whoever would have been on this"
    (told,) = [text for text in texts if text.startswith(start)]
    assert "n = 50" in told
    assert not any(CAUSAL.search(text) for text in texts)


def test_what_a_play_adds_is_said_to_be_not_measured():
    assert any("What a play adds was not measured" in text for text in state(make_book()))


def test_a_mean_of_few_is_not_told():
    book = make_book()
    shown = publish_book(book)[0]
    loyal = shown.frame.set_index("play").loc["Reward the loyal"]
    assert pd.isna(loyal[["mean_value", "mean_low", "mean_high", "earlier_count"]]).all()
    assert any("was not measured: too few" in text for text in state(book))


def test_a_mean_that_one_customer_makes_is_told_nowhere():
    book = make_book()
    amounts = pd.Series([1e6, *[1.0] * 30])
    values = [measure_list(EVERYBODY, amounts), measure_list("win_back", amounts)]
    told = pd.DataFrame(values, columns=VALUE_COLUMNS)
    object.__setattr__(book, "values", told)
    shown, parts, firsts, *_ = publish_book(book)
    assert shown.frame["mean_value"].isna().all()
    assert parts.frame["expected_total"].isna().all()
    assert firsts.frame["expected_total"].isna().all()


def test_everybody_counts_once_in_the_totals():
    book = make_book()
    _, parts, firsts, *_ = publish_book(book)
    counts = firsts.frame.set_index("play")["customer_count"]
    assert counts.to_dict() == {
        "Win back those who are overdue": 60,
        "Reward the loyal": 30,
        "In no play": 30,
    }
    assert parts.frame["customer_count"].sum() == 120
    mean = book.values.set_index("play").loc["win_back", "mean_value"]
    total = firsts.frame.set_index("play").loc["Win back those who are overdue", "expected_total"]
    assert total == pytest.approx(60 * mean)


def test_small_groups_are_hidden_and_not_told_by_subtraction():
    segments = pd.DataFrame(
        {
            "customer_id": [f"c{number}" for number in range(120)],
            "segment_name": ["Few"] * 3 + ["All"] * 117,
        }
    )
    parts = publish_book(make_book(), segments)[1].frame
    few = parts[parts["segment_name"] == "Few"]
    assert few["customer_count"].isna().all()
    reasons = publish_book(make_book())[3].reasons.frame
    shown = reasons["customer_count"].dropna()
    assert not shown.between(1, 4).any()


def test_nobody_is_named_in_what_is_shown():
    book = make_book()
    shown, parts, firsts, tables, lifted = publish_book(book)
    frames = [shown, parts, firsts, lifted, *vars(tables).values()]
    for table in frames:
        text = table.frame.to_csv()
        assert not re.search(r"\bc\d+\b", text), table.shape.name
        assert "Because" not in text


def test_rewards_are_set_against_what_a_year_brings():
    assert any(
        "A reward for the loyal costs EUR\N{NARROW NO-BREAK SPACE}5.00" in text
        for text in state(make_book())
    )
    texts = state(make_book(reward_cost=None))
    assert any("write “reward_cost” under [plays]" in text for text in texts)


def test_the_exhibits_are_there_and_what_is_missing_is_folded():
    book = make_book()
    shown, parts, _, tables, lifted = publish_book(book)
    exhibits = plays.lay_out_plays(shown, parts, tables, lifted=lifted)
    captions = [one.caption for one in exhibits if one.folded]
    assert "Plays without a list, and what they need" in captions
    table = exhibits[1].thing.frame
    assert table.set_index("play").loc["Win back those who are overdue", "contact_count"] == 40


def test_a_shop_without_anything_has_one_line_that_says_so():
    book = make_plays({}, pd.DataFrame({"customer_id": []}), NOBODY, plan=Plays(), at=AT)
    shown = publish(plays.count_plays(book), plays.PLAYS)
    consent = count_consent(None, plays.name_lists(book), consent_column="consent")
    tables = [publish(table, view) for table, view in plays.list_tables(book, consent)]
    tables = plays.name_tables(tables)
    parts = publish(plays.list_parts(book, NOBODY).assign(segment_count=0), plays.PARTS)
    firsts = publish(plays.list_firsts(book, NOBODY), plays.FIRSTS)
    lifted = publish(book.lifted, plays.LIFTED)
    (told,) = play_findings.state_plays(shown, book=book, at=AT)
    assert told.text == "This plan has no purchases: it names no order lines."
    assert play_findings.state_beside(firsts, tables, lifted, book=book, at=AT) == []
    assert len(tables.missing.frame) == len(Plays().order)
    assert plays.lay_out_plays(shown, parts, tables, lifted=lifted) == []


NOBODY = pd.DataFrame({"customer_id": pd.Series(dtype=str), "segment_name": pd.Series(dtype=str)})


def publish_leads(leads: list[LeadScore]):
    found = lead_report.list_tables(leads)
    return lead_report.name_tables([publish(table, view) for table, view in found])


def score_drawn(strength: float = 1.5) -> LeadScore:
    past = make_leads(np.random.default_rng(1), strength=strength)
    today = past.tail(40).reset_index(drop=True)
    return judge_leads(past, today, kind="first_order", plan=Leads())


def test_a_score_is_told_with_how_it_did():
    leads = [score_drawn()]
    tables = publish_leads(leads)
    texts = check_rules(lead_report.state_leads(tables, leads))
    assert "40 customers today, of whom 10 are ready for a call" in texts[0]
    assert any("the score put the right one first in 0." in text for text in texts)
    assert any("the chances hold" in text for text in texts)
    assert any("days since first known, one standard deviation more," in text for text in texts)
    assert len(lead_report.lay_out_leads(tables)) == 5
    assert len(lead_report.join_scores(leads)) == 40


def test_a_refused_score_says_why_and_draws_nothing():
    leads = [score_drawn(0.0), LeadScore("deal_won", 90, reason="No deals.")]
    leads = [one for one in leads if one.reason]
    tables = publish_leads(leads)
    texts = check_rules(lead_report.state_leads(tables, leads))
    assert any("nobody is one today. No deals." in text for text in texts)
    assert not any("ready for a call" in text for text in texts)
    assert lead_report.join_scores(leads).empty
    charts = [one for one in lead_report.lay_out_leads(tables) if hasattr(one.thing, "figure")]
    assert charts == []


def test_without_leads_there_is_one_line():
    leads = [
        LeadScore("deal_won", 90, reason="No deals."),
        LeadScore("first_order", 90, reason="-"),
    ]
    tables = publish_leads(leads)
    (told,) = lead_report.state_leads(tables, leads)
    assert told.text == "No deals. -"
    assert lead_report.lay_out_leads(tables) == []
