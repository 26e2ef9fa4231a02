"""The course: each lesson describes itself once, and this finds and orders them.

[lesson.slug for lesson in course()]          # "self_attention", "positional_encoding", ...
after("self_attention")                       # the next lesson

A lesson is four folders of one name, `core/labs/<slug>`, `pages/<slug>`, `lessons/<slug>` and `tests/labs/<slug>`, and
`core/labs/<slug>/__init__.py` holds its `LESSON`. Nothing else lists the lessons: a new one is four new folders.
"""

from __future__ import annotations

import heapq
import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LABS = Path(__file__).parent / "labs"
"""The folder of the lessons' own folders."""

GROUPS = ("course", "distilling")
"""The parts of the course, in their order; the labels of `lessons/common` name them."""


@dataclass(frozen=True)
class Lesson:
    """One lesson of the course.

    Attributes:
        slug: the name of its four folders.
        group: one of `GROUPS`.
        icon: a Material symbol, as Streamlit writes it.
        minutes: a learner's time for all of its labs.
        needs: slugs of the lessons that it builds on.
        leads_to: slug of the lesson to go on with; empty for none.

    Raises:
        ValueError: the group is unknown, or a lesson needs or leads to itself.
    """

    slug: str
    group: str
    icon: str
    minutes: int
    needs: tuple[str, ...] = ()
    leads_to: str = ""

    def __post_init__(self) -> None:
        if self.group not in GROUPS:
            raise ValueError(f"{self.slug}: the group is one of {', '.join(GROUPS)}, not {self.group!r}.")
        if self.slug in (*self.needs, self.leads_to):
            raise ValueError(f"{self.slug} cannot come before itself.")


@cache
def course() -> tuple[Lesson, ...]:
    """All lessons, each after those that it needs and those that lead to it.

    Raises:
        ValueError: a lesson's slug is not its folder's name, or lessons need each other in a circle.
    """
    lessons = []
    for module in pkgutil.iter_modules([str(LABS)]):
        if module.ispkg:
            lesson = importlib.import_module(f"core.labs.{module.name}").LESSON
            if lesson.slug != module.name:
                raise ValueError(f"core/labs/{module.name} calls its lesson {lesson.slug!r}.")
            lessons.append(lesson)
    return ordered(lessons)


def ordered(lessons: Iterable[Lesson]) -> tuple[Lesson, ...]:
    """The lessons in the order in which they can be taken: group by group, else by name.

    A slug in `needs` or `leads_to` that is not among them is ignored, since lessons may be written in any order.

    Raises:
        ValueError: lessons need each other in a circle.
    """
    by_slug = {lesson.slug: lesson for lesson in lessons}
    before: dict[str, set[str]] = {slug: set() for slug in by_slug}
    for lesson in by_slug.values():
        before[lesson.slug] |= {slug for slug in lesson.needs if slug in by_slug}
        if lesson.leads_to in by_slug:
            before[lesson.leads_to].add(lesson.slug)
    ready: list[tuple[int, str]] = []
    placed: list[Lesson] = []

    def offer() -> None:
        for slug in [slug for slug, waits in before.items() if not waits]:
            del before[slug]
            heapq.heappush(ready, (GROUPS.index(by_slug[slug].group), slug))

    offer()
    while ready:
        _, slug = heapq.heappop(ready)
        placed.append(by_slug[slug])
        for waits in before.values():
            waits.discard(slug)
        offer()
    if before:
        raise ValueError(f"These lessons need each other in a circle: {', '.join(sorted(before))}.")
    return tuple(placed)


def lesson(slug: str) -> Lesson | None:
    """The lesson with this slug, or None, as for home and the interview pages."""
    return next((each for each in course() if each.slug == slug), None)


def after(slug: str) -> Lesson | None:
    """The lesson to go on with, or None at the end of the course."""
    current = lesson(slug)
    return lesson(current.leads_to) if current else None
