"""Fit a scheme, keep it as JSON, and assign any table with one Ibis expression.

There is one implementation of assigning, `Segmentation.assign`. A DataFrame goes through the same
expression in DuckDB.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import ibis
import numpy as np
import pandas as pd
from ibis import ir
from pydantic import Field, ValidationError, model_validator
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from segkit.errors import SegkitError, suggest_name
from segkit.plan import Scheme
from segkit.segments.naming import name_clusters
from segkit.segments.preparation import (
    Document,
    Preparation,
    add_prepared,
    add_up,
    learn_preparations,
    prepare_columns,
    read_numbers,
)
from segkit.segments.rules import Rules, fit_rfm, fit_tiers

SCHEMA_VERSION = 1
STARTS = 10
MOST_FITTED_ROWS = 100_000
RESULT_COLUMNS = ("segment", "segment_name", "distance", "confidence")

AnyTable = TypeVar("AnyTable", ir.Table, pd.DataFrame)


class Segment(Document):
    """One segment and its size when it was fitted."""

    number: int
    name: str
    customer_count: int
    share: float


class Centres(Document):
    """Cluster centres in prepared units; a customer belongs to the nearest."""

    kind: Literal["centres"] = "centres"
    preparations: tuple[Preparation, ...]
    centres: tuple[tuple[float, ...], ...]

    @model_validator(mode="after")
    def _check_shape(self) -> Centres:
        if len(self.centres) < 2 or {len(c) for c in self.centres} != {len(self.preparations)}:
            raise ValueError("centres and preparations do not fit together")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it reads."""
        return tuple(preparation.column for preparation in self.preparations)

    @property
    def segment_count(self) -> int:
        """How many centres there are."""
        return len(self.centres)

    def place(self, table: ir.Table) -> ir.Table:
        """Add ``segment``, ``distance`` and ``confidence``.

        Equal distances go to the lower number. ``confidence`` is 1 minus the ratio of the
        distances to the nearest and the second nearest centre (0 on the border, 1 in the centre),
        times the share of columns with a value.
        """
        originals = table.columns
        table = add_prepared(table, self.preparations)
        squares = {}
        for number, centre in enumerate(self.centres, start=1):
            gaps = [table[f"z{i}_"] - value for i, value in enumerate(centre)]
            squares[f"d{number}_"] = add_up([gap * gap for gap in gaps])
        table = table.mutate(**squares)
        table = table.mutate(best_=ibis.least(*[table[d] for d in squares]))
        nearest = [(table[d] == table.best_, n) for n, d in enumerate(squares, start=1)]
        table = table.mutate(segment=ibis.cases(*nearest).cast("int64"))
        others = [
            (table.segment == n, _least([table[o] for o in squares if o != d]))
            for n, d in enumerate(squares, start=1)
        ]
        table = table.mutate(second_=ibis.cases(*others))
        known = [table[f"x{i}_"].notnull().cast("float64") for i in range(len(self.columns))]
        ratio = ibis.ifelse(table.second_ > 0, (table.best_ / table.second_).sqrt(), 1.0)
        return table.select(
            *[c for c in originals if c not in RESULT_COLUMNS],
            "segment",
            distance=table.best_.sqrt(),
            confidence=(1.0 - ratio) * (add_up(known) / len(known)),
        )


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
        if isinstance(table, pd.DataFrame):
            return self._assign_frame(table)
        self._need_columns(table.columns)
        for column in self.columns:
            if not (table[column].type().is_numeric() or table[column].type().is_boolean()):
                raise SegkitError(f"column '{column}' is not a number", where=self.scheme)
        placed = self.model.place(table)
        names = [(placed.segment == number, name) for number, name in self.names.items()]
        placed = placed.mutate(segment_name=ibis.cases(*names))
        kept = [c for c in table.columns if c not in RESULT_COLUMNS]
        return placed.select(*kept, *RESULT_COLUMNS)

    def _need_columns(self, there: Iterable[str]) -> None:
        for column in self.columns:
            if column not in there:
                fix = suggest_name(column, there)
                raise SegkitError(f"scheme '{self.scheme}' needs column '{column}'", fix=fix)

    def _assign_frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        self._need_columns(frame.columns)
        numbers = {column: read_numbers(frame, column) for column in dict.fromkeys(self.columns)}
        rows = ibis.memtable(pd.DataFrame({**numbers, "row_": np.arange(len(frame))}))
        placed = self.assign(rows).to_pandas().sort_values("row_")
        results = placed[list(RESULT_COLUMNS)].set_axis(frame.index)
        return frame.assign(**{name: results[name] for name in RESULT_COLUMNS})

    def to_json(self) -> str:
        """Return the document as JSON text."""
        return self.model_dump_json(indent=1)

    def write_json(self, path: str | Path) -> Path:
        """Write the document and return its path."""
        Path(path).write_text(self.to_json() + "\n", encoding="utf-8")
        return Path(path)


