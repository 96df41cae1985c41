"""Lists for the mail tool and the CRM: only those who consented, and nothing but the identifier."""

from __future__ import annotations

import contextlib
import datetime
from pathlib import Path

import ibis
import pandas as pd

from segkit.core.csvfiles import write_rows_as_csv
from segkit.core.errors import SegkitError, explain_faults, suggest_name
from segkit.core.files import read_json, refuse_to_replace, replace_alone
from segkit.data.checks import open_checks
from segkit.data.columns import DataError, quote
from segkit.data.consent import settle_consent
from segkit.data.input_hashes import find_files, stamp_files
from segkit.plan.models import Plan
from segkit.runs.layout import FINAL_STEP, RunFolder
from segkit.runs.segments import read_all_segments, read_final_segments, select_scheme

HEADER = ("customer_id", "segment", "scheme", "as_of")


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
    consent = _read_consent(customers, segments, consent_column)
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


def export_segment(
    customers: ibis.Table | pd.DataFrame | None,
    segments: pd.DataFrame,
    segment_name: str,
    *,
    consent_column: str | None,
    path: str | Path,
    scheme: str = "",
    as_of: datetime.date | None = None,
) -> dict[str, int]:
    """Write the customers of one segment who consented to a CSV file.

    The file holds :data:`HEADER`, sorted by identifier; it is written aside and then put in place.
    Without a ``consent_column`` the plan asks for no consent, and all are exported. Returned are
    the counts in_segment, with_consent, without_consent, unknown_consent and exported.
    """
    members = segments[segments["segment_name"] == segment_name]
    if members.empty:
        names = sorted(segments["segment_name"].dropna().unique())
        fix = suggest_name(segment_name, names)
        raise SegkitError(f"there is no segment called '{segment_name}'", fix=fix)
    if consent_column and (customers is None or consent_column not in customers.columns):
        message = "no consent is recorded, so nobody may be exported"
        fix = "Add the column to [tables.customers]; or, if this list needs no consent, write "
        fix += 'consent_column = "" under [privacy] in the plan.'
        found = f"no column '{consent_column}'"
        raise SegkitError(message, where="table customers", found=found, fix=fix)
    counts = count_consent(customers, members, consent_column=consent_column)
    if consent_column:
        consent = _read_consent(customers, members, consent_column)
        members = members[consent.fillna(False).to_numpy(bool)]
    ids = sorted(members["customer_id"].astype(str))
    day = as_of.isoformat() if as_of else ""
    rows = [(each, segment_name, scheme, day) for each in ids]
    message = "the list cannot be written"
    fix = "Name a file in a folder that you may write to."
    with explain_faults(message, where=path, fix=fix), replace_alone(Path(path)) as aside:
        write_rows_as_csv(aside, HEADER, rows)
    counts = counts.drop(columns=["segment_name", "consent_share"]).iloc[0].to_dict()
    return {**counts, "exported": len(ids)}


def export_from_run(
    plan: Plan, segment_name: str, *, path: str | Path, scheme: str = ""
) -> dict[str, int]:
    """Write the customers of a segment of the plan's last run; see `export_segment`.

    Who is in the segment was found by the run; who consented is read from the source now.

    Parameters
    ----------
    plan : Plan
    segment_name : str
    path : path
        The CSV file to write.
    scheme : str, optional
        The scheme that the segment belongs to; by default the run's final one. Where customers are
        accounts, their contacts are written.

    Raises
    ------
    SegkitError
        If there is no run yet, no such scheme or segment, or no consent; if the customers cannot
        be read; or if ``path`` is a file of the plan, or lies among segkit's own.

    Returns
    -------
    dict of str to int
        The counts of `export_segment`, and ``disagreeing``: customers of the segment whose rows
        disagree on consent, which is a no.
    """
    run = RunFolder(plan.run_folder)
    if not run.step(FINAL_STEP).record.is_file():
        raise SegkitError("there are no segments yet", fix="Run 'segkit run' first.")
    if scheme:
        segments = select_scheme(read_all_segments(run), scheme)
    else:
        segments = read_final_segments(run)
    scheme = scheme or str(segments["scheme"].iloc[0])
    segments = segments.rename(columns={"segment": "segment_name"})
    refuse_to_replace(
        Path(path),
        files=[plan.path, *_list_sources(plan)],
        folders=[plan.run_folder, plan.report_folder, plan.folder / "notebooks"],
    )
    customers = read_customers_now(plan) if "customers" in plan.tables else None
    if plan.unit == "account" and customers is not None and "account_id" in customers.columns:
        segments = list_contacts(customers, segments)
    counts = export_segment(
        customers,
        segments,
        segment_name,
        consent_column=plan.privacy.consent_column,
        path=path,
        scheme=scheme,
        as_of=plan.as_of or _read_last_day(run),
    )
    disagreeing = 0
    if customers is not None:
        members = segments.loc[segments["segment_name"] == segment_name, "customer_id"]
        of_segment = customers["customer_id"].astype(str).isin(members.astype(str))
        disagreeing = int(customers.loc[of_segment, "disagrees"].sum())
    return {**counts, "disagreeing": disagreeing}


