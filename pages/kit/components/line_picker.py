"""Numbered lines of which the reader picks one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pages.kit.components.component import CHOSEN, Component, is_position, read

LABELS = ("right", "wrong")

_PICKER = Component("line_picker", labels=LABELS)


def line_picker(
    lines: Sequence[str],
    *,
    key: str,
    alt: str,
    labels: Mapping[str, str],
    code: bool,
    selected: int | None = None,
    right: int | None = None,
) -> int | None:
    """Draw the lines as buttons in a column.

    Args:
        lines: `[line]`; one without text cannot be picked.
        key: the component's key in the session state.
        alt: what the lines are, for a screen reader.
        labels: see `LABELS`: marks of the right line, and of a wrong choice, once `right` is known.
        code: in a font of equal widths.
        selected: the line picked at first.
        right: the line that should have been picked; shown once there is a choice.

    Returns:
        The picked line's index, or None.
    """
    choice, revision = read(key, selected)
    place = choice if is_position(choice, len(lines)) else None
    data = {
        "lines": list(lines),
        "code": code,
        "right": right,
        "alt": alt,
        "selected": place,
        "revision": revision,
    }
    _PICKER.draw(key, data, labels=labels, events=CHOSEN)
    return place
