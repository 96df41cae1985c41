"""What groups of customers say about outcomes that were not seen, with intervals.

Every predictor is a table of levels, such as an RFM cell or a segment, and all have the same
learner: a generalised linear model on the levels' indicators with a ridge penalty, which draws
each level to the mean as if it had some more customers like the rest (Hoerl and Kennard 1970; the
estimate of a random effect, Robinson 1991). Repeated cross-validation over customers: the
prediction of a customer comes from customers of the other folds only.

References
----------
Efron and Tibshirani (1993), *An Introduction to the Bootstrap*, chapter 13: the standard normal
interval, with the standard error of a bootstrap over customers. Nadeau and Bengio (2003),
Inference for the generalization error, *Machine Learning* 52: folds share the customers they learn
from, so that the variance is multiplied by 1 + K / (K - 1) for K folds. Kakwani (1980) for the
concentration index, here with the best prediction first.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import xlogy
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from threadpoolctl import threadpool_limits

from segkit.core.measures import LARGEST, OF_A_MEAN, SECOND, count_needed, find_dominated
from segkit.core.statistics import bound_estimate

REPEATS = 5
FOLDS = 5
PENALTY = 5.0
TOLERANCE = 1e-6
RESAMPLES = 200  # enough for a standard error: Efron and Tibshirani (1993), chapter 6
WIDENING = (1 + FOLDS / (FOLDS - 1)) ** 0.5
# The loss by outcome; what it means is in `compare_predictors`.
LOSSES = {
    "later_spend": "squared",
    "later_order_count": "deviance",
    "bought_again": "log",
    "responded": "log",
}
GAIN_SHARES = np.linspace(0, 1, 41)
TOP_SHARE = 0.2
PERFECT = "perfect knowledge"
# For the gate: the sum behind an estimate, and its two largest contributions.
CONTRIBUTIONS = [f"estimate{end}" for end in (OF_A_MEAN, LARGEST, SECOND)]
FIGURE_COLUMNS = [
    "outcome",
    "measure",
    "predictor",
    "estimate",
    "low",
    "high",
    "difference",
    "difference_low",
    "difference_high",
    *CONTRIBUTIONS,
]
GAIN_COLUMNS = ["predictor", "customer_share", "spend_share"]


def compare_predictors(
    levels: Mapping[str, pd.DataFrame],
    outcomes: pd.DataFrame,
    *,
    reference: str,
    random_state: int,
    smallest_cell: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare what predictors say about outcomes of customers that they did not learn from.

    Parameters
    ----------
    levels : mapping of str to pandas.DataFrame
        By predictor one column or more of codes, a row a customer; the first predictor has no
        column and predicts the mean.
    outcomes : pandas.DataFrame
        Those of `LOSSES` that are measured, in the order of the customers; a missing value leaves
        the customer out of that outcome. Spend is not negative.
    reference : str
        The predictor that all are compared with.
    random_state : int
    smallest_cell : int, optional
        The fewest customers that may be seen: points of the gain curve are as far apart as amounts
        need, and between two of them no one or two customers bring nearly all.

    Returns
    -------
    figures : pandas.DataFrame
        One row an outcome, measure and predictor: ``outcome``, ``measure``, ``predictor``,
        ``estimate``, ``low``, ``high`` (95 % interval), and ``difference``, ``difference_low``,
        ``difference_high`` to the reference. Measures: ``explained_share`` is 1 less the loss over
        that of the mean (squared error of spend capped at the 95th percentile of those who bought,
        for a few large buyers would decide alone; Poisson deviance of orders; logarithmic loss of
        yes and no); ``top_fifth_share`` the part of all spend that the fifth of customers with the
        highest prediction brings, ``gain_index`` twice the area between the gain curve and the
        diagonal; ``ranking`` the area under the ROC curve of yes and no. For the gate there are the
        largest contributions to what the first fifth brings.
    gains : pandas.DataFrame
        The gain curve of spend: ``predictor``, ``customer_share``, ``spend_share``, and the same
        for perfect knowledge; no rows without spend.
    """
    figures = []
    gains = []
    names = list(levels)
    for place, outcome in enumerate(name for name in LOSSES if name in outcomes):
        known = outcomes[outcome].notna().to_numpy()
        target = outcomes.loc[known, outcome].to_numpy(float)
        loss = LOSSES[outcome]
        parts = [table[known].reset_index(drop=True) for table in levels.values()]
        learned = target
        if loss == "squared":
            learned = np.minimum(target, np.quantile(target[target > 0], 0.95))
        rng = np.random.default_rng([random_state, place])
        folds = [rng.permutation(len(target)) % FOLDS for _ in range(REPEATS)]
        with threadpool_limits(1):
            pairs = [_predict_unseen(part, learned, folds, loss) for part in parts]
        losses = np.column_stack([own for own, _ in pairs])
        groups = [_rank_groups(score) for _, score in pairs]
        for measure, drawn in _resample(losses, groups, target, loss, rng).items():
            table = _measure_rows(names, drawn, reference)
            steps = np.full((len(names), 3), np.nan)
            if measure == "top_fifth_share":
                steps = np.array([_sum_step(group, target, (0, TOP_SHARE)) for group in groups])
            table[CONTRIBUTIONS] = steps
            figures.append(table.assign(outcome=outcome, measure=measure))
        if loss == "squared":
            for name, group in zip([*names, PERFECT], [*groups, _rank_groups(target)], strict=True):
                shares, amounts = _draw_gains(group, target, np.ones(len(target)))
                points = _choose_points(group, target, smallest_cell)
                spend = np.interp(points, shares, amounts)
                curve = {"predictor": name, "customer_share": points, "spend_share": spend}
                gains.append(pd.DataFrame(curve))
    return _join_tables(figures, FIGURE_COLUMNS), _join_tables(gains, GAIN_COLUMNS)


