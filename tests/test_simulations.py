"""Simulated verdicts and intervals of segments, with few draws; `make simulate` runs many."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from tests.simulations import coverage_profiles, coverage_segments, drawn_groups, records, verdicts
from tests.simulations.verdicts import Judged, Task


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "model"),
    [("independent mixed columns", "kprototypes"), ("independent normals", "kmeans")],
)
def test_independent_noise_is_never_a_finding_and_gets_a_no(kind, model):
    found = verdicts.judge(Task(kind, model, 300, 7), pairs=4, most_segments=5)
    assert list(found.words) == [2, 3, 4, 5]
    assert set(found.words.values()) <= {"none", "constructive"}
    assert found.verdict == "no"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["one trait in three levels", "two traits in yes/no items"])
def test_a_trait_in_answers_is_no_classes(kind):
    found = verdicts.judge(Task(kind, "latent_classes", 500, 7), pairs=4, most_segments=4)
    assert list(found.words) == [2, 3, 4]
    assert not set(found.words.values()) & set(verdicts.CLAIMS)


@pytest.mark.slow
def test_of_groups_in_answers_the_true_number_is_chosen_and_called_classes():
    found = verdicts.judge(Task("categories, equal sizes", "latent_classes", 600, 7), pairs=5)
    assert found.chosen_count == found.true_count == 4
    assert found.chosen_kind == "classes"


@pytest.mark.slow
def test_of_clear_groups_the_true_number_is_chosen():
    found = verdicts.judge(Task("equal sizes", "kmeans", 600, 7), pairs=5)
    assert found.chosen_count == found.true_count == 4
    assert found.verdict == "yes"
    assert found.words[4] == "natural"
    assert found.chosen_rand == found.true_rand > 0.9


@pytest.mark.parametrize("task", verdicts.list_tasks(seeds={200: 1}), ids=str)
def test_a_task_draws_the_same_customers_again_and_others_with_another_seed(task):
    drawn = verdicts.draw_task(task)
    customers, scheme = verdicts.make_customers(drawn, task.model)
    assert len(customers) == 200
    assert set(scheme.columns) | {"customer_id"} == set(customers)
    again, _ = verdicts.make_customers(verdicts.draw_task(task), task.model)
    pd.testing.assert_frame_equal(customers, again)
    other, _ = verdicts.make_customers(
        verdicts.draw_task(Task(task.kind, task.model, 200, 1)), task.model
    )
    assert not customers.equals(other)
    count = verdicts.KINDS[task.kind].true_count
    assert (drawn.groups is None) == (count == 1)
    if count > 1:
        assert len(np.unique(drawn.groups)) == count


def test_overlapping_groups_can_be_told_apart_nine_times_in_ten_by_who_knows_them():
    rng = np.random.default_rng(3)
    drawn = drawn_groups.draw_overlapping_numbers(rng, 40_000)
    centres = np.array([drawn.numbers[drawn.groups == i].mean(axis=0) for i in range(3)])
    nearest = ((drawn.numbers[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == drawn.groups).mean() == pytest.approx(0.9, abs=0.01)
    drawn = drawn_groups.draw_overlapping_answers(rng, 40_000)
    yes = np.array([drawn.codes[drawn.groups == i].mean(axis=0) for i in range(3)])
    likely = drawn.codes @ np.log(yes.T) + (1 - drawn.codes) @ np.log(1 - yes.T)
    assert (likely.argmax(axis=1) == drawn.groups).mean() == pytest.approx(0.9, abs=0.01)


def test_draws_are_counted_beside_their_goals_by_hand():
    def record(kind, seed, chosen_count, words, chosen_kind):
        true_count = verdicts.KINDS[kind].true_count
        rand = None if true_count == 1 else 0.5
        judged = Judged(true_count, chosen_count, "yes", chosen_kind, words, rand, rand, 1.0)
        return {"kind": kind, "model": "kmeans", "rows": 300, "seed": seed} | vars(judged)

    table = records.make_table(
        [
            record("equal sizes", 0, 4, {4: "reproducible"}, "reproducible"),
            record("equal sizes", 1, 3, {3: "natural"}, "natural"),
            record("an arc", 0, 2, {2: "reproducible", 3: "natural"}, "reproducible"),
            record("an arc", 1, 2, {2: "reproducible", 3: "none"}, "reproducible"),
        ]
    )
    noise = verdicts.summarise_noise(table)
    assert noise[["kind", "draws", "claimed", "reproducible", "yes"]].to_numpy().tolist() == [
        ["an arc", 2, 1, 2, 2]
    ]
    # The upper end p of 1 of 2 leaves 1 or fewer a chance of 2.5 %: 1 - p ** 2 = .025.
    assert noise["claimed_high"].item() == pytest.approx(np.sqrt(0.975))
    total = verdicts.total_noise(noise)
    assert total[["model", "draws", "claimed"]].to_numpy().tolist() == [
        ["kmeans", 2, 1],
        ["all", 2, 1],
    ]
    groups = verdicts.summarise_groups(table)
    assert groups[["chosen", "claimed", "reached"]].to_numpy().tolist() == [[1, 1, "no"]]
    assert groups["share"].item() == 0.5


def test_a_broken_run_goes_on_and_results_of_other_code_are_not_mixed(tmp_path):
    path = tmp_path / "records.jsonl"
    task = Task("an arc", "kmeans", 300, 0)
    record = vars(task) | {"words": {2: "none"}}
    records.append_record(path, record, code="other")
    records.append_record(path, record, code="own")
    with path.open("a") as file:
        file.write(json.dumps(record)[:20])
    following = vars(Task("an arc", "kmeans", 300, 1)) | {"words": {}}
    records.append_record(path, following, code="own")
    found = records.read_records(path, code="own")
    assert [own["seed"] for own in found] == [0, 1]
    left = records.leave_out_done([task, Task("an arc", "kmeans", 300, 2)], found)
    assert left == [Task("an arc", "kmeans", 300, 2)]


@pytest.mark.slow
def test_intervals_of_segments_hold_the_truth_about_as_often_as_they_say():
    found = coverage_segments.simulate(8, 3, n_customers=300, pairs=15)
    assert found.shape == (9, 7)
    assert found["coverage"].mean() > 0.8
    again = coverage_segments.simulate(2, 3, n_customers=300, pairs=5)
    pd.testing.assert_frame_equal(again, coverage_segments.simulate(2, 3, n_customers=300, pairs=5))


@pytest.mark.slow
def test_intervals_of_skewed_spend_hold_the_truth_where_they_are_shown():
    kinds = [(1.0, 100), (2.0, 100)]
    found = coverage_segments.simulate_skewed(12, 3, kinds=kinds, pairs=20)
    assert found["coverage"].min() > 0.8
    assert found["shown_and_wrong"].max() <= 0.15
    shown = found.set_index(["figure", "spread"])["shown_share"]
    assert shown["mean_value", 1.0] == shown["median_value", 2.0] == 1
    assert shown["mean_value", 2.0] < 0.6


def test_intervals_of_differences_and_accuracies_hold_the_truth_about_as_often_as_they_say():
    found = coverage_profiles.simulate(60, 3)
    found = pd.concat([found, coverage_profiles.simulate_accuracy(6, 3)])
    assert found["coverage"].mean() > 0.88
    assert found["coverage"].min() > 0.7
    effects = found[found["figure"] == "effect size"]
    assert (effects["estimate"] - effects["truth"]).abs().max() < 0.12
