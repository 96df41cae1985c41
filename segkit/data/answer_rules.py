"""Answers of a survey that the plan's scales and choices cannot read."""

from __future__ import annotations

from collections.abc import Sequence

from segkit.core.errors import SegkitError, suggest_name
from segkit.data.columns import Source, text_literal
from segkit.data.notices import MOST_VALUES, Notice, list_values
from segkit.plan.bases import ChoiceQuestion, Scale
from segkit.plan.models import Plan

NUMBER = "[-+]?[0-9]+([.][0-9]+)?"
MOST_QUESTIONS = 200  # are listed to look for one of another spelling
# Of the answers to one question: if more than this cannot be read, the scale is another.
MOST_UNREADABLE = 0.5


def judge_answers(source: Source, plan: Plan) -> list[Notice]:
    """Tell what of the answers the plan's scales and choices cannot read.

    Raises
    ------
    SegkitError
        If nobody was asked a question that the plan names, or most of the answers to one of a
        scale cannot be read.
    """
    if not {"question", "answer"} <= set(source.columns):
        return []
    _refuse_unasked(source, plan)
    told = []
    for scale in plan.scales:
        told += _judge_scale(source, scale)
    for choice in plan.choices:
        if choice.options:
            told += _judge_choice(source, choice)
    return told


def _refuse_unasked(source: Source, plan: Plan) -> None:
    """Raise a fault for the first question of the plan that no row has."""
    wanted = [question for scale in plan.scales for question in scale.questions]
    wanted += [choice.question for choice in plan.choices]
    if not wanted:
        return
    rows = source.con.execute(
        f"""SELECT question FROM checked_{source.name} WHERE NOT is_rejected
        GROUP BY question ORDER BY count(*) DESC, question LIMIT {MOST_QUESTIONS}"""
    ).fetchall()
    asked = [question for (question,) in rows]
    for question in wanted:
        if question in asked or (len(asked) == MOST_QUESTIONS and _is_asked(source, question)):
            continue
        raise SegkitError(
            f"nobody was asked the question '{question}' that the plan names",
            where=source.locate("question"),
            found=", ".join(repr(one) for one in asked[:MOST_VALUES]),
            fix=suggest_name(question, asked) or "Spell it as the table does.",
        )


def _is_asked(source: Source, question: str) -> bool:
    query = f"SELECT 1 FROM checked_{source.name} WHERE question = ? AND NOT is_rejected LIMIT 1"
    return bool(source.con.execute(query, [question]).fetchall())


def _judge_scale(source: Source, scale: Scale) -> list[Notice]:
    """Tell of answers to a scale's questions that are no numbers within its ends."""
    number = f"TRY_CAST(CASE WHEN regexp_full_match(trim(answer), '{NUMBER}') THEN answer END"
    is_read = f"coalesce({number} AS DOUBLE) BETWEEN {scale.lowest} AND {scale.highest}, false)"
    rows = _list_unread(source, scale.questions, is_read)
    for question, bad, all_count, found in rows:
        if bad > MOST_UNREADABLE * all_count:
            raise SegkitError(
                f"most answers to '{question}' are no numbers from {scale.lowest:g} to "
                f"{scale.highest:g}, as scale '{scale.name}' wants them: {bad:,} of {all_count:,}",
                where=source.locate("answer"),
                found=found,
                fix=(
                    "Set lowest and highest of the scale, give the answers as numbers, or say "
                    f"which words mean nothing: unknown = [...] under [tables.{source.name}]."
                ),
            )
    bad_count = sum(bad for _, bad, *_ in rows)
    if not bad_count:
        return []
    found = "; ".join(found for _, bad, _, found in rows if bad)
    limits = f"{scale.lowest:g} to {scale.highest:g}"
    return [
        Notice(
            f"unreadable_{scale.feature}",
            "warning",
            bad_count,
            reason=f"An answer to a question of scale {scale.name} is no number from {limits}.",
            treatment="Who gave it has no score of the scale, unless another answer can be read.",
            found=found,
        )
    ]


def _judge_choice(source: Source, choice: ChoiceQuestion) -> list[Notice]:
    """Tell of answers in which none of a question's options is named."""
    mark = text_literal(choice.separator)
    options = ", ".join(text_literal(option) for option in choice.options.values())
    parts = f"[trim(part) FOR part IN string_split(answer, {mark})]"
    rows = _list_unread(source, [choice.question], f"list_has_any({parts}, [{options}])")
    return [
        Notice(
            f"no_option_{choice.base}_{choice.name}",
            "warning" if bad > MOST_UNREADABLE * all_count else "note",
            bad,
            reason=f"An answer to the question of choice {choice.name} names none of its options.",
            treatment="Counts as no to each of the options.",
            found=found,
        )
        for _, bad, all_count, found in rows
        if bad
    ]


def _list_unread(
    source: Source, questions: Sequence[str], is_read: str
) -> list[tuple[str, int, int, str]]:
    """Return each question with its unread and all answers, and those unread as found."""
    listed = ", ".join(text_literal(question) for question in questions)
    rows = source.con.execute(
        f"""SELECT question, trim(answer) AS answer, {is_read} AS is_read, count(*) AS count
        FROM checked_{source.name}
        WHERE NOT is_rejected AND trim(answer) <> '' AND question IN ({listed})
        GROUP BY ALL ORDER BY count DESC, answer"""
    ).fetchall()
    found = []
    for question in questions:
        own = [row for row in rows if row[0] == question]
        unread = [(answer, count) for _, answer, is_one, count in own if not is_one]
        bad = sum(count for _, count in unread)
        all_count = sum(row[3] for row in own)
        found.append((question, bad, all_count, list_values(unread)))
    return found
