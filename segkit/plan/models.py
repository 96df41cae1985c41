"""The plan: what a segmentation is for, which tables it reads, and what would make it good.

``plan.toml`` is read into frozen models. Every fault is reported at once, each with its line.
"""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from segkit.contract.bases import BASES
from segkit.core.errors import SegkitError
from segkit.plan.accepted import AcceptedWarnings
from segkit.plan.bases import BaseSettings, Name, read_labels
from segkit.plan.campaigns import Campaigns
from segkit.plan.deliverables import Deliverables
from segkit.plan.engine import Engine
from segkit.plan.frozen import Frozen
from segkit.plan.kpis import Kpi
from segkit.plan.labels import Labels
from segkit.plan.leads import Leads
from segkit.plan.lists import Lists
from segkit.plan.market import Market
from segkit.plan.personas import Personas
from segkit.plan.plays import Plays
from segkit.plan.pricing import Pricing
from segkit.plan.readiness import ReadinessAnswers
from segkit.plan.recommendations import Recommendations
from segkit.plan.statuses import Statuses
from segkit.plan.surveys import Surveys
from segkit.plan.targeting import Targeting
from segkit.plan.triggers import Triggers
from segkit.plan.wallet import Wallet

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]

# What makes a segment worth having, and what makes us fit to serve it, with their weights.
ATTRACTIVENESS = {"value_share": 3.0, "mean_value": 2.0, "customer_share": 1.0, "stability": 1.0}
FIT = {"reach": 2.0, "consent_share": 1.0}
# What a feature of one's own may be called: not what segkit itself adds to a table of customers.
OWN_NAME = re.compile(
    r"(?!(text|faulty|placeholder|rule|segment)_|(source_row|row_hash|is_repeat|differs|is_rejected"
    r"|segment|distance|probability|confidence)$)[a-z]([a-z0-9_]{0,38}[a-z0-9])?"
)
# Segments are sought in so many customers at most.
MOST_FITTED = 200_000
# Customers, of whom something is told.
SMALLEST_CELL = 5
# Answers of a customer, of which a mean and a spread say something.
FEWEST_ANSWERS = 3
# Methods that find segments in columns; the others cut by rule.
LEARNING_METHODS = ("kmeans", "kprototypes", "latent_classes")


class Goal(Frozen):
    """One goal with one KPI, ready-made or the plan's own, that tells whether it is met.

    ``due`` is the day by which it shall be.
    """

    name: Name
    text: str
    kpi: Name
    target: float | None = None
    due: datetime.date | None = None


class TableSpec(Frozen):
    """Where one table is and how its columns are called there.

    A table is a file or a folder of Parquet files (``path``, never a pattern), the Parquet files of
    a ``pattern``, a table of a database (``connection`` and ``table``), or a ``query``, one SELECT
    over ``files``, each known in the query by its name. ``columns`` maps the
    contract's name to the user's: ``customer_id = "CustomerID"``. ``features``, of customers only,
    takes further columns as features of one's own, ``wine_spend = "MntWines"``, or "all" of them.
    ``unknown`` are words that mean nothing, such as "Prefer not to say". ``levels`` joins spellings
    of one level, by column: ``country = { "United Kingdom" = ["UK", "GB"] }``.
    ``decimal`` is the mark before the decimals of numbers in texts, told from the columns if None.
    ``time_zone`` is the shop's, as "Europe/Helsinki", for times that are stored in UTC; it goes
    before the plan's.
    """

    path: str | None = None
    pattern: str | None = None
    query: str | None = None
    files: dict[Name, str] = Field({})
    connection: str | None = None
    table: str | None = None
    sheet: str | None = None
    delimiter: Annotated[str, Field(pattern=r'^[^"\r\n]$')] | None = None
    encoding: str | None = None
    decimal: Literal[".", ","] | None = None
    date_format: str | None = None
    time_zone: str | None = None
    columns: dict[str, str] = Field({})
    features: dict[str, str] | Literal["all"] = Field({})
    unknown: tuple[str, ...] = ()
    levels: dict[str, dict[str, tuple[str, ...]]] = Field({})

    @field_validator("features", mode="before")
    @classmethod
    def _read_features(cls, value: object) -> object:
        columns = {} if value == "all" else value
        if not isinstance(columns, dict) or not all(isinstance(c, str) for c in columns.values()):
            raise ValueError('give "all", or names with columns: wine_spend = "MntWines"')
        for name in columns:
            if not OWN_NAME.fullmatch(name):
                raise ValueError(
                    f"'{name}' cannot be a feature's name; take up to 40 small letters, digits and "
                    "_, and no word that segkit uses itself, such as segment"
                )
        return value

    @model_validator(mode="after")
    def _name_one_place(self) -> TableSpec:
        places = [self.path, self.pattern, self.connection, self.query]
        if places.count(None) != 3:
            raise ValueError("give one of path, connection and query, or a pattern, and only one")
        if (self.query is None) != (not self.files):
            raise ValueError("a query needs files, and files need a query")
        if self.connection is not None and self.table is None:
            raise ValueError("a connection needs the name of a table as well")
        return self


