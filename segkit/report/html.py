"""Executed notebook -> one offline page; facts -> the page that is read first; page -> its faults.

nbconvert is imported when a page is made, not before: the command line loads this module.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from segkit.report.verify import verify_page

__all__ = ["PAGE_TITLES", "list_pages", "render_index", "render_page", "verify_page"]

TEMPLATES = Path(__file__).parent / "templates"
PAGE_TITLES = {
    "index": "Summary",
    "01_plan": "Plan",
    "02_market_review": "Market review",
    "03_base_analysis": "Base analysis",
    "04_experience_data": "Experience data",
    "05_analysis": "Analysis",
}
"""Each page's name in the navigation, in the order of reading."""
_FOLDED = {"parameters": "Parameters", "injected-parameters": "Parameters of this run"}


def list_pages(steps: Sequence[str]) -> list[tuple[str, str]]:
    """Return (title, address) of the summary and of each step's page, for the navigation."""
    names = ["index", *steps]
    return [(PAGE_TITLES.get(name) or _name_step(name), f"{name}.html") for name in names]


def render_page(
    notebook_path: str | Path,
    html_path: str | Path,
    *,
    title: str,
    navigation: Sequence[tuple[str, str]] = (),
    current: str = "",
    report: str = "",
) -> None:
    """Write an executed notebook as one page that needs nothing else; same input, same bytes.

    Code is folded away, messages on standard error are left out, and the notebook's first
    heading becomes the only h1.

    Parameters
    ----------
    notebook_path, html_path : path
    title : str
        The page's name.
    navigation : sequence of (title, address)
        The report's pages in the order of reading.
    current : str, optional
        This page's address in ``navigation``; by default the name of ``html_path``.
    report : str, optional
        The report's name, shown above the heading.
    """
    import nbformat

    notebook = nbformat.read(notebook_path, as_version=4)
    links = [{"title": name, "href": href} for name, href in navigation]
    current = current or Path(html_path).name
    place = next((i for i, link in enumerate(links) if link["href"] == current), None)
    page = {
        "title": title,
        "head_title": f"{title} – {report}" if report else title,
        "report": report,
        "css": _read_css(),
        "navigation": links,
        "current": current,
        "previous": links[place - 1] if place else None,
        "next": links[place + 1] if place is not None and place + 1 < len(links) else None,
        "heading": "",
        "contents": [],
    }
    resources = {"page": page, "metadata": {"path": str(Path(notebook_path).parent)}}
    text, _ = _make_exporter().from_notebook_node(notebook, resources)
    _write(html_path, text)


def render_index(
    plan: Any, facts: Mapping[str, Mapping], record: Mapping[str, Any], html_path: str | Path
) -> None:
    """Write the page that a stakeholder reads first. Whatever facts lack is left out.

    Parameters
    ----------
    plan : Plan or mapping
        ``title``, ``owner``, ``scope``, ``as_of``, ``currency``, ``goals`` (each with ``text``,
        ``kpi`` and ``target``), ``random_state``.
    facts : mapping of step to facts
        Of any step ``headline`` ({label: text}), ``findings`` and ``limits`` (sentences); of
        05_analysis also ``verdict`` ({"answer": "yes" or "no", "text", "reasons"}), ``segments``
        (a list of records) and ``kpis`` (records of goal, kpi, value_text, target_text, met).
    record : mapping
        ``tables`` ({name: {"read", "accepted", "rejected"}}), ``run_id``, ``segkit_version``,
        ``random_state``, ``as_of``, ``published_at``.
    html_path : path
    """
    import jinja2

    plan = plan if isinstance(plan, Mapping) else plan.model_dump()
    steps = [step for step in PAGE_TITLES if step in facts and step != "index"]
    steps += [step for step in sorted(facts) if step not in PAGE_TITLES]
    final = facts.get("05_analysis") or {}
    counts = record.get("tables") or {}
    content = {
        "css": jinja2.utils.markupsafe.Markup(_read_css()),
        "title": plan.get("title") or plan.get("name") or "Customer segmentation",
        "owner": plan.get("owner"),
        "scope": plan.get("scope"),
        "as_of": record.get("as_of") or plan.get("as_of"),
        "navigation": [{"title": name, "href": href} for name, href in list_pages(steps)],
        "current": "index.html",
        "verdict": _read_verdict(final),
        "headline": [
            pair for step in steps for pair in (facts[step].get("headline") or {}).items()
        ],
        "segments": _draw_segments(final.get("segments"), str(plan.get("currency") or "")),
        "goals": _list_goals(plan, final.get("kpis") or []),
        "steps": [
            {
                "title": PAGE_TITLES.get(step) or _name_step(step),
                "href": f"{step}.html",
                "findings": (facts[step].get("findings") or [])[:4],
            }
            for step in steps
        ],
        "quality": _draw_quality(counts),
        "quality_sentence": _state_quality(counts),
        "limits": list(
            dict.fromkeys(limit for step in steps for limit in facts[step].get("limits") or [])
        ),
        "provenance": _list_provenance(plan, record),
    }
    parts = {
        "segments": "The segments",
        "goals": "Goals",
        "steps": "What we found",
        "quality": "The data behind it",
        "limits": "Limits",
    }
    anchors = {"steps": "findings", "quality": "data"}
    content["contents"] = [
        (anchors.get(part, part), heading) for part, heading in parts.items() if content[part]
    ]
    loader = jinja2.FileSystemLoader(TEMPLATES / "segkit")
    environment = jinja2.Environment(loader=loader, autoescape=True)
    _write(html_path, environment.get_template("summary.html.j2").render(content))


