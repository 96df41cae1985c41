"""Sentences, charts and views on the market, with data and without."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from test_market import AS_OF, AT, make_lines, make_tables

from segkit.evidence.market import MARKET_TABLES
from segkit.evidence.market import joining as joining_evidence
from segkit.evidence.market import penetration as penetration_evidence
from segkit.evidence.market import rivals as rivals_evidence
from segkit.evidence.market import templates as templates_evidence
from segkit.evidence.market import trends as trends_evidence
from segkit.evidence.market.own import count_own_cells
from segkit.evidence.market.white_space import find_white_space
from segkit.evidence.missing_tables import describe_missing
from segkit.plan.market import Market
from segkit.report.market import headline, names, penetration, players, trends, white_space
from segkit.report.missing_tables import MISSING_TABLES
from segkit.report.shared.figures import render_chart, show_chart
from segkit.report.shared.numbers import THIN_SPACE
from segkit.report.shared.tables import show_table


def tell(findings: list) -> str:
    return " ".join(read_texts(findings)).replace(THIN_SPACE, " ")


def make_share(**columns) -> pd.DataFrame:
    rows = {
        "cell": ["Tents (NO)", "Boots (NO)", "Pans (SE)"],
        "country": ["NO", "NO", "SE"],
        "category": ["Tents", "Boots", "Pans"],
        "matched": ["both", "both", "ours only"],
        "reason": ["", "", "name not in the market table"],
        "measure": ["market_value"] * 3,
        "market_value": [2e6, 1e6, None],
        "buyer_count": [1000.0, 500.0, None],
        "growth_rate": [0.1, 0.1, None],
        "customer_count": [40, 30, 1],
        "spend": [5000.0, 2500.0, 90.0],
        "expected": [5000.0, 2500.0, None],
        "share": [0.0025, 0.0025, None],
        "index": [120.0, 80.0, None],
        "served": ["over-served", "like our average", "not known"],
        "mark": ["", "", ""],
        "source": ["Bureau"] * 3,
        "year": pd.array([2025, 2025, None], dtype="Int64"),
    }
    share = pd.DataFrame(rows | columns)
    near = {"index_low": share["index"] - 5, "index_high": share["index"] + 5}
    share = share.assign(**near, size=share[share["measure"].iloc[0]])
    return share.assign(rests_on_count=share["customer_count"])


def state_share(share: pd.DataFrame, market: Market | None = None) -> str:
    totals = penetration_evidence.total_penetration(share, market=market)
    totals = publish(totals, penetration.PENETRATION_TOTALS)
    shown = publish(share, penetration.view_penetration(share))
    return tell(penetration.state_penetration(shown, totals))


def test_the_spend_of_one_customer_is_not_told():
    text = state_share(make_share())
    assert text.startswith(
        "We hold 0.25% of the market's value: EUR 7 500 net of returns over all time to "
        "2026-03-31 against EUR 3.00 million a year, of 2025. "
        "Beside our average share, cells over-served: 1; under-served: 0; not to be told from the "
        "average: 1. The intervals hold together for all cells. "
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
    assert (
        "with 12 customers or more and EUR 90.00 or 1.2% of our net sales over all time to "
        "2026-03-31: Pans (SE)"
    ) in text


def test_our_share_of_buyers_is_told_where_no_value_is_known():
    share = make_share(measure=["buyer_count"] * 3, market_value=None)
    assert state_share(share).startswith(
        "We hold 4.7% of the market's buyers: 70 customers over all time to 2026-03-31 against "
        "1 500 buyers, of 2025."
    )


def test_a_market_without_sizes_has_no_shares():
    share = make_share(market_value=None, buyer_count=None, measure=["buyer_count"] * 3)
    assert state_share(share).startswith("The market table has neither value nor buyers")


@pytest.mark.parametrize("value", [[2e12, 1e12, None], [20.0, 10.0, None]])
def test_a_share_that_says_nothing_is_no_headline(value):
    share = make_share(market_value=value)
    text = state_share(share)
    assert text.startswith("The table counts another market than ours: it has EUR ")
    assert "A share below 0.010%, or above all of it, says nothing" in text
    assert "We hold" not in text
    totals = publish(penetration_evidence.total_penetration(share), penetration.PENETRATION_TOTALS)
    cells = make_space()
    space = publish(cells, white_space.view_white_space(cells))
    trends_shown = publish(trends_evidence.summarise_trends(None), trends.TRENDS)
    assert list(headline.list_headline(trends_shown, totals, space)) == ["White space"]
    assert state_share(make_share(), Market(smallest_share=0.5)).startswith("The table counts")


def test_figures_that_are_old_unsourced_or_differ_are_counted():
    text = state_share(make_share(mark=["old, no source", "sources differ", ""]))
    assert "1 of 2 cells rest on figures more than 3 years before our last year." in text
    assert "1 of 2 cells rest on figures without a source." in text
    assert "Of 1 of 2 cells the sources differ by more than a tenth" in text


def test_a_cell_whose_figures_are_hidden_is_no_extreme():
    share = make_share(customer_count=[3, 30, 40], matched=["both"] * 3, index=[900.0, 80.0, 100.0])
    assert "highest" not in state_share(share), "the two others would tell of the hidden one"
    share = make_share(customer_count=[40, 30, 40], matched=["both"] * 3, index=[90.0, 80.0, 110.0])
    assert "highest in Pans (SE) (index 110" in state_share(share)


def test_whether_a_cell_is_over_served_is_hidden_with_its_index():
    share = make_share(customer_count=[40, 7, 1])
    shown = publish(share, penetration.view_penetration(share)).frame.set_index("cell")
    assert pd.isna(shown.loc["Boots (NO)", "index"])
    assert pd.isna(shown.loc["Boots (NO)", "served"])


@pytest.mark.parametrize(
    ("axes", "repeats"),
    [(["age_band"], False), (["country", "category"], True), (["industry", "gender"], False)],
)
def test_a_view_knows_whether_a_customer_may_be_in_several_cells(axes, repeats):
    share = make_share().drop(columns=["country", "category"])
    for number, axis in enumerate(axes):
        share[axis] = [f"{number}{name}" for name in "abc"]
    shape = penetration.view_penetration(share).shape
    assert set(shape.by) == set(axes)
    assert shape.repeats is repeats


def make_space(**columns) -> pd.DataFrame:
    rows = {
        "cell": ["Tents (NO)", "Pans (SE)"],
        "country": ["NO", "SE"],
        "category": ["Tents", "Pans"],
        "measure": ["market_value"] * 2,
        "size": [2e6, 1e6],
        "buyer_count": [900.0, None],
        "index": [40.0, 60.0],
        "white_space": [False, False],
        "fails_on": ["open from rivals", "large, growing"],
        "not_known": ["", ""],
        "rival_share": [0.2, 0.3],
        "rival_count": [2.0, 1.0],
        "first_rival": ["Norden", "Baltik"],
        "first_rival_share": [0.15, 0.3],
        "opportunity": [1500.0, 800.0],
        "opportunity_low": [1200.0, 500.0],
        "opportunity_high": [1900.0, 900.0],
        "needed_count": [15.0, 8.0],
        "source": ["Bureau A", "Bureau B"],
        "rests_on_count": [40.0, 40.0],
    }
    table = pd.DataFrame(rows | columns)
    status = np.where(table["white_space"], "white space", "no")
    return table if "status" in table else table.assign(status=status)


def state_space(cells: pd.DataFrame) -> str:
    shown = publish(cells, white_space.view_white_space(cells))
    return tell(white_space.state_white_space(shown))


def test_a_cell_that_fails_names_the_rule_that_it_fails():
    assert state_space(make_space()) == (
        "None of 2 cells is white space. Tents (NO) comes nearest; it fails on: open from rivals."
    )


def test_white_space_says_what_would_have_to_be_true_and_who_says_so():
    cells = make_space(white_space=[True, True], rival_share=[0.2, None])
    assert state_space(cells) == (
        "2 of 2 cells are white space: Tents (NO) and Pans (SE). At our own average share all "
        "white space together would bring EUR 2 300 (EUR 1 700 to EUR 2 800) a year more. "
        "At our own average share Tents (NO) would bring EUR 1 500 (EUR 1 200 to EUR 1 900) a year "
        "more. For that 15 more buyers at our mean net spend would have to come, out of 900 buyers "
        "there, and our share rise from 40 to 100, our average. "
        "In Tents (NO) that is against 2 listed competitors, who hold 20.0% together; the first is "
        "Norden with 15.0%. "
        "At our own average share Pans (SE) would bring EUR 800.00 (EUR 500.00 to EUR 900.00) a "
        "year more. For that 8 more buyers at our mean net spend would have to come, and our share "
        "rise from 60 to 100, our average. "
        "No competitor is recorded for Pans (SE); that may be a gap in the table and not in the "
        "market. Size and growth are taken from: Bureau A and Bureau B."
    )


def test_what_is_not_known_is_asked_and_not_counted():
    cells = make_space(
        status=["open question", "no"],
        fails_on=["", "large, growing"],
        not_known=["people like our customers", ""],
    )
    text = state_space(cells)
    assert text.startswith(
        "None of 2 cells is known to be white space. Nothing speaks against 1 cell being white "
        "space, but not all is known (people like our customers): Tents (NO). At our own average "
        "share Tents (NO) would bring"
    )


def test_white_space_by_buyers_is_told_in_buyers():
    cells = make_space(white_space=[True, False], measure=["buyer_count"] * 2)
    assert "would bring 1 500 buyers (1 200 buyers to 1 900 buyers) more." in state_space(cells)


def test_the_sum_of_opportunities_is_told_beside_a_hidden_row_where_it_does_not_need_it():
    cells = make_space(white_space=[True, True], rests_on_count=[None, 40.0])
    assert "together would bring EUR 2 300" in state_space(cells)
    cells = make_space(
        white_space=[True, True], rests_on_count=[None, 40.0], opportunity=[None, 800.0]
    )
    text = state_space(cells)
    assert "At our own average share Pans (SE) would bring EUR 800.00" in text
    assert "all white space together" not in text


def test_the_headline_has_what_is_known():
    cells = make_space(white_space=[True, False])
    totals = publish(
        penetration_evidence.total_penetration(make_share()), penetration.PENETRATION_TOTALS
    )
    shown_trends = publish(make_trends(), trends.TRENDS)
    space = publish(cells, white_space.view_white_space(cells))
    told = headline.list_headline(shown_trends, totals, space)
    assert {label: finding.text.replace(THIN_SPACE, " ") for label, finding in told.items()} == {
        "Share of the market, all time": "0.25%",
        "White space": "1 cell",
        "Opportunity a year": "EUR 1 500",
        "Rising trends": "1 of 3 trends",
    }


def make_trends() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "trend": ["Camping nights", "Store visits", "Net flow"],
            "country": ["Norway", "", ""],
            "unit": ["nights", "visits", ""],
            "first_year": [2021, 2021, 2023],
            "last_year": [2025, 2025, 2025],
            "point_count": [5, 5, 3],
            "last_value": [2.5e6, 40.0, 5.0],
            "growth_rate": [0.58, -0.054, None],
            "growth_rate_low": [0.3, -0.06, None],
            "growth_rate_high": [0.9, -0.01, None],
            "direction": ["rises", "falls", "too few years"],
            "mark": ["", "old, no source", ""],
        }
    )


def test_the_fastest_trend_up_and_down_is_told_with_its_interval_years_and_unit():
    assert tell(trends.state_trends(publish(make_trends(), trends.TRENDS))) == (
        "Of 3 trends over all their years, surely rising: 1; surely falling: 1; without a clear "
        "direction: 0; with too few years to say: 1. Norway: Camping nights rises fastest: 58.0% a "
        "year (30.0% to 90.0%) over 5 years from 2021 to 2025, to 2.50 million nights. Store "
        "visits falls fastest: −5.4% a year (−6.0% to −1.0%) over 5 years from 2021 to 2025, to "
        "40.0 visits. Figures are old for: Store visits. No source is named for some figures of: "
        "Store visits."
    )


@pytest.mark.parametrize(
    ("sales", "ending"), [(2e6, ", about EUR 2.00 million a year."), (None, ".")]
)
def test_the_largest_player_is_told_with_its_sales_where_they_are_known(sales, ending):
    table = pd.DataFrame(
        {
            "competitor": ["Norden", "Baltik"],
            "cell_count": [2, 1],
            "mean_share": [0.3, 0.2],
            "estimated_sales": pd.Series([sales, None], dtype=float),
        }
    )
    text = tell(players.state_players(publish(table, players.PLAYERS)))
    assert text == f"2 competitors are listed; the largest is Norden, with 30.0% of 2 cells{ending}"


def make_players() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "competitor": ["Norden", "Baltik", "Unpriced"],
            "mean_share": [0.3, 0.2, 0.1],
            "price_level": [120.0, 80.0, None],
        }
    )


def test_prices_are_told_with_ours_where_the_plan_has_it():
    totals = publish(
        penetration_evidence.total_penetration(make_share()), penetration.PENETRATION_TOTALS
    )
    shown = publish(make_players(), players.PLAYERS)
    priced = players.list_prices(shown, totals, price_level=95.0)
    assert priced["competitor"].tolist() == ["Baltik", "we", "Norden"]
    assert priced.set_index("competitor")["mean_share"]["we"] == 0.0025
    prices = publish(priced, players.PRICES)
    assert tell(players.state_prices(prices)) == (
        "Beside the market's average of 100, price levels go from 80 (Baltik) to 120 (Norden). "
        "Ours is 95, as the plan says."
    )
    ax = players.plot_prices(prices)
    render_chart(ax)
    assert "we, price level 95, share 0.3%" in ax.figure._segkit_alt
    without = players.list_prices(shown, totals, price_level=None)
    assert "we" not in set(without["competitor"])


def test_our_share_is_not_drawn_beside_theirs_where_it_says_nothing():
    totals = penetration_evidence.total_penetration(make_share(market_value=[2e12, 1e12, None]))
    shown = publish(make_players(), players.PLAYERS)
    priced = players.list_prices(
        shown, publish(totals, penetration.PENETRATION_TOTALS), price_level=95.0
    )
    assert pd.isna(priced.set_index("competitor")["mean_share"]["we"])


def read_alt(cells: pd.DataFrame) -> str:
    published = publish(cells, white_space.view_white_space(cells))
    ax = white_space.plot_white_space(published)
    return f"{ax.get_xlabel()}: {ax.figure._segkit_alt}".replace(THIN_SPACE, " ")


def test_the_size_of_a_market_is_drawn_in_its_unit():
    cells = make_space(white_space=[True, False], growth_rate=[0.1, 0.0], size=[1500.0, 900.0])
    assert "size of the market, EUR" in read_alt(cells)
    assert "Tents (NO), EUR 1 500, growth 10.0%" in read_alt(cells)
    buyers = cells.assign(measure="buyer_count")
    assert "size of the market, buyers" in read_alt(buyers)
    assert "Tents (NO), 1 500 buyers, growth 10.0%" in read_alt(buyers)


@pytest.fixture
def shown(monkeypatch) -> list[str]:
    """What the views display, as text."""
    texts: list[str] = []
    monkeypatch.setattr("IPython.display.display", lambda data, **_: texts.append(str(data)))
    return texts


def test_without_market_tables_every_view_and_finding_gives_the_reason(shown):
    lines = make_lines([("o1", "a", "p", "2026-06-01", 10)])
    tables: dict[str, ibis.Table] = make_tables(order_lines=lines)
    shown_trends = publish(trends_evidence.summarise_trends(None), trends.TRENDS)
    listed = publish(rivals_evidence.list_players(None), players.PLAYERS)
    own = count_own_cells(tables, as_of=AS_OF)
    share = penetration_evidence.measure_penetration(own, None)
    shown_share = publish(share, penetration.view_penetration(share))
    totals = publish(penetration_evidence.total_penetration(share), penetration.PENETRATION_TOTALS)
    found = find_white_space(share, at=AT)
    cells = publish(found, white_space.view_white_space(found))
    rivals = publish(rivals_evidence.map_rivals(share, None), players.RIVALS)
    unjoined = publish(joining_evidence.list_candidates(share), names.NAMES)
    prices = publish(players.list_prices(listed, totals, price_level=None), players.PRICES)
    gaps = describe_missing(tables, MARKET_TABLES)
    show_table(publish(gaps, MISSING_TABLES), caption="Market")
    for table in (shown_trends, listed, cells, rivals, unjoined, prices):
        show_table(table, caption="A table")
    template = templates_evidence.describe_template(tables)
    show_table(publish(template, headline.TEMPLATE), caption="Template")
    for plot in (penetration.plot_country_shares, penetration.plot_cell_shares):
        show_chart(plot(penetration.keep_largest(shown_share)), caption="Shares")
    show_chart(white_space.plot_white_space(cells), caption="Cells")
    show_chart(players.plot_rivals(players.keep_largest_cells(rivals)), caption="Rivals")
    show_chart(players.plot_prices(prices), caption="Prices")
    assert sum("There is no table of market cells" in text for text in shown) == 5
    assert tell(trends.state_trends(shown_trends)) == "There is no table of trends."
    assert tell(players.state_players(listed)) == "There is no table of competitors."
    reason = "There is no table of market cells."
    assert tell(penetration.state_penetration(shown_share, totals)) == reason
    assert tell(white_space.state_white_space(cells)) == reason
    assert names.state_names(unjoined) == players.state_prices(prices) == []
    assert headline.list_headline(shown_trends, totals, cells) == {}


def test_a_market_of_three_axes_is_drawn_as_a_grid_with_joined_rows():
    share = make_share(country=["NO", "NO", "NO"], matched=["both"] * 3)
    share.insert(2, "age_band", ["18-24", "25-34", "18-24"])
    shown = publish(share, penetration.view_penetration(share))
    ax = penetration.plot_cell_shares(shown)
    render_chart(ax)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["NO, 18-24", "NO, 25-34"]
