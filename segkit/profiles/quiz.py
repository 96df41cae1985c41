"""The short quiz: the fewest columns or questions that place a customer at a stated accuracy.

Some of them anybody can answer, others are read from what a customer did before: by these no
newcomer can be placed.

Questions are added one by one, each time the one that helps most. Selection, the number of leaves
and the fit happen inside each fold, so the accuracy stated is that on customers who had no part in
them. The result is a scheme of rules: one document that places customers anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segkit.core.absence import empty_table, explain_empty
from segkit.core.settings import Settings
from segkit.models import trees
from segkit.models.trees import FOLDS
from segkit.plan.models import NamedRule, Scheme
from segkit.profiles.descriptors import find_source
from segkit.segmentation.documents import Segmentation, fit_segmentation
from segkit.validation.reach import BY_GUESSING, RULE_COLUMNS, Task, read_task, tabulate_accuracies

MOST_CUSTOMERS = 1_200
MOST_QUESTIONS = 6
MARGIN = 0.02
# Columns tried by greedy selection: those that tell most alone, chosen anew in each fold.
MOST_TRIED = 10
LEAVES = (1, 2, 3, 4, 6, 8, 12, 16, 24)
STEP_COLUMNS = [
    "question_count",
    "question",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "customer_count",
]
BY_QUIZ = "quiz"
BY_ALL_COLUMNS = "all columns"
WANTED = "wanted"


@dataclass(frozen=True)
class Quiz:
    """A short quiz.

    Attributes
    ----------
    steps : pandas.DataFrame
        One row a number of questions: ``question_count``, ``question`` (the one added, chosen on
        all customers), ``accuracy`` (of unseen customers), ``accuracy_low``, ``accuracy_high``,
        ``customer_count`` (all who have a segment).
    questions : tuple of str
        The columns that are asked; none where no quiz reaches more than guessing.
    rules : pandas.DataFrame
        As the rules of a `Surrogate`, and ``when``, the condition.
    step_count : int
        The row of ``steps`` that the quiz is made of, from 1; 0 without a quiz.
    wanted_accuracy : float
        The accuracy that the quiz had to reach.
    full_accuracy : float
        The accuracy of all columns, likewise measured.
    baseline_accuracy : float
        The share of the largest segment.
    """

    steps: pd.DataFrame
    questions: tuple[str, ...]
    rules: pd.DataFrame
    step_count: int
    wanted_accuracy: float
    full_accuracy: float
    baseline_accuracy: float

    @property
    def reaches_wanted(self) -> bool:
        """Whether the quiz places as many customers rightly as was wanted."""
        if self.rules.empty:
            return False
        return bool(self.steps["accuracy"].iloc[self.step_count - 1] >= self.wanted_accuracy)

    def list_questions(self, *, base: str = "") -> pd.DataFrame:
        """Return the columns that are asked, ``question``, and who can answer, ``answered_by``.

        See `find_source`; ``base`` is that of the scheme.
        """
        if self.rules.empty:
            return empty_table(["question", "answered_by"], explain_empty(self.rules))
        sources = [find_source(column, base=base) for column in self.questions]
        return pd.DataFrame({"question": self.questions, "answered_by": sources})

    def list_accuracies(self) -> pd.DataFrame:
        """Return the accuracies as a table, see `tabulate_accuracies`."""
        if self.rules.empty:
            return tabulate_accuracies({}, customer_count=0, largest_count=0)
        step = self.steps.iloc[self.step_count - 1]
        count = int(step["customer_count"])
        return tabulate_accuracies(
            {
                BY_QUIZ: (step["accuracy"], step["accuracy_low"], step["accuracy_high"]),
                BY_ALL_COLUMNS: (self.full_accuracy, None, None),
                WANTED: (self.wanted_accuracy, None, None),
                BY_GUESSING: (self.baseline_accuracy, None, None),
            },
            customer_count=count,
            largest_count=round(self.baseline_accuracy * count),
        )


def build_quiz(
    customers: pd.DataFrame,
    segments: pd.DataFrame,
    *,
    columns: Sequence[str],
    target_accuracy: float = 0.9,
    random_state: int,
    smallest_cell: int = 5,
) -> Quiz:
    """Find the fewest columns that place unseen customers as well as is wanted.

    Wanted is ``target_accuracy``, or what all columns reach less two points where that is lower.
    Five-fold cross-validation on at most 1,200 customers, with forward selection inside each fold
    among the ten columns that tell most alone. That the number of questions is read off the same
    figures flatters it a little. The rules come from all customers.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row a customer.
    segments : pandas.DataFrame
        What `Segmentation.assign` returned; customers without a segment are left out.
    columns : sequence of str
        What may be asked, numbers or categories; of equally good ones the first is taken.

    Raises
    ------
    SegkitError
        If a column is not there.
    """
    task = read_task(
        customers, segments, columns, random_state=random_state, most_customers=MOST_CUSTOMERS
    )
    if task.obstacle:
        return _refuse(task.obstacle, (float("nan"),) * 2, task.baseline)
    search = _Search(task, random_state, smallest_cell)
    by_step, by_all = search.test()
    full = float(by_all.mean())
    wanted = min(target_accuracy, full - MARGIN)
    order, leaf_counts = search.select(task.rows)
    steps = [
        (i + 1, column, *trees.bound_accuracy(by_step[:, i], 1 / FOLDS), len(task.classes))
        for i, column in enumerate(order)
    ]
    steps = pd.DataFrame(steps, columns=STEP_COLUMNS)
    enough = np.flatnonzero(steps["accuracy"] >= wanted)
    last = int(enough[0] if len(enough) else steps["accuracy"].argmax())
    if leaf_counts[last] == 1:
        reason = "No question places unseen customers better than the largest segment's share does."
        return _refuse(reason, (wanted, full), task.baseline)
    places = task.inputs.find(order[: last + 1])
    rules, leaves = task.list_rules(places, leaf_counts[last], smallest_cell)
    rules["when"] = [trees.write_condition(leaf, task.inputs) for leaf in leaves]
    asked = {column for leaf in leaves for column in leaf.limits}
    questions = tuple(column for column in order[: last + 1] if column in asked)
    return Quiz(steps, questions, rules, last + 1, wanted, full, task.baseline)


def _refuse(reason: str, figures: tuple[float, ...], baseline: float) -> Quiz:
    no_steps = empty_table(STEP_COLUMNS, reason)
    no_rules = empty_table([*RULE_COLUMNS, "when"], reason)
    return Quiz(no_steps, (), no_rules, 0, *figures, baseline)


@dataclass(frozen=True)
class _Search:
    """Forward selection over the columns of a task."""

    task: Task
    random_state: int
    smallest_leaf: int

    def score(self, columns: list[str], rows: np.ndarray) -> tuple[int, float]:
        """Return the number of leaves for some columns, and their accuracy, on the same folds."""
        matrix = self.task.inputs.matrix[np.ix_(rows, self.task.inputs.find(columns))]
        generator = np.random.default_rng(self.random_state)
        return trees.choose_leaves(
            matrix,
            self.task.classes[rows],
            generator,
            smallest_leaf=self.smallest_leaf,
            leaf_counts=LEAVES,
        )

    def select(self, rows: np.ndarray) -> tuple[list[str], list[int]]:
        """Return the columns in the order in which they are added, and the leaves of each step."""
        alone = {c: self.score([c], rows) for c in self.task.inputs.columns}
        left = sorted(alone, key=lambda column: -alone[column][1])[:MOST_TRIED]
        chosen = []
        leaf_counts = []
        while left and len(chosen) < MOST_QUESTIONS:
            tried = {c: self.score([*chosen, c], rows) for c in left} if chosen else alone
            best = max(left, key=lambda column: tried[column][1])
            chosen.append(best)
            leaf_counts.append(tried[best][0])
            left.remove(best)
        return chosen, leaf_counts

    def test(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the accuracy of each fold by number of questions, and of all columns."""
        columns = self.task.inputs.columns
        tested = self.task.rows
        generator = np.random.default_rng([self.random_state, 1])
        folds = trees.deal_folds(self.task.classes[tested], FOLDS, generator)
        by_step = []
        for fold in range(FOLDS):
            train = tested[folds != fold]
            test = tested[folds == fold]
            order, leaf_counts = self.select(train)
            steps = [(order[: i + 1], leaves) for i, leaves in enumerate(leaf_counts)]
            steps.append((columns, self.score(columns, train)[0]))
            right = [self._place(asked, leaves, train, test) for asked, leaves in steps]
            by_step.append(right)
        accuracies = np.array(by_step)
        return accuracies[:, :-1], accuracies[:, -1]

    def _place(
        self, columns: Sequence[str], leaf_count: int, train: np.ndarray, test: np.ndarray
    ) -> float:
        """Return the share of the ``test`` rows placed rightly by a tree on the ``train`` rows."""
        classes = self.task.classes
        matrix = self.task.inputs.matrix[:, self.task.inputs.find(columns)]
        grown = trees.grow_tree(
            matrix[train], classes[train], most_leaves=LEAVES[-1], smallest_leaf=self.smallest_leaf
        )
        placed = trees.predict_pruned(grown, matrix[test], [leaf_count])[:, 0]
        return float((placed == classes[test]).mean())


