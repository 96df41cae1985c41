"""A table in memory and DuckDB say the same of every row, to the last bit, for all models."""

from __future__ import annotations

import datetime
import itertools

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segkit.models.array_table import ArrayValue
from segkit.models.columns import Levels, Preparation
from segkit.models.expressions import limit_value, match_cases, take_greatest, take_least
from segkit.models.rule_language import read_predicate
from segkit.segmentation import placing
from segkit.segmentation.class_document import Classes
from segkit.segmentation.placing import count_unusual, place_frame, read_columns
from segkit.segmentation.prototype_document import Prototypes
from segkit.segmentation.rules import Rule, Rules, Score

NUMBERS = st.one_of(
    st.none(),
    st.sampled_from([0.0, -0.0, 1.0, 2.0, 3.0, 5.0, 1e16, 1e-5, 1e300, -1e308]),
    st.sampled_from([float("inf"), float("-inf"), float("nan")]),
    st.floats(allow_subnormal=False),
)
SMALL = st.one_of(st.none(), st.sampled_from([0.0, 1.0, 2.0, 3.0, 7.0]))
TEXTS = st.one_of(
    st.none(),
    st.sampled_from(["web", "Web", "WEB", " web", "web ", "", "shop", "true", "TRUE", "nan"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
)
TRUTHS = st.one_of(st.none(), st.booleans())
DAYS = st.one_of(st.none(), st.dates(datetime.date(2024, 1, 1), datetime.date(2024, 1, 9)))
ROWS = st.lists(
    st.tuples(NUMBERS, NUMBERS, SMALL, TEXTS, TRUTHS, DAYS), min_size=1, max_size=12
).map(lambda rows: make_frame(rows))
COLUMNS = ["spend", "days", "grade", "channel", "member", "since"]
WEIGHTS = st.sampled_from([0.1, 0.25, 1 / 3, 0.5])
CENTRES = st.sampled_from([-2.0, -0.5, 0.0, 0.1, 1.0, 1 / 3, 2.5])


def make_frame(rows: list[tuple]) -> pd.DataFrame:
    """Return customers whose columns have the types that the checks give them."""
    frame = pd.DataFrame(rows, columns=COLUMNS)
    kinds = {"spend": float, "days": float, "grade": float, "channel": "str", "member": "boolean"}
    frame = frame.astype(kinds)
    frame["since"] = pd.to_datetime(frame["since"])
    return frame


def bring_to_duckdb(model, frame: pd.DataFrame) -> ibis.Table:
    """Return the columns of a model as a table of DuckDB, the days as texts, and a row's number."""
    days = frame["since"].map(str, na_action="ignore").astype(object)
    tidy = frame.assign(since=days.where(frame["since"].notna(), None).astype("str"))
    return ibis.memtable(tidy[list(model.columns)].assign(row=range(len(frame))))


def place_in_duckdb(model, table: ibis.Table) -> pd.DataFrame:
    """Place rows by the query that a warehouse runs."""
    return model.place(table, keep=["row"]).order_by("row").drop("row").to_pandas()


def check_same(model, frame: pd.DataFrame) -> None:
    """Hold that both say the same, and that they count the same values as unusual."""
    table = bring_to_duckdb(model, frame)
    found = place_frame(model, frame)
    expected = place_in_duckdb(model, table)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    pd.testing.assert_frame_equal(count_unusual(model, frame), count_unusual(model, table))


@st.composite
def draw_preparations(draw, columns: list[str]) -> tuple[Preparation, ...]:
    """Draw how numbers are prepared: filled or not, with each transformation."""
    parts = []
    for column in columns:
        lower = draw(st.sampled_from([-3.0, 0.0, 0.5]))
        parts.append(
            Preparation(
                column=column,
                kind="boolean" if column == "member" else "number",
                fill=draw(st.sampled_from([None, 0.0, 1.0])),
                smallest=lower - draw(st.sampled_from([0.0, 1.0])),
                largest=5.0,
                lower=lower,
                upper=draw(st.sampled_from([2.0, 5.0, 1e12])),
                transform=draw(st.sampled_from(["none", "signed_log", "scaled_log"])),
                origin=draw(st.sampled_from([0.0, 1.0, -1.5])),
                width=draw(st.sampled_from([1.0, 0.3, 7.0])),
                mean=draw(CENTRES),
                sd=draw(st.sampled_from([1.0, 0.7, 3.0])),
            )
        )
    return tuple(parts)


@st.composite
def draw_levels(draw) -> tuple[Levels, ...]:
    """Draw levels of texts, truths and numbers, with and without those that stand for others."""
    extra = draw(st.sampled_from([(), ("(other)",), ("(missing)",), ("(other)", "(missing)")]))
    pooled = draw(st.sampled_from([(), ("", "shop")]))
    return (
        Levels(column="channel", kind="text", levels=("web", "Web", " web", *extra), pooled=pooled),
        Levels(column="member", kind="boolean", levels=("true", "false")),
        Levels(column="grade", kind="number", levels=("1", "2", *extra)),
    )


@st.composite
def draw_prototypes(draw) -> Prototypes:
    """Draw prototypes of numbers, of categories or of both, two of which may be alike."""
    columns = draw(st.sampled_from([["spend", "days"], ["spend", "days", "member"], []]))
    with_levels = not columns or (draw(st.booleans()) and "member" not in columns)
    levels = draw(draw_levels()) if with_levels else ()
    count = draw(st.integers(2, 4))
    return Prototypes(
        preparations=draw(draw_preparations(columns)),
        levels=levels,
        centres=[[draw(CENTRES) for _ in columns] for _ in range(count)],
        modes=[[draw(st.sampled_from(own.levels)) for own in levels] for _ in range(count)],
        gamma=draw(st.sampled_from([0.3, 1.0, 1 / 3])),
        answer_style=draw(st.sampled_from(["kept", "removed"])) if columns else "kept",
    )


@st.composite
def draw_classes(draw) -> Classes:
    """Draw latent classes, two of which may be equally probable."""
    levels = draw(draw_levels())
    weights = draw(st.sampled_from([(0.5, 0.5), (0.25, 0.75), (0.2, 0.3, 0.5)]))
    classes = []
    for _ in weights:
        columns = []
        for own in levels:
            shares = [draw(WEIGHTS) for _ in own.levels]
            columns.append([share / sum(shares) for share in shares])
        classes.append(columns)
    return Classes(levels=levels, weights=weights, probabilities=classes)


CONDITIONS = [
    "spend > 2",
    "spend >= days",
    "spend + days > 3 or member",
    "not (spend < 1 and member)",
    "spend / days > 1",
    "spend - days * 2 <= 1 / 3",
    "spend / 0 is null and days > 1 / 0",
    "1 / 0 < spend or grade = 2",
    "days - spend = 0 or days <> spend",
    "-grade between -2 and -1",
    "grade in (1, 3)",
    "channel in ('web', 'shop', '')",
    "channel like 'w_b%' or channel like '%.%'",
    "channel not like '% '",
    "channel = 'Web' or channel is null",
    "member is true and channel <> 'web'",
    "member is not false",
    "since < '2024-01-05'",
    "since between '2024-01-02' and '2024-01-07' or since is null",
    "(spend > 1) = member",
    "money_score >= 2",
    "money_score + grade > 3",
]
KINDS = {
    "spend": "number",
    "days": "number",
    "grade": "number",
    "channel": "text",
    "member": "boolean",
    "since": "date",
}


@st.composite
def draw_rules(draw) -> Rules:
    """Draw ordered rules, some of which read a score."""
    conditions = draw(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=4))
    known = {**KINDS, "money_score": "number"}
    read = [c for text in conditions for c in read_predicate(text, known).columns]
    cuts = draw(st.sampled_from([(), (1.0,), (1.0, 1.0, 3.0)]))
    score = Score(name="money", column="spend", cuts=cuts, higher_is_better=draw(st.booleans()))
    scores = (score,) if "money_score" in read else ()
    names = [*read, *(own.column for own in scores)]
    rules = [Rule(segment=i, when=text) for i, text in enumerate(conditions, start=1)]
    return Rules(
        kinds={name: KINDS[name] for name in names if name in KINDS},
        scores=scores,
        rules=[*rules, Rule(segment=len(rules) + 1, when="true")],
    )


same = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.generate],  # a query a time, making them smaller takes minutes
)


