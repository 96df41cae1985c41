"""The picture of a persona: an emblem of the segment's own figures, a petal for each heading."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Wedge

from segkit.action.persona_headings import HEADINGS
from segkit.report.shared import figures
from segkit.report.shared.figures import BLUE, GREY, MUTED, ORANGE, TRACK, chart

CENTRE = 0.55
FULL = 1.7  # radius of a petal that is as long as one can be
MOST_STRENGTH = 1.5  # differences beyond are drawn as this, in standard deviations of all
SHORTEST = 0.15
STEP = 360 / len(HEADINGS)
REACH = 1.85  # where the words begin, to the right and to the left
GAP = 0.5  # between the words of two petals
LOWEST = -1.6  # where the last words begin
WIDEST = 36  # signs in a line of words
MOST_LINES = 3


@chart("heading", "words", values=["strength", "own_text", "base_text", "given_name"])
def plot_persona(table, *, title: str = "A persona") -> Axes:
    """Draw a persona's emblem: a petal for each heading, as long as the segment differs there.

    How to read it: each heading has its place on the round, the same for every persona, so that two
    emblems are compared petal by petal. Blue petals are more than among all customers, brown ones
    less; the length is the difference in standard deviations of all customers, from a fifth to one
    and a half. Headings of which nothing is told have a short grey petal.
    The table has a row a fact: ``heading`` (its name), ``label``, ``words``, ``own_text``,
    ``base_text``, ``strength``, ``given_name``; the first fact of each heading is drawn.
    """
    first = table.drop_duplicates("heading").set_index("heading")
    ax = figures.new_axes(title, height=4.3)
    ax.figure.set_layout_engine("none")  # there is nothing to make room for
    ax.set_position((0.0, 0.0, 1.0, 0.92))
    ax.set_axis_off()
    ax.set_aspect("equal")
    ax.set(xlim=(-4.0, 4.0), ylim=(-2.05, 2.05))
    places = []
    for number, heading in enumerate(HEADINGS):
        angle = 90 - number * STEP
        row = first.loc[heading.name] if heading.name in first.index else None
        strength = float(row["strength"]) if row is not None else 0.0
        radius = _draw_petal(ax, angle, strength, is_told=row is not None)
        if row is not None:
            places.append((heading.name, angle, radius))
    ax.add_patch(Circle((0, 0), CENTRE, facecolor="white", edgecolor=GREY, linewidth=1.2))
    name = figures.shorten(first["given_name"].iloc[0], 14)
    ax.text(0, 0, name, ha="center", va="center", fontsize=10.5, fontweight="bold")
    _write_words(ax, first, places)
    said = [_say(row) for _, row in first.iterrows()]
    return figures.describe_chart(ax, f"Emblem of {name}, a petal for each heading", said)


def _say(row: pd.Series) -> str:
    """Say in words what a petal is of."""
    return f"{row['label']}: {row['words']}, {row['own_text']} against {row['base_text']} of all"


def _draw_petal(ax: Axes, angle: float, strength: float, *, is_told: bool) -> float:
    """Draw the petal of one heading, and return the radius at which it ends."""
    length = SHORTEST
    colour = TRACK
    if is_told:
        share = min(abs(strength), MOST_STRENGTH) / MOST_STRENGTH
        length = SHORTEST + (FULL - CENTRE - SHORTEST) * share
        colour = BLUE if strength > 0 else ORANGE
    radius = CENTRE + length
    half = 0.42 * STEP
    petal = Wedge((0, 0), radius, angle - half, angle + half, width=length + 0.02, color=colour)
    ax.add_patch(petal)
    return radius


def _write_words(ax: Axes, first: pd.DataFrame, places: list[tuple[str, float, float]]) -> None:
    """Write the words of each petal at its side, apart from each other, with a line to it."""
    for side in (1, -1):
        own = [place for place in places if _find_side(place[1]) == side]
        own.sort(key=lambda place: np.sin(np.radians(place[1])), reverse=True)
        heights = _spread([1.75 * np.sin(np.radians(angle)) for _, angle, _ in own])
        for (name, angle, radius), height in zip(own, heights, strict=True):
            row = first.loc[name]
            turn = np.radians(angle)
            tip = (radius * np.cos(turn), radius * np.sin(turn))
            ax.plot([tip[0], side * (REACH - 0.05)], [tip[1], height], color=GREY, linewidth=0.6)
            look = {"ha": "left" if side > 0 else "right", "fontsize": 8}
            ax.text(side * REACH, height, row["label"], va="bottom", fontweight="bold", **look)
            lines = textwrap.wrap(
                f"{row['words']}: {row['own_text']}, of all {row['base_text']}", WIDEST
            )
            text = "\n".join(lines[:MOST_LINES])
            ax.text(side * REACH, height, text, va="top", color=MUTED, **(look | {"fontsize": 7.5}))


def _find_side(angle: float) -> int:
    """Return whether a petal stands at the right (1) or at the left (-1)."""
    return 1 if np.cos(np.radians(angle)) > 1e-9 or angle == 90 else -1


def _spread(heights: list[float]) -> list[float]:
    """Move heights, given from the top, apart by the gap, and keep them in the middle.

    >>> [round(float(height), 2) for height in _spread([0.1, 0.0])]
    [0.3, -0.2]
    """
    moved = list(heights)
    for place in range(1, len(moved)):
        moved[place] = min(moved[place], moved[place - 1] - GAP)
    shift = np.mean(heights) - np.mean(moved) if moved else 0.0
    shift = max(shift, LOWEST - moved[-1]) if moved else 0.0
    return [height + shift for height in moved]
