"""Sentences and views on the market and on experience, with data and without."""

from __future__ import annotations

import datetime

import ibis
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.core.absence import ALL_HIDDEN
from segkit.core.findings import read_cell
from segkit.evidence import market as market_evidence
from segkit.evidence import missing_tables, penetration
from segkit.evidence.experience import engagement as engagement_evidence
from segkit.evidence.experience import spend as spend_evidence
from segkit.evidence.experience import support as support_evidence
from segkit.evidence.experience import survey as survey_evidence
from segkit.evidence.segment_summaries import count_shares_by_segment
from segkit.report import (
    by_segment,
    engagement,
    market,
    show_chart,
    show_table,
    spend,
    support,
    survey,
)
from segkit.report.missing_tables import MISSING_TABLES
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


def make_share(**columns) -> pd.DataFrame:
    rows = {
        "cell": ["Tents (NO)", "Boots (NO)", "Pans (SE)"],
        "country": ["NO", "NO", "SE"],
        "category": ["Tents", "Boots", "Pans"],
        "matched": ["both", "both", "ours only"],
        "measure": ["market_value"] * 3,
        "market_value": [2e6, 1e6, None],
        "buyer_count": [1000.0, 500.0, None],
        "growth_rate": [0.1, 0.1, None],
        "customer_count": [40, 30, 1],
        "spend": [5000.0, 2500.0, 90.0],
        "share": [0.0025, 0.0025, None],
        "index": [120.0, 80.0, None],
        "source": ["Bureau"] * 3,
        "year": pd.array([2025, 2025, None], dtype="Int64"),
    }
    share = pd.DataFrame(rows | columns)
    near = {"index_low": share["index"] - 5, "index_high": share["index"] + 5}
    share = share.assign(**near)
    return share.assign(rests_on_count=share["customer_count"])


def state_share(share: pd.DataFrame) -> str:
    totals = publish(penetration.total_penetration(share), market.PENETRATION_TOTALS)
    return tell(market.state_penetration(publish(share, market.PENETRATION), totals))


def test_the_spend_of_one_customer_is_not_told():
    text = state_share(make_share())
    assert text.startswith(
        "We hold 0.25% of the market's value: EUR 7 500 net of returns over all time to "
        "2026-03-31 against EUR 3.00 million a year, latest year 2025. "
        "Among cells with 5 customers of ours or more, "
        "our share is highest in Tents (NO) (index 120, 115 to 125, n = 40); lowest in Boots (NO) "
        "(index 80, 75 to 85, n = 30); our average is 100."
    )
    assert text.endswith(
        "1 cell of ours did not join the market table and are left out of the shares: Pans (SE)."
    )
    assert "90" not in text


def test_the_spend_that_did_not_join_is_told_where_enough_customers_are_behind_it():
    text = state_share(make_share(customer_count=[40, 30, 12]))
    assert "EUR 90.00 or 1.2% of our net sales over all time to 2026-03-31: Pans (SE)" in text


def test_our_share_of_buyers_is_told_where_no_value_is_known():
    share = make_share(measure=["buyer_count"] * 3, market_value=None)
    assert state_share(share).startswith(
        "We hold 4.7% of the market's buyers: 70 over all time to 2026-03-31 against 1 500 a year"
    )


def test_a_market_without_sizes_has_no_shares():
    share = make_share(market_value=None, buyer_count=None, measure=["buyer_count"] * 3)
    assert state_share(share).startswith("The market table has neither value nor buyers")


def test_a_cell_whose_figures_are_hidden_is_no_extreme():
    share = make_share(customer_count=[3, 30, 40], matched=["both"] * 3, index=[900.0, 80.0, 100.0])
    assert "highest" not in state_share(share), "the two others would tell of the hidden one"
    share = make_share(customer_count=[40, 30, 40], matched=["both"] * 3, index=[90.0, 80.0, 110.0])
    assert "highest in Pans (SE) (index 110" in state_share(share)


def make_space(**columns) -> pd.DataFrame:
    rows = {
        "cell": ["Tents (NO)", "Pans (SE)"],
        "country": ["NO", "SE"],
        "category": ["Tents", "Pans"],
        "measure": ["market_value"] * 2,
        "size": [2e6, 1e6],
        "white_space": [False, False],
        "fails_on": ["open from rivals", "large, growing"],
        "rival_share": [0.2, 0.3],
        "opportunity": [1500.0, 800.0],
        "source": ["Bureau A", "Bureau B"],
        "rests_on_count": [40.0, 40.0],
    }
    return pd.DataFrame(rows | columns)


def state_space(cells: pd.DataFrame) -> str:
    return tell(market.state_white_space(publish(cells, market.view_white_space(cells))))


def test_a_cell_that_fails_names_the_rule_that_it_fails():
    assert state_space(make_space()) == (
        "None of 2 cells is white space. Tents (NO) comes nearest; it fails on: open from rivals."
    )


def test_white_space_says_what_it_would_bring_and_who_says_so():
    cells = make_space(white_space=[True, True], rival_share=[0.2, None])
    assert state_space(cells) == (
        "2 of 2 cells are white space: Tents (NO) and Pans (SE). At our own average share "
        "Tents (NO) would bring EUR 1 500 a year more, and all of them together EUR 2 300 a year. "
        "No competitor is recorded for Pans (SE); that may be a gap in the table and not in the "
        "market. Size and growth are taken from: Bureau A and Bureau B."
    )


def test_white_space_by_buyers_is_told_in_buyers():
    cells = make_space(white_space=[True, False], measure=["buyer_count"] * 2)
    assert "would bring 1 500 buyers more, and all of them together 1 500 buyers." in (
        state_space(cells)
    )


