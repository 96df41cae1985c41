"""Words of texts: the language, what a word is brought back to, and which may be shown.

Nothing is downloaded: the model of languages (py3langid), the tables of lemmas (simplemma) and the
lists of stop words (stopwordsiso) come with the packages, which are imported where they are needed.
"""

from __future__ import annotations

import functools
import html
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

import numpy as np
import pandas as pd

NOT_TOLD = "not told"
FEWEST_WORDS = 3  # of fewer words a language is not told
ENOUGH_CONFIDENCE = 0.6
SURE_AMONG_FEW = 0.8  # of few languages one is always likely
SPOKEN_SHARE = 0.02  # a language of fewer of the texts that are sure is not taken to be spoken here
# Words are not parted by spaces in these.
WITHOUT_SPACES = frozenset({"zh", "ja", "th", "km", "lo", "my", "bo", "dz"})
WRITTEN_LARGE = frozenset({"de", "lb"})  # all nouns have a capital
SHORTEST_WORD = 3
MARKUP = re.compile(r"<[^<>]*>")
# Whatever may tell who somebody is: addresses, links, numbers.
TELLING = re.compile(r"https?://\S+|www\.\S+|\S*[@\d]\S*")
WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
STARTS = re.compile(r"[.!?:;…\n]\s*[\"'“”«»(]*$")
MASK = "[…]"
LONGEST_EXCERPT = 120


def clean_text(text: str) -> str:
    """Return a text without marks of HTML, addresses, links and numbers.

    >>> clean_text("<p>Order 4711 &amp; my mail is eva@example.com</p>").split()
    ['Order', '&', 'my', 'mail', 'is']
    """
    plain = MARKUP.sub(" ", html.unescape(MARKUP.sub(" ", str(text))))
    return TELLING.sub(" ", plain)


def list_words(text: str) -> list[str]:
    """Return the words of a cleaned text, of three letters or more, as they are written."""
    return [word for word in WORD.findall(text) if len(word) >= SHORTEST_WORD]


def tell_languages(
    texts: Sequence[str], languages: Sequence[str] = (), *, counts: Sequence[int] | None = None
) -> np.ndarray:
    """Return the language (ISO 639-1) of each cleaned text, or ``not told``.

    Texts are first told apart among all languages. Those that at least a fiftieth of the sure ones
    are in are taken to be spoken here, and the rest is told among these: a short text says little
    of a hundred languages, and enough of five.

    Parameters
    ----------
    texts : sequence of str
    languages : sequence of str, optional
        Those that customers write in; told from the texts if empty.
    counts : sequence of int, optional
        How often each text was written; once if not given.
    """
    from segkit.evidence.language_model import load_identifier

    identifier = load_identifier(languages)
    needed = SURE_AMONG_FEW if languages else ENOUGH_CONFIDENCE
    told = np.full(len(texts), NOT_TOLD, dtype=object)
    is_long = [len(WORD.findall(text)) >= FEWEST_WORDS for text in texts]
    spoken: Counter[str] = Counter()
    for place in np.flatnonzero(is_long):
        name, confidence = identifier.classify(texts[place])
        if confidence >= needed:
            told[place] = name
            spoken[name] += 1 if counts is None else int(counts[place])
    common = [name for name, count in spoken.items() if count >= SPOKEN_SHARE * spoken.total()]
    if len(common) < 2 or languages:
        return told
    identifier.set_languages(sorted(common))
    for place in np.flatnonzero(is_long & ~np.isin(told, common)):
        name, confidence = identifier.classify(texts[place])
        told[place] = name if confidence >= SURE_AMONG_FEW else NOT_TOLD
    return told


def make_stemmer(language: str) -> Callable[[str], str]:
    """Return a function that brings a word to its lemma; to small letters where none are known."""
    import simplemma

    try:
        simplemma.lemmatize("a", lang=language)
    except ValueError:
        return str.lower

    @functools.cache
    def bring_back(word: str) -> str:
        return simplemma.lemmatize(word.lower(), lang=language).lower()

    return bring_back


