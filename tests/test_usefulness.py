"""Time is split, and the segments say something of what came after it, or do not."""

from __future__ import annotations

import dataclasses
import datetime
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from shops import make_tables
from simulations.usefulness import draw_shop, simulate
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

from segkit.core.absence import explain_empty
from segkit.core.errors import SegkitError
from segkit.data.checks import prepare_tables
from segkit.features.customer_table import build_customers
from segkit.plan.models import Scheme
from segkit.plan.reading import read_plan
from segkit.report import usefulness
from segkit.report.usefulness import plot_gains
from segkit.segmentation.documents import fit_segmentation
from segkit.segmentation.rfm_scores import score_rfm
from segkit.validation import prediction
from segkit.validation.prediction import compare_predictors
from segkit.validation.usefulness import (
    BOTH,
    LIFETIME,
    NOTHING,
    RFM,
    SEGMENTS,
    Usefulness,
    choose_split,
    judge_usefulness,
    measure_outcomes,
    measure_usefulness,
    score_lifetime,
)

EXAMPLES = Path(__file__).parent.parent / "examples"
DAY = datetime.date(2025, 1, 1)
AS_OF = datetime.date(2025, 12, 31)
SPLIT = datetime.date(2025, 9, 1)


def at(day: int) -> pd.Timestamp:
    return pd.Timestamp(DAY) + pd.Timedelta(days=day)


def make_scheme(method: str = "kmeans", columns: tuple[str, ...] = ("taste",), **more) -> Scheme:
    own = {"name": "s", "goal": "g", "base": "value", "method": method}
    return Scheme(**own, columns=columns, **more)


def make_lines(rows: list[tuple]) -> pd.DataFrame:
    """Rows of customer, day of the year from 0, amount."""
    lines = pd.DataFrame(rows, columns=["customer_id", "day", "line_amount"])
    return pd.DataFrame(
        {
            "order_id": [f"o{i}" for i in range(len(lines))],
            "customer_id": lines["customer_id"],
            "product_id": "p",
            "ordered_at": pd.Timestamp(DAY) + pd.to_timedelta(lines["day"], unit="D"),
            "line_amount": lines["line_amount"].astype(float),
            "line_type": np.where(lines["line_amount"] < 0, "return", "sale"),
            "is_product": True,
        }
    )


def draw_tables(seed: int = 0, *, effect: float = 1.0, count: int = 400) -> dict[str, pd.DataFrame]:
    """A shop whose customers with a ``taste`` of 1 buy more after the split, but not before it."""
    rng, rows = np.random.default_rng(seed), []
    taste = rng.integers(0, 2, count)
    for i in range(count):
        rate = np.exp(rng.normal(0, 0.7))
        later = rate * np.exp(effect * (taste[i] - 0.5))
        days = [0, *rng.integers(1, 240, rng.poisson(2 * rate))]
        days += list(rng.integers(245, 364, rng.poisson(later)))
        rows += [
            (f"c{i:03}", int(day), round(float(np.exp(rng.normal(3, 0.6))), 2)) for day in days
        ]
    names = [f"c{i:03}" for i in range(count)]
    return {
        "order_lines": make_lines(rows),
        "customers": pd.DataFrame({"customer_id": names, "taste": taste * 1.0}),
    }


def open_tables(frames: dict[str, pd.DataFrame]) -> dict[str, ibis.Table]:
    return {name: ibis.memtable(frame) for name, frame in frames.items()}


def measure(frames: dict[str, pd.DataFrame], scheme: Scheme | None = None, **options):
    options = {"n_segments": 2, "as_of": AS_OF, "random_state": 1, **options}
    return measure_usefulness(open_tables(frames), scheme or make_scheme(), **options)


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    return draw_tables()


@pytest.fixture(scope="module")
def found(frames):
    return measure(frames)


