"""Trees as rules: each customer is placed by the document as by the tree, whatever the data."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from published import publish

from segkit.models.trees import (
    bound_accuracy,
    encode_columns,
    grow_tree,
    predict_pruned,
    write_condition,
    write_words,
)
from segkit.plan.models import NamedRule, Scheme
from segkit.profiles.quiz import build_quiz
from segkit.profiles.segment_profiles import profile_segments
from segkit.report.differences import PROFILE, list_differences
from segkit.report.shared.numbers import THIN_SPACE
from segkit.segmentation.documents import fit_segmentation
from segkit.validation.reach import Task, blur_share, fit_surrogate

LEVELS = ["it's", '"q"', "<script>", "\U0001f600", "a; drop table x --", "back\\slash", "NULL", ""]
NAMES = pd.Series({n: f"segment '{n}'" for n in range(1, 5)})


def make_hostile(seed: int, count: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    """Return customers with missing, infinite, huge and oddly named values, and noisy segments."""
    rng = np.random.default_rng(seed)
    number = rng.normal(size=count) * 10.0 ** rng.integers(-8, 200)
    number[rng.random(count) < 0.2] = np.nan
    number[:3] = [np.inf, -np.inf, 1.7e308]
    texts = rng.choice(np.array([*LEVELS, None], dtype=object), count)
    truth, whole = rng.choice([True, False, None], count), rng.integers(-3, 4, count)
    labels = (number > 0) + 2 * (texts == "it's") + (truth == True) + (whole > 1)  # noqa: E712
    labels = np.where(rng.random(count) < 0.1, rng.integers(1, 5, count), 1 + labels % 4)
    customers = pd.DataFrame(
        {
            "customer_id": [f"c{i:04}" for i in range(count)],
            'odd "name" 1': number,
            "select": truth,
            "text": pd.Series(texts, dtype=object),
            "whole": pd.array(np.where(rng.random(count) < 0.1, None, whole), dtype="Int64"),
        }
    )
    return customers, labels


@pytest.mark.parametrize("seed", range(4))
def test_the_rules_place_each_customer_exactly_as_the_tree_does(seed):
    customers, labels = make_hostile(seed)
    inputs = encode_columns(customers, [name for name in customers if name != "customer_id"])
    grown = grow_tree(inputs.matrix, labels, most_leaves=12, smallest_leaf=5)
    places = list(range(inputs.matrix.shape[1]))
    task = Task(inputs, labels, NAMES, np.arange(len(labels)), 0.0, "")
    rules, leaves = task.list_rules(places, 12, 5)
    assert len(rules) > 4
    whens = [write_condition(leaf, inputs) for leaf in leaves[:-1]]
    pairs = zip(rules["segment_name"], [*whens, "true"], strict=True)
    named = tuple(NamedRule(name=name, when=when) for name, when in pairs)
    scheme = Scheme(name="tree", goal="g", base="needs", method="rules", rules=named)
    options = {"n_segments": 4, "as_of": datetime.date(2026, 6, 30), "random_state": 0}
    document, _ = fit_segmentation(customers, scheme, **options)
    wanted = NAMES[grown.predict(inputs.matrix)].tolist()
    assert document.assign(customers)["segment_name"].tolist() == wanted


def test_a_smaller_tree_is_the_first_part_of_a_larger_one():
    customers, labels = make_hostile(9)
    inputs = encode_columns(customers, ["text", "whole", "select"])
    options = {"smallest_leaf": 5}
    large = grow_tree(inputs.matrix, labels, most_leaves=12, **options)
    for count in (2, 3, 5, 8):
        small = grow_tree(inputs.matrix, labels, most_leaves=count, **options)
        own = small.predict(inputs.matrix)
        assert (predict_pruned(large, inputs.matrix, [count])[:, 0] == own).all()


def test_a_tree_in_plain_words_by_hand():
    orders = np.repeat([1.0, 5, 13, 20], 10)
    country = np.tile(["FI", "SE", "FI", "EE"], 10)
    labels = np.where(orders <= 5, 1, np.where(country == "FI", 2, 3))
    customers = pd.DataFrame({"order_count": orders, "country": country})
    inputs = encode_columns(customers, ["order_count", "country"])
    places = list(range(inputs.matrix.shape[1]))
    task = Task(inputs, labels, NAMES, np.arange(len(labels)), 0.0, "")
    _, leaves = task.list_rules(places, 3, 5)
    assert [write_words(leaf, inputs) for leaf in leaves] == [
        "order count at most 9",
        "order count above 9 and country is FI",
        "order count above 9 and country is not FI",
    ]
    assert write_condition(leaves[0], inputs) == "(order_count <= 9 or order_count is null)"


def test_a_share_gives_no_small_count_away():
    assert blur_share(100, 100, 5) == 1.0
    assert blur_share(98, 100, 5) == 0.95  # two others count as five
    assert blur_share(60, 100, 5) == 0.6
    assert np.isnan(blur_share(3, 100, 5))


def test_the_interval_of_an_accuracy_by_hand():
    # Mean .8, variance .01 / 3; times 1/4 + .25/.75 is .00194; t with three degrees is 3.182.
    low, high = bound_accuracy(np.array([0.75, 0.85, 0.75, 0.85]), 0.25)[1:]
    assert high - 0.8 == pytest.approx(3.1824 * np.sqrt(0.01 / 3 * (0.25 + 1 / 3)), rel=1e-4)
    assert 0.8 - low == pytest.approx(high - 0.8)


@pytest.fixture
def vacation(shared_data):
    motives = pd.read_parquet(shared_data("flexclust/vacmot.parquet"))
    labels = pd.read_parquet(shared_data("flexclust/vacmot6.parquet"))["vacmot6"]
    names = [f"v{i:04}" for i in range(len(motives))]
    customers = motives.assign(customer_id=names)
    segments = pd.DataFrame({"customer_id": names, "segment": labels.to_numpy()})
    return customers, segments.assign(segment_name=segments["segment"].map("segment {}".format))


@pytest.mark.slow
def test_a_few_vacation_motives_place_travellers_nearly_as_well_as_all_twenty(vacation):
    customers, segments = vacation
    motives = [name for name in customers if name != "customer_id"]
    quiz = build_quiz(customers, segments, columns=motives, random_state=7)
    assert 3 <= len(quiz.questions) <= 6
    assert quiz.full_accuracy > 0.55 > 2 * quiz.baseline_accuracy - 0.1
    assert (np.diff(quiz.steps["accuracy"]) > -0.05).all()


def test_vacation_segments_have_markers_by_the_published_rule(vacation):
    customers, segments = vacation
    profile = profile_segments(customers, segments)
    assert profile["is_binary"].all()
    difference = (profile["mean"] - profile["base_mean"]).abs()
    wanted = (difference > 0.25) | (difference > 0.5 * profile["base_mean"])
    assert profile["is_marker"].tolist() == wanted.tolist()
    assert 20 < wanted.sum() < 100


def test_real_customers_are_placed_better_than_by_guessing(shared_data):
    path = shared_data("customer_personality/marketing_campaign.csv")
    people = pd.read_csv(path, sep=";").rename(columns={"ID": "customer_id"})
    spend = people.filter(like="Mnt").sum(axis=1)
    labels = pd.qcut(spend, 3, labels=False) + 1
    segments = pd.DataFrame({"customer_id": people["customer_id"], "segment": labels})
    segments["segment_name"] = segments["segment"].map("tier {}".format)
    columns = ["Year_Birth", "Education", "Marital_Status", "Income", "Kidhome", "Teenhome"]
    found = fit_surrogate(people, segments, columns=columns, random_state=7)
    assert found.accuracy_low > found.baseline_accuracy + 0.2
    assert "Income" in found.columns


def test_each_mean_is_written_with_the_decimals_that_it_needs():
    customers, labels = make_hostile(1)
    values = {"discount_share": 0.04 * (labels == 1), "total_spend": 4000.0 * labels}
    segments = customers[["customer_id"]].assign(segment=labels, segment_name=labels.astype(str))
    profile = profile_segments(customers[["customer_id"]].assign(**values), segments)
    listed = list_differences(publish(profile.assign(segment_count=100), PROFILE), count=2)
    table = listed.frame.set_index(["segment", "feature"])
    assert table.loc[(2, "total_spend"), "mean_text"].replace(THIN_SPACE, " ") == "8 000"
    texts = table.xs("discount_share", level="feature")["base_text"]
    assert texts.str.endswith("%").all()
