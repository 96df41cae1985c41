"""Kind: a folder's name is no data; no column comes of ``country=XX/``, and none is replaced."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from small_plans import GOOD_LINES, HEADER, make_plan, write_lines

from segkit.data.checks import check_plan, prepare_tables
from segkit.data.engine import open_tables
from segkit.segmentation.scoring import score_table

FOLDERS = ["country=XX", "quantity=7", "customer_id=ME", "unit_price=9", "consent=true/year=2020"]


def write_table(folder, kind):
    if kind == "csv":
        write_lines(folder)
        return "lines.csv"
    frame = pd.DataFrame([line.split(",") for line in GOOD_LINES], columns=HEADER.split(","))
    frame.to_parquet(folder / "lines.parquet")
    return "lines.parquet" if kind == "parquet" else "."


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "parquet", "folder"])
@pytest.mark.parametrize("name", FOLDERS)
def test_a_shop_below_such_a_folder_is_read_as_any_other(tmp_path, name, kind):
    found = []
    for place in (tmp_path / "plain", tmp_path / name):
        place.mkdir(parents=True)
        plan = make_plan(place, {"order_lines": write_table(place, kind)})
        prepared = prepare_tables(plan, tmp_path / f"run {place.name}")
        found.append(pd.read_parquet(prepared.paths["order_lines"]))
    pd.testing.assert_frame_equal(*found)


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_within_the_tables_folder_gives_no_column(tmp_path, name):
    (tmp_path / "lines" / name).mkdir(parents=True)
    write_table(tmp_path / "lines" / name, "parquet")
    plan = make_plan(tmp_path, {"order_lines": "lines"})
    accepted = pd.read_parquet(prepare_tables(plan, tmp_path / "run").paths["order_lines"])
    assert accepted["quantity"].tolist() == [2.0, 1.0, 1.0]
    assert sorted(accepted["customer_id"]) == ["C1", "C1", "C2"]
    assert "country" not in accepted


def test_features_of_ones_own_are_none_of_the_folders(tmp_path):
    shop = tmp_path / "tier=gold"
    shop.mkdir()
    write_lines(shop)
    (shop / "customers.csv").write_text("customer_id,visits\nC1,4\nC2,5\n")
    plan = make_plan(
        shop,
        {"order_lines": "lines.csv", "customers": {"path": "customers.csv", "features": "all"}},
    )
    assert set(check_plan(plan).columns["customers"]) == {"customer_id", "visits"}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_query_below_such_a_folder_sees_the_files_columns(tmp_path, ending):
    place = tmp_path / "region=north"
    place.mkdir()
    name = write_table(place, ending)
    plan = make_plan(place, {"order_lines": {"query": "SELECT * FROM l", "files": {"l": name}}})
    accepted = pd.read_parquet(prepare_tables(plan, tmp_path / "run").paths["order_lines"])
    assert "region" not in accepted


def test_a_run_below_such_a_folder_has_the_tables_columns(tmp_path):
    write_lines(tmp_path)
    plan = make_plan(tmp_path, {"order_lines": "lines.csv"})
    run = tmp_path / "country=XX" / "quantity=7"
    tables = open_tables(plan, prepare_tables(plan, run).paths, run / "03")
    assert "country" not in tables["order_lines"].columns
    assert tables["order_lines"].quantity.sum().execute() == 4


def test_scoring_takes_no_column_from_a_folder(tmp_path):
    folder = tmp_path / "total_spend=999999"
    folder.mkdir()
    kept = Path(__file__).parent / "kept.json"
    (folder / "all.csv").write_text("customer_id,total_spend,age_years\nA,10,30\n")
    score_table(kept, folder / "all.csv", folder / "out.csv")
    assert pd.read_csv(folder / "out.csv")["total_spend"].tolist() == [10]