def count_customers(figures: pd.DataFrame, outcomes: pd.DataFrame) -> pd.DataFrame:
    """Add ``customer_count``: of whom an outcome is known, or the fifth of them that is told of."""
    counts = figures["outcome"].map(outcomes.count())
    fifth = (counts * TOP_SHARE).round()
    is_fifth = figures["measure"] == "top_fifth_share"
    return figures.assign(customer_count=counts.mask(is_fifth, fifth).astype(int))


def _join_tables(tables: list[pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame(columns=columns)
    return pd.concat(tables, ignore_index=True)[columns]


def _predict_unseen(
    levels: pd.DataFrame, target: np.ndarray, folds: list[np.ndarray], loss: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return each customer's mean loss over the repeats, and mean rank of the prediction (0 to 1).

    Customers with the same levels are learned from as one row with a weight. A rank is that of the
    customer's levels among all customers, by the model that did not see the customer, so that
    customers with the same levels hardly differ.
    """
    design, pattern = _encode_levels(levels, len(target))
    counts = np.bincount(pattern)
    sums = np.bincount(pattern, target)
    losses = np.zeros(len(target))
    ranks = np.zeros(len(target))
    for fold in folds:
        for number in range(FOLDS):
            unseen = fold == number
            own = pattern[unseen]
            truth = target[unseen]
            rest = counts - np.bincount(own, minlength=len(counts))
            total = np.maximum(sums - np.bincount(own, truth, minlength=len(counts)), 0)
            predicted = _learn_means(design, rest, total, loss)
            losses[unseen] += _rate_loss(truth, predicted[own], loss)
            _, order = np.unique(predicted.round(9), return_inverse=True)
            sizes = np.bincount(order, counts)
            ranks[unseen] += ((np.cumsum(sizes) - sizes / 2) / len(target))[order][own]
    return losses / len(folds), (ranks / len(folds)).round(9)


def _encode_levels(levels: pd.DataFrame, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the levels' indicators of each different row, and each customer's row."""
    if levels.columns.empty:
        return np.zeros((1, 1)), np.zeros(count, dtype=int)
    different, pattern = np.unique(levels.to_numpy(), axis=0, return_inverse=True)
    columns = [column[:, None] == np.unique(column) for column in different.T]
    return np.hstack(columns).astype(float), pattern


def _learn_means(design: np.ndarray, counts: np.ndarray, sums: np.ndarray, loss: str) -> np.ndarray:
    """Return the mean that each row's levels lead to, learned from counts and sums of outcomes.

    The intercept is free. scikit-learn divides a Poisson loss by the number of customers, and so
    its penalty here.
    """
    if loss == "log":
        yes_and_no = np.concatenate([sums, counts - sums])
        twice = np.vstack([design, design])
        answers = np.repeat([1, 0], len(design))
        model = LogisticRegression(C=1 / PENALTY, solver="newton-cholesky", tol=TOLERANCE)
        return model.fit(twice, answers, sample_weight=yes_and_no).predict_proba(design)[:, 1]
    model = Ridge(alpha=PENALTY)
    if loss == "deviance":
        model = PoissonRegressor(alpha=PENALTY / counts.sum(), tol=TOLERANCE, max_iter=1_000)
    return model.fit(design, sums / np.maximum(counts, 1), sample_weight=counts).predict(design)


def _rate_loss(truth: np.ndarray, predicted: np.ndarray, loss: str) -> np.ndarray:
    """Return the loss of each prediction; probabilities and means stay off their bounds."""
    if loss == "squared":
        return (truth - predicted) ** 2
    if loss == "deviance":
        predicted = np.maximum(predicted, 1e-9)
        return 2 * (xlogy(truth, truth / predicted) - truth + predicted)
    predicted = predicted.clip(1e-9, 1 - 1e-9)
    return -xlogy(truth, predicted) - xlogy(1 - truth, 1 - predicted)


def _resample(
    losses: np.ndarray,
    groups: list[np.ndarray],
    target: np.ndarray,
    loss: str,
    rng: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Return each measure by resample of customers and predictor; the first row is no resample."""
    count = len(target)
    found: dict[str, list[np.ndarray]] = {}
    for number in range(RESAMPLES + 1):
        weights = np.ones(count)
        if number:
            weights = np.bincount(rng.integers(0, count, count), minlength=count).astype(float)
        means = weights @ losses
        measures = {"explained_share": 1 - means / means[0]}
        if loss != "deviance":
            curves = [_draw_gains(group, target, weights) for group in groups]
            index = np.array([2 * np.trapezoid(y, x) - 1 for x, y in curves])
        if loss == "squared":
            top = np.array([np.interp(TOP_SHARE, x, y) for x, y in curves])
            measures |= {"top_fifth_share": top, "gain_index": index}
        elif loss == "log":
            measures["ranking"] = (index / (1 - weights @ target / count) + 1) / 2
        for name, values in measures.items():
            found.setdefault(name, []).append(values)
    return {name: np.array(values) for name, values in found.items()}


def _rank_groups(score: np.ndarray) -> np.ndarray:
    """Number the customers' different scores, the highest first."""
    return np.unique(-score, return_inverse=True)[1]


def _draw_gains(
    group: np.ndarray, target: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return cumulated shares of customers and of the target, the first group first."""
    people = np.bincount(group, weights)
    amounts = np.bincount(group, weights * target)
    return _cumulate(people), _cumulate(amounts)


def _choose_points(group: np.ndarray, target: np.ndarray, smallest_cell: int) -> np.ndarray:
    """Return the shares of customers at which a gain curve may be shown; none may be left."""
    if smallest_cell <= 1:
        return GAIN_SHARES
    steps = len(GAIN_SHARES) - 1
    apart = int(np.ceil(count_needed(smallest_cell) * steps / len(target)))

    def is_open(start: float, end: float) -> bool:
        return not find_dominated(*_sum_step(group, target, (start, end)))

    kept = [0.0]
    for point in GAIN_SHARES[apart::apart]:
        if is_open(kept[-1], point):
            kept.append(float(point))
    if kept[-1] < 1:  # the rest is too few to stand alone
        kept = [*kept[:-1], 1.0] if len(kept) > 1 and is_open(kept[-2], 1.0) else []
    return np.array(kept)


def _sum_step(
    group: np.ndarray, target: np.ndarray, ends: tuple[float, float]
) -> tuple[float, float, float]:
    """Return what the customers between two shares bring, and its two largest contributions.

    Of a group that lies on an end as much counts as lies between.
    """
    sizes = np.bincount(group) / len(group)
    last = np.cumsum(sizes)
    inside = np.minimum(last, ends[1]) - np.maximum(last - sizes, ends[0])
    amounts = (inside.clip(min=0) / sizes)[group] * target
    second, largest = np.sort(amounts)[-2:]
    return amounts.sum(), largest, second


def _cumulate(parts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(parts) / parts.sum()])


def _measure_rows(names: list[str], drawn: np.ndarray, reference: str) -> pd.DataFrame:
    """Return estimates with standard normal intervals, and differences to the reference."""
    table = pd.DataFrame({"predictor": names})
    own = drawn[:, [names.index(reference)]]
    for name, values in (("", drawn), ("difference", drawn - own)):
        low, high = bound_estimate(values[0], WIDENING * values[1:].std(axis=0, ddof=1))
        start = f"{name}_" if name else ""
        table[name or "estimate"] = values[0]
        table[f"{start}low"] = low
        table[f"{start}high"] = high
    return table
