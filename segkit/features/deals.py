"""One row a deal, and one a contract: what had become of each by the last day.

They stay in the engine. What is decided, or renewed, after ``as_of`` was open then. Nothing is left
out in silence: ``fate`` says what became of each row, those that say nothing as well.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
import pandas as pd
from ibis import ir

from segkit.features.expressions import days_until, find_column, keep_known
from segkit.features.firmographic import EMPLOYEE_BANDS, cut

WON = "won"
LOST = "lost"
OPEN = "still open"
UNTOLD = "closed, nobody knows how"
BACKWARDS = "closed before it was opened"
DEAL_FATES = (WON, LOST, OPEN, UNTOLD, BACKWARDS)
RENEWED = "renewed"
ENDED = "not renewed by its end"
NOT_DUE = "not yet due"
EARLY = "not yet due, and renewed"
ENDLESS = "without an end"
NEVER_BEGAN = "ends before it starts"
CONTRACT_FATES = (RENEWED, ENDED, NOT_DUE, EARLY, ENDLESS, NEVER_BEGAN)
UNKNOWN = "not known"
# The columns by which deals and contracts are told apart, and what is said where one is missing.
GROUPS = {"segment_name": "no segment", "industry": UNKNOWN, "employee_band": UNKNOWN}


def prepare_deals(deals: ir.Table | None, *, as_of: datetime.date) -> ir.Table | None:
    """Express one row a deal with its fate and how long it took; None without deals.

    Returns
    -------
    ibis.Table or None
        deal_id, customer_id (if there is one), opened_on, fate (one of `DEAL_FATES`), days (until
        it was won or lost, or until the last day; null where nobody knows), is_decided, amount and
        source (null where there is no column).
    """
    if deals is None:
        return None
    deals = keep_known(deals, "opened_on", as_of)
    outcome = find_column(deals, "outcome", "string")
    closed = find_column(deals, "closed_on", "date")
    is_known = outcome.isin([WON, LOST]).fill_null(False)
    until_end = days_until(closed, as_of)
    taken = days_until(deals.opened_on, as_of) - until_end
    fate = ibis.cases(
        ((until_end < 0).fill_null(False), OPEN),
        ((taken < 0).fill_null(False), BACKWARDS),
        (is_known, outcome),
        (closed.notnull(), UNTOLD),
        else_=OPEN,
    )
    days = ibis.ifelse(fate == OPEN, days_until(deals.opened_on, as_of), taken)
    is_told = fate.isin([WON, LOST, OPEN])
    return deals.select(
        "deal_id",
        "opened_on",
        *_list_customer(deals),
        fate=fate,
        days=ibis.ifelse(is_told, days, ibis.null("int64")),
        is_decided=fate.isin([WON, LOST]),
        amount=find_column(deals, "amount", "float64"),
        source=find_column(deals, "source", "string"),
    )


def prepare_contracts(contracts: ir.Table | None, *, as_of: datetime.date) -> ir.Table | None:
    """Express one row a contract with its fate; None without contracts that tell of renewal.

    A contract is due where its end is ``as_of`` or earlier. It is renewed where the day of renewal
    is ``as_of`` or earlier, or, where no day is known, where it is called so.

    Returns
    -------
    ibis.Table or None
        contract_id, customer_id (if there is one), started_on, ends_on, fate (one of
        `CONTRACT_FATES`), is_due, is_renewed and amount (null where there is no column).
    """
    if contracts is None or not {"renewed_on", "renewed"} & set(contracts.columns):
        return None
    contracts = keep_known(contracts, "started_on", as_of)
    renewed_on = find_column(contracts, "renewed_on", "date")
    called = find_column(contracts, "renewed", "boolean").fill_null(False)
    by_day = (days_until(renewed_on, as_of) >= 0).fill_null(False)
    is_renewed = by_day | (renewed_on.isnull() & called)
    ends_on = find_column(contracts, "ends_on", "date")
    is_due = (days_until(ends_on, as_of) >= 0).fill_null(False)
    fate = ibis.cases(
        (ends_on.isnull(), ENDLESS),
        ((ends_on < contracts.started_on).fill_null(False), NEVER_BEGAN),
        (is_due & is_renewed, RENEWED),
        (is_due, ENDED),
        (is_renewed, EARLY),
        else_=NOT_DUE,
    )
    return contracts.select(
        "contract_id",
        "started_on",
        *_list_customer(contracts),
        ends_on=ends_on,
        fate=fate,
        is_due=fate.isin([RENEWED, ENDED]),
        is_renewed=fate == RENEWED,
        amount=find_column(contracts, "amount", "float64"),
    )


def _list_customer(table: ir.Table) -> list[str]:
    return [name for name in ("customer_id",) if name in table.columns]


def add_groups(table: ir.Table, tables: Mapping[str, ir.Table], segments: pd.DataFrame) -> ir.Table:
    """Add segment_name, industry and employee_band; where there is none, a word that says so."""
    if "customer_id" not in table.columns:
        nobody = {name: ibis.literal(word) for name, word in GROUPS.items()}
        return table.mutate(**nobody)
    members = ibis.memtable(segments[["customer_id", "segment_name"]])
    joined = table.left_join(members, "customer_id").drop("customer_id_right")
    customers = tables.get("customers")
    if customers is None:
        firms = {name: ibis.null("string") for name in ("industry", "employee_band")}
        joined = joined.mutate(**firms)
    else:
        size = find_column(customers, "employee_count", "float64")
        firms = customers.select(
            "customer_id",
            industry=find_column(customers, "industry", "string"),
            employee_band=cut(size, EMPLOYEE_BANDS),
        )
        joined = joined.left_join(firms, "customer_id").drop("customer_id_right")
    known = {name: joined[name].cast("string").fill_null(word) for name, word in GROUPS.items()}
    return joined.mutate(**known)
