"""Faults of whole files: cut, shifted, put together, with more above, below or beside the table."""

from __future__ import annotations

import csv
import random

from tests.doors.case import Case
from tests.doors.kinds.registry import draw_lines, draw_people, kind, pick
from tests.doors.styles import Grid, make_grid

FIELDS = ("number of fields", "open quote", "malformed")
TEXT = {"container": "csv", "typed": False}
SHIFTED = ("not a number", "not a date", "there is no", "no .* and no", "number of fields")
HEADER = ("header", "names")


def edit_grid(case: Case, change, table: str = "order_lines") -> Case:
    """Let a function change the rows as they are written."""
    case.grid_edits[table] = change
    return case


@kind("an extra delimiter in some lines", FIELDS, set_aside=FIELDS, core=True)
def extra_delimiter(rng: random.Random) -> Case:
    """A description with the delimiter in it was written without quotes."""
    case = draw_lines(rng, {**TEXT, "quoting": csv.QUOTE_MINIMAL})
    rows = pick(rng, case.tables["order_lines"], 0.02, 0.2)
    place = rng.randint(1, 5)

    def change(grid: Grid) -> Grid:
        for row in rows:
            grid[row + 1].insert(place, rng.choice(["", "small", "x"]))
        return grid

    return edit_grid(case, change)


@kind("cells shifted in some lines", SHIFTED, set_aside=SHIFTED, core=True)
def shifted(rng: random.Random) -> Case:
    """A cell too many pushed the last one out, so that the number of cells is right."""
    case = draw_lines(rng, {"typed": False})
    rows = pick(rng, case.tables["order_lines"], 0.02, 0.3)
    place = rng.randint(0, 5)
    way = rng.choice(["right", "left"])

    def change(grid: Grid) -> Grid:
        for row in rows:
            cells = grid[row + 1]
            if way == "right":
                grid[row + 1] = [*cells[:place], "", *cells[place:-1]]
            else:
                grid[row + 1] = [*cells[:place], *cells[place + 1 :], ""]
        return grid

    return edit_grid(case, change)


CUT = (
    *FIELDS,
    "cut",
    "cannot be read",
    "not a whole",
    "not an excel file",
    "broken",
    "ended before",
)


@kind("a file cut inside a record", CUT, set_aside=FIELDS, core=True)
def cut(rng: random.Random) -> Case:
    """A download broke off."""
    container = rng.choice(["csv", "csv", "csv", "gz", "parquet", "xlsx"])
    case = draw_lines(rng, {"container": container, "encoding": "utf-8"})
    share = rng.uniform(0.5, 0.95)
    delimiter = case.style.delimiter.encode()

    def cut_bytes(content: bytes) -> bytes:
        if container != "csv":
            return content[: round(len(content) * share)]
        lines = content.split(case.style.line_end.encode())
        last = round(len(lines) * share)
        cells = lines[last].split(delimiter)
        # Within one of the first cells, so that the record has not all of them.
        kept = delimiter.join(cells[: rng.randint(1, 4)])
        return case.style.line_end.encode().join([*lines[:last], kept[:-1]])

    case.byte_edits["order_lines"] = cut_bytes
    return case


@kind("an open quote", FIELDS, set_aside=FIELDS)
def open_quote(rng: random.Random) -> Case:
    """A quote that nobody closed swallows what follows."""
    case = draw_lines(rng, {**TEXT, "quoting": csv.QUOTE_MINIMAL, "encoding": "utf-8"})
    place = rng.randint(5, 60)

    def put_quote(content: bytes) -> bytes:
        end = case.style.line_end.encode()
        lines = content.split(end)
        cells = lines[place].split(case.style.delimiter.encode())
        cells[2] = b'"' + cells[2]
        lines[place] = case.style.delimiter.encode().join(cells)
        return end.join(lines)

    case.byte_edits["order_lines"] = put_quote
    return case


@kind("a further sheet", ("sheet",), core=True)
def further_sheet(rng: random.Random) -> Case:
    """A workbook has a sheet a year, and one is read."""
    case = draw_lines(rng, {"container": "xlsx", "typed": rng.random() < 0.7})
    lines = case.tables["order_lines"]
    half = len(lines) // 2
    case.sheets["More"] = make_grid(lines.iloc[half:], case.style)
    case.tables["order_lines"] = lines.iloc[:half].reset_index(drop=True)
    return case


