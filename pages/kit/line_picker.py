"""Numbered lines of which the reader picks one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pages.kit import components

LABELS = ("right", "wrong")

_LINE_PICKER = components.register("line_picker")


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
    """Draws the lines as buttons in a column.

    Args:
        lines: `[line]`; one without text cannot be picked.
        key: the component's key in the session state.
        alt: what the lines are, for a screen reader.
        labels: see `LABELS`: what stands beside the right line, and beside a wrong choice, once `right` is known.
        code: in a font of equal widths.
        selected: the line picked at first.
        right: the line that should have been picked; shown once there is a choice.

    Returns:
        The picked line's index, or None.
    """
    choice, revision = components._read(key, selected)
    place = choice if isinstance(choice, int) and not isinstance(choice, bool) and 0 <= choice < len(lines) else None
    data = {
        "lines": list(lines),
        "code": code,
        "right": right,
        "labels": dict(labels),
        "alt": alt,
        "selected": place,
        "revision": revision,
    }
    _LINE_PICKER(key=key, data=data, on_selected_change=components._rerun_only)
    return place
