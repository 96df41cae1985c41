"""When in the year customers buy: a season, told apart from growth, chance and an event."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from published import publish, read_texts
from shops import AS_OF

from segkit.features.purchases import summarise_months
from segkit.features.season import measure_season
from segkit.report import season


def make_years(years: int, season: float) -> pd.DataFrame:
    months = pd.date_range("2022-01-01", periods=12 * years, freq="MS")
    spend = 100 + 2.0 * np.arange(12 * years) + season * (months.month > 9)
    spend += np.random.default_rng(0).normal(0, 5, 12 * years)
    return pd.DataFrame({"month": months, "total_spend": spend, "active_customers": 30}).assign(
        is_whole=True
    )


def state(table: pd.DataFrame, test: pd.DataFrame) -> list[str]:
    shown = publish(table, season.SEASON), publish(test, season.TEST)
    return read_texts(season.state_season(*shown))


def test_growth_is_no_season_and_december_is_one():
    level, growth = measure_season(make_years(4, 0))
    assert growth["p_value"][0] > 0.05
    table, found = measure_season(make_years(4, 200))
    assert found["p_value"][0] < 0.05
    assert set(table.nlargest(3, "index")["month"]) == {"October", "November", "December"}
    assert table["index"].mean() == pytest.approx(1)
    assert 0 < found["agreement"][0] < 1
    said = state(table, found)
    assert said[0].startswith("Net sales follow the calendar: over 4 whole years")
    assert said[1].startswith("Of net sales, the highest month is ")
    assert "no order that chance" in state(level, growth)[0]


def test_one_year_tells_no_season_from_an_event():
    table, test = measure_season(make_years(1, 200))
    assert test.to_dict("records") == [{"year_count": 1}]
    assert len(table) == 12
    assert state(table, test)[0].startswith("One whole year cannot tell")
    table, test = measure_season(summarise_months(None, as_of=AS_OF))
    assert (len(table), test.to_dict("records")) == (0, [{"year_count": 0}])
    assert state(table, test)[0].startswith("There is no whole year")


@pytest.mark.parametrize("spend", [10.0, 1e300])
def test_sales_that_never_change_have_no_season(spend):
    months = make_years(3, 0).assign(total_spend=spend)
    table, test = measure_season(months)
    assert test[["year_count", "p_value", "agreement"]].to_numpy().tolist() == [[3, 1, 0]]
    assert state(table, test)[0].startswith("Over 3 whole years, all time to")


@pytest.mark.parametrize("closed", [0.0, -5.0])
def test_a_year_without_sales_is_no_year(closed):
    months = make_years(2, 200)
    months.loc[:11, "total_spend"] = closed
    table, test = measure_season(months)
    assert test.to_dict("records") == [{"year_count": 1}]
    assert np.isfinite(table["index"]).all()
    months.loc[12:, "total_spend"] = 7.0
    said = state(*measure_season(months))
    assert said == ["One whole year cannot tell a season from an event."]


def test_the_highest_and_the_lowest_month_are_told_with_their_index():
    months = make_years(1, 0).assign(total_spend=[100.0] * 10 + [50, 150])
    assert state(*measure_season(months)) == [
        "One whole year cannot tell a season from an event; of net sales over all time to "
        "2026-03-31, the highest month is December (index 150, n = 30), the lowest month is "
        "November (index 50, n = 30)."
    ]


def test_a_month_of_few_customers_is_hidden_and_no_month_is_called_the_highest():
    months = make_years(2, 200)
    months.loc[[0, 13], "active_customers"] = [4, 6]
    table, test = measure_season(months)
    assert table["customer_count"].tolist() == [4, 6, *[30] * 10]  # of the year with the fewest
    shown = publish(table, season.SEASON)
    hidden = ["January", "February"]  # the second, or the sum of all would tell of the first
    assert shown.frame.loc[shown.frame["index"].isna(), "month"].tolist() == hidden
    told = read_texts(season.state_season(shown, publish(test, season.TEST)))
    assert not any("highest" in text for text in told)


def test_months_are_drawn_in_the_currency_of_their_table():
    months = publish(make_years(1, 0), season.MONTHS, currency="SEK")
    alt = season.plot_monthly_sales(months).figure._segkit_alt
    assert "The value goes from SEK\u202f" in alt


def test_a_month_of_few_customers_is_not_drawn():
    months = make_years(1, 0)
    months.loc[11, "active_customers"] = 3
    shown = publish(months, season.MONTHS)
    assert shown.frame["total_spend"].isna().sum() == 2
    alt = season.plot_monthly_sales(shown).figure._segkit_alt
    assert "to 2022-11" in alt
