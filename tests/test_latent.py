"""Latent classes: fitted by maximum likelihood, placed by one expression."""

from __future__ import annotations

import math

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from stepmix import StepMix

from segkit.core.errors import SegkitError
from segkit.models.answer_patterns import read_answers
from segkit.models.columns import Levels, learn_levels, tidy_columns
from segkit.models.latent_classes import compare_class_counts, fit_classes, rate_answers
from segkit.segmentation.class_document import Classes, build_classes

CHEATING = ["LIEEXAM", "LIEPAPER", "FRAUD", "COPYEXAM", "GPA"]
TRAITS = [f"{t}{side}" for side in "GB" for t in ("MORAL", "CARES", "KNOW", "LEAD", "DISHON")]


def make_model(**changes) -> Classes:
    numbers = {
        "levels": [
            Levels(column="owns_car", kind="text", levels=["yes", "no"]),
            Levels(column="rating", kind="number", levels=["1", "2", "3"]),
        ],
        "weights": [0.6, 0.4],
        "probabilities": [[[0.9, 0.1], [0.5, 0.3, 0.2]], [[0.2, 0.8], [0.1, 0.1, 0.8]]],
    }
    return Classes(**(numbers | changes))


def place(model: Classes, customers: pd.DataFrame) -> pd.DataFrame:
    tidy = tidy_columns(customers, model.columns).reset_index(drop=True)
    types = {name: "float64" if kind == "number" else kind for name, kind in model.kinds.items()}
    types = {name: "string" if kind == "text" else kind for name, kind in types.items()}
    rows = ibis.memtable(tidy.assign(row_=np.arange(len(tidy))), schema=types | {"row_": "int64"})
    found = model.place(rows).order_by("row_")
    return found.select("segment", "probability", "confidence").to_pandas()


def add_up_likelihood(model: Classes, customers: pd.DataFrame) -> float:
    """Full-information log-likelihood, one customer and one class after another."""
    total = 0.0
    for _, row in tidy_columns(customers, model.columns).iterrows():
        mixture = 0.0
        for weight, shares in zip(model.weights, model.probabilities, strict=True):
            for own, probabilities in zip(model.levels, shares, strict=True):
                if pd.notna(row[own.column]):
                    weight *= probabilities[own.levels.index(f"{row[own.column]:.0f}")]
            mixture += weight
        total += math.log(mixture)
    return total


def test_a_customer_goes_to_the_class_that_is_most_probable_given_the_answers():
    customers = pd.DataFrame({"owns_car": ["yes", "no"], "rating": [1, 3]})
    placed = place(make_model(), customers)
    first, second = 0.6 * 0.9 * 0.5, 0.4 * 0.2 * 0.1
    assert placed["segment"].tolist() == [1, 2]
    assert placed["probability"][0] == pytest.approx(first / (first + second))
    first, second = 0.6 * 0.1 * 0.2, 0.4 * 0.8 * 0.8
    assert placed["probability"][1] == pytest.approx(second / (first + second))
    assert placed["confidence"].tolist() == placed["probability"].tolist()


def test_a_missing_answer_and_a_new_level_tell_nothing_and_lower_the_confidence():
    answers = {"owns_car": ["yes", None, "no idea", None], "rating": [None, 3, 3, 9]}
    customers = pd.DataFrame(answers)
    placed = place(make_model(), customers)
    car, three = 0.54 / (0.54 + 0.08), 0.32 / (0.12 + 0.32)
    assert placed["segment"].tolist() == [1, 2, 2, 1]
    assert placed["probability"].tolist() == pytest.approx([car, three, three, 0.6])
    assert placed["confidence"].tolist() == pytest.approx([car / 2, three / 2, three / 2, 0.0])


def test_classes_that_are_equally_probable_go_to_the_lower_number():
    same = [[0.7, 0.3], [0.2, 0.3, 0.5]]
    model = make_model(weights=[0.5, 0.5], probabilities=[same, same])
    placed = place(model, pd.DataFrame({"owns_car": ["yes", "no"], "rating": [1, None]}))
    assert placed["segment"].tolist() == [1, 1]
    assert placed["probability"].tolist() == pytest.approx([0.5, 0.5])


def test_what_no_class_ever_answered_still_has_a_segment():
    levels = [Levels(column=f"q{i}", kind="text", levels=["yes", "no"]) for i in range(44)]
    sure, never = [1 - 1e-15, 1e-15], [1e-15, 1 - 1e-15]
    model = Classes(levels=levels, weights=[0.7, 0.3], probabilities=[[sure] * 44, [never] * 44])
    mixed = pd.DataFrame({f"q{i}": ["yes" if i % 2 else "no"] for i in range(44)})
    placed = place(model, mixed)
    assert placed["segment"].tolist() == [1]
    assert placed["probability"].tolist() == pytest.approx([0.7])


