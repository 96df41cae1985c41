"""Where each member of a list goes: one place each, the first that holds, and they add up."""

from __future__ import annotations

import hashlib

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from segkit.action.lists.addresses import normalise_entry, tidy_address
from segkit.action.lists.control import draw_lots, hold_out
from segkit.action.lists.layouts import FIELDS, FOLDER, Layout, list_layouts, read_layout
from segkit.action.lists.sorting import EXPORTED, HELD_OUT, Rules, read_register, sort_members
from segkit.action.lists.suppression import Suppression, find_suppressed, read_suppression
from segkit.action.lists.writing import name_file
from segkit.core.errors import SegkitError
from segkit.plan.campaigns import CONTROL
from segkit.plan.lists import Lists

# One customer for each place, by hand.
PEOPLE = pd.DataFrame(
    {
        "customer_id": ["yes", "no", "unasked", "blocked", "nowhere", "twin", "relative", "split"],
        "consent": pd.array([True, False, None, True, True, True, True, True], dtype="boolean"),
        "email": [
            "ann@example.org",
            "no@example.org",
            "u@example.org",
            "Blocked@Example.org ",
            "not an address",
            " ANN@example.org",
            "no@example.org",
            "split@example.org",
        ],
    }
)
# Two rows of one customer that disagree: that is a no.
PEOPLE = pd.concat([PEOPLE, PEOPLE.tail(1).assign(consent=False)], ignore_index=True)
MEMBERS = pd.DataFrame({"customer_id": [*PEOPLE["customer_id"].unique(), "stranger"]})


def sort(members=MEMBERS, people=PEOPLE, **rules) -> dict[str, str]:
    register = read_register(people, consent_column=rules.pop("consent_column", "consent"))
    told = sort_members(members, register, by=Rules(**rules))
    return dict(zip(told.members["customer_id"], told.members["state"], strict=True))


def test_each_member_has_the_first_place_that_holds():
    suppression = Suppression(frozenset({"blocked@example.org"}))
    assert sort(needs_address=True, suppression=suppression) == {
        "blocked": "suppressed",
        "no": "without_consent",
        "nowhere": "without_address",
        "relative": "shared_address",  # another customer of this address said no
        "split": "without_consent",
        "stranger": "unknown_consent",
        "twin": EXPORTED,
        "unasked": "unknown_consent",
        "yes": "shared_address",  # one message for an address, to the first of them
    }


def test_where_no_address_is_needed_none_is_asked_for_but_a_no_to_an_address_holds():
    found = sort()
    assert found["nowhere"] == found["yes"] == found["twin"] == EXPORTED
    assert found["relative"] == "shared_address"


def test_a_customer_of_an_earlier_play_or_on_the_list_lately_is_left_out():
    members = pd.DataFrame(
        {
            "customer_id": ["yes", "blocked", "twin"],
            "is_first": [False, True, True],
            "is_resting": [True, True, False],
        }
    )
    expected = {"yes": "in_other_list", "blocked": "resting", "twin": EXPORTED}
    assert sort(members) == expected


ANSWERS = st.sampled_from([True, False, None])
ADDRESSES = st.sampled_from(["a@x.org", "b@x.org", " A@X.org", "=cmd@x.org", "", None, "nothing"])
ROWS = st.lists(st.tuples(st.sampled_from("abcdefgh"), ANSWERS, ADDRESSES), max_size=14)


@given(
    rows=ROWS,
    members=st.lists(st.sampled_from("abcdefghxyz"), max_size=14),
    blocked=st.sets(st.sampled_from(["a", "B ", "b@x.org"])),
    share=st.sampled_from([0.0, 0.5]),
    needs_address=st.booleans(),
)
@settings(deadline=None, max_examples=35)
def test_whoever_is_on_a_list_said_yes_and_the_counts_add_up(
    rows, members, blocked, share, needs_address
):
    people = pd.DataFrame(rows, columns=["customer_id", "consent", "email"])
    people["consent"] = people["consent"].astype("boolean")
    lists = Lists(held_out_share=share, campaign="spring")
    entries = frozenset(map(normalise_entry, blocked))
    rules = Rules(settings=lists, suppression=Suppression(entries), needs_address=needs_address)
    register = read_register(people, consent_column="consent")
    told = sort_members(pd.DataFrame({"customer_id": members}, dtype=object), register, by=rules)
    counts = told.count_states()
    assert counts.pop("in_segment") == sum(counts.values()) == len(set(members))
    said = {each: [row[1] for row in rows if row[0] == each] for each in set(members)}
    refused = {normalise_entry(m) for each, a, m in rows if False in said.get(each, [a])} - {""}
    sent = told.members[told.members["state"].isin([EXPORTED, HELD_OUT])]
    for row in sent.itertuples():
        assert said[row.customer_id]
        assert all(answer is True for answer in said[row.customer_id])
        assert row.customer_id not in entries
        assert row.email not in entries
        assert row.email not in refused & set(register.addresses)
        assert row.email or not needs_address
    if needs_address:
        assert not sent["email"].duplicated().any()


