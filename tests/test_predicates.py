"""Conditions: what they mean, what is refused, and that they mean the same on every engine."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import ibis
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from segkit.core.errors import SegkitError
from segkit.models.rule_language import MOST_NESTED, MOST_TOKENS, quote_name, read_predicate

KINDS = {"a": "number", "b": "number", "t": "text", "c": "boolean", "d": "date", "own": "any"}
ROWS = pd.DataFrame(
    {
        "a": [1.0, 0.0, -2.0, None, 1e9],
        "b": [0.0, 0.0, 3.0, 1.0, None],
        "t": ["Ab", "ab", None, "a%", "x'y"],
        "c": pd.array([True, False, None, True, False], dtype="boolean"),
        "d": ["2026-01-01", "2025-12-31", None, "2026-06-01", "2020-02-29"],
    }
)
YES, NO, OPEN = True, False, None


@pytest.fixture(scope="module")
def connection():
    connection = ibis.duckdb.connect()
    connection.create_table("rows", ROWS.assign(row=np.arange(len(ROWS))))
    return connection


def evaluate(connection, text: str) -> list:
    """The condition for each row: True, False or None."""
    rows = connection.table("rows")
    found = read_predicate(text, KINDS).apply({name: rows[name] for name in KINDS if name in rows})
    frame = rows.select("row", found=found).order_by("row").to_pandas()
    return [None if pd.isna(value) else bool(value) for value in frame["found"]]


BY_HAND = [
    ("a > 0", [YES, NO, NO, OPEN, YES]),
    ("a / b > 0", [OPEN, OPEN, NO, OPEN, OPEN]),
    ("a / b is null", [YES, YES, NO, YES, YES]),
    ("not a / b > 0", [OPEN, OPEN, YES, OPEN, OPEN]),
    ("1 / 2 < a", [YES, NO, NO, OPEN, YES]),  # no division of integers
    ("a > 1 / 0 or b = 0", [YES, YES, OPEN, OPEN, OPEN]),
    ("a * 2 - 1 >= 1", [YES, NO, NO, OPEN, YES]),
    ("-a > 1", [NO, NO, YES, OPEN, NO]),
    ("a in (1, -2)", [YES, NO, YES, OPEN, NO]),
    ("a not in (.5, 1e0)", [NO, YES, YES, OPEN, YES]),
    ("a between b and 5", [YES, YES, NO, OPEN, NO]),
    ("0 between a and b", [NO, YES, YES, OPEN, NO]),
    ("t like 'A%'", [YES, NO, OPEN, NO, NO]),
    ("t not like '_b'", [NO, NO, OPEN, YES, YES]),
    ("t = 'x''y' or t <> 'ab'", [YES, NO, OPEN, YES, YES]),
    ("c", [YES, NO, OPEN, YES, NO]),
    ("not c", [NO, YES, OPEN, NO, YES]),
    ("c is true", [YES, NO, NO, YES, NO]),
    ("c is not true", [NO, YES, YES, NO, YES]),
    ("c is false", [NO, YES, NO, NO, YES]),
    ("c = (a > 0)", [YES, YES, OPEN, OPEN, NO]),
    ("(c or a > 0) is null", [NO, NO, YES, NO, NO]),
    ("c or a > 0", [YES, NO, OPEN, YES, YES]),
    ("a > 0 and c", [YES, NO, NO, OPEN, NO]),
    ("d >= '2026-01-01'", [YES, NO, OPEN, YES, NO]),
    ("d between '2020-01-01' and '2025-12-31'", [NO, YES, OPEN, NO, YES]),
    ('"a" > 0\n\tAND "b" = 0', [YES, NO, NO, NO, OPEN]),
    ("c <> (t like 'a%')", [YES, YES, OPEN, NO, NO]),
    ("(t in ('ab', 'a%')) = c or not a not in (1)", [YES, NO, OPEN, YES, YES]),
    ("(t like 'a%') is null or (a in (1)) is null", [NO, NO, YES, YES, NO]),
    ("(t like 'a%') is not true", [YES, NO, YES, NO, YES]),
    ("(not c) is null", [NO, NO, YES, NO, NO]),
]


@pytest.mark.parametrize(("text", "expected"), BY_HAND)
def test_a_condition_is_true_false_or_open_as_worked_out_by_hand(connection, text, expected):
    assert evaluate(connection, text) == expected


numbers = st.deferred(
    lambda: (
        st.sampled_from(["a", "b", "1", "0.5", "-2", "3", "1e3"])
        | st.builds("{} {} {}".format, numbers, st.sampled_from("+-*"), numbers)
        | st.builds("({})".format, numbers)
    )
)
conditions = st.deferred(
    lambda: (
        st.sampled_from(["c", "t = 'ab'", "t like 'a%'", "t in ('Ab', 'x')", "a is not null"])
        | st.builds("a {} {}".format, st.sampled_from(["=", "<>", "<", "<=", ">"]), numbers)
        | st.builds("{} - b not between {} and 2".format, numbers, numbers)
        | st.builds("{} {} {}".format, conditions, st.sampled_from(["and", "or"]), conditions)
        | st.builds("not {}".format, conditions)
        | st.builds("({})".format, conditions)
        | st.builds("({}) is null".format, conditions)
        | st.builds("({}) = ({})".format, conditions, conditions)
    )
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(text=conditions)
@example(text="not c or a = 1 and a < b")
@example(text="not t = 'ab' and not a is not null")
@example(text="a = 1 - 2 - 3 and a < 2 * -2 + 3")
def test_a_condition_means_what_an_engine_makes_of_the_same_text(connection, text):
    assume(len(text) < MOST_TOKENS and max(text.count("("), text.count("not")) < MOST_NESTED)
    found = evaluate(connection, text)
    raw = connection.con.execute(f"SELECT ({text}) FROM rows ORDER BY row").fetchall()
    assert found == [value for (value,) in raw]


@pytest.mark.parametrize(
    ("text", "position", "piece"),
    [
        ("a > 1; drop table rows", 6, ";"),
        ("a > 1 --", 7, "--"),
        ("a > 1 -- it's", 7, "--"),
        ("a /* hi */ > 1", 3, "/*"),
        ("a > (select 1)", 6, "select"),
        ("a in (select 1)", 7, "select"),
        ("exists (select 1)", 1, "exists ("),
        ("c and sum(a) > 3", 7, "sum("),
        ("a::int > 3", 2, ":"),
        ("cast(a as int) > 3", 1, "cast("),
        ("case when c then c end", 1, "case"),
        ("a > 1 and e > 1", 11, "e"),
        ("rows.a > 1", 1, "rows"),
        ("t || 'x' = 'y'", 3, "|"),
        ("a % 2 = 0", 3, "%"),
        ("a // 2 = 0", 1, "a // 2"),
        ("a ** 2 = 0", 1, "a ** 2"),
        ("a == 1", 3, "=="),
        ("! c", 1, "!"),
        ("a > ?", 5, "?"),
        ("a > $1", 5, "$"),
        ("a[1] > 2", 2, "["),
        ("{'a': 1} = a", 1, "{"),
        ("t ilike 'a'", 3, "ilike"),
        ("t like 'a' escape 'b'", 12, "escape"),
        ("t like 'a\\%'", 1, "t like 'a\\%'"),
        ("t like t", 1, "t like t"),
        ("a in (b)", 1, "a in (b"),
        ("a in ()", 1, "a"),
        ("t in ('a', null)", 12, "null"),
        ("c = true", 5, "true"),
        ("c and true", 7, "true"),
        ("t = e'a'", 5, "e"),
        ("t = 'a' 'b'", 5, "'a'"),
        ("(a, 1) = (1, 2)", 2, "a, 1"),
        ("a is 3", 1, "a is 3"),
        ("a = 1e999", 5, "1e999"),
        ("a = 1e", 5, "1e"),
        ("a > 5days", 6, "days"),
        ("c and", 3, "and"),
        ("(c", 2, "c"),
        ("c)", 2, ")"),
        ("c c", 3, "c"),
        ("*", 1, "*"),
        ("1 = 1", 1, "1 = 1"),
        ("c or not (1 = 1)", 11, "1 = 1"),
        ("t = 'un", 5, "'"),
        ('"a > 1', 1, '"'),
        ('t = "x"', 5, '"x"'),
        ("\N{GRINNING FACE} > 1", 1, "\N{GRINNING FACE}"),
        ("a > 1 \N{GRINNING FACE}", 7, "\N{GRINNING FACE}"),
        ("\x00 = 1", 1, "\x00"),
        ("gr\N{LATIN SMALL LETTER O WITH DIAERESIS}\N{LATIN SMALL LETTER SHARP S}e > 1", 1, "gr"),
    ],
)
def test_anything_else_is_refused_with_the_position_and_the_piece(text, position, piece):
    with pytest.raises(SegkitError) as caught:
        read_predicate(text, KINDS, where="rule 'x'")
    assert f"at position {position}" in caught.value.message
    assert eval(caught.value.found).startswith(piece)
    assert caught.value.describe().startswith("rule 'x': ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t = 3", "'=' does not go with a number and text"),
        ("a = '3'", "'=' does not go with a number and text"),
        ("t > 'a'", "'>' does not go with text"),
        ("a + t > 1", "'\\+' does not go with a number and text"),
        ("a and c", "'and' does not go with a number and true or false"),
        ("1 < a < 3", "'<' does not go with a number and true or false"),
        ("c = 1", "is asked by its name alone"),
        ("a like 'x'", "'like' does not go with a number and text"),
        ("d > '2026-1-1'", "a date is 'YYYY-MM-DD'"),
        ("d > 20260101", "'>' does not go with a number and a date"),
        ("a is true", "do not go with a number"),
        ("a", "this is a number"),
        ("a + 1", "this is a number"),
    ],
)
def test_kinds_that_do_not_go_together_are_refused(text, message):
    with pytest.raises(SegkitError, match=message):
        read_predicate(text, KINDS)


def test_an_unknown_column_is_refused_with_the_nearest_name():
    with pytest.raises(SegkitError, match="Did you mean 'recency_days'"):
        read_predicate("recency_day > 3", {"recency_days": "number", "order_count": "number"})


def test_what_is_not_known_before_data_is_read_goes_with_everything():
    assert read_predicate("own > 3 and own = 'x' and own", KINDS).columns == ("own",)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000 + "c" + ")" * 100_000,
        "x" * 10_000_000,
        "'" * 9_999,
        "not " * 1_000 + "c",
        "- " * 1_000 + "a > 1",
        "(" * 300 + "c" + ")" * 300,
        "(not " * 30 + "c" + ")" * 30,
        " or ".join(["c"] * 1_000),
        "+".join(["a"] * 1_000) + " > 1",
        "a in (" + "1," * 1_000 + "1)",
        "",
        " \n",
    ],
    ids=lambda text: f"{text[:12]!r} and so on",
)
def test_what_is_empty_too_long_or_nested_too_deep_is_refused(text):
    with pytest.raises(SegkitError):
        read_predicate(text, KINDS)


WORDS = "and or not is null in like between 1 1e5 'x' select -- /* cast case end :: true"
words = st.sampled_from([*"abctd()=<>+-*/,.;'\"!%\\ \n", *WORDS.split()])


@settings(max_examples=150, deadline=None)
@given(text=st.text(max_size=60) | st.lists(words, max_size=30).map(" ".join))
def test_whatever_is_written_is_read_or_refused_in_words(text):
    with contextlib.suppress(SegkitError):
        assert set(read_predicate(text, KINDS).columns) <= set(KINDS)


@pytest.mark.slow
def test_the_longest_and_the_deepest_condition_runs(connection):
    assert evaluate(connection, " or ".join(["a = 1"] * 100)) == [YES, NO, NO, OPEN, NO]
    assert evaluate(connection, "+".join(["a"] * 199) + " > 3") == [YES, NO, NO, OPEN, YES]
    deep = " is null" * 100
    assert evaluate(connection, f"c{deep}") == [NO] * 5
    assert evaluate(connection, "c" + " = c" * 100) == [YES, NO, OPEN, YES, NO]
    assert evaluate(connection, "(not " * 20 + "c" + ")" * 20) == [YES, NO, OPEN, YES, NO]


def test_columns_come_in_the_order_of_the_text_whatever_they_are_called():
    kinds = {"order": "number", "case": "number", "Total Spend": "number", "not": "boolean"}
    kinds |= {"current_date": "number", 'quo"te': "number", "consent": "text"}
    text = " and ".join(f"{quote_name(name)} is not null" for name in kinds)
    assert read_predicate(text, kinds).columns == tuple(kinds)
    # A text that is called like a column is a text.
    assert read_predicate("consent = 'order'", kinds).columns == ("consent",)


@pytest.mark.spark
def test_spark_takes_every_condition_as_duckdb_does(connection, spark):
    texts = [text for text, _ in BY_HAND]
    values = connection.table("rows").order_by("row").to_pyarrow().to_pylist()
    schema = "a double, b double, t string, c boolean, d string, row long"
    spark.createDataFrame(values, schema).createOrReplaceTempView("rows")
    rows = ibis.table(connection.table("rows").schema(), name="rows")
    found = [read_predicate(text, KINDS).apply({k: rows[k] for k in values[0]}) for text in texts]
    asked = rows.order_by("row").select(**{f"x{i}": value for i, value in enumerate(found)})
    placed = spark.sql(str(ibis.to_sql(asked, dialect="databricks"))).collect()
    for i, (text, expected) in enumerate(BY_HAND):
        assert [row[f"x{i}"] for row in placed] == expected, text


@pytest.mark.parametrize("dialect", ["postgres", "snowflake", "bigquery", "trino", "databricks"])
def test_every_dialect_divides_by_zero_and_quotes_as_it_must(dialect):
    rows = ibis.table({"a": "float64", "b": "float64", "t": "string"}, name="rows")
    found = read_predicate("a / b > 0.1 + 0.2 and t = 'a\\b''; drop'", KINDS)
    sql = str(ibis.to_sql(rows.select(x=found.apply(rows)), dialect=dialect))
    assert "NULLIF(" in sql
    assert "0.30000000000000004" in sql  # worked out once, in double precision
    doubled = dialect in ("bigquery", "databricks", "snowflake")
    assert ("a\\\\b" in sql) == doubled
    assert "''; drop" in sql or "\\'; drop" in sql


def test_reading_a_condition_loads_no_engine_and_no_table():
    code = (
        "import sys; from segkit.models.rule_language import read_predicate;"
        "read_predicate('a > 1', {'a': 'number'});"
        "print([m for m in ('pandas', 'numpy', 'ibis', 'duckdb') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr
