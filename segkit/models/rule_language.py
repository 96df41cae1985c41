"""Conditions on a customer, written in SQL's plain expression syntax.

A condition may hold columns, numbers, text, comparison, arithmetic, ``and``, ``or``, ``not``,
``between``, ``in``, ``is null`` and ``like``, and nothing else. It means the same on every engine:
numbers are doubles, division by zero gives null, text has no order, and null is neither true nor
false. Anybody may have written it: it is checked word by word, and never reaches an engine as text.
"""

from __future__ import annotations

import datetime
import itertools
import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from segkit.core.errors import SegkitError, suggest_name

if TYPE_CHECKING:  # importing this module costs nothing: a plan is checked without an engine
    from ibis import ir
    from sqlglot import Expression

MOST_CHARACTERS = 10_000
MOST_TOKENS = 400
MOST_NESTED = 20
REFUSED = "this cannot stand in a condition"
ALLOWED = (
    "A condition takes columns, numbers, 'text', + - * /, = <> < <= > >=, and, or, not, between, "
    "in, is null and like."
)
KINDS_FIX = (
    "Numbers go with numbers and text with text; a date is 'YYYY-MM-DD'; what is true or false is "
    "asked by its name alone, or by 'is true' and 'is false'."
)
# What a part of a condition is; also "any" where that is not known before data is read.
KINDS = {"number": "a number", "text": "text", "boolean": "true or false", "date": "a date"}
_WORDS = {"AND", "OR", "NOT", "BETWEEN", "IN", "IS", "NULL", "LIKE", "TRUE", "FALSE"}


class _Operation(NamedTuple):
    """A node of sqlglot: its sign, the kinds of parts that it takes, all its parts alike, the kind
    that it gives, and what it does."""

    sign: str
    takes: tuple[str, ...]
    gives: str
    work: Callable[..., Any]


_EVERY_KIND = tuple(KINDS)
_ORDERED = ("number", "date")
_OPERATIONS = {
    "add": _Operation("+", ("number",), "number", operator.add),
    "sub": _Operation("-", ("number",), "number", operator.sub),
    "mul": _Operation("*", ("number",), "number", operator.mul),
    "div": _Operation("/", ("number",), "number", operator.truediv),  # see `_build_division`
    "neg": _Operation("-", ("number",), "number", operator.neg),
    "and": _Operation("and", ("boolean",), "boolean", operator.and_),
    "or": _Operation("or", ("boolean",), "boolean", operator.or_),
    "not": _Operation("not", ("boolean",), "boolean", operator.invert),
    "eq": _Operation("=", _EVERY_KIND, "boolean", operator.eq),
    "neq": _Operation("<>", _EVERY_KIND, "boolean", operator.ne),
    "lt": _Operation("<", _ORDERED, "boolean", operator.lt),
    "lte": _Operation("<=", _ORDERED, "boolean", operator.le),
    "gt": _Operation(">", _ORDERED, "boolean", operator.gt),
    "gte": _Operation(">=", _ORDERED, "boolean", operator.ge),
    "between": _Operation(
        "between", _ORDERED, "boolean", lambda own, low, high: (own >= low) & (own <= high)
    ),
    "in": _Operation("in", _EVERY_KIND, "boolean", lambda own, *values: own.isin(values)),
    "like": _Operation("like", ("text",), "boolean", lambda own, pattern: own.like(pattern)),
}
_PARTS = ("this", "expression", "low", "high")

# From the values of columns to the expression of a part.
Build = Callable[[Mapping[str, "ir.Value"]], Any]


class Predicate(NamedTuple):
    """A condition that was read: the columns in the order of the text, and how it is applied.

    ``apply`` takes each column as an expression of its kind, by name, and returns a boolean, null
    where the condition is neither true nor false. A number is a double and never NaN; a date is
    text, ``YYYY-MM-DD``.
    """

    columns: tuple[str, ...]
    apply: Build


def read_predicate(text: str, kinds: Mapping[str, str], *, where: str = "") -> Predicate:
    """Read a condition.

    Parameters
    ----------
    text : str
        Such as ``recency_days > 180 and total_spend >= 1000``.
    kinds : mapping of str to str
        The columns that may be named, each ``number``, ``text``, ``boolean``, ``date`` or ``any``.
    where : str, optional
        Where the condition stands, for the message.

    Raises
    ------
    SegkitError
        With the position, from 1, of what is not allowed or does not fit.
    """
    reader = _Reader(text, kinds, where)
    kind, build = reader.take(reader.parse())
    if kind not in ("boolean", "any"):
        message = f"a condition is true or false, but this is {KINDS[kind]}"
        raise reader.refuse(message, 0, len(text), "Compare it, as in recency_days > 30.")
    return Predicate(tuple(reader.columns), build)


