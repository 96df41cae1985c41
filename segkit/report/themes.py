"""What customers write about in their own words, and how that differs between segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes

from segkit.core.findings import Finding
from segkit.core.measures import COUNT, LABEL
from segkit.core.privacy import NOTE, Published, Shape
from segkit.report.shared import charts
from segkit.report.shared.exhibits import Exhibit
from segkit.report.shared.sentences import explain_absence, explain_silence, write_finding
from segkit.report.shared.views import Column, View, reshape_published, view_of

if TYPE_CHECKING:
    from segkit.evidence.themes import Verbatim

READ = "read"
TOO_FEW = ("too few texts", "too few different texts")
MOST_TOLD = 2  # themes of a source, and segments that differ
LANGUAGES = {
    "cs": "Czech", "da": "Danish", "de": "German", "en": "English", "es": "Spanish",
    "et": "Estonian", "fi": "Finnish", "fr": "French", "it": "Italian", "lt": "Lithuanian",
    "lv": "Latvian", "nb": "Norwegian", "nl": "Dutch", "nn": "Norwegian", "no": "Norwegian",
    "pl": "Polish", "pt": "Portuguese", "ru": "Russian", "sk": "Slovak", "sv": "Swedish",
    "uk": "Ukrainian", "not told": "a language that is not told",
}  # fmt: skip
PLACE = ("source", "language")
SHARES = dict.fromkeys(("share", "low", "high", "other_share"), COUNT)
SOURCES = View(
    Shape(
        "verbatim_sources",
        by=("language",),
        within=("source",),
        repeats=True,
        shown=("needed_count",),
        measures={"text_count": COUNT, "different_count": COUNT, "placed_share": COUNT},
        rests={"placed_share": "placed_count", "placed_count": "placed_count"},
    ),
    {
        "source": Column("Source"),
        "language": Column("Language"),
        "customer_count": Column("Customers", "integer"),
        "text_count": Column("Texts", "integer"),
        "different_count": Column("Different ones", "integer"),
        "outcome": Column("Outcome"),
        "placed_share": Column("Write of a theme", "share"),
        NOTE: Column(),
    },
)
THEMES = View(
    Shape(
        "themes",
        by=("theme",),
        within=PLACE,
        adds_up=False,
        wholes=("writer_count",),
        measures={**SHARES, "stability": LABEL},
    ),
    {
        "source": Column("Source"),
        "language": Column("Language"),
        "words": Column("Leading words"),
        "customer_count": Column("Customers", "integer"),
        "share": Column("Share of who wrote", "share"),
        "interval": Column(kind="share", interval=("low", "high")),
        "stability": Column("Words found again", "share"),
        "verdict": Column("Theme"),
        NOTE: Column(),
    },
)
BY_SEGMENT = View(
    Shape(
        "themes_by_segment",
        by=("segment_name", "theme"),
        within=PLACE,
        wholes=("writer_count",),
        repeats=True,
        shown=("words",),
        measures=SHARES,
    ),
    {
        "source": Column("Source"),
        "language": Column("Language"),
        "words": Column("Theme"),
        "segment_name": Column("Segment"),
        "customer_count": Column("Customers", "integer"),
        "writer_count": Column("Who wrote", "integer"),
        "share": Column("Share", "share"),
        "interval": Column(kind="share", interval=("low", "high")),
        "other_share": Column("Share among all others", "share"),
        NOTE: Column(),
    },
)
EXCERPTS = View(
    Shape("excerpts", by=("theme", "place"), within=PLACE, adds_up=False),
    {
        "source": Column("Source"),
        "language": Column("Language"),
        "words": Column("Theme"),
        "excerpt": Column("Excerpt, names and numbers masked"),
        NOTE: Column(),
    },
)


def list_tables(verbatim: Verbatim) -> list[tuple[pd.DataFrame, View]]:
    """Return the tables of what was found in customers' own words, each with its view."""
    return [
        (verbatim.sources, SOURCES),
        (verbatim.themes, THEMES),
        (verbatim.by_segment, BY_SEGMENT),
        (verbatim.excerpts, EXCERPTS),
    ]


def plot_themes(themes, *, title: str = "Themes by segment") -> Axes:
    """Draw the share of who wrote in each segment that writes of each theme.

    How to read it: compare cells within a row; a dash is too few to be shown. The table has a row a
    theme and segment: ``words``, ``segment_name`` and ``share``.
    """
    return charts.plot_cells(
        themes, row="words", column="segment_name", value="share", kind="share", title=title
    )


def lay_out_themes(published: Sequence[Published]) -> list[Exhibit]:
    """Return what is shown of customers' own words; without texts the one line that says so.

    ``published`` are the tables of `list_tables`, in their order.
    """
    sources, themes, by_segment, excerpts = published
    if sources.empty:
        return [Exhibit(thing=[explain_absence(sources)])]
    caption = "Customers' own words, by source and language"
    shown = [Exhibit(thing=_name_languages(sources), caption=caption)]
    if not themes.empty:
        caption = "Themes: what customers write about, with intervals and how well they hold"
        shown.append(Exhibit(thing=_name_languages(themes), caption=caption, max_rows=40))
    if not by_segment.empty:
        if (first := _pick_first(by_segment)) is not None:
            caption = f"{first[1]}: share of who wrote in a segment that write of a theme."
            shown.append(Exhibit(thing=plot_themes(first[0]), caption=caption))
        table = _name_languages(by_segment)
        shown.append(Exhibit(thing=table, caption="Themes by segment", max_rows=80, folded=True))
    if not excerpts.empty:
        caption = "Excerpts, as the plan allows"
        table = _name_languages(excerpts)
        shown.append(Exhibit(thing=table, caption=caption, folded=True, max_rows=40))
    return [*shown, Exhibit(thing=state_themes(published))]


