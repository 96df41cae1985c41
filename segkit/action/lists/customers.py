"""The customers as their source has them now, and the contacts of accounts."""

from __future__ import annotations

import contextlib
import datetime
from pathlib import Path

import pandas as pd

from segkit.core.errors import SegkitError
from segkit.core.files import read_json
from segkit.data.checks import open_checks
from segkit.data.columns import DataError, quote
from segkit.data.input_hashes import find_files, stamp_files
from segkit.plan.models import Plan
from segkit.runs.layout import RunFolder

# What lists need of a customer, beside the plan's consent column.
WANTED = ("customer_id", "account_id", "email", "name")


def read_customers_now(plan: Plan) -> pd.DataFrame:
    """Read the plan's customers from their source as it is now, not as it was at the last run.

    Returns
    -------
    pandas.DataFrame
        ``customer_id``, and ``account_id``, ``email``, ``name`` and the plan's consent column where
        they are there, and ``disagrees``, whether the customer's rows do; one row an accepted
        customer.

    Raises
    ------
    DataError
        With every fault of the source.
    """
    only = plan.model_copy(update={"tables": {"customers": plan.tables["customers"]}})
    day = plan.as_of or read_last_day(RunFolder(plan.run_folder)) or datetime.date.max
    with open_checks(only, None, day, stamps=stamp_files(only)) as (checks, _):
        if checks.faults:
            raise DataError(checks.faults)
        wanted = dict.fromkeys((*WANTED, plan.privacy.consent_column))
        checked = checks.checked["customers"]
        columns = [quote(column) for column in wanted if column in checked.columns]
        rules = {rule.name for rule in checked.rules}
        disagrees = "rule_consent_differs" if "consent_differs" in rules else "false"
        query = f"SELECT {', '.join(columns)}, {disagrees} AS disagrees FROM checked_customers"
        customers = checks.con.sql(f"{query} WHERE NOT is_rejected").df()
        checks.confirm_sources()
    return customers


def read_last_day(run: RunFolder) -> datetime.date | None:
    """Return the last day that the run counted, which the tables told; None without a run."""
    told = read_json(run.checked.record).get("as_of")
    return datetime.date.fromisoformat(told) if told else None


def list_sources(plan: Plan) -> list[Path]:
    """Return the files that the plan reads, those that are there: none may be written over."""
    files = [plan.path]
    for spec in plan.tables.values():
        with contextlib.suppress(SegkitError):
            files += find_files(plan, spec)[0]
        if spec.connection is not None and "://" in spec.connection:
            files.append(plan.resolve_path(spec.connection.partition("://")[2].split("?")[0]))
    if plan.lists.suppression:
        files.append(plan.resolve_path(plan.lists.suppression))
    return files


def list_contacts(customers: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Return the contacts of the accounts in ``segments``, each in the segment of its account.

    A customer without an ``account_id`` is an account of its own. ``account`` is the one that each
    contact belongs to.
    """
    account = customers["account_id"].fillna(customers["customer_id"])
    contacts = customers[["customer_id"]].assign(account=account)
    placed = segments.rename(columns={"customer_id": "account"})
    return placed.merge(contacts, on="account")


def takes_contacts(plan: Plan, customers: pd.DataFrame | None) -> bool:
    """Tell whether the plan's customers are accounts, so that a list has their contacts."""
    is_known = customers is not None and "account_id" in customers.columns
    return plan.unit == "account" and is_known
