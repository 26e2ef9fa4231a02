"""The figure and the tables of the heads that read two sentences."""

from __future__ import annotations

from core.labs.mlm_masking import sentence_pair_figures as plots

YES = {
    "nsp": {"order": 0.6, "swapped": 0.55, "stranger": 0.2},
    "sop": {"order": 0.52, "swapped": 0.51, "stranger": 0.5},
}
NAMES = {"order": "in order", "swapped": "swapped", "stranger": "with the stranger"}
LABELS = {"nsp": "it follows", "sop": "in order", "probability": "p", "even": "even"}


def test_each_head_has_a_bar_for_each_arrangement():
    figure = plots.pair_bars(YES, NAMES, LABELS)
    assert [trace.name for trace in figure.data] == ["it follows", "in order"]
    for trace, of in zip(figure.data, YES.values(), strict=True):
        assert list(trace.x) == list(NAMES.values()) and list(trace.y) == list(of.values())
    assert figure.data[0].marker.color != figure.data[1].marker.color
    (line,) = figure.layout.shapes
    assert line.y0 == line.y1 == 0.5 and line.name == "even"


def test_the_table_holds_the_sentences_too():
    pairs = {"order": ("a", "b"), "swapped": ("b", "a"), "stranger": ("a", "c")}
    names = ("arrangement", "first", "second", "nsp", "sop")
    table = plots.pair_table(YES, pairs, NAMES, {name: name for name in names})
    assert table.to_numpy().tolist()[1] == ["swapped", "b", "a", 0.55, 0.51]


def test_what_is_not_known_is_left_empty():
    labels = {name: name for name in ("model", "trained", "on_nsp", "on_sop")} | {"ours": "head", "albert": "ALBERT"}
    ours = {"nsp": {"nsp": 0.63, "sop": 0.5}, "sop": {"nsp": 0.5, "sop": 0.51}}
    table = plots.accuracy_table(ours, {"nsp": {"sop": 0.52}}, labels)
    assert table.to_numpy().tolist() == [
        ["head", "NSP", "63.0%", "50.0%"],
        ["head", "SOP", "50.0%", "51.0%"],
        ["ALBERT", "NSP", "", "52.0%"],
    ]
