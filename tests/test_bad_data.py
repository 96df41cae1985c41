"""Hostile input: each gives a message that says where, what was found and what to do."""

from __future__ import annotations

import gzip
import os
import sqlite3

import duckdb
import pandas as pd
import pytest
from small_plans import GOOD_LINES, HEADER, make_plan, write_lines

from segkit.core.errors import SegkitError
from segkit.data.checks import check_plan, prepare_tables
from segkit.data.columns import DataError


def text(body, name="lines.csv", **spec):
    """Return what writes ``body`` to a file and says how the plan names it."""

    def write(folder):
        data = body if isinstance(body, bytes) else body.encode()
        (folder / name).write_bytes(data)
        return {"path": name, **spec}

    return write


def lines(*rows, header=HEADER, **spec):
    return text("\n".join([header, *rows]) + "\n", **spec)


def folder_of_nothing(folder):
    (folder / "lines.csv").mkdir()
    return {"path": "lines.csv"}


def excel(folder):
    frame = pd.DataFrame([row.split(",") for row in GOOD_LINES], columns=HEADER.split(","))
    frame.to_excel(folder / "lines.xlsx", sheet_name="Sales", index=False)
    return {"path": "lines.xlsx", "sheet": "Sale"}


def empty_excel(folder):
    pd.DataFrame().to_excel(folder / "lines.xlsx", sheet_name="Sales", index=False)
    return {"path": "lines.xlsx"}


def database(folder):
    with sqlite3.connect(folder / "shop.db") as con:
        con.execute("CREATE TABLE orders_2024 (order_id TEXT)")
    return {"connection": "sqlite://shop.db", "table": "orders_2023"}


