"""The door: drawn faults never pass in silence, and drawn good tables are read as they are.

`make doors` draws hundreds of each; here are one of each kind and a few good ones.
"""

from __future__ import annotations

import csv
import random
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.doors.case import SCENARIOS, Case, draw_good
from tests.doors.facts import find_differences
from tests.doors.harness import draw_fault, list_kinds, read_fault, run_good
from tests.doors.kinds.registry import Kind
from tests.doors.naive import read_naively
from tests.doors.styles import DATES, SPELLINGS
from tests.doors.verdicts import (
    MISNAMED,
    NOTED,
    REFUSED,
    RIGHT,
    SET_ASIDE,
    SILENT,
    WARNED,
    WRONG,
    Outcome,
    judge,
    read_case,
)  # fmt: skip

SEED = 11


@pytest.mark.slow
@pytest.mark.parametrize("kind", list_kinds(core=True), ids=lambda kind: kind.name)
def test_a_fault_is_read_rightly_or_named(kind, tmp_path):
    case = draw_fault(kind, SEED, 0)
    outcome = read_fault(case, kind, tmp_path)
    said = outcome.refusals or outcome.said
    assert judge(outcome, case, kind) not in WRONG, f"{case.style.describe()}; {said}"


@pytest.mark.slow
@pytest.mark.parametrize("kind", list_kinds(), ids=lambda kind: kind.name)
def test_a_fault_misleads_whoever_looks_at_nothing(kind, tmp_path):
    case = draw_fault(kind, SEED, 0)
    case.write(tmp_path)
    assert find_differences(read_naively(case, tmp_path), case.truth)


@pytest.mark.slow
def test_good_tables_are_read_as_they_are_without_a_word():
    good = run_good(10, SEED)
    assert not good["is_refused"].any(), good["said"].tolist()
    assert set(good["wrong"]) == {""}
    assert (good["warnings"] != "").sum() <= 1
    assert set(good["naive"]) == {""}


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 10_000),
    tables=st.sampled_from(SCENARIOS),
    mark=st.sampled_from(".,"),
    date=st.sampled_from(sorted(DATES)),
    spelling=st.sampled_from(SPELLINGS),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    container=st.sampled_from(["csv", "gz", "xlsx", "parquet"]),
)
def test_whatever_the_style_the_facts_are_the_same_or_refused(seed, tables, container, **fixed):
    case = draw_good(
        random.Random(seed), tables=tables, fixed={"container": container, **fixed}, rows=90
    )
    with TemporaryDirectory() as folder:
        outcome = read_case(case, Path(folder), is_enough=lambda found: True)
    assert outcome.refusals or not outcome.wrong, case.style.describe()


def test_the_same_seed_draws_the_same_files(tmp_path):
    kind = list_kinds()[0]
    found = []
    for name in "ab":
        draw_fault(kind, 3, 1).write(tmp_path / name)
        found.append([path.read_bytes() for path in sorted((tmp_path / name).iterdir())])
    assert found[0] == found[1]


KIND = Kind("drawn", draw_good, ("decimal",), ("unit_price",), ("not a number",))


def make_case() -> Case:
    return draw_good(random.Random(1), tables=("order_lines",), fixed={"spelling": "words"})


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Outcome(), RIGHT),
        (Outcome(refusals=["column 'Price': the decimal mark is not told"]), REFUSED),
        (Outcome(refusals=["column 'Qty': the decimal mark is not told"]), MISNAMED),
        (Outcome(wrong=["sum"], said={"warning": ["unit_price: decimal"]}), WARNED),
        (Outcome(wrong=["sum"], said={"warning": ["unit_price: odd"]}), MISNAMED),
        (Outcome(wrong=["sum"], said={"note": ["unit_price: decimal"]}), NOTED),
        (Outcome(wrong=["sum"], said={"reject": ["unit price is not a number"]}), SET_ASIDE),
        (Outcome(wrong=["sum"]), SILENT),
    ],
)
def test_a_verdict_needs_the_column_and_the_kind(outcome, verdict):
    assert judge(outcome, make_case(), KIND) == verdict


def test_rows_set_aside_are_no_excuse_for_false_ones_that_stay():
    outcome = Outcome(wrong=["sum"], said={"reject": ["unit price is not a number"]})
    outcome.items = Counter({("a day", 1e6, 1.0): 1})
    assert judge(outcome, make_case(), KIND) == MISNAMED
