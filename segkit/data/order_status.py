"""What the status of an order means: a sale, an order taken back, or one that is left out.

The plan's words come first, then words that shops use; whatever is neither counts as a sale and is
warned of, or refused where much of the money hangs on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from segkit.core.errors import SegkitError
from segkit.plan.statuses import Statuses, fold_words

SALE = "sale"
TAKEN_BACK = "taken back"
LEFT_OUT = "left out"
PARTLY = "partly taken back"
NOT_KNOWN = "not known"
MEANINGS = {"sales": SALE, "taken_back": TAKEN_BACK, "left_out": LEFT_OUT}
STATUS_COLUMNS = (
    "status", "line_count", "amount", "rests_on_count", "amount_largest", "amount_second",
    "counts_as", "known_by",
)  # fmt: skip
TOLD = ["status", "line_count", "amount", "counts_as", "known_by"]
# A status that nobody knows may carry less than this share of the money.
MOST_UNKNOWN_SHARE = 0.10
MOST_STATUSES = 200  # a column with more values is no status
MOST_NAMED = 5

_SALES = """
    paid|complete|completed|shipped|delivered|fulfilled|closed|done|processed|processing|in process
    confirmed|invoiced|dispatched|approved|success|successful|succeeded|captured|settled|won
    closed won|sale|sold|ok|partially fulfilled|partially shipped|partially paid|partially delivered
    ready to ship|ready for pickup|ready for pick up|picked up|in transit|shipping|out for delivery
    shipped delivered to buyer|shipped picked up|shipped out for delivery|unshipped|resolved
    active|booked|ordered|placed|submitted|received|accepted|in progress|packed|packing|picked
    backordered|unfulfilled|awaiting shipment|awaiting fulfillment|awaiting pickup|to ship
    payment complete|purchased|charged|cleared|posted|valid|validated
    finished|finalized|billed|collected|received by customer|payment accepted|payment received
    bezahlt|abgeschlossen|versendet|versandt|verschickt|geliefert|ausgeliefert|zugestellt|erledigt
    fakturiert|in bearbeitung|gewonnen|verkauft
    paye|payee|termine|terminee|expedie|expediee|livre|livree|cloture|cloturee|facture|facturee
    pagado|pagada|completado|completada|enviado|enviada|entregado|entregada|cerrado|cerrada
    facturado|facturada|betaald|voltooid|verzonden|geleverd|pagato|spedito|consegnato|completato
"""
_TAKEN_BACK = """
    cancelled|canceled|cancel|void|voided|refunded|refund|fully refunded|returned|return|chargeback
    charge back|charged back|reversed|reversal|cancelled by customer|canceled by customer|revoked
    shipped returned to seller|shipped returning to seller|shipped rejected by buyer
    returned to sender|return to sender|undelivered|annulled
    storniert|storno|abgebrochen|erstattet|zuruckerstattet|ruckerstattet|retourniert|retoure
    zuruckgesendet|zuruckgeschickt|annulliert
    annule|annulee|rembourse|remboursee|retourne|retournee
    cancelado|cancelada|anulado|anulada|reembolsado|reembolsada|devuelto|devuelta
    geannuleerd|terugbetaald|geretourneerd|annullato|rimborsato|reso
"""
_LEFT_OUT = """
    pending|failed|failure|on hold|hold|held|draft|expired|abandoned|unpaid|not paid|lost|open
    closed lost|checkout draft|pending payment|payment pending|awaiting payment|payment failed
    waiting for payment|payment error|declined|denied|rejected|error|incomplete|quote|quotation
    offer|trash|test|deleted|unavailable|pending waiting for pick up|pending review
    offen|ausstehend|fehlgeschlagen|entwurf|angebot|unbezahlt|wartend|abgelehnt|verloren
    zahlung ausstehend
    en attente|echoue|echouee|brouillon|impaye|impayee|refuse|refusee|abandonne|abandonnee|perdu
    pendiente|fallido|fallida|borrador|en espera|rechazado|rechazada|abandonado|abandonada|perdido
    impagado|mislukt|in afwachting|in attesa|fallito
