"""Who bought what on which day, as whole numbers: what all recommendations are made of.

The engine numbers customers and products and brings three columns of numbers, one row a customer,
product and day; no text of an order line comes to Python.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, replace

import ibis
import numpy as np
import pandas as pd
from ibis import ir

from segkit.core.absence import is_missing
from segkit.features.expressions import days_until, keep_until
from segkit.features.sales import is_sale


@dataclass(frozen=True)
class Interactions:
    """Days on which customers bought products, in the order of customer, product and day.

    Attributes
    ----------
    customers, products : pandas.Index
        Their identifiers, in order; the numbers below are places in these.
    customer, product : ndarray of int32, (n,)
        One row a customer, product and day.
    age : ndarray of int32, (n,)
        Days since then, 0 on the last day counted.
    """

    customers: pd.Index
    products: pd.Index
    customer: np.ndarray
    product: np.ndarray
    age: np.ndarray

    @property
    def days(self) -> int:
        """Days that the purchases cover; 0 without any."""
        return int(self.age.max()) + 1 if len(self.age) else 0

    @property
    def shape(self) -> tuple[int, int]:
        """How many customers and products there are."""
        return len(self.customers), len(self.products)

    def find_pairs(self) -> np.ndarray:
        """Return where the rows of each customer and product begin."""
        if len(self.age) == 0:
            return np.empty(0, dtype=np.int64)
        differs = self.customer[1:] != self.customer[:-1]
        differs |= self.product[1:] != self.product[:-1]
        return np.flatnonzero(np.r_[True, differs])

    def split(self, days: int) -> tuple[Interactions, Interactions]:
        """Return what was known before the last ``days`` days, and what was bought in them.

        Ages of what was known are counted from the last day known.
        """
        is_known = self.age >= days
        return self._choose(is_known, shift=days), self._choose(~is_known, shift=0)

    def _choose(self, rows: np.ndarray, *, shift: int) -> Interactions:
        return replace(
            self,
            customer=self.customer[rows],
            product=self.product[rows],
            age=self.age[rows] - np.int32(shift),
        )


def collect_interactions(rows: pd.DataFrame) -> Interactions:
    """Return interactions from a table: customer_id, product_id and age, in days.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": ["b", "a", "b"], "product_id": ["y", "x", "y"],
    ...     "age": [3, 0, 3]})
    >>> found = collect_interactions(rows)
    >>> found.customer.tolist(), found.product.tolist(), found.age.tolist()
    ([0, 1], [0, 1], [0, 3])
    """
    rows = rows.dropna().drop_duplicates()
    customers = pd.Index(sorted(rows["customer_id"].unique()), dtype=object)
    products = pd.Index(sorted(rows["product_id"].unique()), dtype=object)
    customer = customers.get_indexer(rows["customer_id"]).astype(np.int32)
    product = products.get_indexer(rows["product_id"]).astype(np.int32)
    age = rows["age"].to_numpy(np.int32)
    order = np.lexsort((age, product, customer))
    return Interactions(customers, products, customer[order], product[order], age[order])


def fetch_interactions(
    tables: Mapping[str, ir.Table], *, as_of: datetime.date
) -> Interactions | None:
    """Fetch who bought what on which day until ``as_of``; None where the tables do not tell.

    Lines that are sales count; those of orders that were taken back whole do not.
    """
    lines = tables.get("order_lines")
    if is_missing(lines, "customer_id", "product_id", "ordered_at", "line_type"):
        return None
    lines = keep_until(lines, "ordered_at", as_of)
    lines = lines.filter(is_sale(lines), lines.customer_id.notnull(), lines.product_id.notnull())
    age = days_until(lines.ordered_at, as_of).cast("int32")
    rows = lines.select("customer_id", "product_id", age=age).distinct()
    customers = _number(rows, "customer_id", "customer")
    products = _number(rows, "product_id", "product")
    coded = rows.inner_join(customers, "customer_id").inner_join(products, "product_id")
    coded = coded.select("customer", "product", "age").order_by("customer", "product", "age")
    found = coded.to_pyarrow()
    columns = {name: found[name].to_numpy() for name in ("customer", "product", "age")}
    return Interactions(_list_ids(customers), _list_ids(products), **columns)


def _number(rows: ir.Table, column: str, name: str) -> ir.Table:
    """Return one row a value of a column, with its place in their order."""
    values = rows.select(column).distinct()
    place = ibis.row_number().over(order_by=values[column]).cast("int32")
    return values.mutate(**{name: place}).cache()


def _list_ids(numbered: ir.Table) -> pd.Index:
    column, place = numbered.columns
    return pd.Index(numbered.order_by(place).select(column).to_pyarrow()[column].to_pandas())


@dataclass(frozen=True)
class History:
    """What each customer bought, one row a customer and product, parted by customer.

    Attributes
    ----------
    starts : ndarray of int64, (customers + 1,)
        Where the rows of each customer begin.
    products : ndarray of int32, (n,)
    day_counts : ndarray of float32, (n,)
        On how many days it was bought; 0 of what was only asked to be left out.
    last_ages : ndarray of float32, (n,)
        Days since it was last bought.
    is_left_out : ndarray of bool, (n,)
        Whether the customer asked that it be ignored, or rated it low.
    """

    starts: np.ndarray
    products: np.ndarray
    day_counts: np.ndarray
    last_ages: np.ndarray
    is_left_out: np.ndarray

    @property
    def customers(self) -> np.ndarray:
        """The customer of each row."""
        places = np.arange(len(self.starts) - 1, dtype=np.int32)
        return np.repeat(places, np.diff(self.starts))

    def take(self, customers: np.ndarray) -> History:
        """Return the rows of some customers, in their order.

        >>> rows = pd.DataFrame({"customer_id": list("abb"), "product_id": list("xyz"), "age": 1})
        >>> history = summarise_history(collect_interactions(rows))
        >>> history.take(np.array([1])).products.tolist()
        [1, 2]
        """
        counts = np.diff(self.starts)[customers]
        starts = np.r_[0, np.cumsum(counts)].astype(np.int64)
        shift = np.repeat(self.starts[customers] - starts[:-1], counts)
        rows = np.arange(starts[-1]) + shift
        return History(
            starts,
            self.products[rows],
            self.day_counts[rows],
            self.last_ages[rows],
            self.is_left_out[rows],
        )


def summarise_history(known: Interactions, left_out: np.ndarray | None = None) -> History:
    """Return what each customer bought, from rows in the order of customer and product.

    Parameters
    ----------
    known : Interactions
    left_out : ndarray of int64, (m, 2), optional
        Places of a customer and a product that is not to be recommended to them.

    Examples
    --------
    >>> rows = pd.DataFrame({"customer_id": list("aab"), "product_id": list("xxy"),
    ...     "age": [1, 5, 2]})
    >>> history = summarise_history(collect_interactions(rows))
    >>> history.starts.tolist(), history.day_counts.tolist(), history.last_ages.tolist()
    ([0, 1, 2], [2.0, 1.0], [1.0, 2.0])
    """
    customer_count, product_count = known.shape
    width = max(product_count, 1)
    begins = known.find_pairs()
    keys = known.customer[begins].astype(np.int64) * width + known.product[begins]
    counts = np.diff(np.r_[begins, len(known.age)]).astype(np.float32)
    ages = known.age[begins].astype(np.float32)  # the first of a pair is the latest
    is_out = np.zeros(len(keys), dtype=bool)
    if left_out is not None and len(left_out):
        asked = np.unique(left_out[:, 0] * width + left_out[:, 1])
        other = np.setdiff1d(asked, keys, assume_unique=True)
        keys = np.concatenate([keys, other])
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        nothing = np.zeros(len(other), dtype=np.float32)
        counts = np.concatenate([counts, nothing])[order]
        ages = np.concatenate([ages, nothing])[order]
        is_out = np.isin(keys, asked, assume_unique=True)
    sizes = np.bincount(keys // width, minlength=customer_count)
    return History(
        starts=np.r_[0, np.cumsum(sizes)].astype(np.int64),
        products=(keys % width).astype(np.int32),
        day_counts=counts,
        last_ages=ages,
        is_left_out=is_out,
    )
