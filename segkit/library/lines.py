"""Raw order lines, checked as a plan's are: accepted ones, and the account of the rejected."""

from __future__ import annotations

import datetime
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from segkit.contract.tables import TABLES
from segkit.core.errors import SegkitError, suggest_name
from segkit.core.leftovers import prefix_folder
from segkit.data.checks import PreparedTables, prepare_tables
from segkit.data.engine import open_tables
from segkit.library.inputs import (
    is_expression,
    read_arrow,
    read_day,
    read_names,
    refuse_repeated,
    refuse_table,
)
from segkit.library.models import FILE, NO_CURRENCY, make_model, make_plan, rephrase, rephrase_error
from segkit.plan.models import Policies, TableSpec
from segkit.runs.layout import RunFolder

if TYPE_CHECKING:
    import pyarrow as pa
    from ibis import ir

WHAT = "prepare_lines"
LINES = "order_lines"


@dataclass(frozen=True, repr=False)
class PreparedLines:
    """Order lines that can be trusted, and the account of those that cannot.

    Attributes
    ----------
    table : ibis.Table
        The accepted lines, in DuckDB; they lie in a temporary folder that goes with the table.
    counts : dict of str to int
        Lines ``read``, ``accepted`` and ``rejected``; read is the sum of the others.
    quality : pandas.DataFrame
        One row a rule that matched: ``rule``, ``severity`` (reject, warning or note),
        ``row_count``, ``reason``, ``treatment``. A line may match several.
    rejected : pandas.DataFrame
        The rejected lines: ``source_row`` (from 1), ``rule`` (the first), ``reasons``, and the
        columns as they were found.
    as_of : datetime.date
        The last day counted.
    """

    table: ir.Table
    counts: dict[str, int]
    quality: pd.DataFrame = field(compare=False)
    rejected: pd.DataFrame = field(compare=False)
    as_of: datetime.date

    @property
    def warnings(self) -> pd.DataFrame:
        """What deserves a look before the lines are used: the rules of severity warning."""
        return self.quality[self.quality["severity"] == "warning"].reset_index(drop=True)

    def describe(self) -> list[str]:
        """Return in sentences what was read and rejected, and each warning."""
        told = [
            f"{self.counts['read']:,} lines read until {self.as_of}: "
            f"{self.counts['accepted']:,} accepted, {self.counts['rejected']:,} rejected."
        ]
        for severity, word in (("reject", " rejected"), ("warning", ", a warning")):
            for row in self.quality[self.quality["severity"] == severity].itertuples():
                noun = "line" if row.row_count == 1 else "lines"
                told.append(f"{row.row_count:,} {noun}{word}: {row.reason}")
        return told

    def __repr__(self) -> str:
        """Return the account in one line."""
        counts = ", ".join(f"{count:,} {what}" for what, count in self.counts.items())
        return f"PreparedLines({counts}, {len(self.warnings)} warnings, as_of {self.as_of})"


def prepare_lines(
    lines: Any,
    columns: Mapping[str, str] | None = None,
    *,
    as_of: str | datetime.date | None = None,
    decimal: Literal[".", ","] | None = None,
    date_format: str | None = None,
    time_zone: str | None = None,
    sheet: str | None = None,
    unknown: Sequence[str] = (),
    currency: str | None = None,
    policies: Mapping[str, Any] | None = None,
) -> PreparedLines:
    """Check raw order lines of one's own: each is accepted, or rejected with a reason.

    The checks are those of ``segkit check``: nothing is dropped without being counted, and what
    could be read in two ways is refused or told.

    Parameters
    ----------
    lines : table or path
        One row a line: a pandas or polars DataFrame, an Arrow or Ibis table, or the path of a CSV,
        Excel or Parquet file, of which identifiers stay texts (00123 keeps its zeros).
    columns : mapping of str to str, optional
        Our name of a column to yours: ``{"customer_id": "CustomerID"}``. Columns that already have
        our name, in any case, need not be named. Needed are ``order_id``, ``product_id``,
        ``customer_id``, ``ordered_at``, ``quantity``, and ``unit_price`` or ``line_amount``.
    as_of : str or datetime.date, optional
        The last day counted, YYYY-MM-DD; without it the last day in the lines.
    decimal : "." or ",", optional
        The mark before decimals in texts; without it the columns tell.
    date_format : str, optional
        Such as ``%d/%m/%Y``; without it the column tells, or is refused where it does not.
    time_zone : str, optional
        The shop's, such as ``Europe/Helsinki``, for times that are stored in UTC. A column that
        says its own zone, as pandas has it, needs none: its days are those of that zone.
    sheet : str, optional
        Of an Excel file.
    unknown : sequence of str
        Words that mean nothing, such as ``("Prefer not to say",)``.
    currency : str, optional
        The lines' currency, three capitals; needed where a column of currencies is there.
    policies : mapping, optional
        What to do with lines on which reasonable people differ, as a plan's ``[policies]``:
        ``{"returns": "drop", "exact_duplicates": "drop"}``.

    Returns
    -------
    PreparedLines
        With ``table``, ``counts``, ``quality``, ``warnings``, ``rejected`` and ``as_of``.

    Raises
    ------
    SegkitError
        With every reason why the lines cannot be used: a column that is missing, dates that can be
        read in two ways, no line without a fault.

    Examples
    --------
    >>> from segkit import load_sample_lines, prepare_lines
    >>> prepared = prepare_lines(load_sample_lines())
    >>> prepared.counts["read"] == prepared.counts["accepted"] + prepared.counts["rejected"]
    True
    >>> prepared.rejected["rule"].value_counts().to_dict()
    {'missing_customer': 3, 'not_a_date_ordered_at': 2, 'missing_quantity': 1}

    With names of one's own:

    >>> export = load_sample_lines().rename(columns={"customer_id": "Client", "quantity": "Qty"})
    >>> prepare_lines(export, {"customer_id": "Client", "quantity": "Qty"}).as_of
    datetime.date(2025, 6, 23)
    """
    day = read_day(as_of)
    folder = Path(tempfile.mkdtemp(prefix=prefix_folder()))
    try:
        path = _place_lines(lines, folder, has_zone=time_zone is not None)
        given = {
            "path": path,
            "columns": _read_mapping(columns),
            "unknown": read_names(unknown, "unknown"),
            "decimal": decimal,
            "date_format": date_format,
            "time_zone": time_zone,
            "sheet": sheet,
        }
        spec = make_model(TableSpec, WHAT, given)
        settings = {"currency": currency or NO_CURRENCY, "policies": _read_policies(policies)}
        plan = make_plan(folder, spec, settings)
        checked = prepare_tables(plan, folder / "run", as_of=day)
        if path == FILE:
            (folder / FILE).unlink()
        return _collect(plan, checked, folder)
    except SegkitError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise rephrase_error(error) from None
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _collect(plan: Any, checked: PreparedTables, folder: Path) -> PreparedLines:
    """Open what the checks left in the folder, which goes when nobody holds the table any more."""
    table = open_tables(plan, checked.paths, folder / "work")[LINES]
    weakref.finalize(table.get_backend(), shutil.rmtree, folder, ignore_errors=True)
    counts = checked.counts.set_index("table").to_dict("index")[LINES]
    quality = checked.quality[checked.quality["row_count"] > 0].drop(columns=["table", "found"])
    told = {name: quality[name].map(rephrase) for name in ("reason", "treatment")}
    rejected = pd.read_parquet(RunFolder(folder / "run").checked.rejected_rows(LINES))
    return PreparedLines(
        table=table,
        counts={what: int(counts[what]) for what in ("read", "accepted", "rejected")},
        quality=quality.assign(**told).reset_index(drop=True),
        rejected=rejected,
        as_of=checked.as_of,
    )


