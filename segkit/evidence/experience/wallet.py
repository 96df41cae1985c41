"""Which share of their wallet customers say they spend with us, and which with competitors."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
from ibis import Table, _

from segkit.core.absence import empty_table, is_missing
from segkit.core.carried import bound_without_two
from segkit.core.measures import CEILING, FLOOR
from segkit.core.skewed_means import bound_ratio
from segkit.features.expressions import fetch, keep_known, take_first
from segkit.plan.wallet import Wallet

US = "us"
ELSEWHERE = "elsewhere"
SLACK = 0.02  # answers are rounded: shares that add up to a little more than all are scaled down
NO_QUESTION = (
    "No question of the survey asks which share of the wallet is ours: ask what customers spend "
    "with us and with whom else, and name the questions in the plan under [wallet]."
)
NO_ANSWERS = "There is no table of responses with customers, questions and answers."
NOBODY = "Nobody with a segment has answered the questions of the wallet."
COMPLETE, INCOMPLETE, WRONG, SILENT = (
    "answered all of the questions",
    "answered some of them",
    "gave numbers that cannot be",
    "gave no number",
)
COLUMNS = ("segment_name", "place", "customer_count", "segment_count", "answered_share",
           "wallet_share", "wallet_low", "wallet_high",
           f"wallet_share{FLOOR}", f"wallet_share{CEILING}")  # fmt: skip


def read_wallets(
    responses: Table | None, segments: pd.DataFrame, *, wallet: Wallet, as_of: datetime.date
) -> pd.DataFrame:
    """Read what each customer with a segment says of the own wallet: one row a customer.

    Of several answers to one question the last one counts. Numbers may have a percent sign and a
    decimal comma.

    Returns
    -------
    DataFrame
        ``segment_name``, ``state`` (answered all of the questions, some, none, or gave numbers that
        cannot be: below zero, above all, or together more than all), and a column a place: ``us``,
        each competitor, and ``elsewhere`` where the answers are shares, as amounts in money or as
        shares; missing unless all is answered. No rows, with the reason, without question or
        answers.
    """
    asked = {US: wallet.question, **wallet.competitor_questions}
    columns = ["segment_name", "state", *asked]
    if not wallet.question:
        return empty_table(columns, NO_QUESTION)
    if is_missing(responses, "customer_id", "question", "answer"):
        return empty_table(columns, NO_ANSWERS)
    found = fetch(_pivot_answers(responses, asked, as_of)).astype({"customer_id": str})
    table = segments[["customer_id", "segment_name"]].merge(found, on="customer_id", how="left")
    table = table.sort_values("customer_id", ignore_index=True).drop(columns="customer_id")
    named = {f"answer_{place}": name for place, name in enumerate(asked)}
    table = table.rename(columns=named)
    if table[list(asked)].isna().all(axis=None):
        return empty_table(columns, NOBODY)
    return _settle(table, list(asked), wallet.unit)


def _pivot_answers(responses: Table, asked: dict[str, str], as_of: datetime.date) -> Table:
    rows = keep_known(responses, "answered_at", as_of)
    rows = rows.filter(_.customer_id.notnull(), _.answer.notnull())
    rows = rows.filter(_.question.strip().isin([one.strip() for one in asked.values()]))
    text = rows.answer.strip().replace("%", "").replace(",", ".").strip()
    has_time = "answered_at" in rows.columns
    order = [ibis.desc("answered_at", nulls_first=False)] if has_time else []
    rows = rows.mutate(question_=rows.question.strip(), number_=text.try_cast("float64"))
    last = take_first(rows, [*order, "answer"], by=["customer_id", "question_"])
    measures = {
        f"answer_{place}": _.number_.max(where=_.question_ == question.strip())
        for place, question in enumerate(asked.values())
    }
    return last.group_by("customer_id").agg(**measures)


def _settle(table: pd.DataFrame, places: list[str], unit: str) -> pd.DataFrame:
    """Say of each customer whether the answers make a wallet, and turn them into its parts."""
    numbers = table[places].astype(float)
    numbers = numbers / 100 if unit == "percent" else numbers
    total = numbers.sum(axis=1, skipna=False)
    is_wrong = ((numbers < 0) | ~np.isfinite(numbers) & numbers.notna()).any(axis=1)
    if unit == "money":
        is_wrong |= total == 0
    else:
        is_wrong |= (numbers.sum(axis=1) > 1 + SLACK) | (numbers > 1).any(axis=1)
        numbers = numbers.div(total.clip(lower=1), axis=0)
        numbers[ELSEWHERE] = (1 - numbers.sum(axis=1, skipna=False)).clip(lower=0)
    known = table[places].notna()
    states = [is_wrong, known.all(axis=1), known.any(axis=1)]
    state = np.select(states, [WRONG, COMPLETE, INCOMPLETE], SILENT)
    numbers.loc[state != COMPLETE] = np.nan
    return table[["segment_name"]].assign(state=state).join(numbers)


def estimate_stated_wallet(wallets: pd.DataFrame, *, is_money: bool = False) -> pd.DataFrame:
    """Estimate which share of their wallet each segment's customers spend where, as they say.

    It is the mean of the customers' shares; of amounts, the sum spent there over the sum spent
    anywhere. Only those who answered all of the questions count.

    Parameters
    ----------
    wallets : DataFrame
        Of `read_wallets`.
    is_money : bool, optional
        Whether the answers are amounts.

    Returns
    -------
    DataFrame
        segment_name, place, customer_count (who answered all), segment_count, answered_share (of
        the segment), wallet_share with its 95 % interval of those who answered in ``wallet_low``
        and ``wallet_high`` (see `bound_ratio`; what the silent spend it does not know), and what
        is left without two customers for the gate.
    """
    if wallets.empty:
        return empty_table(COLUMNS, getattr(wallets, "reason", NOBODY))
    places = [name for name in wallets if name not in ("segment_name", "state")]
    found = []
    for segment, rows in wallets.groupby("segment_name"):
        said = rows.loc[rows["state"] == COMPLETE, places].to_numpy(float)
        whole = said.sum(axis=1) if is_money else np.ones(len(said))
        for number, place in enumerate(places):
            row = {"segment_name": segment, "place": place}
            row |= {"customer_count": len(said), "segment_count": len(rows)}
            row["answered_share"] = len(said) / len(rows)
            found.append(row | _divide_wallet(said[:, number], whole))
    table = pd.DataFrame(found, columns=list(COLUMNS))
    return table if (table["customer_count"] > 0).any() else empty_table(COLUMNS, NOBODY)


def _divide_wallet(part: np.ndarray, whole: np.ndarray) -> dict[str, float]:
    share = part.sum() / whole.sum() if len(part) else np.nan
    low, high = bound_ratio(part, whole)
    floor, ceiling = bound_without_two(part, whole) if len(part) else (np.nan, np.nan)
    figures = (share, low, min(high, 1.0), floor, ceiling)
    return dict(zip(COLUMNS[5:], figures, strict=True))


def count_wallet_answers(wallets: pd.DataFrame) -> pd.DataFrame:
    """Count the customers with a segment by how they answered the questions of the wallet.

    Returns
    -------
    DataFrame
        state (in words), customer_count, customer_share; a row each that has customers.
    """
    columns = ["state", "customer_count", "customer_share"]
    if wallets.empty:
        return empty_table(columns, getattr(wallets, "reason", NOBODY))
    counts = wallets["state"].value_counts()
    counts = counts.reindex([s for s in (COMPLETE, INCOMPLETE, WRONG, SILENT) if s in counts])
    table = counts.rename_axis("state").rename("customer_count").reset_index()
    return table.assign(customer_share=table["customer_count"] / table["customer_count"].sum())
