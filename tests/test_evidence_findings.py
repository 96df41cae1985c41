"""Sentences and views on the market and on experience, with data and without."""

from __future__ import annotations

import datetime

import ibis
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.core.absence import ALL_HIDDEN, empty_table
from segkit.core.findings import read_cell
from segkit.evidence.experience import engagement as engagement_evidence
from segkit.evidence.experience import spend as spend_evidence
from segkit.evidence.experience import support as support_evidence
from segkit.evidence.experience import survey as survey_evidence
from segkit.evidence.segment_summaries import count_shares_by_segment
from segkit.report import by_segment, engagement, show_chart, show_table, spend, support, survey
from segkit.report.shared.numbers import THIN_SPACE
from segkit.report.shared.sentences import explain_absence, pick_findings

AS_OF = datetime.date(2026, 6, 30)
SEGMENTS = pd.DataFrame({"customer_id": ["a"], "segment_name": ["Only"]})


@pytest.fixture(scope="module")
def lines() -> ibis.Table:
    frame = pd.DataFrame(
        {
            "order_id": ["o1"],
            "customer_id": ["a"],
            "product_id": ["p"],
            "ordered_at": pd.to_datetime(["2026-06-01"]),
            "line_amount": [10.0],
            "line_type": ["sale"],
        }
    )
    return ibis.duckdb.connect().create_table("order_lines", frame)


@pytest.fixture
def shown(monkeypatch) -> list[str]:
    """What the views display, as text."""
    texts: list[str] = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: texts.append(str(data)))
    return texts


def tell(findings: list) -> str:
    return " ".join(read_texts(findings)).replace(THIN_SPACE, " ")


def make_measures(**columns) -> pd.DataFrame:
    rows = {"segment_name": ["A", "B"], "customer_count": [50, 40], "rests_on_count": [50, 40]}
    return pd.DataFrame(rows | columns)


def test_overlapping_intervals_are_no_difference():
    table = make_measures(open_share=[0.4, 0.5], open_low=[0.3, 0.42], open_high=[0.45, 0.6])
    found = by_segment.state_measures(publish(table, engagement.MESSAGES))
    assert tell(found) == (
        "Messages opened, all time: highest in “B” (50.0%, 42.0% to 60.0%, n = 40); lowest in "
        "“A” (40.0%, 30.0% to 45.0%, n = 50); their intervals overlap."
    )
    assert found[0].count == 90
    table["open_high"] = [0.41, 0.6]
    apart = by_segment.state_measures(publish(table, engagement.MESSAGES))
    assert "do not overlap" in tell(apart)


def test_a_segment_whose_figures_are_hidden_is_named():
    table = pd.DataFrame(
        {
            "segment_name": ["A", "B", "C", "D"],
            "customer_count": [50, 40, 3, 7],
            "rests_on_count": [50, 40, 3, 7],
            "spend_per_customer": [10.0, 4.0, 99.0, 1.0],
        }
    )
    assert tell(by_segment.state_measures(publish(table, spend.SPEND))) == (
        "Net spend a customer, all time: highest in “A” (EUR 10.00, n = 50); lowest in “B” "
        "(EUR 4.00, n = 40). "
        "Figures of “C” and “D” are left out: fewer than 5 customers, or would tell of so few."
    )


def test_the_count_of_an_end_that_several_share_is_read_where_they_stand():
    table = pd.DataFrame(
        {
            "segment_name": ["A", "B", "C", "D"],
            "customer_count": [50, 40, 30, 60],
            "rests_on_count": [50, 40, 30, 60],
            "spend_per_customer": [9.004, 4.0, 9.0, 5.0],
        }
    )
    published = publish(table, spend.SPEND)
    found = by_segment.state_measures(published)[0]
    counts = {figure.name: figure for figure in found.figures if figure.kind == "count"}
    assert {name: figure.value for name, figure in counts.items()} == {
        "highest_count": 80,
        "lowest_count": 40,
    }
    for figure in counts.values():
        assert read_cell(figure.cell, lambda name: published.frame) == figure.value


