"""Lists as files: laid out for a tool, reconciled, recorded, and put in place all or none."""

from __future__ import annotations

import csv
import datetime
import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from fake_shop import make_shop
from small_plans import make_plan, write_lines
from test_cli import call

from segkit.action.lists import exporting, writing
from segkit.action.lists.control import read_arms, record_arms
from segkit.action.lists.exporting import export_lists
from segkit.action.lists.members import choose_lists, read_placed, want_plays, want_triggers
from segkit.core.errors import SegkitError
from segkit.core.files import hash_bytes
from segkit.data.checks import prepare_tables
from segkit.plan.campaigns import CONTROL
from segkit.plan.lists import Lists
from segkit.plan.reading import read_plan
from segkit.plan.triggers import Trigger
from segkit.runs.history import forget_customer
from segkit.runs.layout import RunFolder

COUNT = 40
MOMENT = datetime.datetime(2026, 12, 1, 9, 30, tzinfo=datetime.UTC)


@pytest.fixture
def shop(tmp_path, monkeypatch) -> Path:
    """A working folder whose run left segments, plays, recommendations and triggers."""
    folder = make_shop(tmp_path / "shop")
    tables = folder / "runs" / "tiny" / "05_analysis" / "tables"
    tables.mkdir(parents=True)
    (tables.parent / "step.json").write_text("{}")
    ids = [f"c{i:02}" for i in range(COUNT)]
    placed = pd.DataFrame({"customer_id": ids, "scheme": "tiers"})
    placed["segment"] = ["High"] * 10 + ["=Low;@x"] * (COUNT - 10)
    placed.to_parquet(tables / "placements.parquet")
    every = placed.rename(columns={"segment": "segment_name"})
    play = {
        "reason": "no order for 120 days; her own rhythm is 30",
        "expected_value": 12.5,
        "expected_low": 3.0,
        "expected_high": 22.0,
        "horizon_days": 90,
        "is_measured": True,
    }
    first = every.head(6).assign(play="win_back", place=range(1, 7), is_first_play=True, **play)
    second = every[4:8].assign(play="cross_sell", place=range(1, 5), **play)
    second["is_first_play"] = ~second["customer_id"].isin(first["customer_id"])
    pd.concat([first, second]).to_parquet(tables / "plays.parquet")
    offered = [(each, "new", place, f"p{place}", 0.5) for each in ids[:3] for place in (1, 2, 3, 4)]
    offered += [("c00", "again", 1, "old", 0.9)]
    columns = ["customer_id", "kind", "place", "product_id", "score"]
    pd.DataFrame(offered, columns=columns).to_parquet(tables / "recommendations.parquet")
    triggered = every.head(5)[["customer_id", "segment_name"]].assign(trigger="overdue", play="x")
    triggered.to_parquet(tables / "triggered.parquet")
    people = pd.DataFrame({"customer_id": ids, "name": "Ann Mary Lee", "consent": "true"})
    people["email"] = [f"{each}@example.org" for each in ids]
    people.loc[0, "consent"] = "false"
    people.loc[1, "email"] = ""
    people.to_csv(folder / "customers.csv", index=False)
    with (folder / "plan.toml").open("a", encoding="utf-8") as plan:
        plan.write('\n[tables.customers]\npath = "customers.csv"\n')
    monkeypatch.chdir(folder)
    return folder


def read_shop_plan(shop: Path, **lists):
    return read_plan(shop / "plan.toml").model_copy(update={"lists": Lists(**lists)})


def read_rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize(
    ("layout", "header", "row"),
    [
        (
            "mailchimp",
            ["Email Address", "Tags", "First Name", "Last Name", *["Product"] * 3],
            ["c02@example.org", "segment High,autumn", "Ann Mary", "Lee", "p1", "p2", "p3"],
        ),
        (
            "klaviyo",
            ["Email", "Segment", "List Tags", "First Name", "Last Name", *["Product"] * 3],
            ["c02@example.org", "High", "segment High,autumn", "Ann Mary", "Lee", "p1", "p2", "p3"],
        ),
        (
            "hubspot",
            ["Email", "Segment", "List tags", "First Name", "Last Name", *["Product"] * 3],
            [
                "c02@example.org",
                "High",
                ";segment High;autumn",
                "Ann Mary",
                "Lee",
                "p1",
                "p2",
                "p3",
            ],
        ),
        (
            "drip",
            ["email", "segment", "list_tags", "first_name", "last_name", *["product"] * 3],
            ["c02@example.org", "High", "segment High,autumn", "Ann Mary", "Lee", "p1", "p2", "p3"],
        ),
    ],
)
def test_a_layout_is_written_as_its_tool_asks(shop, layout, header, row):
    plan = read_shop_plan(shop, layout=layout, tags=("autumn",), names="given_first")
    wanted = choose_lists(plan, segment="High")
    written = export_lists(plan, wanted, place=shop / "out.csv", moment=MOMENT)
    rows = read_rows(shop / "out.csv")
    assert [name.rstrip(" _123") for name in rows[0]] == header
    assert rows[1] == row
    counts = {name: count for name, count in written.lists[0].counts.items() if count}
    assert counts == {"in_segment": 10, "without_consent": 1, "without_address": 1, "exported": 8}
    assert rows[2][0] == "c03@example.org"
    assert rows[2][-3:] == ["", "", ""]


