"""What to do about a plan that is not TOML, or whose paths are not what was meant."""

from __future__ import annotations

import re
import tomllib

from segkit.core.errors import SegkitError

GENERAL = "Mind quotes, brackets and equals signs."
PATHS = "Write paths with / or in single quotes: 'C:\\temp\\lines.csv'."
# What tomllib says of a backslash that is no escape.
ESCAPES = re.compile("escape|'\\\\\\\\'|hex value|scalar value", re.IGNORECASE)
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")


def explain_toml(error: tomllib.TOMLDecodeError, text: str, file: str) -> SegkitError:
    r"""Return the fault of a plan that is not TOML, with its line.

    A backslash is nearly always of a path as Windows writes it.

    Examples
    --------
    >>> text = 'path = "data\\lines.csv"'
    >>> try:
    ...     _ = tomllib.loads(text)
    ... except tomllib.TOMLDecodeError as error:
    ...     print(explain_toml(error, text, "plan.toml").fix)
    Write paths with / or in single quotes: 'C:\temp\lines.csv'.
    """
    found, _, position = str(error).removesuffix(")").partition(" (at ")
    place = position.split(",")[0].replace("end of document", "last line")
    lines = text.splitlines() or [""]
    number = re.fullmatch(r"line (\d+)", place)
    line = lines[min(int(number[1]), len(lines)) - 1] if number else lines[-1]
    fix = PATHS if "\\" in line and ESCAPES.search(found) else GENERAL
    # A backslash before the closing quote takes the quote away.
    if re.search(r"\\[\"']\s*(#.*)?$", line):
        fix = PATHS
    return SegkitError("this is not valid TOML", where=f"{file}, {place}", found=found, fix=fix)


def find_control(path: str) -> str:
    r"""Return the first sign of a path that no file's name has, as it is written; else nothing.

    Examples
    --------
    >>> find_control("C:\temp")
    '\\t'
    >>> find_control("data/lines.csv")
    ''
    """
    found = CONTROLS.search(path)
    return repr(found[0])[1:-1] if found else ""
