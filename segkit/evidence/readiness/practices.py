"""The practices of customer segmentation that a run scores, with their thresholds: one table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from segkit.contract.bases import SAID
from segkit.evidence.readiness import of_the_data as data
from segkit.evidence.readiness import of_the_plan as plan
from segkit.evidence.readiness.given import Found, Given
from segkit.evidence.readiness.scale import COUNT, Scale
from segkit.plan.models import LEARNING_METHODS

PLAN = "Plan"
MARKET = "Market review"
BASE = "Base analysis"
EXPERIENCE = "Experience data"
ACTION = "Analysis and action"
STEPS = (PLAN, MARKET, BASE, EXPERIENCE, ACTION)
# Bases of schemes that are made of what customers ordered.
BOUGHT = ("behavioural", "value", "purchase_history", "season", "journey")
ON_THE_SITE = ("technographic", "source", "moment", "engagement")
BOUGHT_KPIS = (
    "total_spend",
    "active_customers",
    "repeat_share",
    "mean_order_value",
    "orders_per_customer",
    "lapsed_share",
    "new_customers",
    "retention_share",
    "value_per_customer",
)
OF_MESSAGES = ("open_share", "click_share", "unsubscribe_share", "bounce_share")
OF_PARTS = (0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True, kw_only=True)
class Practice:
    """A practice of good segmentation: how it is scored, and what to do where it is weak.

    Attributes
    ----------
    id : str
        Stays from version to version, so that runs are compared.
    step : str
        The step that it belongs to.
    name : str
    scale : Scale
        What each score needs.
    find : callable
        From what is `Given` to what was `Found`; None where the practice does not apply.
    improve : str
        What to do.
    needs : tuple of str
        Tables without rows of which the practice is no practice of this business.
    bases : tuple of str
        Schemes of these bases rest on it.
    methods : tuple of str
        Schemes of these methods rest on it.
    columns : tuple of str
        Schemes that read one of these rest on it.
    kpis : tuple of str
        Goals that are told by these rest on it.
    """

    id: str
    step: str
    name: str
    scale: Scale
    find: Callable[[Given], Found | None]
    improve: str
    needs: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    kpis: tuple[str, ...] = ()


PRACTICES = (
    Practice(
        id="goals_judged",
        step=PLAN,
        name="Every goal can be judged",
        scale=Scale(OF_PARTS, "of the goals with a target and data for their KPI"),
        find=plan.find_judged,
        improve="Give each goal a target, and a KPI that the tables tell",
    ),
    Practice(
        id="goals_served",
        step=PLAN,
        name="Every goal has a scheme",
        scale=Scale(OF_PARTS, "of the goals with a scheme"),
        find=plan.find_served,
        improve="Write a scheme for each goal, or take the goal out",
    ),
    Practice(
        id="deliverables_checked",
        step=PLAN,
        name="Deliverables can be ticked",
        scale=Scale(OF_PARTS, "of the deliverables with what shows them"),
        find=plan.find_deliverables,
        improve="Say of each deliverable in the plan what shows it",
    ),
    Practice(
        id="plan_filled",
        step=PLAN,
        name="The plan is decided",
        scale=Scale(
            (1, 2, 3, 4, 5),
            "parts filled in: owner, scope, target market, budget, goals",
            unit=COUNT,
        ),
        find=plan.find_filled,
        improve="Fill in what the plan leaves open",
    ),
    Practice(
        id="market_given",
        step=MARKET,
        name="The market is known",
        scale=Scale((1, 1, 2, 2, 3), "market tables with rows", unit=COUNT),
        find=plan.find_market,
        improve="Fill the templates of the market review",
    ),
    Practice(
        id="market_sourced",
        step=MARKET,
        name="Market figures are sourced and fresh",
        scale=Scale((0.2, 0.4, 0.6, 0.8, 0.95), "of the newest market figures fresh and sourced"),
        find=plan.find_market_sources,
        improve="Name the source of each market figure, and look for newer ones",
    ),
    Practice(
        id="market_matched",
        step=MARKET,
        name="The market's cells are ours",
        scale=Scale((0.2, 0.4, 0.6, 0.8, 0.95), "of customers, or products, in the market's cells"),
        find=plan.find_market_match,
        improve="Spell the market's cells as the customers' table does, and add those that lack",
    ),
    Practice(
        id="rows_accepted",
        step=BASE,
        name="Rows pass the checks",
        scale=Scale((0.5, 0.8, 0.9, 0.95, 0.99), "of the rows read accepted"),
        find=data.find_accepted,
        improve="Mend the largest rule of the quality table at its source",
    ),
    Practice(
        id="bases_ready",
        step=BASE,
        name="There are bases to choose from",
        scale=Scale((1, 2, 4, 6, 8), "bases that can be used", unit=COUNT),
        find=data.find_bases,
        improve="Collect the columns named in the list of bases, for the goals that need them",
    ),
    Practice(
        id="columns_filled",
        step=BASE,
        name="What schemes read is filled in",
        scale=Scale((0.2, 0.4, 0.6, 0.8, 0.95), "of customers in the least known column"),
        find=data.find_filled_columns,
        improve="Fill that column in, or take it out of the scheme",
        needs=("customers",),
        methods=LEARNING_METHODS,
    ),
    Practice(
        id="customers_enough",
        step=BASE,
        name="There are customers enough for the columns",
        scale=Scale((10, 20, 35, 70, 100), "customers for each column of a scheme", unit=COUNT),
        find=data.find_enough_customers,
        improve="Take columns out of the largest scheme",
        methods=LEARNING_METHODS,
    ),
    Practice(
        id="identities_joined",
        step=BASE,
        name="A customer is one customer",
        scale=Scale((0.8, 0.9, 0.95, 0.98, 0.99), "of addresses or cards with one customer"),
        find=data.find_identities,
        improve="Join the customers who share an address or a card",
        needs=("customers",),
    ),
    Practice(
        id="orders_named",
        step=BASE,
        name="Orders name their customer",
        scale=Scale((0.5, 0.7, 0.8, 0.9, 0.97), "of order lines with a customer"),
        find=data.find_named_orders,
        improve="Ask for an e-mail address or a loyalty card at every sale",
        needs=("order_lines",),
        bases=BOUGHT,
        kpis=BOUGHT_KPIS,
    ),
    Practice(
        id="orders_fresh",
        step=BASE,
        name="Orders are fresh",
        scale=Scale((90, 60, 31, 14, 7), "days since the last order", unit=COUNT, at_most=True),
        find=data.find_freshness,
        improve="Load orders at least weekly",
        needs=("order_lines",),
        bases=BOUGHT,
        kpis=BOUGHT_KPIS,
    ),
    Practice(
        id="history_long",
        step=BASE,
        name="History is long enough",
        scale=Scale((90, 180, 365, 550, 730), "days of orders", unit=COUNT),
        find=data.find_history,
        improve="Keep two years of orders, so that seasons can be told from trends",
        needs=("order_lines",),
        bases=BOUGHT,
    ),
    Practice(
        id="customers_return",
        step=BASE,
        name="Customers come back",
        scale=Scale((50, 100, 200, 350, 500), "customers with two orders or more", unit=COUNT),
        find=data.find_repeat_buyers,
        improve="Wait for more repeat buyers, or segment by what customers say",
        needs=("order_lines",),
        bases=BOUGHT,
        kpis=("repeat_share", "orders_per_customer", "lapsed_share", "retention_share"),
    ),
    Practice(
        id="costs_known",
        step=BASE,
        name="Profit is known",
        scale=Scale((0.1, 0.3, 0.5, 0.8, 0.95), "of products, or of order lines, with a cost"),
        find=data.find_costs,
        improve="Give each product, or each order line, what a unit of it costs",
        needs=("order_lines",),
        columns=("total_profit",),
    ),
    Practice(
        id="consent_known",
        step=EXPERIENCE,
        name="Consent is known",
        scale=Scale((0.2, 0.4, 0.6, 0.8, 0.95), "of customers with a yes or a no"),
        find=data.find_consent,
        improve="Record for each customer whether he or she may be contacted",
    ),
    Practice(
        id="voices_heard",
        step=EXPERIENCE,
        name="Customers are heard",
        scale=Scale((0.5, 0.5, 0.5, 1, 1), "of the ways to hear customers in use"),
        find=data.find_voices,
        improve="Run a short survey",
        bases=SAID,
    ),
    Practice(
        id="survey_answered",
        step=EXPERIENCE,
        name="Surveys are answered",
        scale=Scale((0.01, 0.05, 0.1, 0.2, 0.3), "of customers with an answer"),
        find=data.find_answered,
        improve="Ask fewer questions, of a random part of the customers, and remind them once",
        needs=("responses",),
        bases=SAID,
    ),
    Practice(
        id="events_named",
        step=EXPERIENCE,
        name="Events name their customer",
        scale=Scale((0.1, 0.25, 0.5, 0.7, 0.9), "of events with a customer"),
        find=data.find_named_events,
        improve="Have visitors sign in, or link their devices with the customer's register",
        needs=("events",),
        bases=ON_THE_SITE,
    ),
    Practice(
        id="control_group",
        step=ACTION,
        name="Campaigns have a control group",
        scale=Scale((0.001, 0.01, 0.03, 0.05, 0.1), "of messages held back for a control group"),
        find=data.find_control,
        improve="Leave a random part of each campaign's customers out, and record who they are",
        needs=("messages",),
        kpis=OF_MESSAGES,
    ),
    Practice(
        id="outcomes_recorded",
        step=ACTION,
        name="What campaigns bring is recorded",
        scale=Scale((1, 1, 2, 3, 4), "outcomes of messages that are recorded", unit=COUNT),
        find=data.find_outcomes,
        improve="Record of each message whether it was opened and clicked, and who bought after it",
        needs=("messages",),
        kpis=OF_MESSAGES,
    ),
    Practice(
        id="scheme_watched",
        step=ACTION,
        name="The segments are watched",
        scale=Scale((366, 183, 92, 62, 31), "days since the run before", unit=COUNT, at_most=True),
        find=data.find_watch,
        improve="Run the plan again each month, and compare",
    ),
)
