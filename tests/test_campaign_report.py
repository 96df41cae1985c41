"""What the report says of campaigns: from published tables, in words that fit the arms."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from published import publish, read_texts
from test_campaigns import (
    AT,
    NO_SEGMENTS,
    PLAN,
    make_lines,
    make_messages,
    make_opposed,
    make_segments,
)

from segkit.core.privacy import Published
from segkit.evidence.campaigns.assigned import NO_MESSAGES
from segkit.evidence.campaigns.measured import measure_campaigns
from segkit.plan.campaigns import OUTCOMES, Campaigns
from segkit.report.campaign_findings import state_campaigns, state_checks, state_policies
from segkit.report.campaigns import (
    OUTCOME_WORDS,
    Tables,
    lay_out_checks,
    lay_out_effects,
    lay_out_policies,
    list_tables,
    name_tables,
)
from segkit.report.shared.finding_rules.said import Said
from segkit.report.shared.finding_rules.sentences import RULES

FIRST = ("somebody", "2026-01-01", 1.0, "sale")  # orders are known from before the campaign
CAUSAL = re.compile(r"\b(?:because|due to|leads? to|effects? of|caused?)\b", re.I)


def measure(messages, segments=NO_SEGMENTS, *, plan=PLAN, **others) -> Tables:
    import ibis

    tables = {"messages": messages, **others}
    tables = {name: ibis.memtable(frame) for name, frame in tables.items()}
    measured = measure_campaigns(tables, segments, plan=plan, at=AT)
    return name_tables([publish(table, view) for table, view in list_tables(measured)])


def read_all(tables: Tables, plan: Campaigns = PLAN) -> list[str]:
    findings = [*state_checks(tables), *state_campaigns(tables, plan=plan), *state_policies(tables)]
    for finding in findings:
        for name, check in RULES.items():
            assert not check(finding, Said({})), f"{name}: {finding.text}"
    return read_texts(findings)


@pytest.fixture(scope="module")
def helped() -> Tables:
    """A campaign that helps one segment and harms another."""
    messages, segments = make_opposed()
    spent = [FIRST, *((f"c{n}", "2026-05-02", 20.0 + n % 7, "sale") for n in range(0, 400, 2))]
    return measure(messages, segments, order_lines=make_lines(*spent))


def test_a_difference_is_told_with_its_interval_and_counts(helped):
    texts = read_all(helped)
    first = next(text for text in texts if text.startswith("Bought"))
    assert "25.0% of those assigned to new, 25.0% of those assigned to control, 0.0 points" in first
    assert "n = 800 and 800" in first
    assert "No difference was shown; one of +" in first
    assert "no effect" not in " ".join(texts)


def test_levels_and_differences_are_kept_apart(helped):
    texts = read_all(helped)
    told = [text for text in texts if "segments differ not only in level" in text]
    assert len(told) >= 1
    assert "made after the messages" in " ".join(texts)


def test_policies_are_told_with_what_they_are_compared_with(helped):
    texts = read_all(helped)
    told = [text for text in texts if "nothing to anybody" in text and text.startswith("Bought")]
    assert len(told) == 1
    assert "+10.0 points more than nothing to anybody" in told[0]
    assert any("(Qini)" in text for text in texts)


def test_chosen_arms_are_called_that_in_each_sentence_and_no_word_is_causal():
    messages, segments = make_opposed()
    messages.loc[messages["arm"] == "new", "converted"] = True
    for assigned, words in (("chosen", "were chosen, not drawn"), ("not stated", "is not stated")):
        plan = Campaigns(arms={"new": [], "control": []}, assigned=assigned)
        tables = measure(messages, segments, plan=plan)
        told = read_texts(state_campaigns(tables, plan=plan))
        assert all(words in text for text in told[:-1]), told
        assert not CAUSAL.search(" ".join([*told, *read_texts(state_policies(tables))]))
        assert tables.policies.empty
        assert "cannot be told" in read_texts(state_policies(tables))[-1]


def test_a_control_group_is_proposed_or_said_to_be_impossible():
    plan = Campaigns(arms={"new": [], "control": []}, assigned="random", smallest_effect=0.2)
    messages = make_messages(("new", 400, 80), ("control", 400, 80))
    told = " ".join(read_all(measure(messages, plan=plan), plan))
    assert "To see a difference of +20.0 points" in told
    small = plan.model_copy(update={"smallest_effect": 0.001})
    told = " ".join(read_all(measure(messages, plan=small), small))
    assert "too small for campaigns of this size" in told


def test_sizes_that_were_not_planned_are_said_not_to_be_relied_on():
    plan = Campaigns(
        arms={"new": [], "control": []}, assigned="random", shares={"new": 0.5, "control": 0.5}
    )
    messages = make_messages(("new", 700, 80), ("control", 500, 80))
    told = read_all(measure(messages, plan=plan), plan)
    assert any("not as large as planned" in text for text in told)
    fair = make_messages(("new", 600, 80), ("control", 590, 80))
    told = read_all(measure(fair, plan=plan), plan)
    assert any("as large as planned, as far as chance explains" in text for text in told)


def test_a_segment_with_few_in_one_arm_is_hidden_and_another_with_it():
    parts = []
    names = {}
    for number, (name, sizes) in enumerate({"X": (60, 60), "Y": (60, 40), "Z": (60, 3)}.items()):
        part = make_messages(("new", sizes[0], 9), ("control", sizes[1], 2), first=1000 * number)
        names |= dict.fromkeys(part["customer_id"], name)
        parts.append(part)
    tables = measure(pd.concat(parts), make_segments(names))
    shown = tables.segments.frame.set_index("segment_name")["difference"]
    assert pd.isna(shown["Z"])
    assert pd.isna(shown["Y"]), "all less the others would tell Z"
    assert pd.notna(shown["X"])


def test_spend_that_one_customer_makes_is_hidden():
    messages = make_messages(("new", 60, 9), ("control", 60, 2))
    lines = [FIRST, ("c0", "2026-05-02", 90_000.0, "sale")]
    lines += [(f"c{n}", "2026-05-02", 10.0, "sale") for n in range(1, 120)]
    tables = measure(messages, order_lines=make_lines(*lines))
    row = tables.amounts.frame.iloc[0]
    assert pd.isna(row["treated_value"])
    assert not any(str(name).endswith(("_largest", "_second", "_sum")) for name in row.index)
    assert "90" not in " ".join(read_all(tables))


def test_text_from_data_that_is_html_is_text():
    hostile = "<script>alert(1)</script>"
    plan = Campaigns(arms={hostile: [], "control": []}, assigned="random")
    messages = make_messages((hostile, 60, 9), ("control", 60, 2), campaign=hostile)
    names = {one: hostile if n % 2 else "other" for n, one in enumerate(messages["customer_id"])}
    tables = measure(messages, make_segments(names), plan=plan)
    assert any(hostile in text for text in read_all(tables, plan))
    assert lay_out_effects(tables)


def test_without_campaigns_one_line_is_all_that_is_shown():
    measured = measure_campaigns({}, NO_SEGMENTS, plan=PLAN, at=AT)
    tables = name_tables([publish(table, view) for table, view in list_tables(measured)])
    assert read_all(tables) == [NO_MESSAGES]
    for lay_out in (lay_out_checks, lay_out_effects, lay_out_policies):
        assert lay_out(tables) == []


def test_every_outcome_has_words_and_every_table_a_place(helped):
    assert set(OUTCOME_WORDS) == set(OUTCOMES)
    shown = [*lay_out_checks(helped), *lay_out_effects(helped), *lay_out_policies(helped)]
    tables = [one.thing.shape.name for one in shown if isinstance(one.thing, Published)]
    assert len(tables) == len(set(tables))
    assert {"campaign_arms", "campaign_effects", "campaign_policies"} <= set(tables)


def test_spend_as_the_primary_outcome_is_told_in_money():
    plan = Campaigns(
        arms={"new": [], "control": []},
        assigned="random",
        primary="spend",
        smallest_effect=5.0,
        window_days=10,
    )
    messages = make_messages(("new", 100, 9), ("control", 100, 2))
    names = {one: "XY"[n % 2] for n, one in enumerate(messages["customer_id"])}
    lines = [FIRST, *((f"c{n}", "2026-05-02", 10.0 + n % 9, "sale") for n in range(0, 200, 2))]
    tables = measure(messages, make_segments(names), plan=plan, order_lines=make_lines(*lines))
    told = read_all(tables, plan)
    assert any(text.startswith("Net spend in the window, ") and "EUR" in text for text in told)
    assert tables.curve.view.find_kind("gain") == "money"
    assert len(lay_out_policies(tables)) >= 3
