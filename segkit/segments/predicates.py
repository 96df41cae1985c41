"""Conditions on a customer, written in SQL's plain expression syntax.

A condition may hold columns, numbers, text, comparison, arithmetic, ``and``, ``or``, ``not``,
``between``, ``in``, ``is null`` and ``like``, and nothing else. It means the same on every engine:
numbers are doubles, division by zero gives null, text has no order, and null is neither true nor
false. Anybody may have written it: it is checked word by word, and never reaches an engine as text.
"""

from __future__ import annotations

import datetime
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from segkit.errors import SegkitError, suggest_name

if TYPE_CHECKING:  # importing this module costs nothing: a plan is checked without an engine
    from ibis import ir
    from sqlglot import Expression
    from sqlglot.tokens import Token

MOST_CHARACTERS, MOST_OPERATORS, MOST_NESTED = 10_000, 200, 20
WORDS = {"AND", "OR", "NOT", "BETWEEN", "IN", "IS", "NULL", "LIKE", "TRUE", "FALSE"}
SIGNS = {"=", "!=", "<>", "<", "<=", ">", ">=", "+", "-", "*", "/"}
ALLOWED = (
    "A condition takes columns, numbers, 'text', + - * /, = <> < <= > >=, and, or, not, between, "
    "in, is null and like."
)
# What a column or a part of a condition can be; "any" where it is not known before data is read.
KINDS = {"number": "a number", "text": "text", "boolean": "true or false", "date": "a date"}

_NUMBER, _TRUTH, _TEXT, _ORDERED = {"number"}, {"boolean"}, {"text"}, {"number", "date"}
_ALL = set(KINDS)
# The node of sqlglot: its sign, the kinds it takes, all of them alike, the kind it gives, and what
# it does.
_OPERATIONS: dict[str, tuple[str, set[str], str, Callable]] = {
    "add": ("+", _NUMBER, "number", operator.add),
    "sub": ("-", _NUMBER, "number", operator.sub),
    "mul": ("*", _NUMBER, "number", operator.mul),
    "div": ("/", _NUMBER, "number", lambda one, other: one / other.nullif(0.0)),
    "neg": ("-", _NUMBER, "number", operator.neg),
    "and": ("and", _TRUTH, "boolean", operator.and_),
    "or": ("or", _TRUTH, "boolean", operator.or_),
    "not": ("not", _TRUTH, "boolean", operator.invert),
    "eq": ("=", _ALL, "boolean", operator.eq),
    "neq": ("<>", _ALL, "boolean", operator.ne),
    "lt": ("<", _ORDERED, "boolean", operator.lt),
    "lte": ("<=", _ORDERED, "boolean", operator.le),
    "gt": (">", _ORDERED, "boolean", operator.gt),
    "gte": (">=", _ORDERED, "boolean", operator.ge),
    "between": ("between", _ORDERED, "boolean", lambda own, low, high: own.between(low, high)),
    "in": ("in", _ALL, "boolean", lambda own, *values: own.isin(values)),
    "like": ("like", _TEXT, "boolean", lambda own, pattern: own.like(pattern)),
}
_PLAIN = {"NUMBER", "STRING", "VAR", "L_PAREN", "R_PAREN", "COMMA"}
_PARTS = ("this", "expression", "low", "high", "expressions")

Values = Mapping[str, "ir.Value"]


@dataclass(frozen=True)
class Predicate:
    """A condition that was read; ``columns`` are those it reads, in the order of the text."""

    text: str
    columns: tuple[str, ...]
    _build: Callable[[Values], Any] = field(repr=False, compare=False)

    def apply(self, values: Values) -> ir.BooleanValue:
        """Return the condition over ``values``: each column as an expression of its kind.

        A number is a double and never NaN; a date is text, ``YYYY-MM-DD``. Null where the condition
        is neither true nor false.
        """
        return self._build(values)


@dataclass(frozen=True)
class _Part:
    """A part of a condition: its kind, how to build it, and its value if it is a literal."""

    kind: str
    build: Callable[[Values], Any]
    literal: str | float | None = None


def read_predicate(text: str, kinds: Mapping[str, str], *, where: str = "") -> Predicate:
    """Read a condition.

    Parameters
    ----------
    text : str
        Such as ``recency_days > 180 and total_spend >= 1000``.
    kinds : mapping of str to str
        The columns that may be named, each ``number``, ``text``, ``boolean``, ``date`` or
        ``any``.
    where : str, optional
        Where the condition stands, for the message.

    Raises
    ------
    SegkitError
        With the position, from 1, of what is not allowed or does not fit.
    """
    return _Reader(text, kinds, where).read()


