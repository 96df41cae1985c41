-- Orders, their lines, cancellations and returns.

CREATE TABLE sales AS
WITH usual AS (
    SELECT *, number * 1000 + unnest(range(1, order_count + 1)) AS order_key FROM people
), moments AS (
    SELECT number, customer_id, segment, order_key, joined + (left_at - joined)
        * CASE WHEN draw(order_key, 'regular') < regularity
            THEN (order_key % 1000 - 1 + draw(order_key, 'when')) / order_count
            ELSE draw(order_key, 'when') END AS moment
    FROM usual JOIN traits USING (segment)
), dated AS (
    SELECT number, customer_id, segment, order_key,
        day::TIMESTAMP + to_seconds(CASE WHEN segment = 5 THEN 25000 + 36000 * draw(order_key, 'second')
            ELSE 28000 + 55000 * draw(order_key, 'second') END::BIGINT) AS ordered_at,
        NULL::VARCHAR AS campaign_id
    FROM moments JOIN calendar ON calendar_key = calendar_slot(segment, moment)
    UNION ALL
    SELECT number, customer_id, segment, number * 1000 + 500 + campaign,
        sent_at + to_seconds(floor(14 * 86400 * draw(number * 32 + campaign, 'added'))::BIGINT), campaign_id
    FROM people, campaigns JOIN effects ON TRUE
    WHERE consent AND signed_up_on < sent_at AND campaign <= unsubscribed_in
        AND arm = choose_arm(number, campaign) AND draw(number * 32 + campaign, 'effect') < added_order_probability
), filled AS (
    SELECT number, customer_id, segment, order_key, ordered_at, campaign_id, return_share,
        pick(channels, order_key, 'channel') AS channel,
        CASE WHEN draw(order_key, 'other shelf') < .08 THEN 1 + floor(5 * draw(order_key, 'which shelf'))
            ELSE segment END::INTEGER AS shelf_segment,
        CASE WHEN draw(order_key, 'discount') < discount_share
            THEN pick([.10, .10, .15, .20, .30], order_key, 'rate') ELSE 0 END::DOUBLE AS discount_rate,
        least(15, 1 + floor((.5 - line_mean) / 2
            * (ln(1 - draw(order_key, 'lines')) + ln(1 - draw(order_key, 'more lines')))))::BIGINT AS line_count
    FROM dated JOIN traits USING (segment) WHERE ordered_at < after_last_day()
)
SELECT * EXCLUDE (return_share), CASE
    WHEN ordered_at + INTERVAL 21 DAY >= after_last_day() THEN NULL
    WHEN draw(order_key, 'fate') < .012 THEN 'cancelled'
    WHEN draw(order_key, 'fate') < .012 + return_share THEN 'returned' END AS fate
FROM filled;

CREATE TABLE repeated_lines AS
SELECT * FROM sales WHERE order_key % 1000 = 1 AND number % 7 = 3 ORDER BY order_key
LIMIT (SELECT row_count FROM planted WHERE table_name = 'order_lines' AND rule = 'exact_duplicate');
CREATE TABLE repeated_orders AS
SELECT * FROM sales WHERE order_key % 1000 = 1 AND number % 5 = 2 ORDER BY order_key
LIMIT (SELECT row_count FROM planted WHERE table_name = 'orders' AND rule = 'duplicate_key');

CREATE VIEW documents AS
SELECT order_key, write_order(order_key) AS order_id, customer_id, ordered_at, channel, segment, shelf_segment,
    discount_rate, 1 AS first_line, line_count AS last_line, 1 AS sign, NULL::VARCHAR AS dirt,
    'complete' AS status, campaign_id
FROM sales
UNION ALL
SELECT order_key, 'C' || write_order(order_key), customer_id,
    ordered_at + to_seconds(3600 + floor(90000 * draw(order_key, 'later'))::BIGINT), channel, segment,
    shelf_segment, discount_rate, 1, line_count, -1, NULL, 'cancelled', NULL