def pick(figures: pd.DataFrame, outcome: str, name: str = "explained_share") -> pd.DataFrame:
    chosen = (figures["outcome"] == outcome) & (figures["measure"] == name)
    return figures[chosen].set_index("predictor")


def state(found: Usefulness) -> list[str]:
    """Return what the report says of it."""
    summary = publish(found.summarise(), usefulness.SUMMARY)
    measured = publish(found.figures, usefulness.FIGURES)
    return read_texts(usefulness.state_usefulness(found, summary, measured))


class TestOutcomes:
    def test_outcomes_of_the_shop_on_paper(self):
        # After 31 March 2026: ann buys for 50 and returns it, and opens one of three messages;
        # bob was not sent his; cat buys on the last day; dan only returns; eve's order is too late
        # and her message bounced.
        tables = make_tables()
        ids = pd.DataFrame({"customer_id": ["fay", "eve", "dan", "cat", "bob", "ann"]})
        days = datetime.date(2026, 3, 31), datetime.date(2026, 6, 30)
        outcomes = measure_outcomes(tables, ids, split_on=days[0], as_of=days[1])
        assert outcomes["customer_id"].tolist() == ids["customer_id"].tolist()
        assert outcomes["later_spend"].tolist() == [0, 0, -5, 20, 0, 0]
        assert outcomes["later_order_count"].tolist() == [0, 0, 0, 1, 0, 1]
        assert outcomes["bought_again"].tolist() == [False, False, False, True, False, True]
        assert outcomes["responded"].isna().tolist() == [True] * 5 + [False]
        assert outcomes["responded"].iloc[5]

    def test_without_messages_there_is_no_response(self):
        tables = {"order_lines": make_tables()["order_lines"]}
        ids, day = pd.DataFrame({"customer_id": ["ann"]}), datetime.date(2026, 3, 31)
        outcomes = measure_outcomes(tables, ids, split_on=day, as_of=datetime.date(2026, 6, 30))
        assert "responded" not in outcomes

    def test_the_day_of_the_split_lies_before_it(self):
        tables = open_tables({"order_lines": make_lines([("a", 10, 5), ("a", 11, 7)])})
        ids, day = pd.DataFrame({"customer_id": ["a"]}), at(10).date()
        outcomes = measure_outcomes(tables, ids, split_on=day, as_of=AS_OF)
        assert outcomes["later_spend"].tolist() == [7]


class TestSplit:
    def choose(self, rows: list[tuple], **options):
        return choose_split(ibis.memtable(make_lines(rows)), as_of=AS_OF, **options)

    def make_rows(self, count: int, days: tuple[int, ...]) -> list[tuple]:
        return [(f"c{i}", day, 5) for i in range(count) for day in days]

    def test_a_third_of_the_days_comes_after_it(self):
        # From day 0 to day 299 are 300 days; 100 of them come after day 199.
        assert self.choose(self.make_rows(200, (0, 299))) == (at(199).date(), "")

    def test_never_more_than_a_year_comes_after_it(self):
        rows = self.make_rows(200, (-2000, 364))
        assert self.choose(rows) == (AS_OF - datetime.timedelta(days=365), "")

    def test_a_day_of_one_s_own_is_taken(self):
        rows = self.make_rows(200, (0, 299))
        assert self.choose(rows, split_on=at(150).date()) == (at(150).date(), "")

    @pytest.mark.parametrize(
        ("count", "days", "words"),
        [
            (200, (0, 80), "Too little history"),
            (199, (0, 299), "Too few buyers until 2025-07-19: 200 are needed"),
            (200, (5,), "Too little history"),
            (0, (), "There is no sale"),
        ],
    )
    def test_what_is_missing_is_said(self, count, days, words):
        assert words in self.choose(self.make_rows(count, days))[1]

    def test_it_takes_thirty_who_buy_again(self):
        rows = self.make_rows(200, (0,)) + self.make_rows(29, (299,))
        assert "bought again by 2025-10-27: 30 are needed" in self.choose(rows)[1]
        assert self.choose([*rows, ("c30", 299, 5)])[1] == ""

    def test_a_split_outside_the_history_is_refused_in_words(self):
        rows = self.make_rows(200, (0, 299))
        for day in (at(-5).date(), AS_OF):
            assert "Too little history" in self.choose(rows, split_on=day)[1]


