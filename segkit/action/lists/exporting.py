"""Writing lists: sorted, laid out, recorded, and put in place whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import datetime
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from segkit.action.lists import control
from segkit.action.lists import customers as sources
from segkit.action.lists import members as found_members
from segkit.action.lists.consent import require_consent
from segkit.action.lists.filling import Known, fill_fields
from segkit.action.lists.layouts import Layout, read_layout
from segkit.action.lists.members import SEGMENT, TRIGGER, Wanted
from segkit.action.lists.sorting import (
    EXPORTED,
    HELD_OUT,
    Register,
    Rules,
    Sorted,
    read_register,
    sort_members,
)
from segkit.action.lists.suppression import find_suppressed, read_suppression
from segkit.action.lists.writing import name_file, write_list
from segkit.core.errors import SegkitError, explain_faults
from segkit.core.files import hash_bytes, read_json, refuse_to_replace, replace_alone
from segkit.plan.campaigns import CONTROL
from segkit.plan.models import Plan
from segkit.runs.layout import RunFolder

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class WrittenList:
    """A list that was written: how many members went where, and the hash of the file."""

    kind: str
    name: str
    path: Path
    counts: dict[str, int]
    sha256: str
    note: str = ""


@dataclass(frozen=True)
class Export:
    """All lists that one call wrote.

    ``disagreeing_count`` counts customers of these lists whose rows disagree on consent, which is a
    no; ``unmatched_count`` the entries of the suppression list that met no customer of the plan.
    """

    lists: tuple[WrittenList, ...]
    manifest: Path
    disagreeing_count: int = 0
    unmatched_count: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return counts, places and hashes as plain values."""
        lists = [
            {"kind": one.kind, "name": one.name, "path": str(one.path), "counts": one.counts}
            for one in self.lists
        ]
        return {
            "manifest": str(self.manifest),
            "lists": lists,
            "disagreeing": self.disagreeing_count,
            "suppression_unmatched": self.unmatched_count,
        }


def export_segment(
    customers: ibis.Table | pd.DataFrame | None,
    segments: pd.DataFrame,
    segment_name: str,
    *,
    consent_column: str | None,
    path: str | Path,
    scheme: str = "",
    as_of: datetime.date | None = None,
) -> dict[str, int]:
    """Write the customers of one segment who consented to a CSV file, in the generic layout.

    It is sorted by identifier, written aside and then put in place. Without a ``consent_column``
    the plan asks for no consent, and all are exported.

    Returns
    -------
    dict of str to int
        ``in_segment``, ``with_consent``, and the counts of `segkit.action.lists.sorting.STATES`.
    """
    names = sorted(segments["segment_name"].dropna().unique())
    found_members.require_name(SEGMENT, segment_name, names)
    require_consent(customers, consent_column=consent_column)
    members = segments.loc[segments["segment_name"] == segment_name]
    register = read_register(customers, consent_column=consent_column)
    told = sort_members(members, register, by=Rules())
    wanted = Wanted(SEGMENT, segment_name, members, scheme=scheme)
    layout = read_layout("generic")
    fields = fill_fields(told, wanted, layout=layout, known=Known(as_of=as_of))
    message = "the list cannot be written"
    fix = "Name a file in a folder that you may write to."
    with explain_faults(message, where=path, fix=fix), replace_alone(Path(path)) as aside:
        write_list(aside, fields, layout=layout)
        _confirm_rows(aside, layout, count=len(fields))
    consent = register.consent.reindex(told.members["customer_id"])
    return {"with_consent": int(consent.fillna(False).sum()), **told.count_states()}


def export_from_run(
    plan: Plan, segment_name: str, *, path: str | Path, scheme: str = ""
) -> dict[str, int]:
    """Write the customers of a segment of the plan's last run; see `export_lists`.

    Returns
    -------
    dict of str to int
        ``in_segment``, the counts of `segkit.action.lists.sorting.STATES`, and ``disagreeing``:
        customers of the segment whose rows disagree on consent.
    """
    wanted = found_members.want_segments(plan, name=segment_name, scheme=scheme)
    written = export_lists(plan, wanted, place=Path(path))
    return {**written.lists[0].counts, "disagreeing": written.disagreeing_count}


