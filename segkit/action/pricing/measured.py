"""All that is told of prices, in one call: paid prices, how purchases go with them, the survey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from ibis import ir

from segkit.action.pricing.break_even import find_break_even
from segkit.action.pricing.lines import Priced, price_lines
from segkit.action.pricing.paid import measure_paid, measure_paid_groups
from segkit.action.pricing.response import Response, measure_response
from segkit.action.pricing.survey import Survey, measure_survey
from segkit.core.settings import Settings
from segkit.plan.pricing import Pricing


@dataclass(frozen=True)
class Prices:
    """What is told of prices; tables without rows say why.

    Attributes
    ----------
    priced : Priced
        The sales that it rests on.
    paid, paid_groups : DataFrame
        What each segment pays, whole and by product group: see `measure_paid`.
    response : Response
        How purchases go with prices: see `measure_response`.
    break_even : DataFrame
        What a discount has to bring: see `find_break_even`.
    survey : Survey
        What customers say of prices: see `measure_survey`.
    """

    priced: Priced
    paid: pd.DataFrame
    paid_groups: pd.DataFrame
    response: Response
    break_even: pd.DataFrame
    survey: Survey


def measure_prices(
    tables: Mapping[str, ir.Table], segments: pd.DataFrame, *, plan: Pricing, at: Settings
) -> Prices:
    """Measure what segments pay, how their purchases go with prices, and what they say of them.

    Parameters
    ----------
    tables : mapping of str to ibis.Table
        ``order_lines``, ``products`` and ``responses``; those that are not there are done without.
    segments : DataFrame
        ``customer_id`` and ``segment_name``.
    plan : Pricing
        What the plan says of prices.
    at : Settings
    """
    priced = price_lines(tables, segments, plan=plan, at=at)
    response = measure_response(priced)
    return Prices(
        priced,
        paid=measure_paid(priced),
        paid_groups=measure_paid_groups(priced),
        response=response,
        break_even=find_break_even(priced, response.elasticities),
        survey=measure_survey(tables, segments, asked=plan.asked, at=at),
    )
