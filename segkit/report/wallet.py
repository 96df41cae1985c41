"""The share of wallet that customers state, against competitors."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Finding
from segkit.core.measures import COUNT
from segkit.core.privacy import NOTE, Published, Shape
from segkit.evidence.experience.wallet import count_wallet_answers, estimate_stated_wallet
from segkit.plan.wallet import Wallet
from segkit.report.shared import charts
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.numbers import join_words
from segkit.report.shared.sentences import (
    explain_absence,
    explain_silence,
    write_figure,
    write_finding,
)
from segkit.report.shared.views import Column, View

US = "us"
STATED_WALLET = View(
    Shape(
        "stated_wallet",
        by=("segment_name",),
        within=("place",),
        wholes=("segment_count",),
        measures={"answered_share": COUNT},
    ),
    {
        "segment_name": Column(),
        "place": Column("Spent with"),
        "customer_count": Column("Who answered", "integer"),
        "answered_share": Column("Share of the segment", "share"),
        "wallet_share": Column("Share of the wallet, as they say", "share"),
        "wallet_interval": Column("Interval", "share", interval=("wallet_low", "wallet_high")),
        NOTE: Column(),
    },
)
WALLET_ANSWERS = View(
    Shape("wallet_answers", by=("state",)),
    {
        "state": Column("Customers who"),
        "customer_count": Column(kind="integer"),
        "customer_share": Column("Share", "share"),
        NOTE: Column(),
    },
)


def list_wallet(wallets: pd.DataFrame, wallet: Wallet) -> list[tuple[pd.DataFrame, View]]:
    """Return the wallet that customers state, and how they answered, with their views."""
    is_money = wallet.unit == "money"
    return [
        (estimate_stated_wallet(wallets, is_money=is_money), STATED_WALLET),
        (count_wallet_answers(wallets), WALLET_ANSWERS),
    ]


def lay_out_wallet(published: Sequence[Published]) -> list[Exhibit]:
    """Return what is shown of the tables of `list_wallet`, once they passed the gate."""
    wallet, answers = published
    told = state_wallet(wallet, answers)
    if wallet.empty:
        return [Exhibit(thing=told, title="What customers say themselves")]
    chart = plot_wallet(wallet)
    return [
        Exhibit(thing=chart, caption="Shares of the wallet as customers state them, by segment."),
        Exhibit(thing=wallet, caption="The wallet as customers state it", max_rows=80, folded=True),
        Exhibit(thing=told, title="What customers say themselves"),
    ]


def plot_wallet(
    wallet: pd.DataFrame | Published, *, title: str = "Where customers say they spend"
) -> Axes:
    """Draw which share of its wallet each segment says it spends with us and with competitors.

    How to read it: a row adds up to the wallet where the answers are amounts or name what is spent
    elsewhere. It is what those say who answered. A dash rests on few.
    The table has a row a segment and place: ``segment_name``, ``place`` and ``wallet_share``.
    """
    return charts.plot_cells(
        wallet,
        row="segment_name",
        column="place",
        value="wallet_share",
        kind="share",
        value_name="share of the wallet, as customers say",
        title=title,
    )


def state_wallet(wallet: Published, answers: Published) -> list[Finding]:
    """Say how many answered, and where each segment says that it spends."""
    if wallet.empty:
        return [explain_absence(wallet)]
    told = []
    for row in answers.frame.dropna(subset=["customer_count"]).to_dict("records"):
        where = {"state": row["state"]}
        count = answers.read_figure("customer_count", where=where, kind="count", unit="customer")
        share = answers.read_figure("customer_share", where=where, kind="share")
        words = {"state": row["state"]}
        told.append(write_finding("wallet.answers.told", [count, share], count=count, words=words))
    told.append(write_finding("wallet.answers.silent"))
    shown = wallet.frame.dropna(subset=["wallet_share"])
    segments = [_state_segment(wallet, rows) for _, rows in shown.groupby("segment_name")]
    silence = explain_silence(wallet) if not segments else None
    return [*told, *segments, *([silence] if silence else [])]


def _state_segment(wallet: Published, rows: pd.DataFrame) -> Finding:
    segment = rows["segment_name"].iloc[0]
    found, parts = [], []
    for number, place in enumerate(rows["place"]):
        where = {"segment_name": segment, "place": place}
        share = wallet.read_figure(
            "wallet_share",
            where=where,
            interval=("wallet_low", "wallet_high"),
            kind="share",
            name=f"share_{number}",
        )
        found.append(share)
        interval = ""
        if share.low is not None and share.high is not None:
            low, high = write_figure(share, share.low), write_figure(share, share.high)
            interval = f" ({low} to {high})"
        name = place if place in (US, "elsewhere") else f"“{place}”"
        name = name if place == "elsewhere" else f"with {name}"
        parts.append(f"{write_figure(share)}{interval} {name}")
    where = {"segment_name": segment, "place": rows["place"].iloc[0]}
    count = wallet.read_figure("customer_count", where=where, kind="count")
    words = {"segment": segment, "parts": join_words(parts)}
    return write_finding("wallet.segments.told", [*found, count], count=count, words=words)
