-- Orders as documents, and every contact besides: visits, messages, tickets, the survey.

CREATE VIEW orders AS
SELECT order_id, customer_id, ordered_at, channel, status, campaign_id, 'EUR' AS currency,
    CASE WHEN sign < 0 OR channel = 'store' THEN 0. WHEN segment = 5 THEN 12.9 ELSE 4.9 END::DOUBLE AS shipping_amount
FROM documents WHERE status IS NOT NULL
UNION ALL
SELECT CASE rule WHEN 'missing_order_id' THEN NULL
        ELSE write_order((getvariable('customers') + stain) * 1000 + 1) END,
    write_any_customer(stain), after_last_day() - INTERVAL 9 DAY, 'web', 'complete', NULL, 'EUR',
    CASE WHEN rule = 'out_of_range_shipping_amount' THEN -4.9 ELSE 4.9 END
FROM stains WHERE table_name = 'orders' AND rule <> 'duplicate_key'
UNION ALL
SELECT write_order(order_key), customer_id, ordered_at, 'phone', 'complete', NULL, 'EUR', 0. FROM repeated_orders;

-- Which campaigns each customer bought within 14 days of, as bits.
CREATE TABLE conversions AS
SELECT number AS buyer, bit_or(1::BIGINT << campaign) AS bought_in
FROM (SELECT number, campaign FROM sales, campaigns
    WHERE campaign = epoch(ordered_at - first_day()::TIMESTAMP - INTERVAL '15 days 9 hours')::BIGINT // (30 * 86400)
        AND ordered_at >= sent_at AND ordered_at < sent_at + INTERVAL 14 DAY)
GROUP BY number;

CREATE VIEW messages AS
WITH sent AS (
    SELECT number, number * 32 + campaign AS message_key, customer_id, sent_at, campaign_id, open_share,
        choose_arm(number, campaign) AS arm, campaign = unsubscribed_in AS unsubscribed,
        coalesce((bought_in >> campaign) & 1, 0) = 1 AS converted
    FROM people JOIN traits USING (segment) LEFT JOIN conversions ON number = buyer, campaigns
    WHERE consent AND signed_up_on < sent_at AND campaign <= unsubscribed_in
), reached AS (
    SELECT *, draw(message_key, 'bounced') < .02 AND NOT unsubscribed AS bounced,
        unsubscribed OR draw(message_key, 'opened')
            < open_share * CASE arm WHEN 'segmented' THEN 1.25 ELSE 1 END AS would_open
    FROM sent
), answered AS (
    SELECT *, CASE WHEN arm <> 'control' THEN would_open AND NOT bounced END AS opened,
        CASE WHEN arm <> 'control' THEN would_open AND NOT bounced
            AND draw(message_key, 'clicked') < CASE arm WHEN 'segmented' THEN .3 ELSE .2 END END AS clicked
    FROM reached
)
SELECT customer_id, sent_at, campaign_id, CASE WHEN arm <> 'control' THEN 'e-mail' END AS channel, arm,
    opened, clicked,
    CASE WHEN arm <> 'control' THEN bounced END AS bounced,
    CASE WHEN arm <> 'control' THEN unsubscribed END AS unsubscribed,
    CASE WHEN arm <> 'control' THEN opened AND draw(message_key, 'spam') < .002 END AS reported_spam,
    converted,
    -- One open in eight without a click is a scanner's, within seconds.
    CASE WHEN opened THEN 1 + floor(-1.2 * ln(1 - draw(message_key, 'opens')))::BIGINT
        WHEN arm <> 'control' THEN 0 END AS open_count,
    CASE WHEN clicked THEN 1 + floor(-.8 * ln(1 - draw(message_key, 'clicks')))::BIGINT
        WHEN arm <> 'control' THEN 0 END AS click_count,
    CASE WHEN opened THEN sent_at + to_seconds((CASE WHEN NOT clicked AND draw(message_key, 'machine') < .125
        THEN 1 + floor(4 * draw(message_key, 'seconds'))
        ELSE 60 - floor(18000 * ln(1 - draw(message_key, 'seconds'))) END)::BIGINT) END AS opened_at
FROM answered
UNION ALL
SELECT CASE rule WHEN 'missing_customer_id' THEN NULL ELSE write_any_customer(stain) END,
    CASE rule WHEN 'missing_sent_at' THEN NULL WHEN 'after_as_of' THEN after_last_day() + INTERVAL 5 DAY
        ELSE after_last_day() - to_seconds(400000 + stain) END,
    'CMP-test', 'e-mail', 'unsegmented', FALSE, FALSE, FALSE, FALSE, FALSE, FALSE, 0, 0, NULL
FROM stains WHERE table_name = 'messages';

-- Visits: of buyers, of customers who looked around, of people nobody knows.
CREATE VIEW visits AS
SELECT order_key * 8 + 1 AS visit_key, order_key AS wanted, customer_id, segment, shelf_segment,
    ordered_at - INTERVAL 20 MINUTE AS started_at,
    CASE WHEN channel = 'app' THEN ['mobile'] ELSE ['desktop', 'desktop', 'mobile'] END AS devices,
    ['newsletter', 'direct', 'google', 'direct'] AS sources,
    ['visit', 'other', 'view', 'cart', 'checkout'] AS steps
