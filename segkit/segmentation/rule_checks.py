"""What ordered rules do to the customers: exclusive, exhaustive, and which of them never match."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from segkit.segmentation.placing import read_columns
from segkit.segmentation.rules import Rules

# What becomes of customers at a rule. They meet its condition and are taken by it, or were taken
# before; or the condition cannot be decided, and they go on, or were taken before.
PARTS = {
    "taken": "met",
    "taken_before": "met",
    "went_on": "undecided",
    "undecided_before": "undecided",
}


def check_rules(customers: pd.DataFrame, rules: Rules, names: Sequence[str]) -> pd.DataFrame:
    """Count, from the data, what rules do to the customers, and whom never meet them.

    Parameters
    ----------
    customers : pandas.DataFrame
        One row a customer.
    rules : Rules
    names : sequence of str
        Names of the segments.

    Returns
    -------
    pandas.DataFrame
        One row a rule, in order, and part of its customers: ``rule`` (from 1), ``segment_name``,
        ``when``, ``reads`` (the columns of its condition), ``condition`` (*met*: true, *undecided*:
        null), ``part`` (of those who meet it, *taken* by this rule or *taken_before*; of the
        undecided, *went_on* to the next rule or *undecided_before*), ``taken_by`` (of those taken
        before, the earlier segments), ``customer_count``, ``customer_share`` (of all customers).
        The taken add up to all customers.
    """
    counts = _count_customers(customers, rules)
    last = len(rules.rules) - 1
    rows = []
    for i, rule in enumerate(rules.rules):
        matched = counts[f"matched{i}"]
        unknown = counts[f"unknown{i}"]
        before = matched[:i][matched[:i] > 0]
        takers = dict.fromkeys(names[rules.rules[j].segment - 1] for j in before.index)
        sizes = (counts["size"][i], before.sum(), unknown[i + 1 :].sum(), unknown[: i + 1].sum())
        for (part, condition), size in zip(PARTS.items(), sizes, strict=True):
            rows.append(
                {
                    "rule": i + 1,
                    "segment_name": names[rule.segment - 1],
                    "when": rule.when,
                    "reads": ", ".join(rules.predicates[i].columns) if i < last else "",
                    "condition": condition,
                    "part": part,
                    "taken_by": ", ".join(takers) if part == "taken_before" else "",
                    "customer_count": int(size),
                    "customer_share": size / max(len(customers), 1),
                }
            )
    return pd.DataFrame(rows)


def _count_customers(customers: pd.DataFrame, rules: Rules) -> pd.DataFrame:
    """Count, by the rule that takes them, who meets each condition, and who leaves it open.

    One row a rule: ``size``, and for each rule ``matched<i>`` and ``unknown<i>``.
    """
    decided = rules.decide(read_columns(customers, rules.columns))
    last = len(rules.rules) - 1
    first = decided.table[decided.first].values
    counts = pd.DataFrame({"size": np.bincount(first, minlength=last + 1)})
    for i, condition in enumerate(decided.conditions):
        met = decided.table[condition]
        is_met = met.fill_null(False).values
        is_unknown = met.isnull().values
        counts[f"matched{i}"] = np.bincount(first[is_met], minlength=last + 1)
        counts[f"unknown{i}"] = np.bincount(first[is_unknown], minlength=last + 1)
    counts[f"matched{last}"] = counts["size"].where(counts.index == last, 0)
    counts[f"unknown{last}"] = 0
    return counts
