"""A source is read whole, as it was found, whatever it is written in."""

from __future__ import annotations

import gzip
import sqlite3

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_plans import GOOD_LINES, HEADER, make_plan, write_lines

from segkit.contract.tables import TABLES
from segkit.data.columns import DataError, Source
from segkit.data.sources import open_source
from segkit.data.textfiles import split_records
from segkit.plan.models import TableSpec


def read(folder, spec, table="order_lines"):
    """Return the source, its rows and its malformed lines."""
    plan = make_plan(folder, {"order_lines": "unused.csv", table: spec})
    with duckdb.connect() as con:
        source = open_source(table, plan, con=con, folder=folder)
        rows = con.execute(f"SELECT * EXCLUDE (row_hash) FROM {source.raw} ORDER BY 1").fetchall()
        names = [d[0] for d in con.description]
        bad = con.execute(f"FROM {source.malformed} ORDER BY source_row").fetchall()
    assert source.raw_count == len(rows)
    assert source.malformed_count == len(bad)
    return source, [dict(zip(names, row, strict=True)) for row in rows], bad


def test_identifiers_keep_their_zeros_and_all_their_digits(tmp_path):
    write_lines(tmp_path, "00123,1234567890123456789,007,2024-01-05,1,1", *GOOD_LINES)
    _, rows, _ = read(tmp_path, {"path": "lines.csv"})
    assert rows[0]["order_id"] == "00123"
    assert rows[0]["product_id"] == "1234567890123456789"
    assert rows[0]["customer_id"] == "007"
    assert [row["source_row"] for row in rows] == [1, 2, 3, 4]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    text = "\n".join([HEADER, *GOOD_LINES]).replace(",", delimiter)
    (tmp_path / "lines.txt").write_text(text)
    _, rows, _ = read(tmp_path, {"path": "lines.txt"})
    assert [row["customer_id"] for row in rows] == ["C1", "C2", "C1"]


def test_a_header_with_more_semicolons_than_commas_does_not_mislead(tmp_path):
    (tmp_path / "lines.csv").write_text(
        'order_id,product_id,customer_id,ordered_at,quantity,unit_price,"a;b;c;d;e;f;g;h"\n'
        "1,P1,C1,2024-01-05,2,10.00,x\n"
    )
    source, rows, _ = read(tmp_path, {"path": "lines.csv"})
    assert source.names[-1] == "a;b;c;d;e;f;g;h"
    assert rows[0]["unit_price"] == "10.00"


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"]
)
def test_the_encoding_is_found(tmp_path, encoding):
    text = "\n".join([HEADER + ",country", *(f"{line},Österreich" for line in GOOD_LINES)])
    (tmp_path / "lines.csv").write_bytes(text.encode(encoding))
    source, rows, _ = read(tmp_path, {"path": "lines.csv"})
    assert {row["country"] for row in rows} == {"Österreich"}
    assert rows[0]["order_id"] == "1"
    told = [(one.rule, one.severity, one.row_count) for one in source.notices]
    assert told == ([("western_encoding", "note", 3)] if encoding == "cp1252" else [])


def test_lines_in_another_encoding_are_read_and_counted(tmp_path):
    lines = [f"{line},Malmö\n".encode() for line in GOOD_LINES]
    lines.append("4,P1,C9,2024-04-01,1,1,Tromsø\n".encode("cp1252"))
    (tmp_path / "lines.csv").write_bytes(f"{HEADER},country\n".encode() + b"".join(lines))
    source, rows, _ = read(tmp_path, {"path": "lines.csv"})
    assert [row["country"] for row in rows] == ["Malmö", "Malmö", "Malmö", "Tromsø"]
    told = [(one.rule, one.severity, one.row_count) for one in source.notices]
    assert told == [("mixed_encoding", "warning", 1)]


def test_a_declared_encoding_that_the_file_is_not_in_is_told(tmp_path):
    lines = [f"{line},Malmö\n".encode() for line in GOOD_LINES]
    (tmp_path / "lines.csv").write_bytes(f"{HEADER},country\n".encode() + b"".join(lines))
    source, _, _ = read(tmp_path, {"path": "lines.csv", "encoding": "cp1252"})
    told = [(one.rule, one.severity, one.row_count) for one in source.notices]
    assert told == [("other_encoding", "warning", 3)]


