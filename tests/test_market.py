"""The market: trends, players, penetration and white space."""

from __future__ import annotations

import datetime
import math

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish
from pydantic import ValidationError

from segkit.contract.tables import TABLES
from segkit.core.absence import explain_empty
from segkit.core.errors import SegkitError
from segkit.core.settings import Settings
from segkit.core.yearly_rates import fit_yearly_rate
from segkit.evidence.market.cells import choose_axes, latest_cells, make_key
from segkit.evidence.market.own import count_own_cells, list_own_axes
from segkit.evidence.market.penetration import (
    compare_with_market,
    find_axes,
    measure_penetration,
    total_penetration,
)
from segkit.evidence.market.people import compare_people
from segkit.evidence.market.rivals import list_players, map_rivals, sum_rivals
from segkit.evidence.market.served import bound_index
from segkit.evidence.market.templates import count_later_rows, describe_template, write_templates
from segkit.evidence.market.trends import collect_trends, summarise_trends
from segkit.evidence.market.white_space import find_white_space
from segkit.evidence.missing_tables import describe_missing
from segkit.plan.market import Market
from segkit.report.market import penetration as shares_report
from segkit.report.market import white_space as space_report

AS_OF = datetime.date(2026, 6, 30)
AT = Settings(AS_OF)


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


def make_trend(values: list[float], *, first_year: int = 2020, **columns) -> ibis.Table:
    years = range(first_year, first_year + len(values))
    table = pd.DataFrame({"trend": "Nights", "year": years, "value": values})
    return make_tables(trends=table.assign(**{"source": "Bureau", **columns}))["trends"]


def test_a_trend_that_grows_a_tenth_a_year_is_said_to():
    table = summarise_trends(make_trend([100, 110, 121, 133.1])).iloc[0]
    assert table["growth_rate"] == pytest.approx(0.10)
    assert table["direction"] == "rises"
    assert table["growth_rate_low"] == pytest.approx(0.10, abs=1e-3)


def test_a_trend_is_fitted_to_all_its_points_and_not_drawn_between_its_ends():
    # The ends say 0; the points between them fall and rise: by hand, the slope of the logarithms
    # -1.5, -.5, .5, 1.5 times (0, -1, 1, 0) is .5 + .5 = 1 over 5.
    values = [1.0, math.exp(-1), math.exp(1), 1.0]
    table = summarise_trends(make_trend(values)).iloc[0]
    assert table["growth_rate"] == pytest.approx(math.exp(0.2) - 1)
    assert table["direction"] == "no clear direction"


def test_of_fewer_than_four_years_no_trend_is_said(shop):
    table = summarise_trends(make_trend([100, 200, 400])).iloc[0]
    assert pd.isna(table["growth_rate"])
    assert table["direction"] == "too few years"
    assert (summarise_trends(shop["trends"])["direction"] == "too few years").all()


def test_what_is_not_above_zero_has_no_rate():
    table = summarise_trends(make_trend([-5, 1, 2, 5])).iloc[0]
    assert pd.isna(table["growth_rate"])
    assert table["direction"] == "has no rate"


def test_a_year_after_the_last_day_counted_is_not_read():
    trends = make_trend([100, 110, 121, 133.1, 9e9], first_year=2023)
    assert summarise_trends(trends, as_of=AS_OF)["last_year"].tolist() == [2026]


def test_old_unsourced_and_differing_figures_of_a_trend_are_marked():
    old = make_trend([100, 110, 121, 133.1], first_year=2015, source=" ")
    assert summarise_trends(old, as_of=AS_OF)["mark"].tolist() == ["no source, old"]
    rows = {"trend": "Nights", "year": [2025, 2025], "value": [100.0, 150.0], "source": ["A", "B"]}
    table = summarise_trends(make_tables(trends=pd.DataFrame(rows))["trends"], as_of=AS_OF)
    assert table["mark"].tolist() == ["sources differ"]
    assert table["last_value"].tolist() == [125], "the mean of both"