def half_parquet(folder):
    pd.DataFrame({"order_id": range(1_000)}).to_parquet(folder / "lines.parquet")
    data = (folder / "lines.parquet").read_bytes()
    (folder / "lines.parquet").write_bytes(data[: len(data) // 2])
    return {"path": "lines.parquet"}


GOOD = "\n".join([HEADER, *GOOD_LINES])
OTHER = HEADER.replace("quantity", "Qty")
CASES = {
    "no file": (
        lambda folder: write_lines(folder, name="line.csv") and {"path": "lines.csv"},
        ["lines.csv", "no such file", "'line.csv'"],
    ),
    "no folder": (
        lambda folder: {"path": "nowhere/lines.csv"},
        ["nowhere/lines.csv", "no such file", "Correct the path"],
    ),
    "a folder": (folder_of_nothing, ["lines.csv", "no Parquet files here", "Name one"]),
    "no match": (lambda folder: {"pattern": "x*.parquet"}, ["x*.parquet", "no Parquet files here"]),
    "unknown ending": (text("{}", "lines.json"), ["lines.json", "not known", "'.json'", "Use"]),
    "zip": (text(b"PK\x03\x04...", "lines.zip"), ["lines.zip", "not known", "'.zip'"]),
    "empty file": (text(""), ["lines.csv", "the file is empty", "Export"]),
    "blank file": (text("\n\n\n"), ["lines.csv", "the file is empty"]),
    "header only": (text(HEADER), ["lines.csv", "header but no rows", "Export it again"]),
    "excel named csv": (
        text(b"PK\x03\x04" + b"\0" * 50),
        ["lines.csv", "not a text file", "name it so"],
    ),
    "parquet named csv": (text(b"PAR1" + b"\0" * 50), ["lines.csv", "not a text file"]),
    "binary": (text(bytes(range(256)) * 9), ["lines.csv", "not a text file", "binary data"]),
    "csv named parquet": (
        text(GOOD, "lines.parquet"),
        ["lines.parquet", "not a whole Parquet file", "rename"],
    ),
    "half a parquet": (half_parquet, ["lines.parquet", "not a whole", "Export it again"]),
    "csv named excel": (text(GOOD, "lines.xlsx"), ["lines.xlsx", "not an Excel file", "rename"]),
    "half a gz": (
        text(gzip.compress(GOOD.encode())[:-20], "lines.csv.gz"),
        ["lines.csv.gz", "cannot be read", "whole"],
    ),
    "broken gz": (
        text(b"\x1f\x8bnonsense", "lines.csv.gz"),
        ["lines.csv.gz", "cannot be read", "compression"],
    ),
    "wrong sheet": (excel, ["lines.xlsx", "no sheet 'Sale'", "Did you mean 'Sales'?"]),
    "empty sheet": (empty_excel, ["lines.xlsx", "the sheet is empty"]),
    "no table": (database, ["shop.db", "no table 'orders_2023'", "Did you mean 'orders_2024'?"]),
    "no database": (
        lambda folder: {"connection": "sqlite://none.db", "table": "x"},
        ["sqlite://none.db", "no such database file", "none.db"],
    ),
    "unknown connection": (
        lambda folder: {"connection": "carrier://ann:secret@pigeon", "table": "x"},
        ["carrier://ann:***@pigeon", "Don't know how to connect", "Write it like"],
    ),
    "no driver": (
        lambda folder: {"connection": "oracle://ann:secret@host/db", "table": "x"},
        ["oracle://ann:***@host/db", "oracle backend", "pip install"],
    ),
    "unknown encoding": (text(GOOD, encoding="utf-9"), ["lines.csv", "'utf-9'", "Use utf-8"]),
    "wrong delimiter": (
        text(GOOD, delimiter=";"),
        ["lines.csv", "the column order_id is missing", "order_id,product_id", "Map it"],
    ),
    "no header": (
        text("\n".join(GOOD_LINES)),
        ["lines.csv", "the column order_id is missing", "1, P1, C1", "Map it"],
    ),
    "missing column": (
        lines(*GOOD_LINES, header=OTHER),
        ["lines.csv", "quantity is missing", "Qty", "[tables.order_lines.columns]"],
    ),
    "mapped column not there": (
        lines(*GOOD_LINES, header=OTHER, columns={"quantity": "Qyt"}),
        ["lines.csv", "no column 'Qyt'", "maps to quantity", "Did you mean 'Qty'?"],
    ),
    "two columns of one name": (
        lines("1,P,C,2024-01-01,1,1,2", header=HEADER + ",quantity"),
        ["lines.csv", "two columns are called 'quantity'", "its own name"],
    ),
    "no customer": (
        lines("1,P,2024-01-01,1,1", header=HEADER.replace("customer_id,", "")),
        ["lines.csv", "customer_id is missing, and no orders table carries it", "Map it"],
    ),
    "every line malformed": (
        lines(*(row + ",more,fields" for row in GOOD_LINES)),
        ["lines.csv, line 2", "as many fields as the header", "more,fields", "delimiter"],
    ),
    "words for numbers": (
        lines("1,P,C1,2024-01-01,two,1", "2,P,C2,2024-01-01,many,1"),
        ["lines.csv, column 'quantity', data row 1", "2 of 2 rows", "not a number", "'two'"],
    ),
    "words for dates": (
        lines("1,P,C1,yesterday,2,1", "2,P,C2,today,2,1"),
        ["column 'ordered_at', data row 1", "is not a date or time", "'yesterday'", "Correct"],
    ),
    "nothing but blanks": (
        lines(",,,,,", ",,,,,"),
        ["column 'order_id', data row 1", "There is no order id", "nothing", "Correct"],
    ),
    "all in the future": (
        lines("1,P,C1,2031-01-01,1,1", "2,P,C2,2032-01-01,1,1"),
        ["'ordered_at', data row 1", "after the last day counted", "2031-01-01", "Set as_of"],
    ),
    "another currency": (
        lines("1,P,C1,2024-01-01,1,1,SEK", header=HEADER + ",currency"),
        ["column 'currency', data row 1", "not in EUR", "'SEK'", "Set currency"],
    ),
    "one customer": (
        lines("1,P,C1,2024-01-01,1,1", "2,P,C1,2024-01-02,1,1"),
        ["lines.csv, column 'customer_id'", "two customers or more", "1 customer", "as_of"],
    ),
    "one order": (
        lines("1,P,C1,2024-01-01,1,1", "1,P,C2,2024-01-02,1,1"),
        ["lines.csv, column 'order_id'", "two orders or more", "1 order", "as_of"],
    ),
    "returns only": (
        lines("1,P,C1,2024-01-01,-1,1", "2,P,C2,2024-01-02,-1,1"),
        ["lines.csv", "an accepted sale", "0 customers", "policies"],
    ),
    "date format without a sign": (
        lines(*GOOD_LINES, date_format="DD/MM/YYYY"),
        ["column 'ordered_at'", "date_format is none", "'DD/MM/YYYY'", "%d/%m/%Y"],
    ),
    "date format unknown": (
        lines(*GOOD_LINES, date_format="%d/%Q"),
        ["column 'ordered_at'", "date_format is none", "'%d/%Q'"],
    ),
    "null bytes in the middle": (
        text(GOOD.replace("P1", "P\0").encode() + b"\n\0\0\0\0\n" + b"\0" * 900),
        ["lines.csv", "not a text file"],
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_bad_input_says_where_what_and_what_to_do(case, tmp_path):
    write, words = CASES[case]
    plan = make_plan(tmp_path, {"order_lines": write(tmp_path)})
    report = check_plan(plan)
    assert not report.ok
    message = "\n".join(report.to_json()["problems"])
    for word in words:
        assert word in message
    assert "Traceback" not in message
    assert "secret" not in message
    with pytest.raises(DataError) as caught:
        prepare_tables(plan, tmp_path / "run")
    assert caught.value.exit_code == 1
    assert not (tmp_path / "run/tables/record.json").exists()


def test_there_are_thirty_or_more_of_them():
    assert len(CASES) >= 30


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="everybody may read here")
def test_a_file_that_nobody_may_read(tmp_path):
    write_lines(tmp_path).chmod(0)
    problems = check_plan(make_plan(tmp_path, {"order_lines": "lines.csv"})).problems
    assert "lines.csv: the file cannot be read. Found: Permission denied." in str(problems[0])


def test_a_file_that_cannot_be_read_is_told_by_its_name(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    write_lines(tmp_path)
    monkeypatch.setattr("segkit.data.textfiles.open_bytes", refuse)
    problems = check_plan(make_plan(tmp_path, {"order_lines": "lines.csv"})).problems
    assert "lines.csv: the file cannot be read. Found: Permission denied." in str(problems[0])


def test_a_run_folder_that_cannot_be_written(tmp_path):
    plan = make_plan(tmp_path, {"order_lines": str(write_lines(tmp_path))})
    (tmp_path / "run").write_text("a file in the way")
    with pytest.raises(SegkitError, match="the run folder cannot be written"):
        prepare_tables(plan, tmp_path / "run")


def test_the_faults_of_all_tables_come_at_once(tmp_path):
    (tmp_path / "customers.csv").write_text("id,name\n1,x\n")
    tables = {
        "order_lines": {"path": "none.csv"},
        "customers": {"path": "customers.csv"},
        "products": {"path": "p.doc"},
    }
    plan = make_plan(tmp_path, tables)
    with pytest.raises(DataError, match="The tables have 3 faults") as caught:
        prepare_tables(plan, tmp_path / "run")
    for word in ("none.csv", "customers.csv: the column customer_id is missing", "p.doc"):
        assert word in str(caught.value)


def test_an_optional_column_without_one_good_value_is_a_problem(tmp_path):
    (tmp_path / "products.csv").write_text("product_id,list_price\nP1,cheap\nP2,dear\n")
    tables = {"order_lines": str(write_lines(tmp_path)), "products": "products.csv"}
    report = check_plan(make_plan(tmp_path, tables))
    assert "products.csv, column 'list_price', data row 1" in str(report.problems[0])
    assert "'cheap' (1), 'dear' (1)" in str(report.problems[0])
    assert 'list_price = ""' in str(report.problems[0])


def test_a_parquet_file_with_a_broken_page_is_named(tmp_path):
    path = tmp_path / "lines.parquet"
    duckdb.execute(
        f"""COPY (SELECT i::VARCHAR AS order_id, 'P' || hash(i) AS product_id,
            'C' || i % 7 AS customer_id, DATE '2024-01-01' AS ordered_at, 1 AS quantity,
            2.5 AS unit_price FROM range(20000) AS t(i)) TO '{path}'"""
    )
    content = bytearray(path.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 4_000] = bytes(4_000)
    path.write_bytes(content)
    report = check_plan(make_plan(tmp_path, {"order_lines": "lines.parquet"}))
    assert [problem.message for problem in report.problems] == ["the Parquet file is broken"]