def test_all_lists_are_written_with_a_manifest_that_names_nobody(shop):
    code, said, told = call("export", "--all", "--layout", "json", "--json")
    assert code == 0, told
    assert json.loads(said)["ok"]
    manifest = json.loads((shop / "lists" / "manifest.json").read_text())
    files = {row["file"]: row for row in manifest["lists"]}
    assert set(files) == {
        "segment_high.json",
        "segment_low_x.json",
        "play_win_back.json",
        "play_cross_sell.json",
        "trigger_overdue.json",
    }
    for name, row in files.items():
        counts = dict(row["counts"])
        assert counts.pop("in_segment") == sum(counts.values())
        assert row["sha256"] == hash_bytes(shop / "lists" / name)
        listed = json.loads((shop / "lists" / name).read_text())
        assert len(listed) == counts["exported"]
        assert all(one["customer_id"] != "c00" for one in listed)
    text = re.sub(r'"sha256": "\w+"', "", (shop / "lists" / "manifest.json").read_text())
    assert "@example.org" not in text
    assert not any(f"c{i:02}" in text for i in range(COUNT))
    assert {"plan", "as_of", "exported_at", "layout", "documentation"} <= set(manifest)
    low = json.loads((shop / "lists" / "segment_low_x.json").read_text())
    assert low[0]["segment"] == "'=Low;'@x"


def test_a_customer_of_two_plays_is_only_in_the_first_unless_asked(shop):
    plan = read_shop_plan(shop)
    counts = {}
    for everywhere in (False, True):
        wanted = want_plays(plan, name="cross_sell", in_every_play=everywhere)
        written = export_lists(plan, wanted, place=shop / f"{everywhere}.csv", moment=MOMENT)
        counts[everywhere] = written.lists[0].counts
    assert (counts[False]["in_other_list"], counts[False]["exported"]) == (2, 2)
    assert (counts[True]["in_other_list"], counts[True]["exported"]) == (0, 4)
    header, row, *_ = read_rows(shop / "False.csv")
    told = dict(zip(header, row, strict=True))
    assert (told["play"], told["place"], told["expected_value"]) == ("cross_sell", "3", "12.5")
    assert told["reason"].startswith("no order for 120 days")


def test_who_is_held_out_is_recorded_for_the_campaign_and_stays_out(shop):
    plan = read_shop_plan(shop, campaign="autumn", held_out_share=0.4)
    wanted = choose_lists(plan)
    first = export_lists(plan, wanted, place=shop / "a", in_folder=True, moment=MOMENT)
    arms = read_arms(RunFolder(plan.run_folder)).set_index("customer_id")
    assert not arms.index.duplicated().any()
    assert set(arms["arm"]) == {"segmented", CONTROL}
    assert "c00" not in arms.index  # who may not be written to is in no arm
    held = set(arms.index[arms["arm"] == CONTROL])
    for one in first.lists:
        listed = {row[0] for row in read_rows(one.path)[1:]}
        assert not listed & held
        members = next(w.members for w in wanted if w.name == one.name and w.kind == one.kind)
        assert one.counts["held_out"] <= len(held & set(members["customer_id"]))
    later = MOMENT + datetime.timedelta(days=9)
    again = export_lists(plan, wanted[:2], place=shop / "b", in_folder=True, moment=later)
    assert [one.sha256 for one in again.lists] == [one.sha256 for one in first.lists[:2]]
    assert read_arms(RunFolder(plan.run_folder))["assigned_at"].nunique() == 1
    assert forget_customer(RunFolder(plan.run_folder), sorted(held)[0]) > 0
    assert sorted(held)[0] not in set(read_arms(RunFolder(plan.run_folder))["customer_id"])


