"""Published rules of thumb for how many customers a segmentation needs.

They are rules of thumb: what was seen to do in simulations and in practice, for segments of like
size that overlap little. None of them says that a segmentation will hold; the tests of the base
analysis do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Beyond this nobody has so many customers, and a number would say nothing.
BEYOND_COUNTING = 10**9


@dataclass(frozen=True)
class Asked:
    """What a scheme asks for: columns, segments at most, and whether all columns are yes or no."""

    columns: int
    segments: int
    is_binary: bool = False


@dataclass(frozen=True)
class RuleOfThumb:
    """A published rule.

    Attributes
    ----------
    id : str
    source : str
        Author and year.
    words : str
        The rule, as people say it.
    need : callable
        From what is `Asked` to customers.
    of_binary : bool
        Whether it is of columns of yes and no only.
    """

    id: str
    source: str
    words: str
    need: Callable[[Asked], int]
    of_binary: bool = False

    def count(self, asked: Asked) -> int | None:
        """Return how many customers are needed; None where the rule is of something else.

        >>> RULES[0].count(Asked(columns=7, segments=5))
        490
        """
        if self.of_binary and not asked.is_binary:
            return None
        return min(self.need(asked), BEYOND_COUNTING)


RULES = (
    RuleOfThumb(
        "by_70_columns",
        "Dolnicar, Grün, Leisch and Schmidt (2014), Journal of Travel Research 53",
        "70 customers for each column",
        lambda asked: 70 * asked.columns,
    ),
    RuleOfThumb(
        "by_100_columns",
        "Dolnicar, Grün and Leisch (2016), Journal of Business Research 69",
        "100 customers for each column",
        lambda asked: 100 * asked.columns,
    ),
    RuleOfThumb(
        "by_columns_and_segments",
        "Qiu and Joe, as Dolnicar, Grün and Leisch (2018), Market Segmentation Analysis, tell it",
        "10 customers for each column of each segment",
        lambda asked: 10 * asked.columns * asked.segments,
    ),
    RuleOfThumb(
        "by_patterns",
        "Formann (1984), Die Latent-Class-Analyse",
        "5 customers for each pattern of yes and no",
        lambda asked: 5 * 2 ** min(asked.columns, 40),
        of_binary=True,
    ),
)


def count_most_columns(customers: int) -> int:
    """Return how many columns so many customers carry, by Dolnicar, Grün and Leisch (2016).

    >>> count_most_columns(4908)
    49
    """
    return customers // 100


def count_most_segments(customers: int, columns: int) -> int:
    """Return how many segments so many customers carry in so many columns, by Qiu and Joe.

    >>> count_most_segments(1010, 19)
    5
    """
    return customers // (10 * columns)