def _read_mapping(columns: Any) -> dict[str, str]:
    """Return the mapping of our names to the user's; one the wrong way round is refused."""
    if columns is None:
        return {}
    fix = 'Write our name first: columns={"customer_id": "CustomerID"}.'
    if not isinstance(columns, Mapping):
        message = "columns says which of your columns is which of ours"
        raise SegkitError(message, where=WHAT, found=type(columns).__name__, fix=fix)
    known = TABLES[LINES].column_names
    for ours, theirs in columns.items():
        if ours in known:
            continue
        message = f"columns names '{ours}', which is none of our columns"
        hint = fix if theirs in known else suggest_name(str(ours), known)
        if theirs in known:
            hint = f'Write our name first: columns={{"{theirs}": "{ours}"}}.'
        raise SegkitError(message, where=WHAT, fix=hint)
    return {ours: str(theirs) for ours, theirs in columns.items()}


def _read_policies(policies: Any) -> Policies:
    if policies is not None and not isinstance(policies, Mapping):
        fix = 'Write policies={"returns": "drop"}.'
        message = "policies says what to do with some lines"
        raise SegkitError(message, where=WHAT, found=type(policies).__name__, fix=fix)
    return make_model(Policies, "policies", dict(policies or {}))


def _place_lines(lines: Any, folder: Path, *, has_zone: bool) -> str:
    """Write a table where the checks read it, and return its path; a file stays where it is."""
    if isinstance(lines, PreparedLines):
        fix = "Hand them on: build_customers(prepared)."
        raise SegkitError("these lines are prepared already", where=WHAT, fix=fix)
    if isinstance(lines, str | Path):
        return str(Path(lines).expanduser().absolute())
    if is_expression(lines):
        refuse_repeated(lines.columns, "lines")
        lines.to_parquet(folder / FILE)
        return FILE
    import pyarrow.parquet as pq

    if isinstance(lines, pd.DataFrame):
        table = _convert_frame(lines)
    elif hasattr(lines, "__arrow_c_stream__"):
        table = read_arrow(lines, "lines")
    else:
        raise refuse_table(lines, "lines")
    pq.write_table(_tell_times(table, has_zone=has_zone), folder / FILE)
    return FILE


def _tell_times(table: pa.Table, *, has_zone: bool) -> pa.Table:
    """Return a table with times as the clock of their own zone told them, and durations as texts.

    A column that says its zone needs no ``time_zone``; where one is given, or the column says UTC,
    the times are stored in UTC for the checks to turn. Of a duration Parquet would keep a number.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for place, own in enumerate(table.schema):
        column = table.column(place)
        if pa.types.is_timestamp(own.type) and own.type.tz not in (None, "UTC") and not has_zone:
            column = pc.local_timestamp(column)
        elif pa.types.is_duration(own.type):
            column = pa.array(_write_texts(column.to_pandas()), type=pa.string())
        table = table.set_column(place, own.name, column)
    return table


def _convert_frame(lines: pd.DataFrame) -> pa.Table:
    """Return a DataFrame as Arrow has it; columns of mixed objects become texts, as Excel's do."""
    import pyarrow as pa

    refuse_repeated(lines.columns, "lines")
    if lines.index.name is not None:
        lines = lines.reset_index()
        refuse_repeated(lines.columns, "lines, with its index")
    columns = {}
    for name, values in lines.items():
        try:
            columns[str(name)] = pa.Array.from_pandas(values)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            columns[str(name)] = pa.array(_write_texts(values), type=pa.string())
    return pa.table(columns)


def _write_texts(values: pd.Series) -> list[str | None]:
    """Return a column of mixed objects as texts."""
    from segkit.data.sources import show_cell

    return [None if pd.isna(value) else show_cell(value) for value in values.astype(object)]