@pytest.mark.parametrize(
    ("text", "tidy"),
    [
        (" Ann@Example.ORG\u200b", "ann@example.org"),
        ("ann b@example.org", ""),
        ("ann\u200bb@example.org", ""),
        ("=cmd@example.org", ""),
        ("+1@example.org", ""),
        ("a@b", ""),
        ("a@b@c.org", ""),
        ("a;b@example.org", ""),
        ("é@münchen.example", "é@münchen.example"),
        (None, ""),
        (float("nan"), ""),
        ("x" * 250 + "@example.org", ""),
    ],
)
def test_an_address_that_cannot_be_sent_to_is_none(text, tidy):
    assert tidy_address(text) == tidy


def test_a_suppression_list_is_read_generously(tmp_path):
    hashed = hashlib.sha256(b"h@example.org").hexdigest()
    text = f"\ufeffE-mail,note,customer_id\n Ann@Example.org,x,\n{hashed.upper()},,\n,7,00123\n"
    (tmp_path / "no.csv").write_text(text, encoding="utf-8")
    found = read_suppression(tmp_path / "no.csv")
    ids = ["123", "7", "a", "h", "0123.0"]
    mails = ["", "", "ann@example.org", "h@example.org", ""]
    told = find_suppressed(found, ids, mails)
    assert told.is_suppressed.tolist() == [True, False, True, True, True]
    assert told.unmatched_count == 0
    assert find_suppressed(found, ["a"], [""]).unmatched_count == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        ("surname,town\nLee,Rome\n", "which column"),
        (b"email\n\xff\n", "cannot be read"),
        (None, "cannot be read"),
    ],
)
def test_a_suppression_list_that_protects_nobody_stops_the_export(tmp_path, text, said):
    path = tmp_path / "no.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SegkitError, match=said):
        read_suppression(path)


def test_a_suppression_list_of_one_column_needs_no_header(tmp_path):
    (tmp_path / "no.csv").write_text("c1\nann@example.org\n")
    assert read_suppression(tmp_path / "no.csv").entry_count == 2


# ---------------------------------------------------------------- control groups


def make_members(count: int) -> pd.DataFrame:
    ids = [f"c{i}" for i in range(count)]
    return pd.DataFrame({"customer_id": ids, "unit_id": ids})


def test_lots_are_even_and_the_same_again_but_not_for_another_campaign():
    ids = [f"c{i}" for i in range(4000)]
    one = draw_lots(ids, campaign="spring", random_state=7)
    assert (one == draw_lots(ids, campaign="spring", random_state=7)).all()
    other = draw_lots(ids, campaign="autumn", random_state=7)
    again = draw_lots(ids, campaign="spring", random_state=8)
    for lots in (one, other, again):
        assert abs((lots < 0.2).mean() - 0.2) < 0.025  # four standard errors
    both = ((one < 0.2) & (other < 0.2)).mean()
    assert abs(both - 0.04) < 0.0125


def test_who_is_held_out_does_not_depend_on_who_else_is_on_the_list():
    lists = Lists(held_out_share=0.3, campaign="spring")
    members = make_members(200)
    every = hold_out(members, lists, random_state=7)
    few = hold_out(members.sample(50, random_state=1), lists, random_state=7)
    assert (every[few.index] == few).all()


