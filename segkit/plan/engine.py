"""Where a plan's tables are computed, and within which limits."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field, field_validator

from segkit.plan.frozen import Frozen

# More threads than this are a slip of the pen.
MOST_THREADS = 256
# What a limit of memory may be, in bytes.
SMALLEST_MEMORY = 64_000_000
LARGEST_MEMORY = 1024 * 10**12


class Engine(Frozen):
    """Where the tables are computed: ``duckdb``, in this process, or a Spark master.

    ``memory_limit`` is an amount, or for DuckDB a share of the machine's; what is more goes to
    ``temp_folder``, by default the run folder. The limit is the process's: DuckDB gets it less
    what Python needs beside it, see `segkit.data.engine.share_memory`. At most ``MOST_THREADS``
    ``threads`` may be asked for.
    """

    connection: str = "duckdb"
    memory_limit: str = "60%"
    threads: Annotated[int, Field(ge=1, le=MOST_THREADS)] | None = None
    temp_folder: str | None = None

    @field_validator("connection")
    @classmethod
    def _check_connection(cls, value: str) -> str:
        if not re.fullmatch(r"duckdb|yarn|(spark|k8s)://\S+|local(-cluster)?\[[\d*, ]+\]", value):
            raise ValueError('give "duckdb", "local[*]" for Spark here, or "spark://host:7077"')
        numbers = re.findall(r"\d+", value) if value.startswith("local") else []
        # The third of a local cluster is memory, in MB.
        if any(len(number) > 9 or int(number) > MOST_THREADS for number in numbers[:2]):
            raise ValueError(f"give at most {MOST_THREADS} threads or workers")
        return value

    @field_validator("memory_limit")
    @classmethod
    def _check_memory_limit(cls, value: str) -> str:
        amount = re.fullmatch(r"([1-9][0-9]{0,5}(?:\.[0-9]{1,6})?) ?(?:(%)|[KMGT]i?B)", value)
        if not amount:
            raise ValueError('give an amount such as "8GB", or a share such as "60%"')
        if amount[2] and float(amount[1]) > 100:
            raise ValueError("give at most 100%")
        if not amount[2] and not SMALLEST_MEMORY <= count_bytes(value) <= LARGEST_MEMORY:
            raise ValueError("give an amount within 64MB to 1024TB")
        return value

    @property
    def is_spark(self) -> bool:
        """Whether Spark computes the tables."""
        return self.connection != "duckdb"


def count_bytes(amount: str) -> int:
    """Return the bytes of an amount of memory, as DuckDB counts them.

    Examples
    --------
    >>> count_bytes("1.5GB"), count_bytes("2 MiB")
    (1500000000, 2097152)
    """
    number, letter, binary = re.fullmatch(r"([0-9.]+) ?([KMGT])(i?)B", amount).groups()
    base = 1024 if binary else 1000
    return int(float(number) * base ** ("KMGT".index(letter) + 1))


def double_memory(limit: str) -> str:
    """Return twice an amount or share of memory; empty if there is no more.

    Examples
    --------
    >>> double_memory("1.5GB"), double_memory("60%"), double_memory("100%")
    ('3GB', '100%', '')
    """
    number, unit = re.fullmatch(r"([0-9.]+)( ?.+)", limit).groups()
    twice = 2 * float(number)
    if unit.strip() != "%":
        return f"{twice:.12g}{unit}"
    return f"{min(twice, 100):.12g}{unit}" if float(number) < 100 else ""
