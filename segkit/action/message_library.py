"""The library of messages: what may be said to a segment, and of which segments it is true.

A library is a TOML file of ``[[messages]]``. Its conditions are in the language of rules, over the
figures of a segment, see `segkit.action.message_figures`. Every fault is reported at once, with its
line.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from segkit.core.errors import PlanError, SegkitError, explain_faults, suggest_name
from segkit.core.files import hash_bytes
from segkit.models.rule_language import Predicate, read_predicate
from segkit.plan.bases import Name
from segkit.plan.frozen import Frozen
from segkit.plan.models import Plan
from segkit.plan.names import find_line, locate_keys
from segkit.plan.toml_faults import explain_toml

OWN_LIBRARY = Path(__file__).with_name("message_library.toml")
ANY_CHANNEL = "any"
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
Words = Annotated[str, Field(min_length=1, max_length=80)]
Text = Annotated[str, Field(min_length=1, max_length=400)]


class Message(Frozen):
    """A message with an offer, in two variants that differ in one thing.

    ``channel`` is the one that it is written for, or "any". ``when`` says of which segments it is
    true. In ``text`` and ``other_text``, ``{favourite_category}`` and the like stand for the value
    that is typical of the segment; where none is, the message is not proposed.
    """

    name: Name
    goal: Words
    benefit: Words
    tone: Words
    channel: Words = ANY_CHANNEL
    offer: Words = "none"
    when: str
    text: Text
    other_text: Text
    differs_in: Literal["opening", "benefit", "offer", "tone", "request"]

    def list_placeholders(self) -> list[str]:
        """Return the names that stand in braces in either text, each once."""
        found = PLACEHOLDER.findall(self.text) + PLACEHOLDER.findall(self.other_text)
        return list(dict.fromkeys(found))


class _Library(Frozen):
    messages: Annotated[tuple[Message, ...], Field(min_length=1)]


class LibraryError(PlanError):
    """The library cannot be read; carries every fault that was found."""

    subject = "The library of messages has"


def find_library(plan: Plan) -> Path:
    """Return the plan's library of messages, or segkit's where it names none."""
    given = plan.targeting.messages
    return plan.resolve_path(given) if given else OWN_LIBRARY


def check_library(plan: Plan) -> str:
    """Read the plan's library of messages before any table is, and return the hash of its file.

    Conditions on features of one's own are checked where the plan names these.

    Raises
    ------
    SegkitError
        If it cannot be read, with every fault.
    """
    from segkit.action.message_figures import list_kinds

    path = find_library(plan)
    customers = plan.tables.get("customers")
    given = customers.features if customers is not None else {}
    if given == "all":
        _read_messages(path)
    else:
        own = dict.fromkeys(given, "any") | plan.list_attitudes()
        read_library(path, list_kinds(own))
    return hash_bytes(path)


def read_library(path: Path, kinds: Mapping[str, str]) -> tuple[Message, ...]:
    """Read a library of messages.

    Parameters
    ----------
    path : Path
        A TOML file.
    kinds : mapping of str to str
        The figures that a condition may name, ``number``, ``text`` or ``any``; see
        `segkit.action.message_figures.list_kinds`.

    Raises
    ------
    SegkitError
        If there is no such file, or it is not TOML.
    LibraryError
        With every fault, each with its line.
    """
    messages, lines = _read_messages(path)
    faults = _check_messages(messages, lines, file=path.name, kinds=kinds)
    if faults:
        raise LibraryError(faults)
    return messages


def _read_messages(path: Path) -> tuple[tuple[Message, ...], dict[tuple, int]]:
    """Return the messages of a library, and the line of each key."""
    text, content = _read_content(path)
    lines = locate_keys(text)
    try:
        messages = _Library.model_validate(content).messages
    except ValidationError as error:
        told = error.errors()
        # That a library holds no messages is told only where it is not for their own faults.
        inner = [fault for fault in told if len(fault["loc"]) > 1]
        faults = [_explain(fault, lines, path.name) for fault in inner or told]
        raise LibraryError(faults) from None
    return messages, lines


def _read_content(path: Path) -> tuple[str, dict]:
    fix = 'Name a library under [targeting]: messages = "messages.toml"; or take the line out.'
    message = "the library of messages cannot be read"
    if path.exists() and not path.is_file():
        raise SegkitError(message, where=path.name, found="what is no file", fix=fix)
    with explain_faults(message, where=path.name, fix=fix):
        raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
        content = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        message = "the library of messages is not UTF-8 text"
        raise SegkitError(message, where=f"{path.name}, line {line}", fix="Save it so.") from None
    except tomllib.TOMLDecodeError as error:
        raise explain_toml(error, text, path.name) from None
    return text, content


def read_condition(message: Message, kinds: Mapping[str, str], *, where: str = "") -> Predicate:
    """Read of which segments a message is true."""
    return read_predicate(message.when, kinds, where=where or f"message {message.name}, when")


def _check_messages(
    messages: tuple[Message, ...], lines: dict[tuple, int], *, file: str, kinds: Mapping[str, str]
) -> list[SegkitError]:
    faults = []
    seen: set[str] = set()
    for number, message in enumerate(messages):

        def place(key: str, number: int = number) -> str:
            return f"{file}, line {find_line(('messages', number, key), lines)}"

        if message.name in seen:
            told = f"two messages are called '{message.name}'"
            fix = f'Give this one a name of its own: name = "{message.name[:38]}_2".'
            faults.append(SegkitError(told, where=place("name"), fix=fix))
        seen.add(message.name)
        try:
            read_condition(message, kinds, where=place("when"))
        except SegkitError as fault:
            faults.append(fault)
        faults += _check_texts(message, kinds, place)
    return faults


def _check_texts(message: Message, kinds: Mapping[str, str], place) -> list[SegkitError]:
    faults = []
    texts = [name for name, kind in kinds.items() if kind != "number"]
    for name in message.list_placeholders():
        if name not in texts:
            told = f"'{{{name}}}' stands for nothing that is known of a segment"
            fix = suggest_name(name, texts)
            faults.append(SegkitError(told, where=place("text"), fix=fix))
    if message.text == message.other_text:
        told = f"both variants of '{message.name}' say the same, so a test tells nothing"
        fix = f'Change the {message.differs_in}: other_text = "..."'
        faults.append(SegkitError(told, where=place("other_text"), fix=fix))
    return faults


def _explain(fault: Mapping, lines: dict[tuple, int], file: str) -> SegkitError:
    """Turn one of pydantic's errors into a message for people."""
    place = fault["loc"]
    where = f"{file}, line {find_line(place, lines)}"
    key = str(place[-1])
    if fault["type"] == "missing":
        example = 'when = "recency_days_effect > 0.2"' if key == "when" else f'{key} = "..."'
        if key == "messages":
            example = "[[messages]]"
        return SegkitError(f"'{key}' is missing", where=where, fix=f"Add {example}")
    if fault["type"] == "extra_forbidden":
        fields = Message.model_fields if len(place) > 1 else ["messages"]
        fix = suggest_name(key, fields)
        return SegkitError(f"unknown key '{key}'", where=where, fix=fix)
    found = repr(fault["input"])[:80]
    if fault["type"] == "literal_error":
        options = re.findall(r"'([^']+)'", fault["ctx"]["expected"])
        fix = f'Write {key} = "{options[0]}", or {", ".join(options[1:])}.'
        return SegkitError(
            f"'{key}' has a value that is not known", where=where, found=found, fix=fix
        )
    reason = fault["msg"].removeprefix("Value error, ")
    message = f"'{key}' is not right: {reason[0].lower()}{reason[1:]}"
    return SegkitError(message, where=where, found=found, fix=f'Write {key} = "..."')
