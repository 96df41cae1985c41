-- Products, places, days and the people themselves.

CREATE TABLE stock AS
SELECT lpad(kind::VARCHAR, 3, '0') || tier AS product_id, kind, tier, category, noun AS subcategory,
    brand, affinity, 'Z' || companion AS companion,
    brand || ' ' || lower(noun) || CASE WHEN noun = 'Camp meal' AND tier = 2 THEN ' 🏕️' ELSE '' END AS name,
    round(round(price * factor) - .10, 2)::DOUBLE AS list_price,
    row_number() OVER (ORDER BY draw(kind * 10 + tier, 'aisle'), kind, tier) % 15 AS aisle
FROM kinds, tiers
UNION ALL
SELECT '9' || lpad(min(kind)::VARCHAR, 3, '0'), min(kind), 1, arg_min(category, kind), companion,
    'Kivi', arg_min(affinity, kind), 'Z' || companion, 'Kivi ' || lower(companion),
    round(companion_price - .10, 2)::DOUBLE, 15
FROM kinds GROUP BY companion, companion_price;

CREATE VIEW products AS
(SELECT product_id, name, category, subcategory, brand, list_price,
    round(list_price * (.45 + .2 * draw(kind * 10 + tier, 'cost')), 2) AS unit_cost
FROM stock ORDER BY product_id)
UNION ALL
SELECT CASE WHEN rule <> 'missing_product_id' THEN 'Z' || stain END, 'Kivi test', 'Kitchen', 'Mug', 'Kivi',
    CASE WHEN rule = 'out_of_range_list_price' THEN -9.9 ELSE 9.9 END, 4.5
FROM stains WHERE table_name = 'products';

