"""Personal lists, a block of customers at a time: what to offer again, and what is new to them.

Lists are of people. They pass no gate and stand in no report: they are written beside the run's
tables, and only counts of them are shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from segkit.action.recommendations.model import KINDS, NEW, Model, Setting, mix_popularity

BLOCK = 50_000  # customers
COLUMNS = ["customer_id", "kind", "place", "product_id", "score"]
BOUGHT = "by what they bought"
BY_SEGMENT = "nothing bought: the most popular of their segment"
BY_ALL = "nothing bought: the most popular of all"
NO_LIST = "no list"
EVERYBODY = ""


MEMBERS = ["customer_id", "segment_name", "place", "basis", "again_count"]


@dataclass(frozen=True)
class Lists:
    """What personal lists are made of; they are made when they are asked for.

    Attributes
    ----------
    model : Model or None
        None without any purchase: then there are no members either.
    settings : dict of str to Setting
        By kind.
    count : int
        Products on a list.
    members : DataFrame
        One row a customer: customer_id, segment_name, place (of `Interactions.customers`, -1 of
        who bought nothing), basis (how the list of what is new is made), again_count (products that
        the list of what to buy again has).
    popular : dict of str to ndarray of int
        For who bought nothing: the places of products by segment, and of all under ``""``.
    """

    model: Model | None
    settings: dict[str, Setting]
    count: int
    members: pd.DataFrame
    popular: dict[str, np.ndarray]

    def iterate(self, *, block: int = BLOCK) -> Iterator[pd.DataFrame]:
        """Return the lists of one block of customers after the other.

        Each frame has the columns ``customer_id``, ``kind`` (again or new), ``place`` (1 first),
        ``product_id`` and ``score``, in the order of the members.
        """
        for begin in range(0, len(self.members), block):
            members = self.members.iloc[begin : begin + block]
            parts = [
                self._spread(members["customer_id"].to_numpy(), *self._rank(members, kind), kind)
                for kind in KINDS
            ]
            yield pd.concat(parts, ignore_index=True)

    def _rank(self, members: pd.DataFrame, kind: str) -> tuple[np.ndarray, np.ndarray]:
        assert self.model is not None
        customers = members["place"].to_numpy()
        places = np.full((len(members), self.count), -1, dtype=np.int32)
        scores = np.zeros(places.shape)
        is_known = customers >= 0
        places[is_known], scores[is_known] = self.model.rank(
            customers[is_known], self.settings[kind], kind=kind, count=self.count
        )
        if kind == NEW:
            self._fill_cold(members, places)
        return places, scores

    def _fill_cold(self, members: pd.DataFrame, places: np.ndarray) -> None:
        """Write the most popular of the segment, or of all, for who bought nothing."""
        for basis, by in ((BY_SEGMENT, "segment_name"), (BY_ALL, None)):
            is_cold = (members["basis"] == basis).to_numpy()
            names = members["segment_name"] if by else pd.Series(EVERYBODY, index=members.index)
            for name in names[is_cold].unique():
                listed = self.popular[name]
                rows = np.flatnonzero(is_cold & (names == name).to_numpy())
                places[rows, : len(listed)] = listed

    def _spread(
        self, customer_ids: np.ndarray, places: np.ndarray, scores: np.ndarray, kind: str
    ) -> pd.DataFrame:
        assert self.model is not None
        row, column = np.nonzero(places >= 0)
        products = self.model.known.products.to_numpy(dtype=object)
        return pd.DataFrame(
            {
                "customer_id": customer_ids[row],
                "kind": kind,
                "place": (column + 1).astype(np.int32),
                "product_id": products[places[row, column]],
                "score": scores[row, column].round(6),
            },
            columns=COLUMNS,
        )

    def write_parquet(self, path: Path, *, block: int = BLOCK) -> None:
        """Write all lists as one Parquet file, a block at a time."""
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        text = pa.string()
        kinds = [text, pa.dictionary(pa.int32(), text), pa.int32(), text, pa.float64()]
        schema = pa.schema(list(zip(COLUMNS, kinds, strict=True)))
        with ParquetWriter(path, schema) as writer:
            for frame in self.iterate(block=block):
                frame["kind"] = pd.Categorical(frame["kind"], list(KINDS))
                writer.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False))


def prepare_lists(
    model: Model,
    settings: dict[str, Setting],
    segments: pd.DataFrame,
    *,
    count: int,
    smallest_cell: int,
) -> Lists:
    """Find how each customer's lists are made.

    Who bought nothing is offered the most popular of their segment, shrunk towards those of all,
    where the segment has ``smallest_cell`` buyers or more, and otherwise those of all.

    Parameters
    ----------
    model : Model
    settings : dict of str to Setting
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    count : int
    smallest_cell : int
    """
    members = segments[["customer_id", "segment_name"]].drop_duplicates("customer_id")
    members = members.astype({"customer_id": str}).reset_index(drop=True)
    members["segment_name"] = members["segment_name"].astype(object).fillna(EVERYBODY).astype(str)
    place = model.known.customers.get_indexer(members["customer_id"])
    history = model.history
    bought = np.bincount(history.customers[history.day_counts > 0], minlength=len(history.starts))
    place = np.where((place >= 0) & (bought[place] > 0), place, -1) if len(bought) else place
    members["place"] = place
    popular = _list_popular(model, members, count=count, smallest_cell=smallest_cell)
    basis = np.where(members["segment_name"].isin(set(popular) - {EVERYBODY}), BY_SEGMENT, BY_ALL)
    if len(popular[EVERYBODY]) == 0:
        basis = np.full(len(members), NO_LIST, dtype=object)
    members["basis"] = np.where(place >= 0, BOUGHT, basis)
    may_repeat = (history.day_counts > 0) & ~history.is_left_out & ~model.barred[history.products]
    repeats = np.bincount(history.customers[may_repeat], minlength=len(history.starts))
    counted = np.where(place >= 0, repeats[place], 0) if len(repeats) else 0
    members["again_count"] = np.minimum(counted, count)
    return Lists(model, settings, count, members, popular)


def _list_popular(
    model: Model, members: pd.DataFrame, *, count: int, smallest_cell: int
) -> dict[str, np.ndarray]:
    whole = model.measure_popularity(np.inf)
    found = {EVERYBODY: model.rank_for_group(whole, count=count)}
    history = model.history
    buyers = members[members["place"] >= 0]
    names = np.full(len(history.starts) - 1, EVERYBODY, dtype=object)
    names[buyers["place"]] = buyers["segment_name"]
    is_bought = history.day_counts > 0
    codes, levels = pd.factorize(names, sort=True)
    sizes = np.bincount(codes, minlength=len(levels))
    base = np.bincount(history.products[is_bought], minlength=len(whole)) / max(len(names), 1)
    of = codes[history.customers[is_bought]]
    for code, name in enumerate(levels):
        if name == EVERYBODY or sizes[code] < smallest_cell:
            continue
        own = np.bincount(history.products[is_bought][of == code], minlength=len(whole))
        mixed = mix_popularity(own, base, size=int(sizes[code]))
        found[name] = model.rank_for_group(mixed, count=count)
    return found


def count_lists(lists: Lists) -> pd.DataFrame:
    """Count customers by how their list of what is new is made, and those with one to buy again.

    Returns
    -------
    DataFrame
        One row a basis: basis, customer_count, again_count (those of them who have a list of what
        to buy again).
    """
    counted = lists.members.groupby("basis", as_index=False).agg(
        customer_count=("customer_id", "size"),
        again_count=("again_count", lambda counts: int((counts > 0).sum())),
    )
    order = [BOUGHT, BY_SEGMENT, BY_ALL, NO_LIST]
    counted["order"] = counted["basis"].map(order.index)
    return counted.sort_values("order", ignore_index=True).drop(columns="order")
