"""Triggers: whom a condition places, what is not known places nobody, and the SQL says the same."""

from __future__ import annotations

import datetime
import json
import re

import duckdb
import pandas as pd
import pytest
import sqlglot
from fake_shop import make_shop
from hypothesis import given, settings
from hypothesis import strategies as st
from published import publish, read_texts
from pydantic import ValidationError
from small_plans import make_plan
from test_cli import call

from segkit.action.lists.members import list_resting
from segkit.action.triggers import (
    choose_triggers,
    find_trigger_faults,
    place_triggers,
    write_all_sql,
    write_trigger_sql,
)
from segkit.contract.features import FEATURES
from segkit.core.errors import SegkitError
from segkit.plan.triggers import MOMENTS, Trigger
from segkit.report.triggers import TRIGGERS, state_triggers
from segkit.segmentation.documents import DIALECTS

# Five customers, by hand: whom each condition takes is written beside them.
PEOPLE = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c", "d", "e"],
        "recency_days": [3.0, 100.0, 91.0, None, 400.0],
        "order_count": [1, 4, 3, 0, 2],
        "journey_stage": ["new", "at risk", "active", None, "lapsed"],
        "days_since_cart": [None, 2.0, 95.0, 1.0, None],
    }
)
KINDS = {
    "recency_days": "number",
    "order_count": "number",
    "journey_stage": "text",
    "days_since_cart": "number",
}


def make(tmp_path, *triggers, **others):
    return make_plan(tmp_path, {"order_lines": "lines.csv"}, triggers=list(triggers), **others)


def test_a_condition_places_whom_it_is_true_of(tmp_path):
    quiet = {"name": "quiet", "when": "recency_days > 90 and order_count >= 3", "play": "win_back"}
    segments = pd.DataFrame({"customer_id": list("abcde"), "segment_name": list("XYYXX")})
    found = place_triggers(PEOPLE, make(tmp_path, quiet), segments=segments)
    assert found.places.to_dict("list") == {
        "customer_id": ["b", "c"],
        "segment_name": ["Y", "Y"],
        "trigger": ["quiet", "quiet"],
        "play": ["win_back", "win_back"],
    }
    (row,) = found.counts.to_dict("records")
    # Of d nothing is concluded of recency, and with no order the condition is false all the same.
    assert (row["customer_count"], row["known_count"], row["share"]) == (2, 5, 0.4)


def test_ready_made_triggers_are_asked_where_their_columns_are_there(tmp_path):
    found = place_triggers(PEOPLE, make(tmp_path))
    placed = {name: sorted(rows["customer_id"]) for name, rows in found.places.groupby("trigger")}
    assert placed == {"first_order": ["a"], "overdue": ["b"], "cart_left": ["b", "d"]}
    assert set(found.counts["trigger"]) == {
        "first_order",
        "second_order_due",
        "overdue",
        "cart_left",
    }


def test_every_ready_made_trigger_reads_features_that_there_are(tmp_path):
    chosen = choose_triggers(make(tmp_path), pd.DataFrame({name: [None] for name in FEATURES}))
    assert [trigger.name for trigger in chosen] == list(MOMENTS)


def test_without_customers_or_columns_the_table_says_why(tmp_path):
    for people in (PEOPLE[["customer_id"]], PEOPLE.head(0)):
        found = place_triggers(people, make(tmp_path))
        assert found.places.empty
        (said,) = read_texts(state_triggers(publish(found.counts, TRIGGERS)))
        assert "no triggers" in said


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ({"name": "nonsense"}, "not ready-made"),
        ({"name": "x", "when": "recency_days > 3", "days": 4}, "write the days into when"),
        ({"name": "x", "when": "a > 1", "cooldown_days": -1}, "greater than or equal"),
        ({"name": "x", "when": "a > 1", "tag": "a,b\n"}, "pattern"),
    ],
)
def test_a_trigger_that_cannot_be_is_refused(trigger, said):
    with pytest.raises(ValidationError, match=said):
        Trigger(**trigger)


def test_two_triggers_of_one_name_are_refused(tmp_path):
    with pytest.raises(ValidationError, match="two triggers"):
        make(tmp_path, {"name": "overdue"}, {"name": "overdue"})


@pytest.mark.parametrize(
    ("when", "said"),
    [
        ("recency_dys > 3", "Did you mean 'recency_days'"),
        ("recency_days > 'x'", "does not go with"),
        ("1 = 1; DROP TABLE customers", "cannot stand"),
        ("sleep(10) > 1", "functions"),
    ],
)
def test_a_condition_with_a_fault_is_refused_before_anybody_is_placed(tmp_path, when, said):
    plan = make(tmp_path, {"name": "x", "when": when})
    (fault,) = find_trigger_faults(plan, {"recency_days": "number"})
    assert said in fault.describe()
    assert "trigger 'x'" in fault.describe()
    with pytest.raises(SegkitError, match=said.split("'")[0]):
        place_triggers(PEOPLE, plan)


NUMBERS = st.one_of(st.none(), st.integers(0, 400))


@given(
    rows=st.lists(
        st.tuples(NUMBERS, NUMBERS, st.sampled_from(["at risk", "lapsed", None]), NUMBERS),
        min_size=1,
        max_size=8,
    )
)
@settings(deadline=None, max_examples=15)
def test_the_printed_sql_places_the_same_customers(tmp_path_factory, rows):
    people = pd.DataFrame(rows, columns=list(KINDS))
    people = people.astype(dict.fromkeys(["recency_days", "order_count", "days_since_cart"], float))
    people.insert(0, "customer_id", [f"c{i}" for i in range(len(people))])
    plan = make(tmp_path_factory.mktemp("t"))
    placed = place_triggers(people, plan).places
    with duckdb.connect() as connection:
        connection.register("customers", people)
        for trigger in choose_triggers(plan, people):
            sql = write_trigger_sql(trigger, KINDS, "duckdb")
            found = connection.execute(sql).df()
            expected = placed.loc[placed["trigger"] == trigger.name, "customer_id"]
            assert sorted(found["customer_id"]) == sorted(expected)
            assert set(found["trigger_name"]) <= {trigger.name}


