"""One changed byte in a shipped teacher stops whoever would compute with it: a page, a training, a report, a notebook."""

from __future__ import annotations

import ast
import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from core.distill import label_budget
from core.distill.objectives.objective import CONTROL, mixture
from core.distill.students import open_for
from core.distill.training import TrainingConfig
from core.engine import Engine, Setting
from core.errors import LabError
from core.folders import FOLDER_VARIABLE
from core.labs.worth_it import sources
from core.labs.worth_it.notebook import TEXTS, notebook
from core.models import card as card_module
from core.models import finished, load, loading, open_tokenizer
from core.models.card import SHIPPED, catalog, read_card
from core.runs.datasets import TEACHER, kinds_material
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.runs.process.session import Session
from core.runs.run import Run
from core.runs.snapshots import student_at

MADE = {"texts": 16, "labels": 8, "held_out": 8}


def plan(teacher: str = TEACHER) -> RunPlan:
    """One step; the teacher's logits are not at hand, so it must be asked."""
    student = StudentPlan(depth=1, width=32, heads=2)
    arms = {"distilled": ArmPlan(student, mixture(0.9, 2.0)), "control": ArmPlan(student, CONTROL)}
    extra = {"material": {"kind": "kinds", **MADE}}
    return RunPlan(
        "tiny",
        "single_label",
        (teacher,),
        arms,
        TrainingConfig(steps=1),
        (0,),
        measure_every=1,
        snapshots=1,
        extra=extra,
    )


@pytest.fixture(scope="module")
def material():
    return kinds_material(**MADE)


@pytest.fixture(scope="module")
def run(tmp_path_factory, material):
    """A finished run of the teacher as it is shipped."""
    folder = tmp_path_factory.mktemp("data") / "runs" / "tiny"
    run = Run.create(folder, plan(), material.texts, material.held_out)
    assert Session(run).train() == "finished"
    return run


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """The folder of a copy of the teacher, in the place of the shipped one."""
    folder = tmp_path / "models" / TEACHER
    shutil.copytree(SHIPPED / TEACHER, folder)
    shared = SHIPPED / "minilm-teacher" / "embeddings.safetensors"
    (tmp_path / "models" / "minilm-teacher").mkdir()
    shutil.copy(shared, tmp_path / "models" / "minilm-teacher")
    cards = [read_card(folder), *(card for card in catalog() if card.name != TEACHER)]
    for module in (loading, finished):
        monkeypatch.setattr(module, "catalog", lambda: cards)
    return folder


@pytest.fixture
def changed(copied):
    """The same with one bit of one weight flipped."""
    file = copied / "layers.safetensors"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    return copied


def refused(ask, *args, code: str = "changed_checkpoint") -> LabError:
    with pytest.raises(LabError) as error:
        ask(*args)
    assert error.value.code == code
    return error.value


def test_an_untouched_copy_is_used_by_all(copied, material, tmp_path):
    assert load(TEACHER, device="cpu").card.folder == copied
    assert open_for(TEACHER, "single_label").config.num_labels == 16
    again = Run.create(tmp_path / "again", plan(), material.texts, material.held_out)
    assert Session(again).train() == "finished"


def test_a_lesson_page_refuses_it(changed):
    refused(Engine().trace, Setting(TEACHER, ""), TEACHER, "a small bird")


@pytest.mark.parametrize("by_folder", [False, True])
def test_a_training_refuses_it_and_the_run_says_why(changed, material, tmp_path, by_folder):
    run = Run.create(tmp_path / "run", plan(str(changed) if by_folder else TEACHER), material.texts, material.held_out)
    error = refused(Session, run)
    assert error.details["file"] == "layers.safetensors"
    status = run.status()
    assert status.state == "failed" and status.lab_error.code == "changed_checkpoint"
    assert str(status.lab_error) == str(error)


def test_a_report_refuses_it(changed, run):
    refused(sources.of_run, run, Engine())


def test_a_snapshot_on_the_way_refuses_it(changed, run):
    refused(student_at, run, "distilled", 0, 1)


def test_its_tokenizer_is_refused_too(changed):
    refused(open_tokenizer, TEACHER)


def code_cells(report, written, names):
    """Runs the notebook's cells that come before it compares."""
    for cell in json.loads(notebook(report, written, dict.fromkeys(TEXTS, "")))["cells"]:
        code = "".join(cell["source"])
        if cell["cell_type"] == "code" and "THEN = " not in code:
            exec(compile(code, cell["id"], "exec"), names)


def test_the_notebook_of_a_run_refuses_it(run, copied, monkeypatch, request):
    report = sources.of_run(run)  # while the copy is whole
    request.getfixturevalue("changed")
    monkeypatch.syspath_prepend(".")
    refused(code_cells, report, run.written_plan, {})


def test_the_notebook_of_the_shipped_pair_refuses_it(changed, monkeypatch):
    monkeypatch.syspath_prepend(".")
    label_budget.teacher.cache_clear()
    refused(code_cells, sources.shipped(), None, {})
    refused(label_budget.teacher)


def test_a_verified_file_is_hashed_once(copied, monkeypatch):
    open_for(TEACHER, "single_label")
    monkeypatch.setattr(card_module.hashlib, "file_digest", lambda *args: pytest.fail("hashed again"))
    open_for(copied, "single_label")
    open_tokenizer(TEACHER)


def test_a_learners_own_folder_has_no_hash_to_be_held_against(run, monkeypatch):
    """A folder may be trained further and saved in place; by its name in the catalogue it must be as it was finished."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(run.folder.parents[1]))
    folder = run.student_folder("distilled")
    load("tiny/distilled-0", device="cpu")
    file = folder / "model.safetensors"
    weights = load_file(file)
    save_file({name: 1.01 * tensor for name, tensor in weights.items()}, file, metadata={"format": "pt"})
    monkeypatch.setattr(card_module, "_sha256", lambda *args: "0" * 64)
    open_for(folder, "single_label")
    load(folder, device="cpu")
    refused(load, "tiny/distilled-0", "cpu")
    save_file(weights, file, metadata={"format": "pt"})


def test_half_a_file_is_one_clear_sentence_everywhere(broken_folder, material, tmp_path):
    run = Run.create(tmp_path / "run", plan(str(broken_folder)), material.texts, material.held_out)
    for ask, args in ((load, (broken_folder, "cpu")), (open_for, (broken_folder, "masked_words")), (Session, (run,))):
        error = refused(ask, *args, code="broken_checkpoint")
        assert str(broken_folder) in str(error) and "\n" not in str(error) and str(error).endswith(".")
    assert run.status().lab_error.code == "broken_checkpoint"


def test_no_other_module_opens_a_checkpoint():
    """`core.build` may: it reads the raw material from which the shipped models are made."""
    root = Path(__file__).resolve().parents[2]
    files = [*(root / "core").rglob("*.py"), *(root / "pages").rglob("*.py"), root / "app.py"]
    calls = {
        f"{path.relative_to(root)}: {ast.unparse(node.func)}"
        for path in files
        if "build" not in path.relative_to(root).parts
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "from_pretrained"
    }
    assert calls == {
        "core/models/loading.py: AutoConfig.from_pretrained",
        "core/models/loading.py: AutoTokenizer.from_pretrained",
        "core/models/loading.py: kind.from_pretrained",
        "core/distill/inputs/words.py: nn.Embedding.from_pretrained",  # a table in memory
    }
