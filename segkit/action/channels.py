"""The matrix of segments by channels: who can be reached where, who ordered there, who answers.

Rows of orders, events and messages stay in the engine; counts by segment and channel come back.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis
import numpy as np
import pandas as pd
from ibis import _, ir

from segkit.core.absence import empty_table, is_missing
from segkit.core.settings import Settings
from segkit.core.statistics import bound_share
from segkit.data.consent import settle_consent
from segkit.evidence.experience.messages import Messages
from segkit.features.expressions import count_true, fetch, keep_until
from segkit.profiles.differences import compare_shares, correct_comparisons

NO_CHANNELS = "No table names a channel: orders, events or messages have no column channel."
E_MAIL = "e-mail"
SPELLINGS = {"email": E_MAIL, "e mail": E_MAIL}
OTHERS = "all other channels"
MOST_CHANNELS = 8
# What a customer of a segment is to a channel: exactly one of each group.
MAY_CONTACT = "may be contacted there"
MAY_NOT = "reached there, but not to be contacted"
NOT_ASKED = "reached there, consent not recorded"
NOT_REACHED = "not reached there"
ORDERED = "ordered there"
NO_ORDER = "no order there"
REACH, ORDERS = "reach", "orders"
ANSWERS = {REACH: (MAY_CONTACT, MAY_NOT, NOT_REACHED), ORDERS: (ORDERED, NO_ORDER)}
DAYS = {"orders": "ordered_at", "order_lines": "ordered_at", "events": "occurred_at"}
# A share beside that of all other customers.
COMPARED = (
    "share",
    "share_low",
    "share_high",
    "base_share",
    "index",
    "difference",
    "difference_low",
    "difference_high",
    "adjusted_p_value",
    "set_apart",
)
COLUMNS = (
    "what",
    "channel",
    "segment_name",
    "answer",
    "is_sent",
    "customer_count",
    "segment_count",
    *COMPARED,
)


def count_channels(
    tables: Mapping[str, ir.Table],
    segments: pd.DataFrame,
    *,
    messages: Messages | None,
    consent_column: str | None,
    at: Settings,
) -> pd.DataFrame:
    """Count the customers of each segment who are reached by each channel, and who ordered there.

    Reached by e-mail is who has an address, where the table of customers holds any; by any other
    channel who ordered, came or got a message there. May be contacted there is who is reached,
    consented as `count_consent` has it (everybody, where the plan asks for no consent), and neither
    unsubscribed from a message of that channel nor reported one as spam. Channels beyond the
    :data:`MOST_CHANNELS` with most customers are counted together, and those of fewer customers
    than may be seen are left out.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        ``customers``, ``orders`` or ``order_lines``, ``events``: those that there are.
    segments : DataFrame
        ``customer_id`` and ``segment_name``, a row a customer.
    messages : Messages or None
        See `read_messages`.
    consent_column : str or None
        The plan's; without it no consent is needed.
    at : Settings

    Returns
    -------
    DataFrame
        A row for each of :data:`ANSWERS`, channel and segment: what, channel, segment_name, answer,
        is_sent (messages go out by the channel; the others are places where customers come),
        customer_count, segment_count, share with its 95 % interval (Wilson 1927), base_share (of
        all customers), index (100 is the base), difference from all other customers with its
        interval (Newcombe 1998), adjusted_p_value (Holm 1979, over all rows) and set_apart. Where
        consent is asked for and of nobody recorded, those reached are counted as such.
    """
    used = _list_uses(tables, messages, as_of=at.as_of)
    if used is None or segments.empty:
        return empty_table(COLUMNS, NO_CHANNELS)
    members = ibis.memtable(segments[["customer_id", "segment_name"]].astype(str))
    each = _merge_uses(used.inner_join(members, "customer_id")).cache()  # two queries read it
    each = _pool_channels(each, smallest_cell=at.smallest_cell)
    asked = _read_consent(tables, consent_column)
    each = each.mutate(consent=ibis.literal(True)) if asked is None else _join(each, asked)
    counts = fetch(
        each.group_by("segment_name", "channel").agg(
            reached_count=count_true(_.reached),
            contact_count=count_true(_.reached & _.consent & ~_.left),
            ordered_count=count_true(_.ordered),
            answer_count=_.consent.count(),
            is_sent=_.sent.any(),
        )
    )
    if counts.empty:
        return empty_table(COLUMNS, NO_CHANNELS)
    is_asked = bool(counts["answer_count"].any())
    return _lay_out(counts, segments["segment_name"].astype(str), is_asked=is_asked)


def list_contacts(channels: pd.DataFrame) -> pd.DataFrame:
    """Return how many of each segment may be contacted by each channel, as far as may be seen.

    Parameters
    ----------
    channels : DataFrame
        What `count_channels` counted, as it passed the gate.

    Returns
    -------
    DataFrame
        segment_name, channel, is_sent, contact_count, contact_share and the ends of its interval,
        the largest share of each segment first, ties in the order of the channels' names.
    """
    names = {"customer_count": "contact_count"}
    names |= {f"share{end}": f"contact_share{end}" for end in ("", "_low", "_high")}
    columns = ["segment_name", "channel", "is_sent", *names.values()]
    if channels.empty:
        return pd.DataFrame(columns=columns)
    rows = channels[channels["answer"] == MAY_CONTACT].rename(columns=names)
    rows = rows.dropna(subset=["contact_count"]).sort_values("channel")
    order = rows.sort_values(
        ["segment_name", "contact_count"], ascending=[True, False], kind="stable"
    )
    return order[columns].reset_index(drop=True)


def _list_uses(
    tables: Mapping[str, ir.Table], messages: Messages | None, *, as_of: datetime.date
) -> ir.Table | None:
    """Return a row for each way in which a customer is known in a channel; None without any."""
    parts = []
    for name, day in DAYS.items():
        table = tables.get(name)
        if not is_missing(table, "customer_id", "channel", day):
            parts.append(_mark(keep_until(table, day, as_of), ordered=_is_order(name, table)))
    if messages is not None and "channel" in messages.known:
        sent = messages.table.filter(_.delivered_ == 1)
        left = (sent.unsubscribed_ + sent.reported_spam_) > 0
        parts.append(_mark(sent, left=left, sent=True))
    customers = tables.get("customers")
    if not is_missing(customers, "email"):
        held = customers.filter(_.email.cast("string").contains("@"))
        addressed = _mark(held.mutate(channel=ibis.literal(E_MAIL)), sent=True)
        # Where addresses are known, who once got a message and has none now is not reached.
        parts = [one.mutate(reached=_.reached & (_.channel != E_MAIL)) for one in parts]
        parts.append(addressed)
    return ibis.union(*parts, distinct=False) if len(parts) > 1 else (parts[0] if parts else None)


def _is_order(name: str, table: ir.Table) -> ir.Deferred | ir.BooleanValue:
    """Return which rows are of an order; what was sent back is none."""
    if name == "order_lines" and "quantity" in table.columns:
        return (_.quantity > 0).fill_null(False)
    return ibis.literal(name != "events")


def _mark(
    table: ir.Table,
    *,
    ordered: ir.BooleanValue | None = None,
    left: ir.BooleanValue | None = None,
    sent: bool = False,
) -> ir.Table:
    """Return the customer, the channel by its one name, and what the row says of the two."""
    found = table.select(
        customer_id=table.customer_id.cast("string"),
        channel=name_channel(table.channel),
        ordered=ibis.literal(False) if ordered is None else ordered,
        left=ibis.literal(False) if left is None else left.fill_null(False),
        reached=ibis.literal(True),
        sent=ibis.literal(sent),
    )
    return found.filter(found.customer_id.notnull(), found.channel.notnull())


def name_channel(channel: ir.Value) -> ir.StringValue:
    """Return a channel by its one name: in small letters, an e-mail however it is spelt."""
    name = channel.cast("string").strip().lower().nullif("")
    return name.substitute(SPELLINGS, else_=name)


def _merge_uses(uses: ir.Table) -> ir.Table:
    """Return a row a customer and channel, with what any of its rows says."""
    flags = {name: _[name].any() for name in ("ordered", "left", "reached", "sent")}
    return uses.group_by("segment_name", "customer_id", "channel").agg(**flags)


def _pool_channels(each: ir.Table, *, smallest_cell: int) -> ir.Table:
    """Return the table with the channels of fewest customers as one; those of too few are left out.

    A channel's name may itself tell of somebody.
    """
    sizes = each.group_by("channel").agg(size=_.count())
    sizes = sizes.filter(_["size"] >= smallest_cell).order_by(_["size"].desc(), _.channel)
    named = fetch(sizes)["channel"].tolist()
    each = each.filter(each.channel.isin(named))
    if len(named) <= MOST_CHANNELS:
        return each
    kept = each.channel.isin(named[: MOST_CHANNELS - 1])
    return _merge_uses(each.mutate(channel=ibis.ifelse(kept, each.channel, OTHERS)))


def _read_consent(tables: Mapping[str, ir.Table], column: str | None) -> ir.Table | None:
    """Return each customer's one answer; None where the plan asks for none."""
    if not column:
        return None
    customers = tables.get("customers")
    if is_missing(customers, "customer_id", column):
        nobody = pd.DataFrame({"customer_id": pd.Series(dtype=str)})
        return ibis.memtable(nobody, schema={"customer_id": "string"}).mutate(
            consent=ibis.null("boolean")
        )
    return settle_consent(customers, column).select("customer_id", "consent")


