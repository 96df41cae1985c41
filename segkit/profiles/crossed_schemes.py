"""Segments of one scheme beside those of the others."""

from __future__ import annotations

import pandas as pd

from segkit.core.absence import empty_table
from segkit.runs.segments import select_scheme

STAGE_COLUMNS = ("segment_name", "journey_stage", "customer_count", "stage_share")
COLUMNS = ("other_scheme", "other_segment", "segment", "customer_count")


def cross_all_schemes(segments: pd.DataFrame, scheme: str) -> pd.DataFrame:
    """Count customers by segment of one scheme and segment of each other scheme.

    Parameters
    ----------
    segments : DataFrame
        One row a customer and scheme: ``customer_id``, ``scheme``, ``segment``.
    scheme : str

    Returns
    -------
    DataFrame
        One row a pair of segments, also where nobody is in both: ``other_scheme``,
        ``other_segment``, ``segment`` (of ``scheme``), ``customer_count``.

    Raises
    ------
    SegkitError
        If there is no such scheme.
    """
    own = select_scheme(segments, scheme)[["customer_id", "segment"]]
    tables = [pd.DataFrame(columns=COLUMNS)]
    for other, rows in segments.groupby("scheme", sort=False):
        if other == scheme:
            continue
        others = rows[["customer_id", "segment"]].rename(columns={"segment": "other_segment"})
        both = others.merge(own, on="customer_id", validate="one_to_one")
        crossed = pd.crosstab(both["other_segment"], both["segment"])
        crossed = crossed.stack().rename("customer_count").reset_index()
        crossed.insert(0, "other_scheme", other.replace("_", " "))
        tables.append(crossed)
    return pd.concat(tables[1:] or tables, ignore_index=True)


def cross_stages(customers: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Count customers by segment and journey stage.

    A segment may be named with a word that is also a stage's, such as *At risk*, by rules of its
    own; this tells how far the two agree.

    Returns
    -------
    DataFrame
        One row a segment and stage, also where nobody is in both: ``segment_name``,
        ``journey_stage``, ``customer_count``, ``stage_share`` (of the segment's customers). No rows
        where no stage is known.
    """
    if "journey_stage" not in customers:
        return empty_table(STAGE_COLUMNS, "No journey stage is known.")
    both = segments[["customer_id", "segment_name"]].merge(
        customers[["customer_id", "journey_stage"]], on="customer_id", validate="one_to_one"
    )
    crossed = pd.crosstab(both["segment_name"], both["journey_stage"].astype("object"))
    table = crossed.stack().rename("customer_count").reset_index()
    sizes = table["segment_name"].map(crossed.sum(axis=1))
    return table.assign(stage_share=table["customer_count"] / sizes)