def read_customers_now(plan: Plan) -> pd.DataFrame:
    """Read the plan's customers from their source as it is now, not as it was at the last run.

    Returns
    -------
    pandas.DataFrame
        ``customer_id``, ``account_id`` and the plan's consent column where they are there, and
        ``disagrees``, whether the customer's rows do; one row an accepted customer.

    Raises
    ------
    DataError
        With every fault of the source.
    """
    only = plan.model_copy(update={"tables": {"customers": plan.tables["customers"]}})
    day = plan.as_of or _read_last_day(RunFolder(plan.run_folder)) or datetime.date.max
    with open_checks(only, None, day, stamps=stamp_files(only)) as (checks, _):
        if checks.faults:
            raise DataError(checks.faults)
        wanted = ("customer_id", "account_id", plan.privacy.consent_column)
        checked = checks.checked["customers"]
        columns = [quote(column) for column in wanted if column in checked.columns]
        rules = {rule.name for rule in checked.rules}
        disagrees = "rule_consent_differs" if "consent_differs" in rules else "false"
        query = f"SELECT {', '.join(columns)}, {disagrees} AS disagrees FROM checked_customers"
        customers = checks.con.sql(f"{query} WHERE NOT is_rejected").df()
        checks.confirm_sources()
    return customers


def _read_last_day(run: RunFolder) -> datetime.date | None:
    """Return the last day that the run counted, which the tables told; None without a run."""
    told = read_json(run.checked.record).get("as_of")
    return datetime.date.fromisoformat(told) if told else None


def _list_sources(plan: Plan) -> list[Path]:
    """Return the files that the plan's tables are read from, those that are there."""
    files = []
    for spec in plan.tables.values():
        with contextlib.suppress(SegkitError):
            files += find_files(plan, spec)[0]
        if spec.connection is not None and "://" in spec.connection:
            files.append(plan.resolve_path(spec.connection.partition("://")[2].split("?")[0]))
    return files


def list_contacts(customers: pd.DataFrame, segments: pd.DataFrame) -> pd.DataFrame:
    """Return the contacts of the accounts in ``segments``, each in the segment of its account.

    A customer without an ``account_id`` is an account of its own.
    """
    account = customers["account_id"].fillna(customers["customer_id"])
    contacts = customers[["customer_id"]].assign(account=account)
    placed = segments.rename(columns={"customer_id": "account"})
    return placed.merge(contacts, on="account")


def _read_consent(
    customers: ibis.Table | pd.DataFrame | None, segments: pd.DataFrame, column: str | None
) -> pd.Series:
    """Return true, false or missing for each row of ``segments``."""
    if customers is None or not column or column not in customers.columns:
        return pd.Series(pd.NA, index=range(len(segments)), dtype="boolean")
    settled = settle_consent(customers, column).to_pandas()
    known = dict(zip(settled["customer_id"], settled["consent"].astype("boolean"), strict=True))
    ids = segments["customer_id"].astype(str)
    return pd.Series([known.get(each, pd.NA) for each in ids], dtype="boolean")
