"""What the plan says of recommendations: how many, judged on which days, and what is left out."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from segkit.plan.frozen import Frozen


class Recommendations(Frozen):
    """How products are recommended.

    Each list has ``count`` products. How good lists are is judged on the last ``judged_days``;
    without them on a quarter of the time that the purchases cover, 90 days at most. A product that
    a customer rated ``lowest_rating`` or lower is not recommended to them. ``wish_events`` are the
    kinds of events by which a product is wished for. ``pairs`` are shown of each table of pairs.
    """

    count: Annotated[int, Field(ge=1, le=100)] = 10
    judged_days: Annotated[int, Field(ge=1, le=3650)] | None = None
    lowest_rating: Annotated[float, Field(allow_inf_nan=False)] = 2.0
    wish_events: tuple[Annotated[str, Field(min_length=1)], ...] = ("wish",)
    pairs: Annotated[int, Field(ge=1, le=200)] = 15
