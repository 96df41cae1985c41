"""Which columns the segments hang on, and which columns say the same."""

from __future__ import annotations

import datetime
import itertools

import numpy as np
import pandas as pd
import pytest
from scipy.stats.contingency import association

from segkit.plan.models import Criteria, Scheme
from segkit.segmentation.preparation import prepare_columns
from segkit.validation.candidates import Candidates, compare_candidates
from segkit.validation.sensitivity import find_near_duplicates, leave_out_columns

LEARNED = {"goal": "g", "base": "behavioural", "segments": (2, 2)}


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    """Three hundred in two groups that one number alone tells apart."""
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 2, 300)
    table = pd.DataFrame({"customer_id": [f"c{i:03}" for i in range(300)]})
    table["decides"] = 12.0 * kind + rng.normal(size=300)
    table["noise"] = rng.normal(size=300)
    table["other"] = rng.normal(size=300)
    table["colour"] = np.where(rng.random(300) < 0.97, np.array(["red", "blue"])[kind], "green")
    table["shade"] = table["colour"].map({"red": "dark", "blue": "light", "green": "none"})
    table["weather"] = rng.choice(["rain", "sun"], 300)
    table["empty"] = np.nan
    return table


def compare(customers: pd.DataFrame, scheme: Scheme) -> Candidates:
    options = {"as_of": datetime.date(2026, 6, 30), "random_state": 0, "pairs": 5}
    return compare_candidates(customers, [scheme], Criteria(), **options)


def name(*columns: str, method: str = "kmeans", **others) -> Scheme:
    return Scheme(name="s", method=method, columns=columns, **LEARNED, **others)


class TestColumnsLeftOut:
    OPTIONS = {"segment_count": 2, "random_state": 0}  # noqa: RUF012

    def test_without_the_column_that_decides_the_segments_are_others(self, customers):
        scheme = name("decides", "noise", "other")
        candidates = compare(customers, scheme)
        found = leave_out_columns(candidates, scheme, **self.OPTIONS).set_index("column")
        assert found.index.tolist() == ["decides", "noise", "other"]
        assert found.loc["decides", "agreement"] < 0.1
        assert found.loc["noise", "agreement"] > 0.9
        assert found.loc["decides", "stability"] < 0.7
        assert found["stability_with_all"].nunique() == 1
        assert found["stability_with_all"].iloc[0] > 0.9
        again = leave_out_columns(candidates, scheme, **self.OPTIONS).set_index("column")
        pd.testing.assert_frame_equal(again, found)

    def test_categories_and_mixed_columns_are_left_out_too(self, customers):
        scheme = name("decides", "noise", "colour", method="kprototypes", categorical=("colour",))
        found = leave_out_columns(compare(customers, scheme), scheme, **self.OPTIONS)
        assert found["column"].tolist() == ["decides", "noise", "colour"]
        assert found["agreement"].between(-0.1, 1).all()
        assert found.set_index("column").loc["noise", "agreement"] > 0.9

    def test_rules_and_single_columns_have_nothing_to_leave_out(self, customers):
        single = name("decides")
        found = leave_out_columns(compare(customers, single), single, **self.OPTIONS)
        assert found.empty
        assert found.columns.tolist() == ["column", "agreement", "stability", "stability_with_all"]


class TestNearDuplicates:
    def test_a_copied_column_is_named_and_others_are_not(self, customers):
        copied = customers.assign(copy=-np.exp(customers["noise"]))  # the ranks are the same
        found = find_near_duplicates(copied, name("decides", "noise", "copy", "other"))
        assert found[["column", "other"]].to_numpy().tolist() == [["noise", "copy"]]
        assert found["association"].tolist() == pytest.approx([1])
        assert find_near_duplicates(customers, name("decides", "noise", "other")).empty

    def test_categories_that_say_the_same_are_named(self, customers):
        columns = ("colour", "shade", "weather")
        scheme = name(*columns, method="kprototypes", categorical=columns)
        found = find_near_duplicates(customers, scheme)
        assert found[["column", "other"]].to_numpy().tolist() == [["colour", "shade"]]
        assert found["association"].tolist() == pytest.approx([1])

    def test_a_number_and_its_classes_are_named_and_the_strongest_comes_first(self, customers):
        band = pd.cut(customers["noise"].rank(), 12, labels=False).map("band {}".format)
        table = customers.assign(band=band, twin=customers["other"] * 2)
        scheme = name(
            "noise", "other", "twin", "band", "weather", method="kprototypes",
            categorical=("band", "weather"),
        )  # fmt: skip
        found = find_near_duplicates(table, scheme)
        assert found[["column", "other"]].to_numpy().tolist() == [
            ["other", "twin"],
            ["noise", "band"],
        ]
        # Twelve equal bands of ranks leave 1 / 144 of their variance within.
        assert found["association"][1] == pytest.approx(np.sqrt(1 - 1 / 144), abs=1e-3)

    def test_a_column_without_values_is_left_to_others_to_tell(self, customers):
        scheme = name("decides", "empty", "colour", method="kprototypes", categorical=("colour",))
        assert "empty" not in find_near_duplicates(customers, scheme).to_numpy()
        nothing = customers.assign(decides=np.nan, colour=None)
        assert find_near_duplicates(nothing, scheme).empty
        same = customers.assign(decides=1.0, noise=1.0)
        assert find_near_duplicates(same, name("decides", "noise")).empty


@pytest.mark.parametrize("missing", ["own", "ignore"])
def test_leaving_a_column_out_of_prepared_ones_is_preparing_the_others(customers, missing):
    columns = ("decides", "noise", "colour", "weather")
    holed = customers.copy()
    holed.loc[::7, ["noise", "weather"]] = None
    scheme = name(*columns, method="kprototypes", missing=missing)
    every = prepare_columns(holed, scheme)
    for column in columns:
        fewer = tuple(own for own in columns if own != column)
        found = every.leave_out(column)
        expected = prepare_columns(holed, name(*fewer, method="kprototypes", missing=missing))
        assert (found.preparations, found.levels) == (expected.preparations, expected.levels)
        np.testing.assert_array_equal(found.numbers, expected.numbers)
        np.testing.assert_array_equal(found.codes, expected.codes)


def test_no_pair_that_is_near_is_passed_over_for_a_quick_figure():
    """Pairs around the limit, each beside the figure that its definition gives."""
    rng = np.random.default_rng(5)
    table = pd.DataFrame({"base": rng.normal(size=400), "word": rng.choice(["a", "b", "c"], 400)})
    for i, noise in enumerate(np.linspace(0.2, 0.8, 13)):
        table[f"number_{i}"] = table["base"] + noise * rng.normal(size=400)
        is_other = rng.random(400) < noise / 4
        table[f"word_{i}"] = table["word"].mask(is_other, rng.choice(["a", "b", "c"], 400))
    scheme = name(*table, method="kprototypes")
    found = find_near_duplicates(table, scheme)
    pairs = set(zip(found["column"], found["other"], strict=True))
    numbers = table.select_dtypes("number")
    near = numbers.corr("spearman").abs() >= 0.9
    expected = {(a, b) for a, b in itertools.combinations(numbers, 2) if near.loc[a, b]}
    for a, b in itertools.combinations(table.columns.drop(numbers.columns), 2):
        if association(pd.crosstab(table[a], table[b]).to_numpy()) >= 0.9:
            expected.add((a, b))
    assert 10 < len(expected) < 100
    assert pairs == expected
