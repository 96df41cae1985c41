"""Sentences from the templates in ``templates/findings``, which hold the words and no figures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jinja2

from segkit.report.shared import numbers as findings
from segkit.report.shared.figures import write_value
from segkit.report.shared.tables import TEMPLATES

MOST_NAMES = 5


def name_some(names: Iterable) -> str:
    """Join the first names, and say how many more there are."""
    names = [str(name) for name in names if name]
    more = [f"{len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else []
    return findings.join_words([*names[:MOST_NAMES], *more])


# Nothing is escaped here, since sentences are plain text; what shows them escapes them.
_WORDS = jinja2.Environment(
    loader=jinja2.FileSystemLoader(TEMPLATES.with_name("findings")),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
    finalize=lambda value: value.replace("\n", " ") if isinstance(value, str) else value,
)
_WORDS.filters |= {
    "large": findings.format_large,
    "number": findings.format_number,
    "plural": findings.plural,
    "share": findings.format_share,
    "small_share": findings.format_small_share,
    "some": name_some,
    "spaced": lambda name: str(name).replace("_", " "),
    "value": write_value,
    "words": findings.join_words,
}


def write_sentences(name: str, **values: Any) -> list[str]:
    """Fill a part of a template, such as "plan.quality".

    In a template a blank line ends a sentence, and a line's end is a space.
    """
    template, part = name.split(".")
    write = getattr(_WORDS.get_template(f"{template}.j2").module, part)
    parts = (sentence.strip("\n") for sentence in write(**values).split("\n\n"))
    return [sentence.replace("\n", " ") for sentence in parts if sentence]