def make_scheme(quiz: Quiz, name: str, *, goal: str, base: str) -> Scheme | None:
    """Return the quiz as a scheme of rules, which `fit_segmentation` takes; None without rules.

    A name longer than a plan allows is cut, and told from others by the segment's number.
    """
    if quiz.rules.empty:
        return None
    names = [
        text if len(text) <= 60 else f"{text[:54].rstrip(' ,')}… ({number})"
        for text, number in zip(quiz.rules["segment_name"], quiz.rules["segment"], strict=True)
    ]
    pairs = list(zip(names, quiz.rules["when"], strict=True))
    pairs[-1] = (pairs[-1][0], "true")  # the leaves leave nobody out
    rules = tuple(NamedRule(name=segment, when=when) for segment, when in pairs)
    return Scheme(name=name, goal=goal, base=base, method="rules", rules=rules)


def fit_scheme(
    scheme: Scheme | None, customers: pd.DataFrame, *, at: Settings
) -> Segmentation | None:
    """Return a scheme of rules as a document that assigns anywhere; None where there is none.

    Parameters
    ----------
    scheme : Scheme or None
        From :func:`make_scheme`.
    customers : DataFrame
        One row a customer.
    at : Settings
        The last day counted and the seed.
    """
    if scheme is None:
        return None
    fitted, _ = fit_segmentation(
        customers,
        scheme,
        n_segments=len(scheme.rules),
        as_of=at.as_of,
        random_state=at.random_state,
    )
    return fitted


def write_scheme(scheme: Scheme | None) -> str:
    """Write a scheme of rules as a plan holds it (TOML); a comment where there is none."""
    if scheme is None:
        return "# No quiz places customers better than guessing.\n"
    rules = [
        f"  {{ name = {_quote(rule.name)}, when = {_quote(rule.when)} }},\n"
        for rule in scheme.rules
    ]
    keys = {"name": scheme.name, "goal": scheme.goal, "base": scheme.base, "method": scheme.method}
    head = "".join(f"{key} = {_quote(value)}\n" for key, value in keys.items())
    return f"[[schemes]]\n{head}rules = [\n{''.join(rules)}]\n"


def _quote(text: str) -> str:
    """Quote a text for TOML, which takes JSON's quotes but wants one sign more escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
