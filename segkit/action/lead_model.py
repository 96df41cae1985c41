"""A plain model of who becomes a customer: a regularised logistic regression, explained.

Numbers enter as logarithms of one more than they are, standardised; categories by their levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from segkit.core.scores import find_logits, fit_calibration
from segkit.core.statistics import bound_estimate

# One over the weight of the ridge, from plain to strong; the folds choose.
STRENGTHS = (0.01, 0.1, 1.0)
FOLDS = 5
SMALLEST_LEVEL = 20  # leads of a level that has a parameter of its own
MOST_LEVELS = 6
NOT_KNOWN = "not known"
OTHERS = "others"
# A column that is known this much more often of one outcome than of the other may have been
# filled in afterwards.
MOST_KNOWN_GAP = 0.10


@dataclass(frozen=True)
class Feature:
    """A feature as a model reads it.

    ``levels`` are those with a parameter, beside ``base``; empty of a number, which has its
    ``mean``, its ``sd``, and the ends ``low`` and ``high`` that it was learned within, all of them
    logarithms.
    """

    name: str
    levels: tuple[str, ...] = ()
    base: str = ""
    mean: float = 0.0
    sd: float = 1.0
    low: float = 0.0
    high: float = 0.0

    @property
    def size(self) -> int:
        """How many parameters it has."""
        return len(self.levels) or 1


@dataclass(frozen=True)
class LeadModel:
    """A fitted model, and how its chances are corrected.

    Attributes
    ----------
    features : tuple of Feature
    weights : ndarray, (p + 1,)
        The intercept, then a parameter a column of `encode_rows`.
    errors : ndarray, (p + 1,)
        Their standard errors, leads of one customer taken together.
    correction : tuple of float
        Intercept and slope by which the log odds are corrected; (0, 1) where they need none.
    left_out : DataFrame
        ``feature`` and ``reason``.
    """

    features: tuple[Feature, ...]
    weights: np.ndarray
    errors: np.ndarray
    correction: tuple[float, float] = (0.0, 1.0)
    left_out: pd.DataFrame = field(default_factory=pd.DataFrame)

    def find_chances(self, rows: pd.DataFrame) -> np.ndarray:
        """Return the chance of each row, 0 to 1."""
        intercept, slope = self.correction
        logits = self.weights[0] + encode_rows(rows, self.features) @ self.weights[1:]
        return 1 / (1 + np.exp(-(intercept + slope * logits)))

    def list_parts(self, rows: pd.DataFrame) -> np.ndarray:
        """Return what each column adds to each row's log odds, (n, p)."""
        return self.correction[1] * encode_rows(rows, self.features) * self.weights[1:]

    def list_points(self) -> pd.DataFrame:
        """List each parameter as a ratio of odds: of a standard deviation more, or of a level.

        Returns
        -------
        DataFrame
            ``feature``, ``level`` (empty of a number), ``against`` (the level that it is compared
            with), ``odds_ratio``, ``odds_low``, ``odds_high``, the strongest first. The interval is
            that of a penalised estimate, which is drawn towards 1.
        """
        rows = [
            (one.name, level, one.base) for one in self.features for level in one.levels or ("",)
        ]
        table = pd.DataFrame(rows, columns=["feature", "level", "against"])
        weight = self.weights[1:]
        low, high = bound_estimate(weight, self.errors[1:])
        table = table.assign(
            odds_ratio=np.exp(weight), odds_low=np.exp(low), odds_high=np.exp(high)
        )
        order = np.argsort(-np.abs(weight), kind="stable")
        return table.iloc[order].reset_index(drop=True)


