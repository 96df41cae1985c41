"""Weights that let who answered stand for all customers, and what they cost in certainty."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table
from segkit.core.errors import SegkitError
from segkit.core.statistics import bound_estimate, bound_share
from segkit.evidence.experience.respondents import UNKNOWN
from segkit.evidence.experience.survey import CHOICE, NUMBER, classify_questions
from segkit.features.survey import find_answers, take_last
from segkit.plan.surveys import SurveyWeights

MOST_ROUNDS = 500
TOLERANCE = 1e-9  # of the largest difference between a weighted share and its target
MOST_CUTS = 50  # how often weights are cut and raked again
NO_MARGINS = (
    "The plan names no margins to weight answers by: write margins, such as "
    '["age_band", "country"], under [surveys.weights].'
)
WEIGHTED = (
    "question", "kind", "answer", "customer_count", "value", "low", "high", "weighted_value",
    "weighted_low", "weighted_high", "effective_count", "is_moved",
)  # fmt: skip


@dataclass(frozen=True)
class Raking:
    """Weights of who answered, with a mean of 1, and how they came out.

    Attributes
    ----------
    weights : ndarray of float, (n,)
    round_count : int
        Passes over all margins, those after a cut included.
    gap : float
        The largest difference between a weighted share and its target.
    trimmed_count : int
        Weights that were cut.
    """

    weights: np.ndarray
    round_count: int
    gap: float
    trimmed_count: int

    @property
    def design_effect(self) -> float:
        """How much the weights raise the variance of a mean, see `find_design_effect`."""
        return find_design_effect(self.weights)


def rake_weights(
    levels: pd.DataFrame, targets: Mapping[str, Mapping[str, float]], *, largest: float = 5.0
) -> Raking:
    """Weight rows so that the shares of each column's levels are the targets.

    Iterative proportional fitting (Deming and Stephan 1940, *Annals of Mathematical Statistics*
    11): the weights of each level are multiplied by the share that it should have over the share
    that it has, column after column, until nothing moves. Weights above ``largest`` times the mean
    are then cut to it, and the rest are fitted again.

    Parameters
    ----------
    levels : DataFrame of str, (n, k)
        One row a respondent, one column a margin.
    targets : mapping of str to mapping of str to float
        By column, the share of each level among all; shares add up to 1.
    largest : float, optional
        The largest weight, over the mean weight.

    Raises
    ------
    SegkitError
        If nobody who answered has a level that is aimed at, or somebody has one that is not.

    Examples
    --------
    >>> levels = pd.DataFrame({"age": ["young", "young", "young", "old"]})
    >>> rake_weights(levels, {"age": {"young": 0.5, "old": 0.5}}).weights.round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    """
    margins = [_code_margin(levels[name], name, shares) for name, shares in targets.items()]
    weights, rounds = _fit_margins(np.ones(len(levels)), margins)
    trimmed = np.zeros(len(levels), dtype=bool)
    for _cut in range(MOST_CUTS):
        above = weights > largest * (1 + 1e-6)
        if not above.any():
            break
        trimmed |= above
        cut = _cut_weights(weights, largest)
        weights, more = _fit_margins(cut, margins, fixed=trimmed)
        rounds += more
    weights = _cut_weights(weights, largest)
    return Raking(weights, rounds, _find_gap(weights, margins), int(trimmed.sum()))


def _cut_weights(weights: np.ndarray, largest: float) -> np.ndarray:
    """Return weights with a mean of 1, none above ``largest``."""
    for _cut in range(MOST_ROUNDS):
        top = largest * weights.mean()  # which falls with what is cut
        if weights.max() <= top * (1 + TOLERANCE):
            break
        weights = np.minimum(weights, top)
    return weights / weights.mean()


def _code_margin(
    values: pd.Series, name: str, shares: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's level as a number, and the share that each level should have."""
    wanted = {level: share for level, share in shares.items() if share > 0}
    counts = values.value_counts()
    _refuse_empty(name, {level: share for level, share in wanted.items() if level not in counts})
    strange = [level for level in counts.index if level not in wanted]
    if strange:
        raise SegkitError(
            "who answered has a level that the margin gives no share",
            where=f"survey weights, margin {name}",
            found=f"{strange[0]}: {counts[strange[0]]:,} answered",
            fix=f"Give it a share under [surveys.weights.targets.{name}], or take {name} out.",
        )
    codes = {level: number for number, level in enumerate(wanted)}
    target = np.fromiter(wanted.values(), dtype=float)
    return values.map(codes).to_numpy(int), target / target.sum()


