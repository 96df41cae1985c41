"""Fit a scheme, keep it as JSON, and assign any table with one expression.

Assigning is written once, `Segmentation.assign`: an engine's table gets an Ibis expression, a
DataFrame the same one counted at once, see `segkit.models.array_table`, and `Segmentation.to_sql`
prints it for a warehouse. A model is a document of numbers with ``columns``, ``kinds``,
``segment_count`` and ``place``.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, TypeVar

import ibis
import numpy as np
import pandas as pd
from ibis import ir
from pydantic import Field, ValidationError, model_validator

from segkit.core.errors import SegkitError, suggest_name
from segkit.models.columns import Document, PreparedColumns, read_numbers
from segkit.models.latent_classes import fit_classes
from segkit.plan.models import LEARNING_METHODS, Scheme
from segkit.segmentation.class_document import Classes, build_classes
from segkit.segmentation.merging import keep_segments, merge_small
from segkit.segmentation.names import name_clusters
from segkit.segmentation.placing import count_unusual, place_frame, refuse_other_case
from segkit.segmentation.preparation import prepare_columns
from segkit.segmentation.prototype_document import Prototypes, fit_clusters
from segkit.segmentation.rules import Rules, fit_rfm, fit_rules, fit_tiers

SCHEMA_VERSION = 3  # a document of version 2 is one of 3 without what has come since
Model = Prototypes | Classes | Rules
RULE_FITS = {"rfm": fit_rfm, "tiers": fit_tiers, "rules": fit_rules}
# Our name of a dialect, and Ibis's.
DIALECTS = {
    "duckdb": "duckdb",
    "postgres": "postgres",
    "snowflake": "snowflake",
    "bigquery": "bigquery",
    "databricks": "databricks",
    "trino": "trino",
    "spark": "databricks",  # Ibis compiles for pyspark only where that is installed
}
# Types of the columns in printed SQL; single precision, so that a cast to double is written out.
SQL_TYPES = {"number": "float32", "text": "string", "boolean": "boolean", "date": "date"}

AnyTable = TypeVar("AnyTable", ir.Table, pd.DataFrame)


class Segment(Document):
    """One segment and its size when it was fitted."""

    number: int
    name: str
    customer_count: int
    share: float


class Segmentation(Document):
    """A fitted scheme: what it reads, the model's numbers, and the segments' names.

    It holds no code and needs no pickle; `to_json` and `read_segmentation` are exact inverses.
    """

    schema_version: Literal[2, 3] = SCHEMA_VERSION
    scheme: str
    goal: str
    base: str
    method: str
    as_of: datetime.date
    random_state: int
    customer_count: int
    segments: tuple[Segment, ...]
    model: Annotated[Model, Field(discriminator="kind")]

    @model_validator(mode="after")
    def _check_segments(self) -> Segmentation:
        numbers = [segment.number for segment in self.segments]
        names = {segment.name for segment in self.segments}
        if numbers != list(range(1, self.model.segment_count + 1)) or len(names) != len(numbers):
            raise ValueError("the segments do not fit the model")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a table must have."""
        return self.model.columns

    @property
    def names(self) -> dict[int, str]:
        """Names of the segments by number."""
        return {segment.number: segment.name for segment in self.segments}

    @property
    def result_columns(self) -> tuple[str, ...]:
        """The columns that `assign` adds."""
        measure = "probability" if isinstance(self.model, Classes) else "distance"
        return ("segment", "segment_name", measure, "confidence")

    def assign(self, table: AnyTable) -> AnyTable:
        """Give each row exactly one segment.

        Parameters
        ----------
        table : ibis.Table or pandas.DataFrame
            With the columns of `columns`; others are kept. Missing and new values are allowed: a
            missing number is the median of the fit or ignored, a missing category a level of its
            own or ignored, a new level the pooled "(other)" or unlike every segment, a number
            beyond the fit's limits that limit; a rule that cannot be decided goes to the next.

        Returns
        -------
        The same kind and the same rows, a DataFrame in the same order, with ``segment``
        (1 is the most valuable), ``segment_name``, ``distance`` to the prototype (prepared units;
        null for rules) or, for latent classes, ``probability``, and ``confidence`` (0 to 1; lower
        by the share of columns whose value is missing, new or beyond all values of the fit).
        A column of the table that has the name of one of these is replaced, in a DataFrame in its
        place, in an engine's table at the end; it is read first if the model reads it. Every other
        column stays as it is, whatever its name.

        Raises
        ------
        SegkitError
            If a column is not there or is not a number; or if names that an engine has to hold
            beside each other differ only in case.
        """
        self._require_columns(table)
        if isinstance(table, pd.DataFrame):
            placed = place_frame(self.model, table)
            placed.insert(1, "segment_name", placed["segment"].map(self.names))
            return table.assign(**placed)
        kept = [column for column in table.columns if column not in self.result_columns]
        return self._place(table, kept)

    def _require_columns(self, table: AnyTable) -> None:
        if not isinstance(table, pd.DataFrame | ir.Table):
            fix = "Give a DataFrame of pandas or a table of Ibis; assign_segments takes others too."
            raise SegkitError("this is not a table", found=type(table).__name__, fix=fix)
        for column in self.columns:
            if column not in table.columns:
                fix = suggest_name(column, table.columns)
                raise SegkitError(f"scheme '{self.scheme}' needs column '{column}'", fix=fix)

    def _place(self, table: ir.Table, keep: Sequence[str]) -> ir.Table:
        """Return the columns to ``keep``, and those that `assign` adds."""
        refuse_other_case(keep, self.result_columns)
        placed = self.model.place(table, keep=keep)
        names = ibis.cases(*[(placed.segment == n, name) for n, name in self.names.items()])
        return placed.mutate(segment_name=names).select(*keep, *self.result_columns)

    def to_sql(
        self, dialect: str = "duckdb", *, table: str = "customers", key: str = "customer_id"
    ) -> str:
        """Print a query that assigns the customers of ``table``, for use without segkit.

        Parameters
        ----------
        dialect : str
            One of duckdb, postgres, snowflake, bigquery, databricks, trino and spark.
        table, key : str
            The table, and the column that names its customers.

        Returns
        -------
        str
            A query that gives ``key`` and the columns that `assign` adds.
        """
        if dialect not in DIALECTS:
            fix = suggest_name(dialect, DIALECTS)
            raise SegkitError("there is no such SQL dialect", found=dialect, fix=fix)
        if key.lower() in self.result_columns:
            message = f"'{key}' cannot name the customers: the query gives a column of that name"
            raise SegkitError(message, fix="Give the key another name.")
        types = {column: SQL_TYPES[kind] for column, kind in self.model.kinds.items()}
        customers = ibis.table({key: "string", **types}, name=table)
        return str(ibis.to_sql(self._place(customers, [key]), dialect=DIALECTS[dialect]))

    def count_unusual(self, table: AnyTable) -> pd.DataFrame:
        """Count the values that the fit did not know, and that `assign` places by stated rule.

        Returns
        -------
        pandas.DataFrame
            One row a column: ``column``, ``customer_count``, ``missing_count`` and ``new_count``:
            levels that the fit did not name, or numbers beyond all values of the fit.
        """
        self._require_columns(table)
        return count_unusual(self.model, table)

    def to_json(self) -> str:
        """Return the document as JSON text."""
        return self.model_dump_json(indent=1)

    def write_json(self, path: str | Path) -> None:
        """Write the document."""
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")


