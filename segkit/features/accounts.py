"""Accounts: contacts of one business as one customer (base B6, firmographic)."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
from ibis import ir

from segkit.features.expressions import add_columns, keep_known
from segkit.features.favourites import find_favourite
from segkit.features.own_features import list_kinds, list_own

SUMMED = ("count", "spend", "value", "profit")  # how sums of one's own are called


def roll_up_accounts(tables: Mapping[str, ir.Table], *, as_of: datetime.date) -> dict:
    """Make one customer of all contacts with the same ``account_id``, in every table.

    A contact without an account stays a customer. Of an account's attributes the most frequent
    value counts, ties by alphabet or the smallest; the day of the first sign-up; true if any is
    true; and of features of one's own that are counts or money the sum.
    """
    contacts = keep_known(tables["customers"], "signed_up_on", as_of)
    account = ibis.coalesce(contacts.account_id, contacts.customer_id)
    whose = contacts.select("customer_id", account_=account)
    contacts = contacts.mutate(customer_id=account)
    own = list_own(contacts.columns)
    summed = {}
    for name, kind in list_kinds(contacts).items():
        if kind == "boolean":
            summed[name] = contacts[name].fill_null(False).any()
        elif name in own and kind == "number" and name.split("_")[-1] in SUMMED:
            summed[name] = contacts[name].sum()
        elif kind == "date":
            summed[name] = contacts[name].min()
    rolled = contacts.group_by("customer_id").aggregate(**summed)
    for name in contacts.columns:
        if name not in (*summed, "customer_id"):
            used = find_favourite(contacts, name, ibis.literal(1.0), name=name)
            rolled = add_columns(rolled, used.select("customer_id", name))
    found = {**tables, "customers": rolled}
    for name, table in tables.items():
        if name != "customers" and "customer_id" in table.columns:
            joined = table.left_join(whose, "customer_id").drop("customer_id_right")
            of_account = ibis.coalesce(joined.account_, joined.customer_id)
            found[name] = joined.mutate(customer_id=of_account).drop("account_")
    return found