FROM sales WHERE fate = 'cancelled'
UNION ALL
SELECT order_key, 'R' || write_order(order_key), customer_id,
    ordered_at + to_seconds(4 * 86400 + floor(16 * 86400 * draw(order_key, 'later'))::BIGINT), channel, segment,
    shelf_segment, discount_rate, 1 + floor(line_count * draw(order_key, 'which line'))::BIGINT,
    1 + floor(line_count * draw(order_key, 'which line'))::BIGINT, -1, NULL, 'returned', NULL
FROM sales WHERE fate = 'returned'
UNION ALL
SELECT order_key, write_order(order_key), customer_id, ordered_at, channel, segment, shelf_segment,
    discount_rate, 1, 1, 1, 'exact_duplicate', NULL, NULL
FROM repeated_lines
UNION ALL
SELECT (getvariable('customers') + stain) * 1000 + 1,
    CASE rule WHEN 'adjustment' THEN 'A' ELSE '' END || write_order((getvariable('customers') + stain) * 1000 + 1),
    CASE WHEN rule <> 'missing_customer' THEN write_any_customer(stain) END,
    CASE rule WHEN 'missing_ordered_at' THEN NULL
        WHEN 'after_as_of' THEN after_last_day() + to_seconds(floor(60 * 86400 * draw(stain, 'when'))::BIGINT)
        ELSE after_last_day() - to_seconds(1 + floor(729 * 86400 * draw(stain, 'when'))::BIGINT) END,
    'web', 4, 1 + floor(5 * draw(stain, 'shelf'))::INTEGER, 0, 1, 1, 1, rule,
    CASE WHEN rule NOT IN ('missing_order_id', 'missing_ordered_at', 'adjustment') THEN 'complete' END, NULL
FROM stains WHERE table_name = 'order_lines' AND rule <> 'exact_duplicate';

CREATE VIEW order_lines AS
WITH listed AS (
    SELECT *, unnest(range(first_line, last_line + 1)) AS line FROM documents
), paired AS (
    SELECT *, order_key * 100 + line AS line_key, line = 2 AND draw(order_key, 'companion') < .35
        AND draw(order_key, 'accessory') >= .06 AS is_companion
    FROM listed
), priced AS (
    SELECT * EXCLUDE (product_id, list_price),
        CASE WHEN is_companion THEN companion_id ELSE product_id END AS product_id,
        CASE WHEN is_companion THEN companion_price ELSE list_price END AS list_price
    FROM paired JOIN shelf
        ON shelf_key = shelf_slot(order_key, CASE WHEN is_companion THEN 1 ELSE line END, shelf_segment)
), counted AS (
    SELECT *, sign * CASE segment
        WHEN 5 THEN ceil(pick([2, 3, 4, 4, 5, 6, 6, 8, 10, 12, 24], line_key, 'quantity') / (1 + list_price / 30))
        WHEN 4 THEN pick([1, 1, 1, 2, 2, 3], line_key, 'quantity')
        WHEN 1 THEN pick([1, 1, 1, 1, 2, 2, 3, 4], line_key, 'quantity')
        ELSE pick([1, 1, 1, 1, 1, 1, 2], line_key, 'quantity') END::BIGINT AS units
    FROM priced
)
SELECT CASE WHEN dirt = 'missing_order_id' THEN NULL ELSE order_id END AS order_id,
    CASE dirt WHEN 'missing_product_id' THEN NULL WHEN 'unknown_product' THEN 'X' || product_id
        WHEN 'non_product' THEN 'POST' ELSE product_id END AS product_id,
    customer_id, ordered_at,
    CASE WHEN dirt = 'missing_quantity' THEN NULL ELSE units END AS quantity,
    CASE dirt WHEN 'missing_unit_price' THEN NULL WHEN 'zero_price' THEN 0. WHEN 'negative_price' THEN -list_price
        WHEN 'non_product' THEN 6.9 ELSE round(list_price * (1 - discount_rate), 2) END::DOUBLE AS unit_price,
    round(units * list_price * discount_rate, 2)::DOUBLE AS discount_amount,
    CASE WHEN dirt = 'currency_differs' THEN 'SEK' ELSE 'EUR' END AS currency,
    channel
FROM counted;
