"""k-prototypes: clusters of mixed data, of which k-means and k-modes are the two ends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted

from segkit.core.arguments import SettingError, require_choice, require_number, require_whole
from segkit.models.mixed_table import (
    code_levels,
    find_categorical,
    find_position,
    list_levels,
    read_numbers,
    read_table,
)
from segkit.models.prototypes import (
    assign_prototypes,
    count_threads,
    fit_prototypes,
    weigh_categories,
)
from segkit.models.sklearn_internals import check_sample_weight

MOST_SEED = 2**32 - 1


class KPrototypes(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, BaseEstimator):
    """Clusters of numbers and categories (Huang 1998), in scikit-learn's manner.

    The squared distance of a row to a prototype is the squared Euclidean distance of its numbers
    plus ``gamma`` for each category that differs. Without categories this is k-means, without
    numbers k-modes. Numbers are taken as they are: standardise them first.

    Parameters
    ----------
    n_clusters : int, default 8
    gamma : float, "auto" or mapping, default "auto"
        What a category that differs adds to the squared distance. "auto" is the mean variance of
        the numbers over the mean of 1 - sum(p^2) of the categories' levels, so that both kinds
        spread alike (Szepannek 2018), as in a plan; 1 where there is only one kind, or no spread.
        (``kmodes`` takes half the mean standard deviation, as Huang 1997; that number can be
        given.) A mapping gives categories their own weights by name or position; those that it
        does not name weigh what "auto" says.
    init : "k-prototypes++"
        How a start is seeded; there is one way.
    n_init : int, default 10
        Starts, of which the best is kept.
    max_iter : int, default 100
        Lloyd's steps at a time. It bounds no start as a whole: where rows are then moved one by
        one, the steps go on after each such round, and one or two more place the rows or fill an
        empty cluster. So ``n_iter_``, which counts all steps of the best start, can be larger.
    categorical : list of names or positions, or mask, optional
        The columns that are categories; a mask has a truth value a column. Without it those that
        hold text, categories, yes and no or other objects, of tables and arrays alike. With an
        empty list yes and no are the numbers 1 and 0. Dates and times have to be named.
    missing : "own" or "ignore", default "own"
        "own": a missing category is a level of its own. "ignore": it adds nothing to a distance.
        A missing number never adds anything.
    n_jobs : int, optional
        Threads; without it as many as the process may use, and -1 means the same, -2 one fewer.
        The result is the same.
    random_state : int, RandomState or None

    Attributes
    ----------
    cluster_centers_ : ndarray, (k, n_features)
        Means of the numbers and the most frequent levels of the categories, in the columns'
        order: float64 where all columns are numbers, else objects. A missing level is None.
    labels_ : ndarray of int64, (n,)
    inertia_, cost_ : float
        The weighted sum of squared distances to the own prototype, by the names that it has in
        scikit-learn and in ``kmodes``.
    gamma_ : float or ndarray, (categories,)
        The gamma used; one a category, in the columns' order, where they differ.
    n_iter_ : int
    n_features_in_, feature_names_in_
        As everywhere in scikit-learn.

    Raises
    ------
    SettingError
        A ValueError, if a setting or a column cannot be taken.
    TooFewPointsError
        A ValueError, if there are fewer distinct points than clusters.

    References
    ----------
    Huang (1998), Extensions to the k-means algorithm for clustering large data sets with
    categorical values, *Data Mining and Knowledge Discovery* 2(3). Szepannek (2018),
    clustMixType, *The R Journal* 10(2).

    Examples
    --------
    >>> shop = pd.DataFrame({"spend": [1.0, 2.0, 9.0, 8.0], "channel": ["web", "web", "app", None]})
    >>> model = KPrototypes(2, random_state=0).fit(shop)
    >>> bool(model.labels_[0] == model.labels_[1] != model.labels_[2])
    True
    >>> sorted(model.cluster_centers_[:, 0])
    [1.5, 8.5]
    >>> KPrototypes(2, gamma={"channel": 50}, random_state=0).fit(shop).gamma_
    50.0
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        gamma: float | str | Mapping[str | int, float] = "auto",
        init: str = "k-prototypes++",
        n_init: int = 10,
        max_iter: int = 100,
        categorical: Iterable[str | int | bool] | None = None,
        missing: Literal["own", "ignore"] = "own",
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

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        return tags

    @property
    def _n_features_out(self) -> int:
        return len(self.cluster_centers_)

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Find the prototypes of a table; ``y`` is not read.

        Parameters
        ----------
        X : DataFrame, array or another table, (n, n_features)
            Tables of polars, pyarrow and others are read through Arrow's PyCapsule interface.
        y : None
        sample_weight : ndarray, (n,), optional
            A row of weight 2 counts as two; of weight 0 it gets a cluster but has no say.
        """
        self._check_settings()
        frame = read_table(self, X, reset=True)
        if sample_weight is not None:
            sample_weight = check_sample_weight(sample_weight, frame)
        self._categorical = find_categorical(frame, self.categorical)
        self._levels = [list_levels(frame.iloc[:, i], self.missing) for i in self._categorical]
        numbers, codes = self._encode(frame)
        self.gamma_ = self._choose_gamma(frame, numbers, codes, sample_weight)
        fit = fit_prototypes(
            numbers,
            codes,
            n_clusters=int(self.n_clusters),
            gamma=self.gamma_,
            n_init=int(self.n_init),
            max_iter=int(self.max_iter),
            sample_weight=sample_weight,
            n_jobs=self.n_jobs,
            random_state=self.random_state,
        )
        self._centres = fit.centres
        self._modes = fit.modes
        self.labels_ = fit.labels
        self.cost_ = fit.cost
        self.inertia_ = fit.cost
        self.n_iter_ = fit.n_iter
        self.cluster_centers_ = self._decode()
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the nearest cluster of each row; a level never seen differs from every mode."""
        labels, _ = self._assign(X)
        return labels

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Return minus the cost of a table's rows at their nearest prototypes; ``y`` is not read.

        Larger is better, as `sklearn.model_selection.GridSearchCV` needs it. Costs by different
        gammas are on different scales, and more clusters always cost less on the rows fitted.
        """
        _, nearest = self._assign(X)
        if sample_weight is not None:
            nearest = nearest * check_sample_weight(sample_weight, nearest)
        return -float(nearest.sum())

    def transform(self, X: Any) -> np.ndarray:
        """Return the distances to all prototypes, (n, k)."""
        check_is_fitted(self)
        numbers, codes = self._encode(read_table(self, X, reset=False))
        squares = []
        for centre, mode in zip(self._centres, self._modes, strict=True):
            _, nearest = assign_prototypes(
                numbers,
                codes,
                centres=centre[np.newaxis],
                modes=mode[np.newaxis],
                gamma=self.gamma_,
            )
            squares.append(nearest)
        distances: np.ndarray = np.sqrt(np.column_stack(squares))
        return distances

    def _assign(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the nearest cluster of each row, and its squared distance."""
        check_is_fitted(self)
        numbers, codes = self._encode(read_table(self, X, reset=False))
        return assign_prototypes(
            numbers, codes, centres=self._centres, modes=self._modes, gamma=self.gamma_
        )

    def _check_settings(self) -> None:
        require_whole("n_clusters", self.n_clusters)
        require_whole("n_init", self.n_init)
        require_whole("max_iter", self.max_iter)
        require_choice("init", self.init, ["k-prototypes++"])
        require_choice("missing", self.missing, ["own", "ignore"])
        count_threads(self.n_jobs)
        check_seed(self.random_state)
        is_auto = isinstance(self.gamma, str) and self.gamma == "auto"
        if not is_auto and not isinstance(self.gamma, Mapping):
            _require_gamma(self.gamma)

    def _encode(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers and the codes of the levels, each column in one piece."""
        others = [i for i in range(frame.shape[1]) if i not in self._categorical]
        numbers = np.empty((len(frame), len(others)), order="F")
        for j, i in enumerate(others):
            numbers[:, j] = read_numbers(frame.iloc[:, i])
        if np.isinf(numbers).any():
            raise SettingError("Input X contains infinity", fix="Limit or remove such values.")
        codes = np.empty((len(frame), len(self._categorical)), dtype=np.int32, order="F")
        for j, (i, levels) in enumerate(zip(self._categorical, self._levels, strict=True)):
            codes[:, j] = code_levels(frame.iloc[:, i], levels, self.missing)
        return numbers, codes

    def _choose_gamma(
        self,
        frame: pd.DataFrame,
        numbers: np.ndarray,
        codes: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> float | np.ndarray:
        """Return the weight of a category, or each one's where they differ."""
        if not isinstance(self.gamma, str | Mapping):
            return float(self.gamma)
        gamma = weigh_categories(numbers, codes, sample_weight)
        if isinstance(self.gamma, str):
            return gamma
        gammas = np.full(len(self._categorical), gamma)
        for name, own in self.gamma.items():
            position = find_position(frame, name, purpose="weigh in gamma")
            if position not in self._categorical:
                raise SettingError(
                    f"gamma weighs categories, and column {name!r} is taken as a number",
                    found=repr(self.gamma),
                    fix="Name it in `categorical`, or scale the number itself.",
                )
            gammas[self._categorical.index(position)] = _require_gamma(own)
        differ = len(np.unique(gammas)) > 1
        return gammas if differ else float(next(iter(gammas), gamma))

    def _decode(self) -> np.ndarray:
        if not self._categorical:
            return self._centres
        centres = np.empty((len(self._centres), self.n_features_in_), dtype=object)
        others = [i for i in range(self.n_features_in_) if i not in self._categorical]
        centres[:, others] = self._centres
        for j, (i, levels) in enumerate(zip(self._categorical, self._levels, strict=True)):
            centres[:, i] = [[*levels, None][code] for code in self._modes[:, j]]
        return centres


def check_seed(random_state: object) -> None:
    """Refuse what is no seed.

    Raises
    ------
    SettingError
        If it is neither a whole number from 0 nor a RandomState nor None.
    """
    is_generator = isinstance(random_state, np.random.RandomState) or random_state is np.random
    if random_state is not None and not is_generator:
        require_whole("random_state", random_state, least=0, most=MOST_SEED)


def _require_gamma(value: object) -> float:
    try:
        return require_number("gamma", value, least=0)
    except SettingError:
        raise SettingError(
            "gamma is 'auto' or a number from 0, or such numbers by the names of categories",
            found=repr(value),
            fix="Write gamma=0.5 or gamma={'channel': 0.5}.",
        ) from None