def test_one_class_has_the_shares_of_those_who_answered():
    customers = pd.DataFrame({"likes": [1, 1, 1, 2, None], "buys": [1, None, 2, 2, 2]})
    fit = fit_classes(customers, ["likes", "buys"], 1, random_state=0, smallest_level=1)
    assert fit.probabilities[0] == (pytest.approx((0.75, 0.25)), pytest.approx((0.75, 0.25)))
    assert fit.log_likelihood == pytest.approx(2 * (3 * math.log(0.75) + math.log(0.25)))
    assert fit.parameter_count == 2
    assert fit.aic == pytest.approx(4 - 2 * fit.log_likelihood)
    assert fit.bic == pytest.approx(2 * math.log(5) - 2 * fit.log_likelihood)


def test_missing_answers_count_with_what_is_known(shared_data):
    customers = pd.read_parquet(shared_data("polca/cheating.parquet"))
    customers.loc[::3, "FRAUD"] = None
    customers.loc[1::4, "LIEEXAM"] = None
    fit = fit_classes(customers, CHEATING, 2, random_state=0)
    assert fit.log_likelihood == pytest.approx(
        add_up_likelihood(build_classes(fit), customers), abs=1e-6
    )
    assert fit.customer_count == 319


@pytest.mark.parametrize(("name", "columns"), [("cheating", CHEATING), ("election", TRAITS)])
def test_every_customer_is_placed_where_stepmix_predicts(shared_data, name, columns):
    customers = pd.read_parquet(shared_data(f"polca/{name}.parquet"))
    assert customers[columns].isna().any(axis=None)
    model = build_classes(fit_classes(customers, columns, 3, random_state=0, n_init=2))
    codes = np.column_stack([learn_levels(customers, c, missing="ignore")[1] for c in columns])
    width = max(len(own.levels) for own in model.levels)
    shares = np.zeros((3, len(columns), width))
    for c, j in np.ndindex(3, len(columns)):
        shares[c, j, : len(model.levels[j].levels)] = model.probabilities[c][j]
    known = {"max_n_outcomes": width, "total_outcomes": sum(len(o.levels) for o in model.levels)}
    answers = np.where(codes < 0, np.nan, codes)
    judge = StepMix(3, measurement="categorical_nan", progress_bar=0, abs_tol=99.0)
    judge.fit(answers)  # for one step only; our parameters replace what it found
    measurement = {"pis": shares.reshape(3, -1), **known}
    weights = np.array(model.weights)
    judge.set_parameters(
        {"weights": weights, "measurement": measurement, "measurement_in": len(columns)}
    )
    placed = place(model, customers)
    assert placed["segment"].tolist() == (judge.predict(answers) + 1).tolist()
    best = judge.predict_proba(answers).max(axis=1)
    assert placed["probability"].to_numpy() == pytest.approx(best, abs=1e-9)


def test_a_climb_does_not_rest_where_classes_have_yet_to_part(shared_data):
    customers = pd.read_parquet(shared_data("polca/cheating.parquet"))
    for seed in range(3):
        fit = fit_classes(customers, CHEATING, 2, random_state=seed)
        assert fit.log_likelihood == pytest.approx(-896.4262, abs=1e-3)
        assert 3 <= fit.found_count <= fit.start_count


def test_stepmix_by_itself_finds_nothing_better(shared_data):
    customers = pd.read_parquet(shared_data("polca/carcinoma.parquet"))
    fit = fit_classes(customers, list("ABCDEFG"), 3, random_state=0)
    answers = customers[list("ABCDEFG")].to_numpy() - 1
    own = StepMix(3, measurement="binary", n_init=8, progress_bar=0, random_state=1).fit(answers)
    assert fit.log_likelihood == pytest.approx(own.score(answers) * 118, abs=1e-3)
    assert fit.entropy == pytest.approx(own.relative_entropy(answers), abs=1e-3)


def test_neither_the_order_of_customers_nor_their_labels_change_the_classes(shared_data):
    customers = pd.read_parquet(shared_data("polca/carcinoma.parquet"))
    columns = list("ABCDEFG")
    fit = fit_classes(customers, columns, 2, random_state=3)
    shuffled = customers.sample(frac=1, random_state=1)
    shuffled.index = [f"c{n}" for n in range(len(shuffled))]
    assert fit_classes(shuffled, columns, 2, random_state=3) == fit


def test_a_question_that_only_one_class_was_asked_is_no_obstacle():
    rng = np.random.default_rng(0)
    uses = np.arange(200) % 2 == 0
    customers = pd.DataFrame({f"q{i}": np.where(uses, "yes", "no") for i in range(30)})
    customers["how_often"] = np.where(uses, rng.choice(["daily", "weekly"], 200), None)
    fit = fit_classes(customers, list(customers), 2, random_state=0)
    placed = place(build_classes(fit), customers)
    assert placed["segment"].nunique() == 2
    assert (placed["segment"] == placed["segment"][0]).tolist() == uses.tolist()
    assert fit.entropy == pytest.approx(1, abs=1e-6)


def test_more_than_ten_thousand_different_customers_are_sampled():
    rng = np.random.default_rng(0)
    chance = np.where(rng.random((12_000, 1)) < 0.3, 0.8, 0.3)
    customers = pd.DataFrame(rng.random((12_000, 24)) < chance).add_prefix("q")
    assert len(customers.drop_duplicates()) > 10_000
    fit = fit_classes(customers, list(customers), 2, random_state=0, n_init=1)
    assert fit.customer_count == 10_000
    assert fit.weights == pytest.approx((0.7, 0.3), abs=0.02)


