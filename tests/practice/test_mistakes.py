"""Spot the mistake: every program is run, and what it shows is what the page says it shows."""

from __future__ import annotations

import ast
import re

import pytest

import lessons
from core.practice import snippets
from lessons.interview import mistakes as module
from lessons.interview.mistakes import mistakes

ENGLISH, CHINESE = mistakes("en"), mistakes("zh")
BEST = "001-14 003-7 000-12 000-15 002-7 002-9 003-13 003-16 003-17 004-18 004-10 004-3".split()


def test_there_are_at_least_forty_and_the_twelve_best_come_first_and_run():
    assert len(ENGLISH) >= 40 and list(ENGLISH) == list(CHINESE)
    first = list(ENGLISH.values())[:12]
    assert {number for mistake in first for number in mistake.errata} >= set(BEST)
    assert all(mistake.run for mistake in first)


def test_both_languages_ask_the_same():
    for english, chinese in zip(ENGLISH.values(), CHINESE.values(), strict=True):
        assert (english.wrong, english.answer, len(english.lines)) == (
            chinese.wrong,
            chinese.answer,
            len(chinese.lines),
        )
        assert english.title != chinese.title and english.why != chinese.why


def test_the_right_answer_is_not_always_in_one_place():
    places = [mistake.answer for mistake in ENGLISH.values()]
    assert all(places.count(place) > len(places) / 6 for place in range(3))


@pytest.mark.parametrize("id", [id for id, mistake in ENGLISH.items() if mistake.is_code])
def test_a_fix_is_python_and_differs_from_what_was_wrong(id):
    ast.parse(ENGLISH[id].fix)
    assert ENGLISH[id].fix.split("\n") != list(ENGLISH[id].lines)


@pytest.fixture(scope="module")
def outcomes() -> dict[str, snippets.Outcome]:
    """All programs, run one after the other in one real process."""
    runnable = [mistake for mistake in ENGLISH.values() if mistake.run]
    found = snippets.run([mistake.run for mistake in runnable], patience=300)
    return {mistake.id: outcome for mistake, outcome in zip(runnable, found, strict=True)}


@pytest.mark.parametrize("id", [id for id, mistake in ENGLISH.items() if mistake.run])
def test_a_program_shows_what_it_should(id, outcomes):
    outcome = outcomes[id]
    assert re.search(ENGLISH[id].expect, outcome.output + outcome.error), outcome
    if outcome.error:
        assert 1 <= outcome.line <= len(ENGLISH[id].run.split("\n"))


def test_a_program_that_never_ends_is_stopped():
    with pytest.raises(TimeoutError, match="2 seconds"):
        snippets.run(["while True: pass"], patience=2)


def test_a_program_that_takes_its_process_along_is_said():
    with pytest.raises(RuntimeError):
        snippets.run(["import os\nos._exit(3)"])


def test_programs_know_nothing_of_the_server_and_of_each_other(monkeypatch):
    monkeypatch.setenv("A_SECRET", "x")
    found = snippets.run(
        ["import os\nleft = 1\nprint('A_SECRET' in os.environ)", "print('left' in globals())", "1 / 0"]
    )
    assert [outcome.output for outcome in found] == ["False\n", "False\n", ""]
    assert found[2].error == "ZeroDivisionError: division by zero" and found[2].line == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda entry: entry.update(wrong=99),
        lambda entry: entry.update(topic="gossip"),
        lambda entry: entry.update(sources=[]),
        lambda entry: entry.pop("errata"),
        lambda entry: entry["zh"].update(why="Not Chinese."),
        lambda entry: entry["en"].update(choices=["one", "two"]),
        lambda entry: entry["en"].pop("title"),
    ],
)
def test_an_incomplete_mistake_is_refused(damage):
    text = {"title": "T", "choices": ["a", "b", "c"], "why": "W"}
    chinese = {"title": "题", "choices": ["甲", "乙", "丙"], "why": "因"}
    entry = {
        "id": "x",
        "errata": ["1"],
        "topic": "tasks",
        "wrong": 1,
        "sources": ["S"],
        "lines": "a = 1",
        "fix": "a = 2",
    }
    entry |= {"en": text, "zh": chinese}
    assert module._mistake(entry, "en", "here").lines == ("a = 1",)
    damage(entry)
    with pytest.raises(lessons.ContentError, match="here"):
        module._mistake(entry, "en", "here")