def test_a_number_is_held_out_and_stays_held_out_when_others_come_and_go():
    lists = Lists(held_out_count=20, campaign="spring")
    members = make_members(200)
    held = hold_out(members, lists, random_state=7)
    assert held.sum() == 20
    arms = members.assign(campaign_id="spring", arm=held.map({True: CONTROL, False: "segmented"}))
    more = make_members(260).tail(160)
    again = hold_out(more, lists, random_state=7, arms=arms)
    known = more.index.intersection(members.index)
    assert (again[known] == held[known]).all()
    assert again.sum() == 20


def test_who_was_sent_to_is_not_held_out_when_the_share_grows():
    members = make_members(300)
    lists = Lists(held_out_share=0.1, campaign="spring")
    held = hold_out(members, lists, random_state=7)
    arms = members.assign(campaign_id="spring", arm=held.map({True: CONTROL, False: "segmented"}))
    larger = Lists(held_out_share=0.5, campaign="spring")
    assert (hold_out(members, larger, random_state=7, arms=arms) == held).all()
    other = Lists(held_out_share=0.5, campaign="autumn")
    assert hold_out(members, other, random_state=7, arms=arms).sum() > 100


def test_contacts_of_an_account_share_its_lot():
    members = make_members(300)
    members["unit_id"] = [f"firm {i // 3}" for i in range(300)]
    held = hold_out(members, Lists(held_out_share=0.4, campaign="spring"), random_state=7)
    assert set(held.groupby(members["unit_id"]).nunique()) == {1}
    arms = members.head(1).assign(campaign_id="spring", arm=CONTROL)
    firm = hold_out(
        members.head(3), Lists(held_out_share=0.1, campaign="spring"), random_state=3, arms=arms
    )
    assert firm.tolist() == [True, True, True]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"held_out_share": 0.1}, "campaign"),
        ({"held_out_share": 0.1, "held_out_count": 5, "campaign": "x"}, "not both"),
        ({"held_out_share": 1.0, "campaign": "x"}, "less than 1"),
        ({"arm": "control"}, "nothing is sent to"),
    ],
)
def test_a_control_group_that_cannot_be_is_refused(settings, said):
    with pytest.raises(ValidationError, match=said):
        Lists(**settings)


# ---------------------------------------------------------------- layouts


@pytest.mark.parametrize("name", list_layouts())
def test_a_layout_names_its_documentation_and_the_day_it_was_read(name):
    layout = read_layout(name)
    assert layout.documentation.startswith("https://")
    assert layout.read_on.isoformat() == "2026-12-01"
    if name not in ("generic", "json"):
        assert layout.needs == ("email",)
        assert next(iter(layout.columns.values())) == "email"
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    assert Layout.model_validate(__import__("tomllib").loads(text)) == layout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title = ", "cannot be read"),
        ('title = "x"\n', "documentation"),
        ('[columns]\na = "emial"\n', "Did you mean 'email'"),
        ('needs = ["email"]\n[columns]\na = "segment"\n', "none of the columns"),
        ('[columns]\na = "email"\nA = "segment"\n', "twice"),
    ],
)
def test_a_layout_of_ones_own_with_a_fault_is_refused(tmp_path, text, said):
    head = 'title = "Own"\ndocumentation = "https://example.org"\nread_on = 2026-12-01\n'
    is_whole = text.startswith("title")
    (tmp_path / "own.toml").write_text(text if is_whole else head + text)
    with pytest.raises(SegkitError, match=said):
        read_layout(str(tmp_path / "own.toml"))


def test_a_layout_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(SegkitError, match="Did you mean 'mailchimp'"):
        read_layout("mailchmp")


def test_the_documentation_has_every_field():
    page = (FOLDER.parents[2] / "docs" / "lists.md").read_text(encoding="utf-8")
    for field in FIELDS:
        assert f"`{field}`" in page


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "é", "CON", "a" * 500, "x\n;=1", "日本"])
def test_a_file_s_name_leads_nowhere_else(name):
    layout = read_layout("generic")
    found = name_file("segment", name, layout=layout)
    assert found.startswith("segment_")
    assert found.endswith(".csv")
    assert set(found) <= set("abcdefghijklmnopqrstuvwxyz0123456789_.")
    assert len(found) < 100
    assert name_file("segment", name, layout=layout, taken=[found]) != found