-- 256 slots for each segment and aisle: a product has as many as it is popular there.
CREATE TABLE shelf AS
WITH weighted AS (
    SELECT segment, aisle, product_id, list_price, companion, (1000 * affinity[segment]
        * CASE WHEN aisle = 15 THEN 1 ELSE tier_weights[tier] END
        * (.4 + 1.2 * draw(kind * 10 + tier, 'popular')))::BIGINT + 1 AS weight
    FROM stock, traits
), summed AS (
    SELECT *, sum(weight) OVER (PARTITION BY segment, aisle) AS total,
        sum(weight) OVER (PARTITION BY segment, aisle ORDER BY product_id) AS upper_end
    FROM weighted
), slotted AS (
    SELECT *, unnest(range((256 * (upper_end - weight) // total)::BIGINT,
        (256 * upper_end // total)::BIGINT)) AS slot
    FROM summed
)
SELECT ((s.segment * 16 + s.aisle) * 256 + slot)::INTEGER AS shelf_key, s.product_id, s.list_price,
    a.product_id AS companion_id, a.list_price AS companion_price
FROM slotted AS s JOIN stock AS a ON a.aisle = 15 AND a.companion = s.companion;

-- The lines of one order go through different aisles, so that no product comes twice.
CREATE MACRO shelf_slot(order_key, line, segment) AS
    ((segment * 16 + CASE WHEN line = 1 AND draw(order_key, 'accessory') < .06 THEN 15
        ELSE (floor(15 * draw(order_key, 'aisle'))::INTEGER
            + line * pick([1, 2, 4, 7, 8, 11, 13, 14], order_key, 'step')) % 15 END) * 256
        + floor(256 * draw(order_key * 100 + line, 'slot')))::INTEGER;

-- 4,096 slots for each segment: a day has as many as its season gives it.
CREATE TABLE calendar AS
WITH days AS (
    SELECT segment, day,
        (1000 * weight * CASE WHEN isodow(day) > 5 THEN weekend_weight ELSE 1 END)::BIGINT AS weight
    FROM (SELECT first_day() + n::INTEGER AS day FROM range(730) t(n)) JOIN months ON months.month = month(day)
), summed AS (
    SELECT *, sum(weight) OVER (PARTITION BY segment) AS total,
        sum(weight) OVER (PARTITION BY segment ORDER BY day) AS upper_end
    FROM days
)
SELECT (segment * 4096 + slot)::INTEGER AS calendar_key, day
FROM (SELECT segment, day,
    unnest(range((4096 * (upper_end - weight) // total)::BIGINT, (4096 * upper_end // total)::BIGINT)) AS slot
    FROM summed);
CREATE MACRO calendar_slot(segment, moment) AS
    (segment * 4096 + least(4095, floor(4096 * moment)))::INTEGER;

CREATE TABLE place_slots AS
WITH weighted AS (
    SELECT segment, places.* EXCLUDE (weight), (1000 * weight * CASE segment
        WHEN 1 THEN CASE density WHEN 'suburban' THEN 2 WHEN 'urban' THEN .5 ELSE 1 END
        WHEN 2 THEN CASE density WHEN 'urban' THEN 2.5 WHEN 'suburban' THEN .7 ELSE .2 END
        WHEN 3 THEN CASE density WHEN 'rural' THEN 1.6 ELSE .8 END
        ELSE 1 END)::BIGINT AS weight
    FROM places, traits
), summed AS (
    SELECT *, sum(weight) OVER (PARTITION BY segment) AS total,
        sum(weight) OVER (PARTITION BY segment ORDER BY country, city) AS upper_end
    FROM weighted
)
SELECT (segment * 256 + slot)::INTEGER AS place_key, country, city, region, density, latitude
FROM (SELECT *, unnest(range((256 * (upper_end - weight) // total)::BIGINT,
        (256 * upper_end // total)::BIGINT)) AS slot
    FROM summed);

-- One row a person. joined and left_at are moments of the two years, 0 to 1, in seasonal time.
CREATE MACRO choose_arm(number, campaign) AS
    CASE WHEN draw(number * 32 + campaign, 'arm') < .4 THEN 'segmented'
        WHEN draw(number * 32 + campaign, 'arm') < .8 THEN 'unsegmented' ELSE 'control' END;
CREATE TABLE people AS
WITH drawn AS (
    SELECT n AS number, write_customer(n) AS customer_id, t.*,
        CASE WHEN draw(n, 'known') < .65 THEN 0 ELSE .9 * draw(n, 'joined') END AS joined
    FROM range(1, getvariable('customers') + 1) r(n)
    JOIN (SELECT *, unnest(range(slot_from, slot_to)) AS slot FROM traits) AS t
        ON t.slot = floor(100 * draw(n, 'segment'))::BIGINT
), lived AS (
    SELECT *, CASE WHEN draw(number, 'lapse') < lapse_share
        THEN joined + (1 - joined) * draw(number, 'left') ELSE 1 END AS left_at
    FROM drawn
)
SELECT number, customer_id, segment, true_segment, joined, left_at, country, city, region, density, latitude,
    CASE WHEN number IN (13, 14) THEN 3 WHEN draw(number, 'prospect') < .02 THEN 0
        ELSE greatest(1, least(400, round(
            order_mean * (left_at - joined) * exp(.35 * draw_normal(number, 'orders') - .061))))
        END::BIGINT AS order_count,
    least(200, round(session_mean * exp(.7 * draw_normal(number, 'sessions') - .245)))::BIGINT AS session_count,
    number IN (13, 14) OR draw(number, 'consent') < consent_share AS consent,
    CASE WHEN joined = 0 THEN first_day() - 1 - floor(1500 * draw(number, 'signed up'))::INTEGER
        ELSE day END AS signed_up_on,
    coalesce(list_min(list_filter(range(24), lambda n:
        draw(number * 32 + n, 'unsubscribe') < .006 AND choose_arm(number, n) <> 'control')), 99) AS unsubscribed_in
FROM lived
JOIN calendar ON calendar_key = calendar_slot(segment, joined)
JOIN place_slots ON place_key = segment * 256 + floor(256 * draw(number, 'place'))::INTEGER;

CREATE MACRO choose_system(device, number) AS
    CASE device WHEN 'mobile' THEN pick(['Android', 'Android', 'iOS'], number, 'system')
        WHEN 'tablet' THEN pick(['iPadOS', 'Android'], number, 'system')
        ELSE pick(['Windows', 'Windows', 'Windows', 'macOS', 'Linux'], number, 'system') END;
CREATE MACRO choose_browser(system, number) AS
    CASE WHEN system IN ('iOS', 'iPadOS', 'macOS') THEN pick(['Safari', 'Safari', 'Chrome'], number, 'browser')
        ELSE pick(['Chrome', 'Chrome', 'Firefox', 'Edge'], number, 'browser') END;
CREATE MACRO name_medium(source) AS
    CASE source WHEN 'google' THEN 'cpc' WHEN 'newsletter' THEN 'email' WHEN 'direct' THEN 'none'
        WHEN 'affiliate' THEN 'referral' ELSE 'paid_social' END;
CREATE MACRO name_campaign(source, day) AS
    CASE WHEN source IN ('google', 'facebook', 'instagram', 'youtube') THEN strftime(day, 'brand_%Y_')
        || CASE WHEN month(day) BETWEEN 4 AND 8 THEN 'summer' ELSE 'winter' END END;

CREATE VIEW people_described AS
WITH persons AS (
    SELECT people.*, words.* EXCLUDE (country), traits.* EXCLUDE (segment, true_segment),
        segment = 5 AS is_business,
        draw(number, 'gender') < CASE segment WHEN 3 THEN .35 WHEN 4 THEN .62 ELSE .52 END AS is_woman,
        pick(devices, number, 'device') AS device, pick(sources, number, 'source') AS source,
        segment = 1 OR draw(number, 'with children') < .2 AS has_children
    FROM people JOIN traits USING (segment) JOIN people_words AS words USING (country)
), named AS (
    SELECT *,
        CASE WHEN is_woman THEN pick(women, number, 'first') ELSE pick(men, number, 'first') END AS first_name,
        CASE WHEN is_woman THEN pick(women_last, number, 'last') ELSE pick(men_last, number, 'last') END AS last_name,
        choose_system(device, number) AS operating_system,
        1 + floor(-12 * ln(1 - draw(number, 'employees')))::BIGINT AS employees
    FROM persons
)
SELECT number, customer_id,
    CASE number WHEN 13 THEN '<script>alert(1)</script>'
        WHEN 14 THEN '=HYPERLINK("https://example.com";"Open")'
        ELSE CASE WHEN is_business THEN last_name || ' '
            || pick(['Hotell', 'Café', 'Matkailu', 'Event', 'Bygg'], number, 'firm')
            || ' ' || company_form ELSE first_name || ' ' || last_name END END AS name,
    regexp_replace(lower(strip_accents(first_name || '.' || last_name)), '[^a-z.]', '', 'g')
        || number || '@example.com' AS email,
    CASE WHEN is_business THEN 'business' ELSE 'consumer' END AS customer_type,
    CASE WHEN NOT is_business AND number % 500 = 117 THEN 1893
        WHEN NOT is_business AND draw(number, 'no birth') > .08 THEN greatest(1930, least(2008, round(
        birth_mean + birth_spread * draw_normal(number, 'birth'))))::BIGINT END AS birth_year,
    CASE WHEN is_business OR draw(number, 'no gender') < .05 THEN NULL WHEN draw(number, 'other') < .01 THEN 'other'
        WHEN is_woman THEN 'woman' ELSE 'man' END AS gender,
    CASE WHEN NOT is_business AND draw(number, 'no education') > .15 THEN CASE WHEN segment IN (2, 3)
        THEN pick(['upper secondary', 'bachelor', 'bachelor', 'master', 'doctorate'], number, 'education')
        ELSE pick(['basic', 'upper secondary',
            'upper secondary', 'bachelor', 'master'], number, 'education') END
        END AS education,
    CASE WHEN NOT is_business AND draw(number, 'no occupation') > .25 THEN CASE segment
        WHEN 4 THEN pick(['retired', 'retired', 'office', 'care', 'self-employed'], number, 'occupation')
        ELSE pick(['office', 'industry', 'care', 'teaching', 'student', 'self-employed'], number, 'occupation') END
        END AS occupation,
    CASE WHEN NOT is_business THEN CASE WHEN has_children
        THEN pick(['married', 'married', 'partner', 'single'], number, 'marital')
        ELSE pick(['single', 'single', 'partner', 'married', 'widowed'], number, 'marital') END END AS marital_status,
    CASE WHEN NOT is_business THEN CASE WHEN has_children THEN 3 + floor(3 * draw(number, 'household'))
        ELSE 1 + floor(2 * draw(number, 'household')) END::BIGINT END AS household_size,
    CASE WHEN NOT is_business THEN CASE WHEN has_children THEN 1 + floor(3 * draw(number, 'household'))
        ELSE 0 END::BIGINT END AS child_count,
    CASE WHEN NOT is_business AND number % 500 = 17 THEN 666666
        WHEN NOT is_business AND draw(number, 'no income') > .2
        THEN greatest(6000, least(400000,
            round(income_median * exp(.35 * draw_normal(number, 'income')) / 100) * 100)) END::BIGINT::VARCHAR AS income,
    CASE WHEN NOT is_business THEN draw(number, 'pets') < CASE WHEN has_children THEN .55 ELSE .3 END END AS has_pets,
    country, region, city, density, latitude, language,
    CASE WHEN is_business THEN
        pick(['accommodation', 'restaurants', 'construction', 'events', 'tourism'], number, 'industry') END AS industry,
    CASE WHEN is_business THEN employees END AS employee_count,
    CASE WHEN is_business THEN
        round(employees * 90000 * exp(.4 * draw_normal(number, 'revenue')) / 1000)::BIGINT * 1000 END AS annual_revenue,
    signed_up_on::VARCHAR AS signed_up_on, source, name_medium(source) AS medium,
    name_campaign(source, signed_up_on) AS campaign, device, operating_system,
    choose_browser(operating_system, number) AS browser,
    CASE WHEN draw(number, 'loyalty') < .45 THEN 'L'
        || lpad((hash(number, getvariable('seed')) % 1000000000000)::VARCHAR, 12, '0') END AS loyalty_card_id,
    consent
FROM named;
