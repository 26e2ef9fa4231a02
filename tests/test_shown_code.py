"""The code that the lessons show: every snippet runs, prints, and its two ways agree, whatever a learner typed."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from importlib import import_module
from pathlib import Path

import pytest
import torch

import lessons
from core import engine
from core.folders import FOLDER_VARIABLE
from core.labs.experiments import plans
from core.runs.server import close_run_queue
from core.source import source_of, weights_of
from lessons.snippets import Snippet, literal

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "pages"
SNIPPETS = {(slug, id): snippet for slug in lessons.slugs() for id, snippet in lessons.code(slug).items()}

ENGLISH = "The cat sat on the [MASK] near the old red house."
NASTY = 'He said "it\'s {x}" % \\n on the [MASK] \\ 今天天气很好 🙂 $text ${name}\n"""end"""\r\n\'\'\' \u202e\u2028 #'
TEXTS = {"english": ENGLISH, "nasty": NASTY}

WORDS, KINDS = ("minilm-teacher", "minilm-student"), ("kinds-teacher", "kinds-student")


def folders(teacher: str, student: str) -> dict[str, str]:
    return {
        "teacher": teacher,
        "student": student,
        "teacher_folder": weights_of(teacher),
        "student_folder": weights_of(student),
    }


MASK_ID = 103
SAMPLES = {
    **folders(*WORDS),
    "name": "minilm-student",
    "folder": weights_of("minilm-student"),
    "student_folders": [weights_of("minilm-student"), weights_of("minilm-control")],
    "position": 5,
    "positions": [2, 5],
    "layer": 1,
    "layers": [0, 2],
    "head": 3,
    "heads": [(0, 1), (2, 11)],
    "query": 3,
    "key": 2,
    "first": 2,
    "second": 4,
    "matrices": [
        [[1.0, 0.0], [0.0, 2.0]],
        [[1.0, 1.0], [0.0, 1.0]],
        [[0.0, 1.0], [1.0, 0.0]],
        [[2.0, 0.0], [0.0, 3.0]],
    ],
    "causal": True,
    "length": 20,
    "width": 16,
    "base": 100,
    "a": 3,
    "b": 7,
    "buckets": 16,
    "furthest": 64,
    "clip": 3,
    "probability": 0.3,
    "shares": (0.6, 0.3, 0.1),
    "whole": True,
    "seed": 3,
    "epochs": 4,
    "which": 0,
    "truth": "cat",
    "temperature": 4.0,
    "temperatures": (0.5, 1, 2, 4),
    "weight": 0.3,
    "direction": "reverse",
    "scaled": True,
    "reduction": "mean",
    "count": 10,
    "measure": "accuracy",
    "together": True,
    "unit": True,
    "fitted": (1, 2),
    "special": False,
    "teacher_layer": 3,
    "student_layer": 2,
    "teacher_head": 4,
    "student_head": 5,
    "pair": "words",
    "other": 3,
    "layer_map": (0, 2, -1),
    "keep": (0, 2),
    "off": ((2, 4),),
    "kind": "food",
    "budget": 60,
    "texts": 20,
    "arm": "distilled",
}
"""A value for each blank; a text, and what belongs to its tokens, is filled in by the test."""

TINY = plans.Size(texts=(64,), steps=(3,), seeds=(0,), held_out=20)
"""An experiment of three steps."""

EXPERIMENT = {"key": "absent", "choices": {"kind": "food", "temperature": 4.0}}

SPECIAL: dict[tuple[str, str], list[dict]] = {
    ("self_attention", "toy"): [{}, {"causal": False}],
    ("self_attention", "break_no_scaling"): [{"layers": [1]}],
    ("positional_encoding", "relative_alibi"): [{"causal": True}, {"causal": False, "layer": 0, "head": 11}],
    ("mlm_masking", "draw"): [{}, {"whole": False, "probability": 0.9}],
    ("temperature", "losses"): [
        {"direction": direction, "reduction": reduction, "scaled": scaled}
        for direction, reduction, scaled in (
            ("forward", "batchmean", True),
            ("reverse", "mean", False),
            ("jsd", "sum", True),
        )
    ],
    ("temperature", "pushes"): [{}, {"scaled": False, "temperature": 1}],
    ("temperature", "gradients"): [{}, {"count": 0}],
    ("temperature", "verdict"): [folders(*KINDS)],
    ("temperature", "experiment"): [{"measure": "ece"}],
    ("layer_outputs", "paths"): [{}, {"together": False, "fitted": (), "unit": False}],
    ("layer_outputs", "cka"): [{"special": True}],
    ("what_to_match", "shipped_values"): [{"head": -1}, {"head": 0}],
    ("what_to_match", "cka"): [{"pair": "kinds"}],
    ("layer_surgery", "cut"): [
        {},
        {"name": "kinds-student", "folder": weights_of("kinds-student"), "keep": (1,), "off": ()},
    ],
    ("layer_surgery", "heads"): [{"name": "kinds-student"}],
    ("experiments", "look_matching"): [folders(*KINDS)],
    ("experiments", "run"): [EXPERIMENT],
    ("distil", "open"): [{"name": weights_of("kinds-student")}],
    ("distil", "open_words"): [{"name": weights_of("minilm-student")}],
}
"""What a snippet needs that the samples do not give, or choices worth a run of their own."""


def texts_of(slug: str, id: str) -> list[str]:
    """The names of a snippet's blanks that a learner types."""
    typed = {"text"} | ({"first", "second", "stranger"} if id == "sentences" else set())
    return sorted(SNIPPETS[slug, id].blanks & typed)


