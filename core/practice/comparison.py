"""First difference between the expected and the returned result: form, then numbers, then side effects.

The order is that of use to who reads it: the kind of thing returned, its shape, its type, NaN, the numbers with the largest error
and its place; then the gradients, the inputs that were changed, and what became of the models given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

TOLERANCES = {"float16": (2e-2, 2e-3), "bfloat16": (4e-2, 2e-2), "float32": (1e-4, 1e-5), "float64": (1e-5, 1e-7)}
"""Relative and absolute, by the type of the expected numbers."""


@dataclass(frozen=True)
class Difference:
    """The first difference.

    Attributes:
        code: names the sentence to say, as in the labels of the page.
        details: fills the sentence's blanks; `place` names the place: "output", "output[1]", "key", "teacher 0.weight".
        expected, got: the numbers, where both have the same shape (or each its own, for "shape").
        where: index of the largest error.
    """

    code: str
    details: dict[str, Any] = field(default_factory=dict)
    expected: np.ndarray | None = None
    got: np.ndarray | None = None
    where: tuple[int, ...] = ()


SMALLEST_GRADIENT = 1e-4
"""Bound on the rounding error where a gradient should be 0."""


PARTS = ("output", "gradients", "after", "models")
"""Parts of a record, in the order in which they are compared."""


def first_difference(expected: dict[str, Any], got: dict[str, Any], parts: Sequence[str] = PARTS) -> Difference | None:
    """Compare two records of `inside.harness.execute`; None if they agree.

    Args:
        expected: the reference's.
        got: the learner's; nothing in it is trusted.
        parts: which of `PARTS` count.
    """
    compare = {"output": _returned, "gradients": _gradients, "after": _inputs, "models": _models}
    differences = (compare[part](expected[part], got[part]) for part in parts)
    return next((difference for difference in differences if difference), None)


def first_part(expected: dict[str, Any], got: dict[str, Any]) -> str:
    """The first of `PARTS` that differs between two records that differ."""
    return next(part for part in PARTS if first_difference(expected, got, (part,)))


def _returned(expected: Any, got: Any) -> Difference | None:
    return _output(expected, got, "output")


def _output(expected: Any, got: Any, place: str) -> Difference | None:
    if _is_tensor(expected):
        if not _is_tensor(got):
            return Difference(
                "not_tensor", {"place": place, "kind": _kind(got), "shape": list(expected["array"].shape)}
            )
        return _tensor(expected, got, place)
    if isinstance(expected, list):
        if not isinstance(got, list):
            return Difference("not_list", {"place": place, "kind": _kind(got), "count": len(expected)})
        if len(got) != len(expected):
            return Difference(
                "length", {"place": place, "expected": _short(expected), "got": _short(got), "count": len(got)}
            )
        parts = (_output(*pair, f"{place}[{index}]") for index, pair in enumerate(zip(expected, got, strict=True)))
        return next((part for part in parts if part), None)
    if isinstance(expected, dict):
        if not isinstance(got, dict) or set(got) != set(expected):
            keys = sorted(got) if isinstance(got, dict) else _kind(got)
            return Difference("keys", {"place": place, "expected": sorted(expected), "got": keys})
        parts = (_output(expected[key], got[key], f"{place}[{key!r}]") for key in expected)
        return next((part for part in parts if part), None)
    if isinstance(expected, float | int) and not isinstance(expected, bool):
        return _number(expected, got, place)
    if type(got) is not type(expected) or got != expected:
        return Difference("text", {"place": place, "expected": _short(expected), "got": _short(got)})
    return None


def _number(expected: float, got: Any, place: str) -> Difference | None:
    """A number may come as a tensor with one number in it."""
    if _is_tensor(got) and got["array"].size == 1:
        got = got["array"].item()
    if isinstance(got, bool) or not isinstance(got, float | int):
        return Difference("not_number", {"place": place, "kind": _kind(got)})
    if not abs(got - expected) <= 1e-4 * abs(expected) + 1e-5:
        details = {"place": place, "expected": f"{expected:.6g}", "got": f"{got:.6g}"}
        return Difference("number", details)
    return None


def _tensor(expected: dict, got: dict, place: str, prefix: str = "") -> Difference | None:
    want, have = expected["array"], got["array"]
    if want.shape != have.shape:
        details = {"place": place, "expected": list(want.shape), "got": list(have.shape)}
        return Difference(prefix + "shape", details, want, have)
    if expected["dtype"] != got["dtype"] and not prefix:
        return Difference("dtype", {"place": place, "expected": expected["dtype"], "got": got["dtype"]})
    if not want.size:
        return None
    wide, other = want.astype(np.float64), have.astype(np.float64)
    relative, absolute = (0, 0) if want.dtype.kind in "biu" else TOLERANCES[expected["dtype"]]
    same = (wide == other) | (np.isnan(wide) & np.isnan(other))
    with np.errstate(invalid="ignore"):
        difference = np.abs(wide - other)
        near = np.isfinite(wide) & (difference <= relative * np.abs(wide) + absolute)
    wrong = ~same & ~near
    if not wrong.any():
        return None
    details = {"place": place, "wrong": int(wrong.sum()), "total": int(want.size)}
    broken = wrong & ~np.isfinite(other) & np.isfinite(wide)
    if broken.any():
        where = tuple(int(i) for i in np.argwhere(broken)[0])
        kinds = "NaN" if np.isnan(other[broken]).any() else "inf"
        details |= {"count": int(broken.sum()), "what": kinds, "where": list(where)}
        return Difference("nan", details, want, have, where)
    error = np.where(wrong, np.nan_to_num(difference, nan=np.inf, posinf=np.inf), 0)
    where = tuple(int(i) for i in np.unravel_index(int(error.argmax()), error.shape))
    details |= {
        "error": f"{float(error[where]):.3g}",
        "where": list(where),
        "expected": f"{want[where].item():.6g}",
        "got": f"{have[where].item():.6g}",
    }
    return Difference(prefix + "values", details, want, have, where)


def _gradients(expected: dict[str, Any], got: Any) -> Difference | None:
    if not isinstance(got, dict):
        return Difference("not_tensor", {"place": "gradients", "kind": _kind(got), "shape": []})
    for name, want in expected.items():
        have = got.get(name)
        if not _arrives(want):
            if _arrives(have):
                return Difference("gradient_leak", {"place": name})
            continue
        if not _is_tensor(have):
            return Difference("gradient_missing", {"place": name})
        if found := _tensor(want | {"dtype": _looser(want["dtype"])}, have, name, "gradient_"):
            return found
    return None


def _arrives(gradient: Any) -> bool:
    """Return True if there is a gradient and it is not zero; one with NaN counts as not zero."""
    return _is_tensor(gradient) and bool(np.any(~(np.abs(gradient["array"]) <= SMALLEST_GRADIENT)))


def _looser(kind: str) -> str:
    """Gradients add up rounding errors: those of float64 are compared as float32's are."""
    return "float32" if kind == "float64" else kind