def test_numbers_have_two_decimals_below_a_hundred_and_none_above():
    table = make_measures(tickets_per_100_customers=[141.2, 19.0])
    assert "(141, n = 50); lowest in “B” (19.00, n = 40)" in tell(
        by_segment.state_measures(publish(table, support.TICKETS))
    )


def make_spend(**columns) -> pd.DataFrame:
    rows = {"customer_share": [0.5, 0.4], "spend_share": [0.7, 0.3]}
    return make_measures(**rows | columns)


def test_the_segment_that_brings_most_is_told():
    assert tell(spend.state_spend(publish(make_spend(), spend.SPEND))) == (
        "Over all time to 2026-03-31 “A” brings most: 70.0% of the net spend with 50.0% of the "
        "customers."
    )


def test_no_segment_is_said_to_bring_most_where_the_first_is_hidden():
    table = make_spend(rests_on_count=[3, 40])
    assert "most" not in tell(spend.state_spend(publish(table, spend.SPEND)))


def make_shares(**columns) -> pd.DataFrame:
    rows = {
        "segment_name": ["A", "A", "B"],
        "rank": [1, 2, 1],
        "category": ["Tents", "Pans", "Tents"],
        "customer_count": [50, 40, 30],
        "share": [0.8, 0.2, 0.5],
        "base_share": [0.6, 0.3, 0.6],
        "rests_on_count": [50, 40, 30],
    }
    shares = pd.DataFrame(rows | columns)
    return shares.assign(index=100 * shares["share"] / shares["base_share"])


def test_a_segment_stands_out_for_what_it_has_clearly_more_of_than_everybody():
    shares = publish(make_shares(), spend.CATEGORIES)
    assert tell(by_segment.state_shares(shares, "category", of="sales")) == (
        "“A” stands out for Tents: 80.0% of its sales, against 60.0% among all "
        "(index 133; all time)."
    )
    alike = publish(make_shares(share=[0.62, 0.3, 0.6]), spend.CATEGORIES)
    assert tell(by_segment.state_shares(alike, "category", of="sales")) == (
        "No segment's sales are split clearly otherwise than everybody's."
    )


def test_shares_that_are_hidden_are_not_said_to_be_alike():
    hidden = publish(make_shares(rests_on_count=[3, 3, 3]), spend.CATEGORIES)
    assert tell(by_segment.state_shares(hidden, "category", of="sales")) == ALL_HIDDEN
    some = make_shares(share=[0.62, 0.3, 0.6], rests_on_count=[50, 40, 3])
    some["category"] = ["Tents", "Pans", "Stoves"]
    some = publish(some, spend.CATEGORIES)
    assert tell(by_segment.state_shares(some, "category", of="sales")) == (
        "No segment's sales, as far as they may be shown, are split clearly otherwise than "
        "everybody's."
    )


def make_responses(**columns) -> pd.DataFrame:
    rows = {
        "question": ["Age", "Age", "Buys for"],
        "kind": ["number", "number", "choice"],
        "segment_name": ["A", "B", "A"],
        "answer": ["", "", "gift"],
        "customer_count": [50, 40, 30],
        "value": [40.0, 50.0, 0.5],
        "low": [38.0, 44.0, 0.4],
        "high": [42.0, 56.0, 0.6],
        "base_value": [45.0, 45.0, 0.2],
        "is_outside": [True, False, True],
        "outside_chance": 0.05,
        "rests_on_count": [50, 40, 30],
    }
    return pd.DataFrame(rows | columns)


def state_responses(responses: pd.DataFrame) -> str:
    kinds = {"question": ["Age", "Buys for", "Why?"], "kind": ["number", "choice", "free text"]}
    questions = publish(pd.DataFrame(kinds), survey.QUESTIONS)
    return tell(survey.state_responses(publish(responses, survey.RESPONSES), questions))


