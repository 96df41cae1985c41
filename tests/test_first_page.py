"""What the first page says is decided in Python, from what the facts hold."""

from __future__ import annotations

from segkit.core.findings import ABSENCE, Figure, Finding
from segkit.report.shared.first_page import (
    collect_findings,
    lay_out_first_page,
    list_cards,
    list_findings,
    list_goals,
    list_provenance,
    list_told,
    read_text,
    summarise_quality,
    tabulate_segments,
    write_verdict,
)
from segkit.report.shared.numbers import THIN_SPACE

FINDING = Finding("sizes.x", "Five.", (Figure("customer_count", 5, "count"),), count=5).to_record()


def test_a_finding_is_read_from_its_record_or_its_sentence():
    assert read_text(FINDING) == "Five."
    assert read_text("Six.") == "Six."
    assert read_text(None) == ""


def test_of_a_first_run_no_change_is_told():
    first = Finding(ABSENCE, "This is the first run.").to_record()
    page = lay_out_first_page({}, {"05_analysis": {"changes": [first], "unknown": [FINDING]}}, {})
    assert (page["changes"], page["unknown"]) == ([], ["Five."])
    assert list_told([FINDING, "Six."]) == ["Five.", "Six."]


def test_cards_of_more_than_sixteen_characters_are_written_smaller():
    facts = {"01_plan": {"headline": {"a": "x" * 16, "b": "x" * 17, "c": "x" * 25}}}
    assert list_cards(facts) == [
        {"label": "a", "text": "x" * 16, "style": ""},
        {"label": "b", "text": "x" * 17, "style": "long"},
    ]


def test_the_last_steps_cards_come_first_and_findings_are_their_sentences():
    facts = {"01_plan": {"headline": {"a": "1"}}, "05_analysis": {"headline": {"b": FINDING}}}
    assert [card["text"] for card in list_cards(facts)] == ["Five.", "1"]


def test_segments_have_bars_where_shares_are_known_and_dashes_where_they_are_hidden():
    rows = [
        {"segment_name": "A", "customer_count": 60, "customer_share": 0.6, "spend_share": 0.5},
        {"segment_name": "B", "customer_count": None, "customer_share": None, "spend_share": None},
    ]
    both = tabulate_segments(rows, currency="EUR")
    assert both.count("--size:") == 4
    assert both.count("–") == 3
    without_spend = [{name: row[name] for name in list(row)[:3]} for row in rows]
    assert tabulate_segments(without_spend, currency="").count("--size:") == 2
    assert tabulate_segments(None, currency="") == ""


def test_a_goal_that_is_missed_is_not_yet_met():
    kpis = [{"text": "Keep", "measure": "Repeat", "value_text": "71.2%", "met": "no"}]
    assert list_goals(kpis, None) == [
        {
            "text": "Keep",
            "measure": "Repeat",
            "value": "71.2%",
            "target": "–",
            "met": "not yet",
            "style": "missed",
        }
    ]
    kpis[0]["met"] = "yes"
    assert list_goals(kpis, None)[0]["style"] == "met"
    kpis[0]["met"] = "no target"
    assert (list_goals(kpis, None)[0]["met"], list_goals(kpis, None)[0]["style"]) == (
        "no target",
        "",
    )


def test_goals_without_kpis_are_the_plan_s():
    goals = [{"text": "Keep", "kpi": "repeat_share", "target": 0.75}]
    shown = list_goals([], goals)[0]
    assert (shown["measure"], shown["value"], shown["target"], shown["met"]) == (
        "Share of buyers with two orders or more",
        "–",
        "0.75",
        "–",
    )


def test_at_most_four_findings_of_each_step_are_shown_with_its_page():
    facts = {"01_plan": {"findings": [FINDING, "b", "c", "d", "e"]}, "05_analysis": {}}
    first, last = list_findings(facts)
    assert first == {"step": "Plan", "href": "01_plan.html", "texts": ["Five.", "b", "c", "d"]}
    assert last["texts"] == []


