"""What the rows of a table are, so that the gate knows what must not be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CUSTOMERS = "customers"
NOTE = "note"
TOO_FEW_FOR_AMOUNTS = "too few customers for amounts, or a few of them make these"


@dataclass(frozen=True)
class Limit:
    """Rows that count, together, no more customers than others do.

    Attributes
    ----------
    column : str
        A column of ``within``, of whose values the next two are.
    rows : tuple of str
        The rows that are limited: those alike in all else are added up.
    most : str
        The rows that limit them, such as those taken by a rule.
    earlier : bool
        Whether the rows that limit come before the limited one, or after it, by the numbers in the
        last column of ``by``.
    """

    column: str
    rows: tuple[str, ...]
    most: str
    earlier: bool = True


@dataclass(frozen=True)
class Shape:
    """What the rows of a table are, so that the gate knows what must not be seen.

    Attributes
    ----------
    name : str
        The table's name in the run.
    population : str
        Whom or what a row counts: ``customers``, or something that is no person, such as ``rows``
        read, ``market`` or ``plan``. Only customers are hidden.
    by : tuple of str
        Columns whose values say which group a row is. Groups are taken to add up to a total that
        is known: the last column is one direction, those before it together the other.
    within : tuple of str
        Columns that part the table into tables that do not add up with each other, such as one
        for each question.
    count : str
        The column with the number of customers that a row rests on.
    adds_up : bool
        Whether groups are apart from each other and their total is known or shown, so that one
        hidden count could be worked out from the others.
    repeats : bool
        Whether a customer may count in several rows, as with the categories that they bought: what
        adds up then is an amount, not the customers.
    shown : tuple of str
        Columns that tell nothing of the row's customers, such as the base's mean; they stay.
    wholes : tuple of str
        Columns with the number of customers of whom the row counts a part, such as all of its
        segment. Where one of them is too small or hidden, the row is hidden even if it counts
        nobody; where it is below twice the limit, so is a row that counts all of them, or nobody.
    covered : tuple of str
        Columns of ``by`` whose values are hidden with their row, such as an answer that few gave.
    rests : mapping of str to str
        Columns that rest on other customers than the row, each with the column that counts those,
        such as an index that would tell of the few whose level is unknown.
    measures : mapping of str to str
        What kind of figure a column holds, where its name does not say so: ``count``, ``figure``,
        ``extreme`` or ``label``, see `segkit.core.measures`.
    sums : mapping of str to mapping
        Columns by which rows add up to the customers of larger groups, such as the rules of a
        segment to the segment, each with the values by column of the rows that do.
    limits : tuple of Limit
        Rows that are together no more than others, such as those of whom earlier rules took some.
    running : tuple of str
        Columns that add up row by row; where the figures of one row are hidden, all of it is.
    """

    name: str
    population: str = CUSTOMERS
    by: tuple[str, ...] = ()
    within: tuple[str, ...] = ()
    count: str = "customer_count"
    adds_up: bool = True
    repeats: bool = False
    shown: tuple[str, ...] = ()
    wholes: tuple[str, ...] = ()
    covered: tuple[str, ...] = ()
    rests: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, str] = field(default_factory=dict)
    sums: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    limits: tuple[Limit, ...] = ()
    running: tuple[str, ...] = ()
