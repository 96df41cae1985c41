"""What every sentence of a report must keep to, as rules over the findings of a whole run.

A finding is data, so most that can go wrong with a sentence can be seen without reading it: a
figure that is no number, ends that are the same, one figure that is written in two ways, a mean
without its count. `find_faults` looks at all findings of a run and at what its charts say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from segkit.report.shared.finding_rules.extremes import find_extreme_faults
from segkit.report.shared.finding_rules.said import Chart, Fault, Said, shorten
from segkit.report.shared.finding_rules.sentences import CHART_RULES, RULES
from segkit.report.shared.finding_rules.twice import find_drawn_otherwise, find_said_twice

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Chart", "Fault", "Said", "find_faults"]


def find_faults(said: Said, read_table: Callable[[str], pd.DataFrame] | None = None) -> list[Fault]:
    """Return every sentence of a run that breaks a rule.

    Parameters
    ----------
    said : Said
        What the run says.
    read_table : callable, optional
        Returns a published table of the run by its name; without it no extreme is worked out
        again.

    Examples
    --------
    >>> from segkit.core.findings import Finding
    >>> wrong = Finding("absence", "Most are of the group up to inf.")
    >>> [fault.rule for fault in find_faults(Said({"05_analysis": [wrong]}))]
    ['not a number']
    """
    faults = []
    for step, finding in said:
        for rule, check in RULES.items():
            found = check(finding, said)
            faults += [Fault(rule, step, finding.kind, finding.text, one) for one in found]
        for rule, one in find_extreme_faults(finding, read_table):
            faults.append(Fault(rule, step, finding.kind, finding.text, one))
    for chart in said.charts:
        for rule, look in CHART_RULES.items():
            for one in look(chart, said):
                faults.append(Fault(rule, chart.step, "chart", shorten(chart.text), one))
    return [*faults, *find_said_twice(said), *find_drawn_otherwise(said)]
