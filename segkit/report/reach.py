"""Whether the segments can be told apart by a few rules, and which few questions place people."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Figure, Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import Published, Shape
from segkit.features.wording import Labels, name_feature, name_features
from segkit.profiles.descriptors import ANYBODY, CUSTOMERS
from segkit.profiles.quiz import BY_ALL_COLUMNS, BY_QUIZ, WANTED, Quiz
from segkit.report.shared import figures
from segkit.report.shared.extremes import MOST_TIED, find_ends
from segkit.report.shared.figures import BLUE, GREY, MUTED, ORANGE, chart
from segkit.report.shared.numbers import format_share, join_words
from segkit.report.shared.segment_counts import add_segment_counts
from segkit.report.shared.sentences import explain_absence, write_finding
from segkit.report.shared.views import Column, View
from segkit.validation.reach import BY_GUESSING, BY_RULES, Surrogate

RULES = View(
    Shape(
        "rules",
        by=("rule_number",),
        wholes=("segment_count",),
        shown=("segment", "segment_name"),
        measures={"hit_share": COUNT},
    ),
    {
        "segment_name": Column("Segment"),
        "rule": Column("Rule", "rule"),
        "customer_count": Column("Customers"),
        "hit_share": Column("Who belong there"),
    },
)
PLACED = View(
    Shape(
        "placed", by=("segment_name",), wholes=("segment_count", "tested_count"), shown=("segment",)
    )
)
RECALL_ENDS = ("recall_low", "recall_high")
ACCURACIES = View(Shape("accuracies", by=("way",), adds_up=False))
QUIZ_STEPS = View(Shape("quiz_steps", by=("question_count",), adds_up=False, shown=("question",)))
QUESTIONS = View(Shape("questions", population="columns", by=("question",)))


def list_tables(
    placing: Surrogate, sizes: Published, *, suffix: str = ""
) -> list[tuple[pd.DataFrame, View]]:
    """Return who is placed rightly, the accuracies and the rules of a tree, each with its view.

    Parameters
    ----------
    placing : Surrogate
        The tree that stands in for the segmentation.
    sizes : Published
        Of a segment whose size is hidden nothing is shown.
    suffix : str, optional
        What the tables' names end with.
    """
    tables = [
        (add_segment_counts(placing.by_segment, sizes), PLACED),
        (placing.list_accuracies(), ACCURACIES),
        (add_segment_counts(placing.rules, sizes), RULES),
    ]
    return [(table, view.rename(f"{view.shape.name}{suffix}")) for table, view in tables]


def list_quiz_tables(quiz: Quiz, *, base: str) -> list[tuple[pd.DataFrame, View]]:
    """Return the quiz's steps, its accuracies and its questions, each with its view.

    ``base`` is that of the scheme whose segments it tells apart.
    """
    return [
        (quiz.steps, QUIZ_STEPS),
        (quiz.list_accuracies(), ACCURACIES.rename("quiz_accuracies")),
        (quiz.list_questions(base=base), QUESTIONS),
    ]


def _read_accuracy(table: pd.DataFrame, way: str) -> float:
    found = table.loc[table["way"] == way, "accuracy"]
    return float(found.iloc[0]) if len(found) and pd.notna(found.iloc[0]) else float("nan")


@chart("question_count", "question", "accuracy", values=["accuracy_low", "accuracy_high"])
def plot_quiz(
    table,
    *,
    accuracies: pd.DataFrame,
    asked: int = 0,
    labels: Labels | None = None,
    title: str = "How many questions place a customer?",
) -> Axes:
    """Draw the accuracy by number of questions, with its interval.

    How to read it: each row adds one question to those above it. A dot is the share of unseen
    customers placed rightly, the line its interval. The quiz ends at the first dot, in orange, that
    reaches the accuracy wanted; the other dashed line is what guessing the largest segment reaches.
    The tables are the steps and the accuracies of a `Quiz`; ``asked`` is how many questions the
    quiz has.
    """
    rows = table.sort_values("question_count", ascending=False)
    ends = rows["question_count"].to_numpy() == asked
    questions = rows["question"].map(lambda name: name_feature(name, labels))
    names = rows["question_count"].map("{:.0f}. ".format) + questions
    accuracy = rows["accuracy"].astype(float)
    low = rows["accuracy_low"].astype(float)
    high = rows["accuracy_high"].astype(float)
    ax = figures.new_axes(title, height=1.4 + 0.36 * len(rows))
    colours = np.where(ends, ORANGE, BLUE)
    ax.hlines(range(len(rows)), low, high, color=colours)
    ax.scatter(accuracy, range(len(rows)), s=60, color=colours, zorder=3)
    figures.name_rows(ax, names, bold=ends)
    guessing = _read_accuracy(accuracies, BY_GUESSING)
    wanted = _read_accuracy(accuracies, WANTED)
    for place, word in ((guessing, "guessing"), (wanted, "wanted")):
        if np.isfinite(place):
            ax.axvline(place, color=GREY, linestyle=(0, (3, 3)), linewidth=1.2)
            text = f"{word} {format_share(place)}"
            ax.text(place, len(rows) - 0.35, text, ha="center", fontsize=8.5, color=MUTED)
    for y, (end, value) in enumerate(zip(high, accuracy, strict=True)):
        ax.annotate(
            format_share(value),
            (end, y),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            fontsize=9,
            bbox={"color": "white", "pad": 1},
        )
    ax.set_xlim(0, 1.08)
    ax.set_xlabel("share of unseen customers placed rightly, with its 95% interval")
    texts = names.str.cat(accuracy.map(format_share), sep=": ")
    said = f"Accuracy by number of questions; guessing reaches {format_share(guessing)}, "
    return figures.describe_chart(ax, f"{said}wanted is {format_share(wanted)}", texts.iloc[::-1])


def state_reach(placed: Published, accuracies: Published, *, by: str) -> list[Finding]:
    """Say how well customers are placed by some columns, named by ``by``, against guessing."""
    if placed.empty:
        return [explain_absence(placed)]
    found = _read_way(accuracies, BY_RULES, "accuracy")
    guessed = _read_way(accuracies, BY_GUESSING, "baseline")
    count = accuracies.read_figure("customer_count", where={"way": BY_RULES}, kind="count")
    words = {"by": by}
    if guessed.value is None:
        told = [write_finding("reach.reach.placed_alone", [found], count=count, words=words)]
    else:
        told = [write_finding("reach.reach.placed", [found, guessed], count=count, words=words)]
    if guessed.value is not None and found.low is not None and found.low <= guessed.value:
        told.append(write_finding("reach.reach.no_better", [found, guessed], words=words))
        return told
    return [*told, *_state_hardest(placed, by=by)]


def _state_hardest(placed: Published, *, by: str) -> list[Finding]:
    """Say which segment is hardest to find; nothing where all are alike, or by two customers."""
    if not set(RECALL_ENDS) <= set(placed.frame):
        return []

    def read(row: pd.Series, name: str) -> Figure:
        where = {"segment_name": row["segment_name"]}
        return placed.read_figure(
            "recall", where=where, kind="share", name=name, interval=RECALL_ENDS
        )

    ends = find_ends(placed, "recall", read, names=("easiest", "recall"))
    if ends is None or not ends[1].stands or len(ends[1].rows) > MOST_TIED:
        return []
    rows = placed.frame.loc[list(ends[1].rows)]
    words = {"segments": join_words(rows["segment_name"].tolist()), "by": by}
    found = [ends[1].figure]
    if len(rows) > 1:
        count = int(rows["customer_count"].sum())
        return [write_finding("reach.reach.hardest_of_several", found, count=count, words=words)]
    where = {"segment_name": rows["segment_name"].iloc[0]}
    count = placed.read_figure("customer_count", where=where, kind="count")
    found.append(placed.read_figure("tested_count", where=where, kind="count", unit="customer"))
    return [write_finding("reach.reach.hardest", found, count=count, words=words)]


def _read_way(accuracies: Published, way: str, name: str) -> Figure:
    """Read the accuracy of one way to place customers, with its interval."""
    return accuracies.read_figure(
        "accuracy",
        where={"way": way},
        interval=("accuracy_low", "accuracy_high"),
        kind="share",
        name=name,
    )


def state_quiz(
    accuracies: Published, questions: Published, *, reaches_wanted: bool
) -> list[Finding]:
    """Say how few questions suffice, how well they place a customer, and who can answer them."""
    if questions.empty:
        return [explain_absence(questions)]
    names = name_features(questions.frame["question"], questions.labels)
    asked = questions.read_figure(
        "question", how="rows", kind="count", unit="question", name="question_count"
    )
    quiz = _read_way(accuracies, BY_QUIZ, "accuracy")
    everything = _read_way(accuracies, BY_ALL_COLUMNS, "full")
    guessed = _read_way(accuracies, BY_GUESSING, "baseline")
    wanted = _read_way(accuracies, WANTED, "wanted")
    guessing = ""
    if guessed.value is not None:
        guessing = write_finding("reach.quiz.guessing", [guessed]).text
    return [
        write_finding(
            "reach.quiz.several" if len(names) > 1 else "reach.quiz.one",
            [asked, quiz, everything, guessed],
            count=accuracies.read_figure("customer_count", where={"way": BY_QUIZ}, kind="count"),
            words={"questions": join_words(names), "guessing": guessing},
        ),
        write_finding(
            "reach.quiz.reached" if reaches_wanted else "reach.quiz.not_reached", [wanted, quiz]
        ),
        _state_answering(questions),
    ]


def _state_answering(questions: Published) -> Finding:
    """Say which questions anybody can answer, and which are read from what a customer did."""
    by = {
        source: questions.frame.loc[questions.frame["answered_by"] == source, "question"]
        for source in (ANYBODY, CUSTOMERS)
    }
    words = {
        source: join_words(name_features(names, questions.labels)) for source, names in by.items()
    }
    figures = [
        questions.read_figure(
            "question",
            where={"answered_by": source},
            how="rows",
            kind="count",
            name=f"{source}_count",
        )
        for source in by
    ]
    sentence = "some" if all(map(len, by.values())) else "all" if len(by[ANYBODY]) else "none"
    return write_finding(f"reach.answering.{sentence}", figures, words=words)
