"""k-prototypes: clusters of mixed data, of which k-means and k-modes are the two ends."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from segkit.core.errors import SegkitError, suggest_name
from segkit.models.prototypes import assign_prototypes, fit_prototypes
from segkit.models.sklearn_internals import check_sample_weight


class SettingError(SegkitError, ValueError):
    """A setting or a column that the estimator cannot take."""


class KPrototypes(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Clusters of numbers and categories (Huang 1998), in scikit-learn's manner.

    The squared distance of a row to a prototype is the squared Euclidean distance of its numbers
    plus ``gamma`` for each category that differs. Without categories this is k-means, without
    numbers k-modes. Numbers are taken as they are: standardise them first.

    Parameters
    ----------
    n_clusters : int, default 8
    gamma : float or "auto", default "auto"
        "auto" is half the mean standard deviation of the numbers, as in ``kmodes``; 1 where that
        is 0 or there are no numbers.
    init : "k-prototypes++"
        How a start is seeded; there is one way.
    n_init, max_iter : int, default 10 and 100
        Starts, of which the best is kept, and the steps of a start.
    categorical : list of names or positions, optional
        The columns that are categories. Without it, of a DataFrame those that hold strings,
        categories, booleans or objects; of an array of objects those that are not numbers.
    missing : "own" or "ignore", default "own"
        "own": a missing category is a level of its own. "ignore": it adds nothing to a distance.
        A missing number never adds anything.
    n_jobs : int, optional
        Threads; without it as many as the process may use. The result is the same.
    random_state : int, RandomState or None

    Attributes
    ----------
    cluster_centers_ : ndarray, (k, n_features)
        Means of the numbers and the most frequent levels of the categories, in the columns'
        order: float64 where all columns are numbers, else objects. A missing level is None.
    labels_ : ndarray of int64, (n,)
    cost_ : float
        The weighted sum of squared distances to the own prototype; k-means calls it inertia.
    gamma_ : float
        The gamma used.
    n_iter_ : int
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Raises
    ------
    TooFewPointsError
        A ValueError, if there are fewer distinct points than clusters.

    Examples
    --------
    >>> shop = pd.DataFrame({"spend": [1.0, 2.0, 9.0, 8.0], "channel": ["web", "web", "app", None]})
    >>> model = KPrototypes(2, random_state=0).fit(shop)
    >>> bool(model.labels_[0] == model.labels_[1] != model.labels_[2])
    True
    >>> sorted(model.cluster_centers_[:, 0])
    [1.5, 8.5]
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        gamma: float | str = "auto",
        init: str = "k-prototypes++",
        n_init: int = 10,
        max_iter: int = 100,
        categorical: Iterable[str | int] | None = None,
        missing: str = "own",
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ):
        self.n_clusters = n_clusters
        self.gamma = gamma
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.categorical = categorical
        self.missing = missing
        self.n_jobs = n_jobs
        self.random_state = random_state

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags

    @property
    def _n_features_out(self) -> int:
        return len(self.cluster_centers_)

    def fit(self, X, y=None, sample_weight=None):
        """Find the prototypes of a table; ``y`` is not read."""
        self._check_settings()
        frame = self._read(X, reset=True)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, frame)
        self._categorical = self._find_categorical(frame)
        self._levels = [_list_levels(frame.iloc[:, i], self.missing) for i in self._categorical]
        numbers, codes = self._encode(frame)
        self.gamma_ = self._choose_gamma(numbers)
        fit = fit_prototypes(
            numbers,
            codes,
            n_clusters=self.n_clusters,
            gamma=self.gamma_,
            n_init=self.n_init,
            max_iter=self.max_iter,
            sample_weight=sample_weight,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        self._centres = fit.centres
        self._modes = fit.modes
        self.labels_ = fit.labels
        self.cost_ = fit.cost
        self.n_iter_ = fit.n_iter
        self.cluster_centers_ = self._decode()
        return self

    def predict(self, X) -> np.ndarray:
        """Return the nearest cluster of each row; a level never seen differs from every mode."""
        check_is_fitted(self)
        numbers, codes = self._encode(self._read(X, reset=False))
        labels, _ = assign_prototypes(
            numbers, codes, centres=self._centres, modes=self._modes, gamma=self.gamma_
        )
        return labels

    def transform(self, X) -> np.ndarray:
        """Return the distances to all prototypes, (n, k)."""
        check_is_fitted(self)
        numbers, codes = self._encode(self._read(X, reset=False))
        squares = []
        for centre, mode in zip(self._centres, self._modes, strict=True):
            _, nearest = assign_prototypes(
                numbers, codes, centres=[centre], modes=[mode], gamma=self.gamma_
            )
            squares.append(nearest)
        return np.sqrt(np.column_stack(squares))

    def _check_settings(self) -> None:
        for name in ("n_clusters", "n_init", "max_iter"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise SettingError(f"{name} is a whole number above 0", found=repr(value))
        _check_choice("init", self.init, ["k-prototypes++"])
        _check_choice("missing", self.missing, ["own", "ignore"])
        is_auto = isinstance(self.gamma, str) and self.gamma == "auto"
        if not is_auto and (isinstance(self.gamma, str) or not 0 <= self.gamma < np.inf):
            raise SettingError("gamma is 'auto' or a number from 0", found=repr(self.gamma))

    def _read(self, X, *, reset: bool) -> pd.DataFrame:
        """Return the table as a DataFrame, checked as scikit-learn checks."""
        frame = X
        if not isinstance(X, pd.DataFrame):
            # The checks of numbers come later, when it is known which columns are.
            array = check_array(X, dtype=None, ensure_all_finite=False, estimator=self)
            if array.dtype == bool:
                array = array.astype(np.float64)
            frame = pd.DataFrame(array).infer_objects()
        elif not all(X.shape):
            check_array(np.empty(X.shape), estimator=self)
        validate_data(self, X, reset=reset, skip_check_array=True)
        return frame

    def _find_categorical(self, frame: pd.DataFrame) -> list[int]:
        if self.categorical is None:
            types = enumerate(frame.dtypes)
            return [i for i, t in types if not is_numeric_dtype(t) or is_bool_dtype(t)]
        found = set()
        for name in self.categorical:
            if name in frame.columns:
                found.add(frame.columns.get_loc(name))
            elif isinstance(name, int | np.integer) and -frame.shape[1] <= name < frame.shape[1]:
                found.add(int(name) % frame.shape[1])
            else:
                fix = suggest_name(str(name), map(str, frame.columns))
                raise SettingError("no such column to take as categories", found=str(name), fix=fix)
        return sorted(found)

    def _encode(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers and the codes of the levels, each column in one piece."""
        others = [i for i in range(frame.shape[1]) if i not in self._categorical]
        numbers = np.empty((len(frame), len(others)), order="F")
        for j, i in enumerate(others):
            numbers[:, j] = _read_numbers(frame.iloc[:, i])
        if np.isinf(numbers).any():
            raise SettingError("Input X contains infinity", fix="Limit or remove such values.")
        codes = np.empty((len(frame), len(self._categorical)), dtype=np.int32, order="F")
        for j, (i, levels) in enumerate(zip(self._categorical, self._levels, strict=True)):
            local, found = _number_levels(frame.iloc[:, i])
            place = {level: code for code, level in enumerate(levels)}
            absent = -1 if self.missing == "ignore" else place.get(None, len(levels))
            # Code -1, of a missing value, takes the last place of the list.
            known = np.array([*(place.get(level, len(levels)) for level in found), absent])
            codes[:, j] = known[local]
        return numbers, codes

    def _choose_gamma(self, numbers: np.ndarray) -> float:
        if self.gamma != "auto":
            return float(self.gamma)
        if not numbers.shape[1]:
            return 1.0
        spread = 0.5 * pd.DataFrame(numbers).std(ddof=0).mean()
        return float(spread) if spread > 0 else 1.0

    def _decode(self) -> np.ndarray:
        if not self._categorical:
            return self._centres
        centres = np.empty((len(self._centres), self.n_features_in_), dtype=object)
        others = [i for i in range(self.n_features_in_) if i not in self._categorical]
        centres[:, others] = self._centres
        for j, (i, levels) in enumerate(zip(self._categorical, self._levels, strict=True)):
            centres[:, i] = [[*levels, None][code] for code in self._modes[:, j]]
        return centres


def _check_choice(name: str, given: str, known: list[str]) -> None:
    if given not in known:
        fix = suggest_name(str(given), known)
        raise SettingError(f"unknown {name}", found=repr(given), fix=fix)


def _read_numbers(column: pd.Series) -> np.ndarray:
    try:
        if column.dtype.kind in "mM":
            raise TypeError("times are not numbers")
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise SettingError(
            f"column {column.name!r} does not hold numbers",
            found=str(error),
            fix="Name it in `categorical` or turn it into numbers.",
        ) from None


def _number_levels(column: pd.Series) -> tuple[np.ndarray, list]:
    """Number the levels of a column by first appearance; a missing value is -1."""
    try:
        codes, levels = pd.factorize(column)
    except TypeError:  # lists and the like, which have no hash, are told apart by their text
        codes, levels = pd.factorize(column.map(repr))
    return codes, levels.tolist()


def _list_levels(column: pd.Series, missing: str) -> list:
    codes, levels = _number_levels(column)
    has_own_level = missing == "own" and (codes < 0).any()
    return [*levels, None] if has_own_level else levels
