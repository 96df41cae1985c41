"""What is said of the columns before anything is fitted: how taken, which alike, answer style."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.plan.models import Criteria, Scheme
from segkit.report import preparation
from segkit.validation.candidates import compare_candidates
from segkit.validation.column_looks import (
    describe_preparations,
    find_all_duplicates,
    find_answer_styles,
)
from segkit.validation.sensitivity import leave_out_columns

COUNT = 400
ITEMS = tuple(f"item_{n}" for n in range(8))


def make_scheme(name: str, *columns: str, method: str = "kmeans", **more) -> Scheme:
    return Scheme(name=name, goal="g", base="value", method=method, columns=columns, **more)


@pytest.fixture(scope="module")
def customers() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"customer_id": [f"c{n:03}" for n in range(COUNT)]})
    table["wine_spend"] = rng.lognormal(4, 1, COUNT)
    table["score"] = 900 - rng.lognormal(4, 1, COUNT)
    table["rank"] = 2000 - 2 * table["score"]
    table["open_share"] = rng.beta(1, 9, COUNT)
    table["colour"] = rng.choice(["red", "blue"], COUNT)
    return table


def draw_items(weights: np.ndarray, *, top: int = 5) -> pd.DataFrame:
    """Answers with two traits: everybody's agreement, and one that parts the items."""
    rng = np.random.default_rng(1)
    traits = rng.normal(size=(COUNT, 2)) * weights
    parted = np.where(np.arange(len(ITEMS)) % 2, 1.0, -1.0)
    answers = traits[:, :1] + traits[:, 1:] * parted + rng.normal(size=(COUNT, len(ITEMS)))
    answers = pd.DataFrame(np.clip(np.round(3 + answers), 1, top), columns=[*ITEMS])
    return answers.assign(customer_id=[f"c{n:03}" for n in range(COUNT)])


def test_every_number_is_described_with_what_is_done_to_it(customers):
    schemes = [
        make_scheme("spend", "wine_spend", "score", "rank", "open_share"),
        make_scheme("mixed", "open_share", "colour", method="kprototypes"),
        make_scheme("missing", "nothing"),
        make_scheme("classes", "colour", method="latent_classes"),
    ]
    found = describe_preparations(customers, schemes)
    assert found.drop(columns="answer_style").to_numpy().tolist() == [
        ["spend", "wine_spend", "amount", "scaled_log", "zero", "sd"],
        ["spend", "score", "number", "scaled_log", "highest", "sd"],
        ["spend", "rank", "number", "scaled_log", "lowest", "sd"],
        ["spend", "open_share", "share", "none", "", "sd"],
        ["mixed", "open_share", "share", "none", "", "sd"],
    ]
    shown = publish(found, preparation.PREPARED)
    assert preparation.lay_out_prepared(shown).frame["taken"].tolist() == [
        "logarithm from zero on, in standard deviations",
        "logarithm down from the highest, in standard deviations",
        "logarithm from the lowest on, in standard deviations",
        *["as it is, in standard deviations"] * 2,
    ]
    assert read_texts(preparation.state_preparation(shown)) == [
        "spend: 4 columns of numbers, each in standard deviations; 3 of them skewed and taken as "
        "logarithms.",
        "mixed: 1 column of numbers, each in standard deviations.",
    ]


def test_what_stays_as_it_is_is_said():
    answers = draw_items(np.array([1.0, 1.0]))
    schemes = [
        make_scheme("likert", *ITEMS),
        make_scheme("asked", *ITEMS, scale="none"),
        make_scheme("styled", *ITEMS, answer_style="removed"),
    ]
    shown = publish(describe_preparations(answers, schemes), preparation.PREPARED)
    texts = read_texts(preparation.state_preparation(shown))
    assert [text.partition(":")[0] for text in texts] == ["likert", "asked", "styled"]
    assert "scales of as many steps each, which stay as they are" in texts[0]
    assert "as the plan says" in texts[1]
    assert "mean answer and spread are taken out" in texts[2]
    laid_out = preparation.lay_out_prepared(shown).frame
    taken = laid_out.drop_duplicates("scheme")["taken"].tolist()
    assert taken[:2] == ["as it is, in steps of its scale", "as it is"]
    assert taken[2].startswith("beside the customer's own mean")
    kinds = laid_out["kind"].unique().tolist()
    assert kinds == ["an answer on a scale"]