# ------------------------------------------------------------------ a notebook's page


def _make_exporter() -> Any:
    from jinja2 import pass_context
    from nbconvert.exporters.html import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
    from traitlets.config import Config

    class Renderer(IPythonRenderer):
        """Headings without anchor signs: the first is the page's h1, each h2 has an address."""

        def __init__(self, page: dict | None, **options: Any):
            super().__init__(exclude_anchor_links=True, **options)
            self.page = page

        def heading(self, text: str, level: int, **attrs: Any) -> str:
            if self.page is None:
                return f"<p><strong>{text}</strong></p>\n"
            if not self.page["heading"]:
                self.page["heading"] = text
                return ""
            level = max(level, 2)
            if level > 2:
                return f"<h{level}>{text}</h{level}>\n"
            plain = html.unescape(re.sub(r"<[^>]+>", "", text))
            anchor = _name_anchor(plain, [entry["anchor"] for entry in self.page["contents"]])
            self.page["contents"].append({"anchor": anchor, "text": plain})
            return f'<h2 id="{anchor}">{text}</h2>\n'

    @pass_context
    def markdown2html(context: Any, source: str) -> str:
        resources = context["resources"]
        renderer = Renderer(
            resources["page"],
            escape=False,
            embed_images=True,
            path=resources["metadata"]["path"],
            attachments=context["cell"].get("attachments", {}),
        )
        return wrap_tables(MarkdownWithMath(renderer=renderer).render(source))

    def markdown_output(source: str) -> str:
        renderer = Renderer(None, escape=True, allow_harmful_protocols=False)
        return wrap_tables(MarkdownWithMath(renderer=renderer).render(source))

    shown = ["text/html", "image/png", "image/svg+xml", "image/jpeg", "text/markdown"]
    config = Config()
    config.NbConvertBase.display_data_priority = [*shown, "text/latex", "text/plain"]
    exporter = HTMLExporter(
        config=config, template_name="segkit", extra_template_basedirs=[str(TEMPLATES)]
    )
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    exporter.markdown2html = markdown2html
    exporter.register_filter("markdown2html", markdown2html)
    exporter.register_filter("markdown_output", markdown_output)
    exporter.register_filter("wrap_tables", wrap_tables)
    exporter.register_filter("name_code", _name_code)
    exporter.register_filter("encode_base64", _encode_base64)
    return exporter


def wrap_tables(markup: str) -> str:
    """Put plain tables into a frame that scrolls and that the keyboard reaches.

    >>> wrap_tables("<table></table>")
    '<div class="scroll" role="region" tabindex="0" aria-label="Table"><table></table></div>'
    """
    if 'class="scroll"' in markup or "<table" not in markup:
        return markup
    markup = re.sub(r"<style scoped>.*?</style>", "", markup, flags=re.DOTALL)
    markup = markup.replace('<table border="1" ', "<table ")
    frame = r'<div class="scroll" role="region" tabindex="0" aria-label="Table">\g<0></div>'
    return re.sub(r"<table\b.*?</table>", frame, markup, flags=re.DOTALL)


def _name_code(cell: Mapping) -> str:
    tags = cell["metadata"].get("tags", [])
    return next((_FOLDED[tag] for tag in tags if tag in _FOLDED), "Show code")


def _name_anchor(text: str, taken: Sequence[str]) -> str:
    base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "part"
    taken, anchor, number = {"content", *taken}, base, 1
    while anchor in taken:
        number += 1
        anchor = f"{base}-{number}"
    return anchor


def _encode_base64(data: str | Sequence[str]) -> str:
    import base64

    text = data if isinstance(data, str) else "".join(data)
    return base64.b64encode(text.encode("utf-8")).decode("ascii")


# ------------------------------------------------------------------ the first page


