"""Kind: no means no, now. Whoever said no, in any row and however late, is on no list."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import duckdb
import ibis
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from fake_shop import make_shop
from test_cli import call

from segkit.action.lists.consent import count_consent
from segkit.action.lists.exporting import export_segment
from segkit.core.errors import SegkitError
from segkit.data.checks import prepare_tables
from segkit.data.consent import settle_consent
from segkit.data.engine import open_tables
from segkit.evidence.inventory import measure_consent
from segkit.plan.reading import read_plan

IDS = [f"c{number}" for number in range(6)]


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Path:
    """A shop whose run left six customers in one segment, all of whom said yes."""
    folder = make_shop(tmp_path / "shop")
    placed = pd.DataFrame({"customer_id": IDS, "scheme": "tiers", "segment": "High"})
    step = folder / "runs" / "tiny" / "05_analysis"
    (step / "tables").mkdir(parents=True)
    placed.to_parquet(step / "tables" / "placements.parquet")
    (step / "step.json").write_text("{}")
    with (folder / "plan.toml").open("a") as plan:
        plan.write('\n[tables.customers]\npath = "customers.csv"\n')
    write_customers(folder, *(f"{each},yes" for each in IDS))
    monkeypatch.chdir(folder)
    return folder


def write_customers(shop: Path, *rows: str, header: str = "customer_id,consent") -> None:
    (shop / "customers.csv").write_text("\n".join([header, *rows]) + "\n")


def export(shop: Path) -> tuple[list[str], str]:
    code, said, told = call("export", "High", "--out", "high.csv")
    assert code == 0, told
    rows = (shop / "high.csv").read_text().splitlines()[1:]
    return [row.split(",")[0] for row in rows], said


def test_all_who_said_yes_are_on_the_list(shop):
    assert export(shop)[0] == IDS


def test_a_no_since_the_run_counts_without_another_run(shop):
    assert export(shop)[0] == IDS
    write_customers(shop, "c0,no", "c1,yes", "c2,", "c3,false", "c4,TRUE", "c5,0")
    assert export(shop)[0] == ["c1", "c4"]


def test_who_was_erased_from_the_source_since_the_run_is_on_no_list(shop):
    write_customers(shop, "c0,yes", "c1,yes", "c9,yes")
    assert export(shop)[0] == ["c0", "c1"]


@pytest.mark.parametrize("rows", [("yes", "no"), ("no", "yes"), ("yes", ""), ("yes", "no", "yes")])
def test_rows_that_disagree_mean_no_and_are_counted(shop, rows):
    write_customers(shop, *(f"c0,{answer}" for answer in rows), "c1,yes", "c1,yes", "c2,no")
    exported, said = export(shop)
    assert exported == ["c1"]
    assert "rows disagree on consent: 1 customer" in said


def test_a_no_in_a_row_that_is_rejected_for_something_else_is_a_no(shop):
    header = "customer_id,consent,birth_year"
    write_customers(shop, "c0,yes,1980", "c0,no,nonsense", "c1,yes,1990", "c2,no,1", header=header)
    assert export(shop)[0] == ["c1"]


def test_an_identifier_with_spaces_around_it_is_the_same_customer(shop):
    write_customers(shop, "c0,yes", '" c0 ",no', "c1,yes")
    assert export(shop)[0] == ["c1"]


def test_consent_in_another_column_follows_the_same_rule(shop):
    with (shop / "plan.toml").open("a") as plan:
        plan.write('\n[privacy]\nconsent_column = "has_pets"\n')
    write_customers(shop, "c0,yes", "c0,no", "c1,yes", "c2,no", header="customer_id,has_pets")
    assert export(shop)[0] == ["c1"]


def test_no_list_is_written_where_the_source_cannot_be_read_any_more(shop):
    (shop / "customers.csv").unlink()
    code, _, told = call("export", "High", "--out", "high.csv")
    assert code == 1
    assert "customers.csv" in told
    write_customers(shop, *IDS, header="customer_id")
    code, _, told = call("export", "High", "--out", "high.csv")
    assert code == 1
    assert "no consent is recorded" in told
    assert not (shop / "high.csv").exists()


def test_a_contact_of_an_account_who_said_no_is_not_on_its_list(shop):
    text = (shop / "plan.toml").read_text()
    (shop / "plan.toml").write_text('unit = "account"\n' + text)
    header = "customer_id,account_id,consent"
    write_customers(shop, "x,c0,yes", "x,c0,no", "y,c0,yes", "z,c1,no", header=header)
    assert export(shop)[0] == ["y"]


def test_what_the_report_counts_is_what_is_exported(shop):
    write_customers(shop, "c0,yes", "c0,no", "c1,yes", "c2,no", "c3,yes", "c3,", "c4,")
    plan = read_plan(shop / "plan.toml")
    prepared = prepare_tables(plan, shop / "runs" / "tiny")
    tables = open_tables(plan, prepared.paths, shop / "runs" / "tiny")
    counted = measure_consent(tables, "consent").set_index("answer")["customer_count"]
    assert counted.to_dict() == {"yes": 1, "no": 3, "unknown": 1}
    placed = pd.DataFrame({"customer_id": IDS, "segment_name": "High"})
    (row,) = count_consent(tables["customers"], placed, consent_column="consent").to_dict("records")
    assert row["with_consent"] == len(export(shop)[0]) == 1
    rules = prepared.quality.set_index("rule")["row_count"]
    assert rules["consent_differs"] == 4


def test_a_list_from_a_table_with_several_rows_a_customer_follows_the_rule(tmp_path):
    customers = pd.DataFrame({"customer_id": ["a", "a", "b", "b"], "consent": [False, True] * 2})
    customers.loc[2, "consent"] = True
    placed = pd.DataFrame({"customer_id": ["a", "b"], "segment_name": "High"})
    for number, table in enumerate((customers, customers[::-1], ibis.memtable(customers))):
        path = tmp_path / f"{number}.csv"
        counts = export_segment(table, placed, "High", consent_column="consent", path=path)
        assert (counts["exported"], counts["without_consent"]) == (1, 1)
        assert "a" not in [row.split(",")[0] for row in path.read_text().splitlines()]


def test_the_rule_is_the_same_for_a_table_a_frame_and_the_checks(tmp_path):
    answers = list(itertools.product([True, False, None], repeat=3))
    rows = [(f"c{i}", answer) for i, three in enumerate(answers) for answer in three]
    frame = pd.DataFrame(rows, columns=["customer_id", "consent"])
    frame["consent"] = frame["consent"].astype("boolean")
    expected = {}
    for number, three in enumerate(answers):
        said = set(three)
        alike = {True: True, False: False, None: None}
        expected[f"c{number}"] = alike[said.pop()] if len(said) == 1 else False
    for table in (frame, ibis.memtable(frame)):
        found = settle_consent(table, "consent").to_pandas().set_index("customer_id")
        assert {k: None if pd.isna(v) else v for k, v in found["consent"].items()} == expected
        assert {k for k, v in found["disagrees"].items() if v} == {
            f"c{i}" for i, three in enumerate(answers) if len(set(three)) > 1
        }
    texts = {True: "yes", False: "no", None: ""}
    shop = make_shop(tmp_path / "shop")
    write_customers(shop, *(f"{each},{texts[answer]}" for each, answer in rows))
    with (shop / "plan.toml").open("a") as plan:
        plan.write('\n[tables.customers]\npath = "customers.csv"\n')
    prepared = prepare_tables(read_plan(shop / "plan.toml"), shop / "runs" / "tiny")
    query = f"SELECT customer_id, consent FROM '{prepared.paths['customers']}'"
    assert dict(duckdb.sql(query).fetchall()) == expected


def test_a_consent_that_is_no_yes_or_no_stops_the_list_also_in_the_engine():
    customers = ibis.memtable(pd.DataFrame({"customer_id": ["a"], "consent": ["perhaps"]}))
    with pytest.raises(SegkitError, match="not yes or no"):
        settle_consent(customers, "consent")
