"""A model to operate on: a row per layer, with a switch for the layer and a cell for each of its heads."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pages.kit.components.component import CHOSEN, Component, positions_in, read

LABELS = ("start", "finish", "layer", "layer_on", "layer_off", "head_on", "head_off", "head_gone", "hint")

_BOARD = Component("surgery_board", labels=LABELS)


def surgery_board(
    layers: int,
    heads: int,
    *,
    key: str,
    labels: Mapping[str, str],
    alt: str,
    color: str,
    off: Collection[int] = (),
) -> list[int]:
    """The board, and which of its switches are off, in order: row by row the layer's own, then those of its heads.

    Args:
        key: the component's key in the session state; `pages.kit.components.assign` sets what is off.
        labels: texts in the page's language, see `LABELS`. `start` and `finish` are drawn before the first and after the last
            layer; `layer` names a row with {number}; the four about a layer or a head, which describe a click, may use
            {layer} and {head} (from 1); `hint` is shown below while nothing is pointed at.
        alt: what the board is, for a screen reader.
        color: of what is on.
        off: the switches that are off at first.
    """
    choice, revision = read(key, list(off))
    places = positions_in(choice, layers * (heads + 1))
    data = {
        "layers": layers,
        "heads": heads,
        "selected": places,
        "revision": revision,
        "alt": alt,
        "color": color,
    }
    _BOARD.draw(key, data, labels=labels, events=CHOSEN)
    return places
