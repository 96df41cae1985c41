"""Latent classes: groups of customers who answer alike; fitted by EM, placed by Ibis."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import ibis
import numpy as np
import pandas as pd
from ibis import ir
from pydantic import model_validator
from scipy.special import xlogy
from threadpoolctl import threadpool_limits

from segkit.core.errors import SegkitError
from segkit.models.answer_patterns import (
    FLOOR,
    LEAST_GAIN,
    Answers,
    count_found,
    draw_answers,
    rate_answers,
    read_answers,
    search_classes,
)
from segkit.models.columns import Document, Levels, add_up, share_known
from segkit.models.lloyd import TIE

STARTS = 10
# A sample of a test needs a step less exact: its likelihood ratio is one of many.
BOOTSTRAP_STARTS, BOOTSTRAP_GAIN = 10, 1e-4


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
        if 0 in (len(self.weights), len(sizes), *sizes) or shapes != [sizes] * len(self.weights):
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
        codes = {"known_": share_known(self.levels, values)}
        for i, (own, value) in enumerate(zip(self.levels, values, strict=True)):
            matches = [(own.match(value, level), code) for code, level in enumerate(own.levels)]
            codes[f"c{i}_"] = ibis.cases(*matches, else_=-1)
        table = table.mutate(**codes)
        numbers = range(1, self.segment_count + 1)
        table = table.mutate(**{f"l{n}_": self._rate(table, n - 1) for n in numbers})
        logs = [table[f"l{n}_"] for n in numbers]
        table = table.mutate(best_=ibis.greatest(*logs))
        near = table.best_ * TIE  # the logarithm of a probability is not above zero
        segment = ibis.cases(*[(table[f"l{n}_"] >= near, n) for n in numbers]).cast("int64")
        odds = add_up([(table[f"l{n}_"] - table.best_).exp() for n in numbers])
        table = table.mutate(segment=segment, probability=1.0 / odds)
        return table.mutate(confidence=table.probability * table.known_)

    def _rate(self, table: ir.Table, index: int) -> ir.FloatingValue:
        """The logarithm of the probability of one class and the answers together."""
        terms = [ibis.literal(math.log(self.weights[index]))]
        for i, shares in enumerate(self.probabilities[index]):
            logs = [(table[f"c{i}_"] == code, math.log(share)) for code, share in enumerate(shares)]
            terms.append(ibis.cases(*logs, else_=0.0))
        return add_up(terms)


@dataclass(frozen=True)
class ClassFit:
    """Fitted latent classes, the largest first, and how well they fit.

    ``entropy`` is between 0 (classes overlap wholly) and 1 (everybody's class is certain), NaN for
    one class. ``found_count`` of ``start_count`` starts reached the log-likelihood (within 0.01):
    with fewer than three there may be a better solution. ``customer_count`` were fitted.
    """

    model: Classes
    log_likelihood: float
    parameter_count: int
    entropy: float
    start_count: int
    found_count: int
    customer_count: int

    @property
    def aic(self) -> float:
        """Akaike's information criterion (1974); lower is better."""
        return 2 * self.parameter_count - 2 * self.log_likelihood

    @property
    def bic(self) -> float:
        """The Bayesian information criterion (Schwarz 1978); lower is better."""
        return math.log(self.customer_count) * self.parameter_count - 2 * self.log_likelihood


def fit_classes(
    customers: pd.DataFrame,
    columns: Sequence[str],
    n_segments: int,
    *,
    random_state: int,
    n_init: int = STARTS,
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
    Goodman (1974), Exploratory latent structure analysis using both identifiable and unidentifiable
    models, *Biometrika* 61(2). Entropy: Ramaswamy et al. (1993), *Marketing Science* 12(1).
    """
    answers = read_answers(customers, columns, random_state)
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
        One row a number: ``segment_count``, ``log_likelihood``, ``parameter_count``, ``aic``,
        ``bic``, ``entropy`` and ``blrt_p_value``: the share of samples, the data counted as one,
        whose likelihood ratio is at least the data's. The ``n_bootstrap`` samples are drawn from
        the model with one class fewer, with the same answers missing. NaN for one class, or
        without samples.

    References
    ----------
    McLachlan (1987), On bootstrapping the likelihood ratio test statistic for the number of
    components in a normal mixture, *Applied Statistics* 36(3).
    """
    answers, fits, rows = read_answers(customers, columns, random_state), {}, []
    for count in counts:
        for n in {max(count - 1, 1), count} - fits.keys():
            fits[n] = _fit_answers(answers, n, random_state, STARTS)
        names = ("log_likelihood", "parameter_count", "aic", "bic", "entropy")
        row = {"segment_count": count} | {name: getattr(fits[count], name) for name in names}
        row["blrt_p_value"] = float("nan")
        if count > 1 and n_bootstrap:
            pair, rng = [fits[count - 1], fits[count]], np.random.default_rng([random_state, count])
            exceeded = _count_exceeding(answers, pair, rng, n_bootstrap)
            row["blrt_p_value"] = (1 + exceeded) / (1 + n_bootstrap)
        rows.append(row)
    return pd.DataFrame(rows)


def _fit_answers(answers: Answers, n_segments: int, random_state: int, n_init: int) -> ClassFit:
    """Climb from the best start to the end, and measure the fit."""
    levels, customer_count = answers.levels, int(answers.counts.sum())
    if len(answers.counts) < n_segments:
        message = f"{n_segments} segments need at least {n_segments} different customers"
        found = f"{len(answers.counts)} in columns {', '.join(own.column for own in levels)}"
        raise SegkitError(message, found=found, fix="Ask for fewer segments or give more columns.")
    with threadpool_limits(1):
        rng, gain = np.random.default_rng(random_state), LEAST_GAIN * max(1, customer_count / 5)
        ends = {"gain": gain, "end_gain": LEAST_GAIN}
        climbs = search_classes(answers, n_segments, rng, n_init=n_init, **ends)
        _, weights, shares = climbs[0]
        log_likelihood, known = rate_answers(answers, weights, shares)
    order = np.argsort(-weights, kind="stable")
    sizes = [len(own.levels) for own in levels]
    probabilities = [
        [row[:size].tolist() for row, size in zip(own, sizes, strict=True)]
        for own in np.clip(shares[order], FLOOR, 1)
    ]
    doubt = -(answers.counts @ xlogy(known, known).sum(axis=1)) / customer_count
    return ClassFit(
        model=Classes(levels=levels, weights=weights[order].tolist(), probabilities=probabilities),
        log_likelihood=log_likelihood,
        parameter_count=n_segments - 1 + n_segments * (sum(sizes) - len(sizes)),
        entropy=1 - doubt / math.log(n_segments) if n_segments > 1 else float("nan"),
        start_count=len(climbs),
        found_count=count_found(climbs),
        customer_count=customer_count,
    )


def _count_exceeding(
    answers: Answers, fits: list[ClassFit], rng: np.random.Generator, n_bootstrap: int
) -> int:
    """Count samples from the smaller model whose likelihood ratio is at least the data's."""
    options = {"n_init": BOOTSTRAP_STARTS, "gain": BOOTSTRAP_GAIN}
    (small, large), exceeded = fits, 0
    for _ in range(n_bootstrap):
        drawn = draw_answers(answers, small.model.weights, small.model.probabilities, rng)
        reached = []
        for fit in fits:
            # As many classes as patterns fit exactly; more cannot do better.
            size = min(fit.model.segment_count, len(drawn.counts))
            with threadpool_limits(1):
                reached.append(search_classes(drawn, size, rng, **options)[0].likelihood)
        exceeded += reached[1] - reached[0] >= large.log_likelihood - small.log_likelihood
    return exceeded
