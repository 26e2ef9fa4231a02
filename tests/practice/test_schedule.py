"""The cards are FSRS's own, replayed from the log; days are the learner's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from fsrs import Card, Rating, Scheduler

from core.practice import schedule
from core.practice.events import Event
from core.practice.progress import Progress

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
QUESTIONS = [f"q{number}" for number in range(20)]


def review(item: str, at: datetime, rating: int = 3) -> Event:
    return Event(f"{item}-{at}", "review", item, at.timestamp(), {"rating": rating})


def test_a_card_is_what_fsrs_makes_of_the_reviews():
    times = [NOW - timedelta(days=9), NOW - timedelta(days=8, hours=23), NOW - timedelta(days=2)]
    ratings = [Rating.Good, Rating.Easy, Rating.Hard]
    expected = Card(card_id=0, due=times[0])
    for at, rating in zip(times, ratings, strict=True):
        expected, _ = Scheduler(enable_fuzzing=False).review_card(expected, rating, at)
    log = [review("q1", at, int(rating)) for at, rating in zip(times, ratings, strict=True)]
    found = schedule.deck(log, QUESTIONS, NOW)
    assert found.cards == {"q1": expected}
    assert "q1" not in found.new and len(found.new) == 19
    assert found.days == {at.date() for at in times}


def test_the_log_of_a_real_database_makes_the_deck(tmp_path):
    progress = Progress(tmp_path)
    for rating in (1, 3):
        progress.add("Ada", "review", "q3", {"rating": rating})
    progress.add("Ada", "review", "a question that is no more", {"rating": 3})
    found = schedule.deck(progress.events("Ada", "review"), QUESTIONS, datetime.now(UTC))
    assert set(found.cards) == {"q3"}
    assert found.begun_today == 1


def test_what_is_due_comes_before_what_is_new_and_the_longest_overdue_first():
    log = [review("q5", NOW - timedelta(days=40), 4), review("q2", NOW - timedelta(days=60), 4)]
    found = schedule.today(schedule.deck(log, QUESTIONS, NOW), NOW, new_a_day=3)
    assert found.queue == ("q2", "q5", "q0", "q1", "q3")
    only = schedule.today(schedule.deck(log, QUESTIONS, NOW), NOW, new_a_day=3, among={"q5", "q9"})
    assert only.queue == ("q5", "q9")


def test_a_card_in_learning_waits_its_minutes_and_then_comes():
    log = [review("q0", NOW - timedelta(seconds=30), 1)]
    cards = schedule.deck(log, QUESTIONS, NOW)
    waiting = schedule.today(cards, NOW, new_a_day=0)
    assert waiting.due == () and waiting.next_due == NOW + timedelta(seconds=30)
    assert schedule.today(cards, NOW + timedelta(seconds=31), new_a_day=0).due == ("q0",)


def test_a_card_of_days_is_due_on_its_whole_day():
    log = [review("q0", NOW - timedelta(days=20), 4)]
    card = schedule.deck(log, QUESTIONS, NOW).cards["q0"]
    morning = card.due.replace(hour=0, minute=1)
    assert schedule.today(schedule.deck(log, QUESTIONS, morning), morning, new_a_day=0).due == ("q0",)
    night = morning - timedelta(minutes=2)
    assert schedule.today(schedule.deck(log, QUESTIONS, night), night, new_a_day=0).due == ()


def test_new_cards_begun_today_count():
    log = [review(f"q{number}", NOW - timedelta(minutes=5)) for number in range(4)]
    assert len(schedule.today(schedule.deck(log, QUESTIONS, NOW), NOW, new_a_day=10).new) == 6
    tomorrow = NOW + timedelta(days=1)
    assert len(schedule.today(schedule.deck(log, QUESTIONS, tomorrow), tomorrow, new_a_day=10).new) == 10


def test_better_ratings_stay_away_longer():
    log = [review("q0", NOW - timedelta(days=10), 3), review("q0", NOW - timedelta(days=9), 3)]
    for card in (None, schedule.deck(log, QUESTIONS, NOW).cards["q0"]):
        found = list(schedule.intervals(card, NOW).values())
        assert all(shorter < longer for shorter, longer in pairwise(found))


@pytest.mark.parametrize(
    ("ago", "expected"), [([], 0), ([0], 1), ([1], 1), ([2], 0), ([0, 1, 2, 4], 3), ([1, 2, 3], 3), ([0, 0, 1], 2)]
)
def test_streaks(ago, expected):
    log = [review("q0", NOW - timedelta(days=days)) for days in sorted(ago, reverse=True)]
    assert schedule.streak(schedule.deck(log, QUESTIONS, NOW).days, NOW) == expected


def test_days_are_the_learners():
    shanghai = timezone(timedelta(hours=8))
    late = datetime(2026, 3, 9, 17, tzinfo=UTC)  # already the tenth in Shanghai
    found = schedule.deck([review("q0", late)], QUESTIONS, NOW, shanghai)
    assert {day.day for day in found.days} == {10} and found.begun_today == 1
    assert schedule.day_end(NOW, shanghai).astimezone(UTC).hour == 15


def test_the_forecast_counts_every_card_once_and_overdue_ones_today():
    log = [review("q0", NOW - timedelta(days=100), 4), review("q1", NOW - timedelta(minutes=1), 4)]
    cards = schedule.deck(log, QUESTIONS, NOW).cards
    counts = schedule.forecast(cards, NOW, length=30)
    assert counts[NOW.date()] == 1 and counts[cards["q1"].due.date()] == 1 and sum(counts.values()) == 2
    assert len(counts) == 30


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        (timedelta(seconds=5), ("minutes", 1)),
        (timedelta(minutes=10), ("minutes", 10)),
        (timedelta(hours=5.6), ("hours", 6)),
        (timedelta(days=8), ("days", 8)),
        (timedelta(days=45), ("days", 45)),
        (timedelta(days=75), ("months", 2)),
    ],
)
def test_intervals_are_said_in_their_largest_unit(interval, expected):
    assert schedule.spoken(interval) == expected
