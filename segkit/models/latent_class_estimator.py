"""Latent classes in scikit-learn's manner."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from segkit.core.arguments import SettingError, require_whole
from segkit.core.errors import SegkitError
from segkit.models.answer_patterns import Answers, code_answers
from segkit.models.kprototypes import check_seed
from segkit.models.latent_classes import STARTS, fit_classes, rate_classes
from segkit.models.mixed_table import read_table
from segkit.models.tolerances import TIE

# Rows of different answers that are rated at once.
PART_ROWS = 1 << 14


class LatentClasses(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Groups of rows with like answers (Lazarsfeld and Henry 1968), in scikit-learn's manner.

    Every column is taken as a category; within a class the columns are independent. Fitted by EM
    from random starts, see `segkit.models.latent_classes.fit_classes`. A missing answer counts in
    nothing.

    Parameters
    ----------
    n_clusters : int, default 2
        How many classes; ``n_components`` of other libraries.
    n_init : int, default 10
        Starts at least, and five times as many at most, until three have reached the best
        log-likelihood.
    smallest_level : int, default 1
        Levels of fewer rows are pooled, and so are those of less than half a per cent of the rows.
    random_state : int, RandomState or None

    Attributes
    ----------
    labels_ : ndarray of int64, (n,)
        The most probable class of each row, from 0; the largest class is 0.
    weights_ : ndarray, (k,)
        The classes' shares of rows.
    levels_ : list of tuples of str
        The levels of each column, as text; pooled ones are ``(other)``.
    probabilities_ : list of ndarray, (k, levels)
        For each column the probabilities of its levels in each class.
    log_likelihood_, aic_, bic_ : float
        Of all rows fitted. AIC and BIC: lower is better.
    entropy_ : float
        From 0 (classes overlap wholly) to 1 (every row's class is certain); NaN for one class.
    start_count_, found_count_ : int
        Starts, and those that reached the best log-likelihood; with fewer than three there may be
        a better solution.
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Raises
    ------
    SettingError
        A ValueError, if a setting or a column cannot be taken, such as a number with more than
        20 different values; or if fewer rows differ than there are classes.

    Notes
    -----
    Where more than 10,000 answer patterns differ, a random 10,000 rows are fitted and all are
    placed. Weights of rows are not taken.

    References
    ----------
    Goodman (1974), *Biometrika* 61(2); Lazarsfeld and Henry (1968), *Latent structure analysis*.

    Examples
    --------
    >>> answers = pd.DataFrame({"tea": list("yyyynnnn"), "milk": list("yyyynnnn")})
    >>> model = LatentClasses(2, random_state=0).fit(answers)
    >>> bool(model.labels_[0] == model.labels_[3] != model.labels_[4])
    True
    >>> model.predict_proba(answers).round(3).max(axis=1).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        n_clusters: int = 2,
        *,
        n_init: int = STARTS,
        smallest_level: int = 1,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.n_clusters = n_clusters
        self.n_init = n_init
        self.smallest_level = smallest_level
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    @property
    def _n_features_out(self) -> int:
        return len(self.weights_)

    def fit(self, X: Any, y: Any = None) -> Self:
        """Find the classes of a table of answers; ``y`` is not read.

        Parameters
        ----------
        X : DataFrame, array or another table, (n, n_features)
            Tables of polars, pyarrow and others are read through Arrow's PyCapsule interface.
        y : None
        """
        require_whole("n_clusters", self.n_clusters)
        require_whole("n_init", self.n_init)
        require_whole("smallest_level", self.smallest_level)
        check_seed(self.random_state)
        frame = _name_columns(read_table(self, X, reset=True))
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(np.iinfo(np.int32).max)
        try:
            found = fit_classes(
                frame,
                list(frame.columns),
                int(self.n_clusters),
                random_state=int(seed),
                n_init=int(self.n_init),
                smallest_level=int(self.smallest_level),
            )
        except SettingError:
            raise
        except SegkitError as error:
            raise SettingError(error.message, found=error.found, fix=error.fix) from None
        self._levels = found.levels
        self.levels_ = [own.levels for own in found.levels]
        self.weights_ = np.array(found.weights)
        self.probabilities_ = [
            np.array(shares) for shares in zip(*found.probabilities, strict=True)
        ]
        self.log_likelihood_ = found.log_likelihood
        self.aic_ = found.aic
        self.bic_ = found.bic
        self.entropy_ = found.entropy
        self.start_count_ = found.start_count
        self.found_count_ = found.found_count
        self.labels_ = self._choose(frame)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class of each row; a level never seen tells nothing.

        If the fit pooled rare levels it is one of them, as in a segmentation's document.
        """
        check_is_fitted(self)
        return self._choose(_name_columns(read_table(self, X, reset=False)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the probability of each class given a row's answers, (n, k)."""
        logs, rows = self._rate(X)
        likely = np.exp(logs - logs.max(axis=1, keepdims=True))
        shares: np.ndarray = likely / likely.sum(axis=1, keepdims=True)
        return np.asarray(shares[rows])

    def transform(self, X: Any) -> np.ndarray:
        """Return the probability of each class given a row's answers, (n, k)."""
        return self.predict_proba(X)

    def score_samples(self, X: Any) -> np.ndarray:
        """Return the log-likelihood of each row, (n,)."""
        logs, rows = self._rate(X)
        top = logs.max(axis=1)
        likelihoods: np.ndarray = top + np.log(np.exp(logs - top[:, None]).sum(axis=1))
        return np.asarray(likelihoods[rows])

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log-likelihood of a table's rows; ``y`` is not read.

        Of rows that were not fitted it is largest for the right number of classes, up to chance.
        """
        return float(self.score_samples(X).mean())

    def _rate(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        check_is_fitted(self)
        return self._rate_frame(_name_columns(read_table(self, X, reset=False)))

    def _choose(self, frame: pd.DataFrame) -> np.ndarray:
        logs, rows = self._rate_frame(frame)
        # Logarithms of probabilities are below zero; of equal ones the lower class is taken.
        near = logs >= logs.max(axis=1, keepdims=True) * TIE
        chosen: np.ndarray = near.argmax(axis=1).astype(np.int64)
        return np.asarray(chosen[rows])

    def _rate_frame(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the log-probabilities of classes with each pattern, and each row's pattern."""
        codes = code_answers(frame, self._levels)
        patterns, rows, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
        width = max(len(own) for own in self.levels_)
        shares = np.zeros((len(self.weights_), len(self.levels_), width))
        for i, own in enumerate(self.probabilities_):
            shares[:, i, : own.shape[1]] = own
        parts = []
        with threadpool_limits(1):
            for start in range(0, len(counts), PART_ROWS):
                part = slice(start, start + PART_ROWS)
                some = Answers(self._levels, patterns[part], counts[part])
                parts.append(rate_classes(some, self.weights_, shares))
        return np.concatenate(parts), rows.ravel()


def _name_columns(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the table with text for names, as the reading of answers needs it."""
    return frame.set_axis([str(name) for name in frame.columns], axis=1)