class TestComparison:
    def test_figures_and_gains_worked_out_by_hand(self):
        # Segment 1 always brings 9 and segment 0 always 1: what is unseen is known exactly, but
        # for the ridge, which moves each segment by a little.
        segment = np.repeat([0, 1], 500)
        levels = {NOTHING: pd.DataFrame(index=range(1000)), RFM: pd.DataFrame({"s": segment})}
        outcomes = pd.DataFrame({"later_spend": 1.0 + 8 * segment})
        figures, gains = compare_predictors(levels, outcomes, reference=RFM, random_state=0)
        explained = pick(figures, "later_spend")["estimate"]
        assert explained[NOTHING] == 0
        assert explained[RFM] == pytest.approx(1, abs=0.001)
        # The first half brings 90 %: the first fifth 36 %, and twice the area above the diagonal
        # is 0.4, the height of the triangle.
        assert pick(figures, "later_spend", "top_fifth_share")["estimate"][RFM] == (
            pytest.approx(0.36)
        )
        assert pick(figures, "later_spend", "gain_index")["estimate"][RFM] == pytest.approx(0.4)
        curve = gains[gains["predictor"] == RFM].set_index("customer_share")["spend_share"]
        assert curve[0.5] == pytest.approx(0.9)
        assert curve[1.0] == pytest.approx(1)

    def test_ranking_is_the_area_under_the_roc_curve(self):
        # Of 600 in segment 1, 300 say yes, of 400 in segment 0, 40: AUC is by hand the share of
        # pairs in order, ties half: (300 * 360 + (300 * 300 + 40 * 360) / 2) / (340 * 660).
        segment = np.repeat([1, 1, 0, 0], [300, 300, 40, 360])
        yes = np.repeat([1.0, 0.0, 1.0, 0.0], [300, 300, 40, 360])
        levels = {NOTHING: pd.DataFrame(index=range(1000)), RFM: pd.DataFrame({"s": segment})}
        figures, _ = compare_predictors(
            levels, pd.DataFrame({"bought_again": yes}), reference=RFM, random_state=0
        )
        by_hand = (300 * 360 + (300 * 300 + 40 * 360) / 2) / (340 * 660)
        ranking = pick(figures, "bought_again", "ranking")["estimate"]
        assert ranking[RFM] == pytest.approx(by_hand, abs=1e-6)
        assert ranking[NOTHING] == 0.5

    def test_a_level_of_few_customers_is_drawn_to_the_mean(self):
        # Five customers at 1 and five at 3 count as if each had five more at the mean, 2.
        counts, sums = np.array([5.0, 5.0]), np.array([5.0, 15.0])
        means = prediction._learn_means(np.eye(2), counts, sums, "squared")
        assert means == pytest.approx([1.5, 2.5])

    @pytest.mark.parametrize("loss", ["squared", "deviance", "log"])
    def test_customers_with_the_same_levels_count_as_one_row_with_a_weight(self, loss):
        rng = np.random.default_rng(0)
        level = rng.integers(0, 6, 300)
        target = {
            "squared": level + rng.normal(size=300),
            "deviance": rng.poisson(level + 0.2),
            "log": (rng.random(300) < 0.02 + level / 8).astype(int),
        }[loss]
        model = {
            "squared": Ridge(alpha=prediction.PENALTY),
            "deviance": PoissonRegressor(alpha=prediction.PENALTY / 300, tol=1e-10, max_iter=500),
            "log": LogisticRegression(C=1 / prediction.PENALTY, tol=1e-10),
        }[loss].fit(np.eye(6)[level], target)
        predict = model.predict if loss != "log" else lambda rows: model.predict_proba(rows)[:, 1]
        counts, sums = np.bincount(level), np.bincount(level, target)
        means = prediction._learn_means(np.eye(6), counts, sums, loss)
        assert means == pytest.approx(predict(np.eye(6)), abs=1e-4)

    def test_predictions_come_from_other_customers_only(self):
        # Every customer is a level of his own: nothing can be learned about him from the others.
        own = pd.DataFrame({"s": range(300)})
        spend = np.random.default_rng(0).exponential(10, 300)
        levels = {NOTHING: own[[]], RFM: own}
        figures, _ = compare_predictors(
            levels, pd.DataFrame({"later_spend": spend}), reference=RFM, random_state=0
        )
        assert pick(figures, "later_spend")["estimate"][RFM] <= 0.001


