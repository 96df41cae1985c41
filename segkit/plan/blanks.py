"""What a new plan leaves to be filled in."""

from __future__ import annotations

from collections.abc import Iterator

from segkit.core.errors import SegkitError
from segkit.plan.names import find_line

BLANK = "FILL IN"
# What to write there, by the key.
WANTED = {
    "title": 'Write what the report is called: title = "Customers of my shop".',
    "owner": 'Write who decides on it: owner = "Head of sales".',
    "scope": 'Write which customers it is about: scope = "All customers with an order".',
    "target_market": 'Write whom the business wants: target_market = "Households in Estonia".',
    "budget": 'Write what may be spent: budget = "Ten working days".',
    "currency": 'Write the three letters of the currency of all amounts: currency = "EUR".',
    "path": 'Write where your file is: path = "orders.csv".',
}


def find_blanks(
    content: object, lines: dict[tuple, int], *, file: str, loc: tuple = ()
) -> list[tuple[int, SegkitError]]:
    """Return a fault, with its line, for each value that is still to be filled in.

    Examples
    --------
    >>> [(line, fault)] = find_blanks({"currency": "FILL IN"}, {("currency",): 4}, file="plan.toml")
    >>> print(fault)
    plan.toml, line 4: 'currency' is still to be filled in. Write the three letters of the \
currency of all amounts: currency = "EUR".
    """
    faults = []
    for place in _list_blanks(content, loc):
        line = find_line(place, lines)
        key = ".".join(map(str, place))
        names = [part for part in place if isinstance(part, str)]
        fix = WANTED.get(names[-1], f"Write what {names[-1]} is.")
        message = f"'{key}' is still to be filled in"
        faults.append((line, SegkitError(message, where=f"{file}, line {line}", fix=fix)))
    return faults


def _list_blanks(content: object, loc: tuple) -> Iterator[tuple]:
    """Yield where a value is blank."""
    if content == BLANK and loc:
        yield loc
    elif isinstance(content, dict):
        for key, value in content.items():
            yield from _list_blanks(value, (*loc, key))
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from _list_blanks(value, (*loc, number))