def test_a_series_that_goes_nowhere_is_seldom_said_to_go_somewhere():
    rng = np.random.default_rng(5)
    years = np.arange(8)
    drawn = [fit_yearly_rate(years, np.exp(0.1 * rng.normal(size=8))) for _ in range(600)]
    wrong = np.mean([rate.low > 0 or rate.high < 0 for rate in drawn])
    assert wrong <= 0.07


def test_trends_are_put_on_one_scale_by_an_index(shop):
    points = collect_trends(shop["trends"]).set_index(["trend", "year"])
    assert points.loc[("Camping nights", 2025), "index"] == pytest.approx(121)
    assert pd.isna(points.loc[("Net flow", 2025), "index"])


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


def make_penetration(**columns) -> pd.DataFrame:
    """Four cells: our average share is 60 of 4,000."""
    cells = {
        "cell": ["Norway", "Sweden", "Latvia", "Estonia"],
        "country": ["Norway", "Sweden", "Latvia", "Estonia"],
        "matched": "both",
        "measure": "market_value",
        "size": [1500.0, 1400.0, 700.0, 400.0],
        "size_low": [1200.0, 1400.0, 700.0, 400.0],
        "size_high": [1800.0, 1400.0, 700.0, 400.0],
        "buyer_count": [150.0, 140.0, 70.0, 40.0],
        "growth_rate": [0.10, 0.02, 0.0, 0.0],
        "customer_count": [3, 10, 12, 5],
        "spend": [6.0, 20.0, 24.0, 10.0],
        "year": 2025,
        "mark": "",
        "source": "Bureau",
        "rests_on_count": [3, 10, 12, 5],
    }
    table = pd.DataFrame(cells | columns)
    table["share"] = table["spend"] / table["size"]
    table["index"] = 100 * table["share"] / (60 / 4000)
    near = {"index_low": table["index"] * 0.5, "index_high": table["index"] * 1.5}
    return table.assign(**near)


def make_rivals(*rows: tuple) -> ibis.Table:
    columns = ["competitor", "country", "market_share"]
    return make_tables(competitors=pd.DataFrame(list(rows), columns=columns))["competitors"]


PEOPLE = pd.DataFrame({"cell": ["Norway"], "likeness": [0.9], "likeness_axis": ["age_band"]})


def test_white_space_is_large_growing_little_served_and_of_people_like_ours():
    rivals = make_rivals(("Norden", "Norway", 0.2), ("Baltik", "Norway", 0.1))
    table = find_white_space(make_penetration(), rivals, people=PEOPLE).set_index("cell")
    norway = table.loc["Norway"]
    assert table.index[table["white_space"]].tolist() == ["Norway"]
    assert norway["rival_share"] == pytest.approx(0.3)
    assert (norway["rival_count"], norway["first_rival"]) == (2, "Norden")
    # At our average of .015 Norway's 1,500 would bring 22.5, of which we have 6.
    assert norway["opportunity"] == pytest.approx(16.5)
    # Of us 3 to 9 by the interval, of the market 1,200 to 1,800 by its sources.
    assert norway["opportunity_low"] == pytest.approx(0.015 * 1200 - 9)
    assert norway["opportunity_high"] == pytest.approx(0.015 * 1800 - 3)
    # A customer of ours spends 60 / 30 = 2 on the mean, and 16.5 / 2 are 9 of them.
    assert norway["needed_count"] == 9
    assert table.loc["Sweden", "fails_on"] == "growing"


def test_what_is_not_known_of_a_cell_does_not_speak_for_it():
    table = find_white_space(make_penetration()).set_index("cell")
    assert not table["white_space"].any()
    assert table.loc["Norway", "status"] == "open question"
    assert table.loc["Norway", "not_known"] == "open from rivals, people like our customers"
    assert table.loc["Sweden", "status"] == "no"


def test_a_share_that_is_not_surely_below_average_is_not_open_to_us():
    unsure = make_penetration().assign(index_high=110.0)
    table = find_white_space(unsure, people=PEOPLE).set_index("cell")
    assert "our share below average" in table.loc["Norway", "not_known"]


