"""Kind: what a table hides is said elsewhere: in a sentence, an alternative text, a caption or
run.json.

The attacker reads the published pages alone. Which groups are hidden is read of their tables: a
dash where a count would stand, or a note that says so. Then no share, mean, amount, rank or other
figure of such a group may stand where its names do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from published_pages import list_statements, read_tables, read_texts

DASH = "–"
HIDES = "fewer than"  # how the note of a hidden row begins
COUNTS = ("Customers", "Who are taken", "With consent")
SAID = ("alt", "title", "aria-label", "aria-description", "content")


@dataclass(frozen=True)
class Hidden:
    """A group of which a table shows nothing, and under which headings."""

    names: tuple[str, ...]
    headings: tuple[str, ...]

    @property
    def is_apart(self) -> bool:
        """Whether its names tell it from all others, such as a level of a segment."""
        return sum(bool(re.search(r"[^\W\d]{3}", name)) for name in self.names) > 1


class SaidReader(HTMLParser):
    """Reads what is said in attributes and captions, and in drawings."""

    def __init__(self):
        super().__init__()
        self.texts = []
        self.text = None

    def handle_starttag(self, tag, attrs):
        self.texts += [value for name, value in attrs if name in SAID and value]
        if tag in ("caption", "title", "desc", "text", "summary", "h2", "h3", "h4"):
            self.text = ""

    def handle_endtag(self, tag):
        if tag in ("caption", "title", "desc", "text", "summary", "h2", "h3", "h4") and self.text:
            self.texts.append(" ".join(self.text.split()))
            self.text = None

    def handle_data(self, data):
        if self.text is not None:
            self.text += data


def find_hidden_groups(tables: dict[str, pd.DataFrame]) -> set[Hidden]:
    """Return the groups that tables hide."""
    found = set()
    for table in tables.values():
        names = list_name_columns(table)
        if not names or table.empty:
            continue
        others = [column for column in table if column not in (*names, "Note")]
        count = next((column for column in COUNTS if column in others), "")
        for row in table.to_dict("records"):
            own = tuple(row[name] for name in names)
            if DASH in own:
                continue  # not even which group it is is shown
            is_noted = str(row.get("Note", "")).startswith(HIDES)
            if is_noted or (count and row[count] == DASH):
                gone = tuple(column for column in others if row[column] == DASH)
                found.add(Hidden(own, gone))
            elif not count and "Note" not in table:  # a grid: each column is a group
                found |= {Hidden((*own, column), ()) for column in others if row[column] == DASH}
    return found


def list_name_columns(table: pd.DataFrame) -> list[str]:
    """Return the first columns, those of words, that say what a row is."""
    found = []
    for column in table:
        known = table.loc[table[column] != DASH, column]
        if column == "Note" or column in COUNTS:
            break
        if column == "Rank":
            continue
        if known.str.fullmatch(r"[−\-\d\s.,%\u2009\u202f]*").all() and len(found):
            break
        found.append(column)
    return found


def list_names(tables: dict[str, pd.DataFrame]) -> set[str]:
    """Return all names of groups, in the cells and headings of tables."""
    cells = {
        cell
        for table in tables.values()
        for name in list_name_columns(table)
        for cell in table[name]
    }
    return cells | {str(column) for table in tables.values() for column in table}


def find_said(
    texts: list[str], groups: set[Hidden], *, others: set[str] = frozenset()
) -> list[tuple[Hidden, str]]:
    """Return groups of which a clause gives a figure beside their names.

    A name that is a part of one of ``others`` does not count where that stands.
    """
    longer = {
        group: [
            other
            for other in others
            if other not in group.names and any(name in other for name in group.names)
        ]
        for group in groups
    }
    said = []
    for text in texts:
        for group in groups:
            if not all(name and spell(name) & find_spellings(text, name) for name in group.names):
                continue
            own = text
            for other in sorted(longer[group], key=len, reverse=True):
                if not any(other in name for name in group.names):
                    own = own.replace(other, "<other>")
            for clause in re.split(r"[;.](?:\s|$)", mark_names(own, group)):
                if gives_figure(clause, group):
                    said.append((group, clause))
    return said


def spell(name: str) -> set[str]:
    """Return how a name may be written."""
    return {name, name.replace("_", " ")}


def find_spellings(text: str, name: str) -> set[str]:
    """Return the spellings of a name that stand in a text."""
    return {way for way in spell(name) if way in text}


def mark_names(text: str, group: Hidden) -> str:
    """Return the text with the names of a group replaced by marks, longer ones first."""
    for place, name in sorted(enumerate(group.names), key=lambda named: -len(named[1])):
        for way in spell(name):
            text = re.sub(rf"(?<!\w){re.escape(way)}(?!\w)", f"<{chr(97 + place)}>", text)
    return text


def gives_figure(clause: str, group: Hidden) -> bool:
    """Return whether a clause names a group and holds a figure, of what is hidden of it."""
    if not all(f"<{chr(97 + place)}>" in clause for place in range(len(group.names))):
        return False
    if not re.search(r"\d", clause):
        return False
    if group.is_apart:
        return True
    plain = clause.casefold()
    topics = [heading.split(",")[0].casefold() for heading in group.headings]
    telling = [topic for topic in topics if topic not in ("customers", "share", "spend")]
    return any(topic in plain for topic in telling)


def list_objects(value: object) -> Iterator[dict]:
    """Yield each object of run.json."""
    if isinstance(value, dict):
        yield value
    for part in value.values() if isinstance(value, dict) else value:
        if isinstance(part, (dict, list)):
            yield from list_objects(part)


def find_in_record(record: dict, groups: set[Hidden]) -> list[tuple[Hidden, dict]]:
    """Return the groups of which an object of run.json names all and holds a number."""
    found = []
    for one in list_objects(record):
        words = {value for value in one.values() if isinstance(value, str)}
        numbers = [
            key
            for key, value in one.items()
            if isinstance(value, (int, float)) and not isinstance(value, bool)
        ]
        for group in groups:
            if group.is_apart and words.issuperset(group.names) and numbers:
                found.append((group, one))
    return found


GRID = pd.DataFrame(
    {"Other scheme": ["style"], "Other segment": ["Big baskets"], "Tiny": [DASH], "Loyal": ["30"]}
)
LEVELS = pd.DataFrame(
    {
        "Segment": ["Tiny", "Loyal", "Loyal"],
        "Rank": ["1", "1", "2"],
        "Category": ["Rope", "Rope", "Tents"],
        "Customers": [DASH, "40", "9"],
        "Share": [DASH, "12.5%", "4.0%"],
        "Note": ["fewer than 5 customers, or would tell of so few", DASH, DASH],
    }
)
WALLET = pd.DataFrame(
    {
        "Segment": ["Tiny", "Loyal"],
        "Customers": [DASH, "40"],
        "Our share of the wallet": [DASH, "30.0%"],
        "Note": ["fewer than 5 customers, or would tell of so few", DASH],
    }
)


def test_the_attack_reads_of_tables_what_they_hide():
    found = find_hidden_groups({"grid": GRID, "levels": LEVELS, "wallet": WALLET})
    assert found == {
        Hidden(("style", "Big baskets", "Tiny"), ()),
        Hidden(("Tiny", "Rope"), ("Customers", "Share")),
        Hidden(("Tiny",), ("Customers", "Our share of the wallet")),
    }


@pytest.mark.parametrize(
    "text",
    [
        "Rope leads in Tiny: 31.0% of what it spends",
        "Bars. Loyal: 12.5%; Tiny, Rope: 31.0%.",
        "Tiny has 4 times as many of Rope",
        "In style, Big baskets are 3 of Tiny",
        "Tiny: our share of the wallet is 12.0%",
    ],
)
def test_the_attack_finds_figures_of_what_is_hidden(text):
    groups = find_hidden_groups({"grid": GRID, "levels": LEVELS, "wallet": WALLET})
    assert len(find_said([text], groups)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "Rope leads in Tiny",
        "Loyal: Rope 12.5%; Tiny: not shown.",
        "Tiny: 120 visits",
        "Our share of the wallet of Loyal is 30.0%",
        "Visits: highest in Tiny (141), lowest in By phone, Rope (19)",
    ],
)
def test_and_nothing_else(text):
    groups = find_hidden_groups({"grid": GRID, "levels": LEVELS, "wallet": WALLET})
    assert find_said([text], groups, others={"Tiny", "Loyal", "By phone, Rope"}) == []


def test_the_attack_finds_figures_in_the_record():
    groups = find_hidden_groups({"levels": LEVELS})
    bad = {"facts": [{"segment": "Tiny", "category": "Rope", "share": 0.31}]}
    assert len(find_in_record(bad, groups)) == 1
    good = {"facts": [{"segment": "Tiny", "category": "Rope", "share": None}]}
    assert find_in_record(good, groups) == []


def read_hidden(report: Path) -> tuple[set[Hidden], set[str]]:
    """Return the groups that the tables of a report hide, and the names of all."""
    found = set()
    names = set()
    for path in sorted(report.glob("0*.html")):
        tables = read_tables(path.read_text(encoding="utf-8"))
        found |= find_hidden_groups(tables)
        names |= list_names(tables)
    return found, names


def read_all_texts(report: Path) -> list[str]:
    """Return what is said anywhere: in paragraphs, attributes, captions, drawings, run.json."""
    texts = read_texts(report)
    for path in sorted(report.glob("*.html")):
        reader = SaidReader()
        reader.feed(path.read_text(encoding="utf-8"))
        texts += reader.texts
    return list(dict.fromkeys(texts))


@pytest.mark.slow
def test_no_text_gives_a_figure_of_a_group_that_a_table_hides(report):
    groups, names = read_hidden(report)
    assert sum(group.is_apart for group in groups) > 10, "something is hidden"
    texts = read_all_texts(report)
    assert sum(bool(re.search(r"\d%", text)) for text in texts) > 20, "shares are told"
    assert find_said(texts, groups, others=names) == []


@pytest.mark.slow
def test_the_record_of_the_run_holds_no_figure_of_such_a_group(report):
    record = json.loads((report / "run.json").read_text(encoding="utf-8"))
    groups, names = read_hidden(report)
    assert find_in_record(record, groups) == []
    told = list(list_statements(record))
    assert len(told) > 20
    figures = [
        f"{statement['text']}: {figure['value']}"
        for statement in told
        for figure in statement["figures"]
        if figure.get("value") is not None
    ]
    assert find_said(figures, groups, others=names) == []