def test_the_verdict_s_reasons_are_read_from_findings():
    verdict = {"answer": "no", "text": FINDING, "reasons": [FINDING, "b"]}
    assert write_verdict({"verdict": verdict}) == {
        "answer": "no",
        "style": "no",
        "warnings": [],
        "text": "Five.",
        "reasons": ["Five.", "b"],
    }
    assert write_verdict({}) is None


def test_a_yes_is_not_plain_while_a_warning_of_the_check_is_open():
    warnings = [{"name": f"order_lines.rule_{n}", "reason": "Look."} for n in range(4)]
    verdict = {"answer": "yes", "text": "Use it.", "open_warnings": warnings[:1]}
    one = write_verdict({"verdict": verdict})
    assert one["answer"] == "yes, but 1 warning of the check is open"
    assert one["style"] == "doubtful"
    assert one["warnings"] == ["order_lines.rule_0: Look."]
    many = write_verdict({"verdict": verdict | {"open_warnings": warnings}})
    assert many["answer"] == "yes, but 4 warnings of the check are open"
    assert len(many["warnings"]) == 3
    refused = write_verdict({"verdict": verdict | {"answer": "no"}})
    assert (refused["answer"], refused["style"]) == ("no", "no")


def test_a_yes_is_not_plain_where_something_speaks_against_it():
    doubts = ["the segments foresaw nothing of later time"]
    final = {"verdict": {"answer": "yes", "text": "Use it.", "doubts": doubts}}
    final["usefulness"] = {"answer": "nothing", "text": "Chance.", "doubt": FINDING}
    told = write_verdict(final)
    assert told["answer"] == "yes, but the segments foresaw nothing of later time"
    assert (told["style"], told["warnings"]) == ("doubtful", ["Five."])
    final["verdict"]["open_warnings"] = [{"name": "a.b", "reason": "Look."}]
    told = write_verdict(final)
    both = "the segments foresaw nothing of later time and 1 warning of the check is open"
    assert told["answer"] == f"yes, but {both}"
    assert told["warnings"] == ["Five.", "a.b: Look."]
    final["verdict"] = {"answer": "no", "text": "Do not.", "doubts": doubts}
    told = write_verdict(final)
    assert (told["answer"], told["style"], told["warnings"]) == ("no", "no", [])


def test_rows_are_added_up_over_tables_and_nothing_read_has_no_share():
    counts = {
        "orders": {"read": 1500, "accepted": 1200, "rejected": 300},
        "tickets": {"read": 0, "accepted": 0, "rejected": 0},
    }
    found = summarise_quality(counts)
    assert found["read"] == f"1{THIN_SPACE}500 rows"
    assert found["accepted"] == f"1{THIN_SPACE}200"
    assert (found["rejected"], found["rejected_share"]) == ("300", "20.0%")
    assert summarise_quality({"tickets": counts["tickets"]})["rejected_share"] == ""
    assert summarise_quality({}) is None


def test_provenance_needs_a_run():
    record = {"run_id": "20260701T040000Z-ab12cd", "segkit_version": "0.1.0", "random_state": 7}
    assert list_provenance({"as_of": "2026-06-30"}, record) == [
        ("Made with", "segkit 0.1.0"),
        ("Last day counted", "2026-06-30"),
        ("Seed", "7"),
        ("Published", "2026-07-01 04:00 UTC"),
        ("Run", "20260701T040000Z-ab12cd"),
    ]
    assert list_provenance({}, {}) == []
    taken = record | {"as_of": "2026-06-28", "as_of_from": "order_lines"}
    assert dict(list_provenance({"as_of": None}, taken))["Last day counted"] == (
        "2026-06-28, taken from the data: the last day in order_lines"
    )


def test_findings_are_collected_with_their_figures():
    facts = {
        "01_plan": {"findings": ["One."], "headline": {"a": FINDING}},
        "05_analysis": {"findings": [FINDING]},
    }
    collected = collect_findings(facts)
    assert collected["01_plan"] == [{"kind": "text", "text": "One."}, FINDING]
    assert collected["05_analysis"][0]["figures"][0]["value"] == 5


def test_a_page_needs_neither_plan_nor_facts():
    page = lay_out_first_page({}, {}, {})
    assert page["title"] == "Customer segmentation"
    assert not any(page[part] for part in ("verdict", "cards", "segments", "goals", "findings"))