def test_a_cell_that_rivals_hold_or_whose_people_are_others_fails():
    rivals = make_rivals(("Norden", "Norway", 0.7))
    people = PEOPLE.assign(likeness=0.3)
    table = find_white_space(make_penetration(), rivals, people=people).set_index("cell")
    assert table.loc["Norway", "fails_on"] == "open from rivals, people like our customers"


def test_people_are_compared_by_what_the_market_table_says_of_them():
    # Ours: 60 young, 40 old. Norway's: 50 and 50, of which .5 + .4 are in common.
    count = 100
    lines = pd.DataFrame(
        {
            "order_id": [f"o{n}" for n in range(count)],
            "customer_id": [f"c{n}" for n in range(count)],
            "ordered_at": pd.Timestamp("2026-06-01"),
            "line_amount": 1.0,
            "line_type": "sale",
        }
    )
    customers = pd.DataFrame(
        {
            "customer_id": lines["customer_id"],
            "country": "Norway",
            "age_band": ["young"] * 60 + ["old"] * 40,
        }
    )
    cells = pd.DataFrame(
        {
            "country": ["Norway", "Norway", "Norway", "Sweden", "Sweden"],
            "age_band": [None, "Young", "old", None, "unheard of"],
            "market_value": [100.0, None, None, 100.0, None],
            "buyer_count": [None, 50.0, 50.0, None, 9.0],
        }
    )
    tables = make_tables(order_lines=lines, customers=customers, market_cells=cells)
    assert find_axes(tables) == ["country"], "ages tell of a cell's people; they are no cells"
    share = compare_with_market(tables, at=AT)
    people = compare_people(tables, share, at=AT)
    assert people.to_dict("records") == [
        {"cell": "Norway", "likeness": 0.9, "likeness_axis": "age_band"}
    ]


def test_a_cell_with_few_customers_of_ours_shows_no_figure_of_theirs(shop):
    own = count_own_cells(shop, as_of=AS_OF)
    share = measure_penetration(own, shop["market_cells"])
    shown = publish(share, shares_report.view_penetration(share), smallest_cell=2)
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
    shown = publish(share, shares_report.view_penetration(share), smallest_cell=2)
    hidden = shown.frame["is_hidden"]
    cells = find_white_space(share, hidden=hidden)
    space = publish(cells, space_report.view_white_space(cells), smallest_cell=2)
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
    shown = publish(share, shares_report.view_penetration(share), smallest_cell=2).frame
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
            "size": None,
            "mark": "",
            "customer_count": [2, 2, 1],
            "rests_on_count": [2, 2, 1],
            "spend": [9.0, 9.0, 9.0],
            "year": None,
        }
    )
    totals = total_penetration(share).set_index("part")
    assert totals.loc["ours only", "customer_count"] == 2, "five would be seen; two are not"
    shown = publish(totals.reset_index(), shares_report.PENETRATION_TOTALS).frame
    assert shown["spend"].isna().all()


def test_the_axes_are_those_that_the_market_and_we_both_know(shop):
    assert find_axes(shop) == ["country", "category"]
    assert find_axes({name: shop[name] for name in shop if name != "products"}) == ["country"]
    assert find_axes({}) == ["country"]
    assert find_axes(shop, market=Market(axes=("category",))) == ["category"]
    assert choose_axes(shop["market_cells"], ["industry"]) == ["country", "category"]


def test_missing_tables_give_empty_tables_with_the_reason(shop):
    own = count_own_cells(shop, as_of=AS_OF)
    penetration = measure_penetration(own, None)
    empty = [summarise_trends(None), list_players(None), penetration, find_white_space(penetration)]
    assert all(table.empty for table in empty)
    assert all(explain_empty(table).startswith("There is no") for table in empty)


def test_the_template_has_the_contracts_headers():
    for name, rows in describe_template({}).groupby("table"):
        kept = set(rows["column"])
        assert {"source", "year"} <= kept
        assert tuple(rows["column"]) == tuple(c for c in TABLES[name].column_names if c in kept)
        assert not kept.intersection({"industry", "age_band"}), "of these we know nothing"
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
    assert header == (
        "competitor,country,category,year,market_share,price_level,channels,segments_served,"
        "offer,source"
    )


