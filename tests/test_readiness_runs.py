"""How ready the business was in earlier runs: kept with each, compared by day, told as first."""

from __future__ import annotations

import datetime

import pandas as pd
import pytest
from published import publish, read_texts

from segkit.core.absence import explain_empty
from segkit.evidence.readiness.scorecard import compare_readiness
from segkit.report.readiness import (
    ANSWERS,
    EARLIER,
    READINESS,
    mark_unanswered,
    plot_readiness,
    state_readiness,
)
from segkit.runs.history import forget_runs, keep_run
from segkit.runs.layout import PLAN_STEP, RunFolder
from segkit.runs.outputs import write_table
from segkit.runs.readiness import (
    FIRST_RUN,
    hash_earlier_readiness,
    read_earlier_days,
    read_earlier_readiness,
)

JUNE = datetime.date(2026, 6, 30)
MAY = datetime.date(2026, 5, 31)
APRIL = datetime.date(2026, 4, 30)


@pytest.fixture
def run(tmp_path) -> RunFolder:
    return RunFolder(tmp_path)


def keep(run: RunFolder, day: datetime.date, score: int | None, *, number: int = 0) -> str:
    """Keep a run of a day, with one practice scored, or none where segkit was older."""
    step = run.step(PLAN_STEP)
    step.table("readiness").unlink(missing_ok=True)
    if score is not None:
        table = pd.DataFrame({"practice_id": ["rows_accepted"], "score": [score]})
        step.tables.mkdir(parents=True, exist_ok=True)
        write_table(step, table, "readiness")
    run_id = f"{day:%Y%m%d}T12000{number}Z-abcdef"
    keep_run(run, run_id, as_of=day)
    return run_id


def test_the_first_run_says_so(run):
    found = read_earlier_readiness(run, as_of=JUNE)
    assert found.empty
    assert explain_empty(found) == FIRST_RUN
    assert read_earlier_days(run, as_of=JUNE) == []


def test_the_last_run_of_an_earlier_day_is_compared_with(run):
    keep(run, APRIL, 1)
    keep(run, MAY, 2)
    keep(run, MAY, 3, number=1)
    keep(run, JUNE, 5)
    found = read_earlier_readiness(run, as_of=JUNE)
    assert found[["practice_id", "score", "as_of"]].values.tolist() == [["rows_accepted", 3, MAY]]
    assert read_earlier_days(run, as_of=JUNE) == [APRIL, MAY]


def test_the_same_day_twice_is_compared_with_the_same_run(run):
    keep(run, MAY, 2)
    before = read_earlier_readiness(run, as_of=JUNE)
    keep(run, JUNE, 4)
    pd.testing.assert_frame_equal(read_earlier_readiness(run, as_of=JUNE), before)


def test_what_an_older_segkit_kept_is_passed_over(run):
    keep(run, APRIL, 1)
    keep(run, MAY, None)
    assert read_earlier_readiness(run, as_of=JUNE)["score"].tolist() == [1]
    assert read_earlier_days(run, as_of=JUNE) == [APRIL, MAY]


def test_scores_of_another_kind_are_passed_over(run):
    run_id = keep(run, MAY, 2)
    other = pd.DataFrame({"practice": ["Rows pass the checks"], "score": [0.75]})
    other.to_parquet(run.kept_run(run_id).readiness)
    assert read_earlier_readiness(run, as_of=JUNE).empty


def test_a_run_that_is_forgotten_takes_its_scores_along(run):
    run_id = keep(run, MAY, 2)
    forget_runs(run, [run_id])
    assert read_earlier_readiness(run, as_of=JUNE).empty


def make_scores() -> pd.DataFrame:
    """Two practices, of which one is new, and one has all its points."""
    return pd.DataFrame(
        {
            "step": ["Base analysis", "Base analysis", "Analysis and action"],
            "practice_id": ["rows_accepted", "orders_named", "control_group"],
            "practice": ["Rows pass the checks", "Orders name <b>", "There is a control group"],
            "score": [5, 2, 0],
            "evidence": ["9 of 9 rows", "75% of order lines", "no arm"],
            "full_needs": ["at least 99%", "at least 97%", "at least 10%"],
            "next_needs": ["", "at least 80%", "at least 0.1%"],
            "needed_by": ["", "rfm, value tiers", ""],
            "improve": ["", "Ask for an address", "Leave some out"],
            "gain": [0, 3, 5],
            "rank": pd.array([None, 1, 2], dtype="Int64"),
        }
    )


def make_published(before: dict[str, int]):
    """Publish the scores beside those of an earlier run, by practice."""
    earlier = pd.DataFrame(before.items(), columns=["practice_id", "score"]).assign(as_of=MAY)
    compared = compare_readiness(make_scores(), earlier)
    return publish(compared, READINESS), publish(earlier, EARLIER)


def test_what_to_improve_and_what_changed_are_told():
    told = read_texts(state_readiness(*make_published({"rows_accepted": 3, "orders_named": 3})))
    assert told == [
        "3 practices score 2.3 of 5 in the mean; with all five points: 1.",
        "First to improve: ask for an address. “Orders name <b>” scores 2 of 5 (75% of order "
        "lines); a 5 needs: at least 97%. What rests on it in the plan: “rfm” "
        "and “value tiers”.",
        "Second to improve: leave some out. “There is a control group” scores 0 of 5 (no arm); a "
        "5 needs: at least 10%.",
        "Of the 2 practices that were scored on 2026-05-31 as well, the mean was 3.0 then and is "
        "3.5 now: 1 went up, 1 down.",
    ]


def test_practices_that_were_not_scored_then_are_compared_with_nothing():
    told = read_texts(state_readiness(*make_published({"gone": 3})))
    assert told[-1] == "None of the practices was scored on 2026-05-31, so nothing is compared."


def test_the_chart_has_a_bar_a_practice_a_name_a_step_and_rings_of_the_run_before():
    practices, _ = make_published({"rows_accepted": 3})
    ax = plot_readiness(practices)
    names = [label.get_text() for label in ax.get_yticklabels()][::-1]
    assert names == [
        "Base analysis", "Rows pass the checks", "Orders name <b>",
        "Analysis and action", "There is a control group",
    ]  # fmt: skip
    widths = [bar.get_width() for bar in ax.patches if bar.get_width() not in (0,)]
    assert sorted(widths) == [2, 5, 5, 5, 5]  # three tracks of five, and two bars
    (rings,) = ax.collections
    assert [x for x, _ in rings.get_offsets() if x == x] == [3]
    assert "run before" in ax.get_title(loc="left")
    assert "run before" not in plot_readiness(make_scores()).get_title(loc="left")


def test_what_was_not_answered_is_marked():
    table = pd.DataFrame({"question": ["a", "b"], "answer": ["", "Ann"], "name": ["x", "y"]})
    marked = mark_unanswered(publish(table, ANSWERS))
    assert marked.frame["answer"].tolist() == ["not answered", "Ann"]


def test_an_earlier_run_that_comes_or_goes_changes_what_the_step_depends_on(run):
    assert hash_earlier_readiness(run, as_of=JUNE) == ""
    first = keep(run, APRIL, 1)
    april = hash_earlier_readiness(run, as_of=JUNE)
    keep(run, JUNE, 4)
    assert hash_earlier_readiness(run, as_of=JUNE) == april != ""
    keep(run, MAY, None)
    may = hash_earlier_readiness(run, as_of=JUNE)
    assert may != april
    forget_runs(run, [first])
    assert hash_earlier_readiness(run, as_of=JUNE) not in (may, april)
