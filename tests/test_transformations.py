"""Nothing in the preparation decides by accident: kinds of numbers, their unit and their zero."""

from __future__ import annotations

import datetime
import json

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import skew

from segkit.core.errors import SegkitError
from segkit.models.answer_style import remove_answer_style
from segkit.models.columns import Preparation, learn_preparation
from segkit.models.transformations import (
    Transformation,
    choose_transformation,
    find_steps,
    transform_values,
)
from segkit.plan.models import Scheme
from segkit.segmentation.documents import fit_segmentation, read_segmentation
from segkit.segmentation.preparation import find_scaling, prepare_columns
from segkit.validation.stability import compare_labels

AS_OF = datetime.date(2026, 6, 30)
SEEDS = st.integers(0, 2**31)
SHIFTS = st.floats(-1000, 1000)
UNITS = st.floats(0.001, 1000)


def make_scheme(*columns: str, method: str = "kmeans", **more) -> Scheme:
    return Scheme(name="s", goal="g", base="value", method=method, columns=columns, **more)


def draw_numbers(seed: int, count: int = 120) -> pd.DataFrame:
    """Columns of many shapes: skewed to either side, with a heap of zeros, even, and normal."""
    rng = np.random.default_rng(seed)
    bought = rng.random(count) < 0.6
    return pd.DataFrame(
        {
            "right": rng.lognormal(2, 1.2, count),
            "left": 50 - rng.lognormal(1, 1, count),
            "heap": np.where(bought, rng.lognormal(3, 1, count), 0.0),
            "around": rng.standard_t(3, count) ** 3,
            "normal": rng.normal(size=count),
        }
    )


def move(customers: pd.DataFrame, shift: float, unit: float) -> pd.DataFrame:
    moved = customers.copy()
    for place, column in enumerate(customers):
        moved[column] = unit * customers[column] + shift * (1 + place)
    return moved


@settings(deadline=None, max_examples=60)
@given(SEEDS, SHIFTS, UNITS)
def test_a_number_of_unknown_kind_is_prepared_alike_wherever_its_zero_and_unit(seed, shift, unit):
    customers = draw_numbers(seed)
    scheme = make_scheme(*customers)
    before = prepare_columns(customers, scheme)
    after = prepare_columns(move(customers, shift, unit), scheme)
    np.testing.assert_allclose(after.numbers, before.numbers, atol=1e-6)


@pytest.mark.slow
@settings(deadline=None, max_examples=4)
@given(SEEDS, SHIFTS, UNITS, st.integers(2, 4))
def test_the_segments_stay_when_columns_are_shifted_and_scaled(seed, shift, unit, count):
    customers = draw_numbers(seed)
    scheme = make_scheme(*customers)
    customers["customer_id"] = [f"c{n:03}" for n in range(len(customers))]
    moved = customers.assign(**move(customers[[*scheme.columns]], shift, unit))
    options = {"n_segments": count, "as_of": AS_OF, "random_state": 1}
    document, before = fit_segmentation(customers, scheme, **options)
    again, after = fit_segmentation(moved, scheme, **options)
    assert compare_labels(before, after) == pytest.approx(1)
    # And the documents place others alike.
    others = draw_numbers(seed + 1)
    there = document.assign(others)
    here = again.assign(move(others, shift, unit))
    assert compare_labels(there["segment"].to_numpy(), here["segment"].to_numpy()) > 0.99


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(SEEDS, UNITS)
def test_an_amount_is_prepared_alike_in_cents_and_in_euros(seed, unit):
    drawn = draw_numbers(seed)
    names = {"right": "wine_spend", "left": "oil_spend", "heap": "visit_count"}
    customers = drawn[[*names]].rename(columns=names)
    customers["spend_change"] = drawn["around"]
    customers["tenure_days"] = drawn["right"] + 40
    scheme = make_scheme(*customers)
    before = prepare_columns(customers, scheme)
    after = prepare_columns(customers * unit, scheme)
    np.testing.assert_allclose(after.numbers, before.numbers, atol=1e-9)


def test_of_an_amount_the_logarithm_begins_at_zero_and_of_another_number_at_its_lowest():
    rng = np.random.default_rng(0)
    values = np.sort(rng.lognormal(3, 1, 500) + 10)
    amount = choose_transformation(values, "amount")
    assert amount.name == "scaled_log"
    assert amount.origin == 0
    assert amount.width == pytest.approx(np.quantile(values, 1 / 3))
    number = choose_transformation(values, "number")
    assert number.origin == values[0]
    mirrored = choose_transformation(np.sort(-values), "number")
    assert mirrored.origin == -values[0]
    assert mirrored.width == pytest.approx(number.width)
    for found in (amount, number):
        assert abs(skew(transform_values(values, found))) < 0.5 * skew(values)


