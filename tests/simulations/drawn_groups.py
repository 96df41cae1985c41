"""Customers in groups whose number is known: equal and unequal, nested, overlapping and more."""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from numpy.random import Generator
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm

from tests.simulations.drawn_noise import Draw, Kind

EQUAL = (0.25, 0.25, 0.25, 0.25)
UNEQUAL = (0.60, 0.25, 0.10, 0.05)
NUMBERS = 4
ITEMS = 8
LEVELS = 3
# How far the centres of any two groups lie from each other at least, in standard deviations.
APART = 5.0
# The share of customers who give their group's favourite level, besides those who hit it by chance.
KEPT = 0.75
BAYES_ACCURACY = 0.9


def draw_equal_numbers(rng: Generator, n: int) -> Draw:
    """Four groups of one size in four numbers."""
    return _draw_numbers(rng, n, EQUAL)


def draw_unequal_numbers(rng: Generator, n: int) -> Draw:
    """Groups of 60, 25, 10 and 5 % in four numbers."""
    return _draw_numbers(rng, n, UNEQUAL)


def draw_unequal_spread(rng: Generator, n: int) -> Draw:
    """Four groups with standard deviations from .5 to 1.5."""
    return _draw_numbers(rng, n, EQUAL, spreads=np.array([0.5, 0.8, 1.1, 1.5]), apart=6.0)


def draw_half_irrelevant_numbers(rng: Generator, n: int) -> Draw:
    """Four groups in four numbers, and four numbers more that have nothing to do with them."""
    drawn = _draw_numbers(rng, n, EQUAL)
    # As widely spread as the others are, that scaling does not take them away.
    noise = rng.normal(size=(n, NUMBERS)) * drawn.numbers.std(axis=0)
    return Draw(numbers=np.hstack([drawn.numbers, noise]), groups=drawn.groups)


def draw_correlated_within(rng: Generator, n: int) -> Draw:
    """Three groups in four numbers that are correlated by .6 within each."""
    groups = rng.integers(0, 3, n)
    within = np.sqrt(0.6) * rng.normal(size=(n, 1)) + np.sqrt(0.4) * rng.normal(size=(n, NUMBERS))
    centres = _place_centres(rng, 3, apart=6.0)
    return Draw(numbers=centres[groups] + within, groups=groups)


def draw_nested_numbers(rng: Generator, n: int) -> Draw:
    """Four groups inside three: one of three that lie far apart is two that lie close."""
    centres = _place_centres(rng, 3, apart=9.0)
    direction = rng.normal(size=NUMBERS)
    direction *= 4.5 / np.linalg.norm(direction)
    centres = np.vstack([centres[:2], centres[2] - direction / 2, centres[2] + direction / 2])
    groups = rng.integers(0, 4, n)
    return Draw(numbers=centres[groups] + rng.normal(size=(n, NUMBERS)), groups=groups)


def draw_overlapping_numbers(rng: Generator, n: int) -> Draw:
    """Three groups at equal distances: nobody can place more than nine in ten rightly."""
    groups = rng.integers(0, 3, n)
    frame, _ = np.linalg.qr(rng.normal(size=(NUMBERS, NUMBERS)))
    centres = find_overlapping_distance(3) * frame[:3] / np.sqrt(2)
    return Draw(numbers=centres[groups] + rng.normal(size=(n, NUMBERS)), groups=groups)


def draw_equal_answers(rng: Generator, n: int) -> Draw:
    """Four groups of one size in eight categories of three levels."""
    return _draw_answers(rng, n, EQUAL)


def draw_three_answers(rng: Generator, n: int) -> Draw:
    """Three groups of one size in eight categories of three levels."""
    return _draw_answers(rng, n, (1 / 3, 1 / 3, 1 / 3))


def draw_unequal_answers(rng: Generator, n: int) -> Draw:
    """Groups of 60, 25, 10 and 5 % in eight categories of three levels."""
    return _draw_answers(rng, n, UNEQUAL)


def draw_half_irrelevant_answers(rng: Generator, n: int) -> Draw:
    """Four groups in eight categories, and eight more that have nothing to do with them."""
    drawn = _draw_answers(rng, n, EQUAL)
    noise = rng.integers(0, LEVELS, (n, ITEMS))
    return Draw(codes=np.hstack([drawn.codes, noise]), groups=drawn.groups)


def draw_overlapping_answers(rng: Generator, n: int) -> Draw:
    """Three groups in nine yes/no items: nobody can place more than nine in ten rightly."""
    groups = rng.integers(0, 3, n)
    likely = find_overlapping_share()
    own = np.arange(9) % 3 == groups[:, None]
    yes = np.where(own, likely, 1 - likely)
    return Draw(codes=(rng.random((n, 9)) < yes).astype(int), groups=groups)


def draw_equal_mixed(rng: Generator, n: int) -> Draw:
    """Four groups of one size in four numbers and three categories."""
    return _draw_mixed(rng, n, EQUAL)


def draw_unequal_mixed(rng: Generator, n: int) -> Draw:
    """Groups of 60, 25, 10 and 5 % in four numbers and three categories."""
    return _draw_mixed(rng, n, UNEQUAL)