def read_segmentation(path: str | Path) -> Segmentation:
    """Read a segmentation's document.

    Raises
    ------
    SegkitError
        If it cannot be read, is damaged, or is of a schema version that is not known.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SegkitError(
            "the segmentation cannot be read", where=str(path), found=error.strerror or ""
        ) from None
    except ValueError as error:
        raise SegkitError(
            "this is not a segmentation: not valid JSON", where=path.name, found=str(error)
        ) from None
    return load_segmentation(content, where=path.name)


def load_segmentation(content: Any, *, where: str = "") -> Segmentation:
    """Make a segmentation from the parsed JSON of its document."""
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA_VERSION or isinstance(version, bool):
        raise SegkitError(
            f"this is not a segmentation of schema version {SCHEMA_VERSION}",
            where=where,
            found=f"schema_version {version!r}",
            fix="Fit it again with this version of segkit.",
        )
    try:
        return Segmentation.model_validate_json(json.dumps(content))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the document"
        message = first["msg"].removeprefix("Value error, ")
        raise SegkitError(
            f"the segmentation is damaged at {place}: {message}",
            where=where,
            fix="Fit it again, or take it from the run that made it.",
        ) from None


def fit_segmentation(
    customers: pd.DataFrame,
    scheme: Scheme,
    *,
    n_segments: int,
    as_of: datetime.date,
    random_state: int,
) -> Segmentation:
    """Fit one scheme with a given number of segments.

    k-means: columns are prepared (`learn_preparations`), ten starts; clusters are numbered by mean
    ``total_spend``, largest first, and named by what sets them apart. Above 100,000 customers a
    random 100,000 are fitted and all are assigned. RFM and tiers: see `fit_rfm` and `fit_tiers`;
    RFM may give fewer segments than asked.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row a customer; the order of rows does not matter.
    scheme : Scheme
        From the plan.
    n_segments : int
        Number of segments.
    as_of : datetime.date
        The last day that the customer table counts.
    random_state : int
        Seed.

    Raises
    ------
    SegkitError
        If a column is not there or there are fewer different customers than segments.
    """
    seeds = {"as_of": as_of, "random_state": random_state}
    return fit_and_assign(customers, scheme, n_segments=n_segments, **seeds)[0]


def fit_and_assign(
    customers: pd.DataFrame,
    scheme: Scheme,
    *,
    n_segments: int,
    as_of: datetime.date,
    random_state: int,
) -> tuple[Segmentation, pd.DataFrame]:
    """Do as `fit_segmentation` does, and return the customers with their segments as well."""
    fit_model = {"kmeans": _fit_kmeans, "rfm": fit_rfm, "tiers": fit_tiers}[scheme.method]
    seed = {"random_state": random_state} if scheme.method == "kmeans" else {}
    model, names = fit_model(customers, scheme.columns, n_segments, **seed)
    draft = Segmentation(
        scheme=scheme.name,
        goal=scheme.goal,
        base=scheme.base,
        method=scheme.method,
        as_of=as_of,
        random_state=random_state,
        customer_count=len(customers),
        segments=_count_segments(names, pd.Series(dtype=int)),
        model=model,
    )
    placed = draft.assign(customers)
    counted = _count_segments(names, placed["segment"])
    return draft.model_copy(update={"segments": counted}), placed


def _count_segments(names: list[str], placed: pd.Series) -> tuple[Segment, ...]:
    counts = placed.value_counts()
    found = {number: int(counts.get(number, 0)) for number in range(1, len(names) + 1)}
    return tuple(
        Segment(number=n, name=name, customer_count=found[n], share=found[n] / max(len(placed), 1))
        for n, name in enumerate(names, start=1)
    )


def _fit_kmeans(
    customers: pd.DataFrame, columns: tuple[str, ...], n_segments: int, *, random_state: int
) -> tuple[Centres, list[str]]:
    preparations = learn_preparations(customers, columns)
    rows = prepare_columns(customers, preparations)
    spend = read_numbers(customers, "total_spend" if "total_spend" in customers else columns[0])
    spend = np.nan_to_num(spend)
    # Sorted, so that the order in which customers come changes nothing.
    order = np.lexsort((spend, *rows.T[::-1]))
    rows, spend = rows[order], spend[order]
    if len(rows) > MOST_FITTED_ROWS:
        rng = np.random.default_rng(random_state)
        chosen = np.sort(rng.choice(len(rows), MOST_FITTED_ROWS, replace=False))
        rows, spend = rows[chosen], spend[chosen]
    different = len(np.unique(rows, axis=0))
    if different < n_segments:
        raise SegkitError(
            f"{n_segments} segments need at least {n_segments} different customers",
            found=f"{different} in columns {', '.join(columns)}",
            fix="Ask for fewer segments or give more columns.",
        )
    with threadpool_limits(1):
        model = KMeans(n_segments, n_init=STARTS, random_state=random_state).fit(rows)
    means = np.array([spend[model.labels_ == c].mean() for c in range(n_segments)])
    best_first = np.argsort(-means, kind="stable")
    centres = model.cluster_centers_[best_first]
    document = Centres(
        preparations=tuple(preparations), centres=tuple(map(tuple, centres.tolist()))
    )
    return document, name_clusters(columns, centres)


def _least(values: list[ir.Value]) -> ir.Value:
    return values[0] if len(values) == 1 else ibis.least(*values)
