"""Who is in: of how many customers the segments are, and whom they leave out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import pandas as pd

from segkit.core.findings import Finding
from segkit.core.privacy import Published, Shape
from segkit.core.settings import Settings
from segkit.features.who import EVERYBODY, WITH_ORDER, WITHOUT_ORDER, count_who
from segkit.plan.models import Scheme
from segkit.profiles.who import LEFT_OUT, PLACED, count_placed
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import name_column, write_finding
from segkit.report.shared.views import Column, View

KNOWN = View(
    Shape("known_customers", by=("who",)),
    {"who": Column("Customers"), "customer_count": Column("How many")},
)
PLACES = View(
    Shape("places", by=("place",)),
    {"place": Column("Customers"), "customer_count": Column("How many")},
)


def state_known(known: Published, schemes: Sequence[Scheme]) -> list[Finding]:
    """Say how many customers have no order, and which schemes leave them out.

    Nothing is said where nobody is left out, or where it must not be seen.
    """
    if not _is_seen(known) or not _read_count(known, WITHOUT_ORDER):
        return []
    figures = [
        known.read_figure(
            "customer_count", how="sum", kind="count", unit="customer", name="known_count"
        ),
        _read(known, WITH_ORDER, "buyer_count"),
        _read(known, WITHOUT_ORDER, "left_out_count"),
    ]
    inside = [name_column(scheme.name) for scheme in schemes if scheme.who == EVERYBODY]
    kind = "none"
    if inside:
        kind = "every" if len(inside) == len(schemes) else "some"
    words = {"schemes": join_words(inside)} if kind == "some" else {}
    return [write_finding(f"who.known.{kind}", figures, count=figures[0], words=words)]


def count_places(
    segments: pd.DataFrame, tables: Mapping[str, ibis.Table], *, at: Settings
) -> pd.DataFrame:
    """Count who has a segment beside all whom the tables know; see `segkit.profiles.who`.

    Parameters
    ----------
    segments : DataFrame
        ``customer_id`` and ``segment``.
    tables : mapping of str to ibis.Table
    at : Settings
        ``as_of`` is the last day counted.
    """
    return count_placed(segments, count_who(tables, as_of=at.as_of))


def state_places(places: Published) -> list[Finding]:
    """Say of how many of the known customers the segments are; nothing where it is not seen."""
    if not _is_seen(places):
        return []
    placed = _read(places, PLACED, "placed_count")
    if not _read_count(places, LEFT_OUT):
        return [write_finding("who.places.every", [placed], count=placed)]
    everybody = places.read_figure(
        "customer_count", how="sum", kind="count", unit="customer", name="known_count"
    )
    left_out = _read(places, LEFT_OUT, "left_out_count")
    return [write_finding("who.places.some", [placed, everybody, left_out], count=everybody)]


def list_headline(places: Published) -> dict[str, Finding]:
    """Return of how many customers the segments are, for the first page; none if not seen."""
    if not _is_seen(places):
        return {}
    placed = places.read_figure(
        "customer_count", where={"place": PLACED}, kind="count", name="placed_count"
    )
    everybody = places.read_figure("customer_count", how="sum", kind="count", name="known_count")
    kind = "some" if _read_count(places, LEFT_OUT) else "every"
    figures = [placed, everybody] if kind == "some" else [placed]
    return {"Customers in segments": write_finding(f"who.headline.{kind}", figures)}


def _is_seen(table: Published) -> bool:
    return not table.empty and bool(table.frame["customer_count"].notna().all())


def _read_count(table: Published, group: str) -> int:
    (column,) = table.shape.by
    return int(table.frame.set_index(column)["customer_count"][group])


def _read(table: Published, group: str, name: str):
    """Read how many customers are in a group."""
    (column,) = table.shape.by
    return table.read_figure("customer_count", where={column: group}, kind="count", name=name)