@pytest.mark.parametrize("dialect", ["duckdb", "postgres", "snowflake", "bigquery", "databricks"])
def test_the_sql_is_one_that_each_dialect_reads(tmp_path, dialect):
    people = pd.DataFrame({name: [None] for name in FEATURES})
    text = write_all_sql(make(tmp_path), people, dialect, table="crm_customers")
    read = sqlglot.parse(text, dialect=DIALECTS[dialect])
    assert len([one for one in read if one is not None]) == len(MOMENTS)
    assert text.count("crm_customers") >= len(MOMENTS)


def test_an_unknown_dialect_is_named_with_the_nearest():
    with pytest.raises(SegkitError, match="Did you mean 'postgres'"):
        write_trigger_sql(Trigger(name="overdue"), KINDS, "postgre")


def test_a_condition_of_several_lines_stays_a_comment():
    trigger = Trigger(name="x", when="recency_days > 1\n  and order_count > 2")
    text = write_trigger_sql(trigger, KINDS)
    assert text.splitlines()[0] == "-- x: recency_days > 1 and order_count > 2"


def test_who_was_on_the_list_lately_rests_but_not_on_the_same_day():
    earlier = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "trigger": ["overdue", "overdue", "overdue", "other"],
            "placed_on": pd.to_datetime(["2026-11-30", "2026-12-01", "2026-11-01", "2026-11-30"]),
        }
    )
    today = datetime.date(2026, 12, 1)
    assert list_resting(earlier, "overdue", days=7, today=today) == {"a"}
    assert list_resting(earlier, "overdue", days=30, today=today) == {"a", "c"}
    assert list_resting(earlier.head(0), "overdue", days=7, today=today) == set()


def test_a_sentence_tells_whom_triggers_place_and_which_place_nobody():
    counts = pd.DataFrame(
        {
            "trigger": ["first_order", "overdue", "joined"],
            "condition": ["order_count = 1", "journey_stage = 'at risk'", "signed_up_days <= 3"],
            "customer_count": [40, 12, 0],
            "known_count": [200, 200, 200],
            "share": [0.2, 0.06, 0.0],
            "play": ["first_order", "overdue", "joined"],
            "cooldown_days": [30, 30, 30],
        }
    )
    one, two, nobody = read_texts(state_triggers(publish(counts, TRIGGERS)))
    assert one == "The trigger “first order” places 40 customers today, 20.0% of all."
    assert two == "The trigger “overdue” places 12 customers today, 6.0% of all."
    assert nobody == "These place nobody today: “joined”."
    few = counts.assign(customer_count=[3, 12, 0], share=[0.015, 0.06, 0.0])
    shown = publish(few, TRIGGERS).frame.set_index("trigger")
    assert pd.isna(shown.loc["first_order", "customer_count"])
    assert pd.isna(shown.loc["first_order", "share"])


# ---------------------------------------------------------------- commands


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A working folder whose run left customers, and counts of a trigger that passed the gate."""
    folder = make_shop(tmp_path / "shop")
    base = folder / "runs" / "tiny" / "03_base_analysis" / "tables"
    final = folder / "runs" / "tiny" / "05_analysis"
    for place in (base, final / "tables", final / "published"):
        place.mkdir(parents=True)
    PEOPLE.to_parquet(base / "customers.parquet")
    placed = pd.DataFrame({"customer_id": ["b"], "trigger": ["overdue"]})
    placed.to_parquet(final / "tables" / "triggered.parquet")
    counts = pd.DataFrame(
        {
            "trigger": ["overdue", "cart_left"],
            "condition": ["journey_stage = 'at risk'", "days_since_cart <= 7"],
            "customer_count": [1200.0, None],
            "share": [0.25, None],
        }
    )
    counts.to_parquet(final / "published" / "triggers.parquet")
    monkeypatch.chdir(folder)
    return folder


def test_the_command_prints_sql_or_what_the_report_shows(shop):
    code, said, told = call("triggers", "--sql", "postgres", "--table", "crm")
    assert code == 0, told
    assert said.count('FROM "crm"') == 4
    assert "-- overdue: journey_stage = 'at risk'" in said
    assert not any(f"'{each}'" in said for each in PEOPLE["customer_id"])
    code, said, told = call("triggers")
    assert code == 0, told
    assert re.search(r"overdue .*1,200 .*25.0%", said)
    assert re.search(r"cart_left .*– .*–", said)
    code, said, _ = call("triggers", "--json")
    assert [row["customer_count"] for row in json.loads(said)["triggers"]] == [1200.0, None]


def test_the_command_says_what_to_run_first(shop):
    for path in shop.rglob("*.parquet"):
        path.unlink()
    for arguments in ([], ["--sql", "duckdb"]):
        code, _, told = call("triggers", *arguments)
        assert code == 1
        assert "first" in told


def test_check_tells_of_a_trigger_that_names_no_column(shop):
    with (shop / "plan.toml").open("a", encoding="utf-8") as plan:
        plan.write('\n[[triggers]]\nname = "quiet"\nwhen = "recency_dys > 90"\n')
    code, said, _ = call("check")
    assert code == 1
    assert "trigger 'quiet'" in said
    assert "Did you mean 'recency_days'" in said