def cases() -> list:
    found = []
    for slug, id in SNIPPETS:
        kinds = list(TEXTS) if texts_of(slug, id) else [""]
        for number, values in enumerate(SPECIAL.get((slug, id), [{}])):
            found += [pytest.param(slug, id, kind, values, id=f"{slug}-{id}-{number}{kind}") for kind in kinds]
    return found


def ran(code: str) -> tuple[dict, str]:
    """The names that the code leaves, and what it prints."""
    names, printed = {"__name__": "__main__"}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "snippet", "exec"), names)
    return names, printed.getvalue()


def as_numbers(value: object) -> torch.Tensor:
    return torch.as_tensor(value, dtype=torch.float64).detach()


@pytest.fixture
def one_engine(monkeypatch):
    """Every `Engine()` of a snippet is the one that the tests have warmed up; a learner's is a new one."""
    monkeypatch.setattr(engine, "Engine", lambda: engine.ENGINE)
    monkeypatch.chdir(ROOT)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """What the code of a whole experiment leaves and prints, in a data folder of its own and with three steps of training."""
    with pytest.MonkeyPatch.context() as patch:
        close_run_queue()
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("data")))
        patch.setitem(plans.SIZES, EXPERIMENT["key"], TINY)
        patch.setattr("core.labs.experiments.predictions.MEASURED", 60)
        yield ran(SNIPPETS["experiments", "run"].filled(**EXPERIMENT).core)
        close_run_queue()


@pytest.mark.parametrize(("slug", "id", "kind", "values"), cases())
def test_every_snippet_runs_and_its_two_ways_agree(slug, id, kind, values, one_engine, request):
    snippet = SNIPPETS[slug, id]
    known = SAMPLES | dict.fromkeys(texts_of(slug, id), TEXTS.get(kind)) | values
    if kind:
        ids = engine.ENGINE.tokens(engine.default_setting(), WORDS[0], TEXTS[kind]).ids.tolist()
        known["ids"] = [MASK_ID if place == known["position"] else id for place, id in enumerate(ids)]
        known["true_id"] = ids[known["position"]]
        known["order"] = (0, *range(len(ids) - 2, 0, -1), len(ids) - 1)
    if id == "report_run":
        (known["name"],) = request.getfixturevalue("experiment")[0]["names"]
    filled = snippet.filled(**{name: known[name] for name in snippet.blanks})
    torch.manual_seed(0)
    if id == "run":
        results = [request.getfixturevalue("experiment")]
    else:
        results = [ran(code) for code in (filled.plain, filled.core) if code]
    for _, printed in results:
        assert printed.strip()
    for one, other in filled.agree:
        plain, core = eval(one, results[0][0]), eval(other, results[1][0])
        torch.testing.assert_close(
            as_numbers(plain), as_numbers(core), rtol=snippet.tolerance, atol=snippet.tolerance, equal_nan=True
        )
    for name, _ in results:
        assert all(name.get(blank, TEXTS[kind]) == TEXTS[kind] for blank in texts_of(slug, id)), "the text was changed"


@pytest.mark.parametrize("snippet", SNIPPETS.values(), ids=["-".join(key) for key in SNIPPETS])
def test_the_function_that_ran_is_there(snippet):
    if not snippet.function:
        return
    module, _, name = snippet.function.partition(":")
    assert callable(getattr(import_module(module), name))
    assert source_of(snippet.function).startswith(("def ", "@"))


def test_the_lines_are_short_enough_for_a_page():
    for key, snippet in SNIPPETS.items():
        for code in (snippet.plain, snippet.core):
            assert all(len(line) <= 120 for line in code.splitlines()), key
            assert len(code.splitlines()) <= 25, key


