"""Mock interviews: a set of questions for a role and a level, timed, marked by a rubric, and a report of what to study.

An interview is a series of small events (an answer, a tick), so that neither a crash nor a second tab loses one. What was
written last about each question counts.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.practice.events import Event

MINUTES = {1: 2, 2: 3, 3: 4}
"""Minutes for a question of each level."""

WEAK = 0.6
"""Below this share of its points a question goes on the list of those to study."""


class Asked(Protocol):
    """Fields of a question by which one is chosen."""

    id: str
    topic: str
    level: int
    roles: Sequence[str]


def chosen(questions: Iterable[Asked], role: str, level: int, count: int, seed: int) -> list[str]:
    """The questions of an interview: the same for the same arguments.

    They come from as many topics as there are, from the chosen level before the ones below it; none is above it.

    Args:
        role: who is interviewed; only questions that name the role are drawn.
        count: number of questions, or fewer where there are not enough.
    """
    shuffle = random.Random(f"{role}-{level}-{seed}")
    by_topic: dict[str, list[tuple[int, float, str]]] = defaultdict(list)
    for question in questions:
        if role in question.roles and question.level <= level:
            by_topic[question.topic].append((level - question.level, shuffle.random(), question.id))
    topics = sorted(by_topic)
    shuffle.shuffle(topics)
    rounds = [sorted(by_topic[topic]) for topic in topics]
    longest = max(map(len, rounds), default=0)
    in_turn = [topic[place][-1] for place in range(longest) for topic in rounds if place < len(topic)]
    return in_turn[:count]


@dataclass(frozen=True)
class Mock:
    """State of one interview.

    Attributes:
        id: names it in the log.
        role, level: the learner's choice.
        questions: ids, in order.
        started: seconds since 1970.
        minutes: how long it may take.
        answers: what was written to each question.
        ticks: the rubric points (by index) that the learner granted, by question; absent where nothing was marked yet.
        stage: "answer", "mark" or "report".
    """

    id: str
    role: str
    level: int
    questions: tuple[str, ...]
    started: float
    minutes: int
    answers: Mapping[str, str] = field(default_factory=dict)
    ticks: Mapping[str, frozenset[int]] = field(default_factory=dict)
    stage: str = "answer"

    def seconds_left(self, now: float) -> int:
        """Until the time is up; zero when it is."""
        return max(round(self.started + 60 * self.minutes - now), 0)


STAGES = ("answer", "mark", "report")


def beginning(role: str, level: int, questions: Sequence[str], now: float) -> dict[str, Any]:
    """The data of an interview's first event."""
    state = {"role": role, "level": level, "questions": list(questions), "started": now}
    return {"state": state | {"minutes": MINUTES[level] * len(questions)}}


def answered(question: str, text: str) -> dict[str, Any]:
    """The data of the event that keeps an answer."""
    return {"state": {"answer": [question, text]}}


def ticked(question: str, points: Iterable[int]) -> dict[str, Any]:
    """The data of the event that keeps the marks of an answer."""
    return {"state": {"ticks": [question, sorted(points)]}}


def moved(stage: str) -> dict[str, Any]:
    """The data of the event that goes on to another stage."""
    return {"state": {"stage": stage}}


def read(events: Sequence[Event], rubrics: Mapping[str, int]) -> Mock | None:
    """An interview from its events, the oldest first; what does not fit is left out, since a file may come from anywhere.

    Args:
        rubrics: how many points each question's rubric has.

    Returns:
        None if the beginning is missing or none of its questions is left.
    """
    states = [event.data["state"] for event in events]
    first = next((state for state in states if "questions" in state), None)
    if first is None or not _begins(first):
        return None
    questions = tuple(id for id in first["questions"] if id in rubrics)
    if not questions:
        return None
    answers, ticks, stage = {}, {}, "answer"
    for state in states:
        match state:
            case {"answer": [str(id), str(text)]} if id in questions:
                answers[id] = text
            case {"ticks": [str(id), list(points)]} if id in questions:
                ticks[id] = frozenset(point for point in points if type(point) is int and 0 <= point < rubrics[id])
            case {"stage": str(name)} if name in STAGES:
                stage = name
    return Mock(
        events[0].item,
        first["role"],
        first["level"],
        questions,
        first["started"],
        first["minutes"],
        answers,
        ticks,
        stage,
    )


def _begins(state: Mapping[str, Any]) -> bool:
    match state:
        case {
            "role": str(),
            "level": int(level),
            "questions": [*ids],
            "started": int() | float(),
            "minutes": int(minutes),
        }:
            return level in MINUTES and 0 < minutes < 1000 and all(isinstance(id, str) for id in ids)
    return False


@dataclass(frozen=True)
class Score:
    """Points of one question, or of several together."""

    earned: int
    possible: int

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return self.earned / self.possible if self.possible else 0.0


@dataclass(frozen=True)
class Report:
    """Result of a mock interview.

    Attributes:
        total: all points together.
        by_question: in the interview's order.
        by_topic: the weakest first.
        study: questions below `WEAK`, the weakest first.
    """

    total: Score
    by_question: dict[str, Score]
    by_topic: dict[str, Score]
    study: tuple[str, ...]


def report(mock: Mock, rubrics: Mapping[str, int], topics: Mapping[str, str]) -> Report:
    """The report of a marked interview; an answer that was not marked earned nothing."""
    scores = {id: Score(len(mock.ticks.get(id, ())), rubrics[id]) for id in mock.questions}
    grouped: dict[str, list[Score]] = defaultdict(list)
    for id, score in scores.items():
        grouped[topics[id]].append(score)
    together = {topic: _sum(parts) for topic, parts in grouped.items()}
    weakest = dict(sorted(together.items(), key=lambda pair: pair[1].share))
    study = sorted((id for id in scores if scores[id].share < WEAK), key=lambda id: scores[id].share)
    return Report(_sum(scores.values()), scores, weakest, tuple(study))


def _sum(scores: Iterable[Score]) -> Score:
    scores = list(scores)
    return Score(sum(score.earned for score in scores), sum(score.possible for score in scores))
