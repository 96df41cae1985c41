"""Themes of texts, their number, and whether they hold when others are drawn.

Themes are the parts of a non-negative factorisation of the texts' words (Lee and Seung 1999,
*Nature* 401), by scikit-learn. That of some texts is found again in bootstrap samples of who wrote
them; a theme is as stable as its leading words are alike there, by Jaccard. The levels are
Hennig's: from .75 on it holds, below .60 it is not to be trusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

MOST_THEMES = 8
RESAMPLES = 8
LEADING_WORDS = 8
MOST_FITTED = 3_000  # different texts that themes are sought in; every text is placed
STABLE = 0.75
DOUBTFUL = 0.60
NOT_STABLE = "not stable"
MOST_STEPS = 100
TOLERANCE = 1e-3


@dataclass(frozen=True)
class Themes:
    """Themes of some texts.

    Attributes
    ----------
    terms : list of str
        The terms that texts are made of.
    parts : ndarray of float, (themes, terms)
        How much each term belongs to each theme.
    places : ndarray of int, (texts,)
        The theme of each text; -1 where none of its words belong to any.
    weights : ndarray of float, (texts,)
        How much of a text its theme is, 0 to 1.
    stability : ndarray of float, (themes,)
        Mean Jaccard of the leading words over bootstrap samples.
    """

    terms: list[str]
    parts: np.ndarray
    places: np.ndarray
    weights: np.ndarray
    stability: np.ndarray

    @property
    def mean_stability(self) -> float:
        """The mean over the themes."""
        return float(self.stability.mean())


def judge_stability(stability: float) -> str:
    """Return the word for a stability: ``stable``, ``doubtful`` or ``not stable``."""
    if stability >= STABLE:
        return "stable"
    return "doubtful" if stability >= DOUBTFUL else NOT_STABLE


def find_themes(
    terms: Sequence[Sequence[str]],
    writers: pd.DataFrame,
    *,
    vocabulary: Sequence[str],
    random_state: int,
) -> Themes | None:
    """Find themes: the largest number of them that all hold, else the number that holds best.

    Parameters
    ----------
    terms : sequence of sequence of str
        The terms of each different text.
    writers : DataFrame
        ``text_id``, the place of a text in ``terms``, and ``customer_id``, one row a customer and
        text. Whole customers are drawn.
    vocabulary : sequence of str
        The terms that may be told.
    random_state : int

    Returns
    -------
    Themes or None
        None where there are too few terms or texts for two themes.
    """
    matrix = weigh_terms(terms, vocabulary)
    told = np.flatnonzero(np.diff(matrix.indptr))
    most = min(MOST_THEMES, len(told) - 1, matrix.shape[1] - 1)
    if most < 2:
        return None
    rng = np.random.default_rng(random_state)
    chosen = np.sort(rng.permutation(told)[:MOST_FITTED])
    draws = _draw_weights(writers, matrix.shape[0], rng)[:, chosen]
    own = matrix[chosen]
    best: tuple[np.ndarray, np.ndarray] | None = None
    for count in range(most, 1, -1):
        tried = _try_number(own, draws, count, random_state=random_state)
        if _hold(tried[1]):
            best = tried
            break
        if best is None or tried[1].mean() > best[1].mean():
            best = tried
    parts, stability = best
    order = np.argsort(-parts.sum(axis=1), kind="stable")
    parts, stability = parts[order], stability[order]
    places, weights = _place_texts(matrix, parts)
    return Themes(list(vocabulary), parts, places, weights, stability)


def weigh_terms(terms: Sequence[Sequence[str]], vocabulary: Sequence[str]) -> sparse.csr_array:
    """Return the weight of each term in each text (texts, terms): tf-idf, of length 1."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not len(vocabulary):
        return sparse.csr_array((len(terms), 0))
    weigher = TfidfVectorizer(analyzer=lambda words: words, vocabulary=list(vocabulary))
    return sparse.csr_array(weigher.fit_transform(terms))


def _draw_weights(writers: pd.DataFrame, text_count: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each text counts (1 + resamples, texts): as it is, then in each resample."""
    codes, _names = pd.factorize(writers["customer_id"])
    places = writers["text_id"].to_numpy(int)
    count = int(codes.max()) + 1
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    draws = np.vstack([np.ones(count, dtype=int), drawn])
    return np.stack([np.bincount(places, times[codes], minlength=text_count) for times in draws])


def _try_number(
    matrix: sparse.csr_array, draws: np.ndarray, count: int, *, random_state: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the themes (count, terms) of all texts, and how stable each is."""
    whole, *others = [_factorise(matrix, own, count, random_state) for own in draws]
    found = np.array([_match_words(whole, other) for other in others])
    return whole, found.mean(axis=0)


def _factorise(
    matrix: sparse.csr_array, times: np.ndarray, count: int, random_state: int
) -> np.ndarray:
    """Return themes (count, terms), each of length 1, of texts that count so many times."""
    import warnings

    from sklearn.decomposition import NMF
    from sklearn.exceptions import ConvergenceWarning

    drawn = np.flatnonzero(times)
    rows = matrix[drawn].multiply(np.sqrt(times[drawn])[:, None]).tocsr()
    if rows.shape[0] < count:
        return np.zeros((count, matrix.shape[1]))
    model = NMF(
        count, init="nndsvda", max_iter=MOST_STEPS, tol=TOLERANCE, random_state=random_state
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows)
    length = np.linalg.norm(model.components_, axis=1, keepdims=True)
    return model.components_ / np.where(length > 0, length, 1)


def _match_words(whole: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the Jaccard of leading words of each theme and that which is most like it.

    Themes are matched one to one by cosine.
    """
    from scipy.optimize import linear_sum_assignment

    own, matched = linear_sum_assignment(-(whole @ other.T))
    found = np.zeros(len(whole))
    for theme, like in zip(own, matched, strict=True):
        one, two = set(list_leading(whole[theme])), set(list_leading(other[like]))
        found[theme] = len(one & two) / len(one | two) if one | two else 0.0
    return found


def list_leading(part: np.ndarray, most: int = LEADING_WORDS) -> list[int]:
    """Return the places of a theme's leading terms, the most important first."""
    order = np.argsort(-part, kind="stable")[:most]
    least = 0.05 * part.max(initial=0)
    return [int(place) for place in order if part[place] > least]


def _hold(stability: np.ndarray) -> bool:
    """Return whether themes hold on the mean, and each may be trusted."""
    return bool(stability.mean() >= STABLE and stability.min() >= DOUBTFUL)


def _place_texts(matrix: sparse.csr_array, parts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the theme that each text is most like, or -1, and how much of it that is.

    A text without any of a theme's leading words is none of it, whatever else the theme holds.
    """
    leading = np.zeros(parts.shape)
    for theme, part in enumerate(parts):
        places = list_leading(part)
        leading[theme, places] = part[places]
    likeness = np.asarray(matrix @ leading.T)
    whole = likeness.sum(axis=1)
    places = np.where(whole > 0, likeness.argmax(axis=1), -1)
    share = np.divide(likeness.max(axis=1), whole, out=np.zeros(len(whole)), where=whole > 0)
    return places, share
