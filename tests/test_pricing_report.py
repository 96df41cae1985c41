"""What the report says of prices: from published tables, in words that claim no more than that."""

from __future__ import annotations

import re
from dataclasses import replace

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from test_pricing import AT, SEGMENTS, make_lines, make_shop
from test_pricing_response import draw_units
from test_pricing_response import make_lines as make_panel_lines
from test_pricing_survey import ASKED, WITH_INTENT, draw_answers, make_responses, make_segments

from segkit.action.pricing.measured import measure_prices
from segkit.core.findings import Finding
from segkit.plan.pricing import Pricing
from segkit.report.pricing import (
    CURVE_WORDS,
    POINT_WORDS,
    Tables,
    lay_out_paid,
    lay_out_response,
    lay_out_survey,
    list_tables,
    name_tables,
)
from segkit.report.pricing_findings import (
    state_break_even,
    state_paid,
    state_response,
    state_survey,
)
from segkit.report.shared.finding_rules.said import Said
from segkit.report.shared.finding_rules.sentences import RULES

CAUSAL = re.compile(r"\b(?:because|due to|leads? to|effects? of|caused?)\b", re.I)
HOSTILE = "<script>alert(1)</script>"


def tell(tables: dict, segments=SEGMENTS, *, plan=None, at=AT) -> tuple[Tables, list[Finding]]:
    """Return the published tables and all findings, of which each keeps to the rules."""
    prices = measure_prices(tables, segments, plan=plan or Pricing(), at=at)
    told = name_tables([publish(table, view) for table, view in list_tables(prices)])
    findings = [
        *state_paid(told, priced=prices.priced),
        *state_response(told),
        *state_break_even(told),
        *state_survey(told),
    ]
    for finding in findings:
        assert not CAUSAL.search(finding.text)
        for name, check in RULES.items():
            assert not check(finding, Said({})), f"{name}: {finding.text}"
    return told, findings


def make_large_shop(count: int = 40) -> tuple[dict, pd.DataFrame]:
    """Return two segments of so many customers; those of b get a tenth off."""
    rng = np.random.default_rng(1)
    rows = []
    for one in range(2 * count):
        price = rng.choice([100.0, 101, 102]) * (0.9 if one >= count else 1)
        rows.append((f"c{one}", "tent", "2026-03-10", 1, price))
    discounts = [0.0] * count + [10.0] * count
    names = ["a"] * count + [HOSTILE] * count
    segments = pd.DataFrame({"customer_id": [row[0] for row in rows], "segment_name": names})
    products = pd.DataFrame({"product_id": ["tent"], "category": [HOSTILE], "unit_cost": [60.0]})
    lines = make_lines(rows, discount_amount=discounts)
    return {"order_lines": lines, "products": ibis.memtable(products)}, segments


def test_who_pays_more_and_less_is_told_with_interval_and_count():
    told, findings = tell(*make_large_shop())
    texts = read_texts(findings)
    assert any(text.startswith("a pays more than the others") for text in texts)
    assert any(text.startswith(f"{HOSTILE} pays less than the others") for text in texts)
    assert any("n = 40" in text and "90." in text for text in texts)
    assert any("leaves as much profit only if units rise by" in text for text in texts)
    assert any("is not measured" in text for text in texts)
    assert len(lay_out_paid(told)) == 4


def test_a_segment_of_few_is_shown_nowhere_nor_told_of():
    tables, segments = make_large_shop()
    segments.loc[:36, "segment_name"] = "large"
    segments.loc[37:39, "segment_name"] = "tiny"
    told, findings = tell(tables, segments)
    for table in (told.paid, told.paid_groups, told.break_even):
        frame = table.frame
        tiny = frame[frame["segment_name"] == "tiny"]
        assert tiny["rests_on_count"].isna().all()
        # another one is hidden with it, or its figures were what is left of all
        assert frame.groupby("segment_name")["rests_on_count"].count().eq(0).sum() >= 2
    assert not any("tiny" in text for text in read_texts(findings))


