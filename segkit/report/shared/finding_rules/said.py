"""Everything that a run says: its findings by step, its charts, and what it calls its features."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from segkit.core.errors import SegkitError
from segkit.core.findings import ABSENCE, Finding
from segkit.report.shared.sentences import find_sentence, write_figure

NUMBERS = re.compile(r"[+\N{MINUS SIGN}-]?\d[\d\u202f]*(?:\.\d+)?\s?%?|\b(?:m|b|tr)illion\b")


@dataclass(frozen=True)
class Fault:
    """One sentence that breaks a rule: the rule, where it stands, the sentence, what is wrong."""

    rule: str
    step: str
    kind: str
    text: str
    found: str

    def describe(self) -> str:
        """Return it on one line."""
        return f"{self.rule}: {self.step}, {self.kind}: {self.found}: {self.text}"

    def to_record(self) -> dict[str, str]:
        """Return it as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Chart:
    """What a chart says to those who cannot see it, and its caption; of a table, its caption."""

    step: str
    alt: str
    caption: str = ""

    @property
    def text(self) -> str:
        """All its words."""
        return f"{self.alt} {self.caption}".strip()


@dataclass(frozen=True)
class Said:
    """Everything that a run says.

    Attributes
    ----------
    findings : mapping of str to sequence of Finding
        By step.
    charts : sequence of Chart
    labels : mapping of str to str
        What each feature is called, by its column name.
    words : collection of str
        Further words for features, in which a column's name may stand.
    tables : collection of str
        Names of the contract's tables.
    net_and_gross : bool
        Whether some of what was bought was sent back, so that net and gross differ.
    """

    findings: Mapping[str, Sequence[Finding]]
    charts: Sequence[Chart] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    words: Collection[str] = ()
    tables: Collection[str] = ()
    net_and_gross: bool = False

    def __iter__(self) -> Iterator[tuple[str, Finding]]:
        """Yield each finding with its step, once however often it is shown."""
        seen = set()
        for step, findings in self.findings.items():
            for finding in findings:
                key = (step, finding.kind, finding.text)
                if key not in seen:
                    seen.add(key)
                    yield step, finding


def shorten(text: str, most: int = 300) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= most else f"{text[:most]}…"


def read_numbers(text: str) -> str:
    """Return the numbers of a text as they are written, without its words.

    >>> read_numbers("EUR 1 270.50 of 3 customers, 45.9%")
    '1 270.50 3 45.9%'
    """
    return " ".join(match.group().replace(" %", "%").strip() for match in NUMBERS.finditer(text))


def read_shown_names(finding: Finding) -> frozenset[str]:
    """Return the names of the figures that a finding's text has.

    A sentence that is put together from parts does not name their figures: those of them count
    whose writing stands in the text.
    """
    sentence = "" if finding.kind in (ABSENCE, "text") else _find_sentence(finding.kind)
    return frozenset(
        figure.name
        for figure in finding.figures
        if f"{{{figure.name}}}" in sentence
        or (figure.value is not None and write_figure(figure) in finding.text)
    )


def _find_sentence(kind: str) -> str:
    try:
        return find_sentence(kind)
    except SegkitError:
        return ""  # of an older run
