"""What a file holds that is not read is named: sheets, columns, lines above the header."""

from __future__ import annotations

import openpyxl
import pandas as pd
import pytest
from openpyxl.chart import BarChart
from small_plans import GOOD_LINES, HEADER, make_plan, write_lines

from segkit.core.errors import SegkitError
from segkit.data.checks import check_plan, prepare_tables

NAMES = HEADER.split(",")


def check(folder, spec):
    report = check_plan(make_plan(folder, {"order_lines": spec}))
    return report.problems, report.found.set_index("rule")


def make_frame(year: int) -> pd.DataFrame:
    rows = [line.replace("2024", str(year)).split(",") for line in GOOD_LINES]
    return pd.DataFrame(rows, columns=NAMES)


def write_book(path, **sheets):
    with pd.ExcelWriter(path) as book:
        for name, frame in sheets.items():
            frame.to_excel(book, sheet_name=name, index=False)


class TestSheets:
    """A workbook's other sheets are named."""

    def test_a_sheet_with_the_same_columns_is_warned_of(self, tmp_path):
        write_book(tmp_path / "book.xlsx", y2024=make_frame(2024), y2023=make_frame(2023))
        problems, found = check(tmp_path, "book.xlsx")
        assert problems == []
        told = found.loc["same_columns_in_sheet"]
        assert (told["severity"], told["row_count"]) == ("warning", 3)
        assert "'y2023' has the same columns as 'y2024'" in told["reason"]

    def test_it_is_a_note_where_the_plan_names_its_sheet(self, tmp_path):
        write_book(tmp_path / "book.xlsx", y2024=make_frame(2024), y2023=make_frame(2023))
        _, found = check(tmp_path, {"path": "book.xlsx", "sheet": "y2023"})
        assert found.loc["same_columns_in_sheet", "severity"] == "note"

    def test_other_sheets_are_noted_and_empty_ones_are_not(self, tmp_path):
        about = pd.DataFrame({"made by": ["the till"], "on": ["Monday"]})
        write_book(tmp_path / "book.xlsx", lines=make_frame(2024), about=about, no=pd.DataFrame())
        _, found = check(tmp_path, "book.xlsx")
        told = found.loc["sheet_not_read"]
        assert told["severity"] == "note"
        assert "not 'about'." in told["reason"]
        assert "same_columns_in_sheet" not in found.index

    def test_a_sheet_of_a_chart_is_no_sheet_of_rows(self, tmp_path):
        write_book(tmp_path / "book.xlsx", lines=make_frame(2024))
        book = openpyxl.load_workbook(tmp_path / "book.xlsx")
        book.create_chartsheet("chart").add_chart(BarChart())
        book.save(tmp_path / "book.xlsx")
        problems, found = check(tmp_path, "book.xlsx")
        assert problems == []
        assert found.empty


