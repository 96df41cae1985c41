"""What no single file can show: it looks like a good table, and is that of another world."""

from __future__ import annotations

import datetime
import random

from tests.doors.case import Case
from tests.doors.kinds.registry import draw_lines, kind


@kind("all amounts in cents", ("cents", "hundred"), ("unit_price",), unseen=True)
def all_in_cents(rng: random.Random) -> Case:
    """Every price is a hundred times what it was."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    lines["unit_price"] = (100 * lines["unit_price"]).round()
    return case


@kind("all amounts with tax", ("tax",), ("unit_price",), unseen=True)
def all_with_tax(rng: random.Random) -> Case:
    """Every price has the tax in it, and no name says so."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    lines["unit_price"] = (1.24 * lines["unit_price"]).round(2)
    return case


@kind("all times of another clock", ("zone", "utc"), ("ordered_at",), unseen=True)
def other_clock(rng: random.Random) -> Case:
    """All times are those of Greenwich, and none says so."""
    case = draw_lines(rng, {"date": "iso time"})
    lines = case.tables["order_lines"]
    lines["ordered_at"] = lines["ordered_at"] - datetime.timedelta(hours=3)
    return case


@kind("rows that were never exported", ("rows",), unseen=True)
def missing_rows(rng: random.Random) -> Case:
    """A filter was on: the rows of a half of the orders are not there."""
    case = draw_lines(rng, rows=240)
    lines = case.tables["order_lines"]
    ids = sorted(set(lines["order_id"]))
    kept = set(rng.sample(ids, len(ids) // 2))
    case.tables["order_lines"] = lines[lines["order_id"].isin(kept)].reset_index(drop=True)
    return case


@kind("a file cut within the last number", ("cut",), unseen=True)
def cut_number(rng: random.Random) -> Case:
    """The last cell of the file has lost digits."""
    case = draw_lines(rng, {"container": "csv", "encoding": "utf-8", "last_end": True})
    lines = case.tables["order_lines"]
    lines.drop(columns="description", inplace=True)
    lines.loc[len(lines) - 1, "unit_price"] = 1234.56
    from tests.doors.kinds.registry import set_truth

    set_truth(case, case.tables)
    end = case.style.line_end.encode()
    case.byte_edits["order_lines"] = lambda content: content.removesuffix(end).rstrip(b'"')[:-4]
    return case


@kind("identifiers given to somebody else", ("identifier",), ("customer_id",), unseen=True)
def reused_ids(rng: random.Random) -> Case:
    """The shop gives the number of a customer who left to a new one."""
    case = draw_lines(rng)
    lines = case.tables["order_lines"]
    ids = sorted(set(lines["customer_id"]))
    half = len(ids) // 2
    again = dict(zip(ids[half : 2 * half], ids[:half], strict=True))
    lines["customer_id"] = [again.get(one, one) for one in lines["customer_id"]]
    return case
