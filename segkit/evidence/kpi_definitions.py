"""Which KPIs are followed, and what each ready-made one is: the same words as the plan's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from segkit.contract.tables import TABLES
from segkit.plan.kpis import MEASURES, Kpi
from segkit.plan.models import Goal

GROSS = "gross_order_value"
AS_GIVEN = "Mean order value, as the customers table gives it"
MONEY = "currency"
SHARE = "share"
POINTS = "promoter_points"  # of each customer who said whether they would recommend us
NO_QUESTION = (
    "no customer's answer on recommending is known (collect it by a survey, and write its question "
    "under [surveys] as recommendation)"
)
TWO_YEARS = 700  # and a little less: a shop may have been closed on the first days
TOTALS = ("count", "customers", "sum")


@dataclass(frozen=True)
class Followed:
    """A KPI that is followed.

    Attributes
    ----------
    kpi : Kpi
        Its value on the last day counted.
    series : Kpi or None
        The same by month; None where it is a state of the last day, which months do not have.
    series_text : str
        What is followed by month, where that is not the KPI's own text.
    history_days : int
        The days of orders that it takes: with fewer it would tell of something else.
    wait : str
        Of a KPI that is a time of waiting, which one: those who still wait count too, see
        `segkit.evidence.experience.waiting`.
    """

    kpi: Kpi
    series: Kpi | None = None
    series_text: str = ""
    wait: str = ""
    history_days: int = 0

    @property
    def name(self) -> str:
        """The KPI's name."""
        return self.kpi.name

    @property
    def text(self) -> str:
        """Its heading."""
        return self.kpi.text

    @property
    def unit(self) -> str:
        """How it is written: ``share``, ``currency``, another unit, or nothing."""
        return SHARE if self.kpi.measure == "share" else self.kpi.unit


def _make(name: str, over: str, measure: str, **parts: object) -> Kpi:
    text = str(parts.pop("text", "")) or MEASURES[name]
    if over == "customers" and "365 days" not in text and "date" not in parts:
        parts["days"] = "all"
    return Kpi(name=name, text=text, over=over, measure=measure, **parts)


def _share(name: str, over: str, where: str, **parts: object) -> Kpi:
    return _make(name, over, "share", where=where, **parts)


def _follow(
    kpi: Kpi, series: Kpi | None = None, text: str = "", *, wait: str = "", history_days: int = 0
) -> Followed:
    return Followed(kpi, series, text, wait, history_days)


def _follow_whole(kpi: Kpi) -> Followed:
    """Follow the same by month as over all time."""
    return Followed(kpi, kpi)


_BUYERS = "order_count > 0"
_DELIVERED = "is_delivered is true"


def list_ready_made() -> dict[str, Followed]:
    """Return every ready-made KPI by its name."""
    sales = "line_type = 'sale'"
    kpis = [
        _follow(
            _make("total_spend", "customers", "sum", of="spend_last_365_days", unit=MONEY),
            _make("total_spend", "order_lines", "sum", of="line_amount", unit=MONEY),
            "Net spend a month",
        ),
        _follow(
            _make("active_customers", "customers", "customers", where="recency_days < 365"),
            _make("active_customers", "order_lines", "customers", where=sales),
            "Customers who bought in the month",
        ),
        _follow(_share("repeat_share", "customers", "order_count >= 2", when=_BUYERS)),
        _follow(
            _make(
                "mean_order_value",
                "customers",
                "ratio",
                of="total_spend",
                per="order_count",
                unit=MONEY,
            ),
            _make("mean_order_value", "orders", "mean", of="order_value", unit=MONEY),
            "Mean order value by month, gross",
        ),
        _follow(
            _make("orders_per_customer", "customers", "mean", of="order_count", where=_BUYERS),
            _make("orders_per_customer", "orders", "count"),
            "Orders a month",
        ),
        _follow(
            _share("lapsed_share", "customers", "is_lapsed is true", when=_BUYERS, better="lower")
        ),
        *_list_of_messages(),
        _follow(
            _make(
                "resolution_hours",
                "tickets",
                "median",
                of="hours_to_resolve",
                days="all",
                better="lower",
                unit="hours",
            ),
            _make(
                "resolution_hours",
                "tickets",
                "median",
                of="hours_to_resolve",
                date="resolved_at",
                better="lower",
                unit="hours",
            ),
            "Median hours to resolve, of the tickets resolved in the month",
            wait="resolve",
        ),
        _follow(
            _make("new_customers", "customers", "customers", where="tenure_days < 365"),
            _make("new_customers", "customers", "customers", date="first_order_on"),
            "Customers whose first order is of the month",
            history_days=TWO_YEARS,
        ),
        _follow(
            _share(
                "retention_share",
                "customers",
                "bought_last_year is true",
                when="bought_year_before is true",
            ),
            history_days=TWO_YEARS,
        ),
        _follow(
            _make(
                "value_per_customer", "order_lines", "per_customer", of="line_amount", unit=MONEY
            ),
            _make(
                "value_per_customer", "order_lines", "per_customer", of="line_amount", unit=MONEY
            ),
            "Net spend a customer in the month",
        ),
        _follow(_share("consent_share", "customers", "may_contact is true")),
        _follow(
            _make("net_promoter_score", "customers", "mean", of="promoter_points", unit="points")
        ),
        _follow_whole(
            _share("win_rate", "deals", "fate = 'won'", when="is_decided is true", days="all")
        ),
        _follow_whole(
            _share(
                "renewal_share",
                "contracts",
                "is_renewed is true",
                when="is_due is true",
                days="all",
            )
        ),
    ]
    return {followed.name: followed for followed in kpis}


