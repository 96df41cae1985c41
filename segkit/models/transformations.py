"""What a number measures, and the transformation that this allows: fitted values and expression.

The choice must not depend on an accident. Where zero means nothing, moving a column by a constant
changes no prepared value; where zero means nothing there, measuring it in another unit (cents or
euros, days or weeks) changes none.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import skew

from segkit.models.expressions import AnyValue

Measure = Literal[
    "amount", "count", "duration", "difference", "share", "answer", "yes_no", "number"
]
Transform = Literal["none", "signed_log", "scaled_log"]
# Nothing at all is a zero of these, so that logarithms are taken from there.
FROM_ZERO = ("amount", "count", "duration", "difference")
# These have two ends, or steps that are even by their making: they stay as they are.
AS_THEY_ARE = ("share", "answer", "yes_no")
SKEW_LIMIT = 1.0
# Of the distances from the origin that are not zero; see decision 25 for what others give.
WIDTH_SHARE = 1 / 3
MOST_STEPS = 10
# How far a value may lie from its step, in steps.
STEP_TOLERANCE = 1e-6


class Steps(NamedTuple):
    """An even scale: its lowest value, the size of a step, and how many there are to the top."""

    lowest: float
    step: float
    count: int


class Transformation(NamedTuple):
    """A name, and for a logarithm where it begins and how wide it is linear."""

    name: Transform = "none"
    origin: float = 0.0
    width: float = 1.0


def find_steps(values: np.ndarray) -> Steps | None:
    """Find the even scale on which all values lie; None if there is none of ten steps at most.

    >>> find_steps(np.array([1, 5, 2, 4.0]))
    Steps(lowest=1.0, step=1.0, count=4)
    >>> find_steps(np.array([0.0, 1.0, 2.5])) is None
    True
    """
    different = np.unique(values)
    if not 2 <= len(different) <= MOST_STEPS + 1:
        return None
    lowest = different[0]
    step = np.diff(different).min()
    places = (different - lowest) / step
    nearest = places.round()
    if nearest[-1] > MOST_STEPS or np.abs(places - nearest).max() > STEP_TOLERANCE:
        return None
    count = int(nearest[-1])
    return Steps(float(lowest), float((different[-1] - lowest) / count), count)


def refine_measure(measure: Measure, steps: Steps | None) -> Measure:
    """Say more of a number by its values: two are yes and no, few even steps are answers."""
    if steps is not None and steps.count == 1:
        return "yes_no"
    if steps is not None and measure == "number":
        return "answer"
    return measure


def choose_transformation(values: np.ndarray, measure: Measure) -> Transformation:
    """Choose the transformation of a column's limited values, sorted and without missing ones.

    A column whose skewness exceeds 1 on either side is taken as

        sign(x - origin) * log(1 + abs(x - origin) / width)

    if that brings it closer to zero, and if what it measures allows it. The origin is zero where
    zero is nothing at all, as of amounts; where that is not known it is the end of the values that
    lies opposite to the long tail. The width is the lowest third of the distances from the origin
    that are not zero: what is small keeps its distances, what is far is drawn in. So the result is
    the same in any unit, and of a number of unknown kind wherever it has its zero.
    """
    if measure in AS_THEY_ARE or values[0] == values[-1]:
        return Transformation()
    skewness = skew(values)
    if abs(skewness) <= SKEW_LIMIT:
        return Transformation()
    origin = 0.0
    if measure not in FROM_ZERO:
        origin = float(values[0] if skewness > 0 else values[-1])
    distances = np.abs(values - origin)
    width = float(np.quantile(distances[distances > 0], WIDTH_SHARE))
    found = Transformation("scaled_log", origin, width)
    is_better = abs(skew(transform_values(values, found))) < abs(skewness)
    return found if is_better else Transformation()


def transform_values(values: np.ndarray, transformation: Transformation) -> np.ndarray:
    """Transform values; the arithmetic of `transform_expression`, in the same order."""
    name, origin, width = transformation
    if name == "none":
        return values
    away = values - origin
    return np.sign(away) * np.log(np.abs(away) / width + 1.0)


def transform_expression(value: AnyValue, transformation: Transformation) -> AnyValue:
    """Transform an expression. ``signed_log``, of earlier documents, has width 1 about 0."""
    name, origin, width = transformation
    if name == "none":
        return value
    if name == "signed_log":
        return value.sign() * (value.abs() + 1.0).ln()
    away = value - origin
    return away.sign() * (away.abs() / width + 1.0).ln()
