"""Kind: a path is a file or a folder, never a pattern, wherever it goes; a pattern says so."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from small_plans import GOOD_LINES, HEADER, make_plan, write_lines

from segkit.core.errors import SegkitError
from segkit.data.checks import check_plan, prepare_tables
from segkit.data.engine import open_tables
from segkit.data.places import name_plainly
from segkit.segmentation.scoring import score_table

WRITTEN = (
    "learned.parquet",
    "order_lines.parquet",
    "order_lines.parquet",
    "quality.parquet",
    "statuses.parquet",
)
SIGNED = ["b[1]", "star*", "q?x", "br{a,b}", "back\\slash", "[!a]", "a[[]b", "**", "\\[x"]
# What the signed names would match if they were patterns.
NEIGHBOURS = ["b1", "starry", "qxx", "bra", "brb", "back/slash", "b", "a[b"]
WRONG = [line.replace("C1", "WRONG").replace("C2", "WRONG2") for line in GOOD_LINES]


def write_table(folder, name, lines):
    """Write order lines as CSV and as Parquet, with their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    write_lines(folder, *lines, name=f"{name}.csv")
    frame = pd.DataFrame([line.split(",") for line in lines], columns=HEADER.split(","))
    frame.to_parquet(folder / f"{name}.parquet")


def list_customers(prepared):
    return sorted(pd.read_parquet(prepared.paths["order_lines"])["customer_id"])


@pytest.fixture
def street(tmp_path):
    """Shops side by side whose folders and files are patterns of each other."""
    for name in NEIGHBOURS:
        for file in [*SIGNED, "lines", "b1", "starry", "qxx", "bra"]:
            write_table(tmp_path / name, file.replace("\\", "_"), WRONG)
    for name in SIGNED:
        write_table(tmp_path / name, "lines", GOOD_LINES)
        write_table(tmp_path / name, name, GOOD_LINES)
        write_table(tmp_path / name, "b1", WRONG)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("name", SIGNED)
def test_a_file_in_a_folder_of_any_name_is_that_file(street, name, ending):
    for file in ("lines", name):
        plan = make_plan(street / name, {"order_lines": f"{file}.{ending}"})
        prepared = prepare_tables(plan, street / name / "runs" / file)
        assert list_customers(prepared) == ["C1", "C1", "C2"]
        written = sorted(path.name for path in (street / name / "runs" / file).rglob("*.parquet"))
        assert written == list(WRITTEN)


@pytest.mark.slow
@pytest.mark.parametrize("name", SIGNED)
def test_a_folder_of_any_name_is_that_folder(street, name):
    (street / "shop").mkdir()
    folder = street / "shop" / name
    write_table(folder / "sub[1]", "part", GOOD_LINES)
    write_table(street / "shop" / name.replace("*", "ry").replace("[1]", "1"), "other", [])
    plan = make_plan(street / "shop", {"order_lines": name})
    assert list_customers(prepare_tables(plan, street / "run")) == ["C1", "C1", "C2"]


@pytest.mark.slow
@pytest.mark.parametrize("name", SIGNED)
def test_a_query_reads_the_file_of_that_name(street, name):
    files = {"l": f"{name}/{name}.csv", "m": f"{name}/lines.parquet"}
    query = "SELECT * FROM l UNION ALL SELECT * FROM m"
    plan = make_plan(street, {"order_lines": {"query": query, "files": files}})
    assert check_plan(plan).counts["read"].tolist() == [6]
    assert list_customers(prepare_tables(plan, street / name / "run")) == ["C1"] * 4 + ["C2"] * 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["b[1]", "q?x", "per%41cent", "a#b", "star*"])
def test_a_database_of_any_name_is_that_file(tmp_path, name):
    rows = [line.split(",") for line in GOOD_LINES]
    create = f"CREATE TABLE lines ({HEADER.replace(',', ' TEXT,')} TEXT)"
    with sqlite3.connect(tmp_path / f"{name}.db") as con:
        con.execute(create)
        con.executemany("INSERT INTO lines VALUES (?,?,?,?,?,?)", rows)
    with duckdb.connect(tmp_path / "plain.duckdb") as con:
        con.execute(create)
        con.executemany("INSERT INTO lines VALUES (?,?,?,?,?,?)", rows)
    shutil.move(tmp_path / "plain.duckdb", tmp_path / f"{name}.duckdb")
    for address in (f"sqlite://{name}.db", f"duckdb://{name}.duckdb"):
        plan = make_plan(tmp_path, {"order_lines": {"connection": address, "table": "lines"}})
        assert check_plan(plan).counts["read"].tolist() == [3]


@pytest.mark.slow
@pytest.mark.parametrize("name", SIGNED)
def test_what_does_not_fit_goes_to_the_folder_of_that_name(street, name):
    plan = make_plan(
        street / name,
        {"order_lines": "lines.csv"},
        engine={"memory_limit": "100MB", "threads": 1, "temp_folder": name},
    )
    prepared = prepare_tables(plan, street / name / "run")
    tables = open_tables(plan, prepared.paths, street / name / "run" / "03")
    con = tables["order_lines"].get_backend().con
    ((spill,),) = con.execute("SELECT current_setting('temp_directory')").fetchall()
    assert Path(spill).parent.resolve() == street / name / name
    con.execute("CREATE TABLE t AS SELECT random() AS a, range::VARCHAR AS b FROM range(8000000)")
    assert list((street / name / name).rglob("*.tmp"))


@pytest.mark.slow
@pytest.mark.parametrize("name", SIGNED)
def test_scoring_reads_the_table_of_that_name(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    shutil.copyfile(Path(__file__).parent / "kept.json", folder / "k.json")
    for other in (tmp_path / "b1", tmp_path / "starry"):
        other.mkdir()
        (other / "all.csv").write_text("customer_id,total_spend,age_years\nX,1,1\nY,2,2\n")
    (folder / "all.csv").write_text("customer_id,total_spend,age_years\nA,10,30\n")
    counts, *_ = score_table(folder / "k.json", folder / "all.csv", folder / "out.csv")
    assert sum(counts.values()) == 1
    assert (folder / "out.csv").read_text().count("A,") == 1


def test_a_pattern_is_one_where_the_plan_says_so(street):
    write_table(street / "parts", "a1", GOOD_LINES)
    write_table(street / "parts", "a2", GOOD_LINES)
    write_table(street / "parts", "b1", WRONG)
    plan = make_plan(street, {"order_lines": {"pattern": "parts/a?.parquet"}})
    assert check_plan(plan).counts["read"].tolist() == [6]
    with pytest.raises(SegkitError) as caught:
        prepare_tables(make_plan(street, {"order_lines": "parts/a?.parquet"}), street / "run")
    assert "there is no such file" in str(caught.value)
    assert 'pattern = "parts/a?.parquet"' in str(caught.value)


def test_a_plan_in_a_folder_of_signs_keeps_its_pattern_to_itself(street):
    write_table(street / "b[1]" / "parts", "a1", GOOD_LINES)
    write_table(street / "b1" / "parts", "a1", WRONG)
    plan = make_plan(street / "b[1]", {"order_lines": {"pattern": "parts/*.parquet"}})
    assert list_customers(prepare_tables(plan, street / "run")) == ["C1", "C1", "C2"]


def test_a_plain_path_has_no_link(tmp_path):
    assert name_plainly(tmp_path / "lines.csv") == tmp_path / "lines.csv"
