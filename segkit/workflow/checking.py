"""Whether a plan can be carried out: its tables, its schemes, and what a run would refuse."""

from __future__ import annotations

import pandas as pd

from segkit.action.triggers import find_trigger_faults
from segkit.core.errors import SegkitError
from segkit.core.printing import print_table
from segkit.data.checks import CheckReport, check_plan
from segkit.data.judging import JUDGED
from segkit.features.customer_table import list_given
from segkit.features.who import asks_everybody
from segkit.features.wording import check_labels
from segkit.plan.models import Plan
from segkit.plan.reading import read_plan
from segkit.segmentation.schemes import check_schemes
from segkit.validation.gates import DataCounts, Refusal, find_refusals


def check_plan_and_schemes(path: str) -> CheckReport:
    """Check a plan's tables and, where they can be used, its schemes; leave nothing behind.

    Schemes that a run would refuse are told. They are problems where none is left, or the plan's
    final scheme is among them; but where there are just too few customers, nothing is wrong with
    the plan and its tables.
    """
    plan = read_plan(path)
    report = check_plan(plan)
    if report.ok:
        report.problems.extend(check_labels(plan, list_given(report.columns, plan)))
        report.problems.extend(check_schemes(plan, report.columns))
        if plan.triggers:
            given = list_given(report.columns, plan)
            report.problems.extend(find_trigger_faults(plan, given))
    if report.ok:
        refusals = find_refused(plan, report)
        is_none_left = len(refusals) == len(plan.schemes)
        has_too_few = any(refusal.has_too_few for refusal in refusals.values())
        report.is_refused = is_none_left
        for name, refusal in refusals.items():
            is_final = name == plan.criteria.final_scheme
            is_problem = (is_none_left or is_final) and not has_too_few
            told = report.problems if is_problem else report.refused
            told.append(_explain(plan, name, refusal))
    return report


def find_refused(plan: Plan, report: CheckReport) -> dict[str, Refusal]:
    """Return, by scheme, why a run would not fit it to what the check learned.

    Accounts are not counted by the checks, so of a plan whose unit they are nothing is said.
    """
    learned = report.learned
    if learned is None or learned.customer_count is None or plan.unit == "account":
        return {}
    days = None
    if learned.table == "order_lines" and learned.first_on is not None:
        days = (report.as_of - learned.first_on).days + 1
    counts = DataCounts(learned.customer_count, days, learned.repeat_count)
    # The check counts those who ordered; how many there are besides is known to a run only.
    schemes = [scheme for scheme in plan.schemes if not asks_everybody([scheme])]
    return find_refusals(counts, schemes)


def print_check(report: CheckReport) -> None:
    """Print what the checks found, what concerns the whole first."""
    warnings = report.open_warnings
    for row in warnings[warnings["rule"].isin(JUDGED)].itertuples():
        print(f"Warning: {row.table}: {row.reason}")
    print_table("Tables", report.counts)
    print_table("Rules that found something", report.found)
    print_table("What each status counts as", report.statuses)
    print_table("Shared out among the lines of orders", report.sums)
    if report.learned:
        learned = report.learned.describe()
        title = "What was learned of the whole"
        print_table(title, pd.DataFrame(learned.items(), columns=["what", "found"]))
    for refused in report.refused:
        print(f"- Left out by a run: {refused.describe()}")
    for problem in report.problems:
        print(f"- {problem.describe()}")
    if len(warnings):
        names = list(dict.fromkeys(f"{row.table}.{row.rule}" for row in warnings.itertuples()))
        print(f"Warnings that are open: {', '.join(names)}.")
        print(f'Mend them, or answer each under [accepted_warnings]: "{names[0]}" = "..."')
    if report.ok and report.is_refused:
        print("The tables can be read, but there are too few customers: a run would refuse.")
    else:
        print(f"The plan {'can' if report.ok else 'cannot'} be carried out.")


def _explain(plan: Plan, name: str, refusal: Refusal) -> SegkitError:
    message = f"scheme {name} cannot be fitted: {refusal.why}"
    return SegkitError(message, where=plan.path.name, fix=refusal.advice)
