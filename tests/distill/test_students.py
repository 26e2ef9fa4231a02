"""Students: depth, heads and words survive saving, plain transformers opens them, and impossible ones are refused."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
import transformers

from core.distill.forward import FeatureRequest, forward
from core.distill.inputs.words import WordsInUse, whole_again, with_words_in_use
from core.distill.students import fresh, from_layers, open_for, refuse_untrained_head, save
from core.errors import LabError
from core.models import load

PLAIN = """
import sys, json, torch, transformers
for folder, name in zip(sys.argv[1::2], sys.argv[2::2]):
    model, report = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    logits = model(input_ids=torch.tensor([[2, 5, 6, 3]])).logits
    print(json.dumps([logits.flatten().tolist(), model.config.num_hidden_layers, len(report["missing_keys"])]))
"""
"""A program that knows nothing of the lab."""

FAMILIES = ("bert", "distilbert", "roberta", "electra", "modernbert", "gpt2", "llama")


@pytest.mark.parametrize("family", FAMILIES)
def test_layers_keep_their_weights_and_the_depth_survives(tiny, family, tmp_path):
    teacher = tiny(family).model
    student = from_layers(teacher, (2, 0)).eval()
    assert student.config.num_hidden_layers == 2 and teacher.config.num_hidden_layers == 3
    ours, theirs = (dict(m.named_parameters()) for m in (student, teacher))
    moved = [name for name in ours if any(f".{part}.0." in name for part in ("layer", "layers", "h"))]
    assert moved
    for name in moved:
        assert torch.equal(ours[name], theirs[name.replace(".0.", ".2.", 1)]), name
    save(student, tmp_path, tiny(family).tokenizer)
    again = load(tmp_path, device="cpu").model
    assert again.config.num_hidden_layers == 2
    ids = torch.tensor([[2, 5, 6, 7, 3]])
    with torch.no_grad():
        torch.testing.assert_close(again(input_ids=ids).logits, student(input_ids=ids).logits)


def test_all_layers_are_the_teacher_again(tiny):
    teacher, ids = tiny("bert").model, torch.tensor([[2, 5, 6, 7, 3]])
    with torch.no_grad():
        assert torch.equal(from_layers(teacher, (0, 1, 2)).eval()(input_ids=ids).logits, teacher(input_ids=ids).logits)


def test_plain_transformers_opens_students_with_the_same_logits(model, tmp_path):
    tasks = ("single_label", "multi_label", "token_labels", "masked_words")
    students = {task: model(task, layers=2) for task in tasks}
    command = [sys.executable, "-c", PLAIN]
    for task, student in students.items():
        save(student, tmp_path / task)
        command += [str(tmp_path / task), type(student).__name__]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout.splitlines()
    for student, line in zip(students.values(), lines, strict=True):
        logits, *facts = json.loads(line)
        with torch.no_grad():
            expected = student(input_ids=torch.tensor([[2, 5, 6, 3]])).logits.flatten()
        torch.testing.assert_close(torch.tensor(logits), expected)
        assert facts == [2, 0]


def test_a_fresh_student_has_the_asked_shape_and_repeats(tiny, task):
    teacher = tiny("bert").model
    student, again, other = (fresh(teacher, task, 2, 16, 2, labels=5, seed=seed) for seed in (3, 3, 4))
    config = student.config
    assert (config.num_hidden_layers, config.hidden_size, config.num_attention_heads) == (2, 16, 2)
    assert config.vocab_size == teacher.config.vocab_size and config.intermediate_size == 64
    same = [torch.equal(a, b) for a, b in zip(student.parameters(), again.parameters(), strict=True)]
    assert all(same)
    assert not torch.equal(next(student.parameters()), next(other.parameters()))
    if task != "masked_words":
        assert config.num_labels == 5
    if task == "multi_label":
        assert config.problem_type == "multi_label_classification"


@pytest.mark.parametrize("width", [8, 32, 64])
def test_a_fresh_student_may_start_from_the_teachers_words(tiny, width):
    """As near to each other as the teacher holds them: exactly so where no dimension is lost."""
    teacher = tiny("bert").model
    words = (
        fresh(teacher, "single_label", 2, width, 2, labels=5, words="teacher").get_input_embeddings().weight.detach()
    )
    other = fresh(teacher, "single_label", 2, width, 2, labels=5).get_input_embeddings().weight.detach()
    theirs = teacher.get_input_embeddings().weight.detach()
    ours, wanted = torch.pdist(words), torch.pdist(theirs)
    likeness = torch.corrcoef(torch.stack((ours, wanted)))[0, 1]
    assert likeness > (0.999 if width >= 32 else 0.6) and words.std() == pytest.approx(0.1, rel=1e-3)
    assert torch.corrcoef(torch.stack((torch.pdist(other), wanted)))[0, 1] < likeness - 0.2


@pytest.mark.parametrize(
    "options, code",
    [
        ({"width": 30}, "heads_do_not_divide"),
        ({"heads": 0}, "bad_shape"),
        ({"layers": 0}, "bad_shape"),
        ({"labels": 0}, "zero_labels"),
    ],
)
def test_impossible_students_are_refused(tiny, options, code):
    with pytest.raises(LabError) as error:
        fresh(tiny("bert").model, "single_label", **{"layers": 2, "width": 32, "heads": 4, "labels": 3} | options)
    assert error.value.code == code


def test_layers_that_do_not_exist_are_refused(tiny):
    with pytest.raises(LabError) as error:
        from_layers(tiny("bert").model, (0, 3))
    assert error.value.code == "bad_layers"


def test_a_made_up_head_is_refused(family_folder, broken_folder, tiny, tmp_path):
    with pytest.raises(LabError) as error:
        open_for(family_folder("bert"), "single_label")  # a file without a classifier
    assert error.value.code == "untrained_head"
    for family in ("bert", "distilbert", "roberta", "electra", "albert"):
        config = tiny(family).model.config
        with pytest.raises(LabError) as error:
            refuse_untrained_head(transformers.AutoModelForSequenceClassification.from_config(config))
        assert error.value.code == "untrained_head", family
        refuse_untrained_head(tiny(family).model)
    for folder, code in ((broken_folder, "broken_checkpoint"), (tmp_path / "nowhere", "missing_checkpoint")):
        with pytest.raises(LabError) as error:
            open_for(folder, "masked_words")
        assert error.value.code == code


def test_a_trained_head_opens(model, tmp_path):
    save(model("multi_label"), tmp_path)
    opened = open_for(tmp_path, "multi_label")
    refuse_untrained_head(opened)
    assert not opened.training and opened.config.problem_type == "multi_label_classification"


def test_words_in_use_read_every_text_and_go_back(model, texts, tmp_path):
    student, plain = model(), model()
    batch = texts().batch(torch.tensor([0, 30]))
    needs = FeatureRequest(logits=True)
    in_use = texts().chosen([0, 1, 2]).vocabulary
    assert with_words_in_use(student, in_use)
    words = student.get_input_embeddings()
    assert isinstance(words, WordsInUse) and len(words.rows) == len(in_use) < plain.config.vocab_size
    with torch.no_grad():
        expected = forward(plain, batch, "single_label", needs).logits
        torch.testing.assert_close(forward(student, batch, "single_label", needs).logits, expected)
        words.rows += 1
    save(student, tmp_path)  # in the middle of a training
    whole_again(student)
    table = student.get_input_embeddings().weight
    difference = (table - plain.get_input_embeddings().weight).abs().amax(dim=1)
    assert torch.equal(difference.nonzero().flatten(), in_use)
    assert torch.equal(open_for(tmp_path, "single_label").get_input_embeddings().weight, table)


def test_a_tied_vocabulary_head_needs_every_word(model, texts):
    assert not with_words_in_use(model("masked_words"), texts("masked_words").vocabulary)
