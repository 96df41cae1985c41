"""What the plan says that the status of an order means."""

from __future__ import annotations

import re
import unicodedata

from pydantic import model_validator

from segkit.plan.frozen import Frozen


class Statuses(Frozen):
    """What the status of an order means: a sale, an order taken back, or one that is left out.

    Each word may be written in any letters, with blanks, hyphens or underscores.
    """

    sales: tuple[str, ...] = ()
    taken_back: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check_once(self) -> Statuses:
        lists = [set(map(fold_words, words)) for words in dict(self).values()]
        every = [word for words in lists for word in words]
        twice = sorted({word for word in every if every.count(word) > 1})
        if twice:
            raise ValueError(f"'{twice[0]}' stands in two lists; a status means one thing")
        return self


def fold_words(text: str) -> str:
    """Return a text in small letters without accents; hyphens and underscores become blanks.

    Examples
    --------
    >>> fold_words(" On-Hold "), fold_words("PAYÉ")
    ('on hold', 'paye')
    """
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(re.split(r"[\s_-]+", letters)).strip()