def _read_verdict(final: Mapping[str, Any]) -> dict[str, Any] | None:
    verdict = final.get("verdict")
    if not verdict:
        return None
    if isinstance(verdict, str):
        verdict = {"answer": verdict, "reasons": final.get("reasons") or []}
    answer = str(verdict.get("answer") or "").lower()
    answer = answer if answer in ("yes", "no") else "open"
    headings = {"yes": "Verdict: yes.", "no": "Verdict: no.", "open": "Verdict: open."}
    texts = {
        "yes": "The segments meet the plan's criteria and can be used.",
        "no": "Do not act on these segments yet.",
        "open": "The evidence does not decide.",
    }
    reasons = [str(reason) for reason in verdict.get("reasons") or []]
    text = re.sub(r"^(yes|no)[:.,]\s*", "", str(verdict.get("text") or texts[answer]), flags=re.I)
    text = text[:1].upper() + text[1:]
    return {"answer": answer, "heading": headings[answer], "text": text, "reasons": reasons}


def _draw_segments(segments: Sequence[Mapping] | None, currency: str) -> Any:
    if not segments:
        return ""
    import pandas as pd
    from markupsafe import Markup

    from segkit.report.tables import build_table

    table = pd.DataFrame(list(segments))
    first = [name for name in ("segment_name", "name") if name in table.columns]
    rest = [name for name in table.columns if name not in ("segment_name", "name", "segment")]
    table = table[first[:1] + rest]
    bars = [name for name in ("customer_share", "spend_share") if name in table.columns]
    caption = "Each segment's size and value; bars compare the segments"
    return Markup(build_table(table, caption=caption, bars=bars, currency=currency))


def _list_goals(plan: Mapping[str, Any], kpis: Sequence[Mapping]) -> list[dict[str, Any]]:
    """Each goal in the plan's words, with its KPI's meaning rather than its name."""
    from segkit.plan import MEASURES
    from segkit.report.findings import MISSING, format_number

    goals = plan.get("goals") or []
    texts = {goal.get("name"): goal.get("text") for goal in goals}
    if not kpis:
        kpis = [
            {
                "goal": goal.get("text"),
                "kpi": goal.get("kpi"),
                "target_text": format_number(goal.get("target"), 2).removesuffix(".00"),
            }
            for goal in goals
        ]
    blank = {"goal": MISSING, "kpi": MISSING, "value_text": MISSING, "target_text": MISSING}
    rows = [{**blank, "met": None, **kpi} for kpi in kpis]
    for row in rows:
        row["goal"] = texts.get(row["goal"]) or row["goal"]
        row["kpi"] = MEASURES.get(row["kpi"]) or row["kpi"]
    return rows


def _draw_quality(counts: Mapping[str, Mapping[str, int]]) -> Any:
    if not counts:
        return ""
    import pandas as pd
    from markupsafe import Markup

    from segkit.report.tables import build_table

    table = pd.DataFrame(
        [
            {"table": name, **{key: row[key] for key in ("read", "accepted", "rejected")}}
            for name, row in counts.items()
        ]
    )
    table["rejected_share"] = table["rejected"] / table["read"].where(table["read"] > 0)
    columns = {"table": "Table", "read": "Rows read", "accepted": "Accepted"}
    columns |= {"rejected": "Rejected", "rejected_share": "Rejected, share"}
    return Markup(build_table(table, caption="Rows by table", columns=columns))


def _state_quality(counts: Mapping[str, Mapping[str, int]]) -> str:
    from segkit.report.findings import format_number, format_share, plural

    read = sum(row["read"] for row in counts.values())
    rejected = sum(row["rejected"] for row in counts.values())
    if not read:
        return "No rows were read."
    return (
        f"Of {plural(read, 'row')} read, {format_number(read - rejected)} were accepted and "
        f"{format_number(rejected)} set aside with a reason ({format_share(rejected / read)})."
    )


def _list_provenance(plan: Mapping[str, Any], record: Mapping[str, Any]) -> list[tuple[str, str]]:
    from segkit import __version__

    run_id = str(record.get("run_id") or "")
    published = record.get("published_at")
    if not published and (moment := re.match(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)", run_id)):
        published = "{}-{}-{} {}:{} UTC".format(*moment.groups())
    seed = record.get("random_state", plan.get("random_state"))
    facts = {
        "Made with": f"segkit {record.get('segkit_version') or __version__}",
        "Last day counted": record.get("as_of") or plan.get("as_of"),
        "Seed": seed,
        "Published": published,
        "Run": run_id,
    }
    return [(label, str(value)) for label, value in facts.items() if value not in (None, "")]


def _name_step(step: str) -> str:
    return re.sub(r"^\d+_", "", step).replace("_", " ").capitalize()


@cache
def _read_css() -> str:
    return (TEMPLATES / "segkit" / "report.css").read_text(encoding="utf-8")


def _write(path: str | Path, text: str) -> None:
    Path(path).write_bytes(text.strip().encode("utf-8") + b"\n")
