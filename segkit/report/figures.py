"""How every chart looks, what it says to those who cannot see it, and how it is shown.

A chart is drawn on a figure of its own, apart from pyplot, so nothing shows until
:func:`show_chart` turns it into a picture with its alternative text and its caption.
"""

from __future__ import annotations

import base64
import io
import re
import warnings
from collections.abc import Iterable
from contextlib import contextmanager

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import blended_transform_factory

from segkit.errors import SegkitError
from segkit.report.findings import format_money, format_number, format_share

WIDTH_INCHES = 7.625
DOTS_PER_INCH = 144  # drawn at 1.5 times the size shown, so that lines stay sharp
INK, MUTED, RULE, TRACK = "#1b2733", "#5a6672", "#d5dbe1", "#eceff2"
# Okabe and Ito (2008), darkened where needed for 3:1 on white; told apart by every kind of eye.
BLUE, ORANGE, GREEN, PINK, BROWN, SKY = (
    "#0b6aa2",
    "#c8500a",
    "#00805c",
    "#b0528a",
    "#8a6a00",
    "#2b8fc4",
)
GREY = "#8b96a1"
SERIES = (BLUE, ORANGE, GREEN, PINK, BROWN, SKY)
MARKERS = ("o", "s", "^", "D", "v", "P")
LOW_TO_HIGH = LinearSegmentedColormap.from_list("low_to_high", ["#f3f7fa", "#8dbcd9", "#0b5484"])
BELOW_TO_ABOVE = LinearSegmentedColormap.from_list(
    "below_to_above", ["#a8480a", "#eba873", "#f6f6f4", "#7fb3d5", "#0b5484"]
)

_STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.labelsize": 9.5,
    "axes.titlecolor": MUTED,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.titlesize": 9.5,
    "axes.titleweight": "normal",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "grid.color": TRACK,
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.7,
    "lines.linewidth": 2,
    "lines.solid_capstyle": "round",
    "xtick.color": RULE,
    "ytick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 10,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextmanager
def chart_style():
    """Draw in segkit's style, and leave matplotlib's settings as they were."""
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        warnings.filterwarnings("ignore", message="AutoDateLocator was unable")
        yield


def new_axes(title: str, *, height: float = 3.4, columns: int = 1, **options) -> Axes:
    """Return empty axes under a left-aligned title; with ``columns``, an array of them.

    The axes' own title is free for the name and unit of what is drawn.
    """
    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained")
    figure.suptitle(title, x=0.008, ha="left", fontsize=11.5, fontweight="bold")
    return figure.subplots(1, columns, **options)


def name_values(ax: Axes, text: str) -> None:
    """Write what is drawn, with its unit, under the chart's title and in line with it."""
    ax.set_title(" ", loc="center")  # keeps the room, since the text itself is out of the layout
    line = ax.set_title(text, loc="left", color=MUTED)
    place = blended_transform_factory(ax.figure.transFigure, ax.transAxes)
    line.set(x=0.008, transform=place + ax.titleOffsetTrans, in_layout=False)


def describe_chart(ax: Axes, alt: str) -> Axes:
    """Attach what the chart shows, in words, for those who cannot see it."""
    ax.figure._segkit_alt = re.sub(r"[ \t\r\n]+", " ", alt).strip()
    return ax


def show_chart(ax: Axes, *, caption: str, alt: str | None = None) -> None:
    """Display a chart as a picture with its caption and alternative text, and close it.

    Parameters
    ----------
    ax : matplotlib Axes
        From one of ``segkit.report.charts``, or any other.
    caption : str
        What the reader should look at; shown under the picture.
    alt : str, optional
        What the picture shows, in words. segkit's own charts bring it along.

    Raises
    ------
    SegkitError
        If there is no caption or no alternative text.
    """
    from IPython.display import display

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
    display(
        {"image/png": base64.b64encode(picture).decode("ascii"), "text/plain": alt},
        metadata={"image/png": details},
        raw=True,
    )
    _close(ax.figure)


def render_chart(ax: Axes) -> tuple[bytes, int, int]:
    """Return a chart as PNG, the same bytes each time, with its width and height on the page.

    The picture has at most 256 colours, which makes it a third of the size.
    """
    from PIL import Image

    raw, small = io.BytesIO(), io.BytesIO()
    with chart_style():
        ours = hasattr(ax.figure, "_segkit_alt")  # laid out to fit; others are cut to fit
        edges = {} if ours else {"bbox_inches": "tight", "pad_inches": 0.08}
        ax.figure.savefig(raw, format="png", dpi=DOTS_PER_INCH, **edges)
    raw.seek(0)
    with Image.open(raw) as image:
        reduced = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        reduced.save(small, format="PNG", optimize=True)
        width, height = (round(side * 96 / DOTS_PER_INCH) for side in image.size)
    return small.getvalue(), width, height


def need_columns(table: pd.DataFrame, columns: Iterable[str], *, chart: str) -> pd.DataFrame:
    """Return the table if it has the columns that a chart reads; else say which are missing."""
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise SegkitError(
            f"the table lacks {', '.join(missing)}",
            where=chart,
            found=", ".join(map(str, table.columns)) or "no columns",
            fix="Rename the columns, or name them in the call.",
        )
    return table


