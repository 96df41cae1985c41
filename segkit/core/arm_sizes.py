"""How many customers a test needs to show a step of a share, and which step so many show."""

from __future__ import annotations

import numpy as np

from segkit.core.contrasts import POWER
from segkit.core.statistics import ALPHA


def find_arm_size(now: float, target: float) -> float:
    """Return how many customers each of two arms needs to show a share's step in a test.

    A two-sided test at 5 %, in which a step from ``now`` to ``target`` is seen four times in five:
    Fleiss, Levin and Paik (2003), *Statistical Methods for Rates and Proportions*, equation 4.14,
    without the correction for continuity, as the tests here have none. NaN where there is no step
    or a share lies outside 0 to 1. statsmodels has it for Cohen's h only, which is near to it.

    >>> find_arm_size(0.10, 0.20)
    199.0
    """
    from scipy.special import ndtri

    if now == target or not (0 <= now <= 1 and 0 <= target <= 1):
        return np.nan
    middle = (now + target) / 2
    spread = ndtri(1 - ALPHA / 2) * np.sqrt(2 * middle * (1 - middle))
    spread += ndtri(POWER) * np.sqrt(now * (1 - now) + target * (1 - target))
    return float(np.ceil((spread / (target - now)) ** 2))


def find_seen_share(now: float, arm_size: float, *, upwards: bool) -> float:
    """Return the nearest share that two arms of this size can tell from ``now``.

    That of `find_arm_size`, solved for the target by halving; NaN where no share is far enough.

    >>> round(find_seen_share(0.10, 199, upwards=True), 3)
    0.2
    """
    near = now
    far = 1.0 if upwards else 0.0
    if near == far or not find_arm_size(now, far) <= arm_size:
        return np.nan
    for _ in range(40):
        middle = (near + far) / 2
        if find_arm_size(now, middle) <= arm_size:
            far = middle
        else:
            near = middle
    return far
