"""The words that sentences were written about: found, judged from both sides, and not those that a pattern gave."""

from __future__ import annotations

import json

import pytest

from core.build.labels import endings, openings
from core.build.text.everyday import Word

GROUPS = {"horse": {"animal"}, "dog": {"animal"}, "spoon": {"thing"}, "baker": {"person"}, "children": {"person"}}


@pytest.mark.parametrize(
    ("sentence", "parts"),
    [
        ("The horse pulled the cart.", ("The", "horse", " pulled the cart.")),
        ("When the horse saw a snake, it ran.", ("When the", "horse", " saw a snake, it ran.")),
        ("With a spoon, he ate the soup.", ("With a", "spoon", ", he ate the soup.")),
        ("The baker took the horse to town.", ("The", "baker", " took the horse to town.")),
        ("The horse slept.", None),  # too little follows
        ("The cart was pulled by a horse in town.", None),  # it was not written about that
        ("The dog was hungry and ate a horse.", None),  # a pattern holds this dog
        ("The children pulled a heavy cart.", None),  # and the children
    ],
)
def test_the_word_that_a_sentence_was_written_about(sentence, parts):
    assert openings.opening(sentence, GROUPS) == parts


def test_a_word_is_given_as_far_as_a_pattern_reaches():
    sentence = "The children looked at the bear and ran."
    assert openings.given(sentence, len("The children")) and openings.given(sentence, len("The children looked at the"))
    assert not openings.given(sentence, len("The children looked at the bear"))
    assert not openings.given("The baker looked at the bear.", len("The baker"))


def test_one_word_labels_of_given_words_do_not_train():
    def row(text, *words):
        return {"pack": 0, "text": text, "words": list(words), "p": [1 / len(words)] * len(words)}

    rows = [
        row("The [MASK] pulled a cart.", "children"),
        row("The [MASK] pulled a cart.", "men", "women"),
        row("The children [MASK] a cart.", "pulled"),
        row("The [MASK] pulled a cart.", "horse"),
    ]
    kept = [label.words for _, label in endings.labels(rows, endings.random.Random(0))]
    assert kept == [("men", "women"), ("pulled",), ("horse",)]


def test_openings_of_a_file_are_nouns_of_finished_sentences(tmp_path, monkeypatch):
    words = [Word("horse", "animal"), Word("spoon", "thing"), Word("run", "action")]
    monkeypatch.setattr(openings.everyday, "everyday_words", lambda vocabulary: words)
    rows = [
        {"text": "The horse [MASK] the cart.", "words": ["pulled"]},
        {"text": "The horse pulled the [MASK].", "words": ["cart"]},  # the same sentence
        {"text": "The spoon fell on the [MASK].", "words": ["floor", "bed"]},  # which was written nobody knows
        {"text": "The spoon fell on [MASK]", "words": ["the"]},
        {"text": "They run to the [MASK].", "words": ["school"]},
    ]
    file = tmp_path / "next_words.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert openings.openings(file, {}) == [("The", "horse", " pulled the cart.")]


def test_a_judged_opening_holds_nothing_of_its_author(larger_model):
    ids, blank = openings.asked(larger_model, "the", "king", " rules a land.", 4)
    assert larger_model.tokenizer.decode(ids) == "the king rules a land." and blank.at == 1 and blank.trust == 0
    assert larger_model.tokenizer.decode(list(blank.right)) == larger_model.tokenizer.decode(ids[2:6])
    assert openings.asked(larger_model, "the", "horse", " pulled the cart.", 4) is None