@threadpool_limits.wrap(limits=1)  # threads would wait for each other
def fit_lead_model(
    rows: pd.DataFrame, *, features: Sequence[str], events_per_parameter: float
) -> LeadModel:
    """Fit the model to leads of earlier days, and correct its chances where they need it.

    Features are taken in their order as long as there are ``events_per_parameter`` successes, and
    as many failures, for each parameter (Peduzzi et al. 1996, *Journal of Clinical Epidemiology*
    49). The weight of the ridge is the one that foretells best in five folds of customers. Whether
    the chances are too extreme is looked at in these folds too: where the interval of the
    calibration's slope leaves out 1, they are corrected by its intercept and slope (Platt 1999).

    Parameters
    ----------
    rows : DataFrame
        ``customer_id``, ``is_won`` and the features; one row a lead and day.
    features : sequence of str
        Columns, the most telling first; those of text are categories, and those that
        are not there are left out.
    events_per_parameter : float
    """
    won = rows["is_won"].to_numpy(float)
    budget = int(min(won.sum(), len(won) - won.sum()) / events_per_parameter)
    chosen, left_out = _choose_features(rows, features, budget)
    design = encode_rows(rows, chosen)
    if not chosen:
        alone = find_logits(np.array([won.mean()]))
        return LeadModel((), alone, np.zeros(1), left_out=left_out)
    strength, foretold = _choose_strength(design, won, rows["customer_id"])
    weights = _fit_weights(design, won, strength)
    errors = _find_errors(design, won, weights, customers=rows["customer_id"], strength=strength)
    correction = (0.0, 1.0)
    found, low, high = fit_calibration(foretold, won)
    if not np.isnan(found).any() and found[1] > 0 and not low[1] <= 1 <= high[1]:
        correction = (float(found[0]), float(found[1]))
    return LeadModel(chosen, weights, errors, correction=correction, left_out=left_out)


def encode_rows(rows: pd.DataFrame, features: Sequence[Feature]) -> np.ndarray:
    """Return the columns that the model reads, (n, p); what is not known is as usual."""
    columns = []
    for one in features:
        if one.levels:
            told = _read_levels(rows, one.name)
            known = {*one.levels, one.base}
            rest = OTHERS if OTHERS in known else one.base
            told = told.where(told.isin(known), rest)
            columns += [(told == level).to_numpy(float) for level in one.levels]
        else:
            value = _read_numbers(rows, one.name)
            value = np.clip(np.where(np.isnan(value), one.mean, value), one.low, one.high)
            columns.append((value - one.mean) / one.sd)
    return np.column_stack(columns) if columns else np.zeros((len(rows), 0))


def _read_numbers(rows: pd.DataFrame, name: str) -> np.ndarray:
    """Return a number's logarithm, of one more than it is; NaN where it is not known."""
    if name not in rows:
        return np.full(len(rows), np.nan)
    return np.log1p(rows[name].astype(float).clip(lower=0).to_numpy())


def _read_levels(rows: pd.DataFrame, name: str) -> pd.Series:
    if name not in rows:
        return pd.Series(NOT_KNOWN, index=rows.index)
    return rows[name].astype("object").where(rows[name].notna(), NOT_KNOWN).astype(str)


def _choose_features(
    rows: pd.DataFrame, features: Sequence[str], budget: int
) -> tuple[tuple[Feature, ...], pd.DataFrame]:
    """Choose the features that say something and for which there are enough outcomes."""
    chosen: list[Feature] = []
    left_out = []
    for name in features:
        if name not in rows:
            continue
        if not pd.api.types.is_numeric_dtype(rows[name]):
            feature = _describe_levels(rows, name)
        else:
            feature = _describe_number(rows, name)
        reason = "" if feature is not None else "alike in all leads"
        if not reason and _is_known_later(rows, name):
            reason = "known of those who became customers, less of the others"
        if not reason and sum(one.size for one in chosen) + feature.size > budget:
            reason = "too few outcomes for another parameter"
        if reason:
            left_out.append((name, reason))
        else:
            chosen.append(feature)
    return tuple(chosen), pd.DataFrame(left_out, columns=["feature", "reason"])


def _is_known_later(rows: pd.DataFrame, name: str) -> bool:
    """Return whether a value is known of another share of successes than of failures.

    An attribute is read as it stands now; one that is filled in when somebody becomes a customer
    would tell the outcome.
    """
    if name.endswith(("_count", "_days")) and name != "employee_count":
        return False  # counted from what happened until the day
    known = rows[name].notna()
    won = rows["is_won"]
    return bool(abs(known[won].mean() - known[~won].mean()) > MOST_KNOWN_GAP)


