"""Whether a yes has to wait, since the segments foresee nothing of the time that was held out.

Segments that hold may still say nothing of what customers do next. Where later time was held out,
see `segkit.validation.usefulness`, a plain yes is said only of segments that foresee some of it.
"""

from __future__ import annotations

from segkit.validation.usefulness import Usefulness

FORESEES_NOTHING = "nothing"


def has_to_wait(useful: Usefulness) -> bool:
    """Return whether a yes has to wait for what the segments say of later time.

    That is where it was measured, and no outcome is explained better than by nothing: each
    interval, widened for the number of outcomes, holds zero or less, or the share explained is
    below one hundredth. What was not measured holds nothing up.
    """
    return not useful.reason and useful.answer == FORESEES_NOTHING
