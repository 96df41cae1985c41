"""Rows that are there twice are found by their sorted hashes, however the table is cut."""

from __future__ import annotations

from types import SimpleNamespace

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segkit.data import repeats


def find_rows(keys: list[str | None], *, fewer: int = 0) -> list[int]:
    rows = pd.DataFrame({"source_row": range(5, 5 + len(keys)), "key": pd.array(keys, "str")})
    con = duckdb.connect()
    con.register("rows", rows)
    source = SimpleNamespace(con=con, raw_count=len(rows) - fewer)
    twins = repeats.find_twins(source, "hash(key)", "FROM rows WHERE key IS NOT NULL")
    hashes = twins["row_hash"]
    assert hashes.duplicated(keep=False).all()
    return sorted(twins["source_row"])


def test_keys_that_are_there_twice_by_hand():
    assert find_rows(["a", "b", "a", None, "c", None, "b", "a"]) == [5, 6, 7, 11, 12]


def test_a_source_that_grew_after_it_was_counted_is_read_whole():
    assert find_rows(["a", "b", "a", "b"], fewer=2) == [5, 6, 7, 8]


@pytest.mark.parametrize("keys", [[], [None], ["a"], ["a", "b"], [None, None]])
def test_nothing_is_there_twice(keys):
    assert find_rows(keys) == []


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(st.lists(st.none() | st.text("abc", max_size=2), max_size=40), st.integers(1, 50))
def test_the_parts_and_batches_of_a_table_do_not_matter(keys, at_once):
    known = pd.Series(keys, dtype="object").dropna()
    expected = [5 + int(place) for place in known.index[known.duplicated(keep=False)]]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeats, "HASHES_AT_ONCE", at_once)
        patch.setattr(repeats, "BATCH_ROWS", 3)
        assert find_rows(keys) == expected
