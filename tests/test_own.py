"""Features of one's own, and plans without order lines."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import publish, read_texts
from shops import AS_OF, make_tables
from small_plans import make_plan, write_lines

from segkit.core.absence import NO_PURCHASES, explain_empty
from segkit.core.errors import SegkitError
from segkit.core.settings import Settings
from segkit.data.checks import check_plan, prepare_tables
from segkit.data.columns import DataError, name_harmlessly
from segkit.evidence import inventory as inventories
from segkit.evidence import readiness
from segkit.evidence.experience import spend
from segkit.evidence.kpis import measure_kpi
from segkit.evidence.market.own import count_own_cells
from segkit.evidence.market.penetration import measure_penetration
from segkit.features import purchases
from segkit.features.customer_table import build_customers, list_gaps, list_given
from segkit.features.own_features import describe_feature, list_kinds, list_own, summarise_own
from segkit.plan.models import OWN_NAME
from segkit.plan.reading import read_plan
from segkit.profiles import concentration
from segkit.profiles.customer_counts import count_buyers, count_stages, summarise_customers
from segkit.report import customer_base, differences, sizes
from segkit.report import plan as plan_report
from segkit.segmentation.schemes import check_schemes

ANSWERS = """id;Gender;Wine, red;Spent;Smokes;Order;Score;Country
a; male;5;1,5;yes;x;3;1
b;female;;1.234,5;no;y;n/a;2
c;;4;;yes;x;often;3
d;male;3;12;;y;2;1
"""
KEY = {"customer_id": "id"}


def prepare(folder, text: str = ANSWERS, **spec):
    (folder / "answers.csv").write_text(text, encoding="utf-8")
    plan = make_plan(folder, {"customers": {"path": "answers.csv", "columns": KEY, **spec}})
    prepared = prepare_tables(plan, folder / "run")
    return prepared, pd.read_parquet(prepared.paths["customers"])


def test_the_values_decide_the_kind_of_a_feature_and_missing_ones_stay_missing(tmp_path):
    own = {"red_wine": "Wine, red", "spent": "Spent", "smokes": "Smokes", "mood": "Score"}
    own["left_out"] = ""
    prepared, table = prepare(tmp_path, decimal=",", features=own)
    assert table["red_wine"].tolist()[2:] == [4.0, 3.0]
    assert table["spent"].tolist()[:2] == [1.5, 1234.5]
    assert table["red_wine"].isna().tolist() == [False, True, False, False]
    assert table["smokes"].tolist()[:3] == [True, False, True]
    assert table["mood"].tolist() == ["3", "n/a", "often", "2"]  # one text makes a category
    assert prepared.counts["accepted"].tolist() == [4]
    assert "left_out" not in table
    assert prepared.names["customers"]["red_wine"] == "Wine, red"


def test_all_takes_every_other_column_under_a_harmless_name(tmp_path):
    columns = {**KEY, "country": ""}  # it is music, and the column is left out
    prepared, table = prepare(tmp_path, features="all", columns=columns)
    assert prepared.names["customers"] == {
        "customer_id": "id",
        "gender": "Gender",
        "wine_red": "Wine, red",
        "spent": "Spent",
        "smokes": "Smokes",
        "order": "Order",
        "score": "Score",
    }
    assert table["order"].tolist() == ["x", "y", "x", "y"]  # a word of SQL is as good as any
    assert table["gender"].fillna("").tolist() == ["male", "female", "", "male"]


def test_values_that_are_no_numbers_among_many_are_told_and_kept(tmp_path):
    rows = [f"c{n};{n}" for n in range(1, 20)] + ["c20;many"]
    prepared, table = prepare(tmp_path, "id;visits\n" + "\n".join(rows), features="all")
    told = prepared.quality.set_index("rule").loc["mixed_visits"]
    assert (told["severity"], told["row_count"]) == ("warning", 1)
    assert len(table) == 20
    assert table["visits"].tolist()[-2:] == ["19", "many"]


def test_what_the_contract_says_still_holds_beside_features_of_ones_own(tmp_path):
    text = "id;birth_year;wine\na;1893;1\nb;1990;2\nb;1991;3\n;1992;4\nc;x;5\n"
    prepared, table = prepare(tmp_path, text, features="all")
    rules = prepared.quality.set_index("rule")["row_count"].to_dict()
    assert rules["unusual_birth_year"] == 1
    assert rules["duplicate_key"] == rules["missing_customer_id"] == 1
    assert rules["not_a_number_birth_year"] == 1
    assert table["wine"].tolist() == [1.0, 2.0, 5.0]
    rejected = pd.read_parquet(tmp_path / "run/tables/rejected/customers.parquet")
    assert rejected["wine"].tolist() == ["3", "4"]


def test_a_column_of_ones_own_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="no column 'Whine', which the plan maps to wine"):
        prepare(tmp_path, features={"wine": "Whine"})


def test_segments_of_fewer_than_two_customers_are_refused(tmp_path):
    with pytest.raises(DataError, match="two customers or more with an accepted row"):
        prepare(tmp_path, "id;wine\na;1\n", features="all")


@given(st.lists(st.text(max_size=60), max_size=8, unique=True))
def test_harmless_names_are_names_of_features_and_none_is_lost(names):
    found = name_harmlessly(names, ["income"])
    assert all(re.fullmatch("[a-z][a-z0-9_]{0,50}", name) for name in found)
    for name in set(names).difference(found.values()):
        assert list(name_harmlessly([name], ())) == ["income"]


def test_names_that_segkit_uses_are_told_apart():
    found = name_harmlessly(["Segment", "text_x", "a", "a_2", "A", "年龄"], ())
    assert list(found) == ["own_segment", "own_text_x", "a", "a_2", "a_3", "own"]
    assert not OWN_NAME.fullmatch("confidence")
    assert OWN_NAME.fullmatch("segments_seen")


def survey() -> dict[str, ibis.Table]:
    """Four customers without a purchase; ``later`` signed up after the last day counted."""
    day = datetime.date
    frame = pd.DataFrame(
        {
            "customer_id": ["b", "a", "later", "c"],
            "gender": ["f", "m", "m", None],
            "signed_up_on": [day(2025, 1, 1), None, day(2027, 1, 1), day(2026, 6, 1)],
            "email": ["b@x.org", None, None, None],
            "wine_spend": [10.0, None, 3.0, 5.0],
            "total_spend": [10.0, 20.0, 3.0, 5.0],
            "mood": ["up", "down", "up", "up"],
        }
    )
    return {"customers": ibis.memtable(frame)}


def test_without_order_lines_there_is_a_row_for_each_customer():
    built = build_customers(survey(), as_of=AS_OF)
    table = built.frame
    assert table["customer_id"].tolist() == ["a", "b", "c"]
    assert table["total_spend"].tolist() == [20.0, 10.0, 5.0]
    assert table["mood"].tolist() == ["down", "up", "up"]
    assert list(table.columns)[-2:] == ["wine_spend", "mood"]  # known ones first
    assert "email" not in table
    assert built.prospect_count == 0


@pytest.mark.slow
def test_features_of_ones_own_join_the_buyers():
    tables = make_tables()
    own = tables["customers"].mutate(mood=ibis.literal("up"))
    table = build_customers({**tables, "customers": own}, as_of=AS_OF).frame
    table = table.set_index("customer_id")
    assert table.loc["ann", "mood"] == "up"
    assert table.loc["fay", "mood"] is None or pd.isna(table.loc["fay", "mood"])
    assert len(table) == 5  # not dan, who only ever returned something


def test_a_feature_of_ones_own_makes_the_base_of_its_scheme_ready(tmp_path):
    columns = {"customers": list_kinds(survey()["customers"])}
    assert list_given(columns)["mood"] == "category"
    assert list_given(columns)["total_spend"] == "number"
    assert "email" not in list_given(columns)
    scheme = {"name": "s", "goal": "keep", "base": "psychographic", "method": "kprototypes"}
    plan = make_plan(tmp_path, {}, schemes=[{**scheme, "columns": ["wine_spend", "mood"]}])
    gaps = list_gaps(columns, plan.schemes).set_index("base")
    assert gaps.loc["psychographic", ["ready", "missing"]].tolist() == [True, ""]
    assert gaps.loc["psychographic", "features"] == "wine_spend, mood"
    assert gaps.loc["value", "ready"]  # total_spend is given
    assert not gaps.loc["season", "ready"]
    assert not list_gaps(columns).set_index("base").loc["psychographic", "ready"]
    assert check_schemes(plan, columns) == []


@pytest.mark.parametrize(
    ("kinds", "method", "columns", "message"),
    [
        ({"wine": "number"}, "kmeans", ["whine"], "Did you mean 'wine'"),
        ({"mood": "category"}, "kmeans", ["mood"], "'mood' is not a number"),
        ({"total_spend": "category"}, "kprototypes", ["total_spend"], "knows it as a number"),
        ({"wine": "number"}, "rfm", [], "'recency_days' cannot be computed"),
    ],
)
def test_what_a_scheme_cannot_make_of_a_feature_is_told(tmp_path, kinds, method, columns, message):
    scheme = {"name": "s", "goal": "keep", "base": "value", "method": method, "columns": columns}
    plan = make_plan(tmp_path, {}, schemes=[scheme])
    faults = check_schemes(plan, {"customers": {"customer_id": "id", **kinds}})
    assert message in " ".join(fault.describe() for fault in faults)


def test_a_feature_that_the_tables_give_is_not_given_twice(tmp_path):
    write_lines(tmp_path)
    (tmp_path / "c.csv").write_text("customer_id,Spent\nC1,3\nC2,4\n")
    own = {"path": "c.csv", "features": {"total_spend": "Spent"}}
    plan = make_plan(tmp_path, {"order_lines": "lines.csv", "customers": own})
    report = check_plan(plan)
    assert report.columns["customers"] == {"customer_id": "id", "total_spend": "number"}
    (fault,) = check_schemes(plan, report.columns)
    assert "worked out from the other tables already" in fault.describe()


def test_features_of_ones_own_are_summarised(tmp_path):
    table = survey()["customers"]
    scheme = {"name": "s", "goal": "keep", "base": "needs", "method": "kmeans"}
    plan = make_plan(tmp_path, {}, schemes=[{**scheme, "columns": ["wine_spend"]}])
    told = summarise_own(table, {"wine_spend": "MntWines"}, plan.schemes).set_index("feature")
    wine = ["MntWines", "number", 0.75, 3, "s"]
    assert told.loc["wine_spend"].tolist() == wine
    assert told.loc["mood"].tolist() == ["mood", "category", 1.0, 2, ""]
    assert summarise_own(None, {}, plan.schemes).empty


def test_the_name_of_a_feature_tells_its_unit():
    assert describe_feature("wine_spend").unit == "currency"
    assert describe_feature("web_visit_count").unit == "visits"
    assert describe_feature("rock_n_roll").meaning == "Rock n roll"
    assert describe_feature("recency_days").base == "behavioural"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("example", "rows", "features", "warnings"),
    [
        ("customer_personality", 2_240, 23, {"unusual_birth_year": 3, "unusual_income": 1}),
        ("young_people", 1_010, 147, {}),
    ],
)
def test_real_tables_without_orders_go_in_whole(shared_data, example, rows, features, warnings):
    shared_data(example)
    plan = read_plan(Path(__file__).parent.parent / "examples" / example / "plan.toml")
    report = check_plan(plan)
    assert report.counts[["read", "accepted", "rejected"]].values.tolist() == [[rows, rows, 0]]
    assert report.quality.set_index("rule")["row_count"].to_dict() == warnings
    assert len(list_own(report.columns["customers"])) == features
    assert check_schemes(plan, report.columns) == []


def test_evidence_without_purchases_says_so_in_a_sentence(tmp_path):
    tables, nobody = survey(), pd.DataFrame({"customer_id": ["a"], "segment_name": ["all"]})
    empty = [
        spend.summarise_spend_by_segment(None, nobody, as_of=AS_OF),
        spend.summarise_months_by_segment(None, nobody, as_of=AS_OF),
        spend.estimate_wallet_by_segment(tables, nobody, as_of=AS_OF),
        measure_penetration(count_own_cells(tables, as_of=AS_OF), None),
        purchases.summarise_months(None, as_of=AS_OF).query("is_whole"),
        concentration.rank_customers(nobody, "total_spend"),
        concentration.measure_concentration(nobody, "total_spend")[0],
        concentration.measure_concentration(nobody, "total_spend")[1],
    ]
    for table in empty:
        assert table.empty
        assert explain_empty(table).startswith(NO_PURCHASES[:-1])
    assert spend.add_categories(None, None, as_of=AS_OF) is None
    with pytest.raises(SegkitError, match="no column 'total_spnd'"):
        concentration.rank_customers(nobody, "total_spnd")


def test_readiness_without_purchases_scores_what_there_is(tmp_path):
    _, table = prepare(tmp_path, features="all", columns={**KEY, "country": ""})
    plan = make_plan(tmp_path, {"customers": "answers.csv"})
    tables = {"customers": ibis.memtable(table)}
    counts = pd.DataFrame({"table": ["customers"], "read": [5], "accepted": [4], "rejected": [1]})
    inventory = inventories.build_inventory(tables, counts, as_of=AS_OF)
    row = inventory.set_index("table").loc["customers"]
    assert row["column_count"] == len(table.columns)
    gaps = list_gaps({"customers": list_kinds(tables["customers"])})
    given = {"inventory": inventory, "gaps": gaps, "counts": counts, "at": Settings(AS_OF)}
    given |= {"goals": pd.DataFrame(columns=["goal", "value"])}
    quality = pd.DataFrame(columns=["table", "rule", "row_count"])
    scores = readiness.scorecard.score_readiness(plan, tables, quality=quality, **given)
    assert len(scores) == 9
    assert not scores["practice"].str.contains("[Oo]rder|History|Profit|fresh").any()
    assert scores.set_index("practice").loc["Rows pass the checks", "score"] == 2
    consent = inventories.measure_consent(tables, "consent")
    shown = publish(inventory, plan_report.INVENTORY), publish(consent, plan_report.CONSENT)
    told = " ".join(read_texts(plan_report.state_inventory(*shown, as_of=AS_OF)))
    assert NO_PURCHASES in told


@pytest.mark.parametrize(
    ("kpi", "value"),
    [
        ("repeat_share", 0.5),
        ("mean_order_value", 7.5),
        ("lapsed_share", None),
        ("open_share", None),
    ],
)
def test_a_kpi_is_measured_as_far_as_own_features_tell(kpi, value):
    customers = pd.DataFrame({"order_count": [1, 3, 0], "mean_order_value": [6.0, 8.0, None]})
    assert measure_kpi(kpi, customers, {}) == value


def test_the_lapsed_share_follows_the_stages_and_else_one_year_without_an_order():
    customers = pd.DataFrame({"order_count": [1, 3, 2, 0], "recency_days": [366, 365, 200, None]})
    assert measure_kpi("lapsed_share", customers, {}) == 1 / 3
    stages = ["lapsed", "lapsed", "active", "never bought"]
    assert measure_kpi("lapsed_share", customers.assign(journey_stage=stages), {}) == 2 / 3


def test_orders_whose_value_is_not_known_do_not_lower_the_mean_order_value():
    customers = pd.DataFrame({"order_count": [1, 3, 5], "mean_order_value": [6.0, 8.0, None]})
    assert measure_kpi("mean_order_value", customers, {}) == 7.5


def test_findings_without_spend_tell_of_customers_alone():
    customers = pd.DataFrame({"customer_id": ["a", "b"]})
    everybody = publish(summarise_customers(customers), customer_base.CUSTOMERS, smallest_cell=1)
    buyers = publish(count_buyers(customers), customer_base.BUYERS)
    stages = publish(count_stages(customers), customer_base.STAGES)
    told = customer_base.state_customers(everybody, buyers, stages)
    assert read_texts(told) == ["2 customers in the customer table."]
    parts = concentration.measure_concentration(customers, "total_spend")[1]
    parts = publish(parts, customer_base.CONCENTRATION)
    assert customer_base.state_concentration(parts, value_name="spend") == []
    headline = customer_base.list_headline(everybody, parts, value_name="spend")
    assert {label: finding.text for label, finding in headline.items()} == {"Customers": "2"}


def test_segments_without_spend_are_told_by_their_customers_alone():
    counts = {"segment": [1], "segment_name": ["All"], "customer_count": [20]}
    shown = publish(pd.DataFrame(counts | {"customer_share": [1.0]}), sizes.SIZES)
    columns = ["segment_name", "feature", "known_count", "base_count", "difference_sd"]
    profile = publish(pd.DataFrame(columns=columns), differences.PROFILE)
    assert read_texts(sizes.state_segments(shown, profile)) == ["All: 100.0% of customers."]
    assert "spend_share" not in sizes.list_segments(shown, profile)[0]
    alt = sizes.plot_segment_sizes(shown).figure._segkit_alt
    assert "All: 100.0% of customers" in alt
    assert "spend" not in alt