def _name_languages(table: Published) -> Published:
    """Return the table with its languages called by their names."""
    frame = table.frame.assign(language=table.frame["language"].map(name_language))
    return reshape_published(table, frame, view_of(table))


def _pick_first(by_segment: Published) -> tuple[Published, str] | None:
    """Return the rows of the source and language that most wrote in, and what they are called."""
    frame = by_segment.frame.dropna(subset=["share"])
    if frame.empty:
        return None
    sizes = frame.drop_duplicates([*PLACE, "segment_name"]).groupby(list(PLACE))["writer_count"]
    source, language = sizes.sum().astype(float).idxmax()
    is_own = (frame["source"] == source) & (frame["language"] == language)
    return by_segment.keep(frame[is_own]), f"“{source}”, {name_language(language)}"


def name_language(code: str) -> str:
    """Return what a language is called; the code in capitals where it is not known.

    >>> name_language("fi"), name_language("ga")
    ('Finnish', 'GA')
    """
    return LANGUAGES.get(code, code.upper())


def state_themes(published: Sequence[Published]) -> list[Finding]:
    """Say what customers write about, which segments write of it more, and what was not read."""
    sources, themes, by_segment, _excerpts = published
    if sources.empty:
        return [explain_absence(sources)]
    told = _state_places(sources, themes) if not themes.empty else []
    if not by_segment.empty:
        told += _state_segments(by_segment)
    return told + _state_unread(sources)


def _state_places(sources: Published, themes: Published) -> list[Finding]:
    told = []
    rows = themes.frame.dropna(subset=["share"])
    for place, own in rows.groupby(list(PLACE), sort=False):
        holds = own[own["verdict"] != "not stable"]
        if holds.empty:
            told.append(write_finding("themes.places.none_holds", words=_name_place(place)))
        for row in holds.head(MOST_TOLD).to_dict("records"):
            told.append(_state_theme(themes, row))
        told += _state_placed(sources, place)
    hidden = explain_silence(themes) if rows.empty else None
    return [*told, *([hidden] if hidden else [])]


def _state_placed(sources: Published, place: Sequence[str]) -> list[Finding]:
    """Say how many of who wrote write of any theme at all."""
    where = dict(zip(PLACE, place, strict=True))
    share = sources.read_figure("placed_share", where=where, kind="share")
    if share.value is None:
        return []
    count = sources.read_figure("customer_count", where=where, kind="count")
    words = _name_place(place)
    return [write_finding("themes.places.placed", [share, count], count=count, words=words)]


def _name_place(place: Sequence[str]) -> dict[str, str]:
    source, language = place
    return {"source": source, "language": name_language(language)}


def _state_theme(themes: Published, row: dict) -> Finding:
    place = {name: row[name] for name in (*PLACE, "theme")}
    share = themes.read_figure("share", where=place, kind="share", interval=("low", "high"))
    count = themes.read_figure("writer_count", where=place, kind="count")
    stability = themes.read_figure("stability", where=place, kind="share", decimals=0)
    words = {
        **_name_place((row["source"], row["language"])),
        "words": row["words"],
        "verdict": row["verdict"],
    }
    return write_finding("themes.places.theme", [share, count, stability], count=count, words=words)


def _state_segments(by_segment: Published) -> list[Finding]:
    frame = by_segment.frame.dropna(subset=["share"])
    apart = frame[frame["is_different"].fillna(False).astype(bool)]
    more = apart[apart["share"].astype(float) > apart["other_share"].astype(float)]
    if more.empty:
        hidden = explain_silence(by_segment) if frame.empty else None
        return [hidden or write_finding("themes.segments.alike")]
    order = more["corrected_p_value"].astype(float).sort_values(kind="stable").index
    tops = more.loc[order].groupby(list(PLACE), sort=False).head(MOST_TOLD)
    return [_state_segment(by_segment, row) for row in tops.to_dict("records")]


def _state_segment(by_segment: Published, row: dict) -> Finding:
    place = {name: row[name] for name in (*PLACE, "theme", "segment_name")}
    found = [
        by_segment.read_figure("share", where=place, kind="share", interval=("low", "high")),
        by_segment.read_figure("other_share", where=place, kind="share"),
    ]
    count = by_segment.read_figure("writer_count", where=place, kind="count")
    words = {
        **_name_place((row["source"], row["language"])),
        "words": row["words"],
        "segment": row["segment_name"],
    }
    return write_finding("themes.segments.more", [*found, count], count=count, words=words)


def _state_unread(sources: Published) -> list[Finding]:
    frame = sources.frame.dropna(subset=["text_count"])
    told = []
    for row in frame[frame["outcome"] != READ].to_dict("records"):
        place = {name: row[name] for name in PLACE}
        words = {**_name_place((row["source"], row["language"])), "outcome": row["outcome"]}
        if row["outcome"] not in TOO_FEW:
            told.append(write_finding("themes.unread.otherwise", words=words))
            continue
        column = "text_count" if row["outcome"] == TOO_FEW[0] else "different_count"
        found = sources.read_figure(column, where=place, kind="count", name="found_count")
        needed = sources.read_figure("needed_count", where=place, kind="count")
        told.append(write_finding("themes.unread.too_few", [found, needed], words=words))
    return told
