-- The market by country and category, the competitors in it, and what moves it.
-- White space: Climbing & ski in Norway is large, grows fast, nobody serves it, and its people are
-- as old as the shop's; those who buy for the home are as old as everybody.

CREATE TABLE cells AS
WITH countries AS (
    FROM (VALUES ('FI', 1.0, 1), ('SE', 1.8, 2), ('NO', 1.5, 3),
        ('DK', 1.2, 4), ('EE', .22, 5), ('LV', .25, 6), ('LT', .4, 7))
        AS t(country, size, country_number)
), categories AS (
    SELECT category, row_number() OVER (ORDER BY min(kind)) AS category_number FROM kinds GROUP BY category
)
SELECT country, category, country_number * 100 + category_number AS cell,
    country = 'NO' AND category = 'Climbing & ski' AS is_white,
    size * CASE WHEN is_white THEN 95 ELSE 25 + 45 * draw(cell, 'size') END AS million,
    CASE WHEN is_white THEN .14 ELSE round(-.02 + .08 * draw(cell, 'growth'), 3) END AS growth_rate
FROM countries, categories;

CREATE VIEW market_cells AS
(SELECT country, category, NULL AS age_band, year,
    round(million * 1e6 / 240 * (1 + growth_rate) ** (year - last_year), -2)::BIGINT AS buyer_count,
    round(million * 1e6 * (1 + growth_rate) ** (year - last_year), -4)::BIGINT AS market_value, growth_rate,
    'Sample trade statistics ' || year AS source
FROM cells, (SELECT year(getvariable('until')) - 1 AS last_year), range(4) AS t(back),
    LATERAL (SELECT last_year - back AS year)
ORDER BY country, category, year)
UNION ALL
(SELECT country, category, age_band, year(getvariable('until')) - 1,
    round(million * 1e6 / 240 * CASE WHEN category IN ('Home textiles', 'Kitchen', 'Lighting')
        THEN of_all ELSE of_hikers END, -2)::BIGINT, NULL, NULL, 'Sample household panel'
FROM cells, (VALUES ('18-24', .08, .06), ('25-34', .14, .28), ('35-44', .16, .33), ('45-54', .17, .19),
    ('55-64', .17, .09), ('65-74', .15, .04), ('75 and over', .13, .01)) AS t(age_band, of_all, of_hikers)
ORDER BY country, category, age_band)
UNION ALL
SELECT 'FI', 'Repairs', NULL, 2000 + stain % 20, NULL, NULL, .01, 'Hearsay ' || stain
FROM stains WHERE table_name = 'market_cells';

CREATE VIEW competitors AS
(SELECT competitor, country, category,
    round(CASE WHEN is_white THEN .01
        ELSE strength * (.6 + .8 * draw(cell * 10 + rival, 'share')) END, 3) AS market_share,
    year(getvariable('until')) - 1 AS year, price_level, channels, segments_served, offer, 'Sample annual reports ' || (year(getvariable('until')) - 1) AS source
FROM cells, (VALUES
    (1, 'Tunturi & Co', .24, 102, 'Stores, web', 'Families by season', 'Wide range, stores in every town', 'FI SE NO EE'),
    (2, 'Fjellsport', .20, 121, 'Web, club', 'Experts and beginners apart', 'Guides, tests and a club', 'NO SE DK FI'),
    (3, 'Billigvaror', .22, 78, 'Web', 'None: one low price for all', 'Low price, little help', 'SE DK FI NO LT LV EE'),
    (4, 'Baltika Kodu', .21, 93, 'Web, pick-up points', 'Homes by size', 'Home textiles and kitchen, fast delivery', 'EE LV LT'),
    (5, 'ProSupply', .10, 88, 'Sales force, web', 'Businesses by industry', 'Framework contracts, one invoice', 'FI SE NO DK EE LV LT')
) AS t(rival, competitor, strength, price_level, channels, segments_served, offer, countries)
WHERE contains(countries, country)
ORDER BY competitor, country, category)
UNION ALL
SELECT CASE WHEN rule <> 'missing_competitor' THEN 'Hearsay ' || stain END, 'FI', 'Packs',
    CASE WHEN rule = 'out_of_range_market_share' THEN 1.4 ELSE .1 END, NULL, NULL, NULL, NULL, NULL, 'Hearsay ' || stain
FROM stains WHERE table_name = 'competitors';

CREATE VIEW trends AS
(SELECT trend, year, round(start_value * growth ** (year - first_year), 1)::VARCHAR AS value, unit, country, source
FROM (VALUES
    ('People who hike at least monthly', 31., 1.03, '% of adults', 'FI', 'Sample outdoor survey'),
    ('People who hike at least monthly', 36., 1.04, '% of adults', 'NO', 'Sample outdoor survey'),
    ('Online share of outdoor sales', 29., 1.06, '% of sales', NULL, 'Sample trade statistics'),
    ('Second-hand share of outdoor sales', 4., 1.22, '% of sales', NULL, 'Sample trade statistics'),
    ('Ski touring participants', 210., 1.12, 'thousand people', 'NO', 'Sample sports federation'),
    ('Price index of outdoor goods', 100., 1.035, 'index', NULL, 'Sample trade statistics'),
    ('Business gifts budget a worker', 42., .98, 'EUR a year', NULL, 'Sample firm survey')
) AS t(trend, start_value, growth, unit, country, source),
    (SELECT year(getvariable('until')) - 6 AS first_year),
    LATERAL (SELECT unnest(range(first_year, first_year + 6)) AS year)
ORDER BY trend, country, year)
UNION ALL
SELECT 'Hearsay', 2024, CASE WHEN rule = 'not_a_number_value' THEN 'about a third' END, NULL, NULL, 'Hearsay ' || stain
FROM stains WHERE table_name = 'trends';
