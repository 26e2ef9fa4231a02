"""Flash cards: when each question should come back, by FSRS (PyPI `fsrs`), computed from the log of reviews.

Nothing is stored but the reviews themselves. A card is what FSRS makes of them, replayed in order; without FSRS's random
spread of the intervals the same reviews always make the same card, on every machine that the log travels to.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from fsrs import Card, Rating, Scheduler

from core.practice.events import Event

RATINGS = {"again": Rating.Again, "hard": Rating.Hard, "good": Rating.Good, "easy": Rating.Easy}

NEW_A_DAY = 10
"""New cards that a day begins with, unless the learner wants another number."""

_SCHEDULER = Scheduler(enable_fuzzing=False)


@dataclass(frozen=True)
class Deck:
    """The cards of a learner.

    Attributes:
        cards: the card of each question that was reviewed at least once.
        new: the questions that never were, in their order.
        days: the days on which something was reviewed, in the learner's time.
        begun_today: how many questions were reviewed for the first time today.
    """

    cards: dict[str, Card]
    new: tuple[str, ...]
    days: frozenset[date]
    begun_today: int


@dataclass(frozen=True)
class Today:
    """Cards to review and to begin now.

    Attributes:
        due: questions whose time has come, the most overdue first.
        new: questions to begin today.
        next_due: when the next card comes, if none is due.
    """

    due: tuple[str, ...]
    new: tuple[str, ...]
    next_due: datetime | None

    @property
    def queue(self) -> tuple[str, ...]:
        """Questions to show, in order: those that are due before new ones."""
        return self.due + self.new


def deck(reviews: Iterable[Event], questions: Sequence[str], now: datetime, zone: tzinfo = UTC) -> Deck:
    """The deck that a log of reviews makes.

    Args:
        reviews: events of the kind "review", the oldest first; those of questions that are no more are left out.
        questions: the ids of all questions, in the order in which they are to be begun.
        now: an aware time.
        zone: where the learner's days begin and end.
    """
    known = set(questions)
    cards: dict[str, Card] = {}
    first: dict[str, date] = {}
    days = set()
    for review in reviews:
        at = datetime.fromtimestamp(review.at, UTC)
        days.add(at.astimezone(zone).date())
        if review.item not in known:
            continue
        card = cards.get(review.item) or Card(card_id=0, due=at)
        cards[review.item], _ = _SCHEDULER.review_card(card, Rating(review.data["rating"]), at)
        first.setdefault(review.item, at.astimezone(zone).date())
    today = now.astimezone(zone).date()
    new = tuple(question for question in questions if question not in cards)
    return Deck(cards, new, frozenset(days), sum(day == today for day in first.values()))


def today(
    cards: Deck, now: datetime, zone: tzinfo = UTC, new_a_day: int = NEW_A_DAY, among: Collection[str] | None = None
) -> Today:
    """Select the questions that are due until the learner's day ends, and those to begin.

    Args:
        new_a_day: new cards per day; those begun today count.
        among: only these questions, if given.
    """
    chosen = {id: card for id, card in cards.cards.items() if among is None or id in among}
    end = day_end(now, zone)
    ready = sorted((card.due, id) for id, card in chosen.items() if is_ready(card, now, end))
    waiting = [card.due for card in chosen.values() if not is_ready(card, now, end)]
    new = [id for id in cards.new if among is None or id in among][: max(new_a_day - cards.begun_today, 0)]
    return Today(tuple(id for _, id in ready), tuple(new), min(waiting, default=None))


def is_ready(card: Card, now: datetime, end: datetime) -> bool:
    """A card that FSRS spaces in days is due on its whole day; one that is being learned, to the minute."""
    return card.due <= (end if card.step is None else now)


def day_end(now: datetime, zone: tzinfo) -> datetime:
    """The last moment of the learner's day."""
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=1), datetime.min.time(), zone) - timedelta(
        microseconds=1
    )


def intervals(card: Card | None, now: datetime) -> dict[str, timedelta]:
    """Time until the card would come back, for each rating."""
    found = {}
    for name, rating in RATINGS.items():
        after, _ = _SCHEDULER.review_card(card or Card(card_id=0, due=now), rating, now.astimezone(UTC))
        found[name] = after.due - now
    return found


def streak(days: Collection[date], now: datetime, zone: tzinfo = UTC) -> int:
    """Days in a row with a review, up to today, or up to yesterday where today is still to come."""
    day = now.astimezone(zone).date()
    if day not in days:
        day -= timedelta(days=1)
    count = 0
    while day in days:
        count, day = count + 1, day - timedelta(days=1)
    return count


def forecast(cards: Mapping[str, Card], now: datetime, zone: tzinfo = UTC, length: int = 14) -> dict[date, int]:
    """Number of the cards begun so far that come back on each of the next days; overdue ones count today."""
    start = now.astimezone(zone).date()
    counts = {start + timedelta(days=step): 0 for step in range(length)}
    for card in cards.values():
        day = max(card.due.astimezone(zone).date(), start)
        if day in counts:
            counts[day] += 1
    return counts


def spoken(interval: timedelta) -> tuple[str, int]:
    """An interval as its largest fitting unit: ("minutes", 10), ("hours", 3) or ("days", 8); a month is 30 days."""
    minutes = max(round(interval.total_seconds() / 60), 1)
    for unit, size in (("months", 43_200), ("days", 1440), ("hours", 60)):
        if minutes >= size * (2 if unit == "months" else 1):
            return unit, round(minutes / size)
    return "minutes", minutes
