"""Whether a yes has to wait, since the segments foresee nothing of the time that was held out.

Segments that hold may still say nothing of what customers do next. Where later time was held out,
see `segkit.validation.usefulness`, a plain yes is said only of segments that foresee some of it.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import ibis

from segkit.core.settings import Settings
from segkit.plan.models import Plan, Scheme
from segkit.validation.usefulness import Usefulness, measure_usefulness

FORESEES_NOTHING = "nothing"


def measure_foresight(
    tables: Mapping[str, ibis.Table],
    scheme: Scheme,
    plan: Plan,
    *,
    n_segments: int,
    at: Settings,
    split_on: datetime.date | str = "",
) -> Usefulness:
    """Compare a plan's scheme on time that it has not seen; see `measure_usefulness`.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
    scheme : Scheme
        One of the plan's.
    plan : Plan
        How its features are built.
    n_segments : int
        The number of segments that was chosen.
    at : Settings
        The last day counted, the seed and the smallest cell.
    split_on : date or str, optional
        The last day known; chosen from the data, if not given.
    """
    return measure_usefulness(
        tables,
        scheme,
        n_segments=n_segments,
        as_of=at.as_of,
        random_state=at.random_state,
        split_on=split_on,
        settings=plan,
        smallest_cell=at.smallest_cell,
    )


def has_to_wait(useful: Usefulness) -> bool:
    """Return whether a yes has to wait for what the segments say of later time.

    That is where it was measured, and no outcome is explained better than by nothing: each
    interval, widened for the number of outcomes, holds zero or less, or the share explained is
    below one hundredth. What was not measured holds nothing up.
    """
    return not useful.reason and useful.answer == FORESEES_NOTHING
