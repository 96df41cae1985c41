"""What customers will be worth, as a run asks it."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import pandas as pd

from segkit.core.settings import Settings
from segkit.validation.lifetime_checks import LifetimeEvidence, assess_lifetime


def assess_worth(
    tables: Mapping[str, ibis.Table], customers: pd.DataFrame, *, at: Settings
) -> LifetimeEvidence:
    """Choose, check and sum up lifetime value; see `segkit.validation.lifetime_checks`.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        ``order_lines``; without them every table of the result says why it is empty.
    customers : DataFrame
        One row a customer, with ``journey_stage`` where it is known.
    at : Settings
        The last day counted, the seed and the smallest cell.
    """
    return assess_lifetime(
        tables.get("order_lines"),
        customers,
        as_of=at.as_of,
        random_state=at.random_state,
        smallest_cell=at.smallest_cell,
    )