def _refuse_empty(name: str, empty: Mapping[str, float]) -> None:
    if not empty:
        return
    level, share = next(iter(empty.items()))
    more = f", and {len(empty) - 1} more such" if len(empty) > 1 else ""
    raise SegkitError(
        "nobody answered of a level that answers are weighted by",
        where=f"survey weights, margin {name}",
        found=f"{level}: {share:.1%} of all, no answer{more}",
        fix=f"Join it with another level ([tables.customers.levels] {name} = ...), or take {name} "
        "out of margins under [surveys.weights].",
    )


def _fit_margins(
    weights: np.ndarray,
    margins: list[tuple[np.ndarray, np.ndarray]],
    *,
    fixed: np.ndarray | None = None,
) -> tuple[np.ndarray, int]:
    """Fit weights to margins; return them with a mean of 1, and the rounds that it took."""
    weights = weights.copy()
    free = np.ones(len(weights), dtype=bool) if fixed is None else ~fixed
    whole = len(weights)
    gap = before = np.inf
    rounds = 0
    while rounds < MOST_ROUNDS:
        rounds += 1
        for codes, target in margins:
            held = np.bincount(codes[~free], weights[~free], minlength=len(target))
            moving = np.bincount(codes[free], weights[free], minlength=len(target))
            wanted = np.maximum(target * whole - held, 0.0)
            factor = np.divide(wanted, moving, out=np.ones(len(target)), where=moving > 0)
            weights[free] *= factor[codes[free]]
        gap = _find_gap(weights, margins)
        if gap < TOLERANCE or abs(before - gap) < TOLERANCE * 1e-3:
            break
        before = gap
    return weights * (whole / weights.sum()), rounds


def _find_gap(weights: np.ndarray, margins: list[tuple[np.ndarray, np.ndarray]]) -> float:
    gaps = [
        np.abs(np.bincount(codes, weights, minlength=len(target)) / weights.sum() - target).max()
        for codes, target in margins
    ]
    return float(max(gaps, default=0.0))


def find_design_effect(weights: np.ndarray) -> float:
    """Return how much unequal weights raise the variance of a mean: 1 + their squared variation.

    Kish (1965), *Survey Sampling*, section 11.7. The effective count is the count over it.

    >>> find_design_effect(np.array([1.0, 1.0, 1.0, 1.0]))
    1.0
    >>> round(find_design_effect(np.array([0.5, 0.5, 1.0, 2.0])), 3)
    1.375
    """
    weights = np.asarray(weights, dtype=float)
    return float(len(weights) * (weights**2).sum() / weights.sum() ** 2)


def list_targets(known: pd.DataFrame, settings: SurveyWeights) -> dict[str, dict[str, float]]:
    """Return the share that each level of each margin should have.

    Those of ``margins`` are the shares among all customers in ``known``, see `join_known`.
    """
    found = {}
    for name in settings.margins:
        found[name] = known[name].value_counts(normalize=True).sort_index().to_dict()
    for name, shares in settings.targets.items():
        found[name] = dict(shares)
    return found


