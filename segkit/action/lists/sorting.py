"""Where each member of a segment or play goes: on the list, or for which reason not.

Everybody is in exactly one of the `STATES`, so their counts add up to the members: that is looked
at before a file is put in its place.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import ibis
import pandas as pd

from segkit.action.lists.addresses import read_addresses
from segkit.action.lists.consent import read_consent
from segkit.action.lists.control import hold_out
from segkit.action.lists.suppression import Suppression, find_suppressed
from segkit.core.errors import SegkitError
from segkit.plan.lists import Lists

EXPORTED = "exported"
HELD_OUT = "held_out"
# In the order in which they are asked; the first that holds of a member is theirs.
STATES = {
    "without_consent": "said no, or their rows disagree",
    "unknown_consent": "were not asked, or gave no answer",
    "suppressed": "are on the suppression list",
    "without_address": "have no usable e-mail address, or are an account without a contact",
    "shared_address": "share an address with somebody who said no or is on the list already",
    "in_other_list": "are on the list of an earlier play",
    "resting": "were on this list a short while ago",
    HELD_OUT: "are held out for the control group",
    EXPORTED: "are on the list",
}


@dataclass(frozen=True)
class Rules:
    """By what members are sorted.

    Attributes
    ----------
    settings : Lists
    random_state : int
    needs_address : bool
        Whether the layout is of use without an e-mail address.
    suppression : Suppression
    arms : DataFrame or None
        Who was assigned before, see `segkit.action.lists.control.read_arms`.
    """

    settings: Lists = field(default_factory=Lists)
    random_state: int = 0
    needs_address: bool = False
    suppression: Suppression = field(default_factory=Suppression)
    arms: pd.DataFrame | None = None


@dataclass(frozen=True)
class Register:
    """What is known of all customers, read once for all lists.

    Attributes
    ----------
    consent : Series of boolean
        By customer; missing where nothing was answered.
    addresses : Series of str
        By customer; empty where none can be sent to.
    refused : set of str
        Addresses of customers who said no: it holds for whoever else has the address.
    asks_consent : bool
        Whether the plan asks for consent at all.
    """

    consent: pd.Series
    addresses: pd.Series
    refused: frozenset[str]
    asks_consent: bool


def read_register(
    customers: ibis.Table | pd.DataFrame | None, *, consent_column: str | None
) -> Register:
    """Read who said yes and where each customer can be sent to.

    Parameters
    ----------
    customers : ibis.Table or DataFrame, optional
        ``customer_id``, and the consent column and ``email`` where they are known.
    consent_column : str, optional
        Without one nobody is asked for consent.
    """
    if isinstance(customers, ibis.Table):
        wanted = dict.fromkeys(("customer_id", "email", consent_column))
        known = [column for column in wanted if column in customers.columns]
        customers = customers.select(*known).to_pandas()
    ids = [] if customers is None else customers["customer_id"].astype(str).unique()
    everybody = pd.DataFrame({"customer_id": pd.Series(ids, dtype=object)})
    consent = read_consent(customers, everybody, column=consent_column)
    consent.index = pd.Index(everybody["customer_id"])
    addresses = read_addresses(customers)
    said_no = consent.index[(~consent).fillna(False).to_numpy(bool)]
    refused = frozenset(addresses.reindex(said_no).dropna()) - {""}
    return Register(consent, addresses, refused, asks_consent=bool(consent_column))


@dataclass(frozen=True)
class Sorted:
    """Members of a list, each with their ``state``, one of `STATES`, and their ``email``."""

    members: pd.DataFrame

    def count_states(self) -> dict[str, int]:
        """Return how many members are in each of the `STATES`, and ``in_segment``, all of them.

        Raises
        ------
        SegkitError
            If they do not add up.
        """
        found = self.members["state"].value_counts()
        counts = {state: int(found.get(state, 0)) for state in STATES}
        total = self.members["customer_id"].nunique()
        if sum(counts.values()) != total or len(self.members) != total:
            message = "the counts of a list do not add up to its members, so it is not written"
            raise SegkitError(message, found=f"{sum(counts.values())} of {total}")
        return {"in_segment": total, **counts}


def sort_members(members: pd.DataFrame, register: Register, *, by: Rules) -> Sorted:
    """Say of each member of one list whether they are on it, and if not, why.

    Parameters
    ----------
    members : DataFrame
        ``customer_id``; further columns are kept. ``unit_id``, by which lots are drawn, is the
        customer where it is not there. ``has_contact`` is false of an account of which nobody is
        known. ``is_first`` is false of members that another list has, and
        ``is_resting`` true of those who were on this one lately; none of these need be there.
    register : Register
    by : Rules

    Returns
    -------
    Sorted
        One row a customer, in the order of the identifiers.
    """
    members = members.assign(customer_id=members["customer_id"].astype(str))
    members = members.drop_duplicates("customer_id").sort_values("customer_id", kind="stable")
    members = members.reset_index(drop=True)
    if "unit_id" not in members.columns:
        members["unit_id"] = members["customer_id"]
    ids = members["customer_id"]
    members["email"] = register.addresses.reindex(ids).fillna("").to_numpy(object)
    members["state"] = pd.Series(pd.NA, index=members.index, dtype=object)
    if "has_contact" in members.columns:
        _put(members, ~members["has_contact"].astype(bool), "without_address")
    if register.asks_consent:
        consent = register.consent.reindex(ids)
        _put(members, (~consent).fillna(False), "without_consent")
        _put(members, consent.isna(), "unknown_consent")
    for names in (ids, members["unit_id"]):  # an account on the list is a no of its contacts
        suppressed = find_suppressed(by.suppression, names, members["email"])
        _put(members, suppressed.is_suppressed, "suppressed")
    if by.needs_address:
        _put(members, members["email"] == "", "without_address")
    _put(members, members["email"].isin(register.refused), "shared_address")
    if by.needs_address:
        _put(members, _repeats_address(members), "shared_address")
    if "is_first" in members.columns:
        _put(members, ~members["is_first"].astype(bool), "in_other_list")
    if "is_resting" in members.columns:
        _put(members, members["is_resting"].astype(bool), "resting")
    free = members[members["state"].isna()]
    held = hold_out(free, by.settings, random_state=by.random_state, arms=by.arms)
    _put(members, held.reindex(members.index, fill_value=False), HELD_OUT)
    members["state"] = members["state"].fillna(EXPORTED)
    return Sorted(members)


def _repeats_address(members: pd.DataFrame) -> pd.Series:
    """Say who has the address of somebody before them who is still to be sent to."""
    free = members[members["state"].isna() & (members["email"] != "")]
    repeated = free["email"].duplicated()
    return repeated.reindex(members.index, fill_value=False)


def _put(members: pd.DataFrame, where: pd.Series, state: str) -> None:
    """Set the state of those who have none yet."""
    members.loc[members["state"].isna() & where.to_numpy(bool), "state"] = state
