-- What few customers said of products in their account: not to recommend it, a rating, a wish.

CREATE VIEW preferences AS
WITH shelf AS (
    SELECT product_id, row_number() OVER (ORDER BY product_id) - 1 AS place FROM stock
), said AS (
    SELECT customer_id, number * 8 + nth AS said_key, signed_up_on,
        draw(number * 8 + nth, 'preference') AS kind
    FROM people, range(3) AS times(nth)
    WHERE draw(number, 'has an account') < .04
)
SELECT customer_id, product_id,
    CASE WHEN kind < .25 THEN true END AS is_ignored,
    CASE WHEN kind BETWEEN .25 AND .6 THEN 1 + floor(5 * draw(said_key, 'rating'))::BIGINT END AS rating,
    CASE WHEN kind > .6 THEN true END AS is_wished,
    signed_up_on + floor((getvariable('until') - signed_up_on) * draw(said_key, 'noted'))::INTEGER AS noted_at
FROM said JOIN shelf
    ON place = floor((SELECT count(*) FROM shelf) * draw(said_key, 'product preferred'))::BIGINT
ORDER BY customer_id, said_key;