class TestAnswer:
    @pytest.mark.slow
    def test_segments_that_know_more_than_rfm_add_to_it(self, found):
        assert found.answer == "adds to RFM"
        orders = pick(found.figures, "later_order_count")
        assert orders.loc[BOTH, "difference_low"] > 0
        assert orders["difference"][RFM] == 0
        assert set(found.gains["predictor"]) >= {RFM, SEGMENTS, BOTH, LIFETIME}

    @pytest.mark.slow
    def test_segments_of_noise_say_nothing(self):
        for seed in range(2):
            assert measure(draw_tables(seed, effect=0.0)).answer == "nothing"

    @pytest.mark.slow
    def test_segments_that_follow_what_rfm_shows_say_nothing_that_it_does_not(self):
        told = simulate(3, 1, follows=0.5)
        assert told["answer"].isin(["nothing beyond RFM", "as much as RFM"]).all()
        assert (told["answer"] == "nothing beyond RFM").any()

    @pytest.mark.slow
    def test_as_much_as_rfm_is_said_where_the_segments_are_rfm(self):
        rng = np.random.default_rng(0)
        levels, outcomes = draw_shop(rng, effect=0.0)
        levels |= {SEGMENTS: levels[RFM], BOTH: levels[RFM]}
        figures, _ = compare_predictors(levels, outcomes, reference=RFM, random_state=0)
        assert judge_usefulness(figures) == "as much as RFM"

    @pytest.mark.slow
    def test_false_alarms_are_rare_and_effects_are_found(self):
        noise = simulate(10, 1, n_customers=400)
        assert (noise["answer"] == "nothing").mean() >= 0.9
        told = simulate(2, 1, effect=0.6)
        assert (told["answer"] == "adds to RFM").all()


class TestTime:
    @pytest.mark.slow
    def test_what_comes_later_changes_outcomes_and_nothing_else(self, frames):
        lines = frames["order_lines"]
        later = lines["ordered_at"] >= pd.Timestamp(SPLIT) + pd.Timedelta(days=1)
        changed = lines.copy()
        changed.loc[later, "line_amount"] *= 7
        changed.loc[later, "ordered_at"] += pd.Timedelta(days=1)
        extra = changed[later].assign(customer_id="c001", order_id=lambda t: "x" + t["order_id"])
        changed = pd.concat([changed, extra])
        sides, outcomes = [], []
        for own in (lines, changed):
            tables = open_tables({**frames, "order_lines": own})
            customers = build_customers(tables, as_of=SPLIT).frame
            scheme = make_scheme("kmeans", ("recency_days", "order_count", "taste"))
            options = {"n_segments": 3, "as_of": SPLIT, "random_state": 1}
            segmentation, labels = fit_segmentation(customers, scheme, **options)
            scores = score_rfm(customers)
            options = {"as_of": SPLIT, "horizon_days": 100}
            expected = score_lifetime(tables["order_lines"], customers, **options)
            sides.append((customers, segmentation, labels.tolist(), scores, expected))
            days = {"split_on": SPLIT, "as_of": AS_OF}
            outcomes.append(measure_outcomes(tables, customers, **days))
        one, other = sides
        pd.testing.assert_frame_equal(one[0], other[0])
        assert one[1:3] == other[1:3]
        for place in (3, 4):
            pd.testing.assert_frame_equal(one[place], other[place])
        assert not outcomes[0].equals(outcomes[1])

    @pytest.mark.slow
    def test_the_scheme_is_fitted_on_the_day_of_the_split(self, frames, found, monkeypatch):
        days = []

        def fit(customers, scheme, **options):
            days.append(options["as_of"])
            raise SegkitError("enough")

        monkeypatch.setattr("segkit.validation.usefulness.fit_shown", fit)
        assert "enough" in measure(frames).reason
        assert days == [found.split_on]
        assert found.split_on < AS_OF

    @pytest.mark.slow
    def test_the_order_of_the_rows_changes_nothing(self, frames, found):
        turned = {name: table.iloc[::-1] for name, table in frames.items()}
        again = measure(turned)
        pd.testing.assert_frame_equal(again.figures, found.figures)
        pd.testing.assert_frame_equal(again.gains, found.gains)

    @pytest.mark.slow
    def test_columns_without_a_date_are_named(self, found):
        assert found.undated == ("taste",)
        assert any("No date is known of “taste”" in text for text in state(found))