def quote_name(name: str) -> str:
    """Return a column's name as a condition writes it: quoted where it is not a plain word."""
    plain = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) and name.upper() not in WORDS
    return name if plain else '"' + name.replace('"', '""') + '"'


class _Reader:
    """Reads one condition."""

    def __init__(self, text: str, kinds: Mapping[str, str], where: str):
        self.text, self.kinds, self.where = text, kinds, where
        self.columns: dict[str, None] = {}

    def read(self) -> Predicate:
        part = self._take(self._parse())
        if part.kind not in ("boolean", "any"):
            fix = f"Compare it, as in {quote_name(next(iter(self.columns), 'recency_days'))} > 30."
            message = f"a condition is true or false, but this is {KINDS[part.kind]}"
            raise self._refuse(message, 0, len(self.text), fix)
        if not self.columns:
            raise self._refuse("a condition reads at least one column", 0, len(self.text))
        return Predicate(self.text, tuple(self.columns), part.build)

    def _refuse(self, message: str, start: int, end: int, fix: str = ALLOWED) -> SegkitError:
        found = repr(self.text[start:end][:40]) if end > start else ""
        message = f"{message}, at position {start + 1}"
        return SegkitError(message, where=self.where, found=found, fix=fix)

    def _parse(self) -> Expression:
        """Return sqlglot's tree of a text whose every word is allowed."""
        from sqlglot import Dialect, exp
        from sqlglot.errors import ParseError, TokenError

        if len(self.text) > MOST_CHARACTERS:
            message = f"a condition has at most {MOST_CHARACTERS:,} characters"
            raise SegkitError(message, where=self.where, found=f"{len(self.text):,}")
        dialect = Dialect.get_or_raise("duckdb")
        try:
            tokens = dialect.tokenize(self.text)
        except TokenError:
            closed = re.sub(r"'[^']*'|\"[^\"]*\"", lambda match: " " * len(match[0]), self.text)
            opened = re.search(r"['\"]|\$\$|/\*", closed)
            start, fix = opened.start() if opened else 0, "Close it with the same quote."
            raise self._refuse("a quote is not closed", start, len(self.text), fix) from None
        self._check_tokens(tokens)
        parser = dialect.parser(error_message_context=MOST_CHARACTERS)
        try:
            return parser.parse_into(exp.Condition, tokens, self.text)[0]
        except ParseError as error:
            fault = error.errors[0]
            start, piece = len(fault["start_context"]), fault["highlight"]
            if fault["description"].startswith("Required"):
                message = f"something is missing beside '{piece}'"
            else:
                message = "this does not fit here, or a bracket is not closed"
            raise self._refuse(message, start, start + len(piece)) from None

    def _check_tokens(self, tokens: list[Token]) -> None:
        """Refuse every word and sign that no condition holds, and what is nested too deep."""
        from sqlglot.tokens import TokenType

        place = depth = run = operators = 0
        before = ("", "", 0)  # the token before: its kind, word and start
        for token in tokens:
            self._check_gap(place, token.start)
            place, kind, word = token.end + 1, token.token_type.name, token.text.upper()
            is_name = kind == "IDENTIFIER" or (token.text in self.kinds and kind != "STRING")
            if word in WORDS | SIGNS and kind not in ("IDENTIFIER", "STRING"):
                operators += 1
            elif is_name:
                token.token_type = TokenType.IDENTIFIER  # also where SQL has the word for its own
                kind = "IDENTIFIER"
            elif kind not in _PLAIN:
                raise self._refuse("this cannot stand in a condition", token.start, place)
            if kind == "L_PAREN" and before[0] in ("VAR", "IDENTIFIER"):
                raise self._refuse("functions cannot stand in a condition", before[2], place)
            if kind in ("NULL", "TRUE", "FALSE") and before[1] not in ("IS", "NOT"):
                fix = "Write 'is null', 'is true' or 'is false' after a column."
                raise self._refuse(
                    f"{word.lower()} stands only after 'is'", token.start, place, fix
                )
            depth += (kind == "L_PAREN") - (kind == "R_PAREN")
            run = run + 1 if kind in ("NOT", "DASH") else 0
            if depth + run > MOST_NESTED or operators > MOST_OPERATORS:
                message = f"a condition has at most {MOST_OPERATORS} words and signs of SQL, nested"
                message = f"{message} at most {MOST_NESTED} deep"
                raise self._refuse(message, token.start, place, "Make two rules of it.")
            before = (kind, word, token.start)
        self._check_gap(place, len(self.text))
        if not tokens:
            raise self._refuse("the condition is empty", 0, 0)

    def _check_gap(self, start: int, end: int) -> None:
        """Between words there is nothing but space: what sqlglot skipped is a comment."""
        gap = self.text[start:end]
        if gap.strip():
            start += len(gap) - len(gap.lstrip())
            raise self._refuse("a comment cannot stand in a condition", start, end)

    def _take(self, node: Expression) -> _Part:
        """Check a node and all below it, and return how it is built."""
        given = {name for name, value in node.args.items() if value} - {"quoted", "is_string"}
        if node.key == "paren":
            return self._take(node.this)
        if node.key == "column" and given == {"this"}:
            return self._take_column(node)
        if node.key == "literal":
            return self._take_literal(node)
        if node.key == "is":
            return self._take_is(node)
        if node.key not in _OPERATIONS or not given <= set(_PARTS):
            raise self._refuse_node("this cannot stand in a condition", node)
        return self._take_operation(node)

    def _take_column(self, node: Expression) -> _Part:
        name = node.name
        if name not in self.kinds:
            fix = suggest_name(name, self.kinds)
            if self.text[node.this.meta["start"]] == '"':
                fix = f"Text stands in single quotes: '{name}'. {fix}"
            raise self._refuse_node(f"there is no column '{name}'", node, fix)
        self.columns[name] = None
        return _Part(self.kinds[name], lambda values: values[name])

    def _take_literal(self, node: Expression) -> _Part:
        import ibis

        if node.is_string:
            return _Part("text", lambda values: ibis.literal(node.this), node.this)
        try:
            number = float(node.this)
        except ValueError:
            number = math.inf
        if not math.isfinite(number):
            raise self._refuse_node("this is no number", node)
        return _Part("number", lambda values: ibis.literal(number, "float64"), number)

    def _take_is(self, node: Expression) -> _Part:
        part, right = self._take(node.this), node.expression
        if right.key == "null":
            return _Part("boolean", lambda values: part.build(values).isnull())
        if right.key != "boolean" or part.kind not in ("boolean", "any"):
            message = "'is' takes null, or true and false after what is one of these"
            raise self._refuse_node(message, node)
        if right.this:
            return _Part("boolean", lambda values: part.build(values).fill_null(False))
        return _Part("boolean", lambda values: ~part.build(values).fill_null(True))

    def _take_operation(self, node: Expression) -> _Part:
        sign, taken, gives, work = _OPERATIONS[node.key]
        nodes = [node.args[name] for name in _PARTS[:-1] if node.args.get(name)]
        parts = [self._take(part) for part in [*nodes, *node.expressions]]
        if node.key in ("in", "like"):
            right = parts[1:]
            if not right or any(part.literal is None for part in right):
                raise self._refuse_node(f"only plain values stand to the right of '{sign}'", node)
            if node.key == "like" and "\\" in str(right[0].literal):
                raise self._refuse_node("a pattern holds no backslash", node)
        kinds = {part.kind for part in parts} - {"any"}
        if kinds == {"date", "text"} and all(
            part.kind != "text" or _is_day(part.literal) for part in parts
        ):
            kinds = {"date"}
        if len(kinds) > 1 or not kinds <= taken:
            words = " and ".join(KINDS[kind] for kind in KINDS if kind in kinds)
            fixes = {"date": "A date is compared with 'YYYY-MM-DD'."}
            fixes["boolean"] = "True or false is asked by 'is true', 'is false' or the name alone."
            fix = next((fixes[kind] for kind in fixes if kind in kinds), "")
            raise self._refuse_node(f"'{sign}' does not go with {words}", node, fix)
        literal = None
        if node.key == "neg" and parts[0].literal is not None:
            literal = -float(parts[0].literal)
        return _Part(gives, lambda values: work(*[p.build(values) for p in parts]), literal)

    def _refuse_node(self, message: str, node: Expression, fix: str = ALLOWED) -> SegkitError:
        places = [part.meta for part in node.walk() if "start" in part.meta]
        start = min((place["start"] for place in places), default=0)
        end = max((place["end"] for place in places), default=-1)
        return self._refuse(message, start, end + 1, fix)


def _is_day(text: str | float | None) -> bool:
    """Say whether a literal is a day as YYYY-MM-DD."""
    try:
        return datetime.date.fromisoformat(str(text)).isoformat() == text
    except ValueError:
        return False
