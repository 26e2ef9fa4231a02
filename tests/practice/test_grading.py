"""The grader: right solutions pass, wrong ones are told why, and nothing but the right numbers is right."""

from __future__ import annotations

import pkgutil

import pytest
import torch

import core.practice.tasks
from core.errors import LabError
from core.practice.comparison import PARTS, first_difference, first_part
from core.practice.grading import LONGEST_CODE, _misconception, grade
from core.practice.sandbox import Limits
from core.practice.sandbox.inside.harness import execute
from core.practice.task import task
from lessons.interview import exercises

TASKS = sorted(module.name for module in pkgutil.iter_modules(core.practice.tasks.__path__))
ATTENTION = "scaled_dot_product_attention"
RIGHT = exercises.exercise(ATTENTION, "en").solution


@pytest.mark.parametrize("slug", exercises.slugs())
def test_the_solution_passes_and_the_starter_does_not(sandbox, slug):
    exercise = exercises.exercise(slug, "en")
    answer = grade(slug, exercise.solution, exercise.avoid, sandbox)
    assert answer.right and answer.passed == answer.total >= 3, answer
    assert not grade(slug, exercise.starter, exercise.avoid, sandbox).right


@pytest.mark.parametrize("slug", TASKS)
def test_every_misconception_is_found_and_named(slug):
    known = task(slug)
    cases = [case.sent() for case in known.cases(torch.Generator().manual_seed(5))]
    expected = [execute(known.reference, case) for case in cases]
    for name, variant in known.misconceptions.items():
        records, number = [], None
        for number, case in enumerate(cases):
            records.append(execute(variant, case))
            if first_difference(expected[number], records[number]):
                break
        else:
            pytest.fail(f"{name} is not found out by any case")
        parts = PARTS[: PARTS.index(first_part(expected[number], records[number])) + 1]
        assert _misconception(known, cases, records, number, parts) == name


@pytest.mark.parametrize("slug", TASKS)
def test_cases_are_drawn_anew_and_the_reference_agrees_with_itself(slug):
    known = task(slug)
    first, second = ([case.sent() for case in known.cases(torch.Generator().manual_seed(seed))] for seed in (1, 2))
    assert len(first) == len(second)
    for case in first:
        assert first_difference(execute(known.reference, case), execute(known.reference, case)) is None
    if slug not in ("sinusoidal_encoding", "attention_masks", "wordpiece"):  # few inputs are possible there
        assert any(
            first_difference(execute(known.reference, one), execute(known.reference, other))
            for one, other in zip(first, second, strict=True)
        )


def changed(old: str, new: str) -> str:
    assert old in RIGHT
    return RIGHT.replace(old, new)


RESULT = "return scores.softmax(dim=-1) @ value\n"
MASKED = "return scores.softmax(dim=-1).masked_fill(nothing, 0.0) @ value"
SCALED = "query / math.sqrt(query.shape[-1]) @ key.transpose(-2, -1)"


@pytest.mark.parametrize(
    ("old", "new", "said", "case"),
    [
        ("query / math.sqrt(query.shape[-1]) @ key", "query @ key", "values", "plain"),
        (RESULT, "return (scores.softmax(dim=-1) @ value).flatten()\n", "shape", "plain"),
        (RESULT, "return (scores.softmax(dim=-1) @ value).double()\n", "dtype", "plain"),
        (RESULT, "return (scores.softmax(dim=-1) @ value).detach()\n", "gradient_missing", "plain"),
        (RESULT, "return (scores.softmax(dim=-1) @ value).tolist()\n", "not_tensor", "plain"),
        (
            "nothing = ~mask.any(dim=-1, keepdim=True)",
            "nothing = torch.zeros_like(mask[..., :1])",
            "nan",
            "nothing_to_see",
        ),
        (SCALED, "query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])", "nan", "half"),
        (MASKED, f"mask.logical_not_()\n    {MASKED}", "changed_input", "mask"),
        ("query.shape[-1])", "query.view(-1, query.shape[-1]).shape[-1])", "call", "strided"),
        (SCALED, "query[..., :3] @ key.transpose(-2, -1)", "call", "plain"),
    ],
)
def test_each_kind_of_fault_is_said(sandbox, old, new, said, case):
    """The form before the numbers, then gradients, then what became of the inputs; and the first failing case only."""
    answer = grade(ATTENTION, changed(old, new), (), sandbox, seed=3)
    assert (answer.code, answer.case) == (said, case), answer
    assert answer.passed < answer.total and answer.inputs


def test_wrong_numbers_come_with_the_largest_error_and_a_picture(sandbox):
    answer = grade(ATTENTION, changed("query / math.sqrt(query.shape[-1]) @ key", "query @ key"), (), sandbox)
    assert answer.misconception == "no_scale"
    error = abs(answer.expected - answer.got)
    assert error[answer.where] == error.max() and f"{error.max():.3g}" == answer.details["error"]
    assert answer.details["where"] == list(answer.where)


