"""Themes of customers' own words: languages, words that may be shown, stability, segments."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts

from segkit.core.errors import SegkitError
from segkit.core.settings import Settings
from segkit.evidence.themes import read_verbatims
from segkit.evidence.themes_fit import find_themes, judge_stability
from segkit.evidence.themes_words import (
    NOT_TOLD,
    clean_text,
    find_proper_words,
    list_terms,
    mask_text,
    tell_languages,
)
from segkit.plan.surveys import Verbatims
from segkit.report import themes as told

AT = Settings(as_of=datetime.date(2026, 6, 30), random_state=3, smallest_cell=5)
SUBJECTS = {
    "parcel": ("parcel", "courier", "doorstep", "depot", "lorry"),
    "zip": ("zip", "pole", "seam", "fabric", "buckle"),
    "invoice": ("invoice", "currency", "receipt", "voucher", "payment"),
}
TEXT = "The {} and the {} and also the {} were a disappointment"


def write_texts(subject: str, count: int, rng: np.random.Generator) -> list[str]:
    words = SUBJECTS[subject]
    return [TEXT.format(*rng.choice(words, 3, replace=False)) for _one in range(count)]


def make_shop(texts: list[str], names: list[str] | None = None, **columns):
    """Return tables and segments: one ticket a customer, segments by turns."""
    ids = [f"c{number:04d}" for number in range(len(texts))]
    tickets = pd.DataFrame({"ticket_id": ids, "customer_id": ids, "body": texts, **columns})
    tickets["opened_at"] = pd.Timestamp("2026-05-01")
    tables = {"tickets": ibis.memtable(tickets)}
    if names is not None:
        people = pd.DataFrame({"customer_id": ids, "name": names, "email": [None] * len(ids)})
        tables["customers"] = ibis.memtable(people.astype({"email": "str"}))
    segments = pd.DataFrame(
        {"customer_id": ids, "segment_name": [f"s{n % 2}" for n in range(len(ids))]}
    )
    return tables, segments


@pytest.fixture(scope="module")
def three_subjects() -> tuple:
    """Customers of s0 write of parcels twice as often; each subject has words of its own."""
    rng = np.random.default_rng(1)
    kinds = rng.choice(["zip", "invoice"], 600)
    kinds[::2] = np.where(rng.random(300) < 0.7, "parcel", kinds[::2])
    texts = [write_texts(kind, 1, rng)[0] for kind in kinds]
    texts[0] = (
        "<b>The parcel</b> of Aino Virtanen, eva@example.com, 555 1234, was late at the depot"
    )
    names = ["Courier Jones" if number < 3 else "Nobody" for number in range(600)]
    tables, segments = make_shop(texts, names)
    found = read_verbatims(tables, segments, Verbatims(excerpts=True), at=AT)
    return found, kinds


def test_planted_subjects_are_found_and_hold(three_subjects):
    found, kinds = three_subjects
    assert found.sources["outcome"].tolist() == ["read"]
    assert set(found.themes["verdict"]) <= {"stable", "doubtful"}
    by_words = {
        subject: {
            words
            for words in found.themes["words"]
            if set(words.split(", ")) & set(SUBJECTS[subject])
        }
        for subject in SUBJECTS
    }
    assert all(by_words.values())
    assert not by_words["zip"] & by_words["invoice"]
    said = found.said[found.said["words"].isin(by_words["parcel"])]
    assert said["customer_id"].nunique() == pytest.approx((kinds == "parcel").sum(), abs=3)


def test_a_word_that_is_part_of_a_customers_name_is_not_shown(three_subjects):
    found, _kinds = three_subjects
    assert "courier" not in " ".join(found.themes["words"])


def test_excerpts_have_masks_and_no_names(three_subjects):
    found, _kinds = three_subjects
    text = " ".join(found.excerpts["excerpt"])
    for word in ("Aino", "Virtanen", "example.com", "1234", "<b>"):
        assert word not in text
    assert "courier" not in text.lower()


def test_segments_that_write_more_of_a_theme_are_told(three_subjects):
    found, _kinds = three_subjects
    published = [publish(table, view) for table, view in told.list_tables(found)]
    texts = read_texts(told.state_themes(published))
    assert any("of “s0”" in text and "more than chance" in text for text in texts)
    assert told.lay_out_themes(published)
    counts = found.by_segment.groupby("theme")["customer_count"].sum()
    themes = found.themes.set_index("theme")["customer_count"]
    assert counts.to_dict() == themes[counts.index].to_dict()


def test_the_same_texts_in_another_order_make_the_same_themes(three_subjects):
    rng = np.random.default_rng(1)
    texts = [write_texts(kind, 1, rng)[0] for kind in ["zip", "invoice"] * 150]
    tables, segments = make_shop(texts)
    shuffled = {
        "tickets": ibis.memtable(tables["tickets"].to_pandas().sample(frac=1, random_state=2))
    }
    one, two = (read_verbatims(own, segments, at=AT) for own in (tables, shuffled))
    pd.testing.assert_frame_equal(one.themes, two.themes)
    pd.testing.assert_frame_equal(one.by_segment, two.by_segment)
    assert one.excerpts.empty
    assert "allows no excerpts" in one.excerpts.reason


@pytest.mark.parametrize(
    ("texts", "outcome"),
    [
        (["The parcel was late at the door again"] * 199, "too few texts"),
        (["The parcel was late at the door again"] * 220, "too few different texts"),
    ],
)
def test_too_few_texts_are_counted_and_not_read(texts, outcome):
    tables, segments = make_shop(texts)
    found = read_verbatims(tables, segments, at=AT)
    assert found.sources["outcome"].tolist() == [outcome]
    published = [publish(table, view) for table, view in told.list_tables(found)]
    last = read_texts(told.state_themes(published))[-1]
    assert f"{outcome}, {'199 of 200' if len(texts) < 200 else '1 of 13'}." in last


def test_without_texts_one_line_says_so():
    _tables, segments = make_shop(["x"] * 3)
    for tables in ({}, {"tickets": ibis.memtable(pd.DataFrame({"customer_id": ["a"]}))}):
        found = read_verbatims(tables, segments, at=AT)
        published = [publish(table, view) for table, view in told.list_tables(found)]
        (exhibit,) = told.lay_out_themes(published)
        assert "own words" in exhibit.thing[0].text


def test_texts_without_a_word_that_enough_use_have_no_themes():
    texts = [
        f"Qx{chr(97 + n % 26)}{chr(97 + n // 26)}blorp the and was again here" for n in range(260)
    ]
    tables, segments = make_shop(texts)
    found = read_verbatims(tables, segments, Verbatims(languages=("en",)), at=AT)
    assert found.themes.empty
    assert found.sources["outcome"].tolist() == ["too few words that enough customers use"]


def test_words_drawn_by_lot_have_no_theme_that_holds():
    """Fifty words, each text any eight of them: there is nothing to be found."""
    rng = np.random.default_rng(4)
    words = [f"word{chr(97 + n // 10)}{chr(97 + n % 10)}" for n in range(50)]
    held = 0
    for seed in range(4):
        terms = [list(rng.choice(words, 8, replace=False)) for _text in range(300)]
        writers = pd.DataFrame({"text_id": range(300), "customer_id": range(300)})
        found = find_themes(terms, writers, vocabulary=words, random_state=seed)
        held += judge_stability(found.mean_stability) != "not stable"
    assert held == 0


def test_a_text_without_leading_words_belongs_to_no_theme():
    rng = np.random.default_rng(0)
    terms = [list(rng.choice(SUBJECTS[kind], 3, replace=False)) for kind in ["zip", "parcel"] * 100]
    terms.append(["elsewhere"])
    writers = pd.DataFrame({"text_id": range(201), "customer_id": range(201)})
    vocabulary = sorted({term for own in terms for term in own})
    found = find_themes(terms, writers, vocabulary=vocabulary, random_state=0)
    assert found.places[-1] == -1
    assert set(found.places[:-1]) >= {0, 1}


@pytest.mark.parametrize(
    ("stability", "word"), [(0.9, "stable"), (0.7, "doubtful"), (0.5, "not stable")]
)
def test_the_words_for_stability_are_hennigs(stability, word):
    assert judge_stability(stability) == word


def test_languages_are_told_of_texts_that_are_long_enough():
    texts = [
        "Where is my parcel? It should have come on Friday.",
        "Var är mitt paket? Det är försenat sedan länge.",
        "Haluan palauttaa reput, koska väri on väärä.",
        "Kus mu pakk on? Jälgimine ei tööta enam.",
        "ok",
        "",
    ]
    assert tell_languages(texts).tolist() == ["en", "sv", "fi", "et", NOT_TOLD, NOT_TOLD]
    with pytest.raises(SegkitError, match="cannot be told"):
        tell_languages(texts, ["xx"])


def test_a_sure_language_stays_however_rare_and_a_doubtful_text_is_told_among_the_spoken():
    many = ["We need the invoice with our number by Friday, please."] * 1
    rare = "Rēķinā ir nepareiza adrese, lūdzu, izlabojiet to."
    found = tell_languages([*many, rare], counts=[1000, 1])
    assert found.tolist() == ["en", "lv"]


def test_terms_are_lemmas_without_stop_words():
    assert list_terms(["The parcels were lost and the boxes broken"], "en") == [
        ["parcel", "lose", "box", "break"]
    ]
    blind = list_terms(["The parcels were lost"], NOT_TOLD, spoken=["en"])
    assert blind == [["parcels", "lost"]]


def test_markup_addresses_and_numbers_are_no_words():
    text = "<a href='x'>See</a> http://x.org or a.b@c.de, A12 &lt;script&gt;alert()&lt;/script&gt;"
    assert "script" not in clean_text(text)
    assert "c.de" not in clean_text(text)
    assert "A12" not in clean_text(text)


def test_words_that_are_only_written_large_inside_of_sentences_may_be_names():
    texts = ["I asked Virtanen about it. Delivery was late.", "The delivery by Posti was late"]
    assert find_proper_words(texts, "en") == {"virtanen", "posti"}
    assert find_proper_words(texts, "de") == set()


def test_masks_stand_for_names_numbers_and_whatever_is_written_large():
    text = "Dear eva, I am O'Brien of Turku (id 77), see www.x.fi. My tent broke."
    masked = mask_text(text, {"eva", "brien"})
    assert masked == "Dear […], I am […] of […] (id […] see […] My tent broke."
    assert len(mask_text("word " * 100, set())) < 130