@pytest.mark.slow
@same
@given(model=draw_prototypes(), frame=ROWS)
def test_prototypes_place_every_row_in_memory_as_in_duckdb(model, frame):
    check_same(model, frame)


@pytest.mark.slow
@same
@given(model=draw_classes(), frame=ROWS)
def test_classes_place_every_row_in_memory_as_in_duckdb(model, frame):
    check_same(model, frame)


@pytest.mark.slow
@same
@given(model=draw_rules(), frame=ROWS)
def test_rules_place_every_row_in_memory_as_in_duckdb(model, frame):
    check_same(model, frame)


def make_value(values: list, kind: type = float) -> ArrayValue:
    """Return a value of which None is missing."""
    is_missing = np.array([value is None for value in values])
    held = [kind() if value is None else value for value in values]
    return ArrayValue(np.array(held, dtype=object if kind is str else kind), is_missing)


def list_values(value: ArrayValue) -> list:
    """Return plain values, None where one is missing."""
    missing = value.isnull().values
    return [None if gone else own for own, gone in zip(value.values.tolist(), missing, strict=True)]


def test_truths_have_three_values():
    every = list(itertools.product([True, False, None], repeat=2))
    one = make_value([first for first, _ in every], bool)
    other = make_value([second for _, second in every], bool)
    yes, no = True, False
    assert list_values(one & other) == [yes, no, None, no, no, no, None, no, None]
    assert list_values(one | other) == [yes, yes, yes, yes, no, None, yes, None, None]
    assert list_values(~one)[::3] == [no, yes, None]