def _list_of_messages() -> list[Followed]:
    """Return the shares of messages; all time, as they are told elsewhere."""
    return [
        _follow_whole(
            _share(
                f"{name}_share",
                "messages",
                f"{column} is true",
                when=when,
                better=better,
                days="all",
            )
        )
        for name, column, when, better in (
            ("open", "opened", _DELIVERED, "higher"),
            ("click", "clicked", _DELIVERED, "higher"),
            ("unsubscribe", "unsubscribed", _DELIVERED, "lower"),
            ("bounce", "bounced", "is_sent is true", "lower"),
        )
    ]


def find_kpi(name: str, kpis: Sequence[Kpi] = (), *, has_lines: bool = True) -> Followed:
    """Return a KPI by its name, ready-made or of the plan's own.

    Without order lines a mean order value is as the customers table gives it.
    """
    own = {kpi.name: kpi for kpi in kpis if not kpi.is_ready_made}
    if name in own:
        kpi = own[name]
        if not kpi.time:  # a state of the last day, which no number of days makes
            kpi = kpi.model_copy(update={"days": "all"})
        if kpi.over == "customers" and kpi.measure == "count":  # a row is a customer
            kpi = kpi.model_copy(update={"measure": "customers"})
        return Followed(kpi, kpi if kpi.time else None)
    if name == "mean_order_value" and not has_lines:
        gross = _make(
            name,
            "customers",
            "ratio",
            text=AS_GIVEN,
            of="mean_order_value * order_count",
            per="order_count",
            unit=MONEY,
        )
        return Followed(gross)
    return list_ready_made()[name]


def list_followed(
    goals: Sequence[Goal], kpis: Sequence[Kpi] = (), *, has_lines: bool = True
) -> list[Followed]:
    """Return the KPIs that a plan follows: those of its goals, then those that it lists.

    Parameters
    ----------
    goals : sequence of Goal
    kpis : sequence of Kpi
        The plan's own, and ready-made ones by name.
    has_lines : bool, optional
        Whether there are order lines, see `find_kpi`.
    """
    names = dict.fromkeys([*(goal.kpi for goal in goals), *(kpi.name for kpi in kpis)])
    return [find_kpi(name, kpis, has_lines=has_lines) for name in names]


def explain_lack(kpi: Kpi, columns: Sequence[str] | None, missing: Sequence[str]) -> str:
    """Say what a KPI lacks, and what to collect.

    Parameters
    ----------
    kpi : Kpi
    columns : sequence of str or None
        Those of its table; None where the table is not there.
    missing : sequence of str
        Those that it reads and the table lacks.
    """
    if POINTS in missing:
        return NO_QUESTION
    table = TABLES.get(kpi.over)
    where = f" ({table.collect[0].lower()}{table.collect[1:]})" if table and table.collect else ""
    if columns is None:
        return f"there is no table “{kpi.over}”{where}"
    names = ", ".join(f"“{name}”" for name in missing)
    return f"the table “{kpi.over}” has no {names}{where}"
