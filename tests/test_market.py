"""The market: trends, players, penetration and white space."""

from __future__ import annotations

import datetime

import ibis
import pandas as pd
import pytest
from published import publish
from segkit.evidence.penetration import (
    choose_axes,
    count_own_cells,
    find_white_space,
    measure_penetration,
    total_penetration,
)

from segkit.contract.tables import TABLES
from segkit.core.absence import explain_empty
from segkit.core.errors import SegkitError
from segkit.evidence.market import (
    collect_trends,
    describe_template,
    latest_cells,
    list_players,
    summarise_trends,
    write_templates,
)
from segkit.evidence.missing_tables import describe_missing
from segkit.report import market as market_report

AS_OF = datetime.date(2026, 6, 30)


def make_tables(**frames: pd.DataFrame) -> dict[str, ibis.Table]:
    connection = ibis.duckdb.connect()
    return {name: connection.create_table(name, frame) for name, frame in frames.items()}


def make_lines(rows: list[tuple]) -> pd.DataFrame:
    columns = ["order_id", "customer_id", "product_id", "ordered_at", "line_amount"]
    lines = pd.DataFrame(rows, columns=columns).astype({"line_amount": float})
    lines["ordered_at"] = pd.to_datetime(lines["ordered_at"], format="ISO8601")
    lines["line_type"] = lines["line_amount"].map(lambda x: "sale" if x >= 0 else "return")
    return lines.assign(is_product=True)


@pytest.fixture(scope="module")
def shop() -> dict[str, ibis.Table]:
    """Two customers in Sweden, one in Latvia, one whose country the market does not have."""
    return make_tables(
        order_lines=make_lines(
            [
                ("o1", "a", "tent", "2026-06-30 18:00", 100),
                ("o2", "a", "pan", "2026-01-10", 50),
                ("o3", "b", "tent", "2025-07-01", 60),
                ("o4", "b", "tent", "2025-08-01", -10),
                ("o5", "c", "tent", "2026-02-02", 40),
                ("o6", "d", "tent", "2026-03-03", 30),
                ("o7", "a", "tent", "2025-06-30", 999),
            ]
        ),
        customers=pd.DataFrame(
            {
                "customer_id": ["a", "b", "c", "d"],
                "country": ["Sweden", " sweden", "Latvia", "Atlantis"],
            }
        ),
        products=pd.DataFrame(
            {"product_id": ["tent", "pan"], "category": ["Outdoor", "Household"]}
        ),
        market_cells=pd.DataFrame(
            [
                ("Sweden", "Outdoor", 2024, 90.0, 900.0, None, "Bureau A"),
                ("Sweden", "Outdoor", 2025, 100.0, 1000.0, 0.10, "Bureau A"),
                ("Sweden", "Household", 2025, 50.0, 500.0, 0.00, "Bureau A"),
                ("Latvia", "Outdoor", 2025, 40.0, 800.0, 0.20, "Bureau B"),
                ("Latvia", "Household", 2025, 20.0, 200.0, 0.05, "Bureau B"),
                ("Estonia", "Outdoor", 2025, 60.0, 1500.0, 0.15, "Bureau C"),
            ],
            columns=[
                "country",
                "category",
                "year",
                "buyer_count",
                "market_value",
                "growth_rate",
                "source",
            ],
        ),
        competitors=pd.DataFrame(
            [
                ("Norden", "Sweden", "Outdoor", 0.40, "families", "wide range", "report"),
                ("Norden", "Sweden", "Household", 0.10, "families", "wide range", "report"),
                ("Baltik", "Estonia", None, 0.20, "low price", "web only", "press"),
                ("Baltik", "Latvia", "Outdoor", 0.70, "low price", "web only", "press"),
            ],
            columns=[
                "competitor",
                "country",
                "category",
                "market_share",
                "segments_served",
                "offer",
                "source",
            ],
        ),
        trends=pd.DataFrame(
            [
                ("Camping nights", 2023, 100.0, "nights", "Bureau A"),
                ("Camping nights", 2025, 121.0, "nights", "Bureau A"),
                ("Store visits", 2023, 50.0, "visits", "Bureau B"),
                ("Store visits", 2025, 50.0, "visits", "Bureau B"),
                ("Net flow", 2023, -5.0, "people", "Bureau B"),
                ("Net flow", 2025, 5.0, "people", "Bureau B"),
            ],
            columns=["trend", "year", "value", "unit", "source"],
        ),
    )


