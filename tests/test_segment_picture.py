"""The first page's picture: as wide as the segments are large, and in area what they bring."""

from __future__ import annotations

import re

import pytest

from segkit.report.shared.first_page import list_people
from segkit.report.shared.segment_picture import COLOURS, GAP, HEIGHT, TOP, WIDTH, draw_segments
from segkit.report.shared.tables import TEMPLATES


def make_row(name: str, customers: float | None, spend: float | None = None, **more) -> dict:
    row = {"segment_name": name, "customer_share": customers, "period": "2025"}
    return row | ({"spend_share": spend} if spend is not None else {}) | more


def test_a_bar_is_as_wide_as_the_share_and_as_large_as_what_it_brings():
    picture = draw_segments([make_row("A", 0.2, 0.6), make_row("B", 0.8, 0.4)])
    one, two = picture.bars
    assert two.width / one.width == pytest.approx(4, abs=0.01)
    assert one.height / two.height == pytest.approx(6, abs=0.01)  # 3 and one half a customer
    assert (one.width * one.height) / (two.width * two.height) == pytest.approx(1.5, rel=0.01)
    assert (one.above, one.below) == ("60%", "20%")
    assert one.y == TOP
    assert two.x + two.width == pytest.approx(WIDTH, abs=0.1)
    assert two.x - one.width == pytest.approx(GAP, abs=0.1)
    assert picture.level == pytest.approx(TOP + HEIGHT - HEIGHT / 3, abs=0.1)
    assert picture.alt == (
        "Bars of the segments: A: 20% of customers, 60% of net spend; "
        "B: 80% of customers, 40% of net spend."
    )


def test_without_spend_all_bars_are_equally_high():
    picture = draw_segments([make_row("A", 0.2), make_row("B", 0.8)])
    assert picture.bars[0].height == picture.bars[1].height
    assert picture.level is None
    assert "spend" not in picture.title + picture.alt


def test_who_must_not_be_seen_or_brings_nothing_is_not_drawn_and_counted():
    rows = [
        make_row("A", 0.2, 1.1),
        make_row("B", None),
        {**make_row("C", 0.5), "spend_share": None},
        make_row("D", 0.3, -0.1),
    ]
    picture = draw_segments(rows)
    assert [bar.name for bar in picture.bars] == ["A"]
    assert picture.left_out == 3
    assert "B" not in picture.alt.removeprefix("Bars")


@pytest.mark.parametrize("rows", [None, [], [make_row("A", None)]])
def test_there_is_no_picture_of_nothing(rows):
    assert draw_segments(rows) is None


def test_a_bar_too_narrow_for_its_figures_has_none():
    picture = draw_segments([make_row("A", 0.001, 0.01), make_row("B", 0.999, 0.99)])
    assert (picture.bars[0].above, picture.bars[0].below) == ("", "")
    assert picture.bars[0].width >= 2


def test_all_that_segments_bring_may_be_less_than_all_would_at_the_mean():
    picture = draw_segments([make_row("A", 0.5, 0.3)])
    assert picture.bars[0].height < HEIGHT
    assert picture.level == TOP


def test_a_card_says_what_is_known_and_its_colour_is_the_bar_s():
    rows = [
        make_row("A", 0.2, 0.6, customer_count=20, mean_spend=30.0, rating="highly stable"),
        make_row("B", None, customer_count=None, consent_share=0.25, set_apart_by="younger"),
    ]
    final = {"segments": rows, "next_steps": {"B": {"text": "Write."}}}
    one, two = list_people(final, currency="EUR")
    assert [words for _, words in one["figures"]] == [
        "customers",
        "of them",
        "of net spend",
        "each",
    ]
    assert one["figures"][1][0] == "20.0%"
    assert (one["notes"], one["next"], one["colour"]) == (["highly stable"], "", 0)
    assert (two["figures"], two["apart"], two["next"]) == ([], "younger", "Write.")
    assert (two["notes"], two["colour"]) == (["25% may be contacted"], 1)
    assert list_people({}, currency="") == []


def read_colours(css: str) -> list[dict[str, str]]:
    """Return the page's named colours, of the light theme and of the dark one."""
    found = re.findall(r":root \{(.*?)\n\s*\}", css, flags=re.DOTALL)[:2]
    return [dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6});", part)) for part in found]


def measure_contrast(one: str, other: str) -> float:
    """The contrast of two colours (WCAG 2.2, relative luminance)."""
    light = []
    for colour in (one, other):
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        ]
        light.append(0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2])
    return (max(light) + 0.05) / (min(light) + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_the_segments_colours_can_be_read_as_text(theme):
    colours = read_colours((TEMPLATES / "report.css").read_text(encoding="utf-8"))[theme]
    for number in range(COLOURS):
        assert measure_contrast(colours[f"s{number}"], colours["wash"]) >= 4.5, number
        assert measure_contrast(colours[f"s{number}"], colours["paper"]) >= 4.5, number