def test_an_unknown_axis_is_refused_with_the_valid_ones(shop):
    with pytest.raises(SegkitError, match="not cut by this column"):
        measure_penetration(pd.DataFrame(), shop["market_cells"], by=["planet"])
    with pytest.raises(ValidationError, match="'countri' is no axis of a market; Did you mean"):
        Market(axes=("countri",))


# Cells by any column, of several years and sources.


def make_cells(rows: list[tuple], columns: list[str]) -> ibis.Table:
    return make_tables(market_cells=pd.DataFrame(rows, columns=columns))["market_cells"]


def test_two_sources_of_one_cell_are_averaged_and_never_added_up():
    rows = [("Norway", 2025, 900.0, "A"), ("Norway", 2025, 1100.0, "B")]
    cells = latest_cells(
        make_cells(rows, ["country", "year", "market_value", "source"]), by=["country"]
    )
    row = cells.iloc[0]
    assert (row["market_value"], row["value_low"], row["value_high"]) == (1000, 900, 1100)
    assert (row["source"], row["source_count"]) == ("A; B", 2)


def test_rows_of_two_cuts_are_never_added_up_together():
    rows = [
        ("Norway", "Tents", None, 60.0),
        ("Norway", "Boots", None, 40.0),
        ("Norway", None, "18-24", 30.0),
        ("Norway", None, "25-34", 70.0),
    ]
    table = make_cells(rows, ["country", "category", "age_band", "market_value"])
    assert latest_cells(table, by=["country"])["market_value"].tolist() == [100]


def test_buyers_add_up_over_what_people_are_and_not_over_what_they_buy():
    by_age = make_cells(
        [("Norway", "18-24", 30.0), ("Norway", "25-34", 70.0)],
        ["country", "age_band", "buyer_count"],
    )
    assert latest_cells(by_age, by=["country"])["buyer_count"].tolist() == [100]
    by_goods = make_cells(
        [("Norway", "Tents", 30.0), ("Norway", "Boots", 70.0)],
        ["country", "category", "buyer_count"],
    )
    assert latest_cells(by_goods, by=["country"])["buyer_count"].tolist() == [70]


def test_the_year_nearest_to_our_last_year_is_taken_and_no_later_one():
    rows = [("Norway", year, float(year)) for year in (2020, 2024, 2025, 2026, 2027, 2030)]
    table = make_cells(rows, ["country", "year", "market_value"])
    assert latest_cells(table, by=["country"], as_of=AS_OF)["year"].tolist() == [2025]
    early = datetime.date(2022, 12, 31)
    assert latest_cells(table, by=["country"], as_of=early)["year"].tolist() == [2020]
    later = count_later_rows({"market_cells": table}, as_of=AS_OF)
    assert later.to_dict("records") == [{"table": "market_cells", "later_count": 2}]
    assert count_later_rows({"market_cells": table}, as_of=datetime.date(2030, 1, 1)).empty
    none = latest_cells(table, by=["country"], as_of=datetime.date(2019, 1, 1))
    assert explain_empty(none) == "No market cell until the last day counted names its country."


def test_accents_capitals_blanks_and_dashes_do_not_count_in_a_name():
    names = pd.Series(["Côte d’Ivoire", " cote  d'ivoire ", "18–24", "18-24", None])
    assert make_key(names).tolist() == ["cote d'ivoire"] * 2 + ["18-24"] * 2 + [""]
    assert make_key(pd.Series(["й"])).tolist() != make_key(pd.Series(["и"])).tolist()