def test_what_one_customer_makes_is_hidden():
    tables, segments = make_large_shop()
    rows = [("c0", "yacht", "2026-03-10", 1, 1e9)]
    both = [tables["order_lines"].drop("discount_amount"), make_lines(rows)]
    told, _findings = tell({"order_lines": ibis.union(*both)}, segments)
    own = told.paid.frame.set_index("segment_name").loc["a"]
    assert own["rests_on_count"] == 40
    assert pd.isna(own["paid"])
    assert pd.isna(own["discount_share"])


def test_a_price_of_which_no_interval_is_known_is_not_told():
    tables, segments = make_large_shop()
    prices = measure_prices(tables, segments, plan=Pricing(), at=AT)
    told = name_tables([publish(table, view) for table, view in list_tables(prices)])
    assert "pays less than the others" in " ".join(
        read_texts(state_paid(told, priced=prices.priced))
    )
    frame = told.paid.frame.assign(price_index_low=np.nan, price_index_high=np.nan)
    hidden = replace(told, paid=replace(told.paid, frame=frame))
    texts = " ".join(read_texts(state_paid(hidden, priced=prices.priced)))
    assert "pays less" not in texts
    assert "was not shown" not in texts


def test_elasticities_are_called_an_association_and_tested_between_segments():
    rng = np.random.default_rng(5)
    units, prices = draw_units(rng, slope=-2.0, products=30, changed=20, mean=30)
    tables = make_panel_lines(rng, units, prices, discounts=np.zeros(units.shape))
    segments = pd.DataFrame(
        {"customer_id": [f"c{one}" for one in range(60)], "segment_name": ["a", "b"] * 30}
    )
    told, findings = tell(tables, segments, at=replace(AT, margin_share=0.5))
    texts = read_texts(findings)
    slopes = [text for text in texts if "own regular price was higher" in text]
    assert slopes
    assert all("fewer units were bought" in text and "an association" in text for text in slopes)
    assert any("that segments differ" in text for text in texts)
    assert any("the association has units higher by" in text for text in texts)
    assert len(lay_out_response(told)) == 6


def test_prices_of_a_survey_are_told_with_what_they_are():
    answers = draw_answers(120).assign(intent_cheap="5", intent_expensive="2")
    tables = {"responses": make_responses(answers)}
    told, findings = tell(tables, make_segments(120), plan=Pricing(asked=(WITH_INTENT,)))
    texts = read_texts(findings)
    assert any("These are answers, and no purchases" in text for text in texts)
    assert any("by what they say of buying" in text for text in texts)
    assert len(lay_out_survey(told)) == 4
    told, findings = tell(tables, make_segments(120), plan=Pricing(asked=(ASKED,)))
    assert not any("by what they say of buying" in text for text in read_texts(findings))
    assert ASKED.product in lay_out_survey(told)[0].thing.figure._segkit_alt


def test_without_anything_one_line_each_is_all_that_is_shown():
    told, findings = tell({})
    assert not [*lay_out_paid(told), *lay_out_response(told), *lay_out_survey(told)]
    assert len(findings) == 4
    assert all(finding.kind == "absence" for finding in findings)


def test_one_segment_alone_is_compared_with_nobody():
    tables, segments = make_large_shop()
    told, findings = tell(tables, segments.assign(segment_name="all of them"))
    assert told.paid.frame["price_index"].isna().all()
    assert not any("pays" in text.split(":")[0] for text in read_texts(findings)[:2])


@pytest.mark.parametrize("words", [POINT_WORDS, CURVE_WORDS], ids=["points", "curves"])
def test_all_that_is_shown_has_words(words):
    answers = draw_answers(60).assign(intent_cheap="5", intent_expensive="2")
    plan = Pricing(asked=(WITH_INTENT,))
    tables = {"responses": make_responses(answers)}
    survey = measure_prices(tables, make_segments(60), plan=plan, at=AT).survey
    there = survey.points["point"] if words is POINT_WORDS else survey.curves["curve"]
    assert set(there) == set(words)


def test_the_same_inputs_give_the_same_tables():
    first, _findings = tell(make_shop())
    again, _findings = tell(make_shop())
    for name, table in vars(first).items():
        pd.testing.assert_frame_equal(table.frame, getattr(again, name).frame)
