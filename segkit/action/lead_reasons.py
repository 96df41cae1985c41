"""Why a lead has its score: the features that raise it most, with their figures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from segkit.action.lead_model import LeadModel

LABELS = {
    "known_days": "days since first known",
    "visit_day_count": "days with a visit",
    "quiet_days": "days since the last visit",
    "opened_count": "messages opened",
    "clicked_count": "messages clicked",
    "lead_action_count": "wishes, forms and sign-ups",
    "cart_count": "products put into a cart",
    "attended_count": "events attended",
    "employee_count": "employees",
    "deal_days": "days since the deal was opened",
    "deal_amount": "amount of the open deals",
    "won_before_count": "deals won before",
    "lost_before_count": "deals lost before",
    "source": "source",
    "customer_type": "kind of customer",
    "industry": "industry",
    "country": "country",
    "deal_source": "source of the deal",
    "deal_owner": "role that leads the deal",
}
NOTHING = "nothing raises the chance above that of others"
MOST_TOLD = 2


def write_reasons(
    model: LeadModel, today: pd.DataFrame, past: pd.DataFrame, *, chances: np.ndarray
) -> tuple[list[str], list[str]]:
    """Write for each lead which features raise its odds most above those of past leads.

    A feature's part is what it adds to the log odds, less what it adds on average.

    Returns
    -------
    tuple of list of str
        A sentence a lead, and the label of the feature that raises it most.
    """
    names = [one.name for one in model.features]
    places = np.repeat(np.arange(len(names)), [one.size for one in model.features])
    parts = model.list_parts(today) - model.list_parts(past).mean(axis=0)
    by_feature = np.column_stack(
        [parts[:, places == number].sum(axis=1) for number in range(len(names))]
    )
    order = np.argsort(-by_feature, axis=1, kind="stable")[:, :MOST_TOLD]
    values = {name: today[name].tolist() for name in names if name in today}
    reasons, kinds = [], []
    for row, chance in enumerate(chances):
        told = [names[place] for place in order[row] if by_feature[row, place] > 1e-9]
        said = [_say(values[name][row] if name in values else None, name) for name in told]
        because = "; ".join(said) or NOTHING
        reasons.append(f"Chance {chance:.0%}. {because[0].upper()}{because[1:]}.")
        kinds.append(LABELS[told[0]] if told else NOTHING)
    return reasons, kinds


def _say(value: object, name: str) -> str:
    """Return a feature's label with its value."""
    if value is None or pd.isna(value):
        return f"{LABELS[name]}: not known"
    if isinstance(value, str):
        return f"{LABELS[name]}: {value}"
    return f"{LABELS[name]}: {value:,.0f}"