def read_segmentation(path: str | Path) -> Segmentation:
    """Read a segmentation's document; a damaged or unknown one is refused, with the reason."""
    path = Path(path)
    fix = "Fit it again, or take it from the run that made it."
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content.get("schema_version") if isinstance(content, dict) else None
        if version not in (2, SCHEMA_VERSION):
            message = f"this is not a segmentation of schema version {SCHEMA_VERSION}"
            found = f"schema_version {version!r}"
            raise SegkitError(message, where=path.name, found=found, fix=fix)
        return Segmentation.model_validate_json(json.dumps(content))
    except OSError as error:
        message = "the segmentation cannot be read"
        raise SegkitError(message, where=str(path), found=error.strerror or "") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        reason = first["msg"].removeprefix("Value error, ")
        message = f"the segmentation is damaged at {place}: {reason}"
        raise SegkitError(message, where=path.name, fix=fix) from None
    except (ValueError, RecursionError) as error:
        message = "this is not a segmentation: not valid JSON"
        raise SegkitError(message, where=path.name, found=str(error)[:200]) from None


class Fitted(NamedTuple):
    """A document, each customer's segment, and how many segments were merged into others."""

    segmentation: Segmentation
    labels: np.ndarray
    merged_count: int = 0


def fit_segmentation(
    customers: pd.DataFrame,
    scheme: Scheme,
    *,
    n_segments: int,
    as_of: datetime.date,
    random_state: int,
) -> tuple[Segmentation, np.ndarray]:
    """Fit one scheme with a number of segments, and number and name them.

    Segments that were found are numbered by mean ``total_spend``, largest first, or by size where
    there is no spend; those of rules keep the rules' order, and their number is the rules' own.
    See `fit_clusters`, `fit_classes`, `fit_rules`, `fit_rfm`, `fit_tiers`.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row a customer, in any order, which changes nothing; no day after ``as_of`` counted.

    Returns
    -------
    tuple of Segmentation and numpy.ndarray
        The document, and each customer's segment.

    Raises
    ------
    SegkitError
        If a column cannot be used or fewer customers differ than there are segments.
    """
    fitted = fit_shown(
        customers,
        scheme,
        n_segments=n_segments,
        as_of=as_of,
        random_state=random_state,
        smallest_cell=1,
    )
    return fitted.segmentation, fitted.labels


