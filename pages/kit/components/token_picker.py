"""A sentence as chips that the reader can hide."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from pages.kit.components.component import CHOSEN, Component, positions_in, read

PICKER_LABELS = ("masked", "count", "hint")

_PICKER = Component("token_picker", labels=PICKER_LABELS)


def token_picker(
    tokens: Sequence[str],
    *,
    key: str,
    labels: Mapping[str, str],
    alt: str,
    marked: Collection[int] = (),
    disabled: Collection[int] = (),
    groups: Sequence[int] | None = None,
    strike: bool = True,
) -> list[int]:
    """A sentence as chips that the reader can hide, and the hidden positions in order.

    Args:
        tokens: the sentence, `[position]`; a token that begins with ## is drawn joined to its word.
        key: the component's key in the session state.
        labels: texts in the page's language, see `PICKER_LABELS`. `masked` is written on a hidden chip, such as "[MASK]";
            `count` may use {count} and {total}; `hint` takes its place while nothing is hidden.
        alt: what the line is, for a screen reader.
        marked: the positions hidden at first.
        disabled: the positions that cannot be hidden, such as [CLS]; never returned.
        groups: a number for each position; those with the same one are hidden and shown together, `[position]`.
        strike: cross marked tokens out; False where a mark means something else than hidden.
    """
    choice, revision = read(key, list(marked))
    barred = set(disabled)
    positions = [position for position in positions_in(choice, len(tokens)) if position not in barred]
    data = {
        "tokens": [str(token) for token in tokens],
        "disabled": sorted(int(position) for position in barred),
        "groups": None if groups is None else [int(group) for group in groups],
        "strike": strike,
        "selected": positions,
        "revision": revision,
        "alt": alt,
    }
    _PICKER.draw(key, data, labels=labels, events=CHOSEN)
    return positions