def test_the_record_of_arms_can_be_read_beside_the_log_as_the_documentation_says(tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "lists.md").read_text(encoding="utf-8")
    query = re.search(r'query = """\n(.*?)"""', page, re.S)[1]
    write_lines(tmp_path)
    arms = pd.DataFrame({"customer_id": ["C1", "C2"], "arm": ["segmented", CONTROL]})
    arms = arms.assign(campaign_id="spring", list_name="High", kind="segment")
    record_arms(RunFolder(tmp_path / "runs" / "test"), arms, moment=datetime.datetime(2024, 12, 1))
    log = "customer_id,sent_at,campaign_id,opened,clicked\nC1,2024-12-01,spring,true,false\n"
    (tmp_path / "log.csv").write_text(log)
    files = {"log": "log.csv", "arms": "runs/test/lists/arms.parquet"}
    tables = {"order_lines": "lines.csv", "messages": {"query": query, "files": files}}
    plan = make_plan(tmp_path, tables)
    prepared = prepare_tables(plan, tmp_path / "runs" / "test")
    found = pd.read_parquet(prepared.paths["messages"]).set_index("customer_id")
    assert found["arm"].to_dict() == {"C1": "segmented", "C2": CONTROL}


def test_who_was_on_a_trigger_s_list_rests(shop):
    plan = read_shop_plan(shop)
    plan = plan.model_copy(update={"triggers": (Trigger(name="overdue", cooldown_days=10),)})
    found = []
    for days in (0, 0, 3, 11):
        moment = MOMENT + datetime.timedelta(days=days)
        wanted = want_triggers(plan, name="overdue", today=moment.date())
        written = export_lists(plan, wanted, place=shop / "t.csv", moment=moment)
        found.append((written.lists[0].counts["exported"], written.lists[0].counts["resting"]))
    assert found == [(4, 0), (4, 0), (0, 4), (4, 0)]
    assert len(read_placed(RunFolder(plan.run_folder))) == 4


def test_all_lists_are_put_in_place_or_none(shop, monkeypatch):
    plan = read_shop_plan(shop)
    wanted = choose_lists(plan)
    export_lists(plan, wanted, place=shop / "lists", in_folder=True, moment=MOMENT)
    before = {path.name: path.read_bytes() for path in (shop / "lists").iterdir()}
    plenty = iter(range(3))

    def fail_late(*arguments, **named):
        if next(plenty, None) is None:
            raise OSError(28, "No space left on device")
        return writing.write_list(*arguments, **named)

    monkeypatch.setattr(exporting, "write_list", fail_late)
    with pytest.raises(SegkitError, match="cannot be written"):
        export_lists(
            plan, wanted, place=shop / "lists", in_folder=True, layout="json", moment=MOMENT
        )
    assert {path.name: path.read_bytes() for path in (shop / "lists").iterdir()} == before


def test_a_file_that_lost_rows_is_not_put_in_place(shop, monkeypatch):
    plan = read_shop_plan(shop)

    def lose_one(path, fields, **named):
        writing.write_list(path, fields.iloc[1:], **named)

    monkeypatch.setattr(exporting, "write_list", lose_one)
    with pytest.raises(SegkitError, match="not as many rows"):
        export_lists(plan, choose_lists(plan, segment="High"), place=shop / "out.csv")
    assert not (shop / "out.csv").exists()


def test_the_list_of_a_segment_that_is_no_more_goes(shop):
    plan = read_shop_plan(shop)
    wanted = choose_lists(plan)
    first = export_lists(plan, wanted, place=shop / "lists", in_folder=True, moment=MOMENT)
    (shop / "lists" / "notes.txt").write_text("mine")
    export_lists(plan, wanted[:1], place=shop / "lists", in_folder=True, moment=MOMENT)
    left = {path.name for path in (shop / "lists").iterdir()}
    assert left == {"manifest.json", "notes.txt", first.lists[0].path.name}


def test_contacts_of_an_account_go_with_it_and_an_account_without_any_is_counted(shop):
    people = pd.read_csv(shop / "customers.csv", dtype=str).head(6)
    people["account_id"] = ["c00", "c01", "c01", "c02", "c02", "c02"]
    people["customer_id"] = [f"k{i}" for i in range(6)]
    people.to_csv(shop / "customers.csv", index=False)
    (shop / "never.csv").write_text("customer_id\nC02\n")
    plan = read_shop_plan(shop, suppression="never.csv").model_copy(update={"unit": "account"})
    wanted = choose_lists(plan, segment="High")
    counts = export_lists(plan, wanted, place=shop / "x.csv", moment=MOMENT).lists[0].counts
    assert {name: count for name, count in counts.items() if count} == {
        "in_segment": 13,  # six contacts, and seven accounts without any
        "without_consent": 1,
        "suppressed": 3,
        "without_address": 7,
        "exported": 2,
    }
    assert [row[0] for row in read_rows(shop / "x.csv")[1:]] == ["k1", "k2"]


