"""Customers' own words, from the engine as a bounded sample, with their language."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import ibis
import pandas as pd
from ibis import Table, _

from segkit.core.absence import is_missing
from segkit.evidence.experience.survey import VERBATIM, classify_questions
from segkit.evidence.themes_words import NOT_TOLD, clean_text, tell_languages
from segkit.features.expressions import keep_known
from segkit.features.survey import find_answers, take_last

TICKETS = "support tickets"
FEWEST_TEXTS = 200
MOST_TEXTS = 20_000  # of each source; more are sampled
LONGEST_TEXT = 2_000  # signs of a text that are read
NAME_COLUMNS = ("name", "email")  # of customers: what words may not be among


def gather_texts(
    tables: Mapping[str, Table], questions: Sequence[str], *, as_of: datetime.date
) -> pd.DataFrame:
    """Return source, text and customer_id, one row a customer and text, of bounded samples."""
    parts = []
    tickets = tables.get("tickets")
    if not is_missing(tickets, "customer_id", "body"):
        known = keep_known(tickets, "opened_at", as_of)
        parts.append(_sample_texts(known.select("customer_id", text=_.body), TICKETS))
    responses = tables.get("responses")
    answers = find_answers(responses, as_of)
    if answers is not None:
        kinds = classify_questions(responses)
        free = kinds.loc[kinds["kind"] == VERBATIM, "question"]
        last = take_last(answers)
        for question in questions or free:
            own = last.filter(_.question == question).select("customer_id", text=_.answer)
            parts.append(_sample_texts(own, question))
    columns = ["source", "text", "customer_id"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _sample_texts(rows: Table, source: str) -> pd.DataFrame:
    """Return at most `MOST_TEXTS` rows of a source, chosen by a hash of customer and text."""
    rows = rows.mutate(
        text=_.text.strip().substr(0, LONGEST_TEXT), customer_id=_.customer_id.cast("string")
    )
    rows = rows.filter(_.customer_id.notnull(), _.text.notnull(), _.text != "").distinct()
    key = rows.customer_id.concat("|", rows.text).hexdigest("md5")
    rows = rows.order_by(key, "customer_id", "text").limit(MOST_TEXTS)
    found = rows.to_pandas().sort_values(["text", "customer_id"], ignore_index=True)
    return found.assign(source=source)[["source", "text", "customer_id"]]


def tell_apart(rows: pd.DataFrame, languages: Sequence[str]) -> pd.DataFrame:
    """Add the cleaned text and its language."""
    sizes = rows["source"].map(rows["source"].value_counts())
    if not (sizes >= FEWEST_TEXTS).any():  # nothing will be read, whatever the language
        return rows.assign(cleaned="", language=NOT_TOLD)
    texts = rows["text"].unique()
    cleaned = {text: clean_text(text) for text in texts}
    counts = rows["text"].value_counts().reindex(texts).to_numpy()
    told = tell_languages([cleaned[text] for text in texts], languages, counts=counts)
    by_text = dict(zip(texts, told, strict=True))
    return rows.assign(
        cleaned=rows["text"].map(cleaned).astype(object), language=rows["text"].map(by_text)
    )


class Names:
    """Which words are part of a customer's name or e-mail address; asked in the engine."""

    def __init__(self, customers: Table | None):
        columns = getattr(customers, "columns", ())
        self.columns = [name for name in NAME_COLUMNS if name in columns]
        self.customers = customers

    def find(self, words: Sequence[str]) -> set[str]:
        """Return those of some words, in small letters, that are in a name or an address."""
        if self.customers is None or not self.columns or not len(words):
            return set()
        told = ibis.literal("").concat(
            *(self.customers[name].fill_null("").concat(" ") for name in self.columns)
        )
        parts = self.customers.select(word=told.lower().re_split(r"[^\p{L}]+").unnest()).distinct()
        asked = ibis.memtable(pd.DataFrame({"word": sorted(set(words))}))
        return set(asked.semi_join(parts, "word").to_pandas()["word"])
