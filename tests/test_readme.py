"""The READMEs: their links lead somewhere, their names exist, and their figures are those of the models' cards."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
from transformers import AutoModelForSequenceClassification

from core.course import course
from core.models import catalog
from core.models.card import SHIPPED
from core.practice.sandbox.attacks import ATTACKS
from lessons.interview import questions
from lessons.interview.exercises import slugs
from lessons.interview.mistakes import mistakes

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
MODELS = SHIPPED / "README.md"
BENCHMARKS = ROOT / "tests" / "benchmarks" / "README.md"
CARDS = {card.name: card for card in catalog()}

COMMANDS = (
    "pip install -r requirements.txt && streamlit run app.py",
    "pip install -r tests/requirements.txt && ruff check . && ruff format --check . && python -m pytest",
)


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def tables(path: Path) -> dict[str, list[list[str]]]:
    """The body rows of every table, by its first header cell."""
    found: dict[str, list[list[str]]] = {}
    for block in re.findall(r"(?:^\|.*\|\n)+", text_of(path), flags=re.MULTILINE):
        head, rule, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines())
        assert all(set(cell) <= set("-:") for cell in rule) and all(len(row) == len(head) for row in rows), head
        assert head[0] not in found, f"Two tables of {path.name} begin with {head[0]}."
        found[head[0]] = rows
    return found


def model_rows(header: str) -> dict[str, list[str]]:
    """The cells behind the model's name, by that name, of one table of the models' README."""
    return {re.sub(r"\[(.+)\]\(.+\)", r"\1", name): cells for name, *cells in tables(MODELS)[header]}


def agrees(shown: str, measured: float, kept: int) -> bool:
    """Whether a figure is the measured one, rounded to the digits shown; the card itself keeps `kept` decimals."""
    digits = re.fullmatch(r"(\d+(?:\.(\d+))?)%?", shown)
    assert digits, shown
    return abs(float(digits[1]) - measured) <= 0.5 * 10 ** -len(digits[2] or "") + 0.5 * 10**-kept + 1e-9


def share(shown: str, measured: float) -> bool:
    """The same of a share, in per cent where it is shown; cards keep four decimals of it."""
    assert shown.endswith("%"), shown
    return agrees(shown, 100 * measured, 2)


@pytest.mark.parametrize("path", [README, MODELS, BENCHMARKS], ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_and_image_exists(path):
    links = re.findall(r"\]\(([^)]+)\)", text_of(path))
    local = [link.split("#")[0] for link in links if "://" not in link and not link.startswith("#")]
    assert local or path == BENCHMARKS
    assert not [link for link in local if not (path.parent / link).exists()]


def test_the_first_page_is_short_and_has_one_light_picture():
    assert len(text_of(README).splitlines()) < 170
    [(words, picture)] = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", text_of(README))
    assert len(words.split()) > 10
    content = (ROOT / picture).read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) < 300_000


@pytest.mark.parametrize("command", COMMANDS, ids=("run", "test"))
def test_the_two_commands_are_blocks_of_one_line(command):
    """`.ci/run` reads the second from here."""
    assert f"```bash\n{command}\n```\n" in text_of(README)


def test_the_folders_that_the_readme_names_exist():
    section = text_of(README).split("## Where things are")[1].split("\n## ")[0]
    named = re.findall(r"`((?:core|pages|lessons|assets|tests)/[^`\s]*|app\.py)`", section)
    assert {"core/models/", "core/labs/<lesson>/", "pages/kit/", "tests/browser/"} <= set(named)
    places = {name.replace("<lesson>", one.slug) for name in named for one in course()}
    assert not [place for place in sorted(places) if not (ROOT / place).exists()]


def test_every_benchmark_is_listed_and_exists():
    listed = re.findall(r"`python -m tests\.benchmarks\.(\w+)`", text_of(BENCHMARKS))
    modules = [path for path in BENCHMARKS.parent.glob("*.py") if "__main__" in text_of(path)]
    assert sorted(listed) == sorted(path.stem for path in modules)


def test_the_notebook_code_runs(tmp_path, monkeypatch, capsys):
    """As it is written, but for the number of steps."""
    monkeypatch.chdir(tmp_path)
    opening, distilling = re.findall(r"```python\n(.+?)```", text_of(README), flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(opening, names)
    assert names["found"].check() < 1e-5
    short = distilling.replace("steps=250", "steps=2")
    assert short != distilling
    exec(short, names)
    assert re.findall(r"^(\d+) \{'soft': ", capsys.readouterr().out, flags=re.MULTILINE) == ["1", "2"]
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "my-student")
    assert again.config.num_hidden_layers == 2


def test_what_the_readme_counts_is_there():
    for pattern, there in (
        (r"Answer (\d+) questions", questions("en")),
        (r"the flaw in (\d+) statements", mistakes("en")),
        (r"Write (\d+) in PyTorch", slugs()),
        (r"(\d+) attacks", ATTACKS),
    ):
        assert [int(number) for number in re.findall(pattern, text_of(README))] == [len(there)], pattern


def test_the_models_readme_is_no_model():
    assert MODELS.exists() and SHIPPED.name not in CARDS
    assert set(CARDS) == {path.name for path in SHIPPED.iterdir() if path.is_dir()}


def test_every_model_is_described_once():
    assert sorted([*model_rows("model"), *model_rows("classifier")]) == sorted(CARDS)
    for name in CARDS:
        assert f"[{name}]({name}/README.md)" in text_of(MODELS)


@pytest.mark.parametrize("header, column", [("model", 1), ("classifier", 1)])
def test_the_parameters_are_those_of_the_cards(header, column):
    for name, cells in model_rows(header).items():
        millions = cells[column].removesuffix(" million")
        assert agrees(millions, CARDS[name].parameters / 1e6, 6), name


def test_the_shared_embeddings_have_the_size_that_is_told():
    [millions] = re.findall(r"which account for ([\d.]+) million parameters", text_of(MODELS))
    assert agrees(millions, CARDS["minilm-teacher"].vocabulary * CARDS["minilm-teacher"].width / 1e6, 6)


def test_the_figures_on_held_out_text_are_those_of_the_cards():
    rows = model_rows("held-out text")
    assert list(rows) == list(model_rows("model"))
    for name, (top1, top5, loss, ece, agreement) in rows.items():
        metrics = CARDS[name].metrics
        measured = metrics["all_in_domain"]
        assert share(top1, measured["top1"]) and share(top5, measured["top5"]), name
        assert agrees(loss, measured["loss"], 4) and agrees(ece, measured["ece"], 4), name
        assert agreement == "–" if name == "minilm-teacher" else share(agreement, metrics["agreement"]["top1"]), name
    [positions] = re.findall(r"held-out text has ([\d,]+) masked positions", text_of(MODELS))
    assert {int(positions.replace(",", ""))} == {CARDS[name].metrics["all_in_domain"]["positions"] for name in rows}


def test_the_figures_on_sentences_are_those_of_the_cards():
    rows = model_rows("sentences")
    assert list(rows) == list(model_rows("model"))
    for name, cells in rows.items():
        for place, cell in zip(("cloze", "unseen", "subjects"), cells, strict=True):
            top1, top5, copied = cell.split(", ")
            measured = CARDS[name].metrics[place]
            assert share(top1, measured["top1"]) and share(top5, measured["top5"]), (name, place)
            assert share(copied, measured["copy_rate"]), (name, place)


def test_the_accuracies_of_the_classifiers_are_those_of_the_cards():
    for name, (*_, shown) in model_rows("classifier").items():
        metrics = CARDS[name].metrics
        head = name.removeprefix("minilm-")
        measured = metrics["accuracy"][head][head] if CARDS[name].task == "pairs" else metrics.get("accuracy")
        assert share(shown, metrics["sentences"]["accuracy"] if measured is None else measured), name


def test_the_label_budgets_are_those_of_the_stored_experiment():
    runs = json.loads(text_of(ROOT / "assets" / "data" / "kinds" / "experiment.json"))["runs"]
    rows = tables(MODELS)["labels"]
    assert [int(row[0].replace(",", "")) for row in rows] == sorted({run["labels"] for run in runs})
    for labels, *cells in rows:
        for column, temperature in enumerate((None, 2.0)):
            arm = [
                run
                for run in runs
                if (run["labels"], run["temperature"]) == (int(labels.replace(",", "")), temperature)
            ]
            accuracy, spread = cells[column].removesuffix("%").split(" ± ")
            measured = [100 * run["accuracy"] for run in arm]
            assert agrees(accuracy, mean(measured), 2) and agrees(spread, stdev(measured), 2), (labels, temperature)
            assert agrees(cells[2 + column], mean(run["ece"] for run in arm), 4), (labels, temperature)
