"""Fit a scheme, keep it as JSON, and assign any table with one Ibis expression.

There is one implementation of assigning, `Segmentation.assign`. A DataFrame goes through the same
expression in DuckDB. A model is a document with ``columns``, ``segment_count`` and ``place``.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import ibis
import numpy as np
import pandas as pd
from ibis import ir
from pydantic import Field, ValidationError, model_validator

from segkit.errors import SegkitError, suggest_name
from segkit.plan import Scheme
from segkit.segments.kmeans import Centres, fit_kmeans
from segkit.segments.preparation import Document, read_numbers
from segkit.segments.rules import Rules, fit_rfm, fit_tiers

SCHEMA_VERSION = 1
RESULT_COLUMNS = ("segment", "segment_name", "distance", "confidence")

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

    schema_version: Literal[1] = SCHEMA_VERSION
    scheme: str
    goal: str
    base: str
    method: str
    as_of: datetime.date
    random_state: int
    customer_count: int
    segments: tuple[Segment, ...]
    model: Annotated[Centres | Rules, Field(discriminator="kind")]

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

    def assign(self, table: AnyTable) -> AnyTable:
        """Give each row exactly one segment.

        Parameters
        ----------
        table : ibis.Table or pandas.DataFrame
            With the columns of `columns`; others are kept. Missing values are allowed: k-means
            takes the median of the fit, a rule the lowest score.

        Returns
        -------
        The same kind and the same rows, a DataFrame in the same order, with ``segment``
        (1 is the most valuable), ``segment_name``, ``distance`` (standard deviations to the
        centre; null for rules) and ``confidence`` (0 to 1; lower where values were missing).

        Raises
        ------
        SegkitError
            If a column is not there or is not a number.
        """
        for column in self.columns:
            if column not in table.columns:
                fix = suggest_name(column, table.columns)
                raise SegkitError(f"scheme '{self.scheme}' needs column '{column}'", fix=fix)
        if isinstance(table, pd.DataFrame):
            placed = _place_frame(self.model, table)
            placed.insert(1, "segment_name", placed["segment"].map(self.names))
            return table.assign(**placed)
        for column in self.columns:
            if not (table[column].type().is_numeric() or table[column].type().is_boolean()):
                raise SegkitError(f"column '{column}' is not a number", where=self.scheme)
        placed = self.model.place(table)
        names = ibis.cases(*[(placed.segment == n, name) for n, name in self.names.items()])
        kept = [column for column in table.columns if column not in RESULT_COLUMNS]
        return placed.mutate(segment_name=names).select(*kept, *RESULT_COLUMNS)

    def to_json(self) -> str:
        """Return the document as JSON text."""
        return self.model_dump_json(indent=1)

    def write_json(self, path: str | Path) -> None:
        """Write the document."""
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")


def _place_frame(model: Centres | Rules, frame: pd.DataFrame) -> pd.DataFrame:
    """Place the rows of a DataFrame with the model's own expression."""
    numbers = {column: read_numbers(frame, column) for column in model.columns}
    rows = ibis.memtable(pd.DataFrame({**numbers, "row_": np.arange(len(frame))}))
    placed = model.place(rows).order_by("row_").select("segment", "distance", "confidence")
    return placed.to_pandas().set_index(frame.index)


def read_segmentation(path: str | Path) -> Segmentation:
    """Read a segmentation's document; one that is damaged or of another version is refused."""
    path = Path(path)
    fix = "Fit it again, or take it from the run that made it."
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version = content.get("schema_version") if isinstance(content, dict) else None
        if version != SCHEMA_VERSION or isinstance(version, bool):
            message = f"this is not a segmentation of schema version {SCHEMA_VERSION}"
            raise SegkitError(
                message, where=path.name, found=f"schema_version {version!r}", fix=fix
            )
        return Segmentation.model_validate_json(json.dumps(content))
    except OSError as error:
        message, found = "the segmentation cannot be read", error.strerror or ""
        raise SegkitError(message, where=str(path), found=found) from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        reason = first["msg"].removeprefix("Value error, ")
        message = f"the segmentation is damaged at {place}: {reason}"
        raise SegkitError(message, where=path.name, fix=fix) from None
    except ValueError as error:
        message = "this is not a segmentation: not valid JSON"
        raise SegkitError(message, where=path.name, found=str(error)) from None


def fit_segmentation(
    customers: pd.DataFrame,
    scheme: Scheme,
    *,
    n_segments: int,
    as_of: datetime.date,
    random_state: int,
) -> tuple[Segmentation, np.ndarray]:
    """Fit one scheme with a number of segments: see `fit_kmeans`, `fit_rfm`, `fit_tiers`.

    ``customers`` has one row a customer, in any order, and counts no day after ``as_of``. RFM may
    give fewer segments than asked. Returns the segmentation and each customer's segment.

    Raises
    ------
    SegkitError
        If a column is not there or there are fewer different customers than segments.
    """
    if scheme.method == "kmeans":
        model, names, labels = fit_kmeans(customers, scheme.columns, n_segments, random_state)
    else:
        fit_rules = {"rfm": fit_rfm, "tiers": fit_tiers}[scheme.method]
        model, names = fit_rules(customers, scheme.columns, n_segments)
        labels = _place_frame(model, customers)["segment"].to_numpy()
    segments = []
    for n, name in enumerate(names, start=1):
        here = labels == n
        segments.append(Segment(number=n, name=name, customer_count=here.sum(), share=here.mean()))
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
    return segmentation, labels
