"""One way to show a thing, whatever it is: a chart, a published table, or findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segkit.core.errors import SegkitError
from segkit.core.findings import Finding
from segkit.core.privacy import Published
from segkit.report.shared.sentences import show_findings
from segkit.report.shared.tables import show_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FINDINGS_TITLE = "What we found"
MOST_ROWS = 30


@dataclass(frozen=True, kw_only=True)
class Exhibit:
    """One thing with the words that it is shown with.

    Attributes
    ----------
    thing : matplotlib Axes, Published, or sequence of Finding
        Charts and tables of published tables only.
    caption : str
        What a chart or a table shows.
    title : str
        The line above findings.
    alt : str or None
        What a chart shows, in words; those of segkit bring it along.
    columns : sequence of str or None
        Those of the view's columns that are shown; None for all.
    max_rows : int
        Further rows of a table are left out, and a line says how many.
    folded : bool
        Whether a table opens only when it is asked for.
    starts_page : bool
        Whether findings begin a page of their own where the report is printed.
    """

    thing: Axes | Published | Sequence[Finding]
    caption: str = ""
    title: str = FINDINGS_TITLE
    alt: str | None = None
    columns: Sequence[str] | None = None
    max_rows: int = MOST_ROWS
    folded: bool = False
    starts_page: bool = False


def show_exhibit(exhibit: Exhibit) -> None:
    """Display a chart, a published table or findings.

    Findings without any show nothing.

    Raises
    ------
    SegkitError
        If it is none of these, or has not passed the gate.
    """
    thing: Any = exhibit.thing
    if isinstance(thing, Published):
        _require_caption(exhibit)
        show_table(
            thing,
            caption=exhibit.caption,
            columns=exhibit.columns,
            max_rows=exhibit.max_rows,
            folded=exhibit.folded,
        )
    elif isinstance(thing, Sequence) and not isinstance(thing, str):
        show_findings(thing, title=exhibit.title, starts_page=exhibit.starts_page)
    elif hasattr(thing, "figure"):
        from segkit.report.shared.figures import show_chart

        show_chart(thing, caption=exhibit.caption, alt=exhibit.alt)
    else:
        _refuse(thing)


def _require_caption(exhibit: Exhibit) -> None:
    if not exhibit.caption.strip():
        raise SegkitError(
            "the table has no caption",
            where="ws.show",
            found=exhibit.thing.shape.name,
            fix='Say what it shows: ws.show(table, caption="...").',
        )


def _refuse(thing: object) -> None:
    """Raise the error that says what can be shown, and how this comes to be."""
    raise SegkitError(
        "a chart, a published table or findings are shown",
        where="ws.show",
        found=type(thing).__name__,
        fix="Let a table through the gate by its view: ws.show(table, VIEW, caption=...).",
    )