def test_a_declared_encoding_is_used(tmp_path):
    text = "\n".join([HEADER + ",country", *(f"{line},Łódź" for line in GOOD_LINES)])
    (tmp_path / "lines.csv").write_bytes(text.encode("cp1250"))
    _, rows, _ = read(tmp_path, {"path": "lines.csv", "encoding": "cp1250"})
    assert rows[0]["country"] == "Łódź"


def test_malformed_lines_are_kept_with_their_number_and_text(tmp_path):
    write_lines(tmp_path, GOOD_LINES[0], "too,short", GOOD_LINES[1], "1,2,3,4,5,6,7", GOOD_LINES[2])
    source, rows, bad = read(tmp_path, {"path": "lines.csv"})
    assert [row["source_row"] for row in rows] == [1, 3, 5]
    assert bad == [(2, 3, "too,short"), (4, 5, "1,2,3,4,5,6,7")]
    assert source.read == 5


def test_an_unclosed_quote_costs_one_line_only(tmp_path):
    lines = [f"{line},text" for line in GOOD_LINES]
    lines.insert(1, '9,P1,C1,2024-01-05,2,10.00,"never closed')
    write_lines(tmp_path, *lines, *lines, header=HEADER + ",description")
    _, rows, bad = read(tmp_path, {"path": "lines.csv"})
    assert len(rows) == 6
    assert [line for _, line, _ in bad] == [3, 7]


def test_a_quoted_text_may_hold_lines_delimiters_and_quotes(tmp_path):
    header, line = HEADER + ",description", '1,P1,C1,2024-01-05,2,10.00,"a ""b""\n\nc, d"'
    write_lines(tmp_path, line, GOOD_LINES[1] + ',5" pipe', header=header)
    _, rows, bad = read(tmp_path, {"path": "lines.csv"})
    assert [row["description"] for row in rows] == ['a "b"\n\nc, d', '5" pipe']
    assert not bad


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_any_line_ending_will_do(tmp_path, end, last):
    text = end.join([HEADER, *GOOD_LINES]) + end * last
    (tmp_path / "lines.csv").write_bytes(text.encode())
    assert len(read(tmp_path, {"path": "lines.csv"})[1]) == 3


def test_blank_lines_before_the_header_are_passed_over(tmp_path):
    (tmp_path / "lines.csv").write_text("\n".join(["", "", HEADER, *GOOD_LINES]))
    _, rows, bad = read(tmp_path, {"path": "lines.csv"})
    assert [row["order_id"] for row in rows] == ["1", "2", "3"]
    assert not bad


def test_mixed_line_endings_and_blank_lines_lose_nothing(tmp_path):
    text = f"\n{HEADER}\r\n{GOOD_LINES[0]}\n\n{GOOD_LINES[1]}\r\n{GOOD_LINES[2]}\n\n"
    (tmp_path / "lines.csv").write_bytes(text.encode())
    _, rows, bad = read(tmp_path, {"path": "lines.csv"})
    assert [row["order_id"] for row in rows] == ["1", "2", "3"]
    assert not bad


def test_a_file_padded_with_null_bytes_loses_no_line(tmp_path):
    text = "\n".join([HEADER, *GOOD_LINES * 500]).encode() + b"\n" + b"\0" * 9_000
    (tmp_path / "lines.csv").write_bytes(text)
    source, _, bad = read(tmp_path, {"path": "lines.csv"})
    assert source.read == 1_501
    assert [line for _, line, _ in bad] == [1_502]


def test_a_compressed_file_is_read_by_its_content(tmp_path):
    text = "\n".join([HEADER, *GOOD_LINES]).encode()
    (tmp_path / "lines.csv.gz").write_bytes(gzip.compress(text))
    (tmp_path / "misnamed.csv").write_bytes(gzip.compress(text))
    for name in ("lines.csv.gz", "misnamed.csv"):
        assert len(read(tmp_path, {"path": name})[1]) == 3


fields = st.text(st.sampled_from('ab, ";\n\r\té'), max_size=8)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(fields, fields, fields), min_size=1, max_size=8))
def test_what_is_quoted_properly_comes_back(rows):
    import csv
    import io

    stream = io.StringIO()
    csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(rows)
    lines = io.StringIO(stream.getvalue(), newline="")
    assert [tuple(fields) for _, fields, _ in split_records(lines, ",", 3)] == rows


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.sampled_from('ab,"'), min_size=1, max_size=6), min_size=1, max_size=12))
def test_no_line_is_lost_however_broken(lines):
    found = list(split_records((line + "\n" for line in lines), ",", 2))
    numbers = [number for number, _, _ in found]
    assert numbers == sorted(set(numbers))
    covered = sum(1 + "".join(fields or []).count("\n") for _, fields, _ in found)
    assert covered == len(lines)


