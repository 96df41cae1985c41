"""What is recommended from the tables of a shop, and what the report says of it."""

from __future__ import annotations

import datetime

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from scipy.sparse import csr_matrix

from segkit.action.recommendations import pairs as pairs_module
from segkit.action.recommendations.measured import (
    NO_LINES,
    NO_PAIRS,
    NO_WISHES,
    NOT_JUDGED,
    recommend_products,
)
from segkit.action.recommendations.pairs import find_pairs
from segkit.core.settings import Settings
from segkit.plan.recommendations import Recommendations
from segkit.report.recommendations import (
    QUALITY,
    lay_out_quality,
    lay_out_tables,
    list_quality,
    list_tables,
    name_tables,
    state_lists,
    state_quality,
)
from segkit.report.shared.finding_rules.said import Said
from segkit.report.shared.finding_rules.sentences import RULES
from segkit.report.shared.tables import build_table
from segkit.runs.layout import StepFolder
from segkit.runs.outputs import write_blocks

AS_OF = datetime.date(2026, 6, 30)
AT = Settings(AS_OF, random_state=1, smallest_cell=5)
PLAN = Recommendations(count=3, pairs=200)
HOSTILE = "<script>alert(1)</script>"


def draw_lines(customers=120, rows=1300, seed=0):
    """Return order lines of two kinds of customers, each with products of their own."""
    rng = np.random.default_rng(seed)
    who = rng.integers(0, customers, rows)
    what = (rng.beta(1, 2, rows) * 12).astype(int) * 2 + who % 2
    days = rng.integers(0, 365, rows)
    return pd.DataFrame(
        {
            "customer_id": [f"c{one:03}" for one in who],
            "product_id": [f"p{one:02}" for one in what],
            "ordered_at": pd.Timestamp(AS_OF) - pd.to_timedelta(days, "D"),
            "line_type": "sale",
        }
    )