def _inputs(expected: dict[str, Any], got: Any) -> Difference | None:
    for name, want in expected.items():
        have = got.get(name) if isinstance(got, dict) else None
        if not _is_tensor(have) or not np.array_equal(want["array"], have["array"], equal_nan=_has_nan(want["array"])):
            return Difference("changed_input", {"place": name})
    return None


def _has_nan(array: np.ndarray) -> bool:
    return array.dtype.kind == "f"


def _models(expected: dict[str, Any], got: Any) -> Difference | None:
    for name, want in expected.items():
        have = got.get(name) if isinstance(got, dict) else None
        if not isinstance(have, dict) or set(have) != set(want):
            return Difference("not_tensor", {"place": name, "kind": _kind(have), "shape": []})
        if want["training"] != have["training"]:
            return Difference("model_mode_" + ("train" if want["training"] else "eval"), {"place": name})
        for part, reaches in want["gradient"].items():
            if bool(have["gradient"].get(part)) and not reaches:
                return Difference("gradient_leak", {"place": f"{name} {part}"})
        for part, state in want["state"].items():
            found = have["state"].get(part)
            if not _is_tensor(found):
                return Difference("not_tensor", {"place": f"{name} {part}", "kind": _kind(found), "shape": []})
            if difference := _tensor(state, found, f"{name} {part}", "model_"):
                return difference
    return None


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and value.get("$") == "tensor" and isinstance(value.get("array"), np.ndarray)


def _kind(value: Any) -> str:
    """Type of a value, in Python's words."""
    if _is_tensor(value):
        return "Tensor"
    if isinstance(value, dict) and value.get("$") == "other":
        return str(value.get("type"))[:60]
    return type(value).__name__


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 160 else text[:157] + "…"
