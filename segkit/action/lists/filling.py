"""What stands in the columns of a list: the fields of a layout, for those who are on it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field

import pandas as pd

from segkit.action.lists.layouts import Layout
from segkit.action.lists.members import PLAY_COLUMNS, SEGMENT, Wanted
from segkit.action.lists.sorting import EXPORTED, Sorted
from segkit.plan.lists import Lists


@dataclass(frozen=True)
class Known:
    """What is known beside the members of a list.

    Attributes
    ----------
    settings : Lists
    as_of : datetime.date or None
        The last day that the run counted.
    people : DataFrame or None
        The customers now, see `read_customers_now`.
    products : DataFrame or None
        Recommendations by customer, see `read_products`.
    """

    settings: Lists = field(default_factory=Lists)
    as_of: datetime.date | None = None
    people: pd.DataFrame | None = None
    products: pd.DataFrame | None = None


def fill_fields(told: Sorted, wanted: Wanted, *, layout: Layout, known: Known) -> pd.DataFrame:
    """Return the fields of a list, one row for each customer who is on it.

    Fields that nothing is known of are no columns. See `segkit.action.lists.layouts.FIELDS`.
    """
    rows = told.members[told.members["state"] == EXPORTED]
    fields = pd.DataFrame({"customer_id": rows["customer_id"].to_numpy()})
    fields["email"] = rows["email"].to_numpy()
    fields["segment"] = rows["segment_name"].to_numpy() if "segment_name" in rows else ""
    fields["scheme"] = wanted.scheme
    fields["as_of"] = known.as_of.isoformat() if known.as_of else ""
    fields["kind"] = wanted.kind
    fields["tags"] = layout.write_tags((wanted.tag or wanted.name, *known.settings.tags))
    fields["campaign"] = known.settings.campaign
    if wanted.kind != SEGMENT or "list_name" in layout.columns.values():
        fields["list_name"] = wanted.name
    for column in PLAY_COLUMNS:
        if column in rows.columns:
            fields[column] = rows[column].to_numpy()
    if "account" in rows.columns:
        fields["account_id"] = rows["account"].to_numpy()
    if known.products is not None:
        found = known.products.reindex(rows["unit_id"].astype(str))
        fields = pd.concat([fields, found.reset_index(drop=True)], axis="columns")
    names = part_names(fields["customer_id"], known.people, order=known.settings.names)
    return fields.assign(**names)


def part_names(ids: pd.Series, people: pd.DataFrame | None, *, order: str) -> dict[str, pd.Series]:
    """Return the names of customers as fields; nothing where the plan does not ask for them.

    ``order`` is ``none``, ``whole``, ``given_first`` or ``family_first``. The last word is the
    family name, or the first one; of a single word it is not known.

    Examples
    --------
    >>> people = pd.DataFrame({"customer_id": ["1"], "name": ["Ann Mary Lee"]})
    >>> found = part_names(pd.Series(["1"]), people, order="given_first")
    >>> found["first_name"].item(), found["last_name"].item()
    ('Ann Mary', 'Lee')
    """
    if order == "none" or people is None or "name" not in people.columns:
        return {}
    known = people.assign(customer_id=people["customer_id"].astype(str))
    known = known.drop_duplicates("customer_id").set_index("customer_id")["name"]
    names = known.reindex(ids).fillna("").astype(str).str.split().str.join(" ")
    names = names.reset_index(drop=True)
    if order == "whole":
        return {"name": names}
    if order == "given_first":
        parts = names.str.extract(r"^(?P<first_name>.*?)(?: (?P<last_name>\S+))?$")
    else:
        parts = names.str.extract(r"^(?:(?P<last_name>\S+) )?(?P<first_name>.*)$")
    return {column: parts[column].fillna("") for column in ("first_name", "last_name")}
