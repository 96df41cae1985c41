"""Kind: cells that run. A CSV that segkit writes holds no cell and no header that a spreadsheet
takes for a formula, whatever it overlooks at the beginning and wherever it splits a line."""

from __future__ import annotations

import ast
import csv
import io
import json
import re
import sys
import unicodedata
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))
from test_segmentation import fit, make_customers

from segkit.action.lists.exporting import export_segment
from segkit.action.lists.layouts import read_layout
from segkit.action.lists.writing import write_list
from segkit.core.csvfiles import (
    ENDS,
    UNSEEN,
    neutralise_names,
    neutralise_table,
    neutralise_text,
    write_rows_as_csv,
)
from segkit.segmentation.scoring import score_table

PACKAGE = Path(__file__).parents[2] / "segkit"
SIGNS = "=+-@＝＋－＠﹢﹣﹦﹫−"
BEFORE = [
    "\ufeff",
    "\u200b",
    "\x00",
    " ",
    "\xa0",
    "\u2060",
    "\xad",
    "\u202e",
    "\ufe0f",
    '"',
    "\x1f",
]
WITHIN = [";", "\t", "\r", "\n", "\r\n", ",", "|", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"]
HOSTILE = [
    "=1+1",
    "x\r=1+1",
    "a;=1+1",
    *(f"{sign}={1}+1" for sign in BEFORE),
    *(f"a{end}@SUM(1)" for end in WITHIN),
    "a;\u200b\ufeff=1",
    'a;"=1+1',
    "\t=1",
    "\r",
    "\tx",
    "＝1+1",
    "a\n\u3164+1",
]
PIECES = [*SIGNS, *BEFORE, *WITHIN, "a", "1", "é", "'", "\U000e0001"]
HOSTILE_TEXT = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))


def is_unseen(sign: str) -> bool:
    """Whether a spreadsheet may overlook a sign; told by Unicode, not by the code under test."""
    return sign in '"\ufe0f\u3164' or unicodedata.category(sign) in ("Cc", "Cf", "Zs", "Zl", "Zp")


def runs(cell: str) -> bool:
    """Whether a spreadsheet would run a cell, or one of the cells that it would make of it."""
    return cell.startswith(("\t", "\r", "\n")) or holds_formula(cell)


def holds_formula(cell: str) -> bool:
    for part in re.split(r"[;\t\r\n,|\x0b\x0c\x85\u2028\u2029]", cell):
        seen = part
        while seen and is_unseen(seen[0]):
            seen = seen[1:]
        if seen.startswith(tuple(SIGNS)):
            return True
    return False