FROM sales WHERE channel IN ('web', 'app') AND draw(order_key, 'tracked') < .25
UNION ALL
SELECT visit_key, visit_key, customer_id, segment, segment,
    day::TIMESTAMP + to_seconds(22000 + floor(60000 * draw(visit_key, 'second'))::BIGINT), devices, sources, steps
FROM (SELECT *, (number * 1000 + unnest(range(session_count))) * 8 + 2 AS visit_key
    FROM people JOIN traits USING (segment))
JOIN calendar ON calendar_key = calendar_slot(segment,
    joined + (left_at - joined) * draw(visit_key, 'moment'))
JOIN paths ON slot = floor(100 * draw(visit_key, 'path'))::BIGINT
UNION ALL
SELECT visit_key, visit_key, NULL, 2, 1 + floor(5 * draw(visit_key, 'segment'))::INTEGER,
    day::TIMESTAMP + to_seconds(22000 + floor(60000 * draw(visit_key, 'second'))::BIGINT),
    ['mobile', 'mobile', 'desktop'], ['google', 'instagram', 'facebook', 'direct'], steps
FROM (SELECT n * 8 + 3 AS visit_key FROM range(getvariable('customers') * 6 // 10) r(n))
JOIN calendar ON calendar_key = calendar_slot(2, draw(visit_key, 'moment'))
JOIN paths ON slot = floor(100 * draw(visit_key, 'path'))::BIGINT;

CREATE VIEW events AS
WITH described AS (
    SELECT *, pick(devices, visit_key, 'device') AS device, pick(sources, visit_key, 'source') AS source,
        choose_system(pick(devices, visit_key, 'device'), visit_key) AS operating_system
    FROM visits
), stepped AS (
    SELECT *, unnest(steps) AS step, unnest(range(len(steps))) AS place FROM described
)
SELECT customer_id,
    started_at + to_seconds((place * 90 + floor(80 * draw(visit_key * 8 + place, 'pause')))::BIGINT) AS occurred_at,
    CASE WHEN step = 'other' THEN 'view' ELSE step END AS event_type,
    'S' || visit_key AS session_id,
    CASE WHEN step IN ('view', 'other', 'cart', 'wish', 'checkout') THEN product_id END AS product_id,
    CASE WHEN device = 'mobile' AND draw(visit_key, 'app') < .6 THEN 'app' ELSE 'web' END AS channel,
    device, operating_system, choose_browser(operating_system, visit_key) AS browser,
    source, name_medium(source) AS medium, name_campaign(source, started_at::DATE) AS campaign
FROM stepped JOIN shelf
    ON shelf_key = shelf_slot(wanted, CASE WHEN step = 'other' THEN 3 ELSE 1 END, shelf_segment)
UNION ALL
SELECT NULL, CASE rule WHEN 'missing_occurred_at' THEN NULL WHEN 'after_as_of' THEN after_last_day() + INTERVAL 3 DAY
        ELSE after_last_day() - INTERVAL 3 DAY END,
    CASE WHEN rule = 'missing_event_type' THEN NULL ELSE 'visit' END,
    'D' || stain, NULL, 'web', 'desktop', 'Windows', 'Edge', 'direct', 'none', NULL
FROM stains WHERE table_name = 'events';

CREATE TABLE requests AS
WITH asked AS (
    SELECT order_key, customer_id, opened_at, topic, mean_hours, bodies, segment,
        -mean_hours * ln(1 - draw(order_key, 'hours')) AS hours
    FROM (SELECT order_key, customer_id, segment, ticket_share, fate, pick(topics, order_key, 'topic') AS chosen,
            ordered_at + to_seconds(7200 + floor(10 * 86400 * draw(order_key, 'asked'))::BIGINT) AS opened_at
        FROM sales JOIN traits USING (segment))
    JOIN ticket_words ON topic = chosen
    WHERE draw(order_key, 'ticket') < ticket_share * CASE WHEN fate IS NULL THEN 1 ELSE 2 END
        AND opened_at < after_last_day()
)
SELECT *, opened_at + to_seconds((600 + 3600 * hours)::BIGINT) AS resolved_at FROM asked;
CREATE TABLE repeated_requests AS
FROM requests ORDER BY order_key
LIMIT (SELECT row_count FROM planted WHERE table_name = 'tickets' AND rule = 'duplicate_key');

CREATE VIEW tickets AS
SELECT 'T' || write_order(order_key) AS ticket_id,
    CASE WHEN draw(order_key, 'unknown sender') >= .04 THEN customer_id END AS customer_id,
    strftime(opened_at, '%Y-%m-%d %H:%M:%S') AS opened_at,
    CASE WHEN resolved_at < after_last_day() AND draw(order_key, 'open') >= .02
        THEN strftime(resolved_at, '%Y-%m-%d %H:%M:%S') END AS resolved_at,
    topic, CASE segment WHEN 5 THEN pick(['phone', 'e-mail'], order_key, 'asked by')
        ELSE pick(['e-mail', 'web', 'web', 'phone'], order_key, 'asked by') END AS channel,
    pick(bodies, order_key, 'body') AS body,
    CASE WHEN resolved_at < after_last_day() AND draw(order_key, 'rated') < .6 THEN greatest(1, least(5,
        round(4.6 - hours / 40 + .8 * draw_normal(order_key, 'rating'))))::BIGINT END AS satisfaction
FROM requests
UNION ALL
SELECT CASE rule WHEN 'missing_ticket_id' THEN NULL
        ELSE 'T' || write_order((getvariable('customers') + stain) * 1000 + 1) END,
    write_any_customer(stain),
    CASE rule WHEN 'missing_opened_at' THEN NULL WHEN 'not_a_date_opened_at' THEN 'last Friday'
        WHEN 'after_as_of' THEN strftime(after_last_day() + INTERVAL 2 DAY, '%Y-%m-%d %H:%M:%S')
        ELSE strftime(after_last_day() - INTERVAL 20 DAY, '%Y-%m-%d %H:%M:%S') END,
    NULL, 'delivery', 'e-mail', 'Where is my parcel?',
    CASE WHEN rule = 'out_of_range_satisfaction' THEN 9 END
FROM stains WHERE table_name = 'tickets' AND rule NOT IN ('duplicate_key', 'malformed_line')
UNION ALL
SELECT 'T' || write_order(order_key), customer_id, strftime(opened_at, '%Y-%m-%d %H:%M:%S'), NULL, topic, 'phone',
    'I wrote about this before.', NULL
FROM repeated_requests;

CREATE VIEW responses AS
WITH asked AS NOT MATERIALIZED (
    SELECT number, customer_id, segment,
        (getvariable('until') - 120)::TIMESTAMP
            + to_seconds(floor(21 * 86400 * draw(number, 'answered'))::BIGINT) AS answered_at
    FROM people JOIN traits USING (segment)
    WHERE draw(number, 'survey') < survey_share AND signed_up_on < getvariable('until') - 120
), answers AS (
    SELECT asked.* EXCLUDE (number), asked.number * 16 + scales.number AS answer_key, question,
        greatest(1, least(5, round(means[segment] + .35 * draw_normal(asked.number, 'style')
            + .85 * draw_normal(asked.number * 16 + scales.number, 'answer'))))::INTEGER::VARCHAR AS answer
    FROM asked, scales
    UNION ALL
    SELECT asked.* EXCLUDE (number), asked.number * 16 + likelihoods.number, question,
        greatest(0, least(10, round(means[segment] + .35 * draw_normal(asked.number, 'style')
            + 1.7 * draw_normal(asked.number * 16 + likelihoods.number, 'answer'))))::INTEGER::VARCHAR
    FROM asked, likelihoods
    UNION ALL
    SELECT asked.* EXCLUDE (number), asked.number * 16 + choices.number, question,
        pick(answers, asked.number * 16 + choices.number, 'answer')
    FROM asked JOIN choices USING (segment)
)
SELECT customer_id, question, CASE WHEN draw(answer_key, 'skipped') >= .03 THEN answer END AS answer,
    'Needs and values' AS survey, strftime(answered_at, '%Y-%m-%d %H:%M:%S') AS answered_at
FROM answers
UNION ALL
SELECT write_any_customer(stain),
    CASE WHEN rule = 'missing_question' THEN NULL ELSE 'I seek adventure' END, '3', 'Needs and values',
    CASE rule WHEN 'not_a_date_answered_at' THEN '31.11.2025' WHEN 'after_as_of'
        THEN strftime(after_last_day() + INTERVAL 1 DAY, '%Y-%m-%d %H:%M:%S')
        ELSE strftime(after_last_day() - INTERVAL 99 DAY, '%Y-%m-%d %H:%M:%S') END
FROM stains WHERE table_name = 'responses';

CREATE VIEW customers AS
SELECT * EXCLUDE (number) FROM people_described
UNION ALL
SELECT described.* EXCLUDE (number) REPLACE (
    CASE rule WHEN 'missing_customer_id' THEN NULL WHEN 'duplicate_key' THEN customer_id
        ELSE write_customer(getvariable('customers') + nth) END AS customer_id,
    'Moved away' AS city, 'moved' || stain || '@example.com' AS email,
    CASE WHEN rule = 'not_allowed_customer_type' THEN 'robot' ELSE customer_type END AS customer_type,
    CASE WHEN rule = 'not_a_number_income' THEN 'plenty' ELSE '40000' END AS income, NULL AS birth_year,
    CASE WHEN rule = 'not_a_date_signed_up_on' THEN '2025-02-31' ELSE signed_up_on END AS signed_up_on)
FROM people_described AS described JOIN stains ON number = nth AND table_name = 'customers';