def test_what_is_missing_stays_so_and_a_quotient_by_nought_is_missing():
    spend = make_value([6.0, None, 1.0, float("inf")])
    days = make_value([3.0, 2.0, 0.0, 2.0])
    assert list_values(spend / days.nullif(0.0)) == [2.0, None, None, float("inf")]
    assert list_values((spend - 1.0).fill_null(0.0)) == [5.0, 0.0, 0.0, float("inf")]
    assert list_values(limit_value(spend, 2.0, 5.0)) == [5.0, None, 2.0, 5.0]


def test_nan_is_equal_to_itself_and_above_all_other_numbers():
    infinite = float("inf")
    value = make_value([infinite]) - infinite
    assert list_values(value == value) == [True]
    assert list_values(value > infinite) == [True]
    assert list_values(value <= 1.0) == [False]


def test_the_first_condition_that_is_true_decides_and_an_open_one_does_not():
    grade = make_value([1.0, 2.0, None, 3.0])
    found = match_cases((grade > 2.0, "high"), (grade > 1.0, "middle"), otherwise="rest")
    assert list_values(found) == ["rest", "middle", "rest", "high"]
    assert list_values(match_cases((grade > 2.0, 1.0))) == [None, None, None, 1.0]


def test_the_least_and_the_greatest_pass_over_what_is_missing():
    one = make_value([1.0, None, None])
    other = make_value([2.0, 5.0, None])
    assert list_values(take_least([one, other])) == [1.0, 5.0, None]
    assert list_values(take_greatest([one, other])) == [2.0, 5.0, None]


def test_a_text_is_like_a_pattern_as_a_whole_and_dots_are_dots():
    value = make_value(["a.b", "axb", None, "a.b\n"], str)
    assert list_values(value.like("a.b")) == [True, False, None, False]
    assert list_values(value.like("a_b%")) == [True, True, None, True]


def test_a_dataframe_is_placed_without_a_query(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a query was made")

    monkeypatch.setattr(ibis, "memtable", refuse)
    columns = [f"answer_{i}" for i in range(240)]
    levels = [Levels(column=column, kind="text", levels=("yes", "no")) for column in columns]
    shares = [[(0.9, 0.1)] * 240, [(0.1, 0.9)] * 240]
    model = Classes(levels=levels, weights=(0.5, 0.5), probabilities=shares)
    frame = pd.DataFrame([dict.fromkeys(columns, "yes"), dict.fromkeys(columns, "no")], [7, 3])
    placed = place_frame(model, frame)
    assert placed["segment"].to_dict() == {7: 1, 3: 2}
    assert placed["confidence"].tolist() == [1.0, 1.0]


def test_many_rows_are_placed_in_parts_and_none_gets_another_s_segment(monkeypatch):
    score = Score(name="value", column="spend", cuts=(10.0,))
    rules = (Rule(segment=1, when="value_score > 1"), Rule(segment=2, when="true"))
    model = Rules(kinds={"spend": "number"}, scores=(score,), rules=rules)
    frame = pd.DataFrame({"spend": [5.0, 20.0, None, 11.0, 10.0]})
    monkeypatch.setattr(placing, "ROWS_AT_ONCE", 2)
    assert place_frame(model, frame)["segment"].tolist() == [2, 1, 2, 1, 2]
    assert place_frame(model, frame[:0])["segment"].tolist() == []


def test_a_column_of_days_without_a_day_is_missing():
    frame = pd.DataFrame({"since": pd.to_datetime([None, None])})
    assert read_columns(frame, ["since"])["since"].isnull().values.tolist() == [True, True]
