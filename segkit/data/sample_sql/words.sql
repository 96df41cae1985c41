-- Small tables of words and weights from which the sample shop is drawn.
-- Variables: seed (BIGINT), customers (BIGINT), until (DATE, the last day).

-- A number in [0, 1) that depends on the seed, the row and the stream's name, and on nothing else.
CREATE MACRO draw(id, stream) AS
    (hash(xor(id::UBIGINT, hash(getvariable('seed'), stream))) >> 11) / 9007199254740992.0;
CREATE MACRO draw_normal(id, stream) AS
    sqrt(-2 * ln(1 - draw(id, stream || ' radius'))) * cos(2 * pi() * draw(id, stream || ' angle'));
CREATE MACRO pick(options, id, stream) AS
    options[1 + floor(len(options) * draw(id, stream))::INTEGER];
CREATE MACRO first_day() AS getvariable('until') - 729;
CREATE MACRO after_last_day() AS (getvariable('until') + 1)::TIMESTAMP;
CREATE MACRO write_customer(number) AS
    lpad(number::VARCHAR, greatest(5, len(getvariable('customers')::VARCHAR))::INTEGER, '0');
CREATE MACRO write_order(number) AS
    write_customer(number // 1000) || lpad((number % 1000)::VARCHAR, 3, '0');

-- The stains: planted dirt, one row each.
CREATE TABLE stains AS
SELECT table_name, rule, row_number() OVER (PARTITION BY table_name ORDER BY place, n) AS nth,
    row_number() OVER (ORDER BY place, n) AS stain
FROM (SELECT table_name, rule, place, unnest(range(row_count)) AS n FROM planted);
CREATE MACRO write_any_customer(stain) AS write_customer(1 + stain % getvariable('customers'));

-- The true segments. Shares are out of 100 slots; orders are those of two whole years.
CREATE TABLE traits AS
SELECT *, slot_to - slot_from AS share FROM (VALUES
    (1, 'family_campers', 0, 24, 7.5, 4.4, 0.10, 0.2, 0.40, 0.025, 4.0, 0.35, 0.76, 0.06, 0.28,
        ['web','web','web','web','store','store','store','app','app','phone'],
        ['mobile','mobile','desktop','tablet'], ['facebook','google','newsletter','direct'],
        [0.35,0.50,0.15], 1983, 6.0, 58000,
        ['delivery','delivery','returns','product','size']),
    (2, 'city_minimalists', 24, 52, 15.0, 1.3, 0.10, 0.3, 0.15, 0.070, 5.0, 0.42, 0.70, 0.05, 0.25,
        ['app','app','app','app','app','app','web','web','web','store'],
        ['mobile','mobile','mobile','mobile','desktop'], ['instagram','instagram','google','direct'],
        [0.25,0.50,0.25], 1994, 6.0, 46000,
        ['returns','returns','delivery','payment','product']),
    (3, 'gear_enthusiasts', 52, 66, 25.0, 2.0, 0.04, 0.5, 0.20, 0.035, 9.0, 0.60, 0.85, 0.05, 0.40,
        ['web','web','web','web','web','web','app','app','store','store'],
        ['desktop','desktop','mobile'], ['newsletter','direct','youtube','google'],
        [0.04,0.16,0.80], 1986, 10.0, 54000,
        ['product','product','warranty','delivery']),
    (4, 'seasonal_gifters', 66, 92, 3.4, 3.2, 0.25, 0.1, 0.45, 0.030, 1.0, 0.16, 0.55, 0.07, 0.15,
        ['web','web','web','web','web','store','store','store','store','phone'],
        ['desktop','tablet','mobile'], ['google','google','facebook','affiliate'],
        [0.55,0.35,0.10], 1968, 12.0, 43000,
        ['delivery','delivery','gift_card','returns']),
    (5, 'small_businesses', 92, 100, 20.0, 7.5, 0.05, 0.8, 0.55, 0.015, 1.5, 0.30, 0.72, 0.09, 0.30,
        ['web','web','web','phone','phone','phone','e-mail','e-mail','e-mail','e-mail'],
        ['desktop','desktop','desktop','desktop','mobile'], ['direct','direct','newsletter','google'],
        [0.35,0.50,0.15], 1978, 9.0, 0,
        ['invoice','invoice','delivery','product'])
) AS t(segment, true_segment, slot_from, slot_to, order_mean, line_mean, lapse_share, regularity,
    discount_share, return_share, session_mean, open_share, consent_share, ticket_share,
    survey_share, channels, devices, sources, tier_weights, birth_mean, birth_spread,
    income_median, topics);

CREATE TABLE months AS
SELECT segment, unnest(weights) AS weight, generate_subscripts(weights, 1) AS month, weekend_weight
FROM (VALUES
    (1, [.4, .4, .5, .9, 1.5, 2.3, 2.2, 1.2, .6, .5, .6, .9], 1.4),
    (2, [1.1, .9, .9, 1., 1., .9, .8, 1., 1.1, 1., 1.3, 1.2], 1.1),
    (3, [1.2, 1.1, 1., 1.1, 1.2, 1.1, .9, 1.1, 1.2, 1.1, 1.1, .9], 1.3),
    (4, [.2, .4, .3, .5, 1.1, .5, .3, .3, .3, .7, 3., 5.], 1.2),
    (5, [.9, 1., 1.1, 1.1, 1.1, .9, .4, 1., 1.2, 1.1, 1.1, .7], .1)
) AS t(segment, weights, weekend_weight);

CREATE TABLE places AS
FROM (VALUES
    ('FI', 'Helsinki', 'Uusimaa', 'urban', 12, 60.2), ('FI', 'Tampere', 'Pirkanmaa', 'urban', 7, 61.5),
    ('FI', 'Jyväskylä', 'Keski-Suomi', 'suburban', 6, 62.2), ('FI', 'Rovaniemi', 'Lappi', 'rural', 5, 66.5),
    ('SE', 'Stockholm', 'Stockholms län', 'urban', 9, 59.3), ('SE', 'Göteborg', 'Västra Götaland', 'urban', 6, 57.7),
    ('SE', 'Umeå', 'Västerbotten', 'suburban', 4, 63.8), ('SE', 'Åre', 'Jämtland', 'rural', 3, 63.4),
    ('NO', 'Oslo', 'Oslo', 'urban', 2, 59.9), ('NO', 'Tromsø', 'Troms', 'suburban', 2, 69.6),
    ('NO', 'Røros', 'Trøndelag', 'rural', 1, 62.6),
    ('DK', 'København', 'Hovedstaden', 'urban', 5, 55.7), ('DK', 'Århus', 'Midtjylland', 'suburban', 4, 56.2),
    ('DK', 'Ærøskøbing', 'Syddanmark', 'rural', 3, 54.9),
    ('EE', 'Tallinn', 'Harjumaa', 'urban', 7, 59.4), ('EE', 'Tartu', 'Tartumaa', 'suburban', 4, 58.4),
    ('EE', 'Võru', 'Võrumaa', 'rural', 3, 57.8),
    ('LV', 'Rīga', 'Rīga', 'urban', 4, 56.9), ('LV', 'Jūrmala', 'Vidzeme', 'suburban', 2, 57.0),
    ('LV', 'Cēsis', 'Vidzeme', 'rural', 2, 57.3),
    ('LT', 'Vilnius', 'Vilniaus apskritis', 'urban', 4, 54.7),
    ('LT', 'Klaipėda', 'Klaipėdos apskritis', 'suburban', 3, 55.7),
    ('LT', 'Šilutė', 'Klaipėdos apskritis', 'rural', 2, 55.3)
) AS t(country, city, region, density, weight, latitude);

CREATE TABLE people_words AS
FROM (VALUES
    ('FI', 'fi', 'Oy', ['Aino','Päivi','Sanna','Elina','Kaisa'], ['Eero','Väinö','Mikko','Jussi','Antti'],
        ['Virtanen','Mäkinen','Hämäläinen','Koskinen','Järvinen'],
        ['Virtanen','Mäkinen','Hämäläinen','Koskinen','Järvinen']),
    ('SE', 'sv', 'AB', ['Åsa','Elsa','Maja','Ingrid','Linnéa'], ['Björn','Göran','Erik','Nils','Lars'],
        ['Lindström','Sjöberg','Åkesson','Nyström','Berg'],
        ['Lindström','Sjöberg','Åkesson','Nyström','Berg']),
    ('NO', 'nb', 'AS', ['Åshild','Ingrid','Solveig','Kari'], ['Øyvind','Håkon','Lars','Sindre'],
        ['Hansen','Bjørnstad','Ødegård','Nilsen'], ['Hansen','Bjørnstad','Ødegård','Nilsen']),
    ('DK', 'da', 'ApS', ['Freja','Sofie','Søs','Mette'], ['Søren','Jørgen','Mads','Åge'],
        ['Sørensen','Nørgaard','Jensen','Kjær'], ['Sørensen','Nørgaard','Jensen','Kjær']),
    ('EE', 'et', 'OÜ', ['Liis','Õnne','Kadri','Külli'], ['Jüri','Ülo','Märt','Tõnu'],
        ['Tamm','Põder','Kõiv','Mägi'], ['Tamm','Põder','Kõiv','Mägi']),
    ('LV', 'lv', 'SIA', ['Līga','Dzintra','Ilze','Žanete'], ['Jānis','Māris','Andris','Ģirts'],
        ['Bērziņa','Kalniņa','Ozola','Liepiņa'], ['Bērziņš','Kalniņš','Ozols','Liepiņš']),
    ('LT', 'lt', 'UAB', ['Živilė','Rūta','Eglė','Jūratė'], ['Jonas','Šarūnas','Žygimantas','Vytautas'],
        ['Kazlauskienė','Petrauskaitė','Žukauskienė','Butkutė'],
        ['Kazlauskas','Petrauskas','Žukauskas','Butkus'])
) AS t(country, language, company_form, women, men, women_last, men_last);

-- Ten categories of three kinds of product, each in three tiers; affinity by segment 1 to 5.
CREATE TABLE kinds AS
SELECT *, row_number() OVER () - 1 AS kind FROM (VALUES
    ('Tents & shelters', 'Tent', 190, 'Tent pegs', 9, [3.0, .3, 1.8, .2, .3]),
    ('Tents & shelters', 'Tarp', 60, 'Tent pegs', 9, [2.0, .3, 1.8, .2, .5]),
    ('Tents & shelters', 'Hammock', 45, 'Tent pegs', 9, [2.0, 1.0, 1.0, .8, .1]),
    ('Sleeping', 'Sleeping bag', 110, 'Stuff sack', 14, [2.5, .4, 1.8, .3, .2]),
    ('Sleeping', 'Sleeping mat', 55, 'Stuff sack', 14, [2.5, .4, 1.6, .2, .2]),
    ('Sleeping', 'Camp pillow', 18, 'Stuff sack', 14, [2.0, .8, .8, .6, .2]),
    ('Camp kitchen', 'Stove', 65, 'Gas canister', 7, [2.2, .5, 1.8, .4, .2]),
    ('Camp kitchen', 'Camp meal', 8, 'Spork', 4, [3.0, .4, 2.4, .2, .3]),
    ('Camp kitchen', 'Thermos', 28, 'Spork', 4, [1.6, 1.4, 1.0, 1.8, 1.6]),
    ('Packs', 'Backpack', 120, 'Rain cover', 16, [1.2, 1.6, 1.8, .4, .3]),
    ('Packs', 'Day pack', 55, 'Rain cover', 16, [1.4, 2.0, 1.2, .8, .5]),
    ('Packs', 'Travel bag', 75, 'Rain cover', 16, [.8, 2.0, .6, .6, .6]),
    ('Footwear', 'Hiking boots', 140, 'Wool socks', 15, [1.2, .5, 2.2, .2, .6]),
    ('Footwear', 'Trail shoes', 105, 'Wool socks', 15, [.8, 1.4, 2.2, .2, .3]),
    ('Footwear', 'Rubber boots', 48, 'Wool socks', 15, [2.0, .4, .3, .8, 2.2]),
    ('Clothing', 'Rain jacket', 130, 'Wash', 12, [1.4, 1.6, 1.6, .4, 1.2]),
    ('Clothing', 'Base layer', 50, 'Wash', 12, [1.0, 1.2, 2.0, .5, .8]),
    ('Clothing', 'Work jacket', 85, 'Wash', 12, [.2, .2, .1, .1, 4.0]),
    ('Climbing & ski', 'Ski touring set', 390, 'Ski wax', 11, [.3, .2, 2.4, .1, .0]),
    ('Climbing & ski', 'Harness', 70, 'Chalk', 8, [.2, .4, 2.4, .1, .4]),
    ('Climbing & ski', 'Helmet', 80, 'Chalk', 8, [.5, .5, 2.0, .2, .9]),
    ('Lighting', 'Head lamp', 42, 'Batteries', 6, [1.4, .8, 2.0, 1.2, 2.0]),
    ('Lighting', 'Lantern', 32, 'Batteries', 6, [1.6, 1.0, .6, 2.2, 1.2]),
    ('Lighting', 'Candle', 12, 'Matches', 3, [.6, 2.2, .2, 3.0, 2.2]),
    ('Home textiles', 'Wool blanket', 70, 'Gift box', 5, [.8, 1.8, .2, 2.8, 1.4]),
    ('Home textiles', 'Towel', 24, 'Gift box', 5, [.9, 2.0, .4, 2.0, 3.4]),
    ('Home textiles', 'Cushion', 35, 'Gift box', 5, [.5, 2.0, .1, 2.2, 1.2]),
    ('Kitchen', 'Knife', 55, 'Sharpener', 13, [.7, 1.6, 1.0, 2.2, 1.4]),
    ('Kitchen', 'Cutting board', 38, 'Sharpener', 13, [.5, 1.8, .2, 2.4, 1.6]),
    ('Kitchen', 'Mug', 14, 'Gift box', 5, [1.0, 1.6, .5, 3.2, 4.0])
) AS t(category, noun, price, companion, companion_price, affinity);

CREATE TABLE tiers AS
FROM (VALUES (1, 'Kivi', .6), (2, 'Fjellø', 1.), (3, 'Ålesta', 1.75)) AS t(tier, brand, factor);

CREATE TABLE campaigns AS
SELECT n AS campaign, strftime(first_day() + (15 + 30 * n)::INTEGER, 'CMP-%Y-%m-%d') AS campaign_id,
    (first_day() + (15 + 30 * n)::INTEGER)::TIMESTAMP + INTERVAL 9 HOUR AS sent_at
FROM range(24) t(n);

-- What a message does: the probability that it adds an order within the 14 days after it.
CREATE TABLE effects AS
FROM (VALUES ('segmented', .045::DOUBLE), ('unsegmented', .015), ('control', 0))
    AS t(arm, added_order_probability);

-- What a visitor does in one visit; 'other' is the view of a second product.
CREATE TABLE paths AS
SELECT steps, unnest(range(slot_from, slot_to)) AS slot FROM (VALUES
    (['visit'], 0, 18), (['visit', 'view'], 18, 38), (['visit', 'other', 'view'], 38, 60),
    (['visit', 'view', 'wish'], 60, 72), (['visit', 'other', 'view', 'cart'], 72, 86),
    (['ad_click', 'visit', 'view'], 86, 94), (['visit', 'form'], 94, 97),
    (['visit', 'view', 'signup'], 97, 100)
) AS t(steps, slot_from, slot_to);
