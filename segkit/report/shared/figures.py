"""How every chart looks, what it says to those who cannot see it, and how it is shown.

A chart is drawn on a figure of its own, apart from pyplot, so nothing shows until
:func:`show_chart` turns it into a picture with its alternative text and its caption.
"""

from __future__ import annotations

import base64
import functools
import io
import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib.style
import numpy as np
import pandas as pd
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox, blended_transform_factory
from PIL import Image
from seaborn.utils import relative_luminance

from segkit.core.absence import explain_empty
from segkit.core.errors import SegkitError
from segkit.core.privacy import Published
from segkit.report.shared.numbers import format_money, format_number, format_share, join_period

STYLE = Path(__file__).parents[1] / "templates" / "charts.mplstyle"
WIDTH_INCHES = 7.625
DOTS_PER_INCH = 144  # drawn at 1.5 times the size shown, so that lines stay sharp
MUTED = "#5a6672"
TRACK = "#eceff2"
GREY = "#8b96a1"
# Okabe and Ito (2008), darkened where needed for 3:1 on white; told apart by every kind of eye.
SERIES = ("#0b6aa2", "#c8500a", "#00805c", "#b0528a", "#8a6a00", "#2b8fc4")
BLUE = SERIES[0]
ORANGE = SERIES[1]
SKY = SERIES[5]
# Settings that are no matter of style: they stay as they are when a chart is drawn.
NO_STYLE = ("backend", "backend_fallback", "date.epoch", "interactive", "timezone")
ABSENT = "absent"  # in the metadata of an output: why there is nothing
_SPACES = re.compile(r"[ \t\r\n]+")  # but not the thin space within a number


@contextmanager
def chart_style():
    """Draw in segkit's style and leave matplotlib's settings as they were."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        dict.update(matplotlib.rcParams, _read_style())  # they were checked when they were read
        expected = "Glyph .* missing from font|AutoDateLocator was unable"
        warnings.filterwarnings("ignore", message=expected)
        yield


@functools.cache
def _read_style() -> dict[str, object]:
    """Return matplotlib's settings in segkit's style: reading and checking them takes a while."""
    with matplotlib.style.context(["default", STYLE]):
        found = dict.items(matplotlib.rcParams)
        return {name: value for name, value in found if name not in NO_STYLE}


def chart(*keys: str, values: Sequence[str] = ()) -> Callable:
    """Let a function that draws rows take any table: checked, in style, and with no rows too.

    ``keys`` and ``values`` are columns, or the function's parameters that name columns. A table
    without them is refused; rows without a key are left out, those without a value are kept.
    A published table brings its currency, its period and its labels along.
    """

    def make(draw: Callable) -> Callable:
        @functools.wraps(draw)
        def plot(table: pd.DataFrame | Published, **options) -> Axes:
            passed = all(_has_passed(value) for value in (table, *options.values()))
            if isinstance(table, Published):
                brought = {name: getattr(table, name) for name in ("currency", "period", "labels")}
                known = {n: text for n, text in brought.items() if n in draw.__kwdefaults__}
                options = {**known, **options}
            table = _open_published(table)
            options = {name: _open_published(value) for name, value in options.items()}
            given = {**draw.__kwdefaults__, **options}
            named = [given.get(name, name) for name in keys]
            missing = {*named, *(given.get(name, name) for name in values)} - {None, *table}
            if missing:
                raise SegkitError(
                    f"the table lacks {', '.join(sorted(missing))}",
                    where=draw.__name__,
                    found=", ".join(map(str, table)) or "no columns",
                    fix="Rename the columns, or name them in the call.",
                )
            rows = table.dropna(subset=[name for name in named if name is not None])
            with chart_style():
                ax = _draw_nothing(given["title"], table) if rows.empty else draw(rows, **options)
            ax.figure._segkit_published = passed
            return ax

        return plot

    return make


def _open_published(value: object) -> object:
    """Return the rows of a published table, and anything else as it is."""
    return value.frame if isinstance(value, Published) else value


def _has_passed(value: object) -> bool:
    """Tell whether a chart's argument passed the gate or is no table at all."""
    return not isinstance(value, pd.DataFrame)


def new_axes(title: str, *, height: float, columns: int = 1, rows: int = 1) -> Axes:
    """Return empty axes under a title; with ``columns`` or ``rows``, an array of them."""
    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
    figure.suptitle(title, x=0.008, ha="left", fontsize=11.5, fontweight="bold")
    return figure.subplots(rows, columns, sharey=True)


