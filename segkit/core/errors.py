"""Errors for people: what was wrong, where, what was found, and what to do."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable, Iterator


class SegkitError(Exception):
    """A problem that the user can mend; the command line prints it without a traceback.

    Parameters
    ----------
    message : str
        What was wrong.
    where : str, optional
        The file, with line or column.
    found : str, optional
        What stood there.
    fix : str, optional
        What to do about it.

    Examples
    --------
    >>> import pandas as pd
    >>> from segkit import SegkitError, fit_segmentation
    >>> try:
    ...     fit_segmentation(pd.DataFrame({"visits": [1, 2]}), ["visit"], 2)
    ... except SegkitError as error:
    ...     print(error)
    customers: there is no column 'visit'. Found: visits. Did you mean 'visits'?
    """

    exit_code = 1

    def __init__(self, message: str, *, where: str = "", found: str = "", fix: str = ""):
        self.message = message
        self.where = where
        self.found = found
        self.fix = fix
        super().__init__(self.describe())

    def describe(self) -> str:
        """Return the whole message as one or more plain sentences."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        if (self.found or self.fix) and not text.endswith("?"):
            text = text.rstrip(".") + "."
        if self.found:
            text += f" Found: {self.found.rstrip('.')}."
        if self.fix:
            text += f" {self.fix}"
        return text


class PlanError(SegkitError):
    """The plan cannot be read; carries every fault that was found, not only the first."""

    subject = "The plan has"

    def __init__(self, faults: list[SegkitError]):
        self.faults = faults
        told = [fault.describe() for fault in faults]
        every = "\n  - ".join([f"{self.subject} {len(told)} faults:", *told])
        super().__init__(told[0] if len(told) == 1 else every)


class UsageError(SegkitError):
    """The command was called in a way that it does not understand."""

    exit_code = 2


class NotebookError(SegkitError):
    """A cell of a notebook failed."""

    exit_code = 3


class VerdictError(SegkitError):
    """The run was whole, but the verdict on the segments stopped it, as the plan asked."""

    exit_code = 4


class BusyError(SegkitError):
    """Another process is writing what this one would write; later it may go well."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: a scheduler may try again


@contextlib.contextmanager
def explain_faults(
    message: str, *kinds: type[Exception], where: object, fix: str
) -> Iterator[None]:
    """Turn the system's errors, and those of further kinds, into one for people."""
    every: tuple[type[Exception], ...] = (OSError, *kinds)
    try:
        yield
    except every as error:
        lines = (getattr(error, "strerror", None) or str(error)).splitlines()
        found = lines[0][:300] if lines else type(error).__name__
        place = str(getattr(error, "filename", None) or where)
        raise SegkitError(message, where=place, found=found, fix=fix) from None


def suggest_name(name: str, valid: Iterable[str]) -> str:
    """Return a sentence that names the nearest valid name, or lists the valid ones."""
    options = sorted(valid)
    near = difflib.get_close_matches(name, options, n=1, cutoff=0.6)
    if near:
        return f"Did you mean '{near[0]}'?"
    return "Valid names: " + ", ".join(options) + "." if options else "There are none here."