def make_segments(customers=120, cold=6):
    names = [f"c{one:03}" for one in range(customers)] + [f"cold{one}" for one in range(cold)]
    kinds = ["even", "odd"] * ((customers + cold) // 2)
    return pd.DataFrame({"customer_id": names, "segment_name": kinds})


def recommend(segments=None, *, plan=PLAN, **tables):
    tables = {name: ibis.memtable(frame) for name, frame in tables.items()}
    segments = make_segments() if segments is None else segments
    return recommend_products(tables, segments, plan=plan, at=AT)


def show(made):
    quality = publish(list_quality(made), QUALITY)
    tables = name_tables([publish(table, view) for table, view in list_tables(made)])
    told = [*state_quality(quality, count=PLAN.count), *state_lists(tables)]
    for finding in told:
        for name, check in RULES.items():
            assert not check(finding, Said({})), f"{name}: {finding.text}"
    return quality, tables, read_texts(told)


@pytest.fixture(scope="module")
def shop():
    names = pd.DataFrame({"product_id": [f"p{one:02}" for one in range(24)]})
    names["name"] = ["Tent", "Tent", HOSTILE, *[f"Product {one}" for one in range(3, 24)]]
    wishes = pd.DataFrame({"customer_id": [f"c{one:03}" for one in range(60)]})
    wishes = wishes.assign(
        product_id=[f"p{one % 2:02}" for one in range(60)],
        event_type="Wish",
        occurred_at=pd.Timestamp("2026-06-01"),
    )
    return {"order_lines": draw_lines(), "products": names, "events": wishes}


@pytest.fixture(scope="module")
def made(shop):
    return recommend(**shop)


class TestTables:
    def test_lists_are_told_beside_the_best_simple_rule_with_time_count_and_interval(self, made):
        _, _, texts = show(made)
        again, new = texts[:2]
        assert again.startswith("What they buy again: ")
        assert new.startswith("What is new to them: ")
        for text in (again, new):
            assert "customers who then bought such a product, " in text
            assert "the best simple rule" in text
        assert made.period == "the time from 2026-04-02 to 2026-06-30"

    def test_of_all_only_counts_are_shown(self, made):
        quality, tables, texts = show(made)
        shown = [quality.frame, tables.counts.frame, tables.pairs.frame, tables.wished.frame]
        written = " ".join([*texts, *(frame.to_csv() for frame in shown)])
        assert not any(one in written for one in made.lists.members["customer_id"])
        assert tables.counts.frame["customer_count"].tolist() == [120, 6]

    def test_few_who_bought_nothing_are_not_told_apart(self, shop):
        made = recommend(make_segments(cold=4), **shop)
        _, tables, texts = show(made)
        assert tables.counts.frame["customer_count"].isna().all()
        assert not any("bought nothing yet" in text for text in texts)

    def test_where_few_found_something_the_row_rests_on_these(self, made):
        few = made.quality.assign(hit_count=3)
        table = list_quality(type(made)(**{**vars(made), "quality": few}))
        assert (table["rests_on_count"] == 3).all()
        assert publish(table, QUALITY).frame["hit_share"].isna().all()

    def test_products_go_by_name_and_those_of_one_name_by_identifier_too(self, made):
        names = set(made.pairs["product"]) | set(made.pairs["other"])
        assert not names & {"Tent", "p00"}
        assert names & {"Tent (p00)", "Tent (p01)", HOSTILE, "Product 4"}

    def test_a_name_that_is_code_stays_text(self, made):
        _, tables, _ = show(made)
        assert HOSTILE not in str(build_table(tables.pairs.frame, caption="Pairs"))

    def test_the_same_tables_give_the_same_lists(self, shop, made):
        again = recommend(**{**shop, "order_lines": shop["order_lines"].sample(frac=1)})
        pd.testing.assert_frame_equal(again.quality, made.quality)
        pd.testing.assert_frame_equal(
            pd.concat(again.lists.iterate()), pd.concat(made.lists.iterate())
        )

    def test_exhibits_are_those_that_have_rows(self, made):
        quality, tables, _ = show(made)
        assert len(lay_out_quality(quality)) == 1
        assert len(lay_out_tables(tables)) == 3


class TestWhatIsLeftOut:
    def list_all(self, shop, **tables):
        return pd.concat(recommend(**{**shop, **tables}).lists.iterate())

    def test_what_a_customer_ignores_or_rated_low_is_gone_at_the_next_run(self, shop, made):
        before = pd.concat(made.lists.iterate())
        mine = before[before["customer_id"] == "c000"].groupby("kind")["product_id"].agg(list)
        ignored, rated, liked = mine["again"][0], mine["new"][0], mine["again"][1]
        said = pd.DataFrame(
            {
                "customer_id": ["c000"] * 3 + ["nobody", "c001"],
                "product_id": [ignored, rated, liked, "p00", None],
                "is_ignored": [True, None, False, True, True],
                "rating": [None, 2.0, 5.0, 1.0, 1.0],
            }
        )
        after = self.list_all(shop, preferences=said)
        own = after[after["customer_id"] == "c000"]["product_id"]
        assert not {ignored, rated} & set(own)
        assert liked in set(own)
        others = [f[f["customer_id"] == "c001"].reset_index(drop=True) for f in (before, after)]
        pd.testing.assert_frame_equal(others[0][["product_id"]], others[1][["product_id"]])

    def test_what_was_noted_after_the_last_day_is_not_known_yet(self, shop, made):
        said = pd.DataFrame({"customer_id": ["c000"], "product_id": ["p00"], "is_ignored": [True]})
        said["noted_at"] = pd.Timestamp("2026-07-01")
        pd.testing.assert_frame_equal(
            self.list_all(shop, preferences=said), pd.concat(made.lists.iterate())
        )

    @pytest.mark.parametrize("column", [{"in_stock": False}, {"stock_count": 0.0}])
    def test_what_is_out_of_stock_is_on_no_list(self, shop, column):
        ((name, value),) = column.items()
        products = shop["products"].copy()
        products[name] = pd.Series(
            [value, value] + [None] * 22, dtype=type(value).__name__.replace("bool", "boolean")
        )
        listed = self.list_all(shop, products=products)
        assert not {"p00", "p01"} & set(listed["product_id"])
        assert len(listed)


class TestWithout:
    def test_order_lines_one_line_says_what_to_collect(self, tmp_path):
        made = recommend()
        _, tables, texts = show(made)
        assert texts == [NO_LINES]
        assert lay_out_tables(tables) == []
        write_blocks(StepFolder(tmp_path), made.lists, "recommendations")
        written = pd.read_parquet(StepFolder(tmp_path).table("recommendations"))
        assert list(written) == ["customer_id", "kind", "place", "product_id", "score"]
        assert written.empty

    def test_rows_it_is_the_same(self):
        assert show(recommend(order_lines=draw_lines().head(0)))[2] == [NO_LINES]

    def test_wishes_and_a_later_time_both_are_said(self):
        lines = draw_lines(rows=5).assign(ordered_at=pd.Timestamp(AS_OF))
        made = recommend(order_lines=lines)
        _, _, texts = show(made)
        assert texts[0] == NOT_JUDGED
        assert texts[-2:] == [NO_PAIRS, NO_WISHES]

    def test_one_customer_and_one_product_nothing_is_shown(self):
        lines = draw_lines().assign(customer_id="c000", product_id="p00")
        made = recommend(make_segments(2, 0), order_lines=lines)
        quality, _, _ = show(made)
        assert quality.empty or quality.frame["hit_share"].isna().all()
        listed = pd.concat(made.lists.iterate())
        assert listed[["kind", "product_id"]].to_numpy().tolist() == [
            ["again", "p00"],
            ["new", "p00"],
        ]

    def test_segments_everybody_still_counts_in_what_is_alike(self, shop):
        made = recommend(make_segments(0, 0), **shop)
        assert made.lists.members.empty
        assert len(made.pairs)


class TestPairs:
    BOTH, X, Y, NONE = [1, 1], [1, 0], [0, 1], [0, 0]

    def make(self, *counts):
        rows = [
            row
            for row, count in zip((self.BOTH, self.X, self.Y, self.NONE), counts, strict=True)
            for _ in range(count)
        ]
        return csr_matrix(np.array(rows, dtype=np.float32))

    def test_support_share_and_lift_are_those_worked_out_by_hand(self):
        bought = self.make(10, 10, 20, 60)
        (pair,) = find_pairs(bought, bought, count=5, smallest_cell=5).to_dict("records")
        assert (pair["product_id"], pair["other_id"], pair["customer_count"]) == (0, 1, 10)
        assert pair["support"] == pytest.approx(0.1)
        assert pair["share"] == pytest.approx(0.5)
        assert pair["base_share"] == pytest.approx(0.3)
        assert pair["lift"] == pytest.approx(0.5 / 0.3)
        assert pair["score"] == pytest.approx((10 + 20 * 0.3) / (20 + 20) / 0.3)
        assert pair["share_low"] == pytest.approx(0.2993, abs=1e-4)  # Wilson's, of 10 in 20
        assert pair["share_high"] == pytest.approx(0.7007, abs=1e-4)

    @pytest.mark.parametrize("counts", [(4, 20, 20, 20), (20, 4, 20, 20), (20, 20, 4, 20)])
    def test_a_pair_of_which_one_count_is_too_small_is_not_kept(self, counts):
        bought = self.make(*counts)
        assert find_pairs(bought, bought, count=5, smallest_cell=5).empty
        assert len(find_pairs(bought, bought, count=5, smallest_cell=4)) == 1

    def test_a_small_count_is_trusted_less_than_a_large_one_of_the_same_lift(self):
        block = np.zeros((1200, 4), dtype=np.float32)
        block[:6, :2] = 1
        block[6:12, 0] = block[12:18, 1] = 1
        block[100:160, 2:] = 1
        block[160:220, 2] = block[220:280, 3] = 1
        found = find_pairs(csr_matrix(block), csr_matrix(block), count=9, smallest_cell=5)
        scores = found.set_index(["product_id", "other_id"])[["lift", "score"]]
        assert scores.loc[(0, 1), "lift"] > scores.loc[(2, 3), "lift"]
        assert scores.loc[(0, 1), "score"] < scores.loc[(0, 1), "lift"] / 2

    def test_blocks_change_nothing(self, monkeypatch):
        rng = np.random.default_rng(2)
        bought = csr_matrix((rng.random((300, 30)) < 0.2).astype(np.float32))
        whole = find_pairs(bought, bought, count=7, smallest_cell=5)
        monkeypatch.setattr(pairs_module, "BLOCK_CELLS", 60)
        pd.testing.assert_frame_equal(find_pairs(bought, bought, count=7, smallest_cell=5), whole)

    def test_a_wish_and_a_purchase_are_a_pair_in_one_direction(self):
        wished, bought = self.make(0, 30, 0, 30), self.make(0, 0, 30, 30)
        wished = csr_matrix(np.array([[1, 0]] * 20 + [[0, 0]] * 40, dtype=np.float32))
        bought = csr_matrix(
            np.array([[0, 1]] * 10 + [[0, 0]] * 30 + [[0, 1]] * 20, dtype=np.float32)
        )
        (pair,) = find_pairs(wished, bought, count=5, smallest_cell=5).to_dict("records")
        assert (pair["product_id"], pair["other_id"], pair["customer_count"]) == (0, 1, 10)
        assert pair["lift"] == pytest.approx(1.0)