def test_columns_that_say_the_same_are_named_by_scheme(customers):
    schemes = [make_scheme("spend", "score", "rank"), make_scheme("other", "score", "open_share")]
    found = find_all_duplicates(customers, schemes)
    assert found[["scheme", "column", "other"]].to_numpy().tolist() == [["spend", "score", "rank"]]
    shown = publish(found, preparation.DUPLICATES)
    assert read_texts(preparation.state_duplicates(shown)) == [
        "In spend “score” and “rank” say nearly the same (association 1.00), so that it counts "
        "twice: name one of them only."
    ]
    assert find_all_duplicates(customers, schemes[1:]).empty


class TestAnswerStyle:
    def test_it_is_named_where_all_answers_go_together_and_with_the_mean(self):
        answers = draw_items(np.array([1.5, 0.3]))
        found = find_answer_styles(answers, [make_scheme("likert", *ITEMS)])
        assert found["scheme"].tolist() == ["likert"]
        # Of items with variance 1.5² + .3² + 1 before they are cut, 1.5² lies along the mean.
        assert found["explained_share"][0] == pytest.approx(1.5**2 / (1.5**2 + 1.09), abs=0.07)
        assert found["correlation"][0] > 0.99
        assert len(find_answer_styles(answers, [make_scheme("likert", *ITEMS, scale="sd")])) == 1
        (text,) = read_texts(preparation.state_answer_styles(publish(found, preparation.STYLES)))
        assert 'answer_style = "removed" takes that out' in text
        assert "all 8 answers" in text

    def test_it_is_not_where_the_first_direction_parts_the_answers(self):
        answers = draw_items(np.array([0.3, 1.5]))
        assert find_answer_styles(answers, [make_scheme("likert", *ITEMS)]).empty

    def test_it_is_not_of_numbers_nor_where_it_is_removed(self, customers):
        answers = draw_items(np.array([1.5, 0.3]))
        schemes = [
            make_scheme("styled", *ITEMS, answer_style="removed"),
            make_scheme("two", *ITEMS[:2]),
        ]
        assert find_answer_styles(answers, schemes).empty
        assert find_answer_styles(
            customers, [make_scheme("s", "score", "rank", "wine_spend")]
        ).empty


def test_yes_and_no_are_found_judged_and_placed_with_and_without_answer_style():
    answers = draw_items(np.array([1.0, 1.5]))
    yes = answers.assign(**{item: answers[item] > 3 for item in ITEMS})
    schemes = [
        make_scheme("ticked", *ITEMS, segments=(2, 3)),
        make_scheme("styled", *ITEMS, segments=(2, 2), answer_style="removed"),
    ]
    options = {"as_of": datetime.date(2026, 6, 30), "random_state": 0, "pairs": 5}
    found = compare_candidates(yes, schemes, Criteria(), **options)
    assert found.refused.empty
    assert found.table["segment_count"].tolist() == [2, 3, 2]
    # The trait that parts the items is found, with everybody's agreement taken out of it.
    styled = found.segmentations["styled", 2]
    assert styled.model.kinds == dict.fromkeys(ITEMS, "boolean")
    for centre in styled.model.centres:
        assert len({np.sign(value) * (-1) ** place for place, value in enumerate(centre)}) == 1
    names = set(styled.names.values())
    assert all("item" in name for name in names)
    assert any("no item" in name.lower() for name in names)
    left_out = leave_out_columns(found, schemes[1], segment_count=2, random_state=0)
    assert left_out["agreement"].between(0.2, 1).all()