def test_a_suppression_list_is_honoured_and_what_it_does_not_meet_is_told(shop):
    (shop / "never.csv").write_text("email\nC02@EXAMPLE.org\nstranger@example.org\n")
    with (shop / "plan.toml").open("a", encoding="utf-8") as plan:
        plan.write('\n[lists]\nsuppression = "never.csv"\n')
    code, said, told = call("export", "High", "--out", "high.csv")
    assert code == 0, told
    assert "c02" not in (shop / "high.csv").read_text()
    assert "Left out as they are on the suppression list: 1." in said
    assert "meet no customer: 1." in said
    code, _, told = call("export", "High", "--out", "never.csv")
    assert code == 1
    assert "would replace what is read" in told
    (shop / "never.csv").unlink()
    code, _, told = call("export", "High", "--out", "other.csv")
    assert code == 1
    assert "nothing is exported" in told
    assert not (shop / "other.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["High"], 2, "say where the list goes"),
        ([], 2, "say where|say which list"),
        (["plan.toml", "High", "--all"], 2, "give a plan alone"),
        (["--play", "win_bak", "--out", "x.csv"], 1, "Did you mean 'win_back'"),
        (["--play", "win_back", "--trigger", "overdue", "--out", "x.csv"], 2, "one list, or all"),
        (["--trigger", "overdu", "--out", "x.csv"], 1, "Did you mean 'overdue'"),
        (["High", "--layout", "mailchmp", "--out", "x.csv"], 1, "Did you mean 'mailchimp'"),
        (["--all", "--out", "runs/tiny"], 1, "segkit's own"),
    ],
)
def test_a_wrong_call_says_what_to_write(shop, arguments, code, said):
    found, _, told = call("export", *arguments)
    assert found == code
    assert re.search(said, told)
    assert not (shop / "x.csv").exists()


def test_a_layout_that_needs_addresses_is_refused_where_there_are_none(shop):
    people = pd.read_csv(shop / "customers.csv", dtype=str).drop(columns="email")
    people.to_csv(shop / "customers.csv", index=False)
    code, _, told = call("export", "High", "--layout", "klaviyo", "--out", "x.csv")
    assert code == 1
    assert "needs e-mail addresses" in told
    assert "[tables.customers.columns]" in told


def test_a_list_of_nobody_has_a_header_and_its_counts(shop):
    people = pd.read_csv(shop / "customers.csv", dtype=str).assign(consent="false")
    people.to_csv(shop / "customers.csv", index=False)
    code, said, told = call("export", "High", "--out", "x.csv")
    assert code == 0, told
    assert "0 of 10 customers exported" in said
    assert read_rows(shop / "x.csv")[1:] == []


def test_the_lists_of_a_whole_run_add_up_and_hold_only_who_consented(sample_shop, tmp_path):
    folder = shutil.copytree(sample_shop, tmp_path / "shop")
    check_lists(folder, folder / "runs" / "sample_shop")


def check_lists(folder: Path, run: Path) -> None:
    """Write every list of a run for a mail tool, and hold them against the customers' file."""
    plan = read_plan(folder / "plan.toml")
    settings = Lists(layout="mailchimp", campaign="autumn", held_out_share=0.2)
    plan = plan.model_copy(update={"lists": settings})
    wanted = choose_lists(plan)
    written = export_lists(plan, wanted, place=folder / "lists", in_folder=True, moment=MOMENT)
    people = pd.read_csv(folder / "data" / "sample" / "customers.csv", dtype=str)
    mails = people["email"].fillna("").str.strip().str.lower()
    said_yes = people["consent"].str.lower() == "true"
    willing = set(mails[said_yes]) - set(mails[~said_yes & people["consent"].notna()])
    placed = pd.read_parquet(run / "05_analysis" / "tables" / "placements.parquet")
    members = sum(one.counts["in_segment"] for one in written.lists if one.kind == "segment")
    assert members == len(placed)
    for one in written.lists:
        counts = dict(one.counts)
        assert counts.pop("in_segment") == sum(counts.values())
        listed = [row[0] for row in read_rows(one.path)[1:]]
        assert len(listed) == len(set(listed)) == counts["exported"]
        assert set(listed) <= willing
    segments = [one.counts for one in written.lists if one.kind == "segment"]
    held = sum(counts["held_out"] for counts in segments)
    free = held + sum(counts["exported"] for counts in segments)
    assert abs(held / free - 0.2) < 4 * (0.16 / free) ** 0.5
