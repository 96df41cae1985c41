"""Who moved between segments since the last run of an earlier day."""

from __future__ import annotations

import datetime

import pandas as pd
import pytest
from published import publish

from segkit.action.movements import (
    FIRST_RUN,
    GONE,
    NEW,
    OTHER_SCHEME,
    count_movements,
    find_renamed,
)
from segkit.core.absence import explain_empty
from segkit.core.files import write_json
from segkit.report.movements import MOVEMENTS, find_day, lay_out_movements, state_movements
from segkit.runs.earlier_segments import (
    find_earlier_run,
    hash_earlier_segments,
    read_earlier_segments,
)
from segkit.runs.layout import RunFolder
from segkit.runs.outputs import write_frame


def make_now(**sizes: int) -> pd.DataFrame:
    names = [name for name, size in sizes.items() for _ in range(size)]
    ids = [str(number) for number in range(len(names))]
    return pd.DataFrame({"customer_id": ids, "segment_name": names})


def make_then(names: list[str], *, scheme: str = "s", first: int = 0) -> pd.DataFrame:
    ids = [str(first + number) for number in range(len(names))]
    return pd.DataFrame(
        {
            "customer_id": ids,
            "scheme": scheme,
            "segment": names,
            "as_of": pd.Timestamp("2026-05-31"),
            "run_id": "r",
        }
    )


def read_counts(moved: pd.DataFrame) -> dict[tuple[str, str], int]:
    pairs = zip(moved["segment_before"], moved["segment_name"], strict=True)
    return dict(zip(pairs, moved["customer_count"], strict=True))


def test_who_stayed_moved_came_and_went_is_counted():
    now = make_now(A=30, B=20)  # 0 to 29, 30 to 49
    then = make_then(["A"] * 20 + ["B"] * 40, first=10)  # 10 to 29 A, 30 to 69 B
    moved = count_movements(now, then, "s")
    assert read_counts(moved) == {
        ("A", "A"): 20,
        ("A", "B"): 0,
        ("A", GONE): 0,
        ("B", "A"): 0,
        ("B", "B"): 20,
        ("B", GONE): 20,
        (NEW, "A"): 10,
        (NEW, "B"): 0,
    }
    assert moved["customer_count"].sum() == 70
    shares = moved.set_index(["segment_before", "segment_name"])["share_of_before"]
    assert shares["B", GONE] == 0.5
    assert shares.groupby(level=0).sum().tolist() == pytest.approx([1, 1, 1])


def test_a_segment_that_is_called_otherwise_now_has_not_moved():
    now = make_now(A=30, Better=30)
    then = make_then(["A"] * 30 + ["Good"] * 20 + ["A"] * 10)
    assert find_renamed(now, then, "s") == {"Good": "Better"}
    moved = count_movements(now, then, "s")
    assert read_counts(moved)["Better", "Better"] == 20
    assert read_counts(moved)["A", "Better"] == 10
    movements = publish(moved, MOVEMENTS)
    texts = [one.text for one in state_movements(movements, then="May", renamed={"Good": "Better"})]
    assert texts[0].startswith("What was called “Good” on May is read as “Better”")
    assert not any("from “Good”" in text for text in texts)


def test_identifiers_are_compared_as_text():
    now = make_now(A=10).astype({"customer_id": int})
    assert read_counts(count_movements(now, make_then(["A"] * 10), "s")) == {("A", "A"): 10}


def test_a_first_run_and_another_scheme_say_so():
    now = make_now(A=3)
    assert explain_empty(count_movements(now, make_then([]), "s")) == FIRST_RUN
    assert find_renamed(now, make_then([]), "s") == {}
    assert find_renamed(now, make_then(["A"] * 3, scheme="t"), "s") == {}
    assert find_renamed(now, make_then(["B"] * 3, first=9), "s") == {}
    other = make_then(["A"] * 3, scheme="t")
    assert explain_empty(count_movements(now, other, "s")) == OTHER_SCHEME


def test_the_largest_movements_are_told_with_those_who_came_and_went():
    now = make_now(A=30, B=60)  # 0 to 29, 30 to 89
    then = make_then(["A"] * 50 + ["B"] * 50)  # 0 to 49 A, 50 to 99 B
    movements = publish(count_movements(now, then, "s"), MOVEMENTS)
    texts = [finding.text for finding in state_movements(movements, then="2026-05-31")]
    assert texts == [
        "20 customers moved from “A” to “B” since 2026-05-31: 40.0% of those who were there.",
        "10 customers who were in “B” on 2026-05-31 are in no segment any more: 20.0% of them, "
        "more than left any other.",
    ]
    grid = lay_out_movements(movements).frame
    assert grid["segment_before"].tolist() == ["A", "B"]
    assert find_day(then) == "2026-05-31"
    assert find_day(then.head(0)) == ""


def test_few_who_moved_are_not_told_of_and_cannot_be_worked_out():
    names = ["A"] * 30 + ["B"] * 30 + ["C"] * 30
    then = make_then(names)
    now = make_now(A=32, B=28, C=30)  # two of B are in A now
    movements = publish(count_movements(now, then, "s"), MOVEMENTS)
    hidden = movements.frame["customer_count"].isna()
    frame = movements.frame.assign(hidden=hidden)
    assert frame.groupby("segment_before")["hidden"].sum()["B"] >= 2
    assert frame.groupby("segment_name")["hidden"].sum()["A"] >= 2
    texts = " ".join(finding.text for finding in state_movements(movements, then="2026-05-31"))
    assert "2 customers" not in texts
    assert "Too few moved" in texts


def test_where_nobody_moved_that_is_said():
    movements = publish(count_movements(make_now(A=30), make_then(["A"] * 30), "s"), MOVEMENTS)
    texts = [finding.text for finding in state_movements(movements, then="2026-05-31")]
    assert texts == ["Nobody has moved from one segment to another since 2026-05-31."]


def keep(run: RunFolder, run_id: str, day: str, segment: str) -> None:
    kept = run.kept_run(run_id)
    kept.path.mkdir(parents=True)
    table = make_then([segment] * 3).assign(as_of=pd.Timestamp(day), run_id=run_id)
    write_frame(kept.segments, table)
    write_json(kept.record, {"run_id": run_id, "as_of": day, "final_scheme": "s"})


def test_the_last_run_of_an_earlier_day_is_the_one_to_compare_with(tmp_path):
    run = RunFolder(tmp_path / "run")
    day = datetime.date(2026, 6, 30)
    assert find_earlier_run(run, day) is None
    assert hash_earlier_segments(run, as_of=day) == ""
    assert read_earlier_segments(run, as_of=day).empty
    keep(run, "20260101T000000Z-000001", "2026-05-31", "May")
    keep(run, "20260102T000000Z-000002", "2026-04-30", "April")
    keep(run, "20260103T000000Z-000003", "2026-06-30", "June")
    assert set(read_earlier_segments(run, as_of=day)["segment"]) == {"May"}
    before = hash_earlier_segments(run, as_of=day)
    keep(run, "20260104T000000Z-000004", "2026-05-31", "May again")
    assert set(read_earlier_segments(run, as_of=day)["segment"]) == {"May again"}
    assert hash_earlier_segments(run, as_of=day) != before