def test_a_trend_that_grows_a_tenth_a_year_is_said_to(shop):
    table = summarise_trends(shop["trends"]).set_index("trend")
    assert table.loc["Camping nights", "growth_rate"] == pytest.approx(0.10)
    assert table.loc["Store visits", "growth_rate"] == 0


def test_trends_are_put_on_one_scale_by_an_index(shop):
    points = collect_trends(shop["trends"]).set_index(["trend", "year"])
    assert points.loc[("Camping nights", 2025), "index"] == pytest.approx(121)
    assert pd.isna(points.loc[("Net flow", 2025), "index"])


def test_growth_from_a_negative_figure_is_left_empty(shop):
    table = summarise_trends(shop["trends"]).set_index("trend")
    assert pd.isna(table.loc["Net flow", "growth_rate"])


def test_a_players_share_is_weighted_by_the_value_of_its_cells(shop):
    players = list_players(shop["competitors"], shop["market_cells"]).set_index("competitor")
    # Norden: (.40 * 1000 + .10 * 500) / 1500; Baltik: Estonia as a whole is 1500
    assert players.loc["Norden", "mean_share"] == pytest.approx(0.30)
    assert players.loc["Norden", "estimated_sales"] == pytest.approx(450)
    assert players.loc["Baltik", "estimated_sales"] == pytest.approx(0.2 * 1500 + 0.7 * 800)
    assert list(players.index) == ["Baltik", "Norden"]
    assert players.loc["Norden", "segments_served"] == "families"


def test_without_market_values_a_players_share_is_the_plain_mean(shop):
    players = list_players(shop["competitors"]).set_index("competitor")
    assert players.loc["Norden", "mean_share"] == pytest.approx(0.25)
    assert pd.isna(players.loc["Norden", "estimated_sales"])


def test_own_cells_count_the_last_365_days_only(shop):
    own = count_own_cells(shop, as_of=AS_OF, by=["category"]).set_index("category")
    assert own.loc["Outdoor", "spend"] == pytest.approx(100 + 60 - 10 + 40 + 30)
    assert own.loc["Outdoor", "customer_count"] == 4
    assert own.loc["Household", "spend"] == 50


def test_own_cells_take_the_lines_country_where_the_customer_has_none():
    lines = make_lines([("o1", "a", "x", "2026-06-01", 5), ("o2", None, "x", "2026-06-01", 7)])
    tables = make_tables(order_lines=lines.assign(country=["Latvia", "Norway"]))
    own = count_own_cells(tables, as_of=AS_OF, by=["country"]).set_index("country")
    assert own["spend"].to_dict() == {"Latvia": 5, "Norway": 7}
    assert own["customer_count"].to_dict() == {"Latvia": 1, "Norway": 0}


def test_penetration_is_our_spend_over_the_cells_value(shop):
    own = count_own_cells(shop, as_of=AS_OF)
    table = measure_penetration(own, shop["market_cells"]).set_index(["country", "category"])
    sweden = table.loc[("Sweden", "Outdoor")]
    assert sweden["share"] == pytest.approx(150 / 1000)
    assert sweden["year"] == 2025
    assert sweden["index"] == pytest.approx(100 * 0.15 / (240 / 4000))
    assert table.loc[("Estonia", "Outdoor"), "share"] == 0
    assert table.loc[("Estonia", "Outdoor"), "matched"] == "market only"


def test_no_spend_is_lost_where_a_name_does_not_join(shop):
    own = count_own_cells(shop, as_of=AS_OF)
    table = measure_penetration(own, shop["market_cells"])
    unmatched = table[table["matched"] == "ours only"]
    assert unmatched[["country", "spend"]].to_numpy().tolist() == [["Atlantis", 30]]
    assert table["spend"].sum() == own["spend"].sum()
    assert table["customer_count"].sum() == own["customer_count"].sum()


def test_a_countrys_value_adds_up_and_its_buyers_do_not(shop):
    cells = latest_cells(shop["market_cells"], by=["country"]).set_index("country")
    assert cells.loc["Sweden", "market_value"] == 1500
    assert cells.loc["Sweden", "buyer_count"] == 100
    assert cells.loc["Sweden", "growth_rate"] == pytest.approx(0.10 * 1000 / 1500)


def test_a_total_row_is_preferred_to_adding_up():
    cells = make_tables(
        market_cells=pd.DataFrame(
            {
                "country": ["Norway", "Norway"],
                "category": [None, "Outdoor"],
                "market_value": [900.0, 400.0],
            }
        )
    )["market_cells"]
    assert latest_cells(cells, by=["country"])["market_value"].tolist() == [900]


