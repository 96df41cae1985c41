"""What may be wrong with a built site: dead links, pages nobody reaches, things from elsewhere."""

from __future__ import annotations

import posixpath
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

# Tags whose address a browser fetches by itself, with the attribute that names it.
LOADED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "embed": "src",
    "object": "data",
}
# Kinds of <link> that are fetched; others, such as the canonical address, are not.
LOADED_LINKS = {"stylesheet", "icon", "preload", "modulepreload", "manifest", "prefetch"}
ELSEWHERE = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
IN_STYLES = re.compile(r"(?:url\(|@import)\s*['\"]?\s*([^'\")\s;]+)", re.IGNORECASE)
# Pages that are reached by the search box or by the theme's own buttons.
BY_THE_THEME = {"search.html", "genindex.html", "py-modindex.html"}


class Page(HTMLParser):
    """One page: the anchors it has, the links it makes and the addresses that it loads."""

    def __init__(self, text: str):
        super().__init__()
        self.anchors: set[str] = set()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag == "link" and LOADED_LINKS & set(given.get("rel", "").split()):
            self.loaded.append(given.get("href", ""))
        if tag in LOADED and LOADED[tag] in given:
            self.loaded.append(given[LOADED[tag]])
        self.loaded += [part.split()[0] for part in given.get("srcset", "").split(",") if part]


def read_pages(html: Path) -> dict[str, Page]:
    """Return every page of a site by its path."""
    paths = sorted(html.rglob("*.html"))
    found = {}
    for path in paths:
        found[path.relative_to(html).as_posix()] = Page(path.read_text(encoding="utf-8"))
    return found


def find_site_faults(html: Path) -> list[str]:
    """Return a sentence for each fault of the site in the folder ``html``."""
    pages = read_pages(html)
    faults = _find_dead_links(html, pages)
    faults += _find_unreached(pages)
    return faults + find_remote_sources(html, pages)


def find_remote_sources(html: Path, pages: dict[str, Page]) -> list[str]:
    """Return what a browser would load from elsewhere, or from a file that is not there."""
    faults = []
    for name, page in pages.items():
        for address in page.loaded:
            faults += _judge_source(html, name, address)
    for path in sorted(html.rglob("*.css")):
        name = path.relative_to(html).as_posix()
        for address in IN_STYLES.findall(path.read_text(encoding="utf-8")):
            faults += _judge_source(html, name, address)
    return faults


def _judge_source(html: Path, name: str, address: str) -> list[str]:
    if address.startswith(("data:", "#")):
        return []
    if ELSEWHERE.match(address):
        return [f"{name} loads {address} from elsewhere"]
    target = (html / name).parent / unquote(address.partition("?")[0].partition("#")[0])
    return [] if target.exists() else [f"{name} loads {address}, which is not there"]


def _resolve(name: str, link: str) -> tuple[str, str] | None:
    """Return the file and the anchor that a page's link leads to; None for the world's pages."""
    if ELSEWHERE.match(link) or link.startswith(("mailto:", "javascript:", "data:")):
        return None
    address, anchor = urldefrag(link)
    address = unquote(address.partition("?")[0])
    target = posixpath.normpath(posixpath.join(posixpath.dirname(name), address))
    return target if address else name, unquote(anchor)


def _find_dead_links(html: Path, pages: dict[str, Page]) -> list[str]:
    faults = []
    for name, page in pages.items():
        for link in dict.fromkeys(page.links):
            found = _resolve(name, link)
            if found is None:
                continue
            target, anchor = found
            if not (html / target).is_file():
                faults.append(f"{name} links to {link}, which is not there")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                faults.append(f"{name} links to {link}, which has no such heading")
    return faults


def _find_unreached(pages: dict[str, Page]) -> list[str]:
    """Return the pages that no way of links from the first page leads to."""
    reached: set[str] = set()
    waiting = ["index.html"]
    while waiting:
        name = waiting.pop()
        if name in reached or name not in pages:
            continue
        reached.add(name)
        resolved = [_resolve(name, link) for link in pages[name].links]
        waiting += [found[0] for found in resolved if found]
    missed = sorted(set(pages) - reached - BY_THE_THEME)
    return [f"no link leads to {name}" for name in missed]