def read_cells(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


def list_running(text: str) -> list[str]:
    """Return the cells of a CSV that run, as a reader by comma, by semicolon or by tab sees it."""
    found = [cell for row in read_cells(text) for cell in row if runs(cell)]
    for delimiter in ";\t":
        rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        found += [cell for row in rows for cell in row if holds_formula(cell)]
    return found


@pytest.mark.slow
@given(HOSTILE_TEXT)
@settings(deadline=None)
@example("a;=1+1")
@example("x\r=1+1")
def test_no_text_runs_and_none_of_it_is_lost(text):
    safe = neutralise_text(text)
    assert not runs(safe)
    assert safe.replace("'", "") == text.replace("'", "")


def test_what_unicode_calls_invisible_is_overlooked_here_too():
    kinds = ("Cf", "Cc", "Zs", "Zl", "Zp")
    signs = [chr(n) for n in range(0x110000) if unicodedata.category(chr(n)) in kinds]
    assert len(signs) > 200
    pattern = re.compile(f"[{UNSEEN}{ENDS}]")
    assert [sign for sign in signs if not pattern.match(sign)] == []


@pytest.mark.parametrize(
    "text", ["", "a", "00123", "a=b", "3-4", "x@example.org", "a, b; c", "'=1"]
)
def test_harmless_text_stays_as_it_is(text):
    assert neutralise_text(text) == text


@given(st.lists(HOSTILE_TEXT, min_size=1, max_size=5), st.lists(HOSTILE_TEXT, min_size=5))
@settings(deadline=None)
def test_no_cell_and_no_header_of_a_frame_runs(tmp_path_factory, names, texts):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    texts = texts[: len(texts) // len(names) * len(names)]
    rows = [texts[i : i + len(names)] for i in range(0, len(texts), len(names))]
    write_rows_as_csv(path, names, rows)
    text = path.read_bytes().decode("utf-8")
    assert list_running(text) == []
    read = read_cells(text)
    assert len(read) == len(rows) + 1
    for row, expected in zip(read[1:], rows, strict=True):
        assert [cell.replace("'", "") for cell in row] == [e.replace("'", "") for e in expected]


def test_numbers_of_a_frame_stay_numbers(tmp_path):
    frame = pd.DataFrame({"a": [-1, 2], "b": [-1.5, None], "c": [True, False], "d": ["-x", None]})
    write_rows_as_csv(tmp_path / "a.csv", list(frame), frame.itertuples(index=False, name=None))
    assert read_cells((tmp_path / "a.csv").read_text())[1:] == [
        ["-1", "-1.5", "True", "'-x"],
        ["2", "", "False", ""],
    ]


def test_headers_stay_different_from_each_other():
    assert neutralise_names(["=a", "'=a", "'=A", "b"]) == ["'=a", "''=a", "'''=A", "b"]


@pytest.mark.slow
@given(st.lists(HOSTILE_TEXT, min_size=1, max_size=30))
@settings(deadline=None)
def test_the_engine_neutralises_as_python_does(texts):
    texts = [text for text in texts if not any(0xD800 <= ord(sign) < 0xE000 for sign in text)]
    table = ibis.memtable(pa.table({"x": pa.array([*texts, "=1"]), "n": range(len(texts) + 1)}))
    found = neutralise_table(table).to_pandas().sort_values("n")["x"].tolist()
    assert found == [*map(neutralise_text, texts), "'=1"]


def test_the_engine_leaves_numbers_and_makes_text_of_the_rest():
    rows = pa.table({"n": [-5], "d": [-1.5], "l": [["=1"]], "s": [{"a": "x;=1"}], "b": [True]})
    (row,) = neutralise_table(ibis.memtable(rows)).to_pandas().to_dict("records")
    assert (row["n"], row["d"], row["b"]) == (-5, -1.5, True)
    assert not runs(row["s"])
    assert not runs(row["l"])


def make_hostile(count: int) -> tuple[pd.DataFrame, object]:
    customers = make_customers(max(count, 40))
    segmentation = fit(customers, n=2)
    texts = pd.Series([HOSTILE[i % len(HOSTILE)] for i in range(len(customers))], dtype="object")
    customers["customer_id"] = [f"{i}{text}" for i, text in enumerate(texts)]
    customers["=note\t@"] = texts
    customers["balance"] = [-float(i) for i in range(len(customers))]
    return customers, segmentation


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_scored_csv_runs_nothing_and_keeps_its_numbers(tmp_path, ending):
    customers, segmentation = make_hostile(80)
    segmentation.write_json(tmp_path / "s.json")
    table = tmp_path / f"in{ending}"
    if ending == ".csv":
        customers.to_csv(table, index=False, quoting=csv.QUOTE_ALL)
    else:
        customers.to_parquet(table)
    counts, *_ = score_table(tmp_path / "s.json", table, tmp_path / "out.csv")
    text = (tmp_path / "out.csv").read_bytes().decode("utf-8")
    header, *rows = read_cells(text)
    assert sum(counts.values()) == len(customers) == len(rows)
    place = header.index("balance")
    assert [float(row[place]) for row in rows] == customers["balance"].tolist()
    for column, name in enumerate(header):
        assert not runs(name)
        if name not in ("balance", *segmentation.model.kinds):
            assert [row[column] for row in rows if runs(row[column])] == []


def test_segments_with_a_formula_for_a_name_are_counted_in_a_csv(tmp_path):
    customers = make_customers(40)
    segmentation = fit(customers, n=2)
    names = [f"=cmd{number};@x" for number in range(len(segmentation.segments))]
    renamed = [
        segment.model_copy(update={"name": name})
        for segment, name in zip(segmentation.segments, names, strict=True)
    ]
    named = segmentation.model_copy(update={"segments": tuple(renamed)})
    named.write_json(tmp_path / "s.json")
    customers.to_parquet(tmp_path / "in.parquet")
    counts, *_ = score_table(tmp_path / "s.json", tmp_path / "in.parquet", tmp_path / "out.csv")
    assert sum(counts.values()) == 40
    assert set(counts) == set(names)
    assert list_running((tmp_path / "out.csv").read_text()) == []


@pytest.mark.parametrize("name", ["generic", "mailchimp", "hubspot", "json"])
def test_a_list_in_no_layout_runs_anything(tmp_path, name):
    layout = read_layout(name)
    columns = {**layout.columns, **layout.where_known}
    hostile = [*HOSTILE, "x\x1b[2J", "a\x9bb", "\x7f=1"]
    rows = pd.DataFrame(dict.fromkeys(columns.values(), hostile))
    write_list(tmp_path / "list", rows, layout=layout)
    text = (tmp_path / "list").read_bytes().decode("utf-8")
    if layout.format == "json":
        listed = json.loads(text)
        cells = [str(cell) for one in listed for cell in one.values()]
        assert text.isascii()
    else:
        assert list_running(text) == []
        listed = read_cells(text)[1:]
        cells = [cell for row in listed for cell in row]
    assert len(listed) == len(hostile)
    assert not any(runs(cell) for cell in cells)
    assert not any(sign in cell for cell in cells for sign in "\x00\x1b\x7f\x9b")


def test_an_exported_list_runs_nothing(tmp_path):
    segments = pd.DataFrame({"customer_id": HOSTILE, "segment_name": "=Loyal;@x"})
    export_segment(
        None, segments, "=Loyal;@x", consent_column=None, path=tmp_path / "list.csv", scheme="+rfm"
    )
    text = (tmp_path / "list.csv").read_bytes().decode("utf-8")
    assert list_running(text) == []
    assert len(read_cells(text)) == len(HOSTILE) + 1


@pytest.mark.slow
def test_no_module_writes_a_csv_by_itself():
    allowed = {
        "core/csvfiles.py",
        "segmentation/scoring.py",  # streams what csvfiles has neutralised
        "data/sources.py",  # for DuckDB alone, in a temporary folder
        "data/sample.py",  # the sample's own raw tables, with dirt that is planted
    }
    found = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        texts = [str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        is_copied = any(re.search(r"FORMAT csv|HEADER\)", text) for text in texts)
        is_written = names & {"to_csv", "write_csv"} or "csv.writer" in ast.unparse(tree)
        if is_copied or is_written:
            found.add(path.relative_to(PACKAGE).as_posix())
    assert found <= allowed, found - allowed
