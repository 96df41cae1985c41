"""Amounts with tax or shipping in them, as far as the names of a file's columns tell."""

from __future__ import annotations

import re
from collections.abc import Iterable

from segkit.data.columns import Source
from segkit.data.notices import Notice

AMOUNTS = ("line_amount", "unit_price")
# In words that the names of shops' exports have: English, German, French, Italian, Spanish, Dutch.
_TAX = "(tax|taxes|vat|gst|mw ?st|u ?st|iva|btw|moms|tva|shipping|versand|freight|postage)"
_WITH = "(inc|incl|including|inkl|inklusive|mit|avec|con|with)"
_WITH_AFTER = "(inc|incl|included|inkl|inclusa|incluido|compris|comprise)"
_WITHOUT = "(excl|excluding|exkl|zzgl|ohne|hors|sin|without|before|ex)"
_WITHOUT_AFTER = "(excl|excluded|exkl|esclusa)"
GROSS = re.compile(rf"\b(gross|brutto|bruto|ttc|{_WITH} {_TAX}|{_TAX} {_WITH_AFTER})\b")
NET = re.compile(
    r"\b(net|netto|neto|subtotal|sub total|zwischensumme|sous total|\w+ ht"
    rf"|{_WITHOUT} {_TAX}|{_TAX} {_WITHOUT_AFTER})\b"
)
NO_AMOUNT = re.compile(r"\b(weight|gewicht|profit|margin|qty|quantity|days|date)\b")
TOTAL = re.compile(r"((order|grand|invoice) )?total( amount| price)?|gesamtsumme|rechnungsbetrag")
ITEM_PRICE = re.compile(r"(line ?item|item) price")
BESIDE_ORDERS = ("taxes", "shipping")  # where they stand beside a total, it is an order's


def tell_amount_names(source: Source) -> list[Notice]:
    """Return a warning where a mapped amount's name says that tax or shipping are in it.

    It names the column beside it that is without; where there is none it is a note.
    """
    notices = []
    for ours in AMOUNTS:
        theirs = source.columns.get(ours)
        if theirs is None:
            continue
        others = [name for name in source.names if name and name != theirs]
        without = find_without(theirs, others)
        if without is None:
            continue
        treatment = "Read as it is."
        if without:
            treatment = f'Read as it is. To count sales without them, map {ours} = "{without}".'
        notices.append(
            Notice(
                f"includes_tax_{ours}",
                severity="warning" if without else "note",
                row_count=source.raw_count,
                reason=_say_reason(theirs, without),
                treatment=treatment,
            )
        )
    return notices


def _say_reason(theirs: str, without: str) -> str:
    told = f"By its name, '{theirs}' has tax or shipping in it"
    return f"{told}; '{without}' has not." if without else f"{told}."


def find_without(name: str, others: Iterable[str]) -> str | None:
    """Return the name beside an amount's that says to be without tax or shipping.

    It is empty where the amount's own name says that they are in it and no other is without, and
    None where the names tell nothing.

    Examples
    --------
    >>> find_without("Total", ["Subtotal", "Shipping"])
    'Subtotal'
    >>> find_without("Betrag inkl. MwSt", ["Menge"])
    ''
    >>> find_without("line_total", ["unit_price", "tax"]) is None
    True
    """
    words = _split_words(name)
    nets = [other for other in others if _is_net(_split_words(other))]
    if NET.search(words):
        return None
    if GROSS.search(words):
        return nets[0] if nets else ""
    if not TOTAL.fullmatch(words):
        return None
    beside = [_split_words(other) for other in others]
    if any(other in BESIDE_ORDERS for other in beside):
        nets += [other for other in others if ITEM_PRICE.fullmatch(_split_words(other))]
    return nets[0] if nets else None


def _is_net(words: str) -> bool:
    """Say whether a name is that of an amount without tax."""
    return bool(NET.search(words)) and not GROSS.search(words) and not NO_AMOUNT.search(words)


def _split_words(name: str) -> str:
    """Return a name in small letters, its words apart by blanks."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return " ".join(re.findall(r"[^\W_]+", apart.lower()))
