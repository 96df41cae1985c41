"""Parts of the table that sets our cells beside the market's, and the cells that are open."""

from __future__ import annotations

import ibis
import pandas as pd

from segkit.core.findings import HIDDEN
from segkit.core.privacy import Published
from segkit.evidence.penetration import OURS_ONLY, find_white_space, select_largest


def keep_largest(share: Published) -> Published:
    """Return the cells of the countries and categories where we sell most, for a chart."""
    return share.keep(select_largest(share.frame))


def keep_matched(share: Published) -> Published:
    """Return the cells that the market table has."""
    return share.keep(share.frame["matched"] != OURS_ONLY)


def keep_unmatched(share: Published) -> Published:
    """Return our own cells that the market table does not have."""
    return share.keep(share.frame["matched"] == OURS_ONLY)


def find_open_cells(
    share: pd.DataFrame,
    competitors: ibis.Table | None,
    *,
    shown: Published,
    largest_rival_share: float,
) -> pd.DataFrame:
    """Find the white space, where the opportunity tells nothing that the gate hid.

    Parameters
    ----------
    share : DataFrame
        From `segkit.evidence.penetration.compare_with_market`.
    competitors : ibis.Table or None
        The table of the competitors' shares.
    shown : Published
        ``share`` after the gate.
    largest_rival_share : float
        A cell is closed where competitors hold more than this together, from 0 to 1.

    Returns
    -------
    DataFrame
        As `segkit.evidence.penetration.find_white_space` returns it.
    """
    hidden = shown.frame.get(HIDDEN)
    return find_white_space(
        share, competitors, largest_rival_share=largest_rival_share, hidden=hidden
    )
