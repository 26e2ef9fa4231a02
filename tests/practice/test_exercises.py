"""The exercises' texts: complete, in both languages, and in step with the graders."""

from __future__ import annotations

import pkgutil
import re
from pathlib import Path

import pytest
import torch

import core.practice.tasks
import lessons
from core.practice import comparison, grading
from core.practice.task import task
from lessons.interview import exercises

SLUGS = exercises.slugs()
CHINESE = re.compile(r"[一-鿿]")


def test_there_are_enough_of_them_and_each_has_its_grader():
    assert len(SLUGS) >= 15
    assert sum(bool(exercises.exercise(slug, "en").repairs) for slug in SLUGS) >= 5
    assert set(SLUGS) == {module.name for module in pkgutil.iter_modules(core.practice.tasks.__path__)}
    places = [exercises.exercise(slug, "en").place for slug in SLUGS]
    assert places == sorted(set(places))


@pytest.mark.parametrize("slug", SLUGS)
def test_each_is_written_in_both_languages(slug):
    english, chinese = (exercises.exercise(slug, language) for language in ("en", "zh"))
    for text in (chinese.title, chinese.statement, chinese.hints[0]):
        assert CHINESE.search(text), text
    for text in (english.title, english.statement, english.example, *english.hints):
        assert not CHINESE.search(text), text
    assert len(english.follow_ups) == len(chinese.follow_ups) >= 1
    assert all(CHINESE.search(part.ask + part.answer) for part in chinese.follow_ups)
    # The numbers of the worked example and of the statement are the same in both.
    numbers = [re.findall(r"\d+\.\d+", text.statement + text.example) for text in (english, chinese)]
    assert numbers[0] == numbers[1]


@pytest.mark.parametrize("slug", SLUGS)
def test_the_starter_names_what_is_graded(slug):
    exercise = exercises.exercise(slug, "en")
    known = task(slug)
    for code in (exercise.starter, exercise.solution):
        compile(code, slug, "exec")
        assert re.search(rf"^(def|class) {known.target}\b", code, flags=re.MULTILINE)
        assert not any(re.search(rf"\b{name}\b", code) for name in set(exercise.avoid) - {known.target})
    assert exercise.lab in ("", *lessons.slugs())


def test_every_named_misconception_is_explained_and_none_is_dead():
    named = {name for slug in SLUGS for name in task(slug).misconceptions}
    for language in lessons.LANGUAGES:
        assert set(exercises.misconceptions(language)) == named


def test_every_case_and_every_fault_has_its_words():
    for language in lessons.LANGUAGES:
        texts = lessons.labels("exercises", language)
        cases = {case.name for slug in SLUGS for case in task(slug).cases(torch.Generator().manual_seed(0))}
        assert cases == set(texts.group("cases"))
        assert set(texts.group("topics")) == set(exercises.TOPICS)
        assert set(texts.group("levels")) == set(map(str, exercises.LEVELS))


def test_every_fault_that_the_grader_knows_has_its_sentence():
    source = "".join(Path(module.__file__).read_text("utf-8") for module in (comparison, grading))
    plain = set(re.findall(r'(?:Difference|Feedback)\(\s*"(\w+)"', source)) - {"passed"}
    built = {
        prefix + kind for prefix in ("", "gradient_", "model_") for kind in re.findall(r'prefix \+ "(\w+)"', source)
    }
    modes = {"model_mode_train", "model_mode_eval"}
    stopped = {"syntax", "avoided", "definition", "missing", "call", "output"}
    sandbox = {"time", "crashed", "large", "garbled"}
    assert len(plain) > 10 and {"shape", "values"} <= built
    for language in lessons.LANGUAGES:
        said = lessons.labels("exercises", language).group("feedback")
        assert set(said) == (plain - {"model_mode_"}) | built | modes | stopped | sandbox


WORKED = {
    "scaled_dot_product_attention": ("attention([[0.]], [[1.], [5.]], [[2.], [4.]])", [[3.0]]),
    "attention_masks": (
        "attention_bias([[1, 1, 0]], True).exp()",
        [[[[1, 0, 0], [1, 1, 0], [1, 1, 0]]]],
    ),
    "sinusoidal_encoding": ("sinusoidal_encoding(2, 2)", [[0, 1], [0.8415, 0.5403]]),
    "rotary_encoding": ("rotary([[1., 0.], [1., 0.]])", [[1, 0], [0.5403, 0.8415]]),
    "layer_norm": ("layer_norm([[1., 3.]], [1., 1.], [0., 0.])", [[-1, 1]]),
    "soft_loss": ("soft_loss([[0., 0.]], [[0., 2.]], 2.)", 0.4438),
    "distillation_loss": ("distillation_loss([[0., 0.]], [[0., 2.]], [1], 2., 0.5)", 0.5685),
    "calibration_error": ("calibration_error([[0.8, 0.2], [0.8, 0.2]], [0, 1], 10)", 0.3),
    "top_p": ("top_p([[0.5, 0.3, 0.2]]).log(), 0.6)", [[0.625, 0.375, 0]]),
}


@pytest.mark.parametrize("slug", WORKED)
def test_worked_examples_are_true(slug):
    """The solutions give what the statements say."""
    call, expected = WORKED[slug]
    call = re.sub(r"(?<![\w)])(\[\[.*?\]\]|\[[\d., ]+\])", r"torch.tensor(\1)", call)
    call = call.replace("torch.tensor([[0.5, 0.3, 0.2]]))", "torch.tensor([[0.5, 0.3, 0.2]])")
    names: dict = {}
    exec(exercises.exercise(slug, "en").solution, names)
    found = torch.as_tensor(eval(call, names | {"torch": torch}))
    assert torch.allclose(found.double(), torch.as_tensor(expected).double(), atol=1e-4), found


def write(folder, text: str) -> None:
    (folder / "broken").mkdir()
    (folder / "broken" / "exercise.toml").write_text(text, encoding="utf-8")
    for name in ("starter.py", "solution.py"):
        (folder / "broken" / name).write_text("", encoding="utf-8")


LANGUAGE = """
title = "t"
statement = "s"
example = "e"
hints = ["a", "b", "c"]
follow_ups = [{ask = "a", answer = "b"}]
"""
WHOLE = f'place = 1\nlevel = 1\ntopic = "tokens"\nsource = "s"\n[en]{LANGUAGE}[zh]{LANGUAGE}'


@pytest.mark.parametrize(
    "damage",
    [
        ("level = 1", "level = 9"),
        ('topic = "tokens"', 'topic = "cooking"'),
        ('source = "s"', 'source = " "'),
        ('source = "s"\n', ""),
        ('hints = ["a", "b", "c"]', 'hints = ["a", "b"]'),
        ('statement = "s"', 'statement = ""'),
        ('answer = "b"', 'answer = ""'),
        ("[zh]", "[fr]"),
        ("place = 1", "place = "),
    ],
)
def test_incomplete_exercises_are_refused(tmp_path, monkeypatch, damage):
    monkeypatch.setattr(exercises, "FOLDER", tmp_path)
    exercises._facts.cache_clear()
    write(tmp_path, WHOLE.replace(*damage))
    try:
        with pytest.raises(lessons.ContentError):
            exercises.exercise.__wrapped__("broken", "en")
        (tmp_path / "broken" / "exercise.toml").write_text(WHOLE, encoding="utf-8")
        assert exercises.exercise.__wrapped__("broken", "en").title == "t"
    finally:
        exercises._facts.cache_clear()
