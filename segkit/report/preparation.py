"""How each scheme takes its columns, which say the same, and whether answers differ by style."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from segkit.core.findings import Finding
from segkit.core.privacy import Published, Shape
from segkit.features.customer_table import CustomerTable
from segkit.features.wording import name_feature
from segkit.plan.models import Scheme
from segkit.report.shared.sentences import find_sentence, name_column, write_finding
from segkit.report.shared.views import Column, View, reshape_published
from segkit.validation import column_looks
from segkit.validation.populations import look_at_columns

PREPARED = View(Shape("prepared_columns", population="columns", by=("scheme", "column")))
LAID_OUT = View(
    PREPARED.shape,
    {
        "scheme": Column("Scheme"),
        "column": Column("Column", "feature"),
        "kind": Column("What it is"),
        "taken": Column("How it is taken"),
    },
)
DUPLICATES = View(Shape("near_duplicates", population="columns", by=("scheme", "column", "other")))
STYLES = View(Shape("answer_styles", by=("scheme",), adds_up=False, shown=("column_count",)))


def list_tables(
    built: CustomerTable, schemes: Sequence[Scheme], *, most_fitted: int
) -> list[tuple[pd.DataFrame, View]]:
    """Return how columns are taken, which say the same, and answer styles, each with its view.

    Parameters
    ----------
    built : CustomerTable
    schemes : sequence of Scheme
        Each is looked at with the customers that it is of.
    most_fitted : int
        Segments are sought in so many customers.
    """
    looks = [
        (column_looks.describe_preparations, PREPARED),
        (column_looks.find_all_duplicates, DUPLICATES),
        (column_looks.find_answer_styles, STYLES),
    ]
    return [
        (look_at_columns(look, built, schemes, most_fitted=most_fitted), view)
        for look, view in looks
    ]


def lay_out_prepared(prepared: Published) -> Published:
    """Return the published preparations in words, for `show_table`."""
    rows = [
        {
            "scheme": row["scheme"],
            "column": row["column"],
            "kind": find_sentence(f"preparation.measures.{row['measure']}"),
            "taken": _write_taken(row),
        }
        for row in prepared.frame.to_dict("records")
    ]
    return reshape_published(prepared, pd.DataFrame(rows, columns=[*LAID_OUT.columns]), LAID_OUT)


def _write_taken(row: dict[str, object]) -> str:
    if row["answer_style"] == "removed":
        return find_sentence("preparation.taken.style_removed")
    if row["transform"] == "none":
        return find_sentence(f"preparation.taken.{row['scaling']}")
    return find_sentence(f"preparation.taken.from_{row['origin']}")


def state_preparation(prepared: Published) -> list[Finding]:
    """Say of each scheme how its numbers are brought to scale, and which are logarithms."""
    told = []
    for scheme, own in prepared.frame.groupby("scheme", sort=False):
        where = {"scheme": scheme}
        count = prepared.read_figure(
            "column", where=where, how="rows", kind="count", unit="column", name="column_count"
        )
        words = {"scheme": name_column(scheme)}
        scaling = own["scaling"].iloc[0]
        if own["answer_style"].iloc[0] == "removed":
            told.append(write_finding("preparation.scales.style_removed", [count], words=words))
            continue
        logarithms = own[own["transform"] != "none"]
        if scaling != "sd" or logarithms.empty:
            told.append(write_finding(f"preparation.scales.{scaling}", [count], words=words))
            continue
        logged = prepared.read_figure(
            "column",
            where={**where, "transform": "scaled_log"},
            how="rows",
            kind="count",
            name="logarithm_count",
        )
        told.append(write_finding("preparation.scales.logarithms", [count, logged], words=words))
    return told


def state_duplicates(duplicates: Published) -> list[Finding]:
    """Name the columns of a scheme that say nearly the same, so that this counts twice."""
    told = []
    for row in duplicates.frame.to_dict("records"):
        place = {name: row[name] for name in ("scheme", "column", "other")}
        figure = duplicates.read_figure("association", where=place, decimals=2)
        words = {
            "scheme": name_column(row["scheme"]),
            "column": name_feature(row["column"], duplicates.labels),
            "other": name_feature(row["other"], duplicates.labels),
        }
        told.append(write_finding("preparation.duplicates.say_the_same", [figure], words=words))
    return told


def state_answer_styles(styles: Published) -> list[Finding]:
    """Say of which schemes the answers differ most in how people answer."""
    told = []
    for scheme in styles.frame["scheme"]:
        where = {"scheme": scheme}
        figures = [
            styles.read_figure("explained_share", where=where, kind="share"),
            styles.read_figure("correlation", where=where, decimals=2),
            styles.read_figure("column_count", where=where, kind="count"),
        ]
        count = styles.read_figure("customer_count", where=where)
        words = {"scheme": name_column(scheme)}
        told.append(write_finding("preparation.style.first", figures, count=count, words=words))
    return told
