"""Warnings of the checks that the plan answers: each by its name, with the reason."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

from segkit.contract.tables import TABLES
from segkit.core.errors import suggest_name

WARNING_NAME = re.compile(r"[a-z_]+[.][a-z0-9_]+")
EXAMPLE = '"order_lines.unknown_customer" = "the till knows no names"'


def _read_accepted(value: object) -> object:
    """See whether each name is that of a table and a rule, and has a reason."""
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        raise ValueError(f"write each name in quotes, with its reason: {EXAMPLE}")
    for name, reason in value.items():
        if not WARNING_NAME.fullmatch(name):
            raise ValueError(f"'{name}' is not a table and its rule; write {EXAMPLE}")
        table = name.partition(".")[0]
        if table not in TABLES:
            raise ValueError(f"'{name}' is of no table; {suggest_name(table, TABLES)}")
        if not reason.strip():
            raise ValueError(f"'{name}' has no reason; write {EXAMPLE}")
    return value


# By "table.rule", why the warning is right as it is.
AcceptedWarnings = Annotated[dict[str, str], BeforeValidator(_read_accepted)]