@pytest.mark.parametrize(
    ("code", "said", "line"),
    [
        ("def attention(query, key, value, mask=None):\n    return query +\n", "syntax", 2),
        ("import torch\n\nx = 1 / 0\n", "definition", 3),
        ("def other():\n    pass\n", "missing", None),
        ("def attention(query, key, value, mask=None):\n    y = query\n    return y.nothing\n", "call", 3),
        ("def attention():\n    pass\n", "call", None),
        ("import torch\n\ndef attention(q, k, v, mask=None):\n    return torch.scaled_dot_product_attention(q)\n", "avoided", 4),
        ("from torch.nn import MultiheadAttention as M\nattention = M\n", "avoided", 1),
        ("attention = 3\n", "missing", None),
        ("\x00", "syntax", None),
        ("def attention(" + "(" * 5000, "syntax", 1),
        ("", "missing", None),
    ],
)  # fmt: skip
def test_errors_name_the_learners_own_line(sandbox, code, said, line):
    answer = grade(ATTENTION, code, exercises.exercise(ATTENTION, "en").avoid, sandbox)
    assert answer.code == said, answer
    assert answer.line == line or said == "syntax"
    assert "harness" not in answer.trace and ".py" not in answer.trace.replace("your_code.py", "")


@pytest.mark.parametrize("body", ["while True:\n        pass", "import time\n    time.sleep(60)"])
def test_what_does_not_end_is_ended(sandbox, body):
    code = f"def attention(query, key, value, mask=None):\n    {body}\n"
    assert grade(ATTENTION, code, (), sandbox, limits=Limits(wall=1, cpu=1)).code == "time"


def test_long_code_is_refused_before_it_runs(sandbox):
    with pytest.raises(LabError) as error:
        grade(ATTENTION, "#" * (LONGEST_CODE + 1), (), sandbox)
    assert error.value.code == "long_code"


FAKES = {
    "torch.allclose": """
torch.allclose = torch.equal = lambda *a, **k: True
""",
    "every comparison": """
torch.Tensor.__eq__ = lambda a, b: torch.ones(1).bool()
torch.Tensor.numpy = lambda t: t
""",
    "numpy": """
import numpy as np
np.abs = lambda *a: 0
np.isfinite = np.array_equal = lambda *a, **k: True
""",
    "autograd": """
torch.autograd.grad = lambda out, inputs, **k: [torch.zeros_like(i) for i in inputs]
""",
    "the grader": """
import sys
for module in list(sys.modules.values()):
    if hasattr(module, "first_difference"):
        module.first_difference = lambda *a: None
""",
    "the harness": """
import sys
empty = {"output": None, "gradients": {}, "after": {}, "models": {}}
sys.modules["inside.harness"].execute = sys.modules["inside.submission"].execute = lambda t, c: empty
""",
    "a print": """
print('{"status": "passed"}')
""",
    "an early end": """
import sys
sys.exit(0)
""",
    "a hard end": """
import os
os._exit(0)
""",
    "the stack": """
import inspect
frame = inspect.currentframe()
while frame:
    frame.f_locals.update(expected=None)
    frame = frame.f_back
""",
}


@pytest.mark.parametrize("fake", FAKES)
def test_a_pass_cannot_be_faked(sandbox, fake):
    code = f"import torch\n{FAKES[fake]}\ndef attention(query, key, value, mask=None):\n    return torch.zeros_like(query)\n"
    assert not grade(ATTENTION, code, (), sandbox).right


def test_a_claimed_gradient_is_compared_too(sandbox):
    """Right numbers with replaced gradients: the values of the gradients are compared outside."""
    code = RIGHT + "\ntorch.autograd.grad = lambda out, inputs, **k: [torch.ones_like(i) for i in inputs]\n"
    assert grade(ATTENTION, code, (), sandbox).code == "gradient_values"


def test_random_code_never_breaks_the_grader(sandbox):
    """What comes back may be anything."""
    for value in (
        "None",
        "'x' * 10**5",
        "[1, [2, [3]]]",
        "{'a': {1: 2}}",
        "float('nan')",
        "query.to_sparse()",
        "object()",
    ):
        code = f"def attention(query, key, value, mask=None):\n    return {value}\n"
        assert not grade(ATTENTION, code, (), sandbox).right


@pytest.mark.parametrize(
    "record",
    [
        "{'output': None, 'gradients': [], 'after': 3, 'models': 'x'}",
        "{'output': {'$': 'tensor'}, 'gradients': {'query': {'$': 'tensor', 'array': 3}}, 'after': {}, 'models': {}}",
        "{'output': [[]], 'gradients': None, 'after': None, 'models': None}",
    ],
)
@pytest.mark.parametrize("slug", [ATTENTION, "distillation_step"])
def test_records_that_no_harness_wrote_are_only_wrong(sandbox, slug, record):
    code = f"""
import os, struct
from inside import wire
answer = {{'records': [{record}], 'error': None, 'printed': '', 'cut': False, 'seconds': float('nan')}}
message = wire.pack(answer)
os.write(3, struct.pack('>I', len(message)) + message)
os._exit(0)
"""
    answer = grade(slug, code, (), sandbox)
    assert not answer.right
    assert answer.milliseconds[1] == 0
