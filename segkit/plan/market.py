"""What the plan says of the market: which names mean the same, and what is too old or too small."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from segkit.contract.market import AXIS_NAMES
from segkit.core.errors import suggest_name
from segkit.plan.frozen import Frozen

LEFT_OUT = ""  # written beside a name of ours that the market does not have, and need not


class Market(Frozen):
    """How the market's tables are read beside our own.

    ``names`` settles names that do not join, ours first: ``EIRE = "Ireland"``; an empty text says
    that the market has no such cell. ``axes`` are the columns by which the market is cut, told from
    the tables where it is empty. ``level`` is the column of ours, a feature of one's own too, whose
    levels the column ``level`` of the market's tables has. Figures more than ``stale_years`` before
    our last year are marked. Below ``smallest_share`` no share of the market is told: its table
    counts another market than ours. ``price_level`` is ours, beside the market's average, 100.
    """

    names: dict[str, str] = Field({})
    axes: tuple[str, ...] = ()
    level: str = ""
    stale_years: Annotated[int, Field(ge=0, le=100)] = 3
    smallest_share: Annotated[float, Field(ge=0, le=1)] = 0.0001
    price_level: Annotated[float, Field(ge=1, le=10_000)] | None = None

    @field_validator("axes")
    @classmethod
    def _check_axes(cls, axes: tuple[str, ...]) -> tuple[str, ...]:
        for axis in axes:
            if axis not in AXIS_NAMES:
                raise ValueError(
                    f"'{axis}' is no axis of a market; {suggest_name(axis, AXIS_NAMES)}"
                )
        if len(set(axes)) < len(axes):
            raise ValueError("an axis is named twice")
        return axes
