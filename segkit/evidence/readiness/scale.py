"""How a figure becomes a score from 0 to 5: five thresholds, stated."""

from __future__ import annotations

from dataclasses import dataclass

FULL = 5
SHARE = "share"
COUNT = "count"


@dataclass(frozen=True)
class Scale:
    """What each of the scores 1 to 5 needs.

    A figure has as many points as it reaches thresholds, from the first on; they may repeat where
    there is nothing between two scores.

    Attributes
    ----------
    steps : tuple of five numbers
        In order; what is reached is counted from the first.
    what : str
        What the figure is, in words that follow it: "of the goals have a target".
    unit : str
        ``share`` is written in percent, ``count`` as a number.
    at_most : bool
        Whether a figure reaches a threshold from above, such as an age in days.

    Examples
    --------
    >>> scale = Scale((0.2, 0.4, 0.6, 0.8, 1.0), "of the goals have a target")
    >>> scale.score(0.5), scale.write(5)
    (2, '100% of the goals have a target')
    >>> Scale((90, 60, 31, 14, 7), "days since the last order", unit=COUNT, at_most=True).score(31)
    3
    """

    steps: tuple[float, float, float, float, float]
    what: str
    unit: str = SHARE
    at_most: bool = False

    def score(self, value: float) -> int:
        """Return how many thresholds a figure reaches, 0 to 5; what is not known reaches none."""
        points = 0
        for step in self.steps:
            is_reached = value <= step if self.at_most else value >= step
            if not is_reached:
                break
            points += 1
        return points

    def write(self, points: int) -> str:
        """Return what a score needs, in words."""
        step = self.steps[points - 1]
        text = f"{100 * step:.3g}%" if self.unit == SHARE else f"{step:,g}"
        bound = "at most " if self.at_most else "" if self._is_whole(step) else "at least "
        return f"{bound}{text} {self.what}"

    def _is_whole(self, step: float) -> bool:
        return self.unit == SHARE and step >= 1
