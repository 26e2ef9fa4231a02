"""Which beginnings each draw of the labels takes."""

from __future__ import annotations

from core.build import blanks, labels


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
