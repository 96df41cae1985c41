"""What several tables tell together: by other names, by shares, by limits, and of amounts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from segkit.core.audit import audit_table
from segkit.core.counting import count_parts
from segkit.core.hiding import find_hidden
from segkit.core.ledger import Ledger, read_ledger
from segkit.core.measures import COUNT
from segkit.core.privacy import publish_table
from segkit.core.programs import find_told
from segkit.core.shapes import Limit, Shape

NAMED = Shape("named", by=("segment_name",), adds_up=False)
NUMBERED = Shape("numbered", by=("segment",), shown=("segment_name",))
SPEND = Shape("spend", by=("segment_name",))
GRID = Shape("grid", by=("segment_name", "month"), repeats=True)


def audit(table, shape, ledger):
    hidden = find_hidden(table, shape, ledger.smallest_cell)
    return audit_table(table, shape, hidden, ledger=ledger)


def number_sizes(**counts: int) -> pd.DataFrame:
    table = pd.DataFrame({"segment_name": list(counts), "customer_count": list(counts.values())})
    return table.assign(segment=range(1, len(table) + 1))


# By other names


def test_a_segment_that_is_hidden_by_number_is_hidden_by_name():
    ledger = Ledger(5)
    numbered = audit(number_sizes(a=60, b=40, c=3), NUMBERED, ledger)
    assert numbered.hidden.tolist() == [False, True, True]
    named = audit(number_sizes(a=60, b=40, c=3)[::-1], NAMED, ledger)
    assert named.hidden.tolist() == [True, True, False]


def test_and_the_other_way_round_where_two_are_as_large():
    ledger = Ledger(5)
    table = number_sizes(a=40, b=60, c=40, d=3).drop(columns="segment")
    first = audit(table, Shape("named", by=("segment_name",)), ledger)
    assert first.hidden.tolist() == [True, False, False, True]
    numbers = number_sizes(d=3, c=40, b=60, a=40)
    second = audit(numbers, replace(NUMBERED, adds_up=False), ledger)
    assert second.hidden.tolist() == [True, False, False, True], "a, and not c of as many"


def test_tables_of_the_same_counts_are_taken_for_the_same_groups():
    ledger = Ledger(5)
    paths = pd.DataFrame({"path": ["x", "y", "z"], "customer_count": [3, 60, 40]})
    hidden = audit(paths, Shape("paths", by=("path",)), ledger).hidden
    assert hidden.tolist() == [True, False, True]
    others = pd.DataFrame({"node": ["1", "2", "3"], "customer_count": [40, 60, 3]})
    audited = audit(others, Shape("nodes", by=("node",)), ledger)
    assert audited.hidden.tolist() == [True, False, True]
    assert find_told(ledger) == set()


def test_what_an_earlier_table_shows_by_another_name_is_known():
    # The first table says 40 of b; the second would hide 40 and 3, of 103 altogether.
    ledger = Ledger(5)
    assert audit(number_sizes(a=60, b=40, c=3), NAMED, ledger).hidden.sum() == 1
    audited = audit(number_sizes(a=60, b=40, c=3), NUMBERED, ledger)
    assert "would tell of too few" in audited.reason


# Shares


def make_grid(shares: list[float] | None = None) -> pd.DataFrame:
    rows = [(segment, level) for segment in "ab" for level in "xyz"]
    table = pd.DataFrame(rows, columns=["segment_name", "level"]).assign(feature="f")
    table["customer_count"] = [40, 9, 1, 40, 11, 2]
    totals = table.groupby("level")["customer_count"].transform("sum")
    return table.assign(base_share=totals / 103 if shares is None else shares)


LEVELS = Shape("levels", by=("level",), within=("feature",))
BY_SEGMENT = Shape(
    "by_segment", by=("segment_name", "level"), within=("feature",), measures={"base_share": COUNT}
)


def make_levels() -> pd.DataFrame:
    return pd.DataFrame({"feature": "f", "level": list("xyz"), "customer_count": [80, 20, 3]})


def test_a_share_of_a_hidden_count_is_not_shown_beside_another_row():
    ledger = Ledger(5)
    assert audit(make_levels(), LEVELS, ledger).hidden.tolist() == [False, True, True]
    table = make_grid()
    audited = audit(table, BY_SEGMENT, ledger)
    if not audited.reason:
        assert audited.hidden[table["level"].isin(["y", "z"])].all(), "19.4% of 103 are the 20"
    assert find_told(ledger) == set()


@pytest.mark.parametrize("is_rest", [False, True])
def test_a_share_that_stays_beside_a_hidden_row_leaves_the_table_out(is_rest):
    ledger = Ledger(5)
    audit(make_levels(), LEVELS, ledger)
    table = make_grid()
    if is_rest:
        table["base_share"] = 1 - table["base_share"]
    shape = replace(BY_SEGMENT, shown=("base_share",))
    assert audit(table, shape, ledger).reason


def test_a_share_that_is_written_too_coarsely_to_tell_may_stay():
    ledger = Ledger(5)
    audit(make_levels(), LEVELS, ledger)
    shape = replace(BY_SEGMENT, shown=("base_share",))
    table = make_grid()
    hidden = find_hidden(table, shape, 5)
    coarse = audit_table(table, shape, hidden, ledger=ledger, roundings={"base_share": 0.5})
    assert not coarse.reason
    assert find_told(ledger) == set()


def test_a_share_of_the_row_before_tells_that_row():
    shape = Shape("steps", by=("step",), adds_up=False, measures={"step_share": COUNT})
    ledger = Ledger(5)
    earlier = pd.DataFrame({"step": ["all", "some", "few"], "customer_count": [90, 40, 3]})
    audit(earlier, replace(shape, adds_up=True), ledger)
    table = earlier.assign(step_share=[np.nan, 40 / 90, 3 / 40])
    (part,) = count_parts(table, shape, pd.Series([False, True, True]))
    assert any(told.is_of_row_before for told in part.told)
    audited = audit(table, shape, ledger)
    assert audited.hidden.tolist() == [False, True, True]


def test_a_count_that_stands_beside_another_row_is_hidden_with_that():
    ledger = Ledger(5)
    audit(number_sizes(a=60, b=40, c=3), Shape("sizes", by=("segment_name",)), ledger)
    answers = pd.DataFrame(
        {
            "segment_name": ["a", "a", "b", "b"],
            "answer": ["yes", "no"] * 2,
            "customer_count": [30, 30, 20, 20],
            "segment_count": [60, 60, 40, 40],
        }
    )
    shape = Shape("answers", by=("segment_name", "answer"), adds_up=False)
    assert audit(answers, shape, ledger).hidden.tolist() == [False, False, True, True]


# Limits


def make_steps(done: list[int], before: list[int]) -> pd.DataFrame:
    rows = [("done", n, count) for n, count in enumerate(done, start=1)]
    rows += [("earlier", n, count) for n, count in enumerate(before, start=1)]
    return pd.DataFrame(rows, columns=["part", "turn", "customer_count"])


TURNS = Shape(
    "turns", by=("turn",), within=("part",), limits=(Limit("part", ("earlier",), "done"),)
)


@pytest.mark.parametrize(
    ("done", "before", "hidden"),
    [
        # Of turn 2 three were done before, by turn 1, which did 12: 1 to 12.
        ([12, 40, 30, 20], [0, 3, 0, 30], [3]),
        # Turn 1 did 5: 1 to 5, unless it may be 0, as in turn 3.
        ([5, 40, 30, 20], [0, 3, 0, 30], [3, 0]),
        # That nobody was done before turn 1 is no news, so it does not help to hide that.
        ([5, 40, 30, 20], [0, 3, 9, 30], [0, 3, 9, 30]),
    ],
)
def test_those_done_earlier_are_no_more_than_earlier_turns_did(done, before, hidden):
    table = make_steps(done, before)
    ledger = Ledger(5)
    audited = audit(table, replace(TURNS, adds_up=False), ledger)
    assert audited.reason == ""
    assert table.loc[audited.hidden, "customer_count"].tolist() == hidden
    assert find_told(ledger) == set()


def test_later_turns_limit_too():
    limits = (Limit("part", ("earlier",), "done", earlier=False),)
    table = make_steps([40, 30, 5], [0, 3, 0])
    ledger = Ledger(5)
    audited = audit(table, replace(TURNS, adds_up=False, limits=limits), ledger)
    assert audited.hidden.tolist() == [False] * 3 + [True, True, False]
    assert find_told(ledger) == set()


def test_limits_shares_and_names_are_read_as_they_were_written():
    ledger = Ledger(5)
    audited = audit(make_steps([5, 40, 30], [0, 3, 30]), replace(TURNS, adds_up=False), ledger)
    numbered = audit(number_sizes(a=60, b=40, c=3), NUMBERED, ledger)
    grid = audit(make_grid(), BY_SEGMENT, ledger)
    texts = [part.to_json() for one in (audited, numbered, grid) for part in one.parts]
    again = read_ledger(texts, 5)
    assert again.list_limits() == ledger.list_limits()
    assert again.bounds == ledger.bounds
    assert again.spaces == ledger.spaces


# Amounts


def make_spend(counts: list[int], sums: list[float], names: str = "abcd") -> pd.DataFrame:
    table = pd.DataFrame({"segment_name": list(names)[: len(sums)], "customer_count": counts})
    return table.assign(
        spend=sums, spend_largest=[one / 9 for one in sums], spend_second=[one / 10 for one in sums]
    )


def publish_spend(table, shape, ledger):
    audited = audit(table, shape, ledger)
    assert audited.reason == ""
    return publish_table(
        table,
        shape,
        smallest_cell=ledger.smallest_cell,
        also_hidden=audited.hidden,
        also_untold=audited.untold,
    ).frame


def test_a_sum_that_is_hidden_in_one_table_is_hidden_in_another():
    # c is of 7, so its sum and that of b are hidden; elsewhere c is hidden alone.
    ledger = Ledger(5)
    table = make_spend([60, 40, 7], [6000.0, 3000.0, 500.0])
    first = publish_spend(table, SPEND, ledger)
    assert first["spend"].isna().tolist() == [False, True, True]
    second = publish_spend(table, replace(SPEND, name="again", adds_up=False), ledger)
    assert second["spend"].isna().tolist() == [False, True, True]
    assert second["customer_count"].tolist() == [60, 40, 7], "the counts are no secret"
    assert find_told(ledger.amounts) == set()


def test_a_total_that_an_earlier_table_hides_is_not_told_by_its_parts():
    ledger = Ledger(5)
    publish_spend(make_spend([60, 40, 7], [6000.0, 3000.0, 500.0]), SPEND, ledger)
    months = pd.DataFrame(
        {
            "segment_name": list("aabbcc"),
            "month": ["1", "2"] * 3,
            "customer_count": [50, 50, 30, 30, 20, 20],
            "total_spend": [3000.0, 3000.0, 1000.0, 2000.0, 300.0, 200.0],
        }
    )
    shown = publish_spend(months, GRID, ledger)
    for segment in "bc":
        assert shown.loc[shown["segment_name"] == segment, "total_spend"].isna().any()
    assert find_told(ledger.amounts) == set()


def test_a_mean_beside_its_count_is_a_sum():
    ledger = Ledger(5)
    publish_spend(make_spend([60, 40, 7], [6000.0, 3000.0, 500.0]), SPEND, ledger)
    means = make_spend([60, 40], [6000.0, 3000.0]).rename(
        columns={"spend_largest": "mean_largest", "spend_second": "mean_second"}
    )
    means = means.assign(mean=[100.0, 75.0]).rename(columns={"spend": "mean_sum"})
    shown = publish_spend(means, Shape("means", by=("segment_name",), adds_up=False), ledger)
    assert shown["mean"].isna().tolist() == [False, True]


def test_amounts_of_other_groups_are_not_touched():
    ledger = Ledger(5)
    publish_spend(make_spend([60, 40, 7], [6000.0, 3000.0, 500.0]), SPEND, ledger)
    others = make_spend([60, 40, 30], [6001.0, 2500.0, 700.0])
    shown = publish_spend(others, replace(SPEND, name="others"), ledger)
    assert shown["spend"].notna().all()


def test_amounts_are_rounded_and_added_up_in_any_order():
    # Sums of cents differ in the last place, by the order in which they were added up.
    ledger = Ledger(5)
    parts = np.full(1000, 0.1)
    table = make_spend([60, 40, 7], [float(sum(parts)), 3000.0, 500.0])
    publish_spend(table, SPEND, ledger)
    again = make_spend([60, 40, 7], [float(parts.sum()), 3000.0, 500.0])
    shown = publish_spend(again, replace(SPEND, name="again", adds_up=False), ledger)
    assert shown["spend"].isna().tolist() == [False, True, True]