def draw_nothing(title: str, table: pd.DataFrame) -> Axes:
    """Return a chart that says there is nothing to show, and why if the table knows."""
    reason = str(table.attrs.get("reason", "There are no rows to show."))
    with chart_style():
        ax = new_axes(title, height=1.2)
        ax.set_axis_off()
        ax.text(0, 0.5, reason, color=MUTED, transform=ax.transAxes, wrap=True)
    return describe_chart(ax, f"{title}. {reason}")


def write_value(value: object, kind: str = "number", currency: str = "") -> str:
    """Write one value for a label; kinds: integer, number, share, money, sd."""
    if kind == "share":
        return format_share(value)
    if kind == "money":
        return format_money(value, currency)
    if kind == "sd":
        text = format_number(value, 1)
        return text if text[0] in "–\N{MINUS SIGN}" or text == "0.0" else f"+{text}"
    if kind == "number":
        return format_number(value, 0 if pd.isna(value) or abs(value) >= 100 else 2)
    return format_number(value)


def shorten(text: object, width: int = 30) -> str:
    """Cut a long label, so that it cannot push the chart aside."""
    text = re.sub(r"[ \t\r\n]+", " ", str(text)).strip()
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def set_numbers(axis, kind: str, *, largest: float = 0) -> str:
    """Write an axis's ticks as values are written elsewhere; return the word for its scale.

    Axes that reach two million count in millions, so the axis' name needs that word.
    """
    scale = 1_000_000 if kind != "share" and abs(largest) >= 2_000_000 else 1

    def write(value: float, _position: int) -> str:
        if kind == "share":
            return format_share(value, 0)
        value = value / scale
        return format_number(value, 0 if float(value).is_integer() else 2 if abs(value) < 1 else 1)

    axis.set_major_formatter(FuncFormatter(write))
    return "million" if scale > 1 else ""


def name_unit(name: str, *units: str) -> str:
    """Join a name and its unit: "market size, EUR million"; a unit already named is not repeated.

    >>> name_unit("sales", "EUR", "million"), name_unit("profit, EUR", "EUR", "")
    ('sales, EUR million', 'profit, EUR')
    """
    unit = " ".join(unit for unit in units if unit and unit not in name.split())
    return f"{name}, {unit}" if unit else name


def name_rows(ax: Axes, names: Iterable, *, width: int = 34, bold: Iterable[bool] = ()) -> None:
    """Write the names of horizontal rows at the left, without tick marks."""
    names = [shorten(name, width) for name in names]
    ax.set_yticks(range(len(names)), names)
    ax.set_ylim(-0.6, len(names) - 0.4)
    ax.tick_params(length=0, pad=6)
    for label, stressed in zip(ax.get_yticklabels(), bold, strict=False):
        label.set_fontweight("bold" if stressed else "normal")


def spread_labels(ax: Axes, ends: list[tuple[float, str, str]]) -> None:
    """Write (height, text, colour) labels at the right edge, moved apart where they would touch."""
    bottom, top = ax.get_ylim()
    step = 0.062 * (top - bottom)
    below = None
    for height, text, colour in sorted(ends):
        place = height if below is None else max(height, below + step)
        ax.annotate(
            text,
            (1.0, place),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=colour,
            fontweight="bold",
            annotation_clip=False,
        )
        below = place


def name_points(ax: Axes, x: Iterable, y: Iterable, names: Iterable[str]) -> None:
    """Write names beside points, each where it hides the fewest points and names so far."""
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    points = [((u - x0) / (x1 - x0), (v - y0) / (y1 - y0)) for u, v in zip(x, y, strict=True)]
    boxes = [(u - 0.012, v - 0.02, u + 0.012, v + 0.02) for u, v in points]
    for (u, v), name in zip(points, names, strict=True):
        width, height = 0.0145 * len(name), 0.055
        choices = [
            ("center", u - width / 2, v + 0.03),
            ("center", u - width / 2, v - 0.03 - height),
            ("left", u + 0.022, v - height / 2),
            ("right", u - 0.022 - width, v - height / 2),
            ("left", u + 0.022, v + 0.03),
            ("left", u + 0.022, v - 0.03 - height),
            ("right", u - 0.022 - width, v + 0.03),
            ("right", u - 0.022 - width, v - 0.03 - height),
        ]

        def count_hidden(choice: tuple, width: float = width, height: float = height) -> float:
            _, left, low = choice
            right, high = left + width, low + height
            outside = left < 0 or right > 1 or low < 0 or high > 1
            met = [left < c and a < right and low < d and b < high for a, b, c, d in boxes]
            return sum(met) + 10 * outside

        align, left, low = min(choices, key=count_hidden)
        boxes.append((left, low, left + width, low + height))
        place = {"center": left + width / 2, "left": left, "right": left + width}[align]
        options = {"ha": align, "va": "center", "fontsize": 9, "fontweight": "bold"}
        ax.text(place, low + height / 2, name, transform=ax.transAxes, **options)


def pick_ink(colour: object) -> str:
    """Return black or white, whichever reads better on a colour (WCAG 2's contrast)."""
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    return "black" if (luminance + 0.05) ** 2 > 1.05 * 0.05 else "white"


def _close(figure: Figure) -> None:
    """Free a figure; one made with pyplot would otherwise be shown a second time."""
    import sys

    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close(figure)
    figure.clear()