def _describe_number(rows: pd.DataFrame, name: str) -> Feature | None:
    value = _read_numbers(rows, name)
    value = value[~np.isnan(value)]
    if not len(value) or not value.std() > 1e-9:
        return None
    low, high = float(value.min()), float(value.max())
    return Feature(name, mean=float(value.mean()), sd=float(value.std()), low=low, high=high)


def _describe_levels(rows: pd.DataFrame, name: str) -> Feature | None:
    """Return a category with its common levels; rarer ones are others."""
    told = _read_levels(rows, name)
    counts = told.value_counts()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")
    common = list(counts.index[counts >= SMALLEST_LEVEL][:MOST_LEVELS])
    if len(common) < 2 and counts.drop(common).sum() < SMALLEST_LEVEL:
        return None
    if not common:
        return None
    base, *levels = common
    if counts.drop(common).sum() >= SMALLEST_LEVEL and OTHERS not in common:
        levels.append(OTHERS)
    return Feature(name, levels=tuple(levels), base=base)


def _fit_weights(design: np.ndarray, won: np.ndarray, strength: float) -> np.ndarray:
    """Return intercept and weights of the ridge-penalised logistic regression."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, solver="newton-cholesky", tol=1e-8)
    model.fit(design, won)
    return np.concatenate([model.intercept_, model.coef_[0]])


def _choose_strength(
    design: np.ndarray, won: np.ndarray, customers: pd.Series
) -> tuple[float, np.ndarray]:
    """Choose the ridge that foretells best in folds of customers, by the likelihood.

    See le Cessie and van Houwelingen (1992), *Applied Statistics* 41.

    Returns
    -------
    tuple of float and ndarray
        The strength, and each row's chance by a model that saw none of its customer's rows.
    """
    losses = []
    for strength in STRENGTHS:
        chances = np.clip(_foretell_folds(design, won, customers, strength), 1e-9, 1 - 1e-9)
        loss = -np.log(np.where(won > 0, chances, 1 - chances)).mean()
        losses.append((loss, strength, chances))
    _, strength, chances = min(losses, key=lambda one: one[:2])
    return strength, chances


def _find_errors(
    design: np.ndarray,
    won: np.ndarray,
    weights: np.ndarray,
    *,
    customers: pd.Series,
    strength: float,
) -> np.ndarray:
    """Return standard errors that take a customer's leads of several days together.

    The sandwich of the penalised likelihood's curvature and of the customers' summed scores (Huber
    1967; Liang and Zeger 1986, *Biometrika* 73).
    """
    whole = np.column_stack([np.ones(len(design)), design])
    fitted = 1 / (1 + np.exp(-(whole @ weights)))
    penalty = np.diag([0.0, *[1 / strength] * design.shape[1]])
    curvature = (whole * (fitted * (1 - fitted))[:, None]).T @ whole + penalty
    scores = whole * (won - fitted)[:, None]
    codes, names = pd.factorize(customers)
    sums = np.zeros((len(names), whole.shape[1]))
    np.add.at(sums, codes, scores)
    inverse = np.linalg.pinv(curvature)
    return np.sqrt(np.clip(np.diag(inverse @ (sums.T @ sums) @ inverse), 0, None))


def _foretell_folds(
    design: np.ndarray, won: np.ndarray, customers: pd.Series, strength: float
) -> np.ndarray:
    """Return each lead's chance by a model that saw none of its customer's rows."""
    codes, _ = pd.factorize(customers, sort=True)
    fold = codes % FOLDS
    chances = np.full(len(won), won.mean())
    for number in range(FOLDS):
        own = fold == number
        rest = won[~own]
        if not own.any() or not len(rest) or rest.min() == rest.max():
            continue
        weights = _fit_weights(design[~own], rest, strength)
        chances[own] = 1 / (1 + np.exp(-(weights[0] + design[own] @ weights[1:])))
    return chances