def test_reordered_classes_place_the_same_customers_under_new_numbers():
    customers = pd.DataFrame({"owns_car": ["yes", "no", None], "rating": [1, 3, 2]})
    model = make_model()
    moved = model.reorder([1, 0])
    assert moved.weights == (0.4, 0.6)
    before, after = place(model, customers), place(moved, customers)
    assert (before["segment"] + after["segment"]).tolist() == [3, 3, 3]
    assert before["probability"].tolist() == pytest.approx(after["probability"].tolist())


def test_the_test_of_one_class_more_finds_two_classes_and_no_third_in_noise():
    rng = np.random.default_rng(6)
    chance = np.where(rng.random((200, 1)) < 0.5, 0.9, 0.1)
    customers = pd.DataFrame(rng.random((200, 8)) < chance).add_prefix("q")
    customers = customers.astype("boolean").mask(rng.random((200, 8)) < 0.1)
    columns = list(customers)
    table = compare_class_counts(customers, columns, [1, 2, 3], random_state=0, n_bootstrap=4)
    assert table["segment_count"].tolist() == [1, 2, 3]
    assert table["parameter_count"].tolist() == [8, 17, 26]
    assert math.isnan(table["blrt_p_value"][0])
    assert table["blrt_p_value"][1] == pytest.approx(1 / 5)
    assert table["blrt_p_value"][2] > 0.2
    assert table["bic"].idxmin() == 1
    again = compare_class_counts(customers, columns, [2], random_state=0, n_bootstrap=4)
    pd.testing.assert_frame_equal(again, table.iloc[[1]].reset_index(drop=True))


def test_without_samples_there_is_no_p_value():
    customers = pd.DataFrame({"a": ["x", "x", "y", "y"] * 5, "b": ["u", "v", "u", "u"] * 5})
    table = compare_class_counts(customers, ["a", "b"], [2], random_state=0, n_bootstrap=0)
    assert table["blrt_p_value"].isna().all()


def test_a_number_with_many_values_is_refused_with_a_way_out():
    customers = pd.DataFrame({"age_years": range(21), "likes": ["a", "b", "c"] * 7})
    with pytest.raises(SegkitError, match=r"'age_years' is a number.*21.*kprototypes"):
        fit_classes(customers, ["likes", "age_years"], 2, random_state=0)
    customers = pd.concat([customers.iloc[:20]] * 5)
    fit_classes(customers, ["likes", "age_years"], 2, random_state=0, n_init=1)


def test_more_classes_than_different_customers_are_refused():
    customers = pd.DataFrame({"likes": ["a", "b"] * 20, "buys": ["no"] * 40})
    with pytest.raises(SegkitError, match="3 segments need at least 3 different customers"):
        fit_classes(customers, ["likes", "buys"], 3, random_state=0)


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": [0.6, 0.3]},
        {"weights": [1.0]},
        {"weights": [1.0, 0.0]},
        {"weights": [], "probabilities": []},
        {"probabilities": [[[0.9, 0.1], [0.5, 0.5]], [[0.2, 0.8], [0.1, 0.1, 0.8]]]},
        {"probabilities": [[[0.9, 0.2], [0.5, 0.3, 0.2]], [[0.2, 0.8], [0.1, 0.1, 0.8]]]},
        {"probabilities": [[[0.9, 0.1]], [[0.2, 0.8]]]},
    ],
)
def test_a_damaged_document_is_refused(changes):
    with pytest.raises(ValidationError):
        make_model(**changes)


ANSWERS = st.lists(st.tuples(*[st.sampled_from(["a", "b", "c", None])] * 3), max_size=40)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(rows=ANSWERS, seed=st.integers(0, 9))
def test_any_answers_give_everybody_one_class_and_a_document_that_reads_back(rows, seed):
    known = [("a", "b", "c"), ("b", "b", None), ("c", "a", "c"), ("c", "c", "c"), ("a", None, "a")]
    customers = pd.DataFrame(known + rows, columns=["p", "q", "r"])
    columns = ["p", "q", "r"]
    fit = fit_classes(customers, columns, 2, random_state=seed, n_init=2, smallest_level=1)
    assert fit.log_likelihood <= 0
    assert sum(fit.weights) == pytest.approx(1)
    model = build_classes(fit)
    again = Classes.model_validate_json(model.model_dump_json())
    assert again == model
    placed = place(again, customers)
    assert placed["segment"].isin([1, 2]).all()
    assert placed["probability"].between(0.5 - 1e-9, 1).all()
    assert (placed["confidence"] <= placed["probability"]).all()
    answers = read_answers(customers, columns, 0, smallest_level=1)
    sizes = [len(own.levels) for own in fit.levels]
    shares = np.zeros((2, 3, max(sizes)))
    for c, j in np.ndindex(2, 3):
        shares[c, j, : sizes[j]] = fit.probabilities[c][j]
    likelihood, _ = rate_answers(answers, np.array(fit.weights), shares)
    assert likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)