def test_answers_that_stand_apart_are_told_the_furthest_first():
    assert state_responses(make_responses()) == (
        "“A” on “Buys for”: gift 50.0%, against 20.0% of all (n = 30). "
        "“A” on “Age”: mean 40.00, against 45.00 of all (n = 50). "
        "Of 3 figures by segment, 2 lie further from that of all customers than their interval "
        "reaches; about 0 would by chance. "
        "1 question in the customers' own words: answers are not shown here."
    )


def test_answers_of_few_are_neither_told_nor_counted():
    text = state_responses(make_responses(rests_on_count=[50, 40, 3]))
    assert "gift" not in text
    assert "Of 2 figures by segment, 1 lie further" in text


def test_intervals_are_shown_as_text_and_empty_columns_not_at_all(shown):
    table = make_measures(
        open_share=[0.4, None], open_low=[0.3, None], open_high=[0.45, None], click_share=None
    )
    show_table(publish(table, engagement.MESSAGES), caption="Messages")
    assert "30.0% to 45.0%" in shown[0]
    assert "Messages opened" in shown[0]
    assert "clicked" not in shown[0]


def test_the_first_page_takes_the_first_finding_of_each_table_that_has_rows():
    found = spend.state_spend(publish(make_spend(spend_per_customer=[2.0, 1.0]), spend.SPEND))
    empty = empty_table(["segment_name"], "There is no table of orders.")
    absent = [explain_absence(publish(empty, spend.SPEND))]
    assert pick_findings([found, absent]) == found[:1]
    assert pick_findings([absent, found], most=2) == found[:2]


def test_without_evidence_every_view_and_finding_gives_the_reason(lines, shown):
    purchases = spend_evidence.summarise_spend_by_segment(lines, SEGMENTS, as_of=AS_OF)
    sales = spend_evidence.add_categories(lines, None, as_of=AS_OF)
    categories = publish(
        count_shares_by_segment(sales, SEGMENTS, "category", amount="sales"), spend.CATEGORIES
    )
    devices = publish(count_shares_by_segment(None, SEGMENTS, "device"), engagement.DEVICES)
    responses = publish(
        survey_evidence.summarise_responses_by_segment(None, SEGMENTS), survey.RESPONSES
    )
    questions = publish(survey_evidence.classify_questions(None), survey.QUESTIONS)
    wallet = spend_evidence.estimate_wallet_by_segment(
        {"order_lines": lines}, SEGMENTS, as_of=AS_OF
    )
    messages = engagement_evidence.summarise_messages_by_segment(None, SEGMENTS)
    events = engagement_evidence.summarise_events_by_segment(None, SEGMENTS)
    tickets = support_evidence.summarise_tickets_by_segment(None, SEGMENTS)
    measured = [
        publish(wallet, spend.WALLET),
        publish(messages, engagement.MESSAGES),
        publish(events, engagement.EVENTS),
        publish(tickets, support.TICKETS),
    ]
    empty = [categories, devices, responses, *measured]
    for table in empty:
        show_table(table, caption="Evidence")
    show_chart(survey.plot_answers(survey.keep_different(responses)), caption="x")
    shown_spend = publish(purchases, spend.SPEND, smallest_cell=1)
    show_chart(spend.plot_spend(shown_spend), caption="Spend")
    reasons = ("There is no", "Share of wallet needs")
    assert sum(any(reason in text for reason in reasons) for text in shown) == len(empty) + 1
    findings = [
        by_segment.state_shares(categories, "category", of="sales"),
        by_segment.state_shares(devices, "device", of="events"),
        survey.state_responses(responses, questions),
        *(by_segment.state_measures(table) for table in measured),
    ]
    assert all(tell(found).startswith(("There is no", "Share of")) for found in findings)
    assert not spend.state_spend(shown_spend), "of one segment nothing is highest"
