"""Personas: for each segment that the criteria choose a person, or a firm, drawn from its data.

Nothing is invented. A statement is there only where the segment differs from all customers, with
its share, that of all, and the number of customers it rests on. What the data do not tell is said
to be not known. A persona is a blend: no combination of its facts is that of a few customers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from segkit.action.persona_facts import KEYS, SHARE, choose_facts
from segkit.action.persona_headings import FIRM, HEADINGS, PERSON, find_heading
from segkit.action.persona_names import give_names
from segkit.core.absence import explain_empty
from segkit.core.errors import SegkitError, suggest_name
from segkit.core.privacy import NOTE
from segkit.plan.personas import Personas
from segkit.profiles.descriptors import count_descriptors, list_descriptors
from segkit.profiles.differences import SHARE_FIGURES
from segkit.segmentation.members import join_segments

MOST_FACTS = 14
# Of whom at least half are businesses, the persona is a firm.
FIRM_SHARE = 0.5
FIRM_COLUMNS = ("industry", "employee_band", "revenue_band", "business_place")
# The sentences of a day's picture, each with the headings that it tells of.
PICTURE = {
    "who": ("age", "family", "work", "firm", "place"),
    "shopping": ("buys", "when", "channel", "contact"),
    "mind": ("values", "complaints", "stops", "decision", "deals"),
}
LEVEL_COLUMNS = [
    "descriptor",
    "segment",
    "segment_name",
    "value",
    "customer_count",
    "segment_count",
    "value_count",
    "base_count",
    "share",
    "base_share",
    "index",
    *SHARE_FIGURES,
]


@dataclass(frozen=True)
class Persona:
    """One segment as a person, or as a firm.

    Attributes
    ----------
    segment_name : str
    given_name : str
        What it is called: a name that is given, nobody's.
    whom : str
        ``person`` or ``firm``.
    note : str
        Why the segment is not described; empty where it is.
    facts : pandas.DataFrame
        What is told, see `choose_facts`, with ``sentence``: the sentence of the day's picture in
        which it stands, or nothing.
    alike, hidden, unknown : tuple of str
        Names of the headings under which the segment is like all customers, of those of which too
        few customers may be told, and of those that no table tells of.
    """

    segment_name: str
    given_name: str
    whom: str
    note: str
    facts: pd.DataFrame
    alike: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The persona's heading."""
        if not self.given_name:
            return f"Persona of segment {self.segment_name}"
        return f"{self.given_name} stands for the segment {self.segment_name}"


def collect_descriptors(
    customers: pd.DataFrame, segments: pd.DataFrame, *, smallest_cell: int = 5
) -> pd.DataFrame:
    """Count every descriptor's values by segment: descriptor and what `count_descriptor` gives.

    Values of fewer than ``smallest_cell`` customers are pooled.
    """
    tables = [pd.DataFrame(columns=LEVEL_COLUMNS)]
    names = list_descriptors(customers)
    counted = count_descriptors(customers, segments, names, smallest_cell=smallest_cell)
    for name, table in zip(names, counted, strict=True):
        tables.append(table.assign(descriptor=name)[LEVEL_COLUMNS])
    return pd.concat(tables[1:] or tables, ignore_index=True)


def choose_segments(targets: pd.DataFrame, *, most: int = 5) -> list[str]:
    """Return the segments that get a persona: those that the criteria rate best.

    ``targets`` is what `rate_targets` returned, the best first, as it was published; a segment
    whose scores are hidden has no persona.
    """
    if targets.empty:
        return []
    rated = targets.dropna(subset=["attractiveness"])
    return [str(name) for name in rated["segment_name"].head(most)]


def draft_personas(
    chosen: Sequence[str],
    sizes: pd.DataFrame,
    facts: pd.DataFrame,
    *,
    people: pd.DataFrame,
    plan: Personas | None = None,
    is_account: bool = False,
    smallest_cell: int = 5,
) -> list[Persona]:
    """Draft a persona for each of the segments that were chosen.

    Parameters
    ----------
    chosen : sequence of str
        Names of segments, see `choose_segments`.
    sizes, facts : pandas.DataFrame
        The published sizes, and `list_facts` of what was published. A segment whose size is hidden
        is not described: the ``note`` says why.
    people : pandas.DataFrame
        One row a customer, see `join_people`: that no picture is of few customers is counted here.
    plan : Personas, optional
        Names, and headings of one's own columns.
    is_account : bool
        Whether a customer is a business account.
    smallest_cell : int
        Of so many customers at least, or of none, all facts of a picture are true together.

    Raises
    ------
    SegkitError
        If there is no such segment.
    """
    names = give_names(chosen, plan)
    known = [str(name) for name in sizes["segment_name"].dropna()]
    personas = []
    for name in chosen:
        if name not in known:
            fix = suggest_name(name, known)
            raise SegkitError(f"there is no segment called '{name}'", fix=fix)
        size = sizes[sizes["segment_name"] == name]
        own = facts[facts["segment_name"] == name]
        if size["customer_count"].isna().any():
            note = str(size[NOTE].iloc[0]) if NOTE in size else explain_empty(size)
            nothing = choose_facts(own.head(0), most=0).assign(sentence="")
            personas.append(Persona(name, "", PERSON, note=note, facts=nothing))
            continue
        is_firm = is_account or _are_firms(own, float(size["customer_count"].iloc[0]))
        whom = FIRM if is_firm else PERSON
        told = choose_facts(own, most=MOST_FACTS, left_out=_list_left_out(whom))
        members = people[people["segment_name"] == name]
        told = blend_facts(_place_in_picture(told), members, smallest_cell=smallest_cell)
        silent = _sort_headings(own, told, whom, has_columns=_find_columns(people, plan))
        persona = Persona(name, names[name], whom, note="", facts=told, **silent)
        personas.append(persona)
    return personas