"""
_PARTLY = """
    partially refunded|partial refund|partly refunded|partially returned|partial return
    partly returned|partially cancelled|partially canceled|partially voided
    teilweise erstattet|teilerstattet|partiellement rembourse|partiellement remboursee
    parcialmente reembolsado|parcialmente reembolsada
"""


def _split_words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for line in text.split("\n") for word in line.split("|"))


KNOWN = {
    SALE: _split_words(_SALES),
    TAKEN_BACK: _split_words(_TAKEN_BACK),
    LEFT_OUT: _split_words(_LEFT_OUT),
    PARTLY: _split_words(_PARTLY),
}
# Whatever follows says why: "cancelled, out of stock".
_BEGINNINGS = ("cancelled", "canceled", "refunded", "voided", "returned", "storniert")


def read_status(status: str, policy: Statuses) -> tuple[str, str]:
    """Return what a status counts as, and who knows it: the plan, segkit, or nobody.

    Examples
    --------
    >>> read_status("wc-On_Hold", Statuses())
    ('left out', 'segkit')
    >>> read_status("Closed", Statuses(left_out=("closed",)))
    ('left out', 'the plan')
    """
    word = fold_words(status)
    for name, meaning in MEANINGS.items():
        if word in map(fold_words, getattr(policy, name)):
            return meaning, "the plan"
    word = word.removeprefix("wc ")  # WooCommerce writes wc-completed
    for meaning, words in KNOWN.items():
        if word in words:
            return meaning, "segkit"
    if re.split(r"\W", word)[0] in _BEGINNINGS:
        return TAKEN_BACK, "segkit"
    return SALE, NOT_KNOWN


def list_statuses(found: Iterable[Sequence], policy: Statuses) -> pd.DataFrame:
    """List statuses with lines and money and what they count as; ``STATUS_COLUMNS``.

    ``found`` has each status as it is written, its lines, the sum of their amounts, how many
    customers are known of whom they are, and the two largest parts of the sum that are one
    customer's. The status with most lines comes first.
    """
    rows = [(*row, *read_status(row[0], policy)) for row in found]
    table = pd.DataFrame(rows, columns=list(STATUS_COLUMNS))
    counts = dict.fromkeys(("line_count", "rests_on_count"), "int64")
    amounts = dict.fromkeys(("amount", "amount_largest", "amount_second"), "float64")
    table = table.astype(counts | amounts)
    return table.sort_values(["line_count", "status"], ascending=[False, True], ignore_index=True)


def refuse_statuses(statuses: pd.DataFrame, where: str) -> SegkitError | None:
    """Return the fault of statuses that nobody knows and on which much money hangs."""
    if len(statuses) > MOST_STATUSES:
        return SegkitError(
            "the status has more values than a status can have",
            where=where,
            found=f"{len(statuses):,} values, such as {name_statuses(statuses)}",
            fix='Map the column of the order\'s state, or leave status out: status = "".',
        )
    unknown = statuses[statuses["known_by"] == NOT_KNOWN]
    money = statuses["amount"].abs().sum()
    carried = unknown["amount"].abs().sum()
    if unknown.empty or not carried > MOST_UNKNOWN_SHARE * money:
        return None
    words = ", ".join(f'"{word}"' for word in unknown["status"].head(MOST_NAMED))
    return SegkitError(
        "nobody knows whether these statuses are sales, and much of the money hangs on them",
        where=where,
        found=f"{name_statuses(unknown)}: {carried / money:.0%} of the amounts",
        fix=f"Write sales = [{words}] under [policies.statuses], or put each into taken_back or "
        "left_out.",
    )


def name_statuses(statuses: pd.DataFrame) -> str:
    """Name the first statuses of a list, and say how many more there are."""
    names = [repr(name) for name in statuses["status"].head(MOST_NAMED)]
    more = len(statuses) - len(names)
    return ", ".join(names) + (f" and {more} more" if more > 0 else "")