def test_failed_formulas_of_a_sheet_are_counted_though_their_cells_read_as_empty(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append([])
    for row in (["", "Id", "Wine", "note"], ["", "a", 1.5, 2], ["", "b", "#DIV/0!", "#N/A"]):
        sheet.append(row)
    sheet.append(["", "c", "#DIV/0!", ""])
    for cell in ("C4", "C5", "D4"):
        sheet[cell].data_type = "e"
    book.save(tmp_path / "c.xlsx")
    columns = {"customer_id": "Id"}
    spec = {"path": "c.xlsx", "columns": columns, "features": {"wine": "Wine"}}
    found = check_plan(make_plan(tmp_path, {"customers": spec})).found.set_index("rule")
    assert found["row_count"].to_dict() == {"failed_formula_wine": 2}
    assert found.loc["failed_formula_wine", "severity"] == "note"


class TestColumns:
    """Columns that cannot be named by the plan are named by place or by name."""

    def test_a_column_without_a_name_is_told_by_its_place_where_it_holds_values(self, tmp_path):
        lines = [f"{n},{line},," for n, line in enumerate(GOOD_LINES)]
        lines[1] = lines[1][:-1] + "left over,"
        write_lines(tmp_path, *lines, header=f",{HEADER},,note")
        problems, found = check(tmp_path, "lines.csv")
        assert problems == []
        told = found.loc["column_without_name"]
        assert (told["severity"], told["row_count"]) == ("note", 3)
        assert "by place: 1 (3), 8 (1)." in told["reason"]

    def test_an_empty_column_without_a_name_is_not_worth_a_word(self, tmp_path):
        write_lines(tmp_path, *(f"{line},," for line in GOOD_LINES), header=f"{HEADER},,note")
        _, found = check(tmp_path, "lines.csv")
        assert found.empty

    def test_a_column_of_a_sheet_without_a_name_is_told(self, tmp_path):
        frame = make_frame(2024)
        frame[""] = ["x", None, "y"]
        write_book(tmp_path / "book.xlsx", lines=frame)
        _, found = check(tmp_path, "book.xlsx")
        assert found.loc["column_without_name", "row_count"] == 2

    def test_two_columns_of_one_name_are_passed_over_unless_they_are_read(self, tmp_path):
        lines = [f"{line},a,b" for line in GOOD_LINES]
        write_lines(tmp_path, *lines, header=f"{HEADER},custom,custom")
        problems, found = check(tmp_path, "lines.csv")
        assert problems == []
        assert found.loc["columns_of_one_name", "severity"] == "note"
        columns = {"description": "custom"}
        problems, _ = check(tmp_path, {"path": "lines.csv", "columns": columns})
        assert "two columns are called 'custom'" in str(problems[0])


class TestHeaders:
    """Lines above the names of the columns, and names that stand among the rows."""

    @pytest.mark.parametrize(
        ("above", "line"),
        [("Sales 2024;;\n;;\n", 3), ("sep=;\n", 2), ("Report\nPrinted on Monday, at noon\n\n", 4)],
    )
    def test_the_line_in_which_the_names_stand_is_named(self, tmp_path, above, line):
        text = "\n".join([HEADER, *GOOD_LINES]).replace(",", ";")
        (tmp_path / "lines.csv").write_text(above + text + "\n")
        problems, _ = check(tmp_path, "lines.csv")
        assert len(problems) == 1
        assert f"the names of the columns stand in line {line}, not in the first" in str(
            problems[0]
        )

    def test_the_line_of_a_sheet_is_counted_from_its_top(self, tmp_path):
        rows = [["Till 7"], [None], NAMES, *(line.split(",") for line in GOOD_LINES)]
        frame = pd.DataFrame(rows)
        frame.to_excel(tmp_path / "till.xlsx", index=False, header=False, startrow=2)
        problems, _ = check(tmp_path, "till.xlsx")
        assert "stand in line 5" in str(problems[0])

    def test_names_that_stand_nowhere_are_missing_as_ever(self, tmp_path):
        write_lines(tmp_path, header=HEADER.replace("order_id", "number"))
        problems, _ = check(tmp_path, "lines.csv")
        assert "the column order_id is missing" in str(problems[0])

    def test_a_header_among_the_rows_is_set_aside_and_tells_nothing_of_the_values(self, tmp_path):
        text = "Id,Wine\na,1\nb,2.5\nid,wine\nc,3\n"
        (tmp_path / "c.csv").write_text(text)
        spec = {"path": "c.csv", "columns": {"customer_id": "Id"}, "features": "all"}
        prepared = prepare_tables(make_plan(tmp_path, {"customers": spec}), tmp_path / "run")
        table = pd.read_parquet(prepared.paths["customers"])
        assert table["wine"].tolist() == [1.0, 2.5, 3.0]
        told = prepared.quality.set_index("rule").loc["repeated_header"]
        assert (told["severity"], told["row_count"]) == ("reject", 1)

    def test_a_header_among_the_rows_with_its_names_in_another_order_is_refused(self, tmp_path):
        moved = HEADER.split(",")
        moved[0], moved[2] = moved[2], moved[0]
        write_lines(tmp_path, *GOOD_LINES, ",".join(moved), "C1,P1,9,2024-01-05,2,10.00")
        problems, _ = check(tmp_path, "lines.csv")
        told = "lines.csv, data row 4: a row repeats the names of the columns in another order"
        assert told in str(problems[0])


@pytest.mark.parametrize(
    "call", ["read_json('people.json')", "'people.json'", "read_text('d.csv')"]
)
def test_a_query_reads_no_file_that_is_not_listed_and_so_watched(tmp_path, call):
    (tmp_path / "people.json").write_text('[{"customer_id": "a", "score": 1}]')
    (tmp_path / "d.csv").write_text("x\n1\n")
    spec = {"query": f"SELECT * FROM {call}", "files": {"d": "d.csv"}, "features": "all"}
    with pytest.raises(SegkitError, match="query"):
        prepare_tables(make_plan(tmp_path, {"customers": spec}), tmp_path / "run")


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
def test_a_file_in_utf8_that_the_plan_calls_something_else_is_warned_of(tmp_path, encoding):
    lines = [f"{line},Malmö" for line in GOOD_LINES]
    write_lines(tmp_path, *lines, header=f"{HEADER},country")
    _, found = check(tmp_path, {"path": "lines.csv", "encoding": encoding})
    told = found.loc["other_encoding"]
    assert (told["severity"], told["row_count"]) == ("warning", 3)
    path = tmp_path / "lines.csv"
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp1252"))
    _, found = check(tmp_path, {"path": "lines.csv", "encoding": encoding})
    assert found.empty


class TestTellingColumns:
    """A column that changes what a sale is, by its name, and that nothing reads, is warned of."""

    @pytest.mark.parametrize(
        ("name", "value", "rule"),
        [
            ("Refunded Amount", "4.50", "refunds_not_read"),
            ("CancelledAt", "2024-02-03", "cancellations_not_read"),
            ("order_discount", "5", "order_discounts_not_read"),
            ("Bestellstatus", "storniert", "status_not_read"),
        ],
    )
    def test_it_is_named_with_the_line_to_write(self, tmp_path, name, value, rule):
        lines = [f"{GOOD_LINES[0]},{value}", *(f"{line}," for line in GOOD_LINES[1:])]
        write_lines(tmp_path, *lines, header=f"{HEADER},{name}")
        problems, found = check(tmp_path, "lines.csv")
        assert problems == []
        assert (found.loc[rule, "severity"], found.loc[rule, "row_count"]) == ("warning", 1)
        assert f"'{name}'" in found.loc[rule, "reason"]

    @pytest.mark.parametrize(("name", "value"), [("Refunded Amount", "0.00"), ("Colour", "red")])
    def test_zeros_and_other_names_are_not(self, tmp_path, name, value):
        lines = [f"{line},{value}" for line in GOOD_LINES]
        write_lines(tmp_path, *lines, header=f"{HEADER},{name}")
        _, found = check(tmp_path, "lines.csv")
        assert not set(found.index) & {"refunds_not_read", "status_not_read"}

    def test_one_that_the_plan_maps_is_not(self, tmp_path):
        lines = [f"{line},paid" for line in GOOD_LINES]
        write_lines(tmp_path, *lines, header=f"{HEADER},Order Status")
        _, found = check(tmp_path, {"path": "lines.csv", "columns": {"status": "Order Status"}})
        assert "status_not_read" not in found.index
