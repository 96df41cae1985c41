"""Sentences and views on the market and on experience, with data and without."""

from __future__ import annotations

import datetime

import ibis
import pandas as pd
import pytest

from segkit.evidence import experience, market, missing, penetration, spending
from segkit.report import (
    experience_views,
    findings_experience,
    findings_market,
    market_views,
)
from segkit.report.findings import THIN_SPACE

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


def tell(sentences: list[str]) -> str:
    return " ".join(sentences).replace(THIN_SPACE, " ")


def make_cells(**columns) -> pd.DataFrame:
    rows = {
        "cell": ["Tents (NO)", "Pans (SE)"],
        "matched": ["both", "ours only"],
        "market_value": [2e6, None],
        "buyer_count": [1000.0, None],
        "customer_count": [40, 1],
        "spend": [5000.0, 90.0],
        "index": [100.0, None],
        "year": [2025, None],
    }
    return pd.DataFrame(rows | columns)


def test_the_spend_of_one_customer_is_not_told():
    text = tell(findings_market.state_penetration(make_cells(), currency="EUR"))
    assert "0.25% of the market's value" in text
    assert "1 cell of ours did not join" in text
    assert "90" not in text


def test_the_spend_that_did_not_join_is_told_where_enough_customers_are_behind_it():
    cells = make_cells(customer_count=[40, 12])
    text = tell(findings_market.state_penetration(cells, currency="EUR"))
    assert "EUR 90.00 or 1.8% of our spend: Pans (SE)" in text


def test_a_cell_that_fails_names_the_rule_that_it_fails():
    cells = pd.DataFrame(
        {
            "cell": ["Tents (NO)", "Pans (SE)"],
            "large": [True, False],
            "growing": [True, False],
            "open_to_us": [True, True],
            "open_from_rivals": [False, True],
            "white_space": [False, False],
        }
    )
    text = tell(findings_market.state_white_space(cells))
    assert text == (
        "None of 2 cells is white space. Tents (NO) comes nearest; it fails on: open from rivals."
    )


def test_overlapping_intervals_are_no_difference():
    table = pd.DataFrame(
        {
            "segment_name": ["A", "B"],
            "open_share": [0.4, 0.5],
            "open_low": [0.3, 0.42],
            "open_high": [0.45, 0.6],
            "note": ["", ""],
        }
    )
    assert "no clear difference" in tell(findings_experience.state_messages(table))
    table["open_high"] = [0.41, 0.6]
    assert "do not overlap" in tell(findings_experience.state_messages(table))


def test_without_market_tables_every_view_and_finding_gives_the_reason(lines, shown):
    tables = {"order_lines": lines}
    trends = market.summarise_trends(None)
    players = market.list_players(None)
    own = penetration.count_own_cells(tables, as_of=AS_OF)
    share = penetration.measure_penetration(own, None)
    unmatched = penetration.list_unmatched(share)
    cells = penetration.find_white_space(share)
    market_views.show_gaps(missing.describe_missing(tables, market.MARKET_TABLES), caption="Market")
    market_views.show_trend_lines(market.collect_trends(None))
    market_views.show_trends(trends)
    market_views.show_players(players)
    market_views.show_share_bars(share)
    market_views.show_share_grid(share)
    market_views.show_largest_cells(share)
    market_views.show_unmatched(unmatched)
    market_views.show_cell_map(cells)
    market_views.show_white_space(cells)
    market_views.show_template(market.describe_template(tables))
    assert sum("There is no table of market cells" in text for text in shown) == 6
    assert findings_market.state_trends(trends) == ["There is no table of trends."]
    assert findings_market.state_players(players) == ["There is no table of competitors."]
    for state in (findings_market.state_penetration, findings_market.state_white_space):
        assert state(share if state is findings_market.state_penetration else cells) == [
            "There is no table of market cells."
        ]
    assert findings_market.headline_market(trends, share, cells) == {}


def test_without_evidence_every_view_and_finding_gives_the_reason(lines, shown):
    options = {"as_of": AS_OF, "smallest_cell": 1}
    spend = spending.summarise_spend_by_segment(lines, SEGMENTS, **options)
    categories = spending.rank_categories_by_segment(lines, SEGMENTS, products=None, **options)
    wallet = spending.estimate_wallet_by_segment({"order_lines": lines}, SEGMENTS, **options)
    messages = experience.summarise_messages_by_segment(None, SEGMENTS)
    events = experience.summarise_events_by_segment(None, SEGMENTS)
    devices = experience.count_shares_by_segment(None, SEGMENTS, "device")
    tickets = experience.summarise_tickets_by_segment(None, SEGMENTS)
    responses = experience.summarise_responses_by_segment(None, SEGMENTS)
    experience_views.show_spend_bars(spend)
    experience_views.show_spend(spend)
    experience_views.show_category_grid(categories)
    experience_views.show_categories(categories)
    experience_views.show_wallet(wallet)
    experience_views.show_messages(messages)
    experience_views.show_events(events)
    experience_views.show_device_grid(devices)
    experience_views.show_tickets(tickets)
    experience_views.show_topics(devices)
    experience_views.show_answer_grid(responses)
    experience_views.show_choices(responses)
    assert len(shown) == 12
    assert sum("There is no" in text or "Share of wallet needs" in text for text in shown) == 10
    findings = [
        findings_experience.state_categories(categories),
        findings_experience.state_wallet(wallet),
        findings_experience.state_messages(messages),
        findings_experience.state_events(events, devices),
        findings_experience.state_tickets(tickets, devices),
        findings_experience.state_responses(responses, experience.classify_questions(None)),
    ]
    assert all(text[0].startswith(("There is no", "Share of")) for text in findings)
    assert findings_experience.state_spend(spend)[0].startswith("“Only” brings most: 100.0%")
    assert findings_experience.headline_experience(spend, messages, tickets) == {}
