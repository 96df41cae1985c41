"""Lists for the mail tool and the CRM: only those who consented, and nothing but the identifier."""

from __future__ import annotations

import datetime
from pathlib import Path

import ibis
import pandas as pd

from segkit.core.errors import SegkitError, explain_faults, suggest_name
from segkit.core.files import replace_whole
from segkit.plan.models import Plan
from segkit.runs.layout import FINAL_STEP, RunFolder
from segkit.runs.segments import read_all_segments, read_final_segments, select_scheme

HEADER = ("customer_id", "segment", "scheme", "as_of")
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


def neutralise_text(value: object) -> str:
    """Put an apostrophe before text that a spreadsheet would run as a formula.

    >>> neutralise_text('=HYPERLINK("x")'), neutralise_text("00123")
    ('\\'=HYPERLINK("x")', '00123')
    """
    text = str(value)
    starts = text.startswith(FORMULA_STARTS) or text.lstrip().startswith(FORMULA_STARTS)
    return f"'{text}" if starts else text


def count_consent(
    customers: ibis.Table | pd.DataFrame | None,
    segments: pd.DataFrame,
    *,
    consent_column: str | None,
) -> pd.DataFrame:
    """Count who may be contacted, by segment; a missing answer is not a yes but unknown.

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
    rows = pd.DataFrame([(each, segment_name, scheme, day) for each in ids], columns=HEADER)
    message, fix = "the list cannot be written", "Name a file in a folder that you may write to."
    with explain_faults(message, where=path, fix=fix), replace_whole(Path(path)) as aside:
        rows.map(neutralise_text).to_csv(aside, index=False, lineterminator="\n")
    counts = counts.drop(columns=["segment_name", "consent_share"]).iloc[0].to_dict()
    return {**counts, "exported": len(ids)}


def export_from_run(
    plan: Plan, segment_name: str, *, path: str | Path, scheme: str = ""
) -> dict[str, int]:
    """Write the customers of a segment of the plan's last run; see `export_segment`.

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
        If there is no run yet, no such scheme or segment, or no consent.
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
    register = run.checked.accepted_rows("customers")
    customers = pd.read_parquet(register) if register.is_file() else None
    if plan.unit == "account" and customers is not None and "account_id" in customers.columns:
        segments = list_contacts(customers, segments)
    return export_segment(
        customers,
        segments,
        segment_name,
        consent_column=plan.privacy.consent_column,
        path=path,
        scheme=scheme,
        as_of=plan.as_of,
    )


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
    table = customers[["customer_id", column]]
    table = table.to_pandas() if isinstance(table, ibis.Table) else table
    try:
        consent = table[column].astype("boolean")
    except (TypeError, ValueError):
        message = f"the consent column '{column}' is not yes or no"
        fix = "Name a column of true and false under consent_column in the plan."
        raise SegkitError(message, where="table customers", fix=fix) from None
    known = dict(zip(table["customer_id"].astype(str), consent, strict=True))
    ids = segments["customer_id"].astype(str)
    return pd.Series([known.get(each, pd.NA) for each in ids], dtype="boolean")
