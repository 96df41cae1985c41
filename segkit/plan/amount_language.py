"""Amounts in SQL's plain expression syntax, such as ``quantity * unit_price``.

It is the language of conditions, read by the same reader: the same columns, numbers and signs, the
same refusals with their position, and division by zero gives null. An amount is a number, where a
condition is true or false.
"""

from __future__ import annotations

from collections.abc import Mapping

from segkit.models.rule_language import (
    KINDS,
    Predicate,
    _Reader,  # the one reader of this language; it is not read twice in two ways
)


def read_amount(text: str, kinds: Mapping[str, str], *, where: str = "") -> Predicate:
    """Read an amount.

    Parameters
    ----------
    text : str
        A column, such as ``satisfaction``, or arithmetic with columns and numbers.
    kinds : mapping of str to str
        The columns that may be named, each ``number``, ``text``, ``boolean``, ``date`` or ``any``.
    where : str, optional
        Where the amount stands, for the message.

    Returns
    -------
    Predicate
        Its ``apply`` gives a double, null where a value is missing.

    Raises
    ------
    SegkitError
        With the position, from 1, of what is not allowed or does not fit.

    Examples
    --------
    >>> read_amount("quantity * unit_price", {"quantity": "number", "unit_price": "number"}).columns
    ('quantity', 'unit_price')
    """
    reader = _Reader(text, kinds, where)
    kind, build = reader.take(reader.parse())
    if kind not in ("number", "any"):
        fix = 'Name a column of numbers; of what is true or false take measure = "share".'
        message = f"an amount is a number, but this is {KINDS[kind]}"
        raise reader.refuse(message, 0, len(text), fix)
    if not reader.columns:
        raise reader.refuse("an amount reads at least one column", 0, len(text), "")
    return Predicate(tuple(reader.columns), build)