def find_stop_words(languages: Iterable[str]) -> frozenset[str]:
    """Return the words of these languages that say nothing of what a text is about."""
    import stopwordsiso

    known = [name for name in languages if stopwordsiso.has_lang(name)]
    return frozenset(stopwordsiso.stopwords(known)) if known else frozenset()


def list_terms(
    texts: Sequence[str], language: str, *, spoken: Collection[str] = ()
) -> list[list[str]]:
    """Return the terms of each cleaned text: lemmas in small letters, without stop words.

    Of texts whose language is not told, words stay as they are, and the stop words of all languages
    that are ``spoken`` here are left out.
    """
    bring_back = make_stemmer(language) if language != NOT_TOLD else str.lower
    stop = find_stop_words(sorted(spoken) if language == NOT_TOLD else [language])
    found = []
    for text in texts:
        terms = [(word.lower(), bring_back(word)) for word in list_words(text)]
        found.append(
            [
                term
                for word, term in terms
                if word not in stop and term not in stop and len(term) >= SHORTEST_WORD
            ]
        )
    return found


def find_proper_words(texts: Sequence[str], language: str) -> set[str]:
    """Return words, in small letters, that are written large inside of sentences and never small.

    They may name somebody. Where every noun is written large, none are told.
    """
    if language in WRITTEN_LARGE:
        return set()
    large: set[str] = set()
    small: set[str] = set()
    for text in texts:
        for match in WORD.finditer(text):
            word = match.group()
            if word[0].islower():
                small.add(word.lower())
            elif word[0].isupper() and _is_inside(text, match.start()):
                large.add(word.lower())
    return large - small


def _is_inside(text: str, start: int) -> bool:
    """Return whether a word stands inside of a sentence, and not at its start."""
    before = text[:start]
    return bool(before.strip()) and not STARTS.search(before)


def mask_text(text: str, names: Collection[str]) -> str:
    """Return a short text in which whatever may tell who somebody is has a mask.

    Masked are addresses, links and numbers, words that are among the ``names`` of customers (in
    small letters), and words that are written large inside of a sentence.

    >>> mask_text("Hello, Eva Virtanen here, order 4711: eva@example.com", {"eva", "virtanen"})
    'Hello, […] […] here, order […] […]'
    """
    plain = " ".join(MARKUP.sub(" ", html.unescape(MARKUP.sub(" ", str(text)))).split())
    parts = []
    place = 0
    for match in re.finditer(rf"({TELLING.pattern})|({WORD.pattern})", plain):
        word = match.group()
        is_name = bool(split_words(word) & set(names))
        is_large = len(word) > 1 and word[0].isupper() and _is_inside(plain, match.start())
        is_telling = bool(TELLING.fullmatch(word))
        parts.append(plain[place : match.start()])
        parts.append(MASK if is_name or is_large or is_telling else word)
        place = match.end()
    masked = "".join([*parts, plain[place:]])
    if len(masked) <= LONGEST_EXCERPT:
        return masked
    return masked[:LONGEST_EXCERPT].rsplit(" ", 1)[0] + " …"


def split_words(text: str) -> set[str]:
    """Return the parts of a text's words, in small letters, as names are looked up."""
    words = WORD.findall(text.lower())
    return {part for word in words for part in re.split(r"['’-]", word)} | set(words)


def count_users(terms: Sequence[Sequence[str]], writers: pd.DataFrame) -> pd.Series:
    """Return how many customers use each term.

    Parameters
    ----------
    terms : sequence of sequence of str
        By text.
    writers : DataFrame
        ``text_id``, the place of a text in ``terms``, and ``customer_id``.
    """
    each = pd.Series([sorted(set(words)) for words in terms], name="term").explode().dropna()
    rows = writers[["text_id", "customer_id"]].drop_duplicates()
    rows = rows.merge(each.rename_axis("text_id").reset_index(), on="text_id")
    return rows.groupby("term")["customer_id"].nunique()
