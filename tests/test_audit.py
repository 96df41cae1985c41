"""What can be worked out from several tables together is hidden too."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import milp

from segkit.core.audit import Audited, audit_table
from segkit.core.counted_parts import read_part
from segkit.core.counting import count_parts
from segkit.core.hiding import find_hidden
from segkit.core.ledger import Ledger
from segkit.core.privacy import publish_table
from segkit.core.programs import find_told
from segkit.core.shapes import Shape
from segkit.report.consent import CONSENT
from segkit.report.rules import RULES, lay_out_rules
from segkit.segmentation.rule_checks import PARTS

SIZES = Shape("sizes", by=("segment_name",))
LEVELS = Shape("levels", by=("segment_name", "value"), within=("descriptor",))


def make_levels(descriptor: str, **counts: dict[str, int]) -> pd.DataFrame:
    rows = [
        (descriptor, segment, value, count)
        for segment, values in counts.items()
        for value, count in values.items()
    ]
    columns = ["descriptor", "segment_name", "value", "customer_count"]
    return pd.DataFrame(rows, columns=columns)


def make_sizes(**counts: int) -> pd.DataFrame:
    return pd.DataFrame({"segment_name": list(counts), "customer_count": list(counts.values())})


def audit(table: pd.DataFrame, shape: Shape, ledger: Ledger) -> Audited:
    hidden = find_hidden(table, shape, ledger.smallest_cell)
    return audit_table(table, shape, hidden, ledger=ledger)


def list_hidden(table: pd.DataFrame, shape: Shape, ledger: Ledger) -> list[int]:
    audited = audit(table, shape, ledger)
    assert audited.reason == ""
    return table.loc[audited.hidden, "customer_count"].tolist()


def test_of_sizes_the_small_one_and_the_next_are_hidden():
    ledger = Ledger(5)
    assert list_hidden(make_sizes(a=60, b=40, c=3), SIZES, ledger) == [40, 3]
    assert find_told(ledger) == set()


def test_a_lone_dash_among_zeros_is_hidden_with_others_until_it_is_open():
    # Crossed schemes: beside the 3 stands nothing else in its row, so its row's total tells it.
    table = make_levels(
        "other",
        a={"x": 3, "y": 0, "z": 0},
        b={"x": 30, "y": 20, "z": 9},
        c={"x": 8, "y": 9, "z": 7},
    )
    ledger = Ledger(5)
    audited = audit(table, LEVELS, ledger)
    assert audited.reason == ""
    assert find_told(ledger) == set()
    assert audited.hidden.sum() >= 2


def test_a_total_that_a_later_table_shows_hides_more_in_that_table():
    ledger = Ledger(5)
    # Of 7 in c two levels are hidden: 3 and 4, between 1 and 6.
    levels = make_levels("gender", a={"w": 30, "m": 30}, b={"w": 20, "m": 20}, c={"w": 3, "m": 4})
    assert audit(levels, LEVELS, ledger).reason == ""
    before = len(ledger.lines)
    assert before > 0
    assert audit(make_sizes(a=60, b=40, c=7), SIZES, ledger).reason == ""
    assert find_told(ledger) == set()


def test_a_later_total_of_a_line_that_a_part_hid_whole_is_hidden():
    ledger = Ledger(5)
    counts = {"a": {"w": 30, "m": 30}, "b": {"w": 20, "m": 20}, "c": {"w": 3, "m": 1}}
    levels = make_levels("gender", **counts)
    audited = audit(levels, LEVELS, ledger)
    assert audited.hidden[levels["segment_name"] == "c"].all()
    hidden = list_hidden(make_sizes(a=60, b=40, c=4), SIZES, ledger)
    assert 4 in hidden
    assert len(hidden) > 1, "or all customers less the others would be the 4"
    assert find_told(ledger) == set()


def test_a_later_part_does_not_tell_the_size_of_a_line_that_an_earlier_one_hid_whole():
    ledger = Ledger(5)
    gender = {"a": {"w": 30, "m": 30}, "b": {"w": 20, "m": 20}, "c": {"w": 3, "m": 4}}
    audited = audit(make_levels("gender", **gender), LEVELS, ledger)
    assert audited.hidden.tolist()[4:] == [True, True]
    country = {"a": {"FI": 30, "SE": 30}, "b": {"FI": 20, "SE": 20}, "c": {"FI": 7, "SE": 0}}
    audited = audit(make_levels("country", **country), LEVELS, ledger)
    assert audited.hidden.tolist()[4], "7 of c beside 3 and 4, each from 1 to 6"


def test_what_was_hidden_in_one_table_is_hidden_in_the_next():
    ledger = Ledger(5)
    list_hidden(make_sizes(a=60, b=40, c=3), SIZES, ledger)
    again = Shape("again", by=("segment_name",), adds_up=False)
    assert list_hidden(make_sizes(a=60, b=40, c=3), again, ledger) == [40, 3]


def test_the_levels_of_a_hidden_segment_do_not_add_up_to_its_size():
    ledger = Ledger(5)
    list_hidden(make_sizes(a=60, b=40, c=3), SIZES, ledger)
    levels = make_levels("kind", a={"x": 30, "y": 30}, b={"x": 20, "y": 20}, c={"x": 3, "y": 0})
    audited = audit(levels, LEVELS, ledger)
    assert audited.reason == ""
    own = levels.assign(hidden=audited.hidden)
    assert own.loc[own["segment_name"] == "b", "hidden"].any(), "or b, and with it c, would be told"
    assert find_told(ledger) == set()


def test_a_table_that_cannot_be_shown_safely_is_left_out_with_the_reason():
    ledger = Ledger(5)
    audited = audit(make_sizes(a=3, b=3), SIZES, ledger)  # each is 1 to 5, of 6 altogether
    assert "would tell of too few customers" in audited.reason
    assert ledger.spaces == []
    assert ledger.lines == []


def test_tables_that_count_something_else_are_not_joined():
    ledger = Ledger(5)
    list_hidden(make_sizes(a=60, b=40, c=3), SIZES, ledger)
    assert list_hidden(make_sizes(a=50, b=31, c=30), SIZES, ledger) == []


def test_the_ledger_is_read_as_it_was_written():
    table = make_levels("kind", a={"x": 30, "y": 3}, b={"x": 20, "y": 20})
    parts = count_parts(table, LEVELS, find_hidden(table, LEVELS, 5))
    assert [read_part(part.to_json()) for part in parts] == parts


def make_rules(*taken: tuple[str, int, int]) -> pd.DataFrame:
    """Return what becomes of customers at rules: the segment, those taken, those taken before."""
    rows = []
    for number, (segment, own, before) in enumerate(taken, start=1):
        sizes = (own, before, 0, 0)
        for (part, condition), size in zip(PARTS.items(), sizes, strict=True):
            rows.append(("s", number, segment, condition, part, size))
    columns = ["scheme", "rule", "segment_name", "condition", "part", "customer_count"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(when="x", reads="", taken_by="", customer_share=0.5)


def test_of_a_rule_that_78_meet_and_77_take_only_those_taken_are_shown():
    table = make_rules(("a", 40, 0), ("b", 77, 1), ("c", 30, 30))
    audited = audit(table, RULES.shape, Ledger(5))
    shown = publish_table(table, RULES.shape, smallest_cell=5, also_hidden=audited.hidden)
    laid = lay_out_rules(shown).frame
    assert laid["customer_count"].tolist() == [40, 77, 30]
    assert laid["matched_count"].iloc[0] == 40
    assert pd.isna(laid["matched_count"].iloc[1]), "or the 1 who was taken before would be told"
    assert not re.search(r"\d", laid["note"].iloc[1])


def test_the_taken_of_all_rules_add_up_to_all_customers():
    table = make_rules(("a", 40, 0), ("b", 77, 20), ("c", 3, 0))
    hidden = list_hidden(table, RULES.shape, Ledger(5))
    assert sorted(hidden) == [3, 40]


@pytest.mark.parametrize("rules_first", [True, False])
def test_rules_and_the_sizes_of_their_segments_do_not_tell_of_each_other(rules_first):
    # Sizes alone would hide 3 and 40, rules alone 3 and 8: 40 is b, so 43 less 40 would be told.
    ledger = Ledger(5)
    rules = make_rules(("a", 52, 0), ("a", 8, 0), ("b", 40, 0), ("c", 3, 0))
    tables = [(rules, RULES.shape), (make_sizes(a=60, b=40, c=3), SIZES)]
    hidden = []
    for table, shape in tables if rules_first else tables[::-1]:
        audited = audit(table, shape, ledger)
        assert audited.reason == ""
        hidden += table.loc[audited.hidden, "customer_count"].tolist()
    assert hidden.count(3) == 2
    assert hidden.count(40) == 2 or 60 in hidden
    assert find_told(ledger) == set()


def test_consent_is_told_of_no_handful_by_the_answers_of_its_segment_or_of_all():
    ledger = Ledger(5)
    sizes = make_sizes(a=60, b=40, c=37)
    assert list_hidden(sizes, SIZES, ledger) == []
    answers = pd.DataFrame(
        [
            ("a", "with_consent", 50),
            ("a", "without_consent", 7),
            ("a", "unknown_consent", 3),
            ("b", "with_consent", 30),
            ("b", "without_consent", 10),
            ("b", "unknown_consent", 0),
            ("c", "with_consent", 20),
            ("c", "without_consent", 9),
            ("c", "unknown_consent", 8),
        ],
        columns=["segment_name", "answer", "customer_count"],
    )
    counts = sizes.set_index("segment_name")["customer_count"]
    answers["segment_count"] = answers["segment_name"].map(counts)
    audited = audit(answers, CONSENT.shape, ledger)
    marked = answers.assign(is_hidden=audited.hidden)
    of_a = marked[marked["segment_name"] == "a"].set_index("answer")["is_hidden"]
    assert of_a["unknown_consent"]
    assert of_a.sum() == 2, "60 less what is shown would be the 3"
    unknown = marked[marked["answer"] == "unknown_consent"].set_index("segment_name")["is_hidden"]
    assert unknown["c"], "all unknown less 8 would be the 3"
    assert find_told(ledger) == set()


grids = st.lists(st.lists(st.integers(0, 14), min_size=3, max_size=3), min_size=2, max_size=4)


@pytest.mark.slow
@pytest.mark.parametrize("order", [("sizes", "levels"), ("levels", "sizes")])
@given(grid=grids)
@settings(max_examples=60, deadline=None)
def test_no_hidden_count_can_be_worked_out_of_a_grid_and_its_totals(order, grid):
    values = {f"s{n}": dict(zip("xyz", row, strict=True)) for n, row in enumerate(grid)}
    levels = make_levels("kind", **values)
    sizes = make_sizes(**{name: sum(row.values()) for name, row in values.items()})
    ledger = Ledger(5)
    published = {}
    tables = {"sizes": (sizes, SIZES), "levels": (levels, LEVELS)}
    for name in order:
        table, shape = tables[name]
        audited = audit(table, shape, ledger)
        shown = table["customer_count"].astype(float).mask(audited.hidden)
        published[name] = None if audited.reason else shown
    if published["levels"] is None:
        return
    attack_grid(np.array(grid), published, smallest_cell=5)


def attack_grid(grid: np.ndarray, published: dict, smallest_cell: int) -> None:
    """Find the least and the most of each hidden small count, in whole numbers."""
    shown = published["levels"].to_numpy().reshape(grid.shape)
    sizes = published["sizes"]
    # Who knows that 0 is shown where it can be gives each hidden count 1 at least, unless that is
    # not so: a table that hides a 0 would have had to hide more otherwise.
    least_hidden = 0 if (np.isnan(shown) & (grid == 0)).any() else 1
    rows = []
    low = []
    high = []
    for place in range(grid.size):
        if not np.isnan(shown.ravel()[place]):
            rows.append(np.eye(grid.size)[place])
            low.append(grid.ravel()[place])
            high.append(grid.ravel()[place])
    for number in range(len(grid)):
        is_known = sizes is not None and not np.isnan(sizes.iloc[number])
        if is_known:
            line = np.zeros(grid.shape)
            line[number] = 1
            rows.append(line.ravel())
            low.append(grid[number].sum())
            high.append(grid[number].sum())
    matrix = np.array(rows) if rows else np.zeros((1, grid.size))
    ends = (low, high) if rows else ([0], [0])
    for place in np.flatnonzero(np.isnan(shown.ravel()) & (grid.ravel() < smallest_cell)):
        weights = np.eye(grid.size)[place]
        found = [
            milp(
                sign * weights,
                constraints=(matrix, *ends),
                bounds=(
                    np.where(np.isnan(shown.ravel()), least_hidden, 0),
                    np.full(grid.size, 200),
                ),
                integrality=np.ones(grid.size),
            )
            for sign in (1, -1)
        ]
        least, most = found[0].fun, -found[1].fun
        assert most - least >= smallest_cell - 1e-6


@pytest.mark.parametrize("smallest_cell", [2, 5, 10])
def test_three_levels_of_two_segments_stay_open(smallest_cell):
    table = make_levels("kind", a={"x": 40, "y": 41, "z": 1}, b={"x": 50, "y": 51, "z": 60})
    ledger = Ledger(smallest_cell)
    audited = audit(table, LEVELS, ledger)
    assert audited.hidden.sum() == 4
    assert find_told(ledger) == set()
