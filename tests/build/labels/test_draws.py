"""Which sentences each draw of the labels takes, and which words it asks for."""

from __future__ import annotations

import json

import transformers

from core.build.labels import blanks
from core.build.labels import draws as labels
from core.build.text.everyday import Word


def test_a_second_draw_of_short_sentences_goes_on_where_the_first_ended(monkeypatch):
    """The judging itself, minutes of work, is tested on its own; here only what it is asked."""
    texts = {name: [f"{name} {i}" for i in range(50_000)] for name in labels.SHORTS}
    asked = []
    monkeypatch.setattr(labels, "sentence_sources", lambda: texts)
    monkeypatch.setattr(
        labels, "_judge", lambda name, guesser, begun, packs, shares: asked.append((name, begun, packs))
    )
    for draw in range(len(labels.SHORT_PACKS)):
        labels.label_shorts(None, draw)
    (name, first, packs), (again, second, _) = asked
    assert name != again and first == texts
    for name, share in labels.SHORTS.items():
        assert second[name][0] == texts[name][packs * round(share * blanks.PACK)]


def test_a_word_that_was_drawn_evenly_is_judged_among_its_like(
    larger_model, pieces, family_folder, tmp_path, monkeypatch
):
    words = [Word("king", "person"), Word("queen", "person"), Word("sings", "action")]
    monkeypatch.setattr("core.build.text.everyday.everyday_words", lambda vocabulary: words)
    monkeypatch.setattr(labels, "larger_model", lambda: larger_model)
    monkeypatch.setattr(labels, "tokenizer", lambda: pieces)
    monkeypatch.setattr(labels, "labels_file", lambda name: tmp_path / f"{name}.jsonl")
    monkeypatch.setattr(labels, "FILLER_PACKS", {1: 1})
    written = {"text": "the king rules a [MASK].", "words": ["land"]}
    (tmp_path / "next_words_2.jsonl").write_text(json.dumps(written) + "\n")
    labels.label_fillers(transformers.BertForMaskedLM.from_pretrained(family_folder("bert")), 1)
    (label,) = map(json.loads, (tmp_path / "fillers_2.jsonl").read_text().splitlines())
    assert label["text"] == "the [MASK] rules a land." and {"king"} <= set(label["words"]) <= {"king", "queen"}
