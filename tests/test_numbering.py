"""Layers, heads and positions: from 0 in the code, from 1 to a reader, and the step between them in one file alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from core.numbering import listed, numbers, read, read_list, read_pairs, shown, written, written_pairs

ROOT = Path(__file__).resolve().parents[1]


def test_the_two_directions():
    assert [shown(index) for index in (-1, 0, 5)] == [0, 1, 6]
    assert [read(number) for number in (0, 1, 6)] == [-1, 0, 5]
    assert numbers(3) == [1, 2, 3] and numbers(0) == []
    assert listed((0, 2, 4)) == "1, 3, 5" and listed((1, 3), " → ") == "2 → 4"


@pytest.mark.parametrize("layers", [(), (0,), (0, 2, 4), (11, 3), (-1, 5)])
def test_lists_survive_the_address(layers):
    assert read_list(written(layers)) == layers


@pytest.mark.parametrize("heads", [(), ((0, 3),), ((0, 3), (2, 11))])
def test_heads_survive_the_address(heads):
    assert read_pairs(written_pairs(heads)) == heads


def test_an_address_counts_from_one():
    assert written((0, 2, 4)) == "1-3-5" and written_pairs(((0, 3), (2, 11))) == "1.4-3.12"


@pytest.mark.parametrize("wrong", ["", "-", "x", "<script>", "99999", "²", "1e3", "--", "0" * 5000, "1.2", "٣.٣"])
def test_what_is_no_number_is_left_out(wrong):
    assert read_list(wrong) == ()
    assert read_pairs(wrong) == (((0, 1),) if wrong == "1.2" else ())


NAMES = ("layer", "head", "position", "place", "query", "key", "mine", "theirs", "own", "other")
"""What a layer, a head or a position is called in the code of the pages and figures."""

ELSEWHERE = {
    "core/labs/mlm_masking/context_figures.py",  # `place` in a list of words
    "pages/exercises/page.py",  # `place` in a list of exercises
    "pages/interview/study.py",  # `place` in a list of questions
    "pages/interview/mistakes.py",  # `place` in a list of mistakes
    "pages/what_to_match/shipped.py",  # `place` in a list of steps
}


def steps_by_one(path: Path) -> list[str]:
    """Where a file adds 1 to a name of `NAMES`, or takes 1 away."""
    found = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
            sides = (node.left, node.right)
            names = {getattr(side, "id", getattr(side, "attr", None)) for side in sides}
            if any(isinstance(side, ast.Constant) and side.value == 1 for side in sides) and names & set(NAMES):
                found.append(f"{path.name}:{node.lineno} {ast.unparse(node)}")
    return found


def files() -> list[Path]:
    pages = sorted((ROOT / "pages").rglob("*.py"))
    figures = [path for path in sorted((ROOT / "core" / "labs").rglob("*.py")) if "figure" in path.name]
    return [path for path in (*pages, *figures) if str(path.relative_to(ROOT)) not in ELSEWHERE]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_else_steps_between_the_two(path):
    assert not steps_by_one(path)


def test_a_step_would_be_noticed(tmp_path):
    file = tmp_path / "page.py"
    file.write_text("text = f'{layer + 1}'\n")
    assert steps_by_one(file)
