"""What customers write about: themes of tickets, reviews and answers, in any language.

Texts come from the engine as a bounded sample, one row a customer and text, and stay in this
module: what leaves it are counts, words that enough customers use, and, where the plan allows,
short excerpts with names and numbers masked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ibis import Table

from segkit.core.absence import empty_table
from segkit.core.contrasts import compare_with_others
from segkit.core.settings import Settings
from segkit.evidence.experience.survey import MOST_CHOICES
from segkit.evidence.segment_summaries import add_interval
from segkit.evidence.themes_fit import (
    NOT_STABLE,
    Themes,
    find_themes,
    judge_stability,
    list_leading,
)
from segkit.evidence.themes_texts import FEWEST_TEXTS, Names, gather_texts, tell_apart
from segkit.evidence.themes_words import (
    NOT_TOLD,
    WITHOUT_SPACES,
    count_users,
    find_proper_words,
    list_terms,
    mask_text,
    split_words,
)
from segkit.plan.surveys import Verbatims

FEWEST_DIFFERENT = MOST_CHOICES + 1  # a question with fewer different answers is a choice
SHOWN_WORDS = 5
COMMON_SHARE = 0.8  # a word of more texts tells none from another
LARGE_TIMES = 4  # a word that is always written large needs so many times the smallest cell
READ = "read"
FEW = "too few texts"
ALIKE = "too few different texts"
NO_SPACES = "words are not parted by spaces"
NO_WORDS = "too few words that enough customers use"
SOURCES = (
    "source", "language", "text_count", "customer_count", "different_count", "outcome",
    "needed_count", "placed_count", "placed_share",
)  # fmt: skip
THEMES = (
    "source", "language", "theme", "words", "customer_count", "writer_count", "share", "low",
    "high", "stability", "verdict",
)  # fmt: skip
BY_SEGMENT = (
    "source", "language", "theme", "words", "segment_name", "customer_count", "writer_count",
    "share", "low", "high", "other_share", "corrected_p_value", "is_different",
)  # fmt: skip
EXCERPTS = ("source", "language", "theme", "place", "words", "customer_count", "excerpt")
MOST_EXCERPTS = 2  # of each theme


@dataclass(frozen=True)
class Verbatim:
    """What was found in customers' own words.

    Attributes
    ----------
    sources : DataFrame
        One row a source and language: source, language, text_count, customer_count,
        different_count, the outcome, ``read`` or why not, and needed_count, how many texts, or
        different ones, there would have to be; and placed_count and placed_share, who writes of
        a theme.
    themes : DataFrame
        One row a theme: source, language, theme (a number), words, customer_count, writer_count
        (who wrote in this source and language), share with low and high, stability and verdict.
    by_segment : DataFrame
        One row a theme that holds and segment, see `THEMES`, with other_share (of all others),
        corrected_p_value and is_different.
    excerpts : DataFrame
        One row an excerpt; without rows unless the plan allows them.
    said : DataFrame
        customer_id, source and words, one row a customer and theme, and one with empty words for
        who wrote at all, for `segkit.evidence.common_trends`; not to be published.
    """

    sources: pd.DataFrame
    themes: pd.DataFrame
    by_segment: pd.DataFrame
    excerpts: pd.DataFrame
    said: pd.DataFrame


def read_verbatims(
    tables: Mapping[str, Table],
    segments: pd.DataFrame,
    verbatims: Verbatims | None = None,
    *,
    at: Settings,
) -> Verbatim:
    """Find the themes of tickets and of answers in customers' own words, by source and language.

    A source is read in a language from 200 texts on, of which at least 13 differ. Words are shown
    that at least ``at.smallest_cell`` customers use, and that are no part of a customer's name or
    e-mail address. Each segment's share of a theme is compared with that of all others by the score
    test, corrected for all comparisons (Holm).

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        Of which tickets, responses and customers are looked at.
    segments : DataFrame
        customer_id and segment_name; who has no segment is left out.
    verbatims : Verbatims, optional
        What the plan says of them.
    at : Settings
        The last day counted, the smallest cell and the seed.
    """
    verbatims = verbatims or Verbatims()
    rows = gather_texts(tables, verbatims.questions, as_of=at.as_of)
    rows = rows.merge(segments[["customer_id", "segment_name"]], on="customer_id")
    if rows.empty:
        return _find_nothing("No customer with a segment wrote anything in their own words.")
    rows = tell_apart(rows, verbatims.languages)
    spoken = sorted(set(rows["language"]) - {NOT_TOLD})
    sources = _describe_sources(rows)
    names = Names(tables.get("customers"))
    outcomes, placed = [], []
    found = []
    for place in sources.itertuples():
        outcome = place.outcome
        if outcome == READ:
            is_own = (rows["source"] == place.source) & (rows["language"] == place.language)
            own = rows[is_own].reset_index(drop=True)
            part = _read_source(own, spoken, names, excerpts=verbatims.excerpts, at=at)
            found += [part] if part is not None else []
            outcome = NO_WORDS if part is None else outcome
        outcomes.append(outcome)
        placed.append(_count_placed(found[-1][-1]) if outcome == READ else 0)
    sources = sources.assign(outcome=outcomes, placed_count=placed)
    share = sources["placed_count"] / sources["customer_count"]
    sources["placed_share"] = share.where(sources["outcome"] == READ)
    if not found:
        nothing = _find_nothing("Of no source and language are there enough texts for themes.")
        return Verbatim(sources, nothing.themes, nothing.by_segment, nothing.excerpts, nothing.said)
    themes, by_segment, excerpts, said = (
        pd.concat(part, ignore_index=True) for part in zip(*found, strict=True)
    )
    if excerpts.empty:
        excerpts = _find_nothing("The plan allows no excerpts.").excerpts
    return Verbatim(sources, themes, _correct(by_segment), excerpts, said)


def _find_nothing(reason: str) -> Verbatim:
    said = ("customer_id", "words", "source")
    return Verbatim(
        *(empty_table(c, reason) for c in (SOURCES, THEMES, BY_SEGMENT, EXCERPTS, said))
    )


def _count_placed(said: pd.DataFrame) -> int:
    """Return how many customers write of a theme."""
    return int(said.loc[said["words"] != "", "customer_id"].nunique())


def _describe_sources(rows: pd.DataFrame) -> pd.DataFrame:
    groups = rows.groupby(["source", "language"], sort=True)
    table = groups.agg(
        text_count=("text", "size"),
        customer_count=("customer_id", "nunique"),
        different_count=("text", "nunique"),
    ).reset_index()
    is_few = table["text_count"] < FEWEST_TEXTS
    is_alike = table["different_count"] < FEWEST_DIFFERENT
    has_no_spaces = table["language"].isin(WITHOUT_SPACES)
    outcome = np.select([has_no_spaces, is_few, is_alike], [NO_SPACES, FEW, ALIKE], READ)
    needed = np.where(is_few, FEWEST_TEXTS, FEWEST_DIFFERENT)
    return table.assign(outcome=outcome.astype(object), needed_count=needed)


def _read_source(
    rows: pd.DataFrame, spoken: list[str], names: Names, *, excerpts: bool, at: Settings
) -> tuple[pd.DataFrame, ...] | None:
    """Return the tables of one source in one language; None where too few words can be told."""
    language = rows.at[0, "language"]
    texts = rows["text"].unique()
    rows = rows.assign(text_id=pd.Index(texts).get_indexer(rows["text"]))
    cleaned = rows.drop_duplicates("text_id").sort_values("text_id")["cleaned"].tolist()
    terms = list_terms(cleaned, language, spoken=spoken)
    vocabulary = _choose_vocabulary(terms, cleaned, rows, names, smallest_cell=at.smallest_cell)
    found = find_themes(terms, rows, vocabulary=vocabulary, random_state=at.random_state)
    if found is None:
        return None
    labelled = _label_themes(found, terms, rows, smallest_cell=at.smallest_cell)
    placed = rows.assign(place=found.places[rows["text_id"]]).merge(labelled, on="place")
    if placed.empty:
        return None
    shown = _pick_excerpts(placed, found, names) if excerpts else _list_no_excerpts()
    said = placed[["customer_id", "words", "source"]].drop_duplicates(ignore_index=True)
    writers = rows[["customer_id", "source"]].drop_duplicates().assign(words="")
    return (
        _count_themes(placed, rows),
        _count_segments(placed, rows),
        shown,
        pd.concat([said, writers]),
    )


def _choose_vocabulary(
    terms: list[list[str]],
    texts: list[str],
    rows: pd.DataFrame,
    names: Names,
    *,
    smallest_cell: int,
) -> list[str]:
    """Return the terms that may be told, by alphabet."""
    users = count_users(terms, rows)
    writers = rows["customer_id"].nunique()
    users = users[(users >= smallest_cell) & (users <= COMMON_SHARE * writers)]
    rare = set(users.index[users < LARGE_TIMES * smallest_cell])
    hidden = names.find(list(users.index)) | rare & find_proper_words(texts, rows.at[0, "language"])
    return sorted(set(users.index) - hidden)


def _label_themes(
    found: Themes, terms: list[list[str]], rows: pd.DataFrame, *, smallest_cell: int
) -> pd.DataFrame:
    """Return place, theme, words, stability and verdict of the themes that may be told.

    A word of a theme is told if enough customers use it in texts of that theme. Themes are numbered
    by how many customers write of them.
    """
    places = found.places[rows["text_id"]]
    told = []
    for place, part in enumerate(found.parts):
        own = rows[places == place]
        users = count_users(terms, own)
        words = [found.terms[term] for term in list_leading(part)]
        words = [word for word in words if users.get(word, 0) >= smallest_cell][:SHOWN_WORDS]
        if words:
            stability = float(found.stability[place])
            row = (place, own["customer_id"].nunique(), ", ".join(words), stability)
            told.append((*row, judge_stability(stability)))
    table = pd.DataFrame(told, columns=["place", "count", "words", "stability", "verdict"])
    table = table.sort_values(["count", "words"], ascending=[False, True], ignore_index=True)
    return table.assign(theme=np.arange(1, len(table) + 1)).drop(columns="count")


def _count_themes(placed: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    by = ["source", "language", "theme", "words", "stability", "verdict"]
    table = placed.groupby(by).agg(customer_count=("customer_id", "nunique")).reset_index()
    table = table.assign(writer_count=rows["customer_id"].nunique())
    table = add_interval(table, "", hits="customer_count", trials="writer_count")
    return table[list(THEMES)]


def _count_segments(placed: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Count who wrote of each theme that holds, and who wrote at all, by segment."""
    by = ["source", "language", "theme", "words"]
    themes = placed.loc[placed["verdict"] != NOT_STABLE, by].drop_duplicates()
    writers = rows.groupby("segment_name")["customer_id"].nunique().rename("writer_count")
    grid = themes.merge(writers.reset_index(), how="cross")
    wrote = placed.groupby(["theme", "segment_name"])["customer_id"].nunique()
    grid = grid.merge(
        wrote.rename("customer_count").reset_index(), on=["theme", "segment_name"], how="left"
    )
    return grid.fillna({"customer_count": 0}).astype({"customer_count": "int64"})


