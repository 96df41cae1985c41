"""The first page's picture: each segment as wide as its share of customers, as large as its worth.

Drawn as vectors in the page itself, so that it follows the page's colours, light and dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segkit.core.periods import word_spend
from segkit.report.shared.numbers import format_share

WIDTH = 720.0
HEIGHT = 260.0
GAP = 4.0
TOP = 26.0  # for the label above the highest bar
BOTTOM = 26.0  # for the labels below
NARROWEST = 2.0
LABEL_WIDTH = 44.0  # of a share as it is written
COLOURS = 8  # after so many they begin again
FLAT = 0.35  # of the height, where nothing is known of spend


@dataclass(frozen=True)
class Bar:
    """One segment's bar: where it stands, what is written above and below, and its colour."""

    name: str
    x: float
    y: float
    width: float
    height: float
    above: str
    below: str
    colour: int

    @property
    def middle(self) -> float:
        """Where the labels are centred."""
        return self.x + self.width / 2


@dataclass(frozen=True)
class Picture:
    """Bars on one line; ``level`` is how high they would be if all were worth the same."""

    bars: tuple[Bar, ...]
    level: float | None
    title: str
    alt: str
    left_out: int

    width: float = WIDTH
    height: float = HEIGHT + TOP + BOTTOM
    floor: float = HEIGHT + TOP


def draw_segments(rows: Sequence[Mapping[str, Any]] | None) -> Picture | None:
    """Lay out a bar a segment: its width is the share of customers, its area the share of spend.

    A bar that is twice as high is worth twice as much a customer. Where nothing is known of spend,
    all are equally high. Segments whose size must not be seen, or whose spend is not above zero,
    have no bar and are counted.

    Parameters
    ----------
    rows : sequence of mapping
        As `segkit.report.sizes.list_segments` gives them: ``segment_name``, ``customer_share``,
        perhaps ``spend_share`` (0 to 1, None where hidden) and ``period``.

    Returns
    -------
    Picture or None
        None where no segment may be seen.
    """
    rows = list(rows or [])
    knows_spend = any(row.get("spend_share") is not None for row in rows)
    drawn = [(place, row) for place, row in enumerate(rows) if _is_drawn(row, knows_spend)]
    if not drawn:
        return None
    heights = {place: _find_index(row, knows_spend) for place, row in drawn}
    scale = HEIGHT / max(1.0, *heights.values()) if knows_spend else HEIGHT * FLAT
    across = sum(row["customer_share"] for _, row in drawn)
    room = WIDTH - GAP * (len(drawn) - 1)
    bars = []
    x = 0.0
    for place, row in drawn:
        width = max(row["customer_share"] / across * room, NARROWEST)
        height = heights[place] * scale
        share = format_share(row["spend_share"], 0) if knows_spend else ""
        bars.append(
            Bar(
                name=str(row["segment_name"]),
                x=round(x, 1),
                y=round(TOP + HEIGHT - height, 1),
                width=round(width, 1),
                height=round(height, 1),
                above=share if width >= LABEL_WIDTH / 2 else "",
                below=format_share(row["customer_share"], 0) if width >= LABEL_WIDTH / 2 else "",
                colour=place % COLOURS,
            )
        )
        x += width + GAP
    level = round(TOP + HEIGHT - scale, 1) if knows_spend else None
    period = str(rows[0].get("period") or "")
    title = "How many they are"
    if knows_spend:
        title = word_spend("What each brings of net spend (above), and how many they are", period)
        title += " (below)"
    return Picture(
        bars=tuple(bars),
        level=level,
        title=title,
        alt=_describe([row for _, row in drawn], knows_spend, period),
        left_out=len(rows) - len(drawn),
    )


def _is_drawn(row: Mapping[str, Any], knows_spend: bool) -> bool:
    if not row.get("customer_share"):
        return False
    return not knows_spend or (row.get("spend_share") or 0) > 0


def _find_index(row: Mapping[str, Any], knows_spend: bool) -> float:
    """Return how much a customer is worth, where all customers' mean is one."""
    return row["spend_share"] / row["customer_share"] if knows_spend else 1.0


def _describe(rows: Sequence[Mapping[str, Any]], knows_spend: bool, period: str) -> str:
    """Say what the picture shows, for those who cannot see it."""
    parts = []
    for row in rows:
        text = f"{row['segment_name']}: {format_share(row['customer_share'], 0)} of customers"
        if knows_spend:
            text += word_spend(f", {format_share(row['spend_share'], 0)} of net spend", period)
        parts.append(text)
    return f"Bars of the segments: {'; '.join(parts)}."
