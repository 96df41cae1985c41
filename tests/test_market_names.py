"""Names of ours and of the market that are not spelt alike: proposed, settled, never joined."""

from __future__ import annotations

import datetime
import tomllib

import numpy as np
import pandas as pd
import pytest
from published import publish
from test_market import make_lines, make_tables

from segkit.core.absence import explain_empty
from segkit.core.errors import SegkitError
from segkit.core.settings import Settings
from segkit.evidence.market.joining import list_candidates
from segkit.evidence.market.names import find_near, read_country_codes
from segkit.evidence.market.penetration import compare_with_market, total_penetration
from segkit.plan.market import Market
from segkit.report.market import names as names_report

AT = Settings(datetime.date(2011, 12, 9))
# The seven countries of UCI Online Retail that the World Bank's tables do not have by that name.
SEVEN = {
    "EIRE": "Ireland",
    "RSA": "South Africa",
    "USA": "United States",
    "Hong Kong": "Hong Kong SAR, China",
    "Czech Republic": "Czechia",
    "European Community": "",
    "Unspecified": "",
}
THEIRS = ["Ireland", "Iran, Islamic Rep.", "South Africa", "United States", "Czechia", "France"]
THEIRS += ["Hong Kong SAR, China", "United Arab Emirates", "Korea, Rep.", "China"]


def compare(ours: list[str], theirs: list[str], market: Market | None = None) -> pd.DataFrame:
    lines = [(f"o{n}", f"c{n}", "x", "2011-06-01", 10) for n in range(len(ours))]
    cells = pd.DataFrame({"country": theirs, "year": 2011, "market_value": 1000.0})
    tables = make_tables(order_lines=make_lines(lines).assign(country=ours), market_cells=cells)
    return compare_with_market(tables, at=AT, market=market)


def test_each_of_the_seven_names_has_the_right_candidate_or_none():
    found = list_candidates(compare([*SEVEN, "France"], THEIRS))
    ours = found[found["side"] == "ours"].drop_duplicates("name").set_index("name")
    assert ours["candidate"].to_dict() == SEVEN
    assert "France" not in set(found["name"])


def test_no_name_is_joined_by_itself():
    share = compare([*SEVEN], THEIRS)
    assert set(share.loc[share["matched"] == "ours only", "country"]) == set(SEVEN)
    assert share["spend"].sum() == 70


def test_the_lines_that_are_proposed_settle_the_names():
    found = list_candidates(compare([*SEVEN], THEIRS))
    lines = found[found["side"] == "ours"].drop_duplicates("name")["line"]
    settled = Market(names=tomllib.loads("\n".join(lines)))
    assert settled.names == SEVEN
    share = compare([*SEVEN], THEIRS, settled)
    left = share[share["matched"] == "ours only"].set_index("country")["reason"]
    assert left.to_dict() == dict.fromkeys(
        ["European Community", "Unspecified"], "left out by the plan"
    )
    assert share.set_index("country").loc["Ireland", "spend"] == 10
    again = list_candidates(share, market=settled)
    assert set(again["side"]) == {"market"}, "nothing of ours is asked for again"


def test_both_directions_are_told():
    found = list_candidates(compare(["EIRE"], ["Ireland", "Chile"])).set_index(["side", "name"])
    assert found.loc[("market", "Ireland"), "candidate"] == "EIRE"
    assert found.loc[("market", "Ireland"), "line"] == '"EIRE" = "Ireland"'
    assert found.loc[("market", "Chile"), "candidate"] == ""


def test_a_name_that_the_plan_misspells_is_refused_with_the_nearest():
    with pytest.raises(SegkitError) as error:
        compare(["EIRE"], THEIRS, Market(names={"EIRE": "Irland"}))
    assert error.value.found == "Irland"
    assert '"EIRE" = "Ireland"' in error.value.fix


def test_where_all_names_join_that_is_said():
    assert explain_empty(list_candidates(compare(["FRANCE "], ["France"]))).startswith("Every name")


@pytest.mark.parametrize(
    ("name", "others", "found"),
    [
        ("FI", ["Finland"], [("Finland", "its code")]),
        ("Korea", ["Korea, Rep.", "Kosovo"], [("Korea, Rep.", "another name of it")]),
        ("Slowakia", ["Slovakia", "Slovenia"], [("Slovakia", "spelt nearly alike")]),
        ("Niger", ["Nigeria"], []),
        ("China", ["Hong Kong SAR, China"], []),
        ("", ["Finland"], []),
    ],
)
def test_a_country_is_known_by_its_codes_and_other_names(name, others, found):
    assert find_near(name, others, is_country=True) == found


def test_a_category_is_near_by_its_words_or_its_spelling():
    assert find_near("Tents", ["Tents & shelters"]) == [("Tents & shelters", "a part of the name")]
    assert find_near("Footware", ["Footwear"]) == [("Footwear", "spelt nearly alike")]


def test_each_country_has_one_code_and_no_name_is_of_two():
    codes = read_country_codes()
    assert len({code for code, _ in codes.values()}) == 250
    assert codes["eire"] == ("IE", False)
    assert codes["deu"] == ("DE", True)


def test_the_names_are_told_without_anything_of_customers():
    shown = publish(list_candidates(compare(['EI"RE\n<b>', "EIRE"], THEIRS)), names_report.NAMES)
    texts = [finding.text for finding in names_report.state_names(shown)]
    assert len(texts) == 1
    assert texts[0].startswith("2 names of ours are not in the market table: “EIRE” may be")
    assert "customer_count" not in shown.frame


def test_what_stands_outside_is_counted_with_its_customers_and_spend():
    totals = total_penetration(compare(["EIRE"] * 6 + ["France"] * 4, THEIRS)).set_index("part")
    ours = totals.loc["ours only"]
    assert (ours["customer_count"], ours["spend"]) == (6, 60)
    assert ours["spend_share"] == pytest.approx(0.6)


@pytest.mark.slow
def test_online_retail_joins_the_world_bank_but_for_its_seven_names(shared_data):
    lines = pd.read_parquet(shared_data("online_retail/online_retail.parquet"))
    rename = {"InvoiceNo": "order_id", "CustomerID": "customer_id"}
    rename |= {"InvoiceDate": "ordered_at", "Country": "country"}
    lines = lines.rename(columns=rename)
    lines["line_amount"] = lines["Quantity"] * lines["UnitPrice"]
    lines["line_type"] = np.where(lines["Quantity"] > 0, "sale", "return")
    market = pd.read_csv(shared_data("market/population.csv"))
    rename = {"Country Name": "country", "Year": "year", "Value": "buyer_count"}
    market = market.rename(columns=rename)[list(rename.values())]
    keep = ["order_id", "customer_id", "ordered_at", "country", "line_amount", "line_type"]
    tables = make_tables(order_lines=lines[keep], market_cells=market)
    share = compare_with_market(tables, at=AT)
    assert set(share.loc[share["matched"] == "ours only", "country"]) == set(SEVEN)
    assert set(share["year"].dropna()) == {2011}
    found = list_candidates(share)
    ours = found[found["side"] == "ours"].drop_duplicates("name").set_index("name")
    union = {"European Community": "European Union"}  # the tables have groups of countries too
    assert ours["candidate"].to_dict() == SEVEN | union
    settled = compare_with_market(tables, at=AT, market=Market(names=SEVEN))
    outside = settled[settled["matched"] == "ours only"]
    assert set(outside["country"]) == {"European Community", "Unspecified"}
    assert settled["spend"].sum() == pytest.approx(share["spend"].sum())