def _join(each: ir.Table, asked: ir.Table) -> ir.Table:
    return each.left_join(asked, "customer_id").drop("customer_id_right")


def _lay_out(counts: pd.DataFrame, names: pd.Series, *, is_asked: bool) -> pd.DataFrame:
    """Return a row for each answer, channel and segment, compared with all other customers."""
    sizes = names.value_counts().sort_index()
    found = {}
    is_sent = counts.groupby("channel")["is_sent"].any()
    for channel, own in counts.groupby("channel"):
        own = own.set_index("segment_name")[["reached_count", "contact_count", "ordered_count"]]
        own = own.reindex(sizes.index, fill_value=0)
        reached, contacted, ordered = (own[name] for name in own)
        if is_asked:
            found[(REACH, channel, MAY_CONTACT)] = contacted
            found[(REACH, channel, MAY_NOT)] = reached - contacted
        else:
            found[(REACH, channel, NOT_ASKED)] = reached
        found[(REACH, channel, NOT_REACHED)] = sizes - reached
        if ordered.any():
            found[(ORDERS, channel, ORDERED)] = ordered
            found[(ORDERS, channel, NO_ORDER)] = sizes - ordered
    table = _compare(pd.DataFrame(found).astype("int64"), sizes)
    table["is_sent"] = table["channel"].map(is_sent).astype(bool)
    # A share that another one tells is tested once.
    is_told = table["answer"].eq(NO_ORDER) | (table["answer"].eq(NOT_REACHED) & (not is_asked))
    judged = correct_comparisons(table.assign(p_value=table["p_value"].mask(is_told)))
    order = ["channel", "what", "segment_name"]
    return judged.sort_values(order, kind="stable", ignore_index=True)[list(COLUMNS)]


def _compare(hits: pd.DataFrame, sizes: pd.Series) -> pd.DataFrame:
    """Compare shares between segments: ``hits`` has a row a segment, a column a share."""
    keys = hits.columns.to_frame(index=False).set_axis(["what", "channel", "answer"], axis=1)
    table = pd.concat([keys] * len(hits), ignore_index=True)
    table.insert(2, "segment_name", np.repeat(hits.index.to_numpy(), len(keys)))
    table["customer_count"] = hits.to_numpy().ravel()
    table["segment_count"] = np.repeat(sizes.to_numpy(), len(keys))
    table["share"] = table["customer_count"] / table["segment_count"]
    low, high = bound_share(table["customer_count"], table["segment_count"])
    table["share_low"], table["share_high"] = low, high
    base = np.tile(hits.to_numpy().sum(axis=0) / sizes.sum(), len(hits))
    table["base_share"] = base
    table["index"] = 100 * table["share"] / table["base_share"].where(base > 0)
    return table.join(compare_shares(hits.to_numpy(), sizes.to_numpy()))
