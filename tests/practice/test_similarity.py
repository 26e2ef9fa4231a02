"""The hint separates points that an answer holds from points that it lacks, as well as its page says; and no better."""

from __future__ import annotations

import random

import pytest

from core.engine import ENGINE, default_setting
from core.practice import similarity
from lessons import interview


def auc(present: list[float], absent: list[float]) -> float:
    """How often a point that is there scores higher than one that is not."""
    wins = sum((a > b) + 0.5 * (a == b) for a in present for b in absent)
    return wins / (len(present) * len(absent))


def pairs(
    language: str, count: int | None = None
) -> list[tuple[interview.InterviewQuestion, interview.InterviewQuestion]]:
    """Each question with another one of its topic."""
    bank = list(interview.questions(language).values())
    draw = random.Random(0)
    found = [(q, draw.choice([o for o in bank if o.topic == q.topic and o.id != q.id])) for q in bank]
    draw.shuffle(found)
    return found[:count]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_words_in_common_tell_said_from_missing(language):
    others = [f"{q.short} {q.full}" for q in interview.questions(language).values()]
    present, absent, left_out = [], [], []
    for question, other in pairs(language, 40):
        present += similarity.word_scores(question.full, question.rubric, others)
        absent += similarity.word_scores(other.full, question.rubric, others)
        for place, point in enumerate(question.rubric):
            rest = " ".join(text for index, text in enumerate(question.rubric) if index != place)
            left_out += similarity.word_scores(rest, [point], others)
    assert 0.85 < auc(present, absent) < 0.98 and 0.8 < auc(present, left_out) < 0.98


def test_sentence_vectors_of_the_teacher_tell_less_but_something():
    setting = default_setting()
    present, absent = [], []
    for question, other in pairs("en", 2):
        present += similarity.vector_scores(ENGINE, setting, setting.teacher, question.short, question.rubric)
        absent += similarity.vector_scores(ENGINE, setting, setting.teacher, other.short, question.rubric)
    assert auc(present, absent) > 0.5
    assert all(-1 <= score <= 1.0001 for score in present + absent)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_copied_is_found_and_what_is_absent_is_missing(language):
    setting = default_setting()
    question = interview.questions(language)["why-scale-by-root-dk"]
    others = [q.full for q in interview.questions(language).values()]

    def hints(answer: str) -> list[str]:
        return similarity.hints(ENGINE, setting, setting.teacher, answer, question.rubric, others, language)

    said = hints(question.rubric[0])
    assert said[0] == "found" and len(said) == len(question.rubric)
    nothing = {"en": "I like long walks on the beach.", "zh": "我喜欢在海边散步，今天天气很好。"}[language]
    assert set(hints(nothing)) == {"missing"}


@pytest.mark.parametrize("answer", ["", "   ", "?", "\x00", "🎉 <b>", "word " * 5000])
def test_strange_answers_are_no_error(answer):
    setting = default_setting()
    found = similarity.hints(ENGINE, setting, setting.teacher, answer, ["one point", "𝛼"], ["text"], "en")
    assert len(found) == 2


def test_a_chinese_answer_never_asks_the_english_model():
    assert similarity.method("zh") == "words" and similarity.method("en") == "both"
    assert similarity.hints(None, None, "", "注意力权重", ["注意力权重"], ["别的文本"], "zh") == ["found"]
