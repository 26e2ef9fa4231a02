"""The interview questions: complete in both languages, sourced, every document's question covered, nothing false repeated."""

from __future__ import annotations

import re
from collections import Counter

import pytest

import lessons
from lessons import interview

BANKS = {language: interview.questions(language) for language in lessons.LANGUAGES}
ENGLISH = BANKS["en"]


def test_there_are_at_least_a_hundred_over_all_topics_levels_and_roles():
    assert len(ENGLISH) >= 100 and list(ENGLISH) == list(BANKS["zh"])
    topics = Counter(question.topic for question in ENGLISH.values())
    assert set(topics) == set(interview.TOPICS) and min(topics.values()) >= 4
    assert {question.level for question in ENGLISH.values()} == set(interview.LEVELS)
    assert {role for question in ENGLISH.values() for role in question.roles} == set(interview.ROLES)


def test_every_question_of_the_documents_can_be_found_by_its_number():
    asked = [origin for origin in interview.origins() if "code" not in origin]
    assert len(asked) == 40
    covered = {origin for question in ENGLISH.values() for origin in question.origins}
    assert set(asked) <= covered, sorted(set(asked) - covered)


FALSE = {
    "en": [
        r"RoBERTa[^.]{0,60}\b(2048|more layers)",
        r"ALBERT-base[^.]{0,40}1/18",
        r"(15 %|fifteen per ?cent) of (the |all )?words\b",
        r"multi-?lingual natural language inference",
        r"KL\(z_t ?/ ?T",
    ],
    "zh": [
        r"RoBERTa[^。]{0,30}(更多层|2048)",
        r"15 ?%的单词",
        r"MNLI[^。]{0,10}多语言",
        r"显式蒸馏.{0,10}隐式蒸馏(两种|两类)",
    ],
}
"""What the documents say and is not so (some claims that a pattern can find); a wrong answer may say it."""


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_no_known_mistake_is_told_as_true(language):
    denied = re.compile(r"not|no |never|wrong|instead|myth|rather|不|没有|并非|误|错|而是", re.IGNORECASE)
    for question in BANKS[language].values():
        for part in (question.short, question.full, *question.rubric, *(f.answer for f in question.follow_ups)):
            for sentence in re.split(r"(?<=[.。!?！？\n])\s*", part):
                for claim in FALSE[language]:
                    assert not re.search(claim, sentence) or denied.search(sentence), (question.id, sentence)


def test_follow_ups_are_questions_with_answers():
    for bank in BANKS.values():
        for question in bank.values():
            for follow_up in question.follow_ups:
                assert follow_up.ask.rstrip().endswith(("?", "？", ".", "。")), (question.id, follow_up.ask)
                assert len(follow_up.answer) > 5


def test_the_page_of_a_question_names_it():
    for slug in {question.lab.slug for question in ENGLISH.values()}:
        assert all(question.lab.slug == slug for question in interview.about(slug, "zh"))
    assert len(interview.about("temperature", "en")) >= 5


def test_search_finds_words_in_any_order_and_case():
    found = [question.id for question in ENGLISH.values() if question.contains("SOFTMAX  root")]
    assert found and all(re.search("softmax", str(ENGLISH[id]), re.IGNORECASE) for id in found)
    assert not any(question.contains("no such word anywhere") for question in ENGLISH.values())


@pytest.mark.parametrize(
    ("written", "form"),
    [
        ("000-7", "000-7"),
        ("000-Q07", "000-7"),
        ("001-I3", "001-3"),
        ("001-P1", "001-code1"),
        ("003-code2", "003-code2"),
    ],
)
def test_an_origin_has_one_form(written, form):
    assert interview.origin(written) == form