def test_parquet_is_read_from_a_file_a_folder_and_a_pattern(tmp_path):
    frame = pd.DataFrame(
        {
            "order_id": [1, 2],
            "product_id": ["P", "P"],
            "customer_id": [17850.0, None],
            "ordered_at": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "quantity": [1, 2],
            "unit_price": [1.5, 2.5],
        }
    )
    (tmp_path / "parts").mkdir()
    frame.to_parquet(tmp_path / "parts" / "a.parquet")
    frame.to_parquet(tmp_path / "parts" / "b.parquet")
    places = ({"path": "parts/a.parquet"}, {"path": "parts"}, {"pattern": "parts/*.parquet"})
    for place, count in zip(places, (2, 4, 4), strict=True):
        source, rows, _ = read(tmp_path, place)
        assert source.read == count
        assert rows[0]["customer_id"] == 17850.0


def test_excel_is_read_from_the_named_sheet(tmp_path):
    frame = pd.DataFrame([line.split(",") for line in GOOD_LINES], columns=HEADER.split(","))
    frame["customer_id"] = [17850, 17851, 2.5]
    frame["ordered_at"] = pd.to_datetime(frame["ordered_at"])
    with pd.ExcelWriter(tmp_path / "book.xlsx") as book:
        pd.DataFrame({"x": [1]}).to_excel(book, sheet_name="Notes", index=False)
        frame.to_excel(book, sheet_name="Lines", index=False)
    _, rows, _ = read(tmp_path, {"path": "book.xlsx", "sheet": "Lines"})
    assert [row["customer_id"] for row in rows] == ["17850", "17851", "2.5"]
    assert rows[0]["ordered_at"].startswith("2024-01-05")


def test_a_database_is_read_in_batches(tmp_path, monkeypatch):
    monkeypatch.setattr("segkit.data.sources.BATCH_ROWS", 2)
    rows = [line.split(",") for line in GOOD_LINES]
    with sqlite3.connect(tmp_path / "shop.db") as con:
        con.execute(f"CREATE TABLE lines ({HEADER})".replace(",", " TEXT,").replace(")", " TEXT)"))
        con.executemany("INSERT INTO lines VALUES (?,?,?,?,?,?)", rows)
    with duckdb.connect(str(tmp_path / "shop.duckdb")) as con:
        con.execute(f"CREATE TABLE lines ({HEADER.replace(',', ' TEXT,')} TEXT)")
        con.executemany("INSERT INTO lines VALUES (?,?,?,?,?,?)", rows)
    for connection in ("sqlite://shop.db", "duckdb://shop.duckdb"):
        source, found, _ = read(tmp_path, {"connection": connection, "table": "lines"})
        assert source.read == 3
        assert [row["order_id"] for row in found] == ["1", "2", "3"]


def test_columns_match_by_mapping_then_name_then_other_letters():
    spec = TableSpec(path="x.csv", columns={"order_id": "Invoice", "unit_price": "Price"})
    names = ["Invoice", "Price", "PRODUCT_ID", "quantity", "Customer_Id", "ordered_at"]
    source = Source(TABLES["order_lines"], spec, "x.csv", None)
    source.match(names)
    found = source.columns
    assert found["order_id"] == "Invoice"
    assert found["product_id"] == "PRODUCT_ID"
    assert found["customer_id"] == "Customer_Id"
    assert "line_amount" not in found


def test_all_faults_of_a_table_come_at_once(tmp_path):
    (tmp_path / "lines.csv").write_text("Invoice No,Qty,Qty\n1,2,3\n")
    spec = {"path": "lines.csv", "columns": {"order_id": "InvoiceNo", "quantity": "Qty"}}
    with pytest.raises(DataError) as caught:
        read(tmp_path, spec)
    text = str(caught.value)
    assert len(caught.value.faults) == 4
    assert "two columns are called 'Qty'" in text
    assert "there is no column 'InvoiceNo', which the plan maps to order_id" in text
    assert "Did you mean 'Invoice No'?" in text
    assert "the column product_id is missing" in text
    assert "unit_price or line_amount is missing" in text
