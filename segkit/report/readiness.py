"""How ready the business is: the scorecard drawn and told, then and now."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Condition, Figure, Finding
from segkit.core.privacy import Published, Shape
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, ORANGE, TRACK, chart
from segkit.report.shared.numbers import format_number, join_words, plural
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View, reshape_published

FULL = 5
ORDER = ("First", "Second", "Third")  # so many are told
NOT_ANSWERED = "not answered"

READINESS = View(
    Shape("readiness", population="plan", by=("practice",)),
    {
        "step": Column("Step"),
        "practice": Column("Practice"),
        "score": Column("Score", "integer"),
        "score_before": Column("Score before", "integer"),
        "evidence": Column("What was found"),
        "next_needs": Column("One point more needs"),
        "full_needs": Column("A 5 needs"),
        "needed_by": Column("Schemes and goals that rest on it"),
        "rank": Column("To improve", "integer"),
        "improve": Column("What to do"),
    },
)
STEPS = View(
    Shape("readiness_steps", population="plan", by=("step",)),
    {
        "step": Column("Step"),
        "practice_count": Column("Practices", "integer"),
        "mean_score": Column("Mean score", "number"),
    },
)
EARLIER = View(Shape("readiness_before", population="plan"))
ANSWERS = View(
    Shape("readiness_answers", population="plan", by=("question",)),
    {
        "step": Column("Step"),
        "question": Column("Question"),
        "answer": Column("Said, not measured"),
        "name": Column("Name in the plan"),
    },
)


@chart("step", "practice", "score")
def plot_readiness(table, *, title: str = "Readiness by practice") -> Axes:
    """Draw the readiness scorecard: one bar a practice, grouped by step.

    How to read it: the grey track is the whole way to 5; a ring is the score of an earlier run.
    The table has a row a practice: ``step``, ``practice`` (text), ``score`` (0 to 5) and, where
    there is an earlier run, ``score_before``.
    """
    rows = _lay_out(table)
    places = range(len(rows))
    ax = figures.new_axes(title, height=1.0 + 0.27 * len(rows))
    is_bar = rows["score"].notna()
    texts = rows["score"].map(lambda score: "" if pd.isna(score) else f"{score:.0f}")
    track = ax.barh(places, rows["score"].notna() * FULL, color=TRACK, height=0.55)
    ax.bar_label(track, texts, padding=9, fontweight="bold")
    ax.barh(places, rows["score"].fillna(0), color=BLUE, height=0.55)
    then = ""
    if "score_before" in rows and rows["score_before"].notna().any():
        then = "; ring: the run before"
        ax.scatter(
            rows["score_before"],
            places,
            s=46,
            facecolor="white",
            edgecolor=ORANGE,
            zorder=3,
            clip_on=False,
        )
    ax.set_xlim(0, FULL)
    figures.name_rows(ax, rows["name"], bold=list(~is_bar))
    figures.name_values(ax, f"score: 0 nothing in place, 5 fully in place{then}")
    said = f"Bars: readiness score of {plural(int(is_bar.sum()), 'practice')}, 0 to 5, by step"
    ordered = table.sort_values("score", kind="stable")
    ends = figures.list_ends(ordered["practice"], ordered["score"].map(format_number))
    return figures.describe_chart(ax, said, *ends)


def _lay_out(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows from the bottom up: the practices of a step under its name."""
    parts = []
    for step, practices in table.groupby("step", sort=False):
        parts += [pd.DataFrame({"name": [step]}), practices.assign(name=practices["practice"])]
    rows = pd.concat(parts, ignore_index=True).iloc[::-1]
    scores = [name for name in ("score", "score_before") if name in rows]
    return rows.astype(dict.fromkeys(scores, float))


def mark_unanswered(answers: Published) -> Published:
    """Write what was not answered as that."""
    said = answers.frame["answer"].replace("", NOT_ANSWERED)
    return reshape_published(answers, answers.frame.assign(answer=said), ANSWERS)


def state_readiness(readiness: Published, earlier: Published) -> list[Finding]:
    """Say how ready the business is, what to improve first, and what changed since a run before."""
    full = [Condition("score", ">=", FULL)]
    told = [
        write_finding(
            "readiness.scorecard.scores",
            [
                *read_mean_score(readiness),
                readiness.read_figure("score", where=full, how="rows", name="full_count"),
            ],
        )
    ]
    frame = readiness.frame
    ranked = frame[frame["rank"].notna()].sort_values("rank", kind="stable")
    told += [_state_practice(readiness, row) for row in ranked.head(len(ORDER)).to_dict("records")]
    if ranked.empty:
        told.append(write_finding("readiness.scorecard.nothing_to_gain"))
    return [*told, *_state_change(readiness, earlier)]


def read_mean_score(readiness: Published) -> list[Figure]:
    """Return the mean score, and of how many practices it is."""
    return [
        readiness.read_figure("score", how="rows", name="practice_count"),
        readiness.read_figure("score", how="mean", decimals=1, name="mean_score"),
    ]


def _state_practice(readiness: Published, row: dict[str, object]) -> Finding:
    """Say what to do about one practice, what it rests on, and who rests on it."""
    place = {"practice": row["practice"]}
    words = {name: str(row[name]) for name in ("practice", "evidence", "full_needs")}
    improve = str(row["improve"])
    words["improve"] = improve[:1].lower() + improve[1:]
    needed = [f"“{name}”" for name in str(row["needed_by"]).split(", ") if name]
    kind = "improve_needed" if needed else "improve"
    words |= {"needed_by": join_words(needed), "order": ORDER[int(row["rank"]) - 1]}
    score = readiness.read_figure("score", where=place, decimals=0)
    rank = readiness.read_figure("rank", where=place, decimals=0)
    return write_finding(f"readiness.scorecard.{kind}", [score, rank], words=words)


def _state_change(readiness: Published, earlier: Published) -> list[Finding]:
    """Say what changed since the run before, of the practices that were scored in both."""
    if earlier.empty:
        return [explain_absence(earlier)]
    words = {"day": earlier.frame["as_of"].iloc[0]}
    if readiness.frame["score_before"].isna().all():
        return [write_finding("readiness.scorecard.nothing_in_both", words=words)]
    known = [Condition("score_before", "known")]
    read = [
        readiness.read_figure("practice", where=known, how="rows", name="both_count"),
        readiness.read_figure(
            "score_before", where=known, how="mean", decimals=1, name="mean_before"
        ),
        readiness.read_figure("score", where=known, how="mean", decimals=1, name="mean_now"),
        readiness.read_figure(
            "change", where=[Condition("change", ">", 0)], how="rows", name="up_count"
        ),
        readiness.read_figure(
            "change", where=[Condition("change", "<", 0)], how="rows", name="down_count"
        ),
    ]
    return [write_finding("readiness.scorecard.change", read, words=words)]