def good() -> dict:
    def words(count: int) -> str:
        return " ".join(["word"] * count)

    texts = {
        "en": {
            "ask": "Why?",
            "short": words(70),
            "full": words(150),
            "wrong": "So.",
            "wrong_why": "No.",
            "show": "Look.",
        },
        "zh": {
            "ask": "为何？",
            "short": "字" * 120,
            "full": "字" * 300,
            "wrong": "是。",
            "wrong_why": "非。",
            "show": "看。",
        },
    }
    texts["en"] |= {"follow_ups": ["And? — Yes.", "Or? — No."], "rubric": ["one", "two", "three"]}
    texts["zh"] |= {"follow_ups": ["那么？—是。", "还是？——否。"], "rubric": ["一", "二", "三"]}
    facts = {"id": "a-b", "origins": ["000-1"], "level": 1, "roles": ["engineer"], "sources": ["A paper, section 1"]}
    return {**facts, "lab": "temperature?tp_T=4", **texts}


def read(entry: dict) -> interview.InterviewQuestion:
    return interview._question(entry, "attention", "en", interview.FOLDER / "x.toml")


def test_a_good_question_is_read():
    question = read(good())
    assert question.follow_ups[0] == interview.FollowUp("And?", "Yes.")
    assert question.lab == interview.Link("temperature", (("tp_T", "4"),))
    assert question.lab.in_language("zh") == {"tp_T": "4", "lang": "zh"}
    led = read(good() | {"lab": "temperature?tp_T=4#losses"}).lab
    assert led == interview.Link("temperature", (("tp_T", "4"),), "losses")
    assert led.in_language("zh") == {"tp_T": "4", "at": "losses", "lang": "zh"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"id": "Not Kebab"}, "kebab"),
        ({"lab": "temperature?tp_T=4#nowhere"}, "no section 'nowhere'"),
        ({"level": 4}, "level"),
        ({"roles": []}, "roles"),
        ({"roles": ["king"]}, "roles"),
        ({"sources": []}, "source"),
        ({"sources": ["A paper, section 1", "Another 2020"]}, "does not say where: Another 2020"),
        ({"origins": ["000-31"]}, "000-31"),
        ({"origins": ["nonsense"]}, "nonsense"),
        ({"lab": "no-such-page?x=1"}, "no page"),
        ({"lab": "temperature?tp_T"}, "cannot be read"),
        ({"lab": "temperature?lang=en"}, "language"),
        ({"en": {"short": "too short"}}, "'short' has length"),
        ({"zh": {"full": "短"}}, "'full' has length"),
        ({"en": {"ask": "为什么要有这样一个很长的中文问题？"}}, "wrong language"),
        ({"zh": {"ask": "Why?"}}, "wrong language"),
        ({"en": {"ask": "<script>alert(1)</script>"}}, "HTML"),
        ({"en": {"wrong": "a price of $5"}}, "formula"),
        ({"en": {"rubric": ["one", "two"]}}, "'rubric'"),
        ({"en": {"rubric": ["one", "two", "three", "four"]}}, "different lengths"),
        ({"en": {"follow_ups": ["And?", "Or?"]}}, "follow-up"),
        ({"en": {"show": " "}}, "'show' is empty"),
    ],
)
def test_an_incomplete_question_is_refused_with_a_reason(change, said):
    entry = good()
    for key, value in change.items():
        entry[key] = entry[key] | value if isinstance(value, dict) else value
    with pytest.raises(lessons.ContentError, match=re.escape(said)):
        read(entry)


@pytest.mark.parametrize("missing", ["id", "lab", "sources", "zh"])
def test_a_missing_part_is_named(missing):
    entry = good()
    del entry[missing]
    with pytest.raises(lessons.ContentError, match=missing):
        read(entry)


def test_a_file_that_is_no_toml_or_of_no_topic_or_repeats_an_id_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(interview, "FOLDER", tmp_path)
    folder = tmp_path / "questions"
    folder.mkdir()
    (folder / "attention.toml").write_text("[[question]\n")
    with pytest.raises(lessons.ContentError, match=r"attention\.toml"):
        interview.questions.__wrapped__("en")
    (folder / "attention.toml").unlink()
    (folder / "gossip.toml").write_text("")
    with pytest.raises(lessons.ContentError, match="gossip"):
        interview.questions.__wrapped__("en")