def _draw_mixed(rng: Generator, n: int, shares: tuple[float, ...]) -> Draw:
    drawn = _draw_numbers(rng, n, shares)
    favourites = rng.integers(0, LEVELS, (len(shares), 3))
    codes = _answer_by_group(rng, favourites[drawn.groups])
    return Draw(numbers=drawn.numbers, codes=codes, groups=drawn.groups)


def _draw_numbers(
    rng: Generator,
    n: int,
    shares: tuple[float, ...],
    *,
    spreads: np.ndarray | None = None,
    apart: float = APART,
) -> Draw:
    """Draw normal groups around centres that lie ``apart`` from each other at least."""
    groups = rng.choice(len(shares), n, p=shares)
    centres = _place_centres(rng, len(shares), apart=apart)
    spread = np.ones(len(shares)) if spreads is None else spreads
    within = rng.normal(size=(n, NUMBERS)) * spread[groups, None]
    return Draw(numbers=centres[groups] + within, groups=groups)


def _place_centres(rng: Generator, k: int, *, apart: float) -> np.ndarray:
    """Place k centres in four numbers, any two of them ``apart`` from each other at least."""
    while True:
        centres = rng.normal(size=(k, NUMBERS)) * apart / 2
        between = np.sqrt(((centres[:, None] - centres) ** 2).sum(axis=2))
        if between[np.triu_indices(k, 1)].min() > apart:
            return centres


def _draw_answers(rng: Generator, n: int, shares: tuple[float, ...]) -> Draw:
    """Draw answers of groups, any two of which have other favourites in half of the items."""
    groups = rng.choice(len(shares), n, p=shares)
    pairs = np.triu_indices(len(shares), 1)
    while True:
        favourites = rng.integers(0, LEVELS, (len(shares), ITEMS))
        differ = (favourites[:, None] != favourites).sum(axis=2)
        if differ[pairs].min() >= ITEMS / 2:
            break
    return Draw(codes=_answer_by_group(rng, favourites[groups]), groups=groups)


def _answer_by_group(rng: Generator, favourites: np.ndarray) -> np.ndarray:
    """Answer with the favourite level three times in four, else with any."""
    is_kept = rng.random(favourites.shape) < KEPT
    return np.where(is_kept, favourites, rng.integers(0, LEVELS, favourites.shape))


@cache
def find_overlapping_distance(k: int, accuracy: float = BAYES_ACCURACY) -> float:
    """Return how far k equal normal groups, all at one distance, lie apart at that accuracy.

    The best rule takes the nearest centre; with centres on k axes it is right where the own
    coordinate is the largest: the integral of phi(z) Phi(z + distance / sqrt 2) ** (k - 1).
    """

    def miss(distance: float) -> float:
        def density(z: float) -> float:
            return norm.pdf(z) * norm.cdf(z + distance / np.sqrt(2)) ** (k - 1)

        return quad(density, -8, 8)[0] - accuracy

    return float(brentq(miss, 0.1, 20))


@cache
def find_overlapping_share(accuracy: float = BAYES_ACCURACY) -> float:
    """Return the probability of a yes to an own item at which the best rule is that accurate."""
    patterns = np.array(list(product([0, 1], repeat=9)))
    own = np.arange(9) % 3 == np.arange(3)[:, None]

    def miss(likely: float) -> float:
        yes = np.where(own, likely, 1 - likely)
        chances = np.where(patterns[:, None] == 1, yes, 1 - yes).prod(axis=2)
        return chances.max(axis=1).sum() / 3 - accuracy

    return float(brentq(miss, 0.5, 0.999))


EASY = 0.9
HARD = 0.8
BOTH = ("kprototypes", "latent_classes")
GROUPS = (
    Kind("equal sizes", draw_equal_numbers, ("kmeans",), 4, EASY),
    Kind("unequal sizes", draw_unequal_numbers, ("kmeans",), 4, HARD),
    Kind("unequal spread", draw_unequal_spread, ("kmeans",), 4, EASY),
    Kind("half of the columns irrelevant", draw_half_irrelevant_numbers, ("kmeans",), 4, EASY),
    Kind("correlated within", draw_correlated_within, ("kmeans",), 3, EASY),
    Kind("nested, four inside three", draw_nested_numbers, ("kmeans",), 4, EASY),
    Kind("overlapping", draw_overlapping_numbers, ("kmeans",), 3, HARD),
    Kind("mixed, equal sizes", draw_equal_mixed, ("kprototypes",), 4, EASY),
    Kind("mixed, unequal sizes", draw_unequal_mixed, ("kprototypes",), 4, HARD),
    Kind("categories, three groups", draw_three_answers, BOTH, 3, EASY),
    Kind("categories, equal sizes", draw_equal_answers, BOTH, 4, EASY),
    Kind("categories, unequal sizes", draw_unequal_answers, BOTH, 4, HARD),
    Kind("categories, half irrelevant", draw_half_irrelevant_answers, ("latent_classes",), 4, EASY),
    Kind("categories, overlapping", draw_overlapping_answers, ("latent_classes",), 3, HARD),
)
