"""Every sentence of a report keeps to rules: each rule with a sentence that breaks it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator

import pandas as pd
import pytest

from segkit.core.errors import SegkitError
from segkit.core.findings import Cell, Condition, Figure, Finding
from segkit.report.shared.finding_rules import Chart, Said, find_faults
from segkit.report.shared.finding_rules.extremes import EXTREMES
from segkit.report.shared.sentences import SENTENCES, find_sentence

STEP = "04_experience_data"
PERIOD = "the last 365 days to 2026-06-30"
RETURNS = pd.DataFrame(
    {
        "segment_name": ["A", "B", "C"],
        "customer_count": [50, 30, 20],
        "return_share": [0.01, 0.334, None],
    }
)


def of_segment(name: str, column: str = "return_share", table: str = f"{STEP}/spend") -> Cell:
    return Cell(table, column, (Condition("segment_name", "==", name),))


def share(name: str, value: float | None, segment: str, **more: object) -> Figure:
    given = {"kind": "share", "period": PERIOD, "cell": of_segment(segment), **more}
    return Figure(name, value, **given)


def state_ends(text: str, top: Figure, least: Figure, count: int | None = 80) -> Finding:
    return Finding("by_segment.measures.ends", text, (top, least), count=count)


def find_rules(*findings: Finding, **more: object) -> list[str]:
    return [fault.rule for fault in find_faults(Said({STEP: findings}, **more))]


def read_returns(name: str) -> pd.DataFrame:
    if name != f"{STEP}/spend":
        raise SegkitError("no such table", found=name)
    return RETURNS


@pytest.mark.parametrize(
    "text", ["Of those up to inf, 99.4%.", "It is nan.", "−0.0% of spend.", "With -0 orders."]
)
def test_what_is_no_number_is_found(text):
    assert find_rules(Finding("absence", text)) == ["not a number"]


@pytest.mark.parametrize(
    "text",
    ["−0.05 points since 2026-06-30.", "Aged 0-10, in Nancy, for information.", "−0.1 to 0.0."],
)
def test_numbers_dates_and_words_are_left_alone(text):
    assert find_rules(Finding("absence", text)) == []


def test_a_figure_that_is_infinite_or_told_without_a_value_is_found():
    infinite = Figure("gini", float("inf"), cell=Cell("t", "gini"))
    assert find_rules(Finding("absence", "So it is.", (infinite,))) == ["not a number"]
    missing = Figure("gini", None, cell=Cell("t", "gini"))
    finding = Finding("customer_base.concentration.gini", "The Gini coefficient is –.", (missing,))
    assert find_rules(finding) == ["not a number"]


def test_a_chart_says_numbers_and_words_too():
    charts = [Chart(STEP, "Bars of 2 levels. age_band up to inf: 12.0%.")]
    faults = find_faults(Said({}, charts, labels={"age_band": "age"}))
    assert [(fault.rule, fault.found) for fault in faults] == [
        ("not a number", "inf"),
        ("raw name", "age_band"),
    ]


def test_ends_that_are_written_alike_are_found():
    top = share("top", 0.1001, "A", carried=False)
    least = share("least", 0.0999, "B", carried=False)
    assert find_rules(state_ends("Highest 10.0%, lowest 10.0%.", top, least)) == ["equal ends"]


def test_the_same_group_at_both_ends_is_found():
    top = share("top", 0.2, "A", carried=False)
    least = share("least", 0.1, "A", carried=False)
    found = find_faults(Said({STEP: [state_ends("Highest 20.0%, lowest 10.0%.", top, least)]}))
    assert any(fault.found == "top and least are of the same group" for fault in found)


def test_money_without_a_period_is_found():
    cell = Cell("03_base_analysis/customers", "mean_spend")
    finding = Finding(
        "customer_base.customers.spend",
        "The mean is 12.00 net of returns.",
        (Figure("mean_spend", 12.0, kind="money", cell=cell),),
        count=9,
    )
    assert find_rules(finding) == ["no period"]


def test_an_amount_says_whether_it_is_net_where_some_was_sent_back():
    cell = Cell("03_base_analysis/customers", "mean_spend")
    figure = Figure("mean_spend", 12.0, kind="money", period=PERIOD, cell=cell)
    silent = Finding("customer_base.customers.spend", "The mean is 12.00.", (figure,), count=9)
    said = Finding("customer_base.customers.spend", "The net mean is 12.00.", (figure,), count=9)
    assert find_rules(silent, net_and_gross=True) == ["no period"]
    assert find_rules(said, net_and_gross=True) == []
    assert find_rules(silent, net_and_gross=False) == []


@pytest.mark.parametrize(
    "text",
    [
        "Known is has_pets.",
        "Those whose order count is high.",
        "Has pets is True.",
        "Low wine use.",
    ],
)
def test_a_columns_name_is_no_prose(text):
    where = (Condition("feature", "==", "wine_use"),)
    figure = Figure("mean", 2.0, cell=Cell("05_analysis/profile", "mean", where))
    finding = Finding("absence", text, (figure,), count=5)
    assert "raw name" in find_rules(finding, labels={"order_count": "orders"})


def test_part_of_a_label_is_prose_and_part_of_another_name_is_not():
    labels = {"branded_clothing": "liking for branded clothing", "order_count": "orders"}
    name = "More liking for shopping centres, branded clothing"
    assert find_rules(Finding("text", f"{name} is stable.", count=5), labels=labels) == []
    raw = Finding("text", "More liking for shopping, a low order count.", count=5)
    assert find_rules(raw, labels=labels) == ["raw name"]


@pytest.mark.parametrize(
    "text",
    [
        "Those with more orders.",
        "Gross mean order value.",
        "Higher “wine use”.",
        "Most came by brand_2026.",
        'answer_style = "removed" takes that out.',
    ],
)
def test_labels_quoted_names_and_values_of_the_data_are_prose(text):
    where = (Condition("feature", "==", "wine_use"), Condition("level", "==", "brand_2026"))
    figure = Figure("mean", 2.0, cell=Cell("05_analysis/profile", "mean", where))
    labels = {"order_count": "orders", "mean_order_value": "gross mean order value"}
    assert find_rules(Finding("absence", text, (figure,), count=5), labels=labels) == []


def test_a_mean_comes_with_its_count():
    figure = Figure("mean_answer", 4.1, cell=Cell("04_experience_data/responses", "mean"))
    assert find_rules(Finding("absence", "The mean is 4.10.", (figure,))) == ["mean without count"]
    assert find_rules(Finding("absence", "The mean is 4.10.", (figure,), count=30)) == []
    counted = Figure("answer_count", 30, kind="count", cell=Cell("t", "answer_count"))
    assert find_rules(Finding("absence", "The mean is 4.10 (n = 30).", (figure, counted))) == []


def test_a_mean_is_told_by_how_it_was_worked_out_too():
    figure = Figure("score", 0.5, cell=Cell("01_plan/readiness", "score", how="mean"))
    assert find_rules(Finding("absence", "It is 0.50.", (figure,))) == ["mean without count"]


def test_one_figure_is_written_in_one_way():
    exact = Finding("absence", "A has 41.3%.", (share("share", 0.4132, "A"),))
    rough = Finding("absence", "A has 41%.", (share("share", 0.4132, "A", decimals=0),))
    assert find_rules(exact, rough) == ["said twice"]
    assert find_rules(exact, exact) == []


def test_two_values_of_one_measure_and_segment_are_found():
    cells = [of_segment("A", "spend_share", f"{STEP}/{table}") for table in ("spend", "sizes")]
    first, second = (
        Finding(kind, f"A has {value}.", (share("spend_share", number, "A", cell=cell),))
        for kind, value, number, cell in (
            ("spend.segments.brings_most", "84.4%", 0.844, cells[0]),
            ("absence", "45.9%", 0.459, cells[1]),
        )
    )
    assert "said twice" in find_rules(first, second)


@pytest.mark.parametrize(
    ("texts", "is_fault"),
    [
        (("A has 84.4%.", "A has 45.9%."), True),
        (("A has 84.4% in the last 365 days.", "A has 45.9%."), True),
        (("A has 84.4% in the last 365 days.", "A has 45.9% over all time."), False),
    ],
)
def test_two_periods_of_one_measure_are_both_said(texts, is_fault):
    findings = [
        Finding(
            "absence",
            text,
            (share("s", value, "A", cell=of_segment("A", "spend_share", table), period=period),),
        )
        for text, value, table, period in zip(
            texts, (0.844, 0.459), ("a", "b"), (PERIOD, "all time to 2026-06-30"), strict=True
        )
    ]
    assert ("said twice" in find_rules(*findings)) is is_fault


@pytest.mark.parametrize(("drawn", "is_fault"), [("74.0%", True), ("73.9%", False), ("74%", True)])
def test_a_chart_writes_a_share_as_its_sentence_does(drawn, is_fault):
    cell = Cell(
        "03_base_analysis/concentration", "value_share", (Condition("part", "==", "top fifth"),)
    )
    figure = Figure("top_fifth_share", 0.7394, kind="share", period=PERIOD, cell=cell)
    finding = Finding("customer_base.concentration.top_fifth", "They bring 73.9%.", (figure,))
    chart = Chart(STEP, f"Lorenz curve. The top fifth of customers bring {drawn} of spend.")
    assert (find_rules(finding, charts=[chart]) == ["said twice"]) is is_fault


def test_a_share_of_another_segment_is_another_share():
    figure = share("customer_share", 0.101, "A", cell=of_segment("A", "customer_share"))
    finding = Finding("absence", "A: 10.1%.", (figure,))
    chart = Chart(STEP, "Paired bars. A: 10.1% of customers; B: 10.2% of customers.")
    assert find_rules(finding, charts=[chart]) == []


def test_it_is_judged_and_said_who_carries_an_extreme():
    text = "Highest in B (33.4%), lowest in A (1.0%)."
    top, least = share("top", 0.334, "B"), share("least", 0.01, "A", carried=False)
    assert find_rules(state_ends(text, top, least)) == ["extreme carried by few"]
    top = share("top", 0.334, "B", carried=True)
    assert find_rules(state_ends(text, top, least)) == ["extreme carried by few"]
    told = "Which is highest hangs on one or two customers; lowest in A (1.0%)."
    assert find_rules(state_ends(told, top, least)) == []


def find_with_table(top: Figure, least: Figure, **more: object) -> list[str]:
    finding = state_ends("Highest and lowest.", top, least, **more)
    return [fault.found for fault in find_faults(Said({STEP: [finding]}), read_returns)]


def test_nothing_that_is_shown_exceeds_an_extreme():
    true = share("top", 0.334, "B", carried=False), share("least", 0.01, "A", carried=False)
    assert find_with_table(*true) == []
    top, least = share("top", 0.01, "A", carried=False), share("least", 0.334, "B", carried=False)
    assert find_with_table(top, least) == [
        "top is 0.01, but B has 0.334",
        "least is 0.334, but A has 0.01",
    ]


def test_an_extreme_of_what_is_hidden_or_gone_is_found():
    least = share("least", 0.01, "A", carried=False)
    hidden = find_with_table(share("top", 0.4, "D", carried=False), least)
    assert hidden == ["top is not among what is shown"]
    cell = of_segment("B", table="04_experience_data/gone")
    gone = find_with_table(share("top", 0.334, "B", carried=False, cell=cell), least)
    assert gone == ["there is no table 04_experience_data/gone"]


def test_an_extreme_comes_with_its_count():
    top, least = share("top", 0.334, "B", carried=False), share("least", 0.01, "A", carried=False)
    found = find_with_table(top, least, count=None)
    assert found == [f"{name} has no count, though the table has one" for name in ("top", "least")]


def test_an_extreme_comes_with_its_interval_where_there_is_one():
    table = RETURNS.assign(return_low=0.0, return_high=0.5)
    top, least = share("top", 0.334, "B", carried=False), share("least", 0.01, "A", carried=False)
    said = Said({STEP: [state_ends("Highest and lowest.", top, least)]})
    faults = find_faults(said, lambda name: table)
    assert [fault.found for fault in faults] == [
        f"{name} has no interval, though the table has one" for name in ("top", "least")
    ]


def test_an_interval_of_an_extreme_is_told():
    figures = [
        share(name, value, segment, low=value - 0.005, high=value + 0.1, carried=False)
        for name, value, segment in (("top", 0.334, "B"), ("least", 0.01, "A"))
    ]
    told = state_ends("B (33.4%, 32.9% to 43.4%) and A (1.0%).", *figures)
    faults = find_faults(Said({STEP: [told]}), read_returns)
    assert [fault.found for fault in faults] == ["least has an interval that is not told"]


# What is chosen has the smallest and the weakest among its own columns.
NO_GROUPS = ("choice.", "conclusion.")
# Sentences with a word for an extreme that name none: "at most" is a bound, some say how something
# is done, or that no end is told.
NO_EXTREMES = frozenset(
    {
        "by_segment.measures.both_hanging",
        "customer_base.customers.buyers",
        "journey.cuts.longer",
        "preparation.style.first",
        "preparation.taken.from_highest",
        "preparation.taken.from_lowest",
        "reach.reach.placed",
        "stability.confidence.both",
        "stability.confidence.sure",
    }
)
EXTREME_WORDS = re.compile(
    r"\b(?:highest|lowest|most|least|largest|smallest|fastest|furthest|hardest|poorest|weakest)\b"
)


def list_sentences(part: dict, name: str) -> Iterator[tuple[str, str]]:
    for key, value in part.items():
        if isinstance(value, dict):
            yield from list_sentences(value, f"{name}.{key}")
        else:
            yield f"{name}.{key}", value


def test_every_sentence_that_names_an_extreme_says_which_figure_it_is():
    found = set()
    for path in SENTENCES.glob("*.toml"):
        sentences = tomllib.loads(path.read_text(encoding="utf-8"))
        for kind, text in list_sentences(sentences, path.stem):
            words = re.sub(r"\{\w+\}", "", text)
            if EXTREME_WORDS.search(words) and not kind.startswith(NO_GROUPS):
                found.add(kind)
    assert found - set(EXTREMES) == NO_EXTREMES
    for kind in EXTREMES:
        assert find_sentence(kind)