def test_what_would_become_no_better_stays_as_it_is():
    rng = np.random.default_rng(0)
    # Close to a top: the logarithm of such an amount would have a longer tail still.
    values = np.sort(100 - rng.lognormal(2, 1, 500))
    assert skew(values) < -1
    assert choose_transformation(values, "amount") == Transformation()
    skewed = np.sort(rng.lognormal(0, 1, 500))
    for measure in ("share", "answer", "yes_no"):
        assert choose_transformation(skewed, measure) == Transformation()
    assert choose_transformation(np.full(9, 3.0), "amount") == Transformation()
    assert choose_transformation(np.sort(rng.normal(size=500)), "amount") == Transformation()


def test_differences_are_taken_alike_on_both_sides_of_zero():
    values = np.sort(np.concatenate([-np.geomspace(1, 50, 40), np.geomspace(1, 5000, 200)]))
    found = choose_transformation(values, "difference")
    assert found.name == "scaled_log"
    ends = transform_values(np.array([-30.0, 0.0, 30.0]), found)
    assert ends[1] == 0
    assert ends[0] == -ends[2]


@pytest.mark.parametrize("transform", ["none", "signed_log", "scaled_log"])
def test_the_expression_is_the_arithmetic_of_the_fit_to_the_last_bits(transform):
    numbers = {"origin": -3.0, "width": 0.7} if transform == "scaled_log" else {}
    part = Preparation(
        column="x", fill=2.0, smallest=-9, largest=80, lower=-8, upper=70, transform=transform,
        mean=0.3, sd=1.7, **numbers,
    )  # fmt: skip
    values = np.array([-50, -8, -3, -1, 0, 0.5, 7, 200, np.nan])
    table = ibis.memtable(pd.DataFrame({"x": values, "row": range(len(values))}))
    found = table.mutate(y=part.apply(part.take(table))).order_by("row").y.to_pandas()
    limited = np.clip(np.where(np.isnan(values), 2.0, values), -8, 70)
    if transform == "signed_log":  # of documents before scaled_log: a width of 1 about zero
        limited = np.sign(limited) * np.log1p(np.abs(limited))
    else:
        limited = transform_values(limited, part.transformation)
    np.testing.assert_allclose(found, (limited - 0.3) / 1.7, rtol=1e-14)


def draw_answers(seed: int, count: int = 200, items: int = 6, top: int = 5) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    answers = pd.DataFrame(rng.integers(1, top + 1, (count, items)).astype(float))
    return answers.set_axis([f"item_{n}" for n in range(items)], axis=1)


class TestScales:
    def test_even_scales_are_found_by_their_values(self):
        assert find_steps(np.array([20.0, 21, 24])) == (20, 1, 4)
        assert find_steps(np.array([0.1, 0.2, 0.3, 0.5])) == pytest.approx((0.1, 0.1, 4))
        assert find_steps(np.array([7.0, 7])) is None
        assert find_steps(np.arange(12.0)) is None
        assert find_steps(np.array([0.0, 1, 100])) is None

    def test_answers_on_equal_scales_and_yes_and_no_stay_as_they_are(self):
        answers = draw_answers(0)
        scheme = make_scheme(*answers)
        prepared = prepare_columns(answers, scheme)
        assert find_scaling(answers, scheme) == "steps"
        np.testing.assert_array_equal(prepared.numbers, answers.to_numpy() - 1)
        yes = answers > 2
        assert find_scaling(yes, scheme) == "steps"
        np.testing.assert_array_equal(prepare_columns(yes, scheme).numbers, yes.astype(float))
        kinds = {part.kind for part in prepare_columns(yes, scheme).preparations}
        assert kinds == {"boolean"}

    @settings(deadline=None, max_examples=20)
    @given(SEEDS, SHIFTS, UNITS)
    def test_answers_in_another_coding_are_the_same_answers(self, seed, shift, unit):
        answers = draw_answers(seed)
        scheme = make_scheme(*answers)
        first = answers.assign(item_0=unit * answers["item_0"] + shift)
        before = prepare_columns(answers, scheme)
        np.testing.assert_allclose(
            prepare_columns(first, scheme).numbers, before.numbers, atol=1e-6
        )

    def test_other_columns_are_standardised_unless_the_scheme_says_otherwise(self):
        answers = draw_answers(0)
        scheme = make_scheme(*answers)
        wider = answers.assign(item_0=draw_answers(1, top=7)["item_0"])
        counted = answers.rename(columns={"item_0": "visit_count"})
        amounts = answers.assign(item_0=np.random.default_rng(0).normal(size=200))
        for table in (wider, amounts):
            assert find_scaling(table, scheme) == "sd"
            np.testing.assert_allclose(prepare_columns(table, scheme).numbers.std(axis=0), 1)
            as_is = prepare_columns(table, make_scheme(*table, scale="none"))
            np.testing.assert_array_equal(as_is.numbers, table.to_numpy())
        assert find_scaling(counted, make_scheme(*counted)) == "sd"
        assert find_scaling(answers, make_scheme(*answers, scale="sd")) == "sd"
        constant = answers.assign(item_0=3.0)
        assert find_scaling(constant, scheme) == "steps"

    def test_numbers_beside_categories_are_standardised(self):
        mixed = draw_answers(0).assign(colour=["red", "blue"] * 100)
        assert find_scaling(mixed, make_scheme(*mixed, method="kprototypes")) == "sd"

    def test_a_scheme_of_another_method_has_no_scale(self):
        with pytest.raises(ValidationError, match="has no scale"):
            make_scheme("a", "b", method="latent_classes", scale="none")


