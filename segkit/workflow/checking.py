"""Whether a plan can be carried out: its tables, then its schemes."""

from __future__ import annotations

from segkit.data.checks import CheckReport, check_plan
from segkit.plan.models import read_plan
from segkit.segmentation.schemes import check_schemes


def check_plan_and_schemes(path: str) -> CheckReport:
    """Check a plan's tables and, where they can be used, its schemes; leave nothing behind."""
    plan = read_plan(path)
    report = check_plan(plan)
    if report.ok:
        report.problems.extend(check_schemes(plan, report.columns))
    return report