class TestHostileData:
    def check(self, found, words: str):
        assert words in found.reason
        assert found.answer == ""
        assert found.figures.empty
        assert words in state(found)[0]
        measured = publish(found.figures, usefulness.FIGURES)
        assert words in explain_empty(usefulness.list_measures(measured).frame)
        assert words in plot_gains(found.gains).figure._segkit_alt

    def test_a_plan_without_order_lines(self, frames):
        self.check(measure({"customers": frames["customers"]}), "no purchases")

    def test_one_customer(self):
        rows = [("a", day, 5) for day in range(0, 300, 30)]
        self.check(measure({"order_lines": make_lines(rows)}), "Too few buyers")

    def test_everything_on_one_day(self):
        rows = [(f"c{i}", 3, 5) for i in range(500)]
        self.check(measure({"order_lines": make_lines(rows)}), "Too little history")

    def test_nobody_known_buys_later(self):
        rows = [(f"c{i}", i % 150, 5) for i in range(300)] + [("new", 300, 5)]
        self.check(measure({"order_lines": make_lines(rows)}), "bought again")

    def test_a_feature_that_was_not_there_before_the_split(self, frames):
        own = frames["customers"].assign(taste=np.nan)
        self.check(
            measure({**frames, "customers": own}), "cannot be built from what was known on 2025-"
        )

    @pytest.mark.slow
    def test_everybody_buys_later(self):
        rows = [(f"c{i}", day, 5 + i % 7) for i in range(300) for day in (i % 100, 200 + i % 50)]
        scheme = make_scheme("tiers", ("total_spend",))
        found = measure({"order_lines": make_lines(rows)}, scheme, n_segments=3)
        assert "bought_again" in found.left_out
        assert "later_spend" in set(found.figures["outcome"])
        assert any("Left out: buying again" in text for text in state(found))

    @pytest.mark.slow
    def test_lifetime_value_is_left_out_with_its_reason(self):
        rows = [(f"c{i}", i % 100, 5 + i % 7) for i in range(300)]
        rows += [(f"c{i}", 250, 9) for i in range(60)]
        scheme = make_scheme("tiers", ("total_spend",))
        found = measure({"order_lines": make_lines(rows)}, scheme, n_segments=3)
        assert "too few customers bought on more than one day" in found.left_out[LIFETIME]
        assert LIFETIME not in set(found.figures["predictor"])

    def test_a_split_that_is_no_date_is_an_error_for_people(self, frames):
        with pytest.raises(SegkitError, match="split_on is not a date"):
            measure(frames, split_on="soon")


