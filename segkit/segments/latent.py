"""Latent classes: groups of customers who answer alike; fitted by StepMix, placed by Ibis."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import ibis
import numpy as np
import pandas as pd
from ibis import ir
from pydantic import model_validator
from sklearn.exceptions import ConvergenceWarning
from stepmix import StepMix
from threadpoolctl import threadpool_limits

from segkit.errors import SegkitError
from segkit.segments.preparation import Document, Levels, add_up, learn_levels, share_known

# Log probabilities that differ by less than this part of themselves are equal.
TIE = 1e-9
# What no one in a class answered is taken as this improbable, as StepMix does.
FLOOR = 1e-15
MOST_NUMBERS = 20
MOST_FITTED_PATTERNS = 10_000
# Starts end where a step gains less log-likelihood than this; the best is then run on.
SEARCH_GAIN, SEARCH_STEPS = 1e-3, 300
FINAL_GAIN, FINAL_STEPS = 1e-6, 5_000
# A start that comes this near has reached the maximum; that many must have reached it.
SAME_LIKELIHOOD, ENOUGH_FOUND = 0.05, 3
MOST_ROUNDS = 5
BOOTSTRAP_STARTS = 3


class Classes(Document):
    """Shares of the classes, and in each class the probabilities of each column's levels.

    ``probabilities[c][j][l]`` is the probability of level ``l`` of column ``j`` in class ``c``.
    Within a class the columns are independent (Lazarsfeld and Henry, 1968).
    """

    kind: Literal["classes"] = "classes"
    levels: tuple[Levels, ...]
    weights: tuple[float, ...]
    probabilities: tuple[tuple[tuple[float, ...], ...], ...]

    @model_validator(mode="after")
    def _check_shape(self) -> Classes:
        sizes = [len(own.levels) for own in self.levels]
        shapes = [[len(shares) for shares in own] for own in self.probabilities]
        if not self.weights or not sizes or shapes != [sizes] * len(self.weights):
            raise ValueError("weights, probabilities and levels do not fit together")
        for shares in (self.weights, *(shares for own in self.probabilities for shares in own)):
            if min(shares) <= 0 or not math.isclose(sum(shares), 1, abs_tol=1e-6):
                raise ValueError("probabilities must be above 0 and add up to 1")
        return self

    @property
    def parts(self) -> tuple[Levels, ...]:
        """How each column is prepared."""
        return self.levels

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(own.column for own in self.levels)

    @property
    def kinds(self) -> dict[str, str]:
        """Whether each column is a number, text or boolean."""
        return {own.column: own.kind for own in self.levels}

    @property
    def segment_count(self) -> int:
        """How many classes there are."""
        return len(self.weights)

    def reorder(self, order: Sequence[int]) -> Classes:
        """Return the same with class ``order[0]`` first, ``order[1]`` second and so on."""
        moved = {"weights": self.weights, "probabilities": self.probabilities}
        return self.model_copy(update={k: tuple(v[i] for i in order) for k, v in moved.items()})

    def place(self, table: ir.Table) -> ir.Table:
        """Add ``segment``, ``probability`` and ``confidence``.

        The class is the most probable given the answers (Bayes' rule), the lower number where two
        are equal. A missing answer tells nothing; nor does a level that the fit did not see, unless
        the fit pooled rare levels, of which it then is one. ``confidence`` is the probability times
        the share of columns whose value is neither missing nor new.
        """
        table = table.mutate(**{f"x{i}_": own.take(table) for i, own in enumerate(self.levels)})
        values = [table[f"x{i}_"] for i in range(len(self.levels))]
        codes = {}
        for i, (own, value) in enumerate(zip(self.levels, values, strict=True)):
            matches = [(own.match(value, level), code) for code, level in enumerate(own.levels)]
            codes[f"c{i}_"] = ibis.cases(*matches, else_=-1)
        table = table.mutate(known_=share_known(self.levels, values), **codes)
        numbers = range(1, self.segment_count + 1)
        table = table.mutate(**{f"l{n}_": self._weigh(table, n - 1) for n in numbers})
        logs = [table[f"l{n}_"] for n in numbers]
        table = table.mutate(best_=ibis.greatest(*logs))
        near = table.best_ * (1 + TIE)  # logarithms of probabilities are below zero
        segment = ibis.cases(*[(table[f"l{n}_"] >= near, n) for n in numbers]).cast("int64")
        others = add_up([(table[f"l{n}_"] - table.best_).exp() for n in numbers])
        table = table.mutate(segment=segment, probability=1.0 / others)
        return table.mutate(confidence=table.probability * table.known_)

    def _weigh(self, table: ir.Table, index: int) -> ir.FloatingValue:
        """The logarithm of the probability of one class and the answers together."""
        terms = [ibis.literal(math.log(self.weights[index]))]
        for i, shares in enumerate(self.probabilities[index]):
            code = table[f"c{i}_"]
            known = [(code == level, math.log(share)) for level, share in enumerate(shares)]
            terms.append(ibis.cases(*known, else_=0.0))
        return add_up(terms)


@dataclass(frozen=True)
class ClassFit:
    """Fitted latent classes, the largest first, and how well they fit.

    ``entropy`` is between 0 (classes overlap wholly) and 1 (everybody's class is certain), NaN for
    one class. ``found_count`` of ``start_count`` starts came within 0.05 of the log-likelihood:
    with fewer than three there may be a better solution. ``customer_count`` were fitted.
    """

    model: Classes
    log_likelihood: float
    parameter_count: int
    aic: float
    bic: float
    entropy: float
    start_count: int
    found_count: int
    customer_count: int


@dataclass(frozen=True)
class _Answers:
    """Different answer patterns as codes of levels (-1 is missing), sorted, and their counts."""

    levels: tuple[Levels, ...]
    patterns: np.ndarray
    counts: np.ndarray

    def spread(self) -> np.ndarray:
        """Return a column of 0 and 1 a level, NaN where missing, as StepMix takes them."""
        width = max(len(own.levels) for own in self.levels)
        spread = (self.patterns[:, :, None] == np.arange(width)).astype(float)
        spread[self.patterns < 0] = np.nan
        return spread.reshape(len(spread), -1)


def fit_classes(
    customers: pd.DataFrame,
    columns: Sequence[str],
    n_segments: int,
    *,
    random_state: int,
    n_init: int = 10,
) -> ClassFit:
    """Fit latent classes to columns taken as categories, by maximum likelihood.

    EM from random starts, at least ``n_init`` and at most five times as many, until three have
    reached the best log-likelihood. Missing answers by full information: each customer counts with
    what is known. Equal customers are counted, not repeated; where more than 10,000 differ, a
    random 10,000 customers are fitted. The customers' order changes nothing.

    Raises
    ------
    SegkitError
        If a column is not there, has no values, or is a number with more than 20 different values;
        or if fewer customers differ than there are classes.

    References
    ----------
    Goodman (1974), Exploratory latent structure analysis, *Biometrika* 61(2). Morin et al. (2025),
    StepMix, *Journal of Statistical Software* 113(8). Entropy: Ramaswamy et al. (1993), equation 17.
    """
    answers = _read_answers(customers, columns, random_state)
    with threadpool_limits(1):
        return _fit_answers(answers, n_segments, random_state, n_init)


def compare_class_counts(
    customers: pd.DataFrame,
    columns: Sequence[str],
    counts: Iterable[int],
    *,
    random_state: int,
    n_bootstrap: int,
) -> pd.DataFrame:
    """Fit several numbers of classes; is each better than one class fewer?

    Returns
    -------
    pandas.DataFrame
        ``segment_count``, ``log_likelihood``, ``parameter_count``, ``aic``, ``bic``, ``entropy``,
        ``found_count`` and ``blrt_p_value``: the share, counting the data itself, of
        ``n_bootstrap`` samples drawn from the model with one class fewer, with the same answers
        missing, in which the likelihood ratio is at least the data's. NaN for one class, or
        without samples.

    References
    ----------
    McLachlan (1987), On bootstrapping the likelihood ratio test statistic for the number of
    components in a normal mixture, *Applied Statistics* 36(3).
    """
    answers = _read_answers(customers, columns, random_state)
    measures = ("log_likelihood", "parameter_count", "aic", "bic", "entropy", "found_count")
    fits, rows = {}, []
    with threadpool_limits(1):
        for count in counts:
            for n in {max(count - 1, 1), count} - fits.keys():
                fits[n] = _fit_answers(answers, n, random_state, 10)
            row = {"segment_count": count} | {name: getattr(fits[count], name) for name in measures}
            tested = count > 1 and n_bootstrap > 0
            seed = [random_state, count]
            row["blrt_p_value"] = (
                _test_ratio(answers, fits[count - 1], fits[count], seed, n_bootstrap)
                if tested
                else float("nan")
            )
            rows.append(row)
    return pd.DataFrame(rows)


def describe_classes(model: Classes) -> list[list[tuple[str, str, float, float]]]:
    """Say what sets each class apart: in each column the level that most exceeds its overall share.

    Returns
    -------
    list of list of tuple
        For each class and column: the column, the level, its probability in the class, and overall.
    """
    described = []
    for own in model.probabilities:
        traits = []
        for i, (levels, shares) in enumerate(zip(model.levels, own, strict=True)):
            overall = np.average([p[i] for p in model.probabilities], axis=0, weights=model.weights)
            best = int(np.argmax(shares - overall))
            traits.append((levels.column, levels.levels[best], shares[best], float(overall[best])))
        described.append(traits)
    return described


def _read_answers(customers: pd.DataFrame, columns: Sequence[str], random_state: int) -> _Answers:
    """Learn the levels of the columns and count the answer patterns."""
    learned = [learn_levels(customers, column, missing="ignore") for column in columns]
    for own, _ in learned:
        if own.kind == "number" and customers[own.column].nunique() > MOST_NUMBERS:
            raise SegkitError(
                f"column '{own.column}' is a number with more than {MOST_NUMBERS} different values",
                found=str(customers[own.column].nunique()),
                fix="Cut it into groups, or use method kprototypes.",
            )
    codes = np.column_stack([codes for _, codes in learned])
    patterns, counts = np.unique(codes, axis=0, return_counts=True)
    if len(patterns) > MOST_FITTED_PATTERNS:
        rng = np.random.default_rng(random_state)
        counts = rng.multivariate_hypergeometric(counts, MOST_FITTED_PATTERNS, method="marginals")
    return _Answers(tuple(own for own, _ in learned), patterns[counts > 0], counts[counts > 0])


def _fit_answers(answers: _Answers, n_segments: int, random_state: int, n_init: int) -> ClassFit:
    """Search for the best start, run it on, and measure the fit."""
    if len(answers.patterns) < n_segments:
        columns = ", ".join(own.column for own in answers.levels)
        raise SegkitError(
            f"{n_segments} segments need at least {n_segments} different customers",
            found=f"{len(answers.patterns)} in columns {columns}",
            fix="Ask for fewer segments or give more columns.",
        )
    starts = _search_starts(answers, n_segments, random_state, n_init)
    best = max(starts, key=starts.get)
    found = _run_em(answers, n_segments, best, FINAL_GAIN, FINAL_STEPS)
    customer_count = int(answers.counts.sum())
    log_likelihood = _measure_likelihood(found, answers)
    known = np.clip(found.predict_proba(answers.spread()), FLOOR, 1)
    doubt = -(answers.counts @ (known * np.log(known)).sum(axis=1)) / customer_count
    free = sum(len(own.levels) - 1 for own in answers.levels)
    parameter_count = n_segments - 1 + n_segments * free
    model = _write_model(found, answers.levels)
    return ClassFit(
        model=model.reorder(np.argsort(-np.array(model.weights), kind="stable")),
        log_likelihood=log_likelihood,
        parameter_count=parameter_count,
        aic=2 * parameter_count - 2 * log_likelihood,
        bic=parameter_count * math.log(customer_count) - 2 * log_likelihood,
        entropy=1 - doubt / math.log(n_segments) if n_segments > 1 else float("nan"),
        start_count=len(starts),
        found_count=_count_best(starts),
        customer_count=customer_count,
    )


def _search_starts(
    answers: _Answers, n_segments: int, random_state: int, n_init: int
) -> dict[int, float]:
    """Return the log-likelihood that each start, known by its seed, reached."""
    starts: dict[int, float] = {}
    for seed in np.random.default_rng(random_state).integers(2**31, size=MOST_ROUNDS * n_init):
        found = _run_em(answers, n_segments, int(seed), SEARCH_GAIN, SEARCH_STEPS)
        starts[int(seed)] = _measure_likelihood(found, answers)
        if len(starts) >= n_init and _count_best(starts) >= ENOUGH_FOUND:
            break
    return starts


def _count_best(starts: dict[int, float]) -> int:
    return sum(reached > max(starts.values()) - SAME_LIKELIHOOD for reached in starts.values())


def _run_em(answers: _Answers, n_segments: int, seed: int, gain: float, steps: int) -> StepMix:
    """Run EM from one random start until a step gains less than ``gain``."""
    shape = {
        "integer_codes": False,
        "max_n_outcomes": max(len(own.levels) for own in answers.levels),
        "total_outcomes": sum(len(own.levels) for own in answers.levels),
    }
    found = StepMix(
        n_segments,
        # The variant for missing answers is several times slower.
        measurement="categorical_nan" if (answers.patterns < 0).any() else "categorical",
        measurement_params=shape,
        abs_tol=gain / answers.counts.sum(),
        max_iter=steps,
        random_state=seed,
        progress_bar=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return found.fit(answers.spread(), sample_weight=answers.counts)


def _measure_likelihood(found: StepMix, answers: _Answers) -> float:
    mean = found.score(answers.spread(), sample_weight=answers.counts)
    return float(mean * answers.counts.sum())


def _write_model(found: StepMix, levels: tuple[Levels, ...]) -> Classes:
    """Take the numbers out of StepMix, none of them 0."""
    shares = found.get_parameters()["measurement"]["pis"]
    shares = np.clip(shares, FLOOR, 1).reshape(len(shares), len(levels), -1)
    probabilities = [
        [own[i, : len(part.levels)].tolist() for i, part in enumerate(levels)] for own in shares
    ]
    weights = found.weights_.tolist()
    return Classes(levels=levels, weights=weights, probabilities=probabilities)


def _test_ratio(
    answers: _Answers, null: ClassFit, better: ClassFit, seed: list[int], n_bootstrap: int
) -> float:
    """Return the bootstrap p-value of the likelihood ratio of two fits.

    StepMix's own test counts neither missing answers nor repeated patterns.
    """
    rng = np.random.default_rng(seed)
    count = better.model.segment_count
    ratio = better.log_likelihood - null.log_likelihood
    exceeded = 0
    for _ in range(n_bootstrap):
        copy = _draw_answers(answers, null.model, rng)
        own_seed = int(rng.integers(2**31))
        reached = [
            # As many classes as patterns fit them exactly; more cannot do better.
            max(
                _search_starts(
                    copy, min(n, len(copy.patterns)), own_seed, BOOTSTRAP_STARTS
                ).values()
            )
            for n in (count - 1, count)
        ]
        exceeded += reached[1] - reached[0] >= ratio
    return (1 + exceeded) / (1 + n_bootstrap)


def _draw_answers(answers: _Answers, model: Classes, rng: np.random.Generator) -> _Answers:
    """Draw as many customers from a model, with the same answers missing."""
    missing = np.repeat(answers.patterns < 0, answers.counts, axis=0)
    members = rng.choice(len(model.weights), size=len(missing), p=_scale(model.weights))
    drawn = np.empty(missing.shape, dtype=np.int32)
    for i in range(drawn.shape[1]):
        edges = np.cumsum([own[i] for own in model.probabilities], axis=1)[:, :-1]
        drawn[:, i] = (rng.random(len(drawn))[:, None] > edges[members]).sum(axis=1)
    drawn[missing] = -1
    patterns, counts = np.unique(drawn, axis=0, return_counts=True)
    return _Answers(answers.levels, patterns, counts)


def _scale(weights: tuple[float, ...]) -> np.ndarray:
    return np.array(weights) / sum(weights)
