"""How often customers without groups are called groups, and how often the true number is chosen.

Each draw is judged as a plan's scheme is: fitted with several numbers of segments, compared, and
one chosen. The result is one record, so that a long run can be broken off and go on.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from zlib import crc32

import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from segkit.core.errors import SegkitError
from segkit.plan.models import Criteria, Scheme
from segkit.validation.candidates import compare_candidates
from segkit.validation.stability import compare_labels
from segkit.validation.verdict import choose_scheme
from tests.simulations.drawn_groups import GROUPS
from tests.simulations.drawn_noise import ALL_MODELS, NOISE, Draw

AS_OF = datetime.date(2026, 6, 30)
PAIRS = 15
# Of customers without groups so many segments are tried; with groups up to two more than there are.
MOST_SEGMENTS = 6
# Words that claim that there are groups.
CLAIMS = ("natural", "classes")
MODELS = ALL_MODELS
KINDS = {kind.name: kind for kind in (*NOISE, *GROUPS)}
# How many seeds of each number of customers, and the first of them: the rules were chosen on the
# seeds from 0, so what is said of them is measured on customers that nobody had seen.
SEEDS = {1_000: 20, 300: 5, 5_000: 5}
FIRST_SEED = 100


@dataclass(frozen=True, order=True)
class Task:
    """One draw to judge: a kind of customers, the model, how many there are, and the seed."""

    kind: str
    model: str
    rows: int
    seed: int


@dataclass(frozen=True)
class Judged:
    """What was said of one draw.

    Attributes
    ----------
    true_count : int
        Groups that there are; 1 where there are none.
    chosen_count : int
        The chosen number of segments; 0 where the data were refused.
    verdict, chosen_kind : str
        "yes" or "no", and the word for what was found with the chosen number.
    words : dict of str
        The word for each number of segments tried.
    chosen_rand, true_rand : float or None
        The adjusted Rand index with the true groups of the chosen segments, and of as many as there
        are groups; None without groups.
    seconds : float
        Processor time.
    """

    true_count: int
    chosen_count: int
    verdict: str
    chosen_kind: str
    words: dict[int, str]
    chosen_rand: float | None
    true_rand: float | None
    seconds: float


def list_tasks(
    *,
    kinds: Iterable[str] = (),
    models: Iterable[str] = (),
    rows: Iterable[int] = (),
    seeds: dict[int, int] | None = None,
) -> list[Task]:
    """List the draws to judge, the first seed of all kinds before the second of any.

    Without ``kinds``, ``models`` or ``rows`` all of them; ``seeds`` is by number of rows.
    """
    seeds = SEEDS if seeds is None else seeds
    tasks = [
        Task(kind.name, model, count, seed)
        for kind in KINDS.values()
        for model in kind.models
        for count, most in seeds.items()
        for seed in range(FIRST_SEED, FIRST_SEED + most)
    ]
    wanted = (set(kinds), set(models), set(rows))
    tasks = [
        task
        for task in tasks
        if (not wanted[0] or task.kind in wanted[0])
        and (not wanted[1] or task.model in wanted[1])
        and (not wanted[2] or task.rows in wanted[2])
    ]
    return sorted(tasks, key=lambda task: task.seed)


def draw_task(task: Task) -> Draw:
    """Draw the customers of a task; the same task gives the same customers."""
    rng = np.random.default_rng([task.seed, crc32(task.kind.encode()), task.rows])
    return KINDS[task.kind].draw(rng, task.rows)


def make_customers(drawn: Draw, model: str) -> tuple[pd.DataFrame, Scheme]:
    """Make the customer table of a draw, and the scheme that reads it.

    kmeans reads codes as numbers; other models read them as text.
    """
    count = len(drawn.codes if drawn.numbers is None else drawn.numbers)
    columns: dict[str, np.ndarray] = {}
    categorical = []
    if drawn.numbers is not None:
        columns |= {f"number_{i}": values for i, values in enumerate(drawn.numbers.T)}
    if drawn.codes is not None:
        for i, codes in enumerate(drawn.codes.T):
            name = f"answer_{i}"
            if model == "kmeans":
                columns[name] = codes.astype(float)
            else:
                columns[name] = np.array([f"level {code}" for code in codes])
                categorical.append(name)
    scheme = Scheme(
        name="drawn",
        goal="g",
        base="behavioural",
        method=model,
        columns=tuple(columns),
        categorical=tuple(categorical),
        segments=(2, MOST_SEGMENTS),
    )
    identifiers = {"customer_id": [f"c{i:05}" for i in range(count)]}
    return pd.DataFrame(identifiers | columns), scheme


def judge(task: Task, *, pairs: int = PAIRS, most_segments: int | None = None) -> Judged:
    """Draw the customers of a task, and judge the numbers of segments of one scheme."""
    begun = time.process_time()
    drawn = draw_task(task)
    true_count = KINDS[task.kind].true_count
    customers, scheme = make_customers(drawn, task.model)
    most = most_segments or (MOST_SEGMENTS if true_count == 1 else true_count + 2)
    scheme = scheme.model_copy(update={"segments": (2, most)})
    criteria = Criteria(most_segments=10, smallest_customer_share=0.02)
    try:
        found = compare_candidates(
            customers, [scheme], criteria, as_of=AS_OF, random_state=task.seed, pairs=pairs
        )
    except SegkitError:
        seconds = time.process_time() - begun
        return Judged(true_count, 0, "no", "refused", {}, None, None, seconds)
    choice = choose_scheme(found.table, criteria)
    words = dict(zip(found.table["segment_count"], found.table["kind"], strict=True))
    rands: dict[int, float] = {}
    if drawn.groups is not None:
        truth = pd.Series(drawn.groups, customers["customer_id"])[found.sampled["customer_id"]]
        rands = {
            count: compare_labels(truth.to_numpy(), resamples.own)
            for (_, count), resamples in found.resamples.items()
        }
    return Judged(
        true_count=true_count,
        chosen_count=choice.segment_count,
        verdict=choice.verdict,
        chosen_kind=choice.kind,
        words={int(count): word for count, word in words.items()},
        chosen_rand=rands.get(choice.segment_count),
        true_rand=rands.get(true_count),
        seconds=time.process_time() - begun,
    )


def judge_tasks(
    tasks: list[Task], *, processes: int = 1, pairs: int = PAIRS, hours: float = 8.0
) -> Iterator[dict[str, object]]:
    """Judge draws, and yield each one's record as it is done; none is begun after ``hours``."""
    end = time.monotonic() + hours * 3600
    if processes == 1:
        for task in tasks:
            if time.monotonic() > end:
                return
            yield asdict(task) | asdict(judge(task, pairs=pairs))
        return
    left = iter(tasks)
    running: dict[Future, Task] = {}
    with ProcessPoolExecutor(processes) as pool:
        while True:
            while len(running) < processes and time.monotonic() < end:
                task = next(left, None)
                if task is None:
                    break
                running[pool.submit(judge, task, pairs=pairs)] = task
            if not running:
                return
            done = next(as_completed(running))
            yield asdict(running.pop(done)) | asdict(done.result())


