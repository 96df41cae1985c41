"""Who has come, gone or moved between segments since the last run of an earlier day."""

from __future__ import annotations

import pandas as pd

from segkit.action.run_comparison import match_names
from segkit.core.absence import empty_table

NEW = "not there then"
GONE = "not there now"
COLUMNS = ("segment_before", "segment_name", "customer_count", "share_of_before")
FIRST_RUN = "This is the first run: no run of an earlier day has kept its segments."
OTHER_SCHEME = "The last run of an earlier day had no segments of this scheme."


def count_movements(segments: pd.DataFrame, earlier: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """Count customers by the segment that they were in and the one that they are in.

    Parameters
    ----------
    segments : DataFrame
        One row a customer: ``customer_id``, ``segment_name``.
    earlier : DataFrame
        One row a customer and scheme of the earlier run: ``customer_id``, ``scheme``, ``segment``.
    scheme : str
        The scheme of ``segments``; only its segments of then are compared.

    Returns
    -------
    DataFrame
        One row a pair of segments, also where nobody moved so: ``segment_before`` (as it is called
        now, see `find_renamed`; `NEW` for customers who were in none), ``segment_name`` (`GONE` for
        those who are in none), ``customer_count``, ``share_of_before``. No rows, and the reason, in
        a first run.

    Examples
    --------
    >>> now = pd.DataFrame({"customer_id": ["1", "2"], "segment_name": ["A", "B"]})
    >>> then = pd.DataFrame({"customer_id": ["1", "2"], "scheme": "s", "segment": ["A", "A"]})
    >>> count_movements(now, then, "s")[["segment_before", "segment_name", "customer_count"]]
      segment_before segment_name  customer_count
    0              A            A               1
    1              A            B               1
    """
    if earlier.empty:
        return empty_table(COLUMNS, FIRST_RUN)
    before = _read_before(earlier, scheme)
    if before.empty:
        return empty_table(COLUMNS, OTHER_SCHEME)
    renamed = find_renamed(segments, earlier, scheme)
    before["segment_before"] = before["segment_before"].replace(renamed)
    after = segments[["customer_id", "segment_name"]].astype({"customer_id": str})
    both = before.merge(after, on="customer_id", how="outer", validate="one_to_one")
    then = both["segment_before"].astype(object).fillna(NEW)
    now = both["segment_name"].astype(object).fillna(GONE)
    counted = pd.crosstab(then, now).stack().rename("customer_count").reset_index()
    impossible = (counted["segment_before"] == NEW) & (counted["segment_name"] == GONE)
    counted = counted[~impossible].reset_index(drop=True)
    sizes = counted.groupby("segment_before")["customer_count"].transform("sum")
    return counted.assign(share_of_before=counted["customer_count"] / sizes)


def find_renamed(segments: pd.DataFrame, earlier: pd.DataFrame, scheme: str) -> dict[str, str]:
    """Return what segments of the earlier run are called now, of those that are named otherwise.

    Each old name that is gone is matched with the new one that shares most customers with it, see
    `segkit.action.run_comparison.match_names`; the parameters are those of `count_movements`.
    """
    before = _read_before(earlier, scheme)
    after = segments[["customer_id", "segment_name"]].astype({"customer_id": str})
    both = before.merge(after, on="customer_id")
    counts = pd.crosstab(both["segment_before"], both["segment_name"])
    old, new = set(before["segment_before"]), set(after["segment_name"])
    match, _ = match_names(counts, old, new)
    return {then: now for then, now in match.items() if then != now}


def _read_before(earlier: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """Return who was in which segment of the scheme: ``customer_id`` as text, and the segment."""
    before = earlier.loc[earlier["scheme"] == scheme, ["customer_id", "segment"]]
    # Identifiers are compared as text: 00123 and '00123' read from two kinds of file.
    return before.rename(columns={"segment": "segment_before"}).astype({"customer_id": str})


def keep_moves(movements: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of customers who were and are in segments, and in another one now."""
    before, after = movements["segment_before"], movements["segment_name"]
    is_move = (before != after) & (before != NEW) & (after != GONE)
    return movements[is_move]
