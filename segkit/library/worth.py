"""What customers will be worth, and what segments say of time that they have not seen."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from segkit.core.errors import SegkitError, suggest_name
from segkit.core.periods import YEAR_DAYS
from segkit.features.customer_table import express_customers
from segkit.features.lifetime_choice import FEATURE_COLUMNS, choose_lifetime
from segkit.features.lifetime_value import YEARLY_DISCOUNT, Lifetime, predict_lifetime
from segkit.library.customers import read_tables
from segkit.library.fitting import Method, make_scheme
from segkit.library.inputs import read_day, read_number, read_seed
from segkit.segmentation.schemes import list_wanted
from segkit.validation import usefulness
from segkit.validation.usefulness import Usefulness

if TYPE_CHECKING:
    from ibis import ir

LONGEST_DAYS = 3650.0
VALUE_COLUMNS = [
    "expected_order_value",
    "lifetime_value",
    "lifetime_value_low",
    "lifetime_value_high",
]


@dataclass(frozen=True, repr=False)
class LifetimeValue:
    """What each customer is expected to bring, and the model that says so.

    Attributes
    ----------
    customers : pandas.DataFrame
        One row a customer with a sale: ``customer_id``, ``expected_order_count``,
        ``active_probability``, ``expected_order_value``, ``lifetime_value`` and the ends of its
        95 % interval, ``lifetime_value_low`` and ``lifetime_value_high``.
    model : str
        The model of purchases that was taken: BG/NBD, Pareto/NBD or MBG/CNBD-k.
    fitted : Lifetime
        The fitted models with their parameters, standard errors and log-likelihoods, in days;
        ``fitted.purchases`` is what `segkit.expect_purchases` takes.
    candidates : pandas.DataFrame
        The models compared, by the last part of the history, which was held out.
    value_reason : str
        Why the values are missing; empty where they are not.
    as_of : datetime.date
        The last day counted.
    """

    customers: pd.DataFrame = field(compare=False)
    model: str
    fitted: Lifetime = field(compare=False)
    candidates: pd.DataFrame = field(compare=False)
    value_reason: str
    as_of: datetime.date

    def __repr__(self) -> str:
        """Return the model and the customers in one line."""
        return f"LifetimeValue({self.model}, {len(self.customers):,} customers, as_of {self.as_of})"


def predict_lifetime_value(
    lines: Any,
    *,
    as_of: str | datetime.date | None = None,
    horizon_days: float = YEAR_DAYS,
    yearly_discount: float = YEARLY_DISCOUNT,
) -> LifetimeValue:
    """Predict each customer's orders and gross sales after ``as_of``, with intervals.

    The model of purchases is the one that foresaw the last part of the history best, which was held
    out; where none may be used that is an error, not a number.

    Parameters
    ----------
    lines : PreparedLines or table
        As of `build_customers`.
    as_of : str or datetime.date, optional
        The last day counted, YYYY-MM-DD; without it the last day in the lines.
    horizon_days : float, default 365
        How many days are foreseen, to 3,650.
    yearly_discount : float, default 0.10
        Of later sales, a share a year, from 0 to 1.

    Returns
    -------
    LifetimeValue
        With ``customers``, ``model``, ``fitted``, ``candidates`` and ``value_reason``.

    Raises
    ------
    SegkitError
        If fewer than thirty customers came back, most have contracts, or the model missed what was
        held out by more than a half.

    References
    ----------
    Fader, Hardie and Lee (2005), *Marketing Science* 24: BG/NBD; Schmittlein, Morrison and Colombo
    (1987): Pareto/NBD; Platzer and Reutterer (2016): regular purchases; Fader and Hardie (2013):
    Gamma-Gamma.

    Examples
    --------
    >>> from segkit import load_sample_lines, predict_lifetime_value, prepare_lines
    >>> worth = predict_lifetime_value(prepare_lines(load_sample_lines()), horizon_days=90)
    >>> worth.customers["active_probability"].between(0, 1).all().item()
    True
    """
    days = read_number(horizon_days, "horizon_days", least=1, most=LONGEST_DAYS, usual=365)
    discount = read_number(yearly_discount, "yearly_discount", least=0, most=1, usual=0.1)
    tables, day = read_tables(lines, as_of=as_of)
    if "order_lines" not in tables:
        fix = "Give order lines: predict_lifetime_value(prepare_lines(lines))."
        raise SegkitError("lifetime value needs order lines", fix=fix)
    choice = choose_lifetime(tables["order_lines"], as_of=day)
    if choice.reason:
        message = "lifetime value cannot be predicted"
        fix = "Give a longer history, or do without."
        raise SegkitError(message, found=choice.reason, fix=fix)
    found = predict_lifetime(
        choice.histories, choice.model, horizon_days=days, yearly_discount=discount
    )
    if choice.value_reason:
        found[VALUE_COLUMNS] = np.nan
    models = choice.candidates
    if "model" not in models:
        models = models.rename_axis("model").reset_index()
    return LifetimeValue(
        customers=found,
        model=str(models.loc[models["is_chosen"].astype(bool), "model"].iloc[0]),
        fitted=choice.model,
        candidates=models,
        value_reason=choice.value_reason,
        as_of=day,
    )


def _require_features(
    tables: Mapping[str, ir.Table], columns: Sequence[str], day: datetime.date
) -> None:
    """Raise an error if a column is none of those that `build_customers` makes of the tables."""
    known = [*express_customers(tables, as_of=day).columns, *FEATURE_COLUMNS]
    for column in columns:
        if column not in known:
            message = f"build_customers makes no column '{column}' of these lines"
            raise SegkitError(message, where="columns", fix=suggest_name(column, known))


def measure_usefulness(
    lines: Any,
    columns: Sequence[str] = (),
    n_segments: int | None = None,
    *,
    method: Method = "kprototypes",
    as_of: str | datetime.date | None = None,
    split_on: str | datetime.date | None = None,
    random_state: int = 0,
    **settings: Any,
) -> Usefulness:
    """Fit segments on what was known before a day, and compare them on what came after it.

    They are set beside RFM, and beside the two together, by how much of later spend, orders and
    return each explains out of sample.

    Parameters
    ----------
    lines : PreparedLines or table
        As of `build_customers`.
    columns, n_segments, method, random_state, **settings
        As of `fit_segmentation`; the columns are those of `build_customers`.
    as_of : str or datetime.date, optional
        The last day counted, YYYY-MM-DD; without it the last day in the lines.
    split_on : str or datetime.date, optional
        The last day known to the segments; without it a third of the history comes after it.

    Returns
    -------
    Usefulness
        With ``answer`` ("adds to RFM", "as much as RFM", "nothing beyond RFM", "nothing"),
        ``figures``, ``gains``; or with a ``reason`` why nothing could be measured.

    Raises
    ------
    SegkitError
        If the lines, the columns or a day cannot be used.

    Examples
    --------
    >>> from segkit import load_sample_lines, measure_usefulness, prepare_lines
    >>> prepared = prepare_lines(load_sample_lines())
    >>> useful = measure_usefulness(prepared, ["recency_days", "order_count"], 3)
    >>> useful.answer or useful.reason
    'nothing beyond RFM'
    """
    scheme = make_scheme(method, columns=columns, n_segments=n_segments, settings=settings)
    seed = read_seed(random_state)
    split = read_day(split_on, "split_on")
    tables, day = read_tables(lines, as_of=as_of)
    _require_features(tables, list_wanted(scheme), day)
    return usefulness.measure_usefulness(
        tables, scheme, n_segments=scheme.segments[1], as_of=day, random_state=seed, split_on=split
    )