def _draw_nothing(title: str, table: pd.DataFrame) -> Axes:
    """Say that there is nothing to show, and why if the table knows."""
    reason = explain_empty(table)
    ax = new_axes(title, height=1.2)
    ax.set_axis_off()
    ax.text(0, 0.5, reason, color=MUTED, transform=ax.transAxes, wrap=True)
    ax.figure._segkit_absent = reason
    return describe_chart(ax, title, reason)


def list_ends(names: Iterable, texts: Iterable[str], words=("Highest", "Lowest")) -> list[str]:
    """Say which is first and which last of rows that go from the lowest to the highest."""
    names = list(names)
    texts = list(texts)
    ends = zip(words, (-1, 0), strict=True) if names else []
    return [f"{word}: {names[end]}, {texts[end]}" for word, end in ends]


def write_beside(ax: Axes, texts: Sequence[str]) -> None:
    """Write a text to the right of each row of a chart, the first row at nought."""
    for place, text in enumerate(texts):
        ax.annotate(
            text,
            (1.01, place),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
            annotation_clip=False,
        )


def describe_chart(ax: Axes, *parts: str | Iterable[str]) -> Axes:
    """Attach what the chart shows, for those who cannot see it: sentences, or lists of points."""
    parts = [part if isinstance(part, str) else "; ".join(part) for part in parts]
    text = " ".join(f"{part.rstrip('.')}." for part in parts if part)
    ax.figure._segkit_alt = _SPACES.sub(" ", text).strip()
    return ax


def write_value(value: object, kind: str = "number", currency: str = "") -> str:
    """Write one value for a label; kinds: integer, number, share, money."""
    if kind == "share":
        return format_share(value)
    if kind == "money":
        return format_money(value, currency)
    return format_number(value, 0 if kind == "integer" or not abs(value) < 100 else 2)


def shorten(text: object, width: int = 30) -> str:
    """Cut a long label, so that it cannot push the chart aside."""
    text = _SPACES.sub(" ", str(text)).strip()
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def name_values(ax: Axes, *parts: str, period: str = "") -> None:
    """Write what is drawn, with its unit and its time, under the chart's title, in line with it."""
    ax.set_title(" ", loc="center")  # keeps the room, since the text itself is out of the layout
    line = ax.set_title(join_period(join_unit(*parts), period), loc="left", color=MUTED)
    place = blended_transform_factory(ax.figure.transFigure, ax.transAxes)
    line.set(x=0.008, transform=place + ax.titleOffsetTrans, in_layout=False)


def join_unit(name: str, *units: str) -> str:
    """Join a name and the words of its unit: market size, EUR million."""
    unit = " ".join(filter(None, units))
    return f"{name}, {unit}" if unit else name


def set_numbers(axis, kind: str, *, largest: float = 0) -> str:
    """Write an axis's ticks, from two million on in millions; return the word for that."""
    scale = 1_000_000 if kind != "share" and abs(largest) >= 2_000_000 else 1

    def write(value: float, _position: int) -> str:
        if kind == "share":
            return format_share(value, 0)
        value /= scale
        return format_number(value, 0 if value % 1 == 0 else 2 if abs(value) < 1 else 1)

    axis.set_major_formatter(write)
    return "million" if scale > 1 else ""


def pick_ink(colour: object) -> str:
    """Return black or white, whichever reads better on a colour (WCAG 2's contrast)."""
    return "black" if (relative_luminance(colour) + 0.05) ** 2 > 1.05 * 0.05 else "white"


def name_rows(ax: Axes, names: Iterable, *, bold: Sequence[bool] = ()) -> None:
    """Write the names of horizontal rows at the left; there is no scale and no frame."""
    names = [shorten(name, 44) for name in names]
    ax.set_yticks(range(len(names)), names)
    ax.set(ylim=(-0.6, len(names) - 0.4), xticks=[])
    ax.spines[:].set_visible(False)
    for label, stressed in zip(ax.get_yticklabels(), bold, strict=False):
        label.set_fontweight("bold" if stressed else "normal")


