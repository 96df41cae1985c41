-- What customers say: words of tickets and of the survey.

CREATE TABLE ticket_words AS
FROM (VALUES
    ('delivery', 30, ['Where is my parcel? It should have come on Friday.', 'Missä pakettini on?',
        'The parcel came, but one box was missing.', 'Var är mitt paket? Det är försenat.',
        'Kus mu pakk on? Jälgimine ei tööta.']),
    ('returns', 50, ['I sent it back two weeks ago and have not got my money.', 'How do I return a gift?',
        'The return label does not print.', 'Haluan palauttaa reput, väärä väri.']),
    ('product', 20, ['Is the tent waterproof in heavy rain?', 'Does the stove work at -20 °C?',
        'Which sleeping mat suits a hammock?', 'Passar kåpan till modell 2?']),
    ('size', 16, ['The boots are too small, may I change them for 42?', 'Liian iso, vaihto kokoon M?',
        'Do children''s sizes run small?']),
    ('payment', 12, ['My card was charged twice.', 'The app says the payment failed, but I see it.',
        'Kortele nuskaičiuota du kartus.']),
    ('warranty', 96, ['The zip broke after one trip.', 'A pole snapped in the wind, is it covered?',
        'Sulan lukko hajosi.']),
    ('gift_card', 18, ['The gift card''s code does not work.', 'Can I use two gift cards at once?']),
    ('invoice', 40, ['We need the invoice with our VAT number.', 'Please split the invoice by site.',
        'Can we have 30 days to pay?', 'Rēķinā ir nepareiza adrese.'])
) AS t(topic, mean_hours, bodies);

-- Answers 1 (not at all) to 5 (very much); means by segment 1 to 5.
CREATE TABLE scales AS
SELECT row_number() OVER () AS number, * FROM (VALUES
    ('A low price matters to me', [4.0, 2.7, 2.3, 3.9, 3.6]),
    ('I want things that last for years', [3.8, 4.2, 4.6, 3.1, 4.2]),
    ('I choose what harms nature least', [3.3, 4.4, 3.9, 2.8, 2.6]),
    ('I like to own few things', [2.2, 4.5, 2.4, 2.7, 2.5]),
    ('I read about gear before I buy', [3.1, 3.3, 4.8, 1.9, 2.8]),
    ('I need fast delivery', [3.2, 4.1, 2.9, 4.0, 4.6]),
    ('I buy mostly for other people', [3.4, 1.8, 1.5, 4.7, 3.6]),
    ('Time outdoors with my family matters to me', [4.7, 2.4, 3.0, 3.2, 2.3]),
    ('I seek adventure', [3.0, 2.8, 4.6, 1.8, 1.9]),
    ('I want one invoice and one contact person', [1.3, 1.2, 1.2, 1.4, 4.7])
) AS t(question, means);

-- Answers 0 (not at all likely) to 10; means by segment 1 to 5.
CREATE TABLE likelihoods AS
SELECT 14 AS number, 'How likely are you to recommend us to a friend?' AS question,
    [7.7, 8.1, 9.0, 7.2, 8.0] AS means;

CREATE TABLE choices AS
FROM (VALUES
    (11, 'What do you mostly buy from us for?', 1,
        ['Family trips','Family trips','Family trips','Home','Hiking']),
    (11, 'What do you mostly buy from us for?', 2, ['Home','Home','Commuting','Commuting','Hiking']),
    (11, 'What do you mostly buy from us for?', 3, ['Hiking','Hiking','Climbing and skiing','Family trips']),
    (11, 'What do you mostly buy from us for?', 4, ['Gifts','Gifts','Gifts','Home']),
    (11, 'What do you mostly buy from us for?', 5, ['Work','Work','Work','Gifts']),
    (12, 'What nearly stopped you from buying?', 1,
        ['Shipping for big tents costs a lot','Not sure about children''s sizes','Nothing, all was well']),
    (12, 'What nearly stopped you from buying?', 2,
        ['Too much packaging','The delivery time was vague','Ei mikään, tosi helppoa']),
    (12, 'What nearly stopped you from buying?', 3,
        ['The weight was not stated','Few details on the fabric','The pro model was sold out']),
    (12, 'What nearly stopped you from buying?', 4,
        ['Would it come before Christmas?','No gift wrap for big parcels','I did not know the size']),
    (12, 'What nearly stopped you from buying?', 5,
        ['No quote for larger orders','The invoice lacks our reference','Stock is not shown']),
    (13, 'What should we offer more of?', 1, ['Low prices; Gift wrap','Low prices','Long warranty']),
    (13, 'What should we offer more of?', 2, ['Fast delivery','Fast delivery; Long warranty']),
    (13, 'What should we offer more of?', 3, ['Long warranty','Long warranty; Low prices']),
    (13, 'What should we offer more of?', 4, ['Gift wrap','Gift wrap; Low prices','Fast delivery']),
    (13, 'What should we offer more of?', 5, ['One invoice','One invoice; Fast delivery'])
) AS t(number, question, segment, answers);
