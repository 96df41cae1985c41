"""E-mail addresses: which can be sent to, and how two spellings of one are known as one."""

from __future__ import annotations

import re

import pandas as pd

from segkit.core.csvfiles import UNSEEN

# Nothing that a spreadsheet takes for a formula and nothing that ends a cell stands in a usable
# address; one that begins with a sign such as = or + would be another one behind an apostrophe.
_INSIDE = rf"[^\s@;,|\"'<>()\[\]\\{UNSEEN}]"
USABLE = rf"[^\W_]{_INSIDE}*@[^\W_]{_INSIDE}*\.[^\W_]{{2,63}}"
MOST_SIGNS = 254  # of an address, RFC 5321
_UNSEEN = re.compile(f"[{UNSEEN}]+")
_AROUND = re.compile(f"^[{UNSEEN}]+|[{UNSEEN}]+$")


def normalise_entry(text: object) -> str:
    """Return an address or identifier without capitals and without what nobody sees.

    Examples
    --------
    >>> normalise_entry(" Ann@Example.ORG ")
    'ann@example.org'
    """
    return _UNSEEN.sub("", _read_text(text)).casefold()


def tidy_address(text: object) -> str:
    """Return an address in small letters without blanks around it; empty if it is not usable.

    Examples
    --------
    >>> tidy_address(" Ann@Example.ORG "), tidy_address("ann b@example.org"), tidy_address(None)
    ('ann@example.org', '', '')
    """
    address = _AROUND.sub("", _read_text(text)).lower()
    is_usable = len(address) <= MOST_SIGNS and re.fullmatch(USABLE, address)
    return address if is_usable else ""


def _read_text(text: object) -> str:
    return "" if text is None or text is pd.NA or text != text else str(text)


def read_addresses(customers: pd.DataFrame | None) -> pd.Series:
    """Return the address of each customer by ``customer_id``; empty where none can be sent to.

    Where several rows are of one customer the first usable address counts.
    """
    if customers is None or "email" not in customers.columns:
        return pd.Series(dtype=object, name="email")
    ids = customers["customer_id"].astype(str)
    addresses = [tidy_address(text) for text in customers["email"].tolist()]
    table = pd.DataFrame({"customer_id": ids.to_numpy(), "email": addresses})
    table["is_empty"] = table["email"] == ""
    table = table.sort_values("is_empty", kind="stable").drop_duplicates("customer_id")
    return table.set_index("customer_id")["email"]