def export_lists(
    plan: Plan,
    wanted: Sequence[Wanted],
    *,
    place: Path,
    in_folder: bool = False,
    layout: str = "",
    moment: datetime.datetime | None = None,
) -> Export:
    """Write lists of the plan's last run, with a manifest beside them.

    Who is in a segment or play was found by the run; who consented, and where they can be sent to,
    is read from the source now. Who is held out, and who is sent to, is recorded in the run folder
    before a list is put in its place. All lists are put there, or none.

    Parameters
    ----------
    plan : Plan
    wanted : sequence of Wanted
        See `want_segments`, `want_plays` and `want_triggers`.
    place : Path
        The file of a single list; with ``in_folder`` the folder, in which each list has a file.
    layout : str, optional
        The plan's, if not given.
    moment : datetime, optional
        When it was exported; now, if not given.

    Raises
    ------
    SegkitError
        If there is no consent or no address where one is needed; if the customers or the
        suppression list cannot be read; or if a file of the plan or of segkit would be replaced.
    """
    laid_out = read_layout(layout or plan.lists.layout, plan)
    moment = moment or datetime.datetime.now(datetime.UTC)
    people = sources.read_customers_now(plan) if "customers" in plan.tables else None
    register, rules = _read_rules(plan, people, layout=laid_out)
    sorted_lists = [
        (one, sort_members(_find_contacts(plan, one, people), register, by=rules)) for one in wanted
    ]
    for _, told in sorted_lists:
        told.count_states()  # refuses what does not add up before anything is recorded
    paths = _name_paths(place, [one for one, _ in sorted_lists], layout=laid_out, many=in_folder)
    manifest = place / MANIFEST if in_folder else place.with_name(f"{place.name}.{MANIFEST}")
    for path in (*paths, manifest):
        refuse_to_replace(
            path,
            files=sources.list_sources(plan),
            folders=[plan.run_folder, plan.report_folder, plan.folder / "notebooks"],
        )
    _record_arms(plan, sorted_lists, moment=moment)
    known = Known(
        settings=plan.lists,
        as_of=plan.as_of or sources.read_last_day(RunFolder(plan.run_folder)),
        people=people,
        products=found_members.read_products(plan) if _takes_products(laid_out) else None,
    )
    fix = "Name a place in a folder that you may write to."
    with explain_faults("the lists cannot be written", where=place, fix=fix):
        written = _write_all(
            [(one, told, path) for (one, told), path in zip(sorted_lists, paths, strict=True)],
            manifest=manifest,
            layout=laid_out,
            known=known,
            head=_describe(plan, laid_out, rules, moment=moment),
        )
    _record_placed(plan, sorted_lists, moment=moment)
    unmatched = 0
    if rules.suppression.entry_count:
        ids = register.consent.index
        mails = register.addresses.reindex(ids).fillna("")
        unmatched = find_suppressed(rules.suppression, ids, mails).unmatched_count
    return Export(written, manifest, _count_disagreeing(people, sorted_lists), unmatched)


def _read_rules(
    plan: Plan, people: pd.DataFrame | None, *, layout: Layout
) -> tuple[Register, Rules]:
    """Read what members are sorted by; refuse where consent or addresses are needed and missing."""
    require_consent(people, consent_column=plan.privacy.consent_column)
    if "email" in layout.needs and (people is None or "email" not in people.columns):
        raise SegkitError(
            f"{layout.title} needs e-mail addresses, and no customer has one",
            where="table customers",
            found="no column 'email'",
            fix='Map it under [tables.customers.columns]: email = "...", or take another layout.',
        )
    path = plan.lists.suppression
    rules = Rules(
        settings=plan.lists,
        random_state=plan.random_state,
        needs_address="email" in layout.needs,
        suppression=read_suppression(plan.resolve_path(path) if path else None),
        arms=control.read_arms(RunFolder(plan.run_folder)),
    )
    return read_register(people, consent_column=plan.privacy.consent_column), rules


def _find_contacts(plan: Plan, wanted: Wanted, people: pd.DataFrame | None) -> pd.DataFrame:
    """Return a list's members; of accounts their contacts, who share the lot of the account."""
    if not sources.takes_contacts(plan, people):
        return wanted.members
    contacts = sources.list_contacts(people, wanted.members).assign(has_contact=True)
    alone = wanted.members[~wanted.members["customer_id"].isin(contacts["account"])]
    alone = alone.assign(account=alone["customer_id"], has_contact=False)
    every = pd.concat([contacts, alone], ignore_index=True)
    return every.assign(unit_id=every["account"].astype(str))


def _name_paths(place: Path, wanted: Iterable[Wanted], *, layout: Layout, many: bool) -> list[Path]:
    if not many:
        return [place]
    taken: list[str] = []
    for one in wanted:
        taken.append(name_file(one.kind, one.name, layout=layout, taken=taken))
    return [place / name for name in taken]


def _record_arms(
    plan: Plan, lists: Sequence[tuple[Wanted, Sorted]], *, moment: datetime.datetime
) -> None:
    """Record who was assigned to which arm: before anything is written, so that none is lost."""
    settings = plan.lists
    if not settings.holds_out:
        return
    arms = {EXPORTED: settings.arm, HELD_OUT: CONTROL}
    assigned = []
    for wanted, told in lists:
        rows = told.members[told.members["state"].isin(list(arms))]
        one = rows[["customer_id"]].assign(arm=rows["state"].map(arms))
        one = one.assign(campaign_id=settings.campaign, list_name=wanted.name, kind=wanted.kind)
        assigned.append(one)
    if assigned:
        control.record_arms(RunFolder(plan.run_folder), pd.concat(assigned), moment=moment)


