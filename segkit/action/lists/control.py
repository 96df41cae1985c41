"""Control groups: who is held out of a campaign, by lot, and the record of who was.

The lot is a keyed hash of campaign, seed and customer, so that it is the same at every export,
on every machine and whatever else is on the list. Contacts of one account share its lot. Who was
assigned to an arm of a campaign stays in it.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from segkit.core.files import replace_alone
from segkit.plan.campaigns import CONTROL
from segkit.plan.lists import Lists
from segkit.runs.layout import RunFolder

ARMS = ["customer_id", "campaign_id", "arm", "assigned_at", "list_name", "kind"]
_BYTES = 8


def draw_lots(unit_ids: Iterable[str], *, campaign: str, random_state: int) -> np.ndarray:
    """Return a number from 0 to below 1 for each unit, the same one each time it is asked for.

    The first eight bytes of HMAC-SHA256 (Krawczyk, Bellare and Canetti 1997) of the identifier,
    keyed by campaign and seed, as a fraction.

    Examples
    --------
    >>> one, two, again = draw_lots(["a", "b", "a"], campaign="spring", random_state=7)
    >>> bool(one == again), bool(one == two), bool(0 <= one < 1)
    (True, False, True)
    """
    key = hashlib.sha256(f"{random_state}\x1f{campaign}".encode()).digest()
    digests = [hmac.digest(key, str(unit).encode(), "sha256")[:_BYTES] for unit in unit_ids]
    whole = np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
    # 53 bits are what a double holds without rounding, so that no lot becomes 1.
    return (whole >> np.uint64(11)) / 2.0**53


def hold_out(
    members: pd.DataFrame, settings: Lists, *, random_state: int, arms: pd.DataFrame | None = None
) -> pd.Series:
    """Say who of those who could be sent to is held out.

    Parameters
    ----------
    members : DataFrame
        ``customer_id`` and ``unit_id``, by which lots are drawn.
    settings : Lists
        Share or number of units, and the campaign.
    random_state : int
    arms : DataFrame, optional
        What was recorded of this campaign before, see `read_arms`: it stays.

    Returns
    -------
    Series of bool
        With the index of ``members``.
    """
    if not settings.holds_out:
        return pd.Series(False, index=members.index)
    units = members["unit_id"].astype(str)
    before = _find_earlier(members, arms, settings.campaign)
    lots = draw_lots(units, campaign=settings.campaign, random_state=random_state)
    if settings.held_out_count is None:
        drawn = pd.Series(lots < settings.held_out_share, index=members.index)
    else:
        already = units[before == CONTROL].nunique()
        free = pd.Series(lots, index=units.to_numpy())[before.isna().to_numpy()]
        free = free[~free.index.duplicated()].sort_values(kind="stable")
        lowest = free.index[: max(0, settings.held_out_count - already)]
        drawn = units.isin(lowest)
    return (before == CONTROL).where(before.notna(), drawn).astype(bool)


def _find_earlier(members: pd.DataFrame, arms: pd.DataFrame | None, campaign: str) -> pd.Series:
    """Return the arm that each unit was assigned to before, missing where to none.

    A new contact of an account belongs to the arm of the others.
    """
    nothing = pd.Series(pd.NA, index=members.index, dtype=object)
    if arms is None or arms.empty:
        return nothing
    known = arms[arms["campaign_id"] == campaign].drop_duplicates("customer_id")
    own = members["customer_id"].astype(str).map(known.set_index("customer_id")["arm"])
    of_unit = own.groupby(members["unit_id"].astype(str)).transform("first")
    return own.fillna(of_unit).astype(object).where(lambda arm: arm.notna(), pd.NA)


def read_arms(run: RunFolder) -> pd.DataFrame:
    """Read who was assigned to which arm of which campaign; no rows where nobody was.

    Returns
    -------
    DataFrame
        ``customer_id``, ``campaign_id``, ``arm`` (``control`` was held out), ``assigned_at``,
        ``list_name`` and ``kind``; one row a customer and campaign.
    """
    path = locate_arms(run)
    if not path.is_file():
        return pd.DataFrame(columns=ARMS)
    return pd.read_parquet(path)


def locate_arms(run: RunFolder) -> Path:
    """Return where the arms are recorded."""
    return run.lists / "arms.parquet"


def record_arms(run: RunFolder, assigned: pd.DataFrame, *, moment: datetime.datetime) -> None:
    """Add customers to the record of arms; who is there already stays as they are.

    ``assigned`` has the columns of `read_arms` but ``assigned_at``, which is ``moment``.
    """
    fresh = assigned.assign(assigned_at=pd.Timestamp(moment.replace(tzinfo=None)))[ARMS]
    with replace_alone(locate_arms(run)) as aside:
        earlier = read_arms(run)
        every = fresh if earlier.empty else pd.concat([earlier, fresh])
        every = every.drop_duplicates(["customer_id", "campaign_id"], keep="first")
        every.to_parquet(aside, index=False)
