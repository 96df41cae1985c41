"""What customers do on the site and in the app: visits, carts, wishes, the funnel (B4, B14).

Nothing after the day ``as_of`` is read.
"""

from __future__ import annotations

import datetime

import ibis
from ibis import ir

from segkit.features.devices_sources_moments import choose_values
from segkit.features.expressions import add_columns, count_true, days_until, keep_until, share_of

# Steps towards an order by what a customer did, in their order; any event at all is a visit.
STEPS = {
    "visit": (),
    "view": ("view",),
    "lead": ("wish", "form", "signup"),
    "cart": ("cart",),
    "checkout": ("checkout",),
}
FUNNEL = ("known", *STEPS, "order", "second order")


def summarise_events(
    events: ir.Table, as_of: datetime.date, *, moments: tuple[str, ...]
) -> ir.Table:
    """Count visits (sessions, else events called visit), views, carts, wishes; last moment."""
    events = keep_until(events, "occurred_at", as_of)
    kind = events.event_type
    at = events.occurred_at
    measures = {
        "visit_count": count_true(kind == "visit"),
        "view_count": count_true(kind == "view"),
        "cart_count": count_true(kind == "cart"),
        "wish_count": count_true(kind == "wish"),
        "signup_count": count_true(kind == "signup"),
        "days_since_first_visit": days_until(at.min(), as_of),
        "days_since_visit": days_until(at.max(), as_of),
        "days_since_cart": days_until(at.max(where=kind == "cart"), as_of),
        "cart_": at.max(where=kind == "cart"),
        "checkout_": at.max(where=kind == "checkout"),
        "step_": find_funnel_step(kind).max(),
    }
    if "session_id" in events.columns:
        measures["visit_count"] = events.session_id.nunique().cast("int64")
    if "channel" in events.columns:
        app = count_true(events.channel.lower() == "app")
        web = count_true(events.channel.lower() == "web")
        measures["app_share"] = share_of(app, app + web)
    table = events.group_by("customer_id").aggregate(**measures)
    has_left = (table.checkout_ < table.cart_) | table.checkout_.isnull()
    table = table.mutate(
        has_left_cart=ibis.ifelse(table.cart_.notnull(), has_left, ibis.null("boolean")),
        furthest_step=table.step_.cases(*enumerate(STEPS, start=1)),
    ).drop("cart_", "checkout_", "step_")
    return add_columns(table, choose_values(events, as_of, moments))


def find_funnel_step(event_type: ir.StringValue) -> ir.IntegerValue:
    """Return the place of an event in the funnel."""
    kinds = [(event_type.isin(types), FUNNEL.index(step)) for step, types in STEPS.items() if types]
    return ibis.cases(*kinds, else_=FUNNEL.index("visit")).cast("int64")
