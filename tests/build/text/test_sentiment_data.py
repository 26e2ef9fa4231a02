"""The sentiment texts, cut as their card says."""

from __future__ import annotations

from core.build.text import sentiment_data


def test_a_review_is_cut_into_passages_that_end_whole():
    words = [f"w{i}" for i in range(173)]
    passages = sentiment_data._passages(" ".join(words))
    assert all(len(passage.split()) <= sentiment_data.PASSAGE_WORDS for passage in passages)
    assert passages[-1].split()[-1] == "w172" and len(passages[-1].split()) == sentiment_data.PASSAGE_WORDS
    assert " ".join(passages).split() == words
    assert sentiment_data._passages("too short") == ["too short"]


def test_passages_of_one_review_share_its_fate():
    opinions = [
        sentiment_data.Opinion("text", 1, "movie_reviews", f"pos/cv{number}.txt")
        for number in range(2000)
        for _ in "ab"
    ]
    held = [one.held_out for one in opinions]
    assert held[0::2] == held[1::2]
    assert 0.08 < sum(held) / len(held) < 0.12