def test_growth_is_computed_where_no_row_states_it():
    cells = make_tables(
        market_cells=pd.DataFrame(
            {"country": ["Norway"] * 2, "year": [2023, 2025], "buyer_count": [100.0, 121.0]}
        )
    )["market_cells"]
    assert latest_cells(cells, by=["country"])["growth_rate"].iloc[0] == pytest.approx(0.1)


def test_white_space_is_large_growing_and_little_served(shop):
    own = count_own_cells(shop, as_of=AS_OF)
    table = find_white_space(
        measure_penetration(own, shop["market_cells"]), shop["competitors"]
    ).set_index(["country", "category"])
    # average share: (270 - 30) / 4000 = .06; market growth: 495 / 4000; median value 800
    estonia = table.loc[("Estonia", "Outdoor")]
    assert table.index[table["white_space"]].tolist() == [("Estonia", "Outdoor")]
    assert estonia["opportunity"] == pytest.approx(0.06 * 1500)
    assert estonia["rival_share"] == pytest.approx(0.20)
    assert estonia["source"] == "Bureau C"
    latvia = table.loc[("Latvia", "Outdoor")]
    assert latvia["growing"]
    assert not latvia["large"]
    assert not latvia["open_from_rivals"]
    assert latvia["fails_on"] == "large, open from rivals"


def test_without_competitors_a_cell_counts_as_open_and_says_that_it_is_not_known(shop):
    own = count_own_cells(shop, as_of=AS_OF)
    table = find_white_space(measure_penetration(own, shop["market_cells"]))
    assert table["rival_share"].isna().all()
    assert table["open_from_rivals"].all()


def test_a_cell_with_few_customers_of_ours_shows_no_figure_of_theirs(shop):
    own = count_own_cells(shop, as_of=AS_OF)
    share = measure_penetration(own, shop["market_cells"])
    shown = publish(share, market_report.PENETRATION, smallest_cell=2)
    cells = shown.frame.set_index("cell")
    assert cells.loc["Outdoor (Latvia)", ["customer_count", "spend", "index"]].isna().all()
    assert cells.loc["Outdoor (Estonia)", "spend"] == 0, "nothing sold is not personal"
    assert cells.loc["Outdoor (Latvia)", "market_value"] == 800, "the market's own figures stay"
    assert (
        cells.loc["Outdoor (Sweden)", "note"] == "fewer than 2 customers, or would tell of so few"
    )


def test_the_opportunity_does_not_tell_what_is_sold_in_a_cell_that_is_hidden(shop):
    own = count_own_cells(shop, as_of=AS_OF)
    share = measure_penetration(own, shop["market_cells"])
    shown = publish(share, market_report.PENETRATION, smallest_cell=2)
    hidden = shown.frame["is_hidden"]
    cells = find_white_space(share, hidden=hidden)
    space = publish(cells, market_report.view_white_space(cells), smallest_cell=2)
    frame = space.frame.set_index("cell")
    assert pd.isna(frame.loc["Outdoor (Latvia)", "index"])
    assert pd.isna(frame.loc["Outdoor (Latvia)", "opportunity"]), (
        "which of two is small is not told"
    )
    assert pd.isna(frame.loc["Outdoor (Sweden)", "index"]), "hidden beside Latvia's"
    assert pd.isna(frame.loc["Outdoor (Sweden)", "opportunity"]), "enough customers buy there"
    assert frame.loc["Outdoor (Estonia)", "opportunity"] == pytest.approx(0.06 * 1500)


def test_spend_of_nobody_who_is_known_counts_as_that_of_one_customer():
    lines = make_lines([("o1", "a", "x", "2026-06-01", 5), ("o2", None, "x", "2026-06-01", 7)])
    cells = pd.DataFrame({"country": ["Latvia", "Norway"], "market_value": [100.0, 200.0]})
    tables = make_tables(order_lines=lines.assign(country=["Latvia", "Norway"]), market_cells=cells)
    own = count_own_cells(tables, as_of=AS_OF, by=["country"])
    share = measure_penetration(own, tables["market_cells"], by=["country"])
    found = share.set_index("country")
    assert found["customer_count"].to_dict() == {"Norway": 0, "Latvia": 1}
    assert found["rests_on_count"].to_dict() == {"Norway": 1, "Latvia": 1}
    shown = publish(share, market_report.PENETRATION, smallest_cell=2).frame
    assert shown["spend"].isna().all()


