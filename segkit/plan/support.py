"""What the plan says that the events and the status of a ticket mean."""

from __future__ import annotations

from pydantic import model_validator

from segkit.plan.frozen import Frozen
from segkit.plan.statuses import fold_words


class Support(Frozen):
    """What the events and the status of a ticket mean; words that are not named mean nothing more.

    ``resolved``, ``answered`` and ``reopened`` are events, as in ``resolved = ["Resolve ticket"]``.
    Without ``resolved`` the time of resolution is that of the tickets. ``withdrawn`` are statuses
    of tickets that ended without being resolved: they count as waiting until then. ``left_out``
    are statuses of what was no request of its own. Each word may be written in any letters, with
    blanks, hyphens or underscores.
    """

    resolved: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    reopened: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ("cancelled", "canceled", "withdrawn")
    left_out: tuple[str, ...] = ("merged", "duplicate", "spam", "test")

    @model_validator(mode="after")
    def _check_once(self) -> Support:
        lists = [set(map(fold_words, words)) for words in dict(self).values()]
        every = [word for words in lists for word in words]
        twice = sorted({word for word in every if every.count(word) > 1})
        if twice:
            raise ValueError(f"'{twice[0]}' stands in two lists; a word means one thing")
        return self