def summarise_noise(records: pd.DataFrame) -> pd.DataFrame:
    """Count, of draws without groups, those of which any number of segments was called groups.

    Returns
    -------
    pandas.DataFrame
        One row a kind, model and number of customers: ``kind``, ``model``, ``rows``, ``draws``,
        ``claimed`` (*natural* or *classes* with any number of segments; the goal is 0),
        ``claimed_high`` (the upper end of the 95 % interval of their share, Clopper and Pearson
        1934), ``reproducible`` (draws chosen as that), ``yes`` (verdicts).
    """
    own = records[records["true_count"] == 1]
    words = own["words"].map(lambda found: set(found.values()))
    own = own.assign(
        claimed=words.map(lambda found: bool(found & set(CLAIMS))),
        reproducible=own["chosen_kind"] == "reproducible",
        yes=own["verdict"] == "yes",
    )
    keys = ["kind", "model", "rows"]
    table = own.groupby(keys, sort=False)[["claimed", "reproducible", "yes"]].sum()
    table.insert(0, "draws", own.groupby(keys, sort=False).size())
    table.insert(2, "claimed_high", bound_shares(table["claimed"], table["draws"]))
    return table.reset_index()


def total_noise(noise: pd.DataFrame) -> pd.DataFrame:
    """Add up the table of `summarise_noise` by model, and for all: the last row."""
    counts = ["draws", "claimed", "reproducible", "yes"]
    by_model = noise.groupby("model", sort=False)[counts].sum().reset_index()
    everything = by_model[counts].sum().to_frame().T.assign(model="all")
    table = pd.concat([by_model, everything], ignore_index=True)
    table.insert(3, "claimed_high", bound_shares(table["claimed"], table["draws"]))
    return table


def summarise_groups(records: pd.DataFrame) -> pd.DataFrame:
    """Count, of draws with groups, those in which the true number was chosen.

    Returns
    -------
    pandas.DataFrame
        One row a kind, model and number of customers: ``kind``, ``model``, ``rows``, ``draws``,
        ``true_count``, ``chosen`` (draws in which it was), ``share``, ``goal``, ``reached``,
        ``claimed`` (the chosen is called *natural* or *classes*), ``yes`` (verdicts),
        ``chosen_rand`` and ``true_rand`` (medians).
    """
    own = records[records["true_count"] > 1]
    own = own.assign(
        chosen=own["chosen_count"] == own["true_count"],
        claimed=own["chosen_kind"].isin(CLAIMS),
        yes=own["verdict"] == "yes",
    )
    keys = ["kind", "model", "rows", "true_count"]
    grouped = own.groupby(keys, sort=False)
    table = grouped[["chosen", "claimed", "yes"]].sum()
    table.insert(0, "draws", grouped.size())
    table[["chosen_rand", "true_rand"]] = grouped[["chosen_rand", "true_rand"]].median()
    table = table.reset_index()
    share = table["chosen"] / table["draws"]
    goal = table["kind"].map(lambda name: KINDS[name].goal)
    table.insert(6, "share", share)
    table.insert(7, "goal", goal)
    table.insert(8, "reached", np.where(share >= goal, "yes", "no"))
    return table


def bound_shares(counts: pd.Series, sizes: pd.Series) -> np.ndarray:
    """Return the upper ends of the 95 % intervals of shares (Clopper and Pearson 1934)."""
    _, high = proportion_confint(counts, sizes, alpha=0.05, method="beta")
    return np.asarray(high, dtype=float)