def test_the_totals_are_those_of_the_cells_whose_size_is_known(shop):
    own = count_own_cells(shop, as_of=AS_OF)
    totals = total_penetration(measure_penetration(own, shop["market_cells"])).set_index("part")
    market = totals.loc["market"]
    assert (market["ours"], market["size"], market["share"]) == (240, 4000, 0.06)
    assert (market["year"], market["days"], market["cell_count"]) == (2025, 365, 5)
    ours = totals.loc["ours only"]
    assert (ours["spend"], ours["cell_count"]) == (30, 1)
    assert ours["spend_share"] == pytest.approx(30 / 270)


def test_a_customer_of_several_categories_counts_once_in_the_totals():
    names = ["Tents", "Pans", "Boots"]
    share = pd.DataFrame(
        {
            "country": "Sweden",
            "category": names,
            "matched": "ours only",
            "measure": "market_value",
            "market_value": None,
            "customer_count": [2, 2, 1],
            "rests_on_count": [2, 2, 1],
            "spend": [9.0, 9.0, 9.0],
            "year": None,
        }
    )
    totals = total_penetration(share).set_index("part")
    assert totals.loc["ours only", "customer_count"] == 2, "five would be seen; two are not"
    shown = publish(totals.reset_index(), market_report.PENETRATION_TOTALS).frame
    assert shown["spend"].isna().all()


def test_the_axes_are_those_that_the_market_and_we_both_know(shop):
    assert choose_axes(shop) == ["country", "category"]
    assert choose_axes({name: shop[name] for name in shop if name != "products"}) == ["country"]
    assert choose_axes({}) == ["country"]


def test_missing_tables_give_empty_tables_with_the_reason(shop):
    own = count_own_cells(shop, as_of=AS_OF)
    penetration = measure_penetration(own, None)
    empty = [summarise_trends(None), list_players(None), penetration, find_white_space(penetration)]
    assert all(table.empty for table in empty)
    assert all(explain_empty(table).startswith("There is no") for table in empty)


def test_the_template_has_the_contracts_headers():
    for name, rows in describe_template({}).groupby("table"):
        assert tuple(rows["column"]) == TABLES[name].column_names
    assert describe_template(dict.fromkeys(["market_cells", "competitors", "trends"])).empty


def test_what_is_missing_is_named_with_what_it_would_answer(shop):
    table = describe_missing({"trends": shop["trends"]}, ["trends", "tickets"]).set_index("table")
    assert table.loc["trends", "row_count"] == 6
    assert table.loc["tickets", "state"] == "missing"
    assert "help desk" in table.loc["tickets", "collect"]


def test_templates_are_written_for_missing_tables_only(shop, tmp_path):
    names = write_templates({"trends": shop["trends"]}, tmp_path / "templates")
    assert names == ["market_cells.csv", "competitors.csv"]
    header = (tmp_path / "templates" / "competitors.csv").read_text().splitlines()[0]
    assert header == ",".join(TABLES["competitors"].column_names)


def test_an_unknown_axis_is_refused_with_the_valid_ones(shop):
    with pytest.raises(SegkitError, match="country, by category or by both"):
        measure_penetration(pd.DataFrame(), shop["market_cells"], by=["planet"])


@pytest.mark.slow
def test_online_retail_joins_the_world_bank_but_for_the_names_it_reports(shared_data):
    lines = pd.read_parquet(shared_data("online_retail/online_retail.parquet"))
    rename = {"InvoiceNo": "order_id", "StockCode": "product_id", "CustomerID": "customer_id"}
    rename |= {"InvoiceDate": "ordered_at", "Country": "country"}
    lines = lines.rename(columns=rename)
    lines["line_amount"] = lines["Quantity"] * lines["UnitPrice"]
    lines["line_type"] = lines["Quantity"].map(lambda q: "sale" if q > 0 else "return")
    keep = ["order_id", "customer_id", "ordered_at", "country", "line_amount", "line_type"]
    market = pd.read_csv(shared_data("market/population.csv"))
    rename = {"Country Name": "country", "Year": "year", "Value": "buyer_count"}
    market = market.rename(columns=rename)[list(rename.values())]
    tables = make_tables(order_lines=lines[keep], market_cells=market)
    as_of = datetime.date(2011, 12, 9)
    own = count_own_cells(tables, as_of=as_of, by=["country"])
    table = measure_penetration(own, tables["market_cells"], by=["country"])
    names = set(table.loc[table["matched"] == "ours only", "country"])
    assert {"EIRE", "RSA", "USA", "Hong Kong"} <= names
    assert table["spend"].sum() == pytest.approx(own["spend"].sum())
