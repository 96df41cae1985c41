"""What everybody's answers have in common: taken out, row by row."""

from __future__ import annotations

import numpy as np

from segkit.models.expressions import AnyTable, add_up, match_cases

# A smaller spread of a row, in steps of the scale, is that of equal answers.
SMALLEST_SPREAD = 1e-6


def remove_answer_style(values: np.ndarray) -> np.ndarray:
    """Take everybody's mean answer off, and divide by everybody's standard deviation.

    Some agree with everything and some use the ends of every scale; segments of such answers would
    be segments of how people answer (Grün and Dolnicar 2016, *Marketing Letters* 27; Fischer 2004,
    *Journal of Cross-Cultural Psychology* 35, standardisation within the person). Who answers
    everything alike has zero everywhere.

    Parameters
    ----------
    values : ndarray of float64, (n, p)
        Answers on the same scale; NaN is missing and stays so.

    Examples
    --------
    >>> remove_answer_style(np.array([[1.0, 2, 3], [3, 4, 5], [4, 4, 4]])).round(2)
    array([[-1.22,  0.  ,  1.22],
           [-1.22,  0.  ,  1.22],
           [ 0.  ,  0.  ,  0.  ]])
    """
    is_known = ~np.isnan(values)
    count = is_known.sum(axis=1).astype(float)
    count = np.where(count == 0, np.nan, count)
    # Column by column, in the order in which an engine adds.
    total = np.zeros(len(values))
    for column in np.nan_to_num(values).T:
        total = total + column
    away = values - (total / count)[:, None]
    squares = np.zeros(len(values))
    for column in np.nan_to_num(away).T:
        squares = squares + column * column
    spread = np.sqrt(squares / count)
    return away / np.where(spread > SMALLEST_SPREAD, spread, 1.0)[:, None]


def express_answer_style(table: AnyTable, numbers: list[str]) -> AnyTable:
    """Replace columns of a table by what `remove_answer_style` makes of them.

    Further columns whose names begin with those of the first are added.
    """
    first = numbers[0]
    count = add_up([table[name].notnull().cast("int32") for name in numbers]).cast("float64")
    total = add_up([table[name].fill_null(0.0) for name in numbers])
    table = table.mutate(**{f"{first}_mean": total / count.nullif(0.0)})
    table = table.mutate(**{name: table[name] - table[f"{first}_mean"] for name in numbers})
    squares = add_up([(table[name] * table[name]).fill_null(0.0) for name in numbers])
    count = add_up([table[name].notnull().cast("int32") for name in numbers]).cast("float64")
    spread = (squares / count.nullif(0.0)).sqrt()
    spread = match_cases((spread > SMALLEST_SPREAD, spread), otherwise=1.0)
    table = table.mutate(**{f"{first}_spread": spread})
    return table.mutate(**{name: table[name] / table[f"{first}_spread"] for name in numbers})