def _correct(table: pd.DataFrame) -> pd.DataFrame:
    """Compare each segment's share of a theme with that of all others."""
    if table.empty:
        reason = "No theme holds when others are drawn, so none is compared between segments."
        return empty_table(BY_SEGMENT, reason)
    table = add_interval(table, "", hits="customer_count", trials="writer_count")
    by = ["source", "language", "theme"]
    counts = table[["customer_count", "writer_count"]]
    hits, trials = counts.to_numpy(float).T
    whole_hits, whole_trials = table.groupby(by)[list(counts)].transform("sum").to_numpy(float).T
    compared = compare_with_others(hits, trials, whole_hits=whole_hits, whole_trials=whole_trials)
    return table.assign(**compared)[list(BY_SEGMENT)]


def _list_no_excerpts() -> pd.DataFrame:
    return pd.DataFrame(columns=list(EXCERPTS))


def _pick_excerpts(placed: pd.DataFrame, found: Themes, names: Names) -> pd.DataFrame:
    """Return the texts that are most of their theme, masked; of texts alike that of more first."""
    by = ["source", "language", "theme", "words"]
    placed = placed.assign(weight=found.weights[placed["text_id"]].round(3))
    wrote = placed.groupby("theme")["customer_id"].nunique()
    texts = placed.groupby([*by, "text"], as_index=False).agg(
        weight=("weight", "first"), writer_count=("customer_id", "nunique")
    )
    order = ["theme", "weight", "writer_count", "text"]
    texts = texts.sort_values(order, ascending=[True, False, False, True])
    chosen = texts.groupby("theme", sort=False).head(MOST_EXCERPTS)
    words = {part for text in chosen["text"] for part in split_words(text)}
    hidden = names.find(sorted(words))
    return chosen.assign(
        place=chosen.groupby("theme").cumcount() + 1,
        excerpt=[mask_text(text, hidden) for text in chosen["text"]],
        customer_count=chosen["theme"].map(wrote),
    )[list(EXCERPTS)]