def write_number(number: float) -> str:
    """Write a number as a condition holds it: 90, 0.5."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


def quote_name(name: str) -> str:
    """Return a column's name as a condition writes it: quoted where it is not a plain word."""
    plain = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) and name.upper() not in _WORDS
    return name if plain else '"' + name.replace('"', '""') + '"'


class _Reader:
    """Reads one condition."""

    def __init__(self, text: str, kinds: Mapping[str, str], where: str):
        self.text = text
        self.kinds = kinds
        self.where = where
        self.columns: dict[str, None] = {}

    def refuse(self, message: str, start: int, end: int, fix: str = ALLOWED) -> SegkitError:
        found = repr(self.text[start:end][:40]) if self.text[start:end] else ""
        return SegkitError(
            f"{message}, at position {start + 1}", where=self.where, found=found, fix=fix
        )

    def refuse_node(self, message: str, node: Expression, fix: str = ALLOWED) -> SegkitError:
        places = [part.meta for part in node.walk() if "start" in part.meta]
        start = min((place["start"] for place in places), default=0)
        end = max((place["end"] for place in places), default=len(self.text) - 1)
        return self.refuse(message, start, end + 1, fix)

    def parse(self) -> Expression:
        """Return sqlglot's tree of a text whose every word and sign is allowed."""
        from sqlglot import Dialect, exp
        from sqlglot.errors import ParseError
        from sqlglot.tokens import TokenType

        if len(self.text) > MOST_CHARACTERS:
            message = f"a condition has at most {MOST_CHARACTERS:,} characters"
            raise SegkitError(message, where=self.where, found=f"{len(self.text):,}")
        self._check_words()
        dialect = Dialect.get_or_raise("duckdb")
        tokens = dialect.tokenize(self.text)
        if not 0 < len(tokens) <= MOST_TOKENS:
            message = f"a condition has 1 to {MOST_TOKENS} words and signs"
            raise self.refuse(message, 0, len(self.text), "")
        for token in tokens:  # a column may be called by a word that SQL has for its own
            is_text = token.token_type == TokenType.STRING or token.text.upper() in _WORDS
            if token.text in self.kinds and not is_text:
                token.token_type = TokenType.IDENTIFIER
        parser = dialect.parser(error_message_context=MOST_CHARACTERS)
        start = 0
        end = len(self.text)
        try:
            if (tree := parser.parse_into(exp.Condition, tokens, self.text)[0]) is not None:
                return tree
        except ParseError as error:
            start = len(error.errors[0]["start_context"])
            end = start + len(error.errors[0]["highlight"])
        message = "this does not fit here, or something is missing beside it"
        raise self.refuse(message, start, end)

    def _check_words(self) -> None:
        """Refuse what no condition holds outside quotes, so that it never reaches the parser."""
        bare = re.sub(r"'[^']*'|\"[^\"]*\"", lambda match: " " * len(match[0]), self.text)
        if stray := re.search(r"--|/\*|==|!(?!=)|[^\w\s.,()+\-*/=<>!]", bare):
            message = "a quote is not closed" if stray[0] in "'\"" else REFUSED
            raise self.refuse(message, *stray.span())
        for word in re.finditer(r"\b([^\W\d]\w*)(\s*\()?", bare):
            if word[1].upper() not in _WORDS and word[2]:
                raise self.refuse("functions cannot stand in a condition", *word.span())
            if word[1].upper() not in _WORDS and word[1] not in self.kinds:
                message = f"there is no column '{word[1]}'"
                raise self.refuse(message, *word.span(), suggest_name(word[1], self.kinds))
        for word in re.finditer(r"(\bis\s+(?:not\s+)?)?\b(null|true|false)\b", bare, re.I):
            if not word[1]:
                fix = "Write 'is null', 'is true' ...; true alone is the last of several rules."
                raise self.refuse(f"{word[2]} stands only after 'is'", *word.span(2), fix)
        depths = itertools.accumulate((sign == "(") - (sign == ")") for sign in bare)
        deep = [place for place, depth in enumerate(depths) if depth > MOST_NESTED]
        run = re.search(rf"(?:(?:\bnot\b|-)\s*){{{MOST_NESTED}}}", bare, re.I)
        if deep or run:
            start = run.start() if run else deep[0]
            raise self.refuse("this is nested too deep", start, start + 1, "Make two rules of it.")

    def take(self, node: Expression) -> tuple[str, Build]:
        """Check a node and all below it; return its kind and how it is built."""
        given = {name for name, value in node.args.items() if value}
        operation = _OPERATIONS.get(node.key)
        is_boolean = node.key == "is" or (operation is not None and operation.gives == "boolean")
        if is_boolean and not any(part.key == "column" for part in node.walk()):
            raise self.refuse_node("a comparison reads at least one column", node)
        if node.key == "paren":
            return self.take(node.this)
        if node.key == "column" and given == {"this"}:
            if node.name not in self.kinds:  # a word in double quotes; others are known by now
                fix = f"Text stands in single quotes: '{node.name}'."
                raise self.refuse_node(f"there is no column '{node.name}'", node, fix)
            self.columns[node.name] = None
            return self.kinds[node.name], lambda values: values[node.name]
        if node.key == "literal":
            return self._take_literal(node)
        if node.key == "is" and node.expression.key in ("null", "boolean"):
            return self._take_is(node)
        if operation is not None and given <= {*_PARTS, "expressions", "negate"}:
            return self._take_operation(node)
        raise self.refuse_node(REFUSED, node)

    def _take_literal(self, node: Expression) -> tuple[str, Build]:
        """Return a plain value of Python, so that arithmetic without columns is done here."""
        if node.is_string:
            return "text", lambda values: node.this
        number = math.inf if node.this[-1] in "eE+-" else float(node.this)
        if not math.isfinite(number):
            raise self.refuse_node("this is no number", node)
        return "number", lambda values: number

    def _take_is(self, node: Expression) -> tuple[str, Build]:
        kind, build = self.take(node.this)
        right = node.expression
        if right.key == "null":
            return "boolean", lambda values: _enclose(build(values)).isnull()
        if kind not in ("boolean", "any"):
            message = f"'is true' and 'is false' do not go with {KINDS[kind]}"
            raise self.refuse_node(message, node, KINDS_FIX)
        return "boolean", lambda values: build(values).fill_null(not right.this) == right.this

    def _take_operation(self, node: Expression) -> tuple[str, Build]:
        sign, takes, gives, work = _OPERATIONS[node.key]
        nodes = [*(node.args[part] for part in _PARTS if part in node.args), *node.expressions]
        taken = [self.take(part) for part in nodes]
        if node.key in ("in", "like"):
            plain = [part.is_string or part.is_number for part in nodes[1:]]
            if not plain or not all(plain):
                raise self.refuse_node(f"only plain values stand to the right of '{sign}'", node)
            if node.key == "like" and "\\" in nodes[1].name:
                raise self.refuse_node("a pattern holds no backslash", node)
        kinds = {kind for kind, _ in taken} - {"any"}
        texts = [part for part, (kind, _) in zip(nodes, taken, strict=True) if kind == "text"]
        if "date" in kinds and all(map(_is_day, texts)):
            kinds -= {"text"}
        if len(kinds) > 1 or not kinds <= set(takes):
            words = " and ".join(KINDS[kind] for kind in KINDS if kind in kinds)
            raise self.refuse_node(f"'{sign}' does not go with {words}", node, KINDS_FIX)
        if node.key in ("eq", "neq"):
            return gives, lambda values: work(*[_enclose(build(values)) for _, build in taken])
        if node.key == "div":
            return gives, _build_division(taken[0][1], taken[1][1])
        if node.args.get("negate"):  # not like
            return gives, lambda values: ~work(*[build(values) for _, build in taken])
        return gives, lambda values: work(*[build(values) for _, build in taken])


def _enclose(part: Any) -> Any:
    """Make a number of a truth: Ibis compares IN, LIKE and NOT without brackets around them."""
    is_truth = not isinstance(part, str | float) and part.type().is_boolean()
    return part.cast("int32") if is_truth else part


def _is_day(node: Expression) -> bool:
    """Say whether a node is a text of a day, YYYY-MM-DD."""
    try:
        return node.is_string and datetime.date.fromisoformat(node.name).isoformat() == node.name
    except ValueError:
        return False


def _build_division(over: Build, under: Build) -> Build:
    """Return how a quotient is built: null where the divisor is 0, on every engine."""

    def build(values: Mapping[str, Any]) -> Any:
        from segkit.models.expressions import repeat_constant

        one = over(values)
        other = under(values)
        if not isinstance(other, float):
            return one / other.nullif(0.0)
        if other:
            return one / other
        return repeat_constant(None, "float64", like=next(iter(values.values())))

    return build
