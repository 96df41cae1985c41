"""Sentences and views on the market and on experience, with data and without."""

from __future__ import annotations

import datetime

import ibis
import pandas as pd
import pytest

from segkit.evidence import experience, market, missing_tables, penetration
from segkit.profiles.base_summaries import summarise_base
from segkit.report import findings_bases, findings_experience, findings_market, show_chart
from segkit.report.evidence_views import show_evidence
from segkit.report.shared import charts
from segkit.report.shared.numbers import THIN_SPACE

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
        "measure": ["market_value"] * 2,
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
            "white_space": [False, False],
            "fails_on": ["open from rivals", "large, growing"],
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
    assert tell(findings_experience.state_segments(table)) == (
        "Messages opened: highest in “B” (50.0%, 42.0% to 60.0%), lowest in “A” (40.0%, 30.0% to "
        "45.0%); their intervals overlap."
    )
    table["open_high"] = [0.41, 0.6]
    assert "do not overlap" in tell(findings_experience.state_segments(table))


def test_a_segment_whose_figures_are_hidden_is_named():
    table = pd.DataFrame(
        {
            "segment_name": ["A", "B", "C"],
            "spend_per_customer": [10.0, 4.0, None],
            "note": ["", "", "fewer than 5 customers"],
        }
    )
    assert tell(findings_experience.state_segments(table, currency="EUR")) == (
        "Spend a customer: highest in “A” (EUR 10.00), lowest in “B” (EUR 4.00). "
        "Figures of “C” are left out: fewer than 5 customers."
    )


def test_intervals_are_shown_as_text_and_empty_columns_not_at_all(shown):
    table = pd.DataFrame(
        {
            "segment_name": ["A", "B"],
            "open_share": [0.4, None],
            "open_low": [0.3, None],
            "open_high": [0.45, None],
            "click_share": [None, None],
        }
    )
    show_evidence(table, caption="Messages")
    assert "30.0% to 45.0%" in shown[0]
    assert "Messages opened" in shown[0]
    assert "clicked" not in shown[0]


def test_without_market_tables_every_view_and_finding_gives_the_reason(lines, shown):
    tables = {"order_lines": lines}
    trends = market.summarise_trends(None)
    players = market.list_players(None)
    own = penetration.count_own_cells(tables, as_of=AS_OF)
    share = penetration.measure_penetration(own, None)
    cells = penetration.find_white_space(share)
    largest = penetration.select_largest(penetration.hide_small_shares(share, 5))
    show_evidence(missing_tables.describe_missing(tables, market.MARKET_TABLES), caption="Market")
    show_evidence(trends, caption="Trends")
    show_evidence(players, caption="Players")
    show_evidence(share[share["matched"] != "ours only"], caption="Cells", columns=["cell"])
    show_evidence(cells, caption="White space")
    show_evidence(market.describe_template(tables), caption="Template")
    show_chart(charts.plot_bars(largest, label="country", value="index"), caption="Shares")
    show_chart(charts.plot_cells(largest, value="index"), caption="Shares")
    show_chart(charts.plot_white_space(cells), caption="Cells")
    assert sum("There is no table of market cells" in text for text in shown) == 5
    assert findings_market.state_trends(trends) == ["There is no table of trends."]
    assert findings_market.state_players(players) == ["There is no table of competitors."]
    for found in (
        findings_market.state_penetration(share),
        findings_market.state_white_space(cells),
    ):
        assert found == ["There is no table of market cells."]
    assert findings_market.headline_market(trends, share, cells) == {}


def test_without_evidence_every_view_and_finding_gives_the_reason(lines, shown):
    options = {"as_of": AS_OF, "smallest_cell": 1}
    spend = experience.summarise_spend_by_segment(lines, SEGMENTS, **options)
    sales = experience.add_categories(lines, None, as_of=AS_OF)
    categories = experience.count_shares_by_segment(sales, SEGMENTS, "category", amount="sales")
    devices = experience.count_shares_by_segment(None, SEGMENTS, "device")
    responses = experience.summarise_responses_by_segment(None, SEGMENTS)
    measured = [
        experience.estimate_wallet_by_segment({"order_lines": lines}, SEGMENTS, **options),
        experience.summarise_messages_by_segment(None, SEGMENTS),
        experience.summarise_events_by_segment(None, SEGMENTS),
        experience.summarise_tickets_by_segment(None, SEGMENTS),
    ]
    empty = [categories, devices, responses, *measured]
    for table in empty:
        show_evidence(table, caption="Evidence")
    show_chart(
        charts.plot_cells(responses, row="question", column="answer", value="value"), caption="x"
    )
    show_chart(charts.plot_bars(spend, label="segment_name", value="spend"), caption="Spend")
    reasons = ("There is no", "Share of wallet needs")
    assert sum(any(reason in text for reason in reasons) for text in shown) == len(empty) + 1
    findings = [
        findings_experience.state_shares(categories, "category", of="sales"),
        findings_experience.state_shares(devices, "device", of="events"),
        findings_experience.state_responses(responses, experience.classify_questions(None)),
        *(findings_experience.state_segments(table) for table in measured),
    ]
    assert all(text[0].startswith(("There is no", "Share of")) for text in findings)
    assert findings_experience.state_spend(spend)[0].startswith("“Only” brings most: 100.0%")


def test_a_base_names_the_largest_group_and_who_brings_most_and_least():
    shares = {"country": ["FI"] * 20 + ["SE"] * 40, "total_spend": [10.0] * 20 + [50.0] * 40}
    customers = pd.DataFrame({"customer_id": [f"c{i}" for i in range(60)], **shares})

    def state(table: pd.DataFrame) -> list[str]:
        return findings_bases.state_base(summarise_base(table, "geographic"))

    assert state(customers) == [
        "The largest group, 66.7% of customers, is where country is SE.",
        "Of the customers known, one brings most where country is SE (index 136, n = 40); "
        "least where country is FI (index 27, n = 20).",
    ]
    one_sided = customers.assign(total_spend=[45.0] * 20 + [50.0] * 40)
    assert state(one_sided)[1].startswith("Of the customers known, one brings least where")
    assert len(state(customers.assign(total_spend=50.0))) == 1
    alike = state(customers.assign(country="FI"))
    assert alike == ["In no feature of this base do enough customers differ to be told apart."]
