"""A finding is data: its figures are read from kept tables, and can be worked out again."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published import publish

from segkit.core.errors import SegkitError
from segkit.core.findings import (
    Cell,
    Condition,
    Figure,
    Finding,
    list_sources,
    read_cell,
    read_findings,
    to_json_value,
)
from segkit.core.privacy import Shape
from segkit.report.shared.sentences import find_sentence, write_figure, write_finding
from segkit.report.shared.views import View

SIZES = pd.DataFrame(
    {
        "segment_name": ["A", "B", "C"],
        "customer_count": [50, 30, 20],
        "spend": [500.0, 150.0, 350.0],
        "note": ["", "", ""],
    }
)
VIEW = View(Shape("05_analysis/sizes", by=("segment_name",)))


def open_sizes(name: str) -> pd.DataFrame:
    assert name == "05_analysis/sizes"
    return SIZES


@pytest.mark.parametrize(
    ("how", "expected"),
    [("sum", 100), ("mean", 100 / 3), ("min", 20), ("max", 50), ("median", 30), ("rows", 3)],
)
def test_a_cell_is_worked_out_as_it_says(how, expected):
    assert read_cell(Cell("05_analysis/sizes", "customer_count", how=how), open_sizes) == expected


def test_a_ratio_is_worked_out_from_two_cells():
    whole = Cell("05_analysis/sizes", "spend", how="sum")
    own = Cell("05_analysis/sizes", "spend", (Condition("segment_name", "==", "C"),), over=whole)
    assert read_cell(own, open_sizes) == 0.35


def test_a_difference_is_taken_before_the_ratio():
    a, b = (
        Cell("05_analysis/sizes", "spend", (Condition("segment_name", "==", name),))
        for name in "AB"
    )
    cell = Cell(a.table, a.column, a.where, minus=b, over=b)
    assert read_cell(cell, open_sizes) == pytest.approx(350 / 150)


def test_what_is_hidden_is_no_part_of_a_sum_and_what_stays_in_a_hidden_row_is():
    table = pd.DataFrame(
        {"spend": [500.0, None], "market_value": [900.0, 100.0], "is_hidden": [False, True]}
    )
    assert read_cell(Cell("cells", "spend", how="sum"), lambda name: table) is None
    assert read_cell(Cell("cells", "market_value", how="sum"), lambda name: table) == 1000


def test_a_single_value_needs_a_single_row():
    with pytest.raises(SegkitError, match="read from one row"):
        read_cell(Cell("05_analysis/sizes", "spend"), open_sizes)


@pytest.mark.parametrize(
    ("comparison", "value", "kept"),
    [
        ("==", 2, [False, True, False]),
        ("!=", 2, [True, False, False]),
        ("<", 2, [True, False, False]),
        (">=", 2, [False, True, False]),
        ("known", None, [True, True, False]),
        ("missing", None, [False, False, True]),
    ],
)
def test_a_missing_value_meets_no_comparison(comparison, value, kept):
    table = pd.DataFrame({"x": [1, 2, None]})
    assert Condition("x", comparison, value).select(table).tolist() == kept


def test_a_sum_over_hidden_rows_is_not_told():
    small = SIZES.assign(customer_count=[60, 40, 3])
    published = publish(small, VIEW)
    assert published.read_figure("spend", how="sum").value is None
    assert published.read_figure("spend", where={"segment_name": "A"}).value == 500.0
    assert published.read_figure("spend", where={"segment_name": "C"}).value is None


def test_a_part_of_a_table_is_read_anew():
    published = publish(SIZES, VIEW)
    where = {"segment_name": "B"}
    assert published.read_figure("spend", where=where).value == 150.0
    part = published.keep(published.frame["segment_name"] != "A")
    assert part.read_figure("spend", where=where).value == 150.0
    turned = published.keep(published.frame.iloc[::-1])
    assert turned.read_figure("customer_count", where=where).value == 30
    rest = published.keep(published.frame["segment_name"] != "B")
    with pytest.raises(SegkitError, match="read from one row"):
        rest.read_figure("spend", where=where)


def test_conditions_are_met_one_after_the_other():
    table = pd.DataFrame({"kind": ["number", "text", "number"], "level": [1, "many", 5]})
    where = (Condition("kind", "==", "number"), Condition("level", ">", 2))
    assert read_cell(Cell("levels", "level", where=where), lambda name: table) == 5
    assert read_cell(Cell("levels", "", where=where, how="rows"), lambda name: table) == 1


def test_a_finding_is_the_same_after_json():
    published = publish(SIZES, VIEW)
    figure = published.read_figure(
        "spend",
        where={"segment_name": "C"},
        over=published.locate("spend", how="sum"),
        kind="share",
    )
    finding = Finding("sizes.spend", "…", (figure,), count=20, source=list_sources((figure,)))
    again = read_findings(json.loads(json.dumps(to_json_value([finding]))))[0]
    assert again == finding
    assert again.source == {"05_analysis/sizes": ("segment_name", "spend")}
    assert read_cell(again.figures[0].cell, open_sizes) == figure.value == 0.35


def test_facts_may_hold_findings_anywhere():
    finding = Finding("absence", "Nothing is known.")
    facts = to_json_value({"headline": {"Customers": finding}, "findings": [finding], "n": 1})
    assert facts["headline"]["Customers"]["text"] == "Nothing is known."
    assert facts["n"] == 1


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (Figure("n", 1, kind="count", unit="customer"), "1 customer"),
        (Figure("n", 2, kind="count", unit="category|categories"), "2 categories"),
        (Figure("n", 1234, kind="count"), "1\u202f234"),
        (Figure("s", 0.4591, kind="share"), "45.9%"),
        (Figure("s", 0.4591, kind="share", decimals=0), "46%"),
        (Figure("m", 12.5, kind="money", unit="EUR"), "EUR\u202f12.50"),
        (Figure("m", 2.5e9, kind="large", unit="EUR"), "EUR\u202f2.50 billion"),
        (Figure("d", 31, unit="days"), "31 days"),
        (Figure("d", 0.25), "0.25"),
        (Figure("d", None, kind="share"), "–"),
        (Figure("d", "2026-03-31", kind="date"), "2026-03-31"),
    ],
)
def test_a_figure_is_written_as_its_kind_says(figure, text):
    assert write_figure(figure) == text


def test_a_sentence_that_lacks_a_figure_is_an_error():
    with pytest.raises(SegkitError, match="which was not given"):
        write_finding("plan.quality.accepted")


def test_a_sentence_that_is_not_there_is_an_error():
    with pytest.raises(SegkitError, match="no such sentence"):
        find_sentence("plan.quality.nothing")


@given(st.text(max_size=30))
def test_words_from_data_are_never_read_as_places_for_figures(text):
    finding = write_finding("plan.inventory.stale", words={"tables": text})
    assert text in finding.text