def fit_shown(
    customers: pd.DataFrame,
    scheme: Scheme,
    *,
    n_segments: int,
    as_of: datetime.date,
    random_state: int,
    smallest_cell: int,
) -> Fitted:
    """Fit one scheme as `fit_segmentation` does, so that all of its segments may be seen.

    Those of fewer than ``smallest_cell`` customers are merged into others before any is numbered
    or named, see `segkit.segmentation.merging`.

    Raises
    ------
    SegkitError
        As `fit_segmentation` does, and if fewer than two segments would be left.
    """

    def place(model: Model) -> np.ndarray:
        return place_frame(model, customers)["segment"].to_numpy()

    if scheme.method in LEARNING_METHODS:
        model, prepared = _find_segments(customers, scheme, n_segments, random_state)
        merged = merge_small(model, place, smallest_cell=smallest_cell)
        model, labels = _put_best_first(merged.model, customers, merged.labels)
        names = name_clusters(labels, prepared, model.segment_count, words=scheme.labels)
        merged_count = n_segments - len(names)
    else:
        model, names = RULE_FITS[scheme.method](customers, scheme, n_segments)
        merged = merge_small(model, place, smallest_cell=smallest_cell)
        model, labels = merged.model, merged.labels
        merged_count = len(names) - len(merged.kept)
        names = [names[number - 1] for number in merged.kept]
    segments = []
    for number, name in enumerate(names, start=1):
        here = labels == number
        segments.append(
            Segment(number=number, name=name, customer_count=here.sum(), share=here.mean())
        )
    segmentation = Segmentation(
        scheme=scheme.name,
        goal=scheme.goal,
        base=scheme.base,
        method=scheme.method,
        as_of=as_of,
        random_state=random_state,
        customer_count=len(customers),
        segments=segments,
        model=model,
    )
    return Fitted(segmentation, labels, merged_count)


def fit_rules_again(
    customers: pd.DataFrame, *, scheme: Scheme, n_segments: int, names: Collection[str]
) -> tuple[Rules, list[str]]:
    """Fit rules to a sample, with the segments of some ``names`` only."""
    model, every = RULE_FITS[scheme.method](customers, scheme, n_segments)
    kept = [number for number, name in enumerate(every, start=1) if name in names]
    if len(kept) == len(every):
        return model, every
    return keep_segments(model, kept), [every[number - 1] for number in kept]


def _find_segments(
    customers: pd.DataFrame, scheme: Scheme, n_segments: int, random_state: int
) -> tuple[Prototypes | Classes, PreparedColumns]:
    """Fit prototypes or latent classes; the columns are prepared as their names need them."""
    if scheme.method == "latent_classes":
        fit = fit_classes(
            customers,
            scheme.columns,
            n_segments,
            random_state=random_state,
            smallest_level=scheme.smallest_level,
        )
        as_categories = {"categorical": scheme.columns, "missing": "ignore"}
        prepared = prepare_columns(customers, scheme.model_copy(update=as_categories))
        return build_classes(fit), prepared
    return fit_clusters(customers, scheme, n_segments, random_state=random_state)


def _put_best_first(
    model: Prototypes | Classes, customers: pd.DataFrame, labels: np.ndarray
) -> tuple[Prototypes | Classes, np.ndarray]:
    """Number segments by mean spend, or by size where there is no spend, largest first."""
    count = model.segment_count
    sizes = np.bincount(labels, minlength=count + 1)[1:]
    value = sizes
    if "total_spend" in customers:
        spend = np.nan_to_num(read_numbers(customers, "total_spend"))
        value = np.bincount(labels, spend, minlength=count + 1)[1:] / np.maximum(sizes, 1)
    best_first = np.argsort(-value, kind="stable")
    return model.reorder(best_first), np.argsort(best_first)[labels - 1] + 1
