-- What happens to a request until it is resolved, and what is sold by contract: deals with the
-- businesses of the shop, those that have not bought among them, and contracts that end.

-- Each request is opened at the first line; some are handed on, and some wait for the customer.
-- Times are shares of the time to the resolution, so that they come in order.
CREATE TABLE request_course AS
SELECT order_key, opened_at, resolved_at,
    resolved_at < after_last_day() AND draw(order_key, 'open') >= .02 AS is_resolved,
    epoch(resolved_at - opened_at)::BIGINT AS seconds,
    CASE WHEN topic IN ('warranty', 'invoice') THEN draw(order_key, 'handed on') < .8
        ELSE draw(order_key, 'handed on') < .15 END AS is_handed,
    draw(order_key, 'asked back') < .25 AS is_asked,
    .05 + .3 * draw(order_key, 'first answer') AS answer_share,
    CASE topic WHEN 'warranty' THEN 'repairs' WHEN 'invoice' THEN 'accounts' ELSE 'second line' END AS next_queue
FROM requests;

CREATE VIEW ticket_events AS
WITH steps AS (
    SELECT order_key, opened_at AS moment, 'opened' AS event, 'first line' AS queue, 1 AS step, is_resolved FROM request_course
    UNION ALL
    SELECT order_key, opened_at + to_seconds((seconds * answer_share)::BIGINT), 'answered', 'first line', 2, is_resolved
    FROM request_course
    UNION ALL
    SELECT order_key, opened_at + to_seconds((seconds * (answer_share + .1))::BIGINT), 'waits for the customer',
        'first line', 3, is_resolved FROM request_course WHERE is_asked
    UNION ALL
    SELECT order_key, opened_at + to_seconds((seconds * (answer_share + .3))::BIGINT), 'taken over', next_queue, 4, is_resolved
    FROM request_course WHERE is_handed
    UNION ALL
    SELECT order_key, resolved_at, 'resolved', CASE WHEN is_handed THEN next_queue ELSE 'first line' END, 5, is_resolved
    FROM request_course WHERE is_resolved
    UNION ALL
    SELECT order_key, resolved_at + INTERVAL 30 HOUR, 'reopened', 'first line', 6, is_resolved
    FROM request_course WHERE is_resolved AND draw(order_key, 'came back') < .05
)
SELECT 'T' || write_order(order_key) AS ticket_id, strftime(moment, '%Y-%m-%d %H:%M:%S') AS occurred_at, event, queue
FROM steps WHERE moment < after_last_day()
ORDER BY order_key, step;

CREATE TABLE firms AS
SELECT number, customer_id, order_count,
    pick(['accommodation', 'restaurants', 'construction', 'events', 'tourism'], number, 'industry') AS industry
FROM people WHERE segment = 5;

-- Won deals are decided sooner than lost ones, so that of young deals too many look won.
CREATE TABLE dealings AS
WITH opened AS (
    SELECT number * 8 + n AS deal_key, customer_id, industry,
        first_day() + floor(730 * draw(number * 8 + n, 'deal'))::INTEGER AS opened_on
    FROM firms, range(3) AS t(n)
    WHERE draw(number * 8 + n, 'has deal') < .5
), drawn AS (
    SELECT *, draw(deal_key, 'won') < CASE industry WHEN 'accommodation' THEN .6 ELSE .4 END AS is_won,
        -ln(1 - draw(deal_key, 'deal days')) AS pace
    FROM opened
)
SELECT *, 10 + floor(pace * CASE WHEN is_won THEN 40 ELSE 90 END)::INTEGER AS days,
    round(exp(7.2 + .8 * draw_normal(deal_key, 'deal amount')) / 10) * 10 AS amount
FROM drawn;

CREATE VIEW deals AS
(SELECT 'D' || lpad(deal_key::VARCHAR, 6, '0') AS deal_id, customer_id, opened_on::VARCHAR AS opened_on,
    CASE WHEN opened_on + days < after_last_day()::DATE THEN (opened_on + days)::VARCHAR END AS closed_on,
    CASE WHEN opened_on + days < after_last_day()::DATE THEN CASE WHEN is_won THEN 'won' ELSE 'lost' END
        ELSE 'open' END AS outcome,
    amount, pick(['fair', 'web form', 'telephone', 'recommended'], deal_key, 'deal source') AS source,
    pick(['field sales', 'inside sales'], deal_key, 'deal owner') AS owner_role
FROM dealings ORDER BY deal_key)
UNION ALL
SELECT 'DX' || stain, (SELECT min(customer_id) FROM firms),
    CASE WHEN rule = 'missing_opened_on' THEN NULL ELSE (after_last_day()::DATE - 40)::VARCHAR END, NULL,
    CASE WHEN rule = 'not_allowed_outcome' THEN 'maybe' ELSE 'open' END, 500, 'web form', 'inside sales'
FROM stains WHERE table_name = 'deals';

CREATE VIEW deal_stages AS
WITH steps AS (
    SELECT deal_key, 1 AS step, 'first talk' AS stage, opened_on AS entered_on FROM dealings
    UNION ALL
    SELECT deal_key, 2, 'offer', opened_on + (days * (.2 + .2 * draw(deal_key, 'offer')))::INTEGER FROM dealings
    WHERE is_won OR draw(deal_key, 'left early') >= .3
    UNION ALL
    SELECT deal_key, 3, 'negotiation', opened_on + (days * (.6 + .2 * draw(deal_key, 'negotiation')))::INTEGER
    FROM dealings WHERE is_won OR draw(deal_key, 'left early') >= .7
)
SELECT 'D' || lpad(deal_key::VARCHAR, 6, '0') AS deal_id, entered_on::VARCHAR AS entered_on, stage
FROM steps WHERE entered_on < after_last_day()::DATE ORDER BY deal_key, step;

CREATE VIEW contracts AS
WITH started AS (
    SELECT number * 8 + n AS contract_key, customer_id, industry,
        first_day() + floor(360 * draw(number, 'contract'))::INTEGER + 365 * n::INTEGER AS started_on, n
    FROM firms, range(2) AS t(n)
    WHERE order_count > 0 AND draw(number, 'has contract') < .7
), drawn AS (
    SELECT *, draw(contract_key, 'renews') < CASE industry WHEN 'events' THEN .5 ELSE .8 END AS renews
    FROM started
), kept AS (
    SELECT *, n = 0 OR lag(renews) OVER (PARTITION BY customer_id ORDER BY n) AS is_there FROM drawn
)
SELECT 'K' || lpad(contract_key::VARCHAR, 6, '0') AS contract_id, customer_id, started_on::VARCHAR AS started_on,
    (started_on + 364)::VARCHAR AS ends_on,
    CASE WHEN renews AND started_on + 350 < after_last_day()::DATE THEN (started_on + 350)::VARCHAR END AS renewed_on,
    round(exp(7.6 + .6 * draw_normal(contract_key, 'contract amount')) / 10) * 10 AS amount
FROM kept WHERE is_there AND started_on < after_last_day()::DATE
ORDER BY contract_key;
