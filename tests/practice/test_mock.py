"""Mock interviews: the same seed asks the same, nothing is lost on the way, and the report adds up."""

from __future__ import annotations

import json

import pytest

from core.practice import mock
from core.practice.events import Event
from core.practice.progress import Progress
from lessons import interview

BANK = interview.questions("en")
RUBRICS = {id: len(question.rubric) for id, question in BANK.items()}
TOPICS = {id: question.topic for id, question in BANK.items()}


@pytest.mark.parametrize("role", interview.ROLES)
@pytest.mark.parametrize("level", interview.LEVELS)
def test_a_set_fits_role_and_level_and_is_spread_over_the_topics(role, level):
    found = mock.chosen(BANK.values(), role, level, 8, 1)
    assert len(found) == len(set(found)) == 8
    assert all(role in BANK[id].roles and BANK[id].level <= level for id in found)
    available = {TOPICS[id] for id in RUBRICS if role in BANK[id].roles and BANK[id].level <= level}
    assert len({TOPICS[id] for id in found}) == min(8, len(available))
    first_of = {TOPICS[id]: BANK[id].level for id in reversed(found)}
    for topic, first in first_of.items():  # the asked level comes first, where the topic has it
        levels = {q.level for q in BANK.values() if q.topic == topic and role in q.roles and q.level <= level}
        assert first == max(levels)


def test_the_same_seed_asks_the_same_in_both_languages():
    first = mock.chosen(BANK.values(), "engineer", 2, 8, 7)
    assert first == mock.chosen(interview.questions("zh").values(), "engineer", 2, 8, 7)
    others = [mock.chosen(BANK.values(), "engineer", 2, 8, seed) for seed in range(8, 13)]
    assert all(first != other for other in others)


def test_no_question_is_no_error():
    assert mock.chosen([], "engineer", 1, 5, 0) == []


def kept(progress: Progress, id: str) -> mock.Mock | None:
    return mock.read(progress.events("Ada", "mock", id), RUBRICS)


def test_an_interview_survives_in_the_log_and_two_tabs_lose_nothing(tmp_path):
    progress, other_tab = Progress(tmp_path), Progress(tmp_path)
    ids = mock.chosen(BANK.values(), "engineer", 1, 3, 0)
    progress.add("Ada", "mock", "m", mock.beginning("engineer", 1, ids, 1000.0))
    assert kept(progress, "m") == mock.Mock("m", "engineer", 1, tuple(ids), 1000.0, 6)
    progress.add("Ada", "mock", "m", mock.answered(ids[0], "first"))
    other_tab.add("Ada", "mock", "m", mock.answered(ids[1], "from the other tab"))
    progress.add("Ada", "mock", "m", mock.answered(ids[0], "first, better"))
    other_tab.add("Ada", "mock", "m", mock.moved("mark"))
    progress.add("Ada", "mock", "m", mock.ticked(ids[0], {2, 0}))
    found = kept(progress, "m")
    assert found.answers == {ids[0]: "first, better", ids[1]: "from the other tab"}
    assert found.ticks == {ids[0]: frozenset({0, 2})} and found.stage == "mark"
    elsewhere = Progress(tmp_path / "elsewhere")
    elsewhere.bring("Ada", progress.export("Ada").encode())
    assert kept(elsewhere, "m") == found


def test_the_clock():
    running = mock.Mock("m", "engineer", 1, ("a",), 1000.0, 2)
    assert (
        running.seconds_left(1000.0) == 120 and running.seconds_left(1100.4) == 20 and running.seconds_left(5000) == 0
    )


GOOD = {"role": "engineer", "level": 1, "questions": [next(iter(RUBRICS))], "started": 1.0, "minutes": 6}


@pytest.mark.parametrize(
    "change",
    [
        {"level": 9},
        {"level": "1"},
        {"questions": "abc"},
        {"questions": [1]},
        {"questions": ["gone"]},
        {"started": "now"},
        {"minutes": 10**9},
        {"minutes": None},
        {"role": 1},
    ],
)
def test_an_imported_interview_that_does_not_fit_is_left_out(change):
    assert mock.read([Event("1", "mock", "m", 0, {"state": GOOD})], RUBRICS) is not None
    assert mock.read([Event("1", "mock", "m", 0, {"state": json.loads(json.dumps(GOOD | change))})], RUBRICS) is None


def test_imported_marks_that_do_not_fit_are_left_out():
    id = GOOD["questions"][0]
    states = [
        GOOD,
        {"ticks": [id, [0, 99, "x", -1, True]]},
        {"answer": ["gone", "x"]},
        {"answer": [id, 5]},
        {"stage": "won"},
    ]
    found = mock.read([Event(str(n), "mock", "m", n, {"state": state}) for n, state in enumerate(states)], RUBRICS)
    assert found.ticks == {id: frozenset({0})} and found.answers == {} and found.stage == "answer"


def test_the_report_adds_up_and_names_the_weakest_first():
    ids = mock.chosen(BANK.values(), "researcher", 3, 4, 3)
    whole, half = ids[0], ids[1]
    ticks = {whole: frozenset(range(RUBRICS[whole])), half: frozenset({0})}
    marked = mock.Mock("m", "researcher", 3, tuple(ids), 0.0, 9, {}, ticks, "report")
    found = mock.report(marked, RUBRICS, TOPICS)
    assert found.total == mock.Score(RUBRICS[whole] + 1, sum(RUBRICS[id] for id in ids))
    assert found.by_question[whole].share == 1 and found.by_question[ids[2]].share == 0
    assert whole not in found.study and set(found.study) == set(ids[1:])
    assert found.study[-1] == half
    shares = [score.share for score in found.by_topic.values()]
    assert shares == sorted(shares)
    assert sum(score.possible for score in found.by_topic.values()) == found.total.possible
