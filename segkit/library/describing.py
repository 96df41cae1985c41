"""What sets segments apart: sizes, profiles, a few plain rules, a short quiz."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from segkit.core.errors import SegkitError
from segkit.core.measures import drop_contributions
from segkit.library.inputs import (
    read_count,
    read_customers,
    read_frame,
    read_names,
    read_number,
    read_seed,
    require_columns,
)
from segkit.profiles import quiz, segment_profiles, sizes
from segkit.profiles.quiz import Quiz
from segkit.segmentation.members import KEYS
from segkit.validation import reach
from segkit.validation.reach import Surrogate

SMALLEST_LEAF = 5


def size_segments(customers: Any, segments: Any = None) -> pd.DataFrame:
    """Return how many customers each segment has, and what it is worth.

    Parameters
    ----------
    customers : table
        One row a customer.
    segments : table, optional
        Who is in which segment: ``customer_id``, ``segment`` and ``segment_name``, as
        `assign_segments` gives them; not needed where the customers have these columns.

    Returns
    -------
    pandas.DataFrame
        One row a segment: ``segment``, ``segment_name``, ``customer_count``, ``customer_share``;
        where the columns are there also ``total_spend``, ``spend_share``, ``mean_spend``,
        ``median_spend``, ``median_recency_days``, ``mean_order_count``, ``mean_order_value`` and
        ``total_profit``, in the customers' currency.

    Raises
    ------
    SegkitError
        If a column is not there, or a customer is named twice.

    Examples
    --------
    >>> import pandas as pd
    >>> from segkit import size_segments
    >>> shop = pd.DataFrame({"total_spend": [90.0, 60.0, 10.0], "segment": [1, 1, 2]})
    >>> placed = shop.assign(segment_name=["Best", "Best", "Rest"])
    >>> size_segments(placed)[["segment_name", "customer_count", "spend_share"]]
      segment_name  customer_count  spend_share
    0         Best               2       0.9375
    1         Rest               1       0.0625
    """
    frame, placed = read_placed(customers, segments)
    return drop_contributions(sizes.size_segments(frame, placed))


def profile_segments(
    customers: Any,
    segments: Any = None,
    *,
    columns: Sequence[str] | None = None,
    made_by: Collection[str] = (),
) -> pd.DataFrame:
    """Compare each segment's mean with that of all customers, column by column.

    Parameters
    ----------
    customers, segments : table
        As of `size_segments`.
    columns : sequence of str, optional
        Columns of numbers; without it all.
    made_by : collection of str
        The columns that the segments were made from, such as ``segmentation.columns``: they differ
        by construction, and get no p-value.

    Returns
    -------
    pandas.DataFrame
        One row a segment and feature: ``segment``, ``segment_name``, ``feature``, ``unit``,
        ``known_count``, ``mean``, ``median``, ``base_mean`` (of all), ``index`` (100 is the base's
        mean), ``difference_sd``, ``effect_size`` with its 95 % interval, ``p_value``,
        ``adjusted_p_value``, ``set_apart``, ``is_marker`` and more, see
        `segkit.profiles.segment_profiles.profile_segments`.

    Raises
    ------
    SegkitError
        If a column is not there or is not a number.

    Examples
    --------
    >>> import pandas as pd
    >>> from segkit import profile_segments
    >>> shop = pd.DataFrame({"visits": [8, 9, 1, 2, 1], "segment": [1, 1, 2, 2, 2]})
    >>> placed = shop.assign(segment_name=shop["segment"].map({1: "Often", 2: "Rare"}))
    >>> profile_segments(placed, columns=["visits"])[["segment_name", "mean", "index"]].round(1)
      segment_name  mean  index
    0        Often   8.5  202.4
    1         Rare   1.3   31.7
    """
    chosen = None if columns is None else list(read_names(columns, "columns"))
    frame, placed = read_placed(customers, segments, columns=chosen or ())
    known = read_names(list(made_by) if isinstance(made_by, set) else made_by, "made_by")
    profile = segment_profiles.profile_segments(frame, placed, columns=chosen, made_by=known)
    return drop_contributions(profile)


def fit_surrogate(
    customers: Any,
    segments: Any = None,
    *,
    columns: Sequence[str],
    random_state: int = 0,
    smallest_leaf: int = SMALLEST_LEAF,
) -> Surrogate:
    """Fit a few plain rules that place customers in their segments, and measure them honestly.

    Parameters
    ----------
    customers, segments : table
        As of `size_segments`.
    columns : sequence of str
        What the rules may ask for.
    random_state : int, default 0
        The seed.
    smallest_leaf : int, default 5
        The fewest customers of a rule.

    Returns
    -------
    Surrogate
        With ``rules``, ``by_segment``, ``accuracy`` (of unseen customers, cross-validated) and its
        95 % interval, and ``baseline_accuracy``.

    Raises
    ------
    SegkitError
        If a column is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> from segkit import fit_surrogate
    >>> shop = pd.DataFrame({"visits": list(range(60)), "segment": [2] * 30 + [1] * 30})
    >>> placed = shop.assign(segment_name=shop["segment"].map({1: "Often", 2: "Rare"}))
    >>> fit_surrogate(placed, columns=["visits"]).rules["rule"].tolist()
    ['visits above 29', 'visits at most 29']
    """
    asked = read_names(columns, "columns")
    frame, placed = read_placed(customers, segments, columns=asked)
    return reach.fit_surrogate(
        frame,
        placed,
        columns=asked,
        random_state=read_seed(random_state),
        smallest_cell=read_count(smallest_leaf, "smallest_leaf"),
    )


def build_quiz(
    customers: Any,
    segments: Any = None,
    *,
    columns: Sequence[str],
    target_accuracy: float = 0.9,
    random_state: int = 0,
    smallest_leaf: int = SMALLEST_LEAF,
) -> Quiz:
    """Find the fewest questions that place unseen customers as well as is wanted.

    Parameters
    ----------
    customers, segments : table
        As of `size_segments`.
    columns : sequence of str
        What may be asked.
    target_accuracy : float, default 0.9
        The share of unseen customers to place rightly, from 0 to 1.
    random_state : int, default 0
        The seed.
    smallest_leaf : int, default 5
        The fewest customers of a rule.

    Returns
    -------
    Quiz
        With ``questions``, ``rules`` (each with its condition, ``when``) and ``steps`` (the
        accuracy by number of questions, with its 95 % interval).

    Raises
    ------
    SegkitError
        If a column is not there.

    Examples
    --------
    >>> import pandas as pd
    >>> from segkit import build_quiz
    >>> shop = pd.DataFrame({"visits": list(range(60)), "segment": [2] * 30 + [1] * 30})
    >>> placed = shop.assign(segment_name=shop["segment"].map({1: "Often", 2: "Rare"}), age=40)
    >>> build_quiz(placed, columns=["visits", "age"]).questions
    ('visits',)
    """
    asked = read_names(columns, "columns")
    frame, placed = read_placed(customers, segments, columns=asked)
    return quiz.build_quiz(
        frame,
        placed,
        columns=asked,
        target_accuracy=read_number(
            target_accuracy, "target_accuracy", least=0.0, most=1.0, usual=0.9
        ),
        random_state=read_seed(random_state),
        smallest_cell=read_count(smallest_leaf, "smallest_leaf"),
    )


def _require_numbers(placed: pd.DataFrame) -> None:
    """Raise an error if segments are not numbered."""
    numbers = placed["segment"].dropna()
    is_number = is_numeric_dtype(numbers) and not is_bool_dtype(numbers)
    if not is_number or (numbers % 1 != 0).any():
        fix = "Number them from 1, and give the names as segment_name."
        found = repr(numbers.iloc[0]) if len(numbers) else "nothing"
        raise SegkitError("segments are whole numbers", where="segment", found=found, fix=fix)
    if numbers.empty:
        raise SegkitError("nobody has a segment", where="segment", fix="Assign them first.")


def read_placed(
    customers: Any, segments: Any, *, columns: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return customers, and who of them is in which segment.

    Raises
    ------
    SegkitError
        If a column is not there, a customer is named twice, or nobody of them has a segment.
    """
    frame = read_customers(customers, columns)
    if segments is None:
        if missing := [key for key in KEYS if key not in frame.columns]:
            message = f"nothing says who is in which segment: there is no column '{missing[0]}'"
            fix = "Give what assign_segments(segmentation, customers) returned."
            raise SegkitError(message, where="customers", fix=fix)
        _require_numbers(frame)
        return frame, frame[["customer_id", *KEYS]]
    placed = read_frame(segments, "segments")
    require_columns(placed, ["customer_id", *KEYS], "segments")
    placed = read_customers(placed, KEYS, what="segments")[["customer_id", *KEYS]]
    _require_numbers(placed)
    if not frame["customer_id"].isin(placed["customer_id"]).any():
        found = f"customers such as {frame['customer_id'].iloc[0]!r}, "
        found += f"segments such as {placed['customer_id'].iloc[0]!r}"
        fix = "Give both tables the same ids, of the same type."
        raise SegkitError("no customer has a segment", where="segments", found=found, fix=fix)
    return frame, placed