class Policies(Frozen):
    """What to do with rows on which reasonable people differ.

    ``join_capitals`` reads customer ids in small letters, so that those that differ in capitals
    only, as e-mail addresses do, are one customer.
    """

    exact_duplicates: Literal["keep", "drop"] = "keep"
    cancellations: Literal["net", "drop"] = "net"
    cancelled_order_prefix: str = ""
    returns: Literal["net", "drop"] = "net"
    lines_without_customer: Literal["keep", "drop"] = "drop"
    zero_prices: Literal["keep", "drop"] = "keep"
    negative_prices: Literal["keep", "drop"] = "drop"
    adjustments: Literal["keep", "drop"] = "drop"
    adjustment_order_prefix: str = ""
    non_products: Literal["keep", "drop"] = "drop"
    non_product_ids: tuple[str, ...] = ()
    statuses: Statuses = Statuses()
    join_capitals: bool = False


class NamedRule(Frozen):
    """A segment's name and the condition, in SQL, that puts a customer there."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    when: str


class Scheme(Frozen):
    """One exclusive and exhaustive set of segments, for one goal.

    ``categorical`` names columns of numbers that are codes. ``missing`` says whether a missing
    category is a level of its own or is ignored. ``gamma`` is the weight of a category against a
    number. ``scale`` says whether numbers stay as they are ("none"), are standardised ("sd"), or
    stay so where all are yes and no or answers on equal scales ("auto"). ``answer_style``, of
    answers to k-means, says whether everybody's mean answer and spread are taken out. ``cuts``
    replace the cut points of RFM, tiers or a ready-made ``ruleset``. Levels of a
    category that fewer than ``smallest_level`` customers share are pooled, those of the plan's
    ``smallest_cell`` where it says nothing. ``who`` says whether people without an order, such as
    leads, have a segment too. ``labels`` are the plan's words for features, which names of segments
    are made of.
    """

    name: Name
    goal: Name
    base: Literal[tuple(BASES)]
    method: Literal["kmeans", "kprototypes", "latent_classes", "rules", "rfm", "tiers"]
    columns: tuple[str, ...] = ()
    who: Literal["buyers", "everybody"] = "buyers"
    segments: tuple[int, int] = (2, 6)
    categorical: tuple[str, ...] = ()
    missing: Literal["own", "ignore"] = "own"
    gamma: Annotated[float, Field(gt=0, allow_inf_nan=False)] | Literal["auto"] = "auto"
    scale: Literal["auto", "none", "sd"] = "auto"
    answer_style: Literal["kept", "removed"] = "kept"
    smallest_level: Annotated[int, Field(ge=1)] = SMALLEST_CELL
    rules: tuple[NamedRule, ...] = ()
    ruleset: str | None = None
    cuts: dict[Name, int | tuple[float, ...]] = Field({})
    labels: Labels = Field({}, repr=False)

    @field_validator("segments", mode="before")
    @classmethod
    def _read_segments(cls, value: object) -> object:
        numbers = [value, value] if isinstance(value, int) else value
        is_pair = isinstance(numbers, (list, tuple)) and len(numbers) == 2
        if not is_pair or not all(type(number) is int for number in numbers):
            raise ValueError("give a number or a range [fewest, most], both within 2 to 20")
        fewest, most = numbers
        if not 2 <= fewest <= most <= 20:
            raise ValueError("give a number or a range [fewest, most], both within 2 to 20")
        return fewest, most

    @model_validator(mode="after")
    def _check_columns(self) -> Scheme:
        if self.method in LEARNING_METHODS and not self.columns:
            raise ValueError(f"{self.method} needs columns, such as recency_days and total_spend")
        if len(set(self.columns)) < len(self.columns):
            raise ValueError("a column is named twice")
        if self.scale != "auto" and self.method not in ("kmeans", "kprototypes"):
            raise ValueError(f"{self.method} has no scale; take it out")
        if self.answer_style == "removed":
            self._check_answer_style()
        given = [bool(self.rules), self.ruleset is not None]
        wanted = 1 if self.method == "rules" else 0
        if sum(given) != wanted:
            raise ValueError("method rules, and only it, takes either rules or a ruleset")
        return self

    def _check_answer_style(self) -> None:
        if self.method != "kmeans":
            raise ValueError('answer_style = "removed" is for method kmeans only')
        if len(self.columns) < FEWEST_ANSWERS:
            raise ValueError(
                f'answer_style = "removed" needs {FEWEST_ANSWERS} columns or more: of fewer '
                "answers nobody's mean and spread can be told"
            )
        if self.scale == "sd":
            raise ValueError('answer_style = "removed" takes answers as they are; take out scale')


class Criteria(Frozen):
    """What a scheme must meet before anybody acts on it."""

    smallest_customer_share: Share = 0.05
    smallest_value_share: Share = 0.02
    most_segments: Annotated[int, Field(ge=2, le=20)] = 6
    smallest_stability: Share = 0.60
    smallest_jaccard: Share = 0.60
    smallest_reach: Share = 0.60
    attractiveness: dict[Literal[tuple(ATTRACTIVENESS)], Weight] = ATTRACTIVENESS
    fit: dict[Literal[tuple(FIT)], Weight] = FIT
    final_scheme: str | None = None
    overrule_reason: str = ""
    on_verdict: Literal["warn", "stop"] = "warn"


class Privacy(Frozen):
    """Who may be contacted, and how small a group may be shown."""

    consent_column: str | None = "consent"
    smallest_cell: Annotated[int, Field(ge=1)] = SMALLEST_CELL


class Plan(BaseSettings):
    """The whole plan. ``folder`` is where ``plan.toml`` lies; paths are relative to it.

    Segments are sought in at most ``most_fitted`` customers, and everybody is placed in them.
    Without ``as_of`` the last day in the data is the last day counted. ``accepted_warnings`` are
    warnings of the checks that somebody has answered: the reason by "table.rule".
    """

    name: Name
    title: str
    owner: str
    scope: str
    target_market: str
    budget: str
    deliverables: Deliverables
    as_of: datetime.date | None = None
    random_state: Annotated[int, Field(ge=0, lt=2**32)] = 0
    most_fitted: Annotated[int, Field(ge=1_000)] = MOST_FITTED
    currency: Annotated[str, Field(pattern="^[A-Z]{3}$")]
    margin_share: Annotated[float, Field(gt=0, le=1)] | None = None
    time_zone: str | None = None
    goals: Annotated[tuple[Goal, ...], Field(min_length=1)]
    kpis: tuple[Kpi, ...] = ()
    tables: dict[str, TableSpec]
    policies: Policies = Policies()
    market: Market = Market()
    schemes: Annotated[tuple[Scheme, ...], Field(min_length=1)]
    criteria: Criteria = Criteria()
    privacy: Privacy = Privacy()
    surveys: Surveys = Surveys()
    readiness: ReadinessAnswers = ReadinessAnswers()
    accepted_warnings: AcceptedWarnings = Field({})
    campaigns: Campaigns = Campaigns()
    targeting: Targeting = Targeting()
    leads: Leads = Leads()
    plays: Plays = Plays()
    lists: Lists = Lists()
    triggers: Triggers = ()
    wallet: Wallet = Wallet()
    personas: Personas = Personas()
    recommendations: Recommendations = Recommendations()
    pricing: Pricing = Pricing()
    engine: Engine = Engine()
    path: Path = Field(exclude=True)

    @field_validator("engine", mode="before")
    @classmethod
    def _read_engine(cls, value: object) -> object:
        return {"connection": value} if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _hand_to_schemes(cls, content: Any) -> Any:
        """Let the schemes pool levels of fewer customers than may be shown, and know the labels."""
        schemes = content.get("schemes") if isinstance(content, dict) else None
        if not isinstance(schemes, (list, tuple)):
            return content
        handed: dict[str, Any] = {"labels": read_labels(content)}
        privacy = content.get("privacy")
        if isinstance(privacy, dict):
            handed["smallest_level"] = privacy.get("smallest_cell", SMALLEST_CELL)
        told = [{**handed, **one} if isinstance(one, dict) else one for one in schemes]
        return {**content, "schemes": told}

    @model_validator(mode="after")
    def _check_small_levels(self) -> Plan:
        least = self.privacy.smallest_cell
        for scheme in self.schemes:
            if scheme.smallest_level < least:
                raise ValueError(
                    f"smallest_level of scheme {scheme.name} is below smallest_cell, {least}"
                )
        return self

    @property
    def folder(self) -> Path:
        """The working folder, that of ``plan.toml``."""
        return self.path.parent

    @property
    def run_folder(self) -> Path:
        """Where the run keeps its private tables and facts."""
        return self.folder / "runs" / self.name

    @property
    def report_folder(self) -> Path:
        """Where the run publishes."""
        return self.folder / "reports" / self.name

    def resolve_path(self, path: str) -> Path:
        """Return ``path`` as seen from the plan's folder.

        Raises
        ------
        SegkitError
            If it leads nowhere: an unknown home, a loop of links, a sign that no path can have.
        """
        try:
            return (self.folder / Path(path).expanduser()).resolve()
        except (OSError, RuntimeError, ValueError) as error:
            fix = "Correct the path in the plan."
            found = str(error).split(",")[0][:200]
            where = repr(path)[1:-1]
            message = "this path cannot be followed"
            raise SegkitError(message, where=where, found=found, fix=fix) from None