def _record_placed(
    plan: Plan, lists: Sequence[tuple[Wanted, Sorted]], *, moment: datetime.datetime
) -> None:
    """Record who is on the list of which trigger: after it was written, so that nobody rests who
    never was on it."""
    placed = []
    for wanted, told in lists:
        if wanted.kind == TRIGGER:
            rows = told.members[told.members["state"] == EXPORTED]
            placed.append(rows[["customer_id"]].assign(trigger=wanted.name))
    if placed:
        today = moment.date()
        found_members.record_placed(RunFolder(plan.run_folder), pd.concat(placed), today=today)


def _takes_products(layout: Layout) -> bool:
    fields = {*layout.columns.values(), *layout.where_known.values()}
    return any(name.startswith("product_") for name in fields)


def _write_all(
    lists: Sequence[tuple[Wanted, Sorted, Path]],
    *,
    manifest: Path,
    layout: Layout,
    known: Known,
    head: dict[str, Any],
) -> tuple[WrittenList, ...]:
    """Write the lists and the manifest aside, and put them in place together.

    Files that an earlier manifest names and this one does not go: nobody shall send to a list of a
    segment that is no more.
    """
    earlier = read_json(manifest).get("lists", [])
    written = []
    with contextlib.ExitStack() as stack:
        # The first to be opened is the last to be put in place: the manifest is of what is there.
        aside_manifest = stack.enter_context(replace_alone(manifest))
        for wanted, told, path in lists:
            aside = stack.enter_context(replace_alone(path))
            fields = fill_fields(told, wanted, layout=layout, known=known)
            write_list(aside, fields, layout=layout)
            counts = told.count_states()
            _confirm_rows(aside, layout, count=counts[EXPORTED])
            note = _note_length(layout, counts[EXPORTED])
            sha = hash_bytes(aside)
            written.append(WrittenList(wanted.kind, wanted.name, path, counts, sha, note))
        rows = [
            {
                "kind": one.kind,
                "name": one.name,
                "file": one.path.name,
                "sha256": one.sha256,
                "counts": one.counts,
                **({"note": one.note} if one.note else {}),
            }
            for one in written
        ]
        text = json.dumps({**head, "lists": rows}, indent=1, ensure_ascii=True)
        aside_manifest.write_text(text + "\n", encoding="utf-8")
    _remove_stale(manifest.parent, earlier, kept={one.path.name for one in written})
    return tuple(written)


def _remove_stale(folder: Path, earlier: Sequence[Any], *, kept: set[str]) -> None:
    for row in earlier:
        name = row.get("file", "") if isinstance(row, dict) else ""
        is_plain = isinstance(name, str) and name and Path(name).name == name
        if is_plain and name not in kept:
            (folder / name).unlink(missing_ok=True)


def _confirm_rows(path: Path, layout: Layout, *, count: int) -> None:
    """Raise an error unless the file has a row for each customer who is on the list."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        if layout.format == "json":
            found = sum(line.startswith("{") for line in stream)
        else:
            found = sum(1 for _ in csv.reader(stream)) - 1
    if found != count:
        message = "the file has not as many rows as the list has customers, so it is not kept"
        raise SegkitError(message, where=str(path), found=f"{found:,} rows for {count:,}")


def _note_length(layout: Layout, count: int) -> str:
    if layout.most_rows is None or count <= layout.most_rows:
        return ""
    return f"{layout.title} takes {layout.most_rows:,} rows a file; this one has {count:,}"


def _describe(
    plan: Plan, layout: Layout, rules: Rules, *, moment: datetime.datetime
) -> dict[str, Any]:
    """Return what the manifest says of all its lists; nothing in it names a customer."""
    settings = plan.lists
    day = plan.as_of or sources.read_last_day(RunFolder(plan.run_folder))
    return {
        "plan": plan.name,
        "as_of": day.isoformat() if day else None,
        "exported_at": moment.isoformat(timespec="seconds"),
        "layout": layout.title,
        "documentation": layout.documentation,
        "documentation_read_on": layout.read_on.isoformat(),
        "consent_column": plan.privacy.consent_column,
        "suppression_entries": rules.suppression.entry_count,
        "campaign": settings.campaign,
        "held_out_share": settings.held_out_share,
        "held_out_count": settings.held_out_count,
        "random_state": plan.random_state,
    }


def _count_disagreeing(people: pd.DataFrame | None, lists: Sequence[tuple[Wanted, Sorted]]) -> int:
    """Count the customers of these lists whose rows disagree on consent."""
    if people is None:
        return 0
    ids = set(people.loc[people["disagrees"].astype(bool), "customer_id"].astype(str))
    members = {each for _, told in lists for each in told.members["customer_id"] if each in ids}
    return len(members)