class TestAnswerStyle:
    def test_who_agrees_with_everything_answers_like_who_does_not(self):
        answers = draw_answers(3)
        louder = answers.copy()
        louder[::2] = 2 * louder[::2] + 7
        scheme = make_scheme(*answers, scale="none", answer_style="removed")
        before = prepare_columns(answers, scheme).numbers
        np.testing.assert_allclose(remove_answer_style(louder.to_numpy()), before, atol=1e-12)
        np.testing.assert_allclose(before.mean(axis=1), 0, atol=1e-12)
        np.testing.assert_allclose(before.std(axis=1), 1)

    def test_equal_answers_say_nothing_and_missing_ones_stay_missing(self):
        rows = np.array([[0.1, 0.1, 0.1], [1, np.nan, 3], [np.nan] * 3])
        found = remove_answer_style(rows)
        np.testing.assert_allclose(found[0], 0, atol=1e-12)
        np.testing.assert_array_equal(found[1:], [[-1, np.nan, 1], [np.nan] * 3])

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"method": "kprototypes"}, "for method kmeans only"),
            ({"columns": ("a", "b")}, "3 columns or more"),
            ({"scale": "sd"}, "take out scale"),
        ],
    )
    def test_a_scheme_without_answers_cannot_have_it_removed(self, more, said):
        own = {"name": "s", "goal": "g", "base": "value", "method": "kmeans"}
        own |= {"columns": ("a", "b", "c"), "answer_style": "removed", **more}
        with pytest.raises(ValidationError, match=said):
            Scheme(**own)

    def test_numbers_that_are_no_answers_are_refused(self):
        customers = draw_numbers(0)
        scheme = make_scheme(*customers, answer_style="removed")
        with pytest.raises(SegkitError, match="no answers on the same scale"):
            prepare_columns(customers, scheme)


def test_a_column_may_be_prepared_on_its_own():
    customers = draw_numbers(0)
    part, values = learn_preparation(customers, "right")
    assert part.transform == "scaled_log"
    assert values.mean() == pytest.approx(0, abs=1e-9)
    assert values.std() == pytest.approx(1)


def test_a_document_of_version_two_is_read_and_places_as_it_did(tmp_path):
    customers = draw_numbers(0)[["right"]]
    customers["customer_id"] = [f"c{n:03}" for n in range(len(customers))]
    options = {"n_segments": 2, "as_of": AS_OF, "random_state": 1}
    fitted, _ = fit_segmentation(customers, make_scheme("right"), **options)
    content = json.loads(fitted.to_json())
    content["schema_version"] = 2
    del content["model"]["answer_style"]
    content["model"]["preparations"] = [
        {
            "column": "right", "fill": 1.0, "smallest": 0.0, "largest": 99.0, "lower": 0.0,
            "upper": 99.0, "transform": "signed_log", "mean": 1.0, "sd": 0.5,
        }
    ]  # fmt: skip
    content["model"]["centres"] = [[0.0], [3.0]]
    path = tmp_path / "segmentation.json"
    path.write_text(json.dumps(content))
    placed = read_segmentation(path).assign(customers)
    prepared = (np.log1p(np.clip(customers["right"], 0, 99)) - 1) / 0.5
    assert set(placed["segment"]) == {1, 2}
    assert placed["segment"].tolist() == np.where(prepared <= 1.5, 1, 2).tolist()
    nearest = np.minimum(prepared.abs(), (prepared - 3).abs())
    np.testing.assert_allclose(placed["distance"], nearest, rtol=1e-12)
