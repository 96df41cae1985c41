"""Number, yes or no, date or category: decided in one place, and everybody follows it."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest

from segkit.features.own_features import list_kinds
from segkit.models.columns import read_numbers, tidy_columns
from segkit.models.kinds import find_kind
from segkit.profiles.descriptors import list_descriptors
from segkit.profiles.segment_profiles import profile_segments

DAY = datetime.date(2026, 6, 30)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pd.Series([1.5, None]), "number"),
        (pd.Series([1, None], dtype="Int64"), "number"),
        (pd.Series([1, None], dtype=object), "number"),
        (pd.Series([np.nan, np.nan]), "number"),
        (pd.Series([True, False]), "boolean"),
        (pd.Series([True, None], dtype=object), "boolean"),
        (pd.Series([True, None], dtype="boolean"), "boolean"),
        (pd.Series([DAY, None], dtype=object), "date"),
        (pd.Series(pd.to_datetime([DAY, None])), "date"),
        (pd.Series(["1", "2"]), "category"),
        (pd.Series([1, "a"], dtype=object), "category"),
        (pd.Series([None, None], dtype="str"), "category"),
        (pd.Series(["a", "b"], dtype="category"), "category"),
        (pd.Series([1, 2], dtype="category"), "number"),
    ],
)
def test_the_kind_of_a_column(values, kind):
    assert find_kind(values) == kind


def test_a_table_of_an_engine_has_the_same_kinds():
    frame = pd.DataFrame({"n": [1.5], "b": [True], "d": pd.to_datetime([DAY]), "c": ["x"]})
    kinds = list_kinds(ibis.memtable(frame))
    assert kinds == {name: find_kind(frame[name]) for name in frame}


def test_truths_with_a_gap_are_categories_that_describe_and_numbers_that_are_read():
    customers = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d"],
            "opened": pd.Series([True, None, False, True], dtype=object),
            "day": pd.Series([DAY, None, DAY, datetime.date(2026, 1, 1)], dtype=object),
            "count": pd.Series([1, None, 3, 4], dtype=object),
        }
    )
    assert list_descriptors(customers) == ["opened"]
    assert read_numbers(customers, "opened").tolist()[::2] == [1, 0]
    assert tidy_columns(customers, ["opened", "count"]).dtypes.tolist() == ["boolean", "float64"]
    segments = customers[["customer_id"]].assign(segment=1, segment_name="All")
    assert set(profile_segments(customers, segments)["feature"]) == {"count"}
