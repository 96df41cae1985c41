"""Customers without any groups: independent columns, and columns that depend on each other.

Nobody here belongs to a group. The columns are skewed, heavy-tailed, curved, or answers to one or
two traits, as real ones are, and whatever a model says of them must be no *natural* group.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

LIKERT_POINTS = 5
MOST_COUNTED = 3


@dataclass(frozen=True)
class Draw:
    """Drawn customers: ``numbers`` (n, p), ``codes`` of levels (n, q), ``groups`` (n,) from 0.

    Levels are numbered in the order of the trait that they show, where there is one.
    """

    numbers: np.ndarray | None = None
    codes: np.ndarray | None = None
    groups: np.ndarray | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Kind:
    """One kind of customers: how they are drawn, which models are tried, and what they shall find.

    ``true_count`` is the number of groups, 1 where there are none; ``goal`` the share of draws in
    which that number shall be chosen.
    """

    name: str
    draw: Callable[[Generator, int], Draw]
    models: tuple[str, ...]
    true_count: int = 1
    goal: float = 0.0


def draw_independent_normals(rng: Generator, n: int) -> Draw:
    """Five normal columns."""
    return Draw(numbers=rng.normal(size=(n, 5)))


def draw_independent_uniforms(rng: Generator, n: int) -> Draw:
    """Four even columns."""
    return Draw(numbers=rng.uniform(size=(n, 4)))


def draw_independent_items(rng: Generator, n: int) -> Draw:
    """Eight yes/no items."""
    shares = rng.uniform(0.2, 0.8, 8)
    return Draw(codes=(rng.random((n, 8)) < shares).astype(int))


def draw_independent_mixed(rng: Generator, n: int) -> Draw:
    """Three normal columns, and categories of two, three and four levels."""
    return Draw(numbers=rng.normal(size=(n, 3)), codes=rng.integers(0, [2, 3, 4], (n, 3)))


def draw_elongated_normals(rng: Generator, n: int) -> Draw:
    """Four normal columns, any two correlated by .7."""
    return Draw(numbers=_draw_correlated(rng, n, columns=4, correlation=0.7))


def draw_arc(rng: Generator, n: int) -> Draw:
    """Half a circle with some width, and a column that has nothing to do with it."""
    angle = rng.uniform(0, np.pi, n)
    around = np.column_stack([np.cos(angle), np.sin(angle)])
    return Draw(numbers=np.column_stack([around + rng.normal(0, 0.15, (n, 2)), rng.normal(size=n)]))


def draw_heavy_tails(rng: Generator, n: int) -> Draw:
    """Four columns of a multivariate t distribution with 3 degrees of freedom, correlated by .5."""
    normals = _draw_correlated(rng, n, columns=4, correlation=0.5)
    return Draw(numbers=normals / np.sqrt(rng.chisquare(3, (n, 1)) / 3))


def draw_one_factor_numbers(rng: Generator, n: int) -> Draw:
    """Six columns that show one normal trait."""
    return Draw(numbers=_show_traits(rng, n, columns=6, traits=1))


def draw_two_factor_numbers(rng: Generator, n: int) -> Draw:
    """Eight columns that show two normal traits, four each and a little of the other."""
    return Draw(numbers=_show_traits(rng, n, columns=8, traits=2))


def draw_one_factor_items(rng: Generator, n: int) -> Draw:
    """Nine yes/no items of one trait, from easy to hard."""
    shown = _show_traits(rng, n, columns=9, traits=1)
    return Draw(codes=(shown > np.linspace(-0.5, 1.2, 9)).astype(int))


def draw_two_factor_items(rng: Generator, n: int) -> Draw:
    """Ten yes/no items of two traits, from easy to hard."""
    shown = _show_traits(rng, n, columns=10, traits=2)
    return Draw(codes=(shown > rng.permutation(np.linspace(-0.5, 1.2, 10))).astype(int))


def draw_one_factor_answers(rng: Generator, n: int) -> Draw:
    """Seven items of three levels, one normal trait cut in each at other places."""
    shown = _show_traits(rng, n, columns=7, traits=1)
    lower = rng.uniform(-1.0, 0.0, 7)
    upper = lower + rng.uniform(0.6, 1.4, 7)
    return Draw(codes=(shown > lower).astype(int) + (shown > upper))


def draw_one_factor_likert(rng: Generator, n: int) -> Draw:
    """Six Likert items of one trait, half of them reversed, from people who differ in assent."""
    return Draw(codes=_answer_likert(rng, _show_traits(rng, n, columns=6, traits=1)))


def draw_two_factor_likert(rng: Generator, n: int) -> Draw:
    """Eight Likert items of two traits, half of them reversed, from people who differ in assent."""
    return Draw(codes=_answer_likert(rng, _show_traits(rng, n, columns=8, traits=2)))


def draw_even_trait_items(rng: Generator, n: int) -> Draw:
    """Nine yes/no items of one trait that is even, not normal."""
    trait = rng.uniform(-np.sqrt(3), np.sqrt(3), (n, 1))
    shown = 0.8 * trait + 0.6 * rng.normal(size=(n, 9))
    return Draw(codes=(shown > np.linspace(-1.0, 1.0, 9)).astype(int))


def draw_skewed_trait_items(rng: Generator, n: int) -> Draw:
    """Nine yes/no items, from easy to hard, of one trait that few have much of."""
    trait = rng.exponential(size=(n, 1)) - 1
    shown = 0.75 * trait + np.sqrt(1 - 0.75**2) * rng.normal(size=(n, 9))
    return Draw(codes=(shown > np.linspace(-0.5, 1.2, 9)).astype(int))


def draw_two_factor_choices(rng: Generator, n: int) -> Draw:
    """Eight choices among four things, which differ in how much two normal traits like them."""
    liking = rng.normal(0, 1.2, (8, 4, 2))
    common = rng.normal(0, 0.5, (8, 4))
    useful = common + np.einsum("nt,ilt->nil", rng.normal(size=(n, 2)), liking)
    return Draw(codes=(useful + rng.gumbel(size=useful.shape)).argmax(axis=2))


def draw_zero_inflated_counts(rng: Generator, n: int) -> Draw:
    """Four counts of one rate, where each kind of purchase is open to six in ten only."""
    rate = rng.gamma(1.0, size=(n, 1))
    return Draw(numbers=(rng.poisson(2 * rate, (n, 4)) * (rng.random((n, 4)) < 0.6)).astype(float))


def draw_zero_inflated_levels(rng: Generator, n: int) -> Draw:
    """Six such counts, as answers: never, once, twice, more often."""
    rate = rng.gamma(1.0, size=(n, 1))
    counts = rng.poisson(2 * rate, (n, 6)) * (rng.random((n, 6)) < 0.6)
    return Draw(codes=np.minimum(counts, MOST_COUNTED))


def draw_walking_orders(rng: Generator, n: int) -> Draw:
    """Orders in six periods, of a rate whose logarithm walks at random."""
    steps = rng.normal(0, 0.5, (n, 6))
    steps[:, 0] += 1.0
    return Draw(numbers=rng.poisson(np.exp(steps.cumsum(axis=1))).astype(float))


def draw_buyers_of_one_rate(rng: Generator, n: int) -> Draw:
    """Recency, frequency and lognormal spend, all from the rate at which somebody buys."""
    rate = rng.gamma(0.8, 5.0, n) + 0.2
    orders = 1 + rng.poisson(rate)
    recency = np.minimum(rng.exponential(365 / (1 + rate)), 365).round()
    spend = orders * np.exp(rng.normal(3.5, 0.8, n))
    return Draw(numbers=np.column_stack([recency, orders, spend]))


def draw_one_factor_mixed(rng: Generator, n: int) -> Draw:
    """Three normal columns and categories of two, three and four levels, all of one trait."""
    shown = _show_traits(rng, n, columns=6, traits=1)
    two = shown[:, 3] > 0.3
    three = np.digitize(shown[:, 4], [-0.5, 0.6])
    four = np.digitize(shown[:, 5], [-0.8, 0.0, 0.9])
    return Draw(numbers=shown[:, :3], codes=np.column_stack([two.astype(int), three, four]))


def _draw_correlated(rng: Generator, n: int, *, columns: int, correlation: float) -> np.ndarray:
    """Draw normal columns of variance 1, any two of which are correlated alike."""
    common = rng.normal(size=(n, 1)) * np.sqrt(correlation)
    return common + rng.normal(size=(n, columns)) * np.sqrt(1 - correlation)


def _show_traits(rng: Generator, n: int, *, columns: int, traits: int) -> np.ndarray:
    """Draw columns of variance 1, each of which shows one trait by .6 to .85, and little else."""
    loadings = rng.uniform(-0.15, 0.15, (columns, traits))
    loadings[np.arange(columns), np.arange(columns) % traits] = rng.uniform(0.6, 0.85, columns)
    rest = np.sqrt(1 - (loadings**2).sum(axis=1))
    return rng.normal(size=(n, traits)) @ loadings.T + rng.normal(size=(n, columns)) * rest


def _answer_likert(rng: Generator, shown: np.ndarray) -> np.ndarray:
    """Answer from 0 to 4; every second pair of items is reversed, assent is added to all alike."""
    n, columns = shown.shape
    reversed_items = np.arange(columns) % 4 >= 2
    towards = np.where(reversed_items, -shown, shown)
    assent = rng.normal(0, 0.5, (n, 1))
    middle = (LIKERT_POINTS - 1) / 2 + rng.uniform(-0.5, 0.5, columns)
    return np.clip(np.rint(middle + towards + assent), 0, LIKERT_POINTS - 1).astype(int)


# kmeans takes codes as numbers.
ALL_MODELS = ("kmeans", "kprototypes", "latent_classes")
CATEGORY_MODELS = ("kprototypes", "latent_classes")
NOISE = (
    Kind("independent normals", draw_independent_normals, ("kmeans",)),
    Kind("independent uniforms", draw_independent_uniforms, ("kmeans",)),
    Kind("independent yes/no items", draw_independent_items, ALL_MODELS),
    Kind("independent mixed columns", draw_independent_mixed, ("kprototypes",)),
    Kind("elongated normals", draw_elongated_normals, ("kmeans",)),
    Kind("an arc", draw_arc, ("kmeans",)),
    Kind("heavy tails", draw_heavy_tails, ("kmeans",)),
    Kind("one trait in numbers", draw_one_factor_numbers, ("kmeans",)),
    Kind("two traits in numbers", draw_two_factor_numbers, ("kmeans",)),
    Kind("one trait in yes/no items", draw_one_factor_items, ALL_MODELS),
    Kind("two traits in yes/no items", draw_two_factor_items, ALL_MODELS),
    Kind("one trait in three levels", draw_one_factor_answers, CATEGORY_MODELS),
    Kind("one trait and assent in Likert items", draw_one_factor_likert, ALL_MODELS),
    Kind("two traits and assent in Likert items", draw_two_factor_likert, ALL_MODELS),
    Kind("an even trait in yes/no items", draw_even_trait_items, ("latent_classes",)),
    Kind("a skewed trait in yes/no items", draw_skewed_trait_items, ("latent_classes",)),
    Kind("two traits in choices", draw_two_factor_choices, CATEGORY_MODELS),
    Kind("zero-inflated counts of one rate", draw_zero_inflated_counts, ("kmeans",)),
    Kind("zero-inflated counts in levels", draw_zero_inflated_levels, ("latent_classes",)),
    Kind("orders of a random walk", draw_walking_orders, ("kmeans",)),
    Kind("buyers of one rate", draw_buyers_of_one_rate, ("kmeans",)),
    Kind("one trait in mixed columns", draw_one_factor_mixed, ("kprototypes",)),
)