@kind("a title above the header", (*HEADER, "column"), core=True)
def title(rng: random.Random) -> Case:
    """A report has a title, the day of printing and an empty row above its header."""
    container = rng.choice(["csv", "xlsx"])
    case = draw_lines(rng, {"container": container})
    above = rng.choice(
        [["Sales by customer"], ["Export", "Printed on 2025-01-02"], ["Bericht 2024"]]
    )

    def change(grid: Grid) -> Grid:
        width = len(grid[0])
        rows: Grid = [[text] + [""] * (width - 1) for text in above]
        return [*rows, *([[""] * width] if rng.random() < 0.5 else []), *grid]

    return edit_grid(case, change)


@kind(
    "a row of units below the header",
    ("header", "not a number", "unit"),
    set_aside=("not a number",),
)
def units(rng: random.Random) -> Case:
    """A second header says in what the columns are."""
    case = draw_lines(rng, {"typed": False})

    def change(grid: Grid) -> Grid:
        return [grid[0], ["text" if rng.random() < 0.5 else "(unit)" for _ in grid[0]], *grid[1:]]

    return edit_grid(case, change)


@kind(
    "two files in one, with the header between",
    HEADER,
    set_aside=(*HEADER, "not a number", "not a date"),
    core=True,
)
def header_between(rng: random.Random) -> Case:
    """Two exports were put together; the second one's header is a row."""
    case = draw_lines(rng, {"typed": False})
    place = rng.randint(10, 60)
    return edit_grid(case, lambda grid: [*grid[:place], list(grid[0]), *grid[place:]])


@kind("two files in one, with columns in two orders", HEADER, core=True)
def two_column_orders(rng: random.Random) -> Case:
    """The second of two exports, put together, has its columns in another order."""
    case = draw_lines(rng, {"typed": False, "encoding": "utf-8"})
    place = rng.randint(20, 60)
    one, other = rng.choice([(0, 2), (0, 1), (1, 2)])

    def change(grid: Grid) -> Grid:
        second = [list(row) for row in [grid[0], *grid[place:]]]
        for row in second:
            row[one], row[other] = row[other], row[one]
        return [*grid[:place], *second]

    case = edit_grid(case, change)
    case.truth = {
        key: case.truth[key]
        for key in ("lines.orders", "lines.spend_by_customer", "lines.products")
    }
    return case


@kind(
    "a footer below the rows",
    (*FIELDS, "there is no"),
    set_aside=(*FIELDS, "there is no", "not a number"),
)
def footer(rng: random.Random) -> Case:
    """The last line says who exported the file and when."""
    case = draw_lines(rng, {"container": rng.choice(["csv", "xlsx"]), "typed": False})
    text = rng.choice(
        ["Exported on 2025-01-02 by Ann", "183 rows", "© Shop Oy", "-- end of report --"]
    )

    def change(grid: Grid) -> Grid:
        width = len(grid[0]) if case.style.container == "xlsx" else rng.choice([1, len(grid[0])])
        return [*grid, [text] + [""] * (width - 1)]

    return edit_grid(case, change)


@kind(
    "the plan names another encoding",
    ("encoding", "column", "accent"),
    ("city", "encoding", "customers"),
)
def wrong_encoding(rng: random.Random) -> Case:
    """A file in UTF-8 is declared as Windows-1252: Malmö becomes MalmÃ¶."""
    case = draw_people(rng, {**TEXT, "encoding": "utf-8", "declared": ()})
    case.spec["customers"] = [f'encoding = "{rng.choice(["cp1252", "latin-1"])}"']
    case.naive_encoding = "cp1252"
    return case


@kind("some lines in another encoding", ("encoding",))
def mixed_encoding(rng: random.Random) -> Case:
    """Half of a file is in UTF-8, the rest in Windows-1252."""
    case = draw_people(rng, {**TEXT, "encoding": "utf-8", "declared": (), "spelling": "words"})

    def mix(content: bytes) -> bytes:
        lines = content.split(b"\n")
        half = len(lines) // 2
        late = [line.decode("utf-8").encode("cp1252", "replace") for line in lines[half:]]
        return b"\n".join([*lines[:half], *late])

    case.byte_edits["customers"] = mix
    return case


@kind("columns named twice", ("two columns", "same name", "twice", "called"), core=False)
def named_twice(rng: random.Random) -> Case:
    """Two columns are called alike, and the second has other amounts."""
    case = draw_lines(rng, {"typed": False, "container": rng.choice(["csv", "gz", "xlsx"])})
    price = list(case.tables["order_lines"]).index("unit_price")

    def change(grid: Grid) -> Grid:
        return [
            [*row[:price], row[price], *row[price + 1 :], row[price] if n == 0 else "1"]
            for n, row in enumerate(grid)
        ]

    case = edit_grid(case, change)
    case.naive_last_name = True
    return case