def calls(slug: str) -> set[str]:
    """The names by which a lesson's page asks for code; one that is made of parts is a pattern."""
    files = [PAGES / "home.py"] if slug == "home" else sorted((PAGES / slug).glob("*.py"))
    found = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            name = node.func if isinstance(node, ast.Call) else None
            called = getattr(name, "attr", getattr(name, "id", "")) == "code" and getattr(name, "value", None)
            local = isinstance(name, ast.Name) and name.id == "code"
            if not (local or (called and getattr(called, "id", "") == "page")):
                continue
            first = node.args[0]
            if isinstance(first, ast.Constant):
                found.add(re.escape(first.value))
            elif isinstance(first, ast.JoinedStr):
                found.add("".join(re.escape(p.value) if isinstance(p, ast.Constant) else ".+" for p in first.values))
            else:
                found.add("NAME")
    return found


@pytest.mark.parametrize("slug", lessons.slugs())
def test_every_snippet_is_shown_and_no_other_is_asked_for(slug):
    known, asked = set(lessons.code(slug)), calls(slug)
    named = {id for id in known if any(re.fullmatch(pattern, id) for pattern in asked)}
    if "NAME" not in asked:
        assert named == known
    for pattern in asked - {"NAME"}:
        assert any(re.fullmatch(pattern, id) for id in known), pattern


def test_no_page_keeps_code_of_its_own():
    for file in PAGES.rglob("*.py"):
        assert file.name != "code.py"
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                assert "\nfrom core" not in node.value and "\nimport torch" not in node.value, file
    assert not [path for path in (ROOT / "lessons").glob("*/snippets.toml") if path.parent.name != "temperature"]


@pytest.mark.parametrize(
    "value",
    [
        NASTY,
        ENGLISH,
        "",
        "\\",
        "'",
        '"',
        "\"'",
        "'''\"\"\"",
        "\x00\x07",
        "\ud800",
        -1,
        True,
        None,
        1.5,
        1e300,
        float("inf"),
        (),
        ("a",),
        ((1, 2), [3.0, "$x"]),
        {"kind": "food", "temperature": 4.0},
    ],
    ids=repr,
)
def test_a_literal_evaluates_to_its_value(value):
    written = literal(value)
    assert eval(written, {"float": float}) == value
    assert "\n" not in written and "\u202e" not in written


def test_numbers_of_other_libraries_become_plain_ones():
    numpy = pytest.importorskip("numpy")
    assert (
        literal(numpy.int64(3)) == "3" and literal(numpy.float64(0.5)) == "0.5" and literal((numpy.int64(1),)) == "(1,)"
    )
    for odd in (torch.tensor(1.0), object(), {1}):
        with pytest.raises(TypeError, match="no literal"):
            literal(odd)


def test_blanks_are_filled_once_and_all_of_them():
    snippet = Snippet("s", core="print($text, $number)")
    assert snippet.filled(text="$number {0}", number=2).core == "print('$number {0}', 2)"
    for wrong in ({"text": "a"}, {"text": "a", "number": 1, "other": 2}):
        with pytest.raises(KeyError, match="'s' has the blanks"):
            snippet.filled(**wrong)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("[a]\nplain = 'print(1)'\ncore = 'print(1)'", "agree"),
        ("[a]\ncore = 'print(1)'\nagree = [['1', '1']]", "agree"),
        ("[a]\nfunction = 'core.theory.temperature:soften'", "no code"),
        ("[a]\ncore = 'print('", "closed"),
        ("[a]\ncore = 'print(\"$text\")'", "inside a string"),
        ("[a]\ncore = 'print(1)  # $text'", "inside a string or a comment"),
        ("[a]\ncore = 'print(1)'\nfunction = 'os:system'", "form"),
        ("[a]\ncore = 'print(1)'\nother = 1", "other"),
    ],
)
def test_a_bad_file_is_refused(tmp_path, monkeypatch, code, reason):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "code.toml").write_text(code, encoding="utf-8")
    monkeypatch.setattr(lessons, "FOLDER", tmp_path)
    with pytest.raises(lessons.ContentError, match=reason):
        lessons.code.__wrapped__("bad")


def test_only_functions_of_core_are_read():
    with pytest.raises(ValueError, match="no module of core"):
        source_of("os:system")


def test_a_model_from_elsewhere_keeps_its_name():
    assert weights_of("minilm-teacher") == "assets/models/minilm-teacher"
    assert weights_of("google/bert_uncased_L-2_H-128_A-2") == "google/bert_uncased_L-2_H-128_A-2"