def test_the_market_is_cut_by_whatever_column_both_sides_have():
    lines = make_lines([("o1", "a", "x", "2026-06-01", 5), ("o2", "b", "x", "2026-06-01", 7)])
    customers = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "industry": ["Mining", "Retail"],
            "birth_year": [2000, 1992],
            "city": ["Oslo", "Bergen"],
            "size_class": ["small", "large"],
        }
    )
    cells = pd.DataFrame({"industry": ["mining", "retail"], "market_value": [100.0, 700.0]})
    tables = make_tables(order_lines=lines, customers=customers, market_cells=cells)
    share = compare_with_market(tables, at=AT).set_index("cell")
    assert share["share"].to_dict() == {"retail": 0.01, "mining": 0.05}
    assert {"industry", "age_band", "city"} <= set(list_own_axes(tables))
    own = count_own_cells(tables, as_of=AS_OF, by=["age_band"])
    assert own.set_index("age_band")["spend"].to_dict() == {"25-34": 12}
    places = {"Oslo": "East", "Bergen": "West"}
    own = count_own_cells(tables, as_of=AS_OF, by=["territory"], territories=places)
    assert own.set_index("territory")["spend"].to_dict() == {"East": 5, "West": 7}
    own = count_own_cells(tables, as_of=AS_OF, by=["level"], market=Market(level="size_class"))
    assert own.set_index("level")["spend"].to_dict() == {"small": 5, "large": 7}
    with pytest.raises(SegkitError, match="no column of ours has its levels"):
        count_own_cells(tables, as_of=AS_OF, by=["level"])


def test_cells_with_figures_that_are_old_unsourced_or_differ_are_marked():
    rows = [
        ("Norway", 2019, 900.0, "A"),
        ("Sweden", 2025, 900.0, None),
        ("Latvia", 2025, 900.0, "A"),
        ("Latvia", 2025, 500.0, "B"),
        ("Malta", None, 900.0, "A"),
        ("Estonia", 2025, 3.0, "A"),
    ]
    cells = make_cells(rows, ["country", "year", "market_value", "source"])
    lines = make_lines([("o1", "a", "x", "2026-06-01", 5)]).assign(country="Estonia")
    tables = make_tables(order_lines=lines) | {"market_cells": cells}
    share = compare_with_market(tables, at=AT)
    marks = share.set_index("country")["mark"].to_dict()
    assert marks == {
        "Norway": "old",
        "Sweden": "no source",
        "Latvia": "sources differ",
        "Malta": "no year",
        "Estonia": "less than ours",
    }
    totals = total_penetration(share).set_index("part").loc["market"]
    assert [totals[name] for name in ("old_cells", "unsourced_cells", "exceeded_cells")] == [1] * 3


# Expected against actual.


def test_over_and_under_served_are_said_where_the_interval_leaves_out_the_average():
    own = pd.DataFrame(
        {
            "country": ["A", "B", "C"],
            "customer_count": [300, 30, 95],
            "spend": 0.0,
            "spend_largest": np.nan,
            "spend_second": np.nan,
            "spend_squares": 0.0,
            "spend_cubes": 0.0,
        }
    )
    cells = make_cells([(c, 1000.0) for c in "ABC"], ["country", "buyer_count"])
    table = measure_penetration(own, cells, by=["country"]).set_index("country")
    # 425 of 3,000 are 141.7 of each 1,000.
    assert table["expected"].tolist() == pytest.approx([425 / 3] * 3)
    assert table["index"].round().to_dict() == {"A": 212, "B": 21, "C": 67}
    assert table["served"].to_dict() == {
        "A": "over-served",
        "B": "under-served",
        "C": "under-served",
    }
    even = own.assign(customer_count=[150, 140, 135])
    table = measure_penetration(even, cells, by=["country"])
    assert set(table["served"]) == {"like our average"}


def draw_table(rng: np.random.Generator, means: list[int], *, spread: float) -> pd.DataFrame:
    """Draw cells of equal size: customers by chance, each with lognormal spend."""
    rows = []
    for count in rng.poisson(means):
        spend = np.sort(rng.lognormal(0, spread, count))[::-1]
        powers = [float((spend**power).sum()) for power in (1, 2, 3)]
        rows.append([count, *powers, *np.append(spend, [0, 0])[:2]])
    columns = ["customer_count", "spend", "spend_squares", "spend_cubes"]
    table = pd.DataFrame(rows, columns=[*columns, "spend_largest", "spend_second"])
    return table.assign(size=1000.0)