class TestReport:
    @pytest.mark.slow
    def test_the_first_sentence_is_the_answer(self, found):
        text = state(found)
        assert text[0].startswith("These segments say something that RFM does not, about ")
        assert "400 customers" in text[1]
        assert str(found.split_on) in text[1]

    def test_the_table_has_a_row_a_measure_with_half_the_interval(self, found):
        measured = publish(found.figures, usefulness.FIGURES)
        table = usefulness.list_measures(measured).frame
        assert table.columns[-1] == "Added to RFM"
        assert table["Added to RFM"].str.contains("±").all()
        assert not table.isna().any().any()

    def test_each_answer_has_its_sentence(self, found):
        starts = {}
        for answer in usefulness.ANSWERS:
            starts[answer] = state(dataclasses.replace(found, answer=answer))[0]
        assert starts["as much as RFM"].startswith("These segments say as much as RFM")
        assert starts["nothing beyond RFM"] == (
            "These segments say some of what RFM says, and nothing that RFM does not."
        )
        assert starts["nothing"].endswith("cannot be told from chance.")

    def test_each_outcome_is_told_with_what_the_segments_add(self, found):
        outcome = "later_spend"
        rows = pick(found.figures, outcome)
        summary = publish(found.summarise(), usefulness.SUMMARY)
        measured = publish(found.figures, usefulness.FIGURES)
        told = usefulness.state_usefulness(found, summary, measured)[2]
        assert told.text.startswith("Of the differences in net spend, RFM explains ")
        assert told.figures[3].value == rows.loc[BOTH, "difference"]
        assert told.figures[3].low == rows.loc[BOTH, "difference_low"]
        assert told.count == 400

    def test_the_chart_says_what_the_first_fifth_brings(self, found):
        ax = plot_gains(found.gains, measured=found.figures)
        top = pick(found.figures, "later_spend", "top_fifth_share")["estimate"]
        assert f"{BOTH}: {100 * top[BOTH]:.1f}%" in ax.figure._segkit_alt


class TestRealData:
    @pytest.mark.slow
    def test_tiers_of_cdnow_say_nothing_that_rfm_does_not(self, shared_data):
        lines = pd.read_csv(
            shared_data("cdnow/CDNOW_sample.txt"),
            sep=r"\s+",
            names=["all", "customer_id", "day", "quantity", "line_amount"],
            dtype={"customer_id": str, "day": str},
        )
        lines["ordered_at"] = pd.to_datetime(lines["day"], format="%Y%m%d")
        lines["order_id"] = [f"o{i}" for i in range(len(lines))]
        lines = lines.assign(line_type="sale", product_id="cd", is_product=True)
        found = measure(
            {"order_lines": lines},
            make_scheme("tiers", ("total_spend",)),
            n_segments=3,
            as_of=datetime.date(1998, 6, 30),
        )
        assert found.split_on == datetime.date(1997, 12, 30)
        assert found.answer == "nothing beyond RFM"
        # BG/NBD is made for these data: it says at least as much of the orders as RFM does.
        assert pick(found.figures, "later_order_count").loc[LIFETIME, "difference_high"] > 0

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["online_retail", "complete_journey"])
    def test_tiers_of_real_shops_say_nothing_that_rfm_does_not(self, name, shared_data, tmp_path):
        shared_data(name)
        plan = read_plan(EXAMPLES / name / "plan.toml")
        plan = plan.model_copy(update={"tables": {"order_lines": plan.tables["order_lines"]}})
        path = prepare_tables(plan, tmp_path, as_of=plan.as_of).paths["order_lines"]
        found = measure_usefulness(
            {"order_lines": ibis.duckdb.connect().read_parquet(path)},
            make_scheme("tiers", ("total_spend",)),
            n_segments=3,
            as_of=plan.as_of,
            random_state=7,
        )
        assert found.answer == "nothing beyond RFM"
        assert pick(found.figures, "later_spend").loc[RFM, "low"] > 0.3