def name_ends(ax: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Write (height, text, colour) labels at the right edge, moved apart where they would touch."""
    bottom, top = ax.get_ylim()
    below = -float("inf")
    for height, text, colour in sorted(ends):
        below = max(height, below + 0.062 * (top - bottom))
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        look = {"va": "center", "color": colour, "fontweight": "bold"}
        ax.annotate(text, (1, below), (6, 0), annotation_clip=False, **place, **look)


def name_points(
    ax: Axes, points: np.ndarray, names: Iterable, *, others: np.ndarray | None = None
) -> None:
    """Write names beside points, each where it touches the fewest points and names so far.

    ``others`` are points without a name, which are not written over either where that can be.
    """
    ax.figure.draw_without_rendering()  # settles where the points are
    places = ax.transData.transform(points)
    taken = [Bbox([place - 10, place + 10]) for place in places]
    if others is not None and len(others):
        taken += [Bbox([place - 5, place + 5]) for place in ax.transData.transform(others)]
    around = [(0, 1), (0, -1), (1, 0), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
    look = {"textcoords": "offset points", "fontsize": 9, "fontweight": "bold"}
    for point, name in zip(points, names, strict=True):
        label = ax.annotate(shorten(name), point, (0, 0), **look)

        def count_met(side: tuple[int, int], label=label) -> int:
            x, y = side
            label.set(position=(9 * x, 9 * y), ha=("center", "left", "right")[x])
            label.set(va=("center", "bottom", "top")[y])
            box = label.get_window_extent()
            return box.count_overlaps(taken) + 4 - ax.bbox.count_contains(box.corners())

        count_met(min(around, key=count_met))
        taken.append(label.get_window_extent())


def show_chart(ax: Axes, *, caption: str, alt: str | None = None) -> None:
    """Display a chart as a picture with its caption and alternative text, and close it.

    Parameters
    ----------
    ax : matplotlib Axes
        From one of ``segkit.report.shared.charts``, or any other.
    caption : str
        What the reader should look at; shown under the picture.
    alt : str, optional
        What the picture shows, in words. segkit's own charts bring it along.

    Raises
    ------
    SegkitError
        If a text is missing, or a chart of segkit's own is of a table that is not published.
    """
    from IPython.display import display

    if not getattr(ax.figure, "_segkit_published", True):
        raise SegkitError(
            "only charts of published tables are shown",
            where="show_chart",
            fix="Let the table through the gate first: shown = ws.publish(table, VIEW).",
        )
    alt = alt if alt is not None else getattr(ax.figure, "_segkit_alt", "")
    for name, text in (("alt", alt), ("caption", caption)):
        if not text or not text.strip():
            raise SegkitError(
                f"the chart has no {name} text",
                where="show_chart",
                fix=f"Say in one or two sentences what it shows: show_chart(ax, {name}=...).",
            )
    picture, width, height = render_chart(ax)
    details = {"alt": alt, "caption": caption, "width": width, "height": height}
    if hasattr(ax.figure, "_segkit_absent"):
        details[ABSENT] = ax.figure._segkit_absent
    data = {"image/png": base64.b64encode(picture).decode("ascii"), "text/plain": alt}
    display(data, metadata={"image/png": details}, raw=True)
    pyplot.close(ax.figure)  # one made with pyplot would otherwise be shown a second time


def render_chart(ax: Axes) -> tuple[bytes, int, int]:
    """Return a chart as PNG, the same bytes each time, with its width and height on the page.

    The picture has at most 256 colours, which makes it a third of the size.
    """
    small = io.BytesIO()
    with chart_style():
        ours = hasattr(ax.figure, "_segkit_alt")  # laid out to fit; others are cut to fit
        drawn = _draw_pixels(ax.figure) if ours else _draw_cut(ax.figure)
    image = drawn.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    image.save(small, format="PNG", optimize=True)
    width, height = (round(side * 96 / DOTS_PER_INCH) for side in image.size)
    return small.getvalue(), width, height


def _draw_pixels(figure: Figure) -> Image.Image:
    """Draw a figure once, as it is laid out; saving would draw it twice, and pack it as PNG."""
    before = figure.dpi
    figure.set_dpi(DOTS_PER_INCH)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    figure.set_dpi(before)
    return Image.fromarray(np.array(canvas.buffer_rgba()))


def _draw_cut(figure: Figure) -> Image.Image:
    """Draw a figure and cut it to what is on it."""
    raw = io.BytesIO()
    figure.savefig(raw, format="png", dpi=DOTS_PER_INCH, bbox_inches="tight", pad_inches=0.08)
    return Image.open(raw)