def weight_respondents(
    known: pd.DataFrame, respondents: pd.Series | None, settings: SurveyWeights
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Weight who answered so that they stand for all customers.

    Where shares come from elsewhere (``targets``), who is ``not known`` in them has no part.

    Returns
    -------
    weights : DataFrame
        customer_id and weight, one row a respondent; without rows, with the reason, where there
        are no margins.
    summary : DataFrame
        One row: customer_count, effective_count, design_effect, trimmed_count, round_count,
        gap_share (the largest between a weighted share and its target), and left_out_count: who
        answered and is not known in a margin whose shares come from elsewhere.
    """
    columns = ["customer_count", "effective_count", "design_effect", "trimmed_count"]
    columns += ["round_count", "gap_share", "left_out_count"]
    empty = ["customer_id", "weight"]
    if respondents is None:
        reason = "There is no table of responses with customers."
        return empty_table(empty, reason), empty_table(columns, reason)
    if not settings.list_margins():
        return empty_table(empty, NO_MARGINS), empty_table(columns, NO_MARGINS)
    targets = list_targets(known, settings)
    own = known[known["customer_id"].isin(set(respondents))]
    answered_count = len(own)
    for name in settings.targets:
        own = own[own[name] != UNKNOWN]
    if own.empty:
        reason = "Nobody with a segment answered a survey."
        return empty_table(empty, reason), empty_table(columns, reason)
    raking = rake_weights(own[list(targets)], targets, largest=settings.largest)
    weights = pd.DataFrame({"customer_id": own["customer_id"], "weight": raking.weights})
    effect = raking.design_effect
    row = [len(own), len(own) / effect, effect, raking.trimmed_count, raking.round_count]
    row += [raking.gap, answered_count - len(own)]
    summary = pd.DataFrame([row], columns=columns)
    return weights.reset_index(drop=True), summary


def weight_answers(
    responses: Table | None, weights: pd.DataFrame, *, as_of: datetime.date
) -> pd.DataFrame:
    """Work out each answer with and without weights, over all customers who have one.

    Of a customer the last answer to a question counts. The interval of a weighted figure takes the
    effective count in place of the count.

    Returns
    -------
    DataFrame
        One row a question that asks for a number, and one an answer to a choice: question, kind,
        answer (empty for a number), customer_count (who answered, or gave the answer), value (mean
        or share) with low and high, weighted_value with its ends, effective_count, and is_moved,
        whether the weighted value lies outside the interval without weights.
    """
    rows = find_answers(responses, as_of)
    if rows is None or weights.empty:
        reason = getattr(weights, "reason", "There is no table of responses with customers.")
        return empty_table(WEIGHTED, reason)
    kinds = classify_questions(responses).set_index("question")["kind"]
    joined = take_last(rows).inner_join(ibis.memtable(weights), "customer_id")
    numbers = _weigh_numbers(joined.filter(_.question.isin(_pick(kinds, NUMBER))))
    choices = _weigh_choices(joined.filter(_.question.isin(_pick(kinds, CHOICE))))
    table = pd.concat([numbers, choices], ignore_index=True)
    if table.empty:
        return empty_table(WEIGHTED, "No customer with a weight answered a closed question.")
    moved = table["weighted_value"]
    table["is_moved"] = (moved < table["low"]) | (moved > table["high"])
    order = ["kind", "question", "answer"]
    return table.sort_values(order, ascending=[False, True, True], ignore_index=True)[
        list(WEIGHTED)
    ]


def _pick(kinds: pd.Series, kind: str) -> list[str]:
    return list(kinds.index[kinds == kind])


def _weigh_numbers(rows: Table) -> pd.DataFrame:
    rows = rows.mutate(number=_.answer.try_cast("float64")).filter(_.number.notnull())
    sums = rows.group_by("question").agg(
        customer_count=_.count(),
        value=_.number.mean(),
        deviation=_.number.std(),
        weight_sum=_.weight.sum(),
        square_sum=(_.weight**2).sum(),
        product_sum=(_.weight * _.number).sum(),
        product_square=(_.weight * _.number**2).sum(),
    )
    table = sums.to_pandas()
    count = table["customer_count"].astype(float)
    effective = table["weight_sum"] ** 2 / table["square_sum"]
    mean = table["product_sum"] / table["weight_sum"]
    spread = (table["product_square"] / table["weight_sum"] - mean**2).clip(lower=0)
    deviation = np.sqrt(spread * (effective / (effective - 1)).where(effective > 1))
    low, high = bound_estimate(table["value"], table["deviation"] / np.sqrt(count))
    weighted_low, weighted_high = bound_estimate(mean, deviation / np.sqrt(effective))
    return table.assign(
        kind=NUMBER, answer="", low=low, high=high, weighted_value=mean,
        weighted_low=weighted_low, weighted_high=weighted_high, effective_count=effective,
    )  # fmt: skip


def _weigh_choices(rows: Table) -> pd.DataFrame:
    given = rows.group_by("question", "answer").agg(
        customer_count=_.count(), weight_sum=_.weight.sum(), square_sum=(_.weight**2).sum()
    )
    table = given.to_pandas()
    wholes = table.groupby("question")[["customer_count", "weight_sum", "square_sum"]]
    whole = wholes.transform("sum").astype(float)
    effective = whole["weight_sum"] ** 2 / whole["square_sum"]
    share = table["weight_sum"] / whole["weight_sum"]
    low, high = bound_share(table["customer_count"], whole["customer_count"])
    weighted_low, weighted_high = bound_share(share * effective, effective)
    return table.assign(
        kind=CHOICE, value=table["customer_count"] / whole["customer_count"], low=low, high=high,
        weighted_value=share, weighted_low=weighted_low, weighted_high=weighted_high,
        effective_count=effective,
    )  # fmt: skip
