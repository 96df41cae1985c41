"""Who of a segment may be contacted; see `segkit.data.consent` for the rule."""

from __future__ import annotations

import ibis
import pandas as pd

from segkit.core.errors import SegkitError
from segkit.data.consent import settle_consent


def count_consent(
    customers: ibis.Table | pd.DataFrame | None,
    segments: pd.DataFrame,
    *,
    consent_column: str | None,
) -> pd.DataFrame:
    """Count who may be contacted, by segment; see `segkit.data.consent` for the rule.

    Returns
    -------
    pandas.DataFrame
        One row a segment: ``segment_name``, ``in_segment`` (all its customers), ``with_consent``,
        ``without_consent``, ``unknown_consent``, and ``consent_share`` (of those in the segment).
    """
    consent = read_consent(customers, segments, column=consent_column)
    answers = pd.DataFrame(
        {
            "in_segment": 1,
            "with_consent": consent.fillna(False),
            "without_consent": (~consent).fillna(False),
            "unknown_consent": consent.isna(),
        }
    ).astype("int64")
    table = answers.groupby(segments["segment_name"].to_numpy()).sum()
    table = table.rename_axis("segment_name").reset_index()
    return table.assign(consent_share=table["with_consent"] / table["in_segment"])


def read_consent(
    customers: ibis.Table | pd.DataFrame | None, members: pd.DataFrame, *, column: str | None
) -> pd.Series:
    """Return true, false or missing for each row of ``members``, a table with ``customer_id``."""
    if customers is None or not column or column not in customers.columns:
        return pd.Series(pd.NA, index=range(len(members)), dtype="boolean")
    settled = settle_consent(customers, column).to_pandas()
    known = settled.set_index("customer_id")["consent"].astype("boolean")
    found = known.reindex(members["customer_id"].astype(str))
    return found.reset_index(drop=True)


def require_consent(
    customers: ibis.Table | pd.DataFrame | None, *, consent_column: str | None
) -> None:
    """Raise an error where the plan asks for consent and the customers have no such column."""
    if consent_column and (customers is None or consent_column not in customers.columns):
        message = "no consent is recorded, so nobody may be exported"
        fix = "Add the column to [tables.customers]; or, if this list needs no consent, write "
        fix += 'consent_column = "" under [privacy] in the plan.'
        found = f"no column '{consent_column}'"
        raise SegkitError(message, where="table customers", found=found, fix=fix)
