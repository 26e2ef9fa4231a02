"""Actions of a learner, one event at a time, and the file in which events travel from one machine to another."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import LabError

FORMAT = "distillery-progress"
VERSION = 1

KINDS: dict[str, int | None] = {"review": None, "read": 1, "mistake": None, "mock": None, "draft": 20, "pass": 5}
"""The kinds of event, and how many of an item's are kept (None: all): a draft is saved with every pause in the typing."""

LONGEST_DATA = 64_000
"""Characters of one event's data, as JSON."""

LONGEST_FILE = 5_000_000
"""Bytes of a file that may be imported."""

LATEST = 32_503_680_000.0
"""The year 3000, in seconds since 1970: a later event is not believed."""


@dataclass(frozen=True)
class Event:
    """One thing that a learner did.

    Attributes:
        id: unique everywhere, so that the same event is never counted twice.
        kind: a key of `KINDS`.
        item: the question, exercise, flawed statement or mock interview that it is about.
        at: seconds since 1970, UTC.
        data: what JSON can hold.
    """

    id: str
    kind: str
    item: str
    at: float
    data: dict[str, Any]


def _holds(**kinds: type) -> Callable[[Mapping[str, Any]], None]:
    """A check that data has these entries, each of its type."""

    def check(data: Mapping[str, Any]) -> None:
        for name, kind in kinds.items():
            if type(data[name]) is not kind:
                raise TypeError(name)

    return check


def _rating(data: Mapping[str, Any]) -> None:
    _holds(rating=int)(data)
    if not 1 <= data["rating"] <= 4:
        raise ValueError("rating")


CHECKS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "review": _rating,
    "read": _holds(),
    "mistake": _holds(right=bool),
    "mock": _holds(state=dict),
    "draft": _holds(code=str),
    "pass": _holds(code=str),
}
"""Check of each kind of event, so that an imported one cannot break a page later."""


def dumped(data: Mapping[str, Any]) -> str:
    """Data as it is stored.

    Raises:
        LabError: `progress_large`.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False)
    if len(text) > LONGEST_DATA:
        raise LabError("progress_large", largest=f"{LONGEST_DATA // 1000} kB")
    return text


def read_export(file: bytes) -> list[Event]:
    """The events of an exported file, each checked: it may come from anywhere.

    Raises:
        LabError: `progress_large`; `progress_file` with what is wrong.
    """
    if len(file) > LONGEST_FILE:
        raise LabError("progress_large", largest=f"{LONGEST_FILE // 1_000_000} MB")
    try:
        content = json.loads(file.decode("utf-8"))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise LabError("progress_file", reason="not JSON") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("events"), list):
        raise LabError("progress_file", reason=f"not a {FORMAT} file")
    if content.get("version") != VERSION:
        raise LabError("progress_file", reason=f"version {VERSION} is expected")
    return [_read_event(entry, number) for number, entry in enumerate(content["events"], 1)]


def _read_event(entry: Any, number: int) -> Event:
    """One event of a file; every field has the type and size that `Progress.add` would have given it."""
    names = ("id", "kind", "item", "at", "data")
    fits = isinstance(entry, dict) and set(entry) == set(names) and isinstance(entry["data"], dict)
    fits = fits and all(isinstance(entry[name], str) and 0 < len(entry[name]) <= 200 for name in ("id", "kind", "item"))
    if not (fits and entry["kind"] in KINDS and type(entry["at"]) in (int, float) and 0 <= entry["at"] < LATEST):
        raise LabError("progress_file", reason=f"event {number}")
    try:
        dumped(entry["data"])
        CHECKS[entry["kind"]](entry["data"])
    except (KeyError, ValueError, TypeError, RecursionError):  # ValueError: NaN, or a LabError for data too long
        raise LabError("progress_file", reason=f"event {number}") from None
    return Event(**entry)