@pytest.mark.slow
@pytest.mark.parametrize(("ours", "least"), [("customer_count", 0.93), ("spend", 0.88)])
def test_the_intervals_of_all_cells_hold_together(ours, least):
    rng = np.random.default_rng(8)
    means = [40, 60, 80, 100, 150, 300]
    true = 100 * np.array(means) / np.mean(means)
    held = []
    for _ in range(100):
        table = draw_table(rng, means, spread=1.0)
        average = table[ours].sum() / table["size"].sum()
        ends = bound_index(table, ours, average=average)
        low, high = (np.asarray(ends[name]) for name in ("index_low", "index_high"))
        held.append(((low <= true) & (true <= high)).all())
    assert np.mean(held) >= least


def test_a_cell_where_we_sell_nothing_is_not_surely_below_average_if_little_is_expected():
    lines = [(f"o{n}", f"c{n}", "x", "2026-06-01", 10) for n in range(20)]
    cells = pd.DataFrame({"country": ["A", "B"], "market_value": [1000.0, 100.0]})
    tables = make_tables(order_lines=make_lines(lines).assign(country="A"), market_cells=cells)
    table = compare_with_market(tables, at=AT).set_index("country")
    assert table["customer_count"].to_dict() == {"A": 20, "B": 0}
    assert table.loc["B", "served"] == "like our average"


# Who else is there.


def test_a_row_of_the_very_cell_goes_before_one_of_the_whole_country():
    rivals = make_rivals(("Norden", "Norway", 0.2), ("Norden", "NORWAY ", 0.4))
    mapped = map_rivals(make_penetration(), rivals)
    assert mapped["market_share"].tolist() == pytest.approx([0.3]), "one cell twice: the mean"
    columns = ["competitor", "country", "category", "market_share"]
    rows = [("Norden", "Norway", None, 0.2), ("Norden", "Norway", "Tents", 0.5)]
    rivals = make_tables(competitors=pd.DataFrame(rows, columns=columns))["competitors"]
    cells = make_penetration().assign(category=["Tents", "Boots", "Boots", "Boots"])
    mapped = map_rivals(cells.assign(country="Norway"), rivals)
    assert mapped["market_share"].tolist() == [0.5, 0.2, 0.2, 0.2]


def test_the_rivals_of_a_cell_never_hold_more_than_all_of_it():
    rivals = make_rivals(("A", "Norway", 0.7), ("B", "Norway", 0.6), ("C", "Norway", None))
    found = sum_rivals(map_rivals(make_penetration(), rivals)).iloc[0]
    assert (found["rival_share"], found["rival_count"], found["first_rival"]) == (1.0, 2, "A")


def test_a_players_prices_and_channels_are_told():
    columns = ["competitor", "country", "market_share", "price_level", "channels", "year"]
    rows = [
        ("Norden", "Norway", 0.2, 120.0, "web", 2025),
        ("Norden", "Norway", 0.9, 300.0, "fax", 2019),
        ("Norden", "Latvia", 0.2, 80.0, "stores", 2025),
    ]
    rivals = make_tables(competitors=pd.DataFrame(rows, columns=columns))["competitors"]
    player = list_players(rivals, as_of=AS_OF).iloc[0]
    assert player["mean_share"] == pytest.approx(0.2), "of the year nearest to ours"
    assert player["price_level"] == 100
    assert player["channels"] == "stores; web"


def test_market_tables_without_rows_or_figures_give_a_reason():
    lines = make_lines([("o1", "a", "x", "2026-06-01", 5)]).assign(country="Norway")
    empty = pd.DataFrame({"country": pd.Series(dtype=str), "market_value": pd.Series(dtype=float)})
    blank = pd.DataFrame({"country": ["Norway"], "market_value": [float("nan")]})
    for cells in (empty, blank):
        tables = make_tables(order_lines=lines, market_cells=cells)
        share = compare_with_market(tables, at=AT)
        space = find_white_space(share)
        assert space.empty
        assert explain_empty(space).startswith(("No market cell", "The market table has neither"))
