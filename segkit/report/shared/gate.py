"""A finished table and its view, through the gate, beside what its run published before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from segkit.core.absence import empty_table
from segkit.core.privacy import Published, publish_table, require_columns
from segkit.core.settings import Settings
from segkit.report.shared.views import View
from segkit.runs.ledgers import StepLedger


def publish_view(
    table: pd.DataFrame,
    view: View,
    *,
    ledger: StepLedger,
    at: Settings,
    period: str,
    labels: Mapping[str, Any],
) -> Published:
    """Let a table through the gate, with what else must be hidden beside the run's other tables.

    Parameters
    ----------
    table : DataFrame
        A finished table.
    view : View
        Its shape has the name of the table in the run.
    ledger : StepLedger
        What the run published before; the table is taken into it.
    at : Settings
        The smallest cell and the currency.
    period : str
        The time that the figures speak of.
    labels : mapping
        The plan's words for features.
    """
    if not table.empty:
        require_columns(table, view.shape)
    audited = ledger.audit(table, view.shape, roundings=view.list_roundings())
    if audited is not None and audited.reason:
        table = empty_table(list(table.columns), audited.reason)
    published = publish_table(
        table,
        view.shape,
        smallest_cell=at.smallest_cell,
        also_hidden=None if audited is None else audited.hidden,
        also_untold=None if audited is None or audited.reason else audited.untold,
        roundings=view.list_roundings(),
        view=view,
        period=period,
        currency=at.currency,
    )
    return replace(published, labels=labels)
