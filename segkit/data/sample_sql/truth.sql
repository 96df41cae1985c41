-- What only tests and lessons may read: counts of dirt that depend on what was drawn, and of rows
-- that fall to two rules.
INSERT INTO planted BY NAME
SELECT 'order_lines' AS table_name, 'cancellation' AS rule,
    coalesce(sum(line_count) FILTER (fate = 'cancelled'), 0)::BIGINT AS row_count FROM sales
UNION ALL BY NAME
SELECT 'order_lines' AS table_name, 'return' AS rule,
    count(*) FILTER (fate = 'returned') AS row_count FROM sales
UNION ALL BY NAME
SELECT 'order_lines' AS table_name, 'unknown_order' AS rule, sum(row_count)::BIGINT AS row_count
FROM planted WHERE table_name = 'order_lines'
    AND rule IN ('adjustment', 'missing_ordered_at', 'after_as_of')
UNION ALL BY NAME
SELECT 'orders' AS table_name, 'after_as_of' AS rule, row_count
FROM planted WHERE table_name = 'order_lines' AND rule = 'after_as_of'
UNION ALL BY NAME
SELECT 'customers' AS table_name, 'unusual_income' AS rule, count(*) AS row_count
FROM people WHERE segment <> 5 AND number % 500 = 17
UNION ALL BY NAME
SELECT 'customers' AS table_name, 'unusual_birth_year' AS rule, count(*) AS row_count
FROM people WHERE segment <> 5 AND number % 500 = 117
UNION ALL BY NAME
SELECT table_name, 'duplicate_key_differs' AS rule, row_count
FROM planted WHERE rule = 'duplicate_key';

CREATE TABLE known_effects AS SELECT json_object(
    'added_order_probability',
    (SELECT map(list(arm), list(added_order_probability)) FROM effects),
    'days', 14,
    'white_space', json_object('country', 'NO', 'category', 'Climbing & ski'),
    'companions',
    (SELECT map(list(a.product_id ORDER BY a.product_id), list(b.product_id ORDER BY a.product_id))
        FROM stock AS a JOIN stock AS b ON b.aisle = 15 AND b.companion = a.companion
        WHERE a.aisle < 15)
)::VARCHAR AS content;
