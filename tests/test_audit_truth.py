"""What the audit takes to be known is so: the true values solve every program, in any units."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truth_check import Watched

from segkit.core.audit import TOO_LARGE, audit_table
from segkit.core.counted_parts import Told
from segkit.core.counting import count_parts
from segkit.core.hiding import find_hidden
from segkit.core.ledger import Ledger
from segkit.core.measures import COUNT
from segkit.core.programs import AuditLimitError, find_told, list_programs
from segkit.core.shapes import Shape

SIZES = Shape("sizes", by=("segment_name",))
LEVELS = Shape("levels", by=("level",))
GRID = Shape(
    "grid",
    by=("segment_name", "level"),
    measures={"of_segment": COUNT, "of_level": COUNT, "of_all": COUNT, "level_share": COUNT},
)
SHARES = ("of_segment", "of_level", "of_all", "level_share")


def audit(table, shape, ledger, **roundings: float):
    hidden = find_hidden(table, shape, ledger.smallest_cell)
    return audit_table(table, shape, hidden, ledger=ledger, roundings=roundings)


def make_grid(counts: list[list[int]]) -> pd.DataFrame:
    rows = [
        (f"s{segment}", f"l{level}", count)
        for segment, line in enumerate(counts)
        for level, count in enumerate(line)
    ]
    return pd.DataFrame(rows, columns=["segment_name", "level", "customer_count"])


def add_others(grid: pd.DataFrame, smallest_cell: int) -> pd.DataFrame:
    """Add counts and shares that rows have beside their own, missing where groups are small."""
    count = grid["customer_count"]
    segment = count.groupby(grid["segment_name"]).transform("sum")
    level = count.groupby(grid["level"]).transform("sum")
    total = count.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return grid.assign(
            segment_count=segment.where(segment >= smallest_cell),
            level_count=level.where(level >= smallest_cell),
            of_segment=count / segment,
            of_level=count / level,
            of_all=count / total,
            level_share=level / total,
        )


def sum_up(grid: pd.DataFrame, column: str) -> pd.DataFrame:
    return grid.groupby(column, as_index=False)["customer_count"].sum()


grids = st.integers(2, 4).flatmap(
    lambda width: st.lists(
        st.lists(st.one_of(st.just(0), st.integers(0, 14)), min_size=width, max_size=width),
        min_size=2,
        max_size=4,
    )
)


@pytest.mark.slow
@given(
    grid=grids.filter(lambda rows: sum(map(sum, rows)) > 0),
    order=st.permutations(["sizes", "levels", "grid", "again"]),
    shown=st.sets(st.sampled_from([*SHARES, "segment_count", "level_count"])),
    step=st.sampled_from([0.001, 0.01, 0.1]),
)
@settings(max_examples=150, deadline=None)
def test_true_counts_solve_every_program_of_drawn_tables(grid, order, shown, step):
    table = add_others(make_grid(grid), 5)
    shape = Shape(**{**vars(GRID), "shown": tuple(sorted(shown))})
    tables = {
        "sizes": (sum_up(table, "segment_name"), SIZES),
        "levels": (sum_up(table, "level"), LEVELS),
        "grid": (table, shape),
        "again": (table.sample(frac=1, random_state=0), Shape(**{**vars(GRID), "name": "again"})),
    }
    ledger = Ledger(5)
    with Watched() as seen:
        for name in order:
            audit(*tables[name], ledger, **dict.fromkeys(SHARES, step))
    assert seen.list_false() == []


@pytest.mark.slow
@given(
    grid=grids,
    unit=st.sampled_from([0.01, 0.1, 17.3, 1e4, 1e9]),
    seed=st.integers(0, 1000),
    step=st.sampled_from([0.01, 1.0]),
)
@settings(max_examples=100, deadline=None)
def test_true_amounts_solve_every_program_of_drawn_tables(grid, unit, seed, step):
    random = np.random.default_rng(seed)
    table = make_grid(grid)
    # A sum of this many floats is not the same in every order.
    parts = [random.uniform(0, unit, count) for count in table["customer_count"]]
    table["total_spend"] = [float(one.sum()) for one in parts]
    months = table.groupby("segment_name", as_index=False)[["customer_count", "total_spend"]].sum()
    ledger = Ledger(5)
    with Watched() as seen:
        for one, shape in ((months, SIZES), (table, GRID), (table[::-1], GRID)):
            done = audit(one, shape, ledger, total_spend=step)
            assert done.reason != TOO_LARGE
    assert seen.list_false() == []


def test_the_programs_of_such_tables_hold_much():
    ledger = Ledger(5)
    table = add_others(make_grid([[3, 20, 9], [40, 2, 0], [5, 4, 30]]), 5)
    with Watched() as seen:
        audit(sum_up(table, "segment_name"), SIZES, ledger)
        audit(table, GRID, ledger)
    assert any(len(program.equations) > 5 for program in seen.programs)
    assert seen.list_false() == []


# What was once wrongly taken to be known


def make_consent(known: bool) -> tuple[pd.DataFrame, Shape]:
    """Nobody was asked; of one segment it is not known how many it has."""
    rows = [
        (segment, answer, count if answer == "unknown" else 0, count)
        for segment, count in (("a", 431), ("b", 704), ("c", 4))
        for answer in ("yes", "no", "unknown")
    ]
    columns = ["segment_name", "answer", "customer_count", "segment_count"]
    table = pd.DataFrame(rows, columns=columns)
    if not known:
        table["segment_count"] = table["segment_count"].where(table["segment_name"] != "c")
    shape = Shape("consent", by=("segment_name", "answer"), shown=("segment_count",))
    return table, shape


@pytest.mark.parametrize("known", [True, False])
def test_a_count_that_is_not_known_everywhere_counts_no_other_group(known):
    table, shape = make_consent(known)
    (part,) = count_parts(table, shape, pd.Series(False, index=table.index))
    exact = [told for told in part.told if told.is_exact]
    assert [told.columns for told in exact] == [(0,)], "the segments, and not the answers"
    assert len(exact) == len(part.told)


def test_nor_does_it_leave_its_table_out():
    ledger = Ledger(5)
    sizes = pd.DataFrame({"segment_name": list("abc"), "customer_count": [431, 704, 4]})
    audit(sizes, SIZES, ledger)
    table, shape = make_consent(known=False)
    with Watched() as seen:
        audited = audit(table, shape, ledger)
    assert seen.programs
    assert seen.list_false() == []
    assert audited.reason != TOO_LARGE


def test_a_count_that_only_a_later_row_shows_is_known():
    table, shape = make_consent(known=True)
    table.loc[0, "segment_count"] = np.nan
    ledger = Ledger(5)
    audit(table, Shape("consent", by=shape.by), ledger)
    own = [space for space in ledger.spaces if space.dimensions == {"segment_name"}]
    assert own[0].counts["a",] == 431


def test_a_share_of_nobody_is_no_share_of_somebody():
    table = make_grid([[6, 20], [7, 30]]).assign(base_share=[0.06, 0.2, 0.07, 0.3])
    table["other_count"] = [100, 100, 100, 0]
    (part,) = count_parts(table, GRID, pd.Series(False, index=table.index))
    for told in part.told:
        assert told.high[3] > 0


def test_a_share_lies_around_what_is_shown_of_it():
    # 3 of 1000 are shown as 0%, so it may be nobody, and five at most.
    table = make_grid([[3, 497], [200, 300]])
    table = table.assign(of_all=table["customer_count"] / 1000)
    shape = Shape(**{**vars(GRID), "shown": ("of_all",)})
    hidden = pd.Series([True, False, False, False])
    (part,) = count_parts(table, shape, hidden, roundings={"of_all": 0.01})
    own = [told for told in part.told if told.columns == (0, 1) and told.whole is None]
    assert own
    for told in own:
        assert told.low[0] == 0
        assert told.high[0] == pytest.approx(5, abs=0.01)


def test_what_is_false_leaves_the_table_out_in_words():
    table = make_grid([[3, 20, 4], [40, 2, 9]])
    ledger = Ledger(5)
    (part,) = count_parts(table, GRID, pd.Series([True, False, True, False, True, True]))
    wrong = Told((0, 1), (9.0,) * 6, (11.0,) * 6, always=True)
    ties = ledger.add(part.__class__(**{**vars(part), "told": (wrong,)}))
    false = [one for program in list_programs(ledger, ties) for one in program.list_false()]
    assert len(false) >= 3
    with pytest.raises(AuditLimitError):
        find_told(ledger, ties)


# Numbers of any size


@pytest.mark.parametrize("size", [1e-2, 1.0, 1e4, 1e8, 1e12])
def test_amounts_of_any_size_are_as_open_as_others(size):
    table = make_grid([[7, 20, 30], [40, 8, 90], [50, 60, 70]])
    table["total_spend"] = table["customer_count"] * 10 * size
    ledger = Ledger(5)
    audited = audit(table, GRID, ledger)
    assert audited.reason == ""
    assert find_told(ledger.amounts) == set()
    assert list_programs(ledger.amounts)
    assert sum(len(space.hidden) for space in ledger.amounts.spaces) == 4
