"""Grade a submission: the sandbox runs the learner's function, the grader outside compares and explains the result.

Expected values and solutions are computed here, after the learner's process has ended; they never enter it. So code that
replaces `torch.allclose`, reads the stack, or prints "passed" gains nothing: only the right numbers are right.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from core.errors import LabError
from core.practice.comparison import PARTS, Difference, first_difference, first_part
from core.practice.sandbox import SANDBOX, Limits, Sandbox
from core.practice.sandbox.inside.harness import execute
from core.practice.task import Case, Task, task

LONGEST_CODE = 20_000
"""Characters. The longest solution here has about two thousand."""


@dataclass(frozen=True)
class Feedback:
    """Feedback on a submission, for the learner.

    Attributes:
        code: "passed", or what went wrong: those of `comparison.Difference`, of an error ("syntax", "avoided", "definition",
            "missing", "call", "output"), or of the sandbox ("time", "crashed", "large", "garbled").
        details: fills the sentence's blanks.
        misconception: the name of the known wrong way whose result this is, or None.
        case: what the failing case checks, and `inputs`, what it was given in a word each.
        passed, total: cases passed before this one, and all.
        checked: the names of the cases passed, in order, each once.
        line, source, trace: where in the learner's code, on an error.
        expected, got, where: numbers to draw.
        printed: what the learner's code printed; `cut`: whether some of it was dropped.
        seconds: the run as measured outside; `overhead`: what the sandbox added to the learner's own time; `cpu`: seconds of
            computing in the learner's process, as the kernel counted.
    """

    code: str
    details: dict[str, Any] = field(default_factory=dict)
    misconception: str | None = None
    case: str = ""
    inputs: tuple[tuple[str, str], ...] = ()
    passed: int = 0
    total: int = 0
    checked: tuple[str, ...] = ()
    line: int | None = None
    source: str = ""
    trace: str = ""
    expected: np.ndarray | None = None
    got: np.ndarray | None = None
    where: tuple[int, ...] = ()
    printed: str = ""
    cut: bool = False
    seconds: float = 0.0
    overhead: float = 0.0
    cpu: float = 0.0

    @property
    def right(self) -> bool:
        """True if the exercise is passed."""
        return self.code == "passed"

    @property
    def milliseconds(self) -> tuple[int, int]:
        """The learner's own time, and what the sandbox added."""
        return round(1000 * (self.seconds - self.overhead)), round(1000 * self.overhead)


def grade(
    slug: str,
    code: str,
    avoid: tuple[str, ...] = (),
    sandbox: Sandbox = SANDBOX,
    seed: int | None = None,
    limits: Limits | None = None,
) -> Feedback:
    """Run and grade a submission on inputs drawn for it alone.

    Whether the learner's code may run here at all is for the caller to decide, see `Isolation.trusted`.

    Args:
        slug: the exercise.
        code: the learner's code.
        avoid: names that the code may not use.
        seed: of the inputs; fresh if not given.

    Raises:
        LabError: `long_code`; `busy`, `sandbox_off`, `sandbox_lost`.
    """
    if len(code) > LONGEST_CODE:
        raise LabError("long_code", longest=LONGEST_CODE)
    known = task(slug)
    cases = list(known.cases(torch.Generator().manual_seed(secrets.randbits(31) if seed is None else seed)))
    sent = [case.sent() for case in cases]
    code = code.replace("\r\n", "\n").encode(errors="replace").decode()
    outcome = sandbox.run({"code": code, "target": known.target, "cases": sent, "avoid": list(avoid)}, limits)
    common: dict[str, Any] = {"total": len(cases), "seconds": outcome.seconds, "cpu": outcome.cpu}
    if outcome.result is None:
        seconds = (limits or Limits()).wall
        return Feedback(outcome.status, {"seconds": f"{seconds:g}"}, **common)
    result = outcome.result
    common |= {
        "printed": result["printed"],
        "cut": result["cut"],
        "overhead": outcome.seconds - own if 0 <= (own := result["seconds"]) <= outcome.seconds else 0.0,
    }
    try:
        failed = _first_failure(known, cases, sent, result["records"], common)
    except (AttributeError, TypeError, KeyError, IndexError, ValueError):
        return Feedback("garbled", **common)  # records that no harness wrote
    if failed:
        return failed
    if result["error"]:
        return _stopped(cases, result["error"], known, common)
    if len(result["records"]) != len(cases):
        return Feedback("garbled", **common)
    return Feedback("passed", passed=len(cases), checked=_names(cases), **common)


def _first_failure(
    known: Task, cases: list[Case], sent: list[dict], records: list[dict], common: dict[str, Any]
) -> Feedback | None:
    for number, record in enumerate(records[: len(cases)]):
        expected = execute(known.reference, sent[number])
        difference = first_difference(expected, record)
        if difference:
            parts = PARTS[: PARTS.index(first_part(expected, record)) + 1]
            name = _misconception(known, sent, records, number, parts)
            return _failed(cases, number, difference, name, common)
    return None


def _names(cases: list[Case]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(case.name for case in cases))


def _misconception(known: Task, sent: list[dict], records: list[dict], number: int, parts: Sequence[str]) -> str | None:
    """The known wrong way that gives the learner's result in the failing case and in all before it.

    Only `parts` are compared, up to the one that failed: a wrong result may have a second fault behind it.
    """
    for name, variant in known.misconceptions.items():
        try:
            alike = all(
                first_difference(execute(variant, case), record, parts) is None
                for case, record in zip(sent[: number + 1], records, strict=False)
            )
        except (RuntimeError, ValueError, IndexError, TypeError):
            continue  # this wrong way cannot even be computed here
        if alike:
            return name
    return None


def _failed(cases: list[Case], number: int, found: Difference, name: str | None, common: dict[str, Any]) -> Feedback:
    return Feedback(
        found.code,
        found.details,
        misconception=name,
        case=cases[number].name,
        inputs=tuple(cases[number].inputs()),
        passed=number,
        checked=_names(cases[:number]),
        expected=found.expected,
        got=found.got,
        where=found.where,
        **common,
    )


def _stopped(cases: list[Case], error: dict[str, Any], known: Task, common: dict[str, Any]) -> Feedback:
    """The feedback on an error; its texts come from the learner's process and are shown as text only."""
    number = error["case"] if 0 <= error["case"] < len(cases) else 0
    called = error["kind"] in ("call", "output")
    return Feedback(
        error["kind"]
        if error["kind"] in ("syntax", "avoided", "definition", "missing", "call", "output")
        else "garbled",
        {"type": error["type"], "message": error["message"], "target": known.target, "line": error["line"]},
        case=cases[number].name if called else "",
        inputs=tuple(cases[number].inputs()) if called else (),
        passed=number if called else 0,
        checked=_names(cases[:number]) if called else (),
        line=error["line"],
        source=error["source"],
        trace=error["trace"],
        **common,
    )