def join_people(
    customers: pd.DataFrame, traits: pd.DataFrame, segments: pd.DataFrame
) -> pd.DataFrame:
    """Return all that facts are made of, one row a customer who has a segment.

    Columns of ``customers`` and of ``traits``, with ``segment`` and ``segment_name``. From this
    each fact can be worked out again.
    """
    own = traits.drop(columns=traits.columns.intersection(customers.columns).drop("customer_id"))
    return join_segments(customers.merge(own, on="customer_id", how="left"), segments)


def count_matches(people: pd.DataFrame, facts: pd.DataFrame) -> int:
    """Count the customers of whom all these facts are true at once.

    Examples
    --------
    >>> people = pd.DataFrame({"age_band": ["18-24", "18-24"], "has_pets": [True, None]})
    >>> facts = pd.DataFrame({"feature": ["age_band", "has_pets"], "value": ["18-24", "True"]})
    >>> count_matches(people, facts)
    1
    """
    matching = np.ones(len(people), dtype=bool)
    for row in facts[KEYS].itertuples(index=False):
        values = people[row.feature]
        matching &= (values.notna() & (values.astype(str) == row.value)).to_numpy(bool)
    return int(matching.sum())


def blend_facts(facts: pd.DataFrame, members: pd.DataFrame, *, smallest_cell: int) -> pd.DataFrame:
    """Take facts out of the day's picture until it is nobody's, or that of enough customers.

    Where fewer than ``smallest_cell`` members have all that the picture says, it would be theirs:
    the weakest fact leaves it, though it stays on the sheet. Neither the whole picture nor one of
    its sentences may be of so few.

    Parameters
    ----------
    facts : pandas.DataFrame
        Of one segment, with ``sentence``.
    members : pandas.DataFrame
        Its customers, see `join_people`.
    smallest_cell : int
    """
    drawn = facts[facts["sentence"] != ""]
    while len(drawn) and _is_of_few(drawn, members, smallest_cell):
        weakest = drawn["strength"].abs().to_numpy(float).argmin()
        drawn = drawn.drop(drawn.index[weakest])
    return facts.assign(sentence=facts["sentence"].where(facts.index.isin(drawn.index), ""))


def _is_of_few(drawn: pd.DataFrame, members: pd.DataFrame, smallest_cell: int) -> bool:
    """Return whether the picture, or one of its sentences, is that of too few customers."""
    parts = [drawn, *(part for _, part in drawn.groupby("sentence"))]
    return any(0 < count_matches(members, part) < smallest_cell for part in parts)


def _are_firms(facts: pd.DataFrame, size: float) -> bool:
    """Return whether most of a segment are businesses, as far as that may be seen.

    Where the type of customer is not known or hidden, what is known of businesses alone tells.
    """
    is_type = (facts["feature"] == "customer_type") & (facts["value"] == "business")
    of_firms = facts[facts["feature"].isin(FIRM_COLUMNS)]
    counts = of_firms.groupby("feature")["customer_count"].sum()
    counts = [*counts, *facts.loc[is_type, "customer_count"]]
    return bool(counts) and max(counts) >= FIRM_SHARE * size


def _list_left_out(whom: str) -> tuple[str, ...]:
    """Return the headings that are not on a sheet: a firm has no age and no family."""
    return ("age", "family") if whom == FIRM else ()


def _place_in_picture(facts: pd.DataFrame) -> pd.DataFrame:
    """Say in which sentence of the day's picture each fact stands: the first of its heading.

    Only shares of a value that is more common than among all; a mean is nobody's.
    """
    sentences = {heading: name for name, group in PICTURE.items() for heading in group}
    named = facts["heading"].map(sentences).fillna("")
    is_drawn = (facts["kind"] == SHARE) & (facts["strength"] > 0)
    first = facts[is_drawn].drop_duplicates("heading").index
    return facts.assign(sentence=named.where(facts.index.isin(first), "").astype(object))


def _find_columns(people: pd.DataFrame, plan: Personas | None) -> set[str]:
    """Return the headings under which a column has a value of anybody."""
    known = people.columns[people.notna().any()]
    return {find_heading(str(name), plan) for name in known.drop("customer_id", errors="ignore")}


def _sort_headings(
    own: pd.DataFrame, told: pd.DataFrame, whom: str, *, has_columns: set[str]
) -> dict[str, tuple[str, ...]]:
    """Sort the headings of which nothing is told: alike, hidden, or not known."""
    seen = set(own["heading"])
    silent = [one for one in HEADINGS if whom in one.whom and one.name not in set(told["heading"])]
    alike = [one.name for one in silent if one.name in seen]
    hidden = [one.name for one in silent if one.name not in seen and one.name in has_columns]
    unknown = [one.name for one in silent if one.name not in {*alike, *hidden}]
    return {"alike": tuple(alike), "hidden": tuple(hidden), "unknown": tuple(unknown)}