def test_the_sum_of_opportunities_is_told_beside_a_hidden_row_where_it_does_not_need_it():
    cells = make_space(white_space=[True, True], rests_on_count=[None, 40.0])
    assert "all of them together EUR 2 300" in state_space(cells)
    cells = make_space(
        white_space=[True, True], rests_on_count=[None, 40.0], opportunity=[None, 800.0]
    )
    text = state_space(cells)
    assert "At our own average share Pans (SE) would bring EUR 800.00 a year more. " in text
    assert "together" not in text


def test_the_headline_has_what_is_known():
    cells = make_space(white_space=[True, False])
    totals = publish(penetration.total_penetration(make_share()), market.PENETRATION_TOTALS)
    trends = publish(make_trends(), market.TRENDS)
    space = publish(cells, market.view_white_space(cells))
    headline = market.list_headline(trends, totals, space)
    assert {
        label: finding.text.replace(THIN_SPACE, " ") for label, finding in headline.items()
    } == {
        "Share of the market, all time": "0.25%",
        "White space": "1 cell",
        "Opportunity a year": "EUR 1 500",
        "Rising trends": "1 of 3",
    }


def make_trends() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trend": ["Camping nights", "Store visits", "Net flow"],
            "country": ["Norway", "", ""],
            "unit": ["nights", "visits", ""],
            "first_year": [2023, 2021, 2023],
            "first_value": [1e6, 50.0, -5.0],
            "last_year": [2025, 2025, 2025],
            "last_value": [2.5e6, 40.0, 5.0],
            "growth_rate": [0.58, -0.054, None],
        }
    )


def test_the_fastest_trend_up_and_down_is_told_with_its_years_and_unit():
    assert tell(market.state_trends(publish(make_trends(), market.TRENDS))) == (
        "1 of 2 trends rise over their years. Norway: Camping nights rises fastest, by 58.0% a "
        "year from 2023 to 2025, to 2.50 million nights. Store visits falls fastest, by 5.4% a "
        "year from 2021 to 2025, to 40.0 visits."
    )


def test_trends_that_stand_still_neither_rise_nor_fall():
    trends = make_trends().assign(growth_rate=0.0)
    assert tell(market.state_trends(publish(trends, market.TRENDS))) == (
        "0 of 3 trends rise over their years."
    )


@pytest.mark.parametrize(
    ("sales", "ending"), [(2e6, ", about EUR 2.00 million a year."), (None, ".")]
)
def test_the_largest_player_is_told_with_its_sales_where_they_are_known(sales, ending):
    players = pd.DataFrame(
        {
            "competitor": ["Norden", "Baltik"],
            "cell_count": [2, 1],
            "mean_share": [0.3, 0.2],
            "estimated_sales": pd.Series([sales, None], dtype=float),
        }
    )
    text = tell(market.state_players(publish(players, market.PLAYERS)))
    assert text == f"2 competitors are listed; the largest is Norden, with 30.0% of 2 cells{ending}"


def read_alt(cells: pd.DataFrame) -> str:
    published = publish(cells, market.view_white_space(cells))
    ax = market.plot_white_space(published)
    return f"{ax.get_xlabel()}: {ax.figure._segkit_alt}".replace(THIN_SPACE, " ")


def test_the_size_of_a_market_is_drawn_in_its_unit():
    cells = make_space(white_space=[True, False], growth_rate=[0.1, 0.0], size=[1500.0, 900.0])
    assert "size of the market, EUR" in read_alt(cells)
    assert "Tents (NO), EUR 1 500, growth 10.0%" in read_alt(cells)
    buyers = cells.assign(measure="buyer_count")
    assert "size of the market, buyers" in read_alt(buyers)
    assert "Tents (NO), 1 500 buyers, growth 10.0%" in read_alt(buyers)


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
    empty = market_evidence.summarise_trends(None)
    absent = [explain_absence(publish(empty, market.TRENDS))]
    assert pick_findings([found, absent]) == found[:1]
    assert pick_findings([absent, found], most=2) == found[:2]


def test_without_market_tables_every_view_and_finding_gives_the_reason(lines, shown):
    tables = {"order_lines": lines}
    trends = publish(market_evidence.summarise_trends(None), market.TRENDS)
    players = publish(market_evidence.list_players(None), market.PLAYERS)
    own = penetration.count_own_cells(tables, as_of=AS_OF)
    share = penetration.measure_penetration(own, None)
    shown_share = publish(share, market.PENETRATION)
    totals = publish(penetration.total_penetration(share), market.PENETRATION_TOTALS)
    found = penetration.find_white_space(share)
    cells = publish(found, market.view_white_space(found))
    largest = shown_share.keep(penetration.select_largest(shown_share.frame))
    gaps = missing_tables.describe_missing(tables, market_evidence.MARKET_TABLES)
    show_table(publish(gaps, MISSING_TABLES), caption="Market")
    show_table(trends, caption="Trends")
    show_table(players, caption="Players")
    joined = shown_share.keep(shown_share.frame["matched"] != "ours only")
    show_table(joined, caption="Cells", columns=["cell"])
    show_table(cells, caption="White space")
    template = market_evidence.describe_template(tables)
    show_table(publish(template, market.TEMPLATE), caption="Template")
    show_chart(market.plot_country_shares(largest), caption="Shares")
    show_chart(market.plot_cell_shares(largest), caption="Shares")
    show_chart(market.plot_white_space(cells), caption="Cells")
    assert sum("There is no table of market cells" in text for text in shown) == 5
    assert tell(market.state_trends(trends)) == "There is no table of trends."
    assert tell(market.state_players(players)) == "There is no table of competitors."
    reason = "There is no table of market cells."
    assert tell(market.state_penetration(shown_share, totals)) == reason
    assert tell(market.state_white_space(cells)) == reason
    assert market.list_headline(trends, totals, cells) == {}


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
