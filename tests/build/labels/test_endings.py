"""Labels of last words, made of what was expected next."""

from __future__ import annotations

import json
import random

import pytest

from core.build.labels import endings

SENTENCES = ["She has a big ice box.", "We ate ice.", "A box is big enough.", "He has the box.", "He broke the box."]


def _row(text: str, **words: float) -> dict:
    return {"pack": 3, "text": text, "words": list(words), "p": list(words.values())}


def test_readiness_is_the_share_of_a_words_uses_that_end_the_sentence(monkeypatch):
    monkeypatch.setattr(endings, "PRIOR", 0.0)
    ready, mean = endings.readiness(SENTENCES)
    assert ready["box"] == 3 / 4 and ready["ice"] == 1 / 2 and ready["big"] == ready["the"] == 0
    assert mean == pytest.approx(sum(ready.values()) / len(ready))


def test_rare_words_lean_to_the_mean():
    ready, mean = endings.readiness(SENTENCES)
    assert mean < ready["enough"] < 1 and 0 < ready["big"] < mean


def test_an_ending_is_bayes_rule_over_the_expected_words():
    row = _row("She put it into the [MASK]", big=0.5, box=0.4, old=0.1)
    found = endings.ending(row, {"big": 0.1, "box": 0.8}, 0.3)
    total = 0.5 * 0.1 + 0.4 * 0.8 + 0.1 * 0.3
    assert found.text == "She put it into the [MASK]." and found.words == ("box", "big", "old")
    assert found.p == pytest.approx((0.32 / total, 0.05 / total, 0.03 / total), abs=1e-4)


def test_where_no_expected_word_ends_a_sentence_there_is_no_ending():
    row = _row("She put it into the [MASK]", big=0.6, box=0.4)
    assert endings.ending(row, {"big": 0.0, "box": endings.LIKELY / 0.4 + 0.01}, 0.0)
    assert endings.ending(row, {"big": 0.0, "box": endings.LIKELY / 0.4 - 0.01}, 0.0) is None


def test_near_copies_of_the_sentences_that_measure_are_no_endings():
    assert endings.ending(_row("The farmer milked the [MASK]", cow=1.0), {"cow": 1.0}, 0.0) is None
    assert endings.ending(_row("The farmer painted the [MASK]", barn=1.0), {"barn": 1.0}, 0.0)


def test_a_files_rows_become_endings_beside_what_they_were(monkeypatch):
    monkeypatch.setattr(endings, "PRIOR", 0.0)
    rows = [
        _row("She filled the [MASK]", box=0.9, big=0.1),
        _row("She filled the [MASK].", box=1.0),  # the draw from what was expected in the row before
        _row("We saw a [MASK].", box=1.0),  # nothing was expected there
        _row("A [MASK] is big enough.", box=1.0),
    ]
    monkeypatch.setattr(endings, "OPEN", 1.0)
    found = [(label.text, label.words) for _, label in endings.labels(rows, random.Random(0))]
    assert found == [
        ("She filled the [MASK].", ("box",)),
        ("She filled the [MASK]", ("box", "big")),
        ("We saw a [MASK].", ("box",)),
        ("A [MASK] is big enough.", ("box",)),
    ]
    monkeypatch.setattr(endings, "OPEN", 0.0)
    assert [label.text for _, label in endings.labels(rows, random.Random(0))] == [
        text for text, _ in [found[0], *found[2:]]
    ]


def test_the_file_is_made_anew_of_all_sources_and_keeps_their_packs(tmp_path):
    for name, pack in (("one", 0), ("two", 4)):
        row = _row(f"We saw {name} [MASK].", box=1.0) | {"pack": pack}
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n")
    for _ in range(2):
        endings.write(tmp_path / "made.jsonl", [tmp_path / "one.jsonl", tmp_path / "two.jsonl"])
    made = [json.loads(line) for line in (tmp_path / "made.jsonl").read_text().splitlines()]
    assert [(row["pack"], row["text"]) for row in made] == [(0, "We saw one [MASK]."), (4, "We saw two [MASK].")]


def test_a_run_that_is_killed_leaves_no_half_a_file(tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(_row(f"We saw {name} [MASK].", box=1.0)) + "\n")
    made, sources = tmp_path / "made.jsonl", [tmp_path / "one.jsonl", tmp_path / "two.jsonl"]
    appended = []

    def kill(file, pack, found):
        if appended:
            raise KeyboardInterrupt
        appended.append(pack)
        append(file, pack, found)

    append = endings.append
    monkeypatch.setattr(endings, "append", kill)
    with pytest.raises(KeyboardInterrupt):
        endings.write(made, sources)
    assert appended and not made.exists()
    monkeypatch.undo()
    endings.write(made, sources)
    assert len(made.read_text().splitlines()) == 2
