"""The stages that make the data and the models of the kinds and of sentiment."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedModel

from core.build import workspace
from core.build.cards import classifiers as classifier_cards
from core.build.cards.shipping import ship
from core.build.stage import Stage
from core.build.stages.labels import WORDNET
from core.build.text import kinds_data
from core.build.train import classifier, kinds, kinds_experiment, sentiment
from core.build.train.kinds import BASE
from core.data.kinds import FOLDER, KINDS, LOGITS, RESULTS, TABLE, definitions, teacher_logits
from core.distill import label_budget
from core.measure.calibration import reliability
from core.models.card import SHIPPED


def milliseconds(model: PreTrainedModel, rows: list[list[int]], count: int = 60) -> float:
    """The time of the fastest of `count` forward passes over one text each: others use the build machine too."""
    spent = []
    with torch.no_grad():
        for row in rows[:count]:
            inputs = classifier.padded([row], model.config.pad_token_id)
            started = time.perf_counter()
            model(**inputs)
            spent.append(time.perf_counter() - started)
    return round(1000 * min(spent), 2)


def scores(logits: Tensor, labels: Tensor) -> dict:
    """Accuracy and calibration of `[text, class]` against `[text]`."""
    found = reliability(logits.softmax(-1), labels)
    accuracy = float((logits.argmax(-1) == labels).float().mean())
    numbers = {"accuracy": accuracy, "ece": found.ece, "overconfidence": found.overconfidence}
    return {name: round(value, 4) for name, value in numbers.items()} | {"count": len(labels)}


def ship_kinds_teacher() -> None:
    """Ship the teacher, and its logits for the texts on which it was not trained."""
    model, tokenizer = kinds.train_teacher(), AutoTokenizer.from_pretrained(BASE)
    if not (FOLDER / LOGITS).exists():
        kinds.write_logits(model)
    labels = {part: torch.tensor([one.kind for one in definitions(part)]) for part in ("test", "transfer")}
    choice = teacher_logits("test").argmax(-1)
    metrics = scores(teacher_logits("test"), labels["test"])
    metrics["transfer_accuracy"] = scores(teacher_logits("transfer"), labels["transfer"])["accuracy"]
    metrics["milliseconds"] = milliseconds(model, kinds.rows_of("test", tokenizer)[0])
    hit = {kind: (choice == labels["test"])[labels["test"] == i] for i, kind in enumerate(KINDS)}
    metrics["recall"] = {kind: round(float(found.float().mean()), 3) for kind, found in hit.items()}
    ship(model, tokenizer, SHIPPED / kinds.TEACHER, *classifier_cards.kinds_teacher(metrics), embeddings_of=BASE)


def kinds_student(run: label_budget.Trial) -> PreTrainedModel:
    """One student of the shipped recipe, trained or read from the workspace."""
    folder = workspace.folder() / f"kinds-student-{run.labels}-{run.temperature}"
    if not (folder / "model.safetensors").exists():
        label_budget.learn(run, label_budget.SHIPPED_RECIPE).save_pretrained(folder)
    model = type(label_budget.teacher()).from_pretrained(folder, dtype=torch.float32)
    return classifier.halved(model)


def ship_kinds_student() -> None:
    """Ship the distilled student, compared with two students without a teacher."""
    run = label_budget.SHIPPED_TRIAL
    model, tokenizer = kinds_student(run), AutoTokenizer.from_pretrained(BASE)
    rows, labels = kinds.rows_of("test", tokenizer)

    def measured(student: PreTrainedModel) -> dict:
        found = label_budget.measured(label_budget.logits_of(student, "test"))
        return {name: found[name] for name in ("accuracy", "agreement", "ece")}

    metrics = measured(model)
    metrics["control"] = measured(kinds_student(replace(run, temperature=None)))
    metrics["control_all_labels"] = measured(
        kinds_student(replace(run, temperature=None, labels=len(definitions("transfer"))))
    )
    taught = scores(teacher_logits("test"), labels)
    metrics |= {"teacher_accuracy": taught["accuracy"], "teacher_ece": taught["ece"]}
    metrics["milliseconds"] = milliseconds(model, rows)
    metrics["teacher_milliseconds"] = milliseconds(label_budget.teacher(), rows)
    card = classifier_cards.kinds_student(metrics, run, label_budget.SHIPPED_RECIPE)
    ship(model, tokenizer, SHIPPED / "kinds-student", *card)


def opinion_scores(model: PreTrainedModel, teacher_says: Tensor | None = None) -> tuple[dict, Tensor]:
    """Scores of a sentiment model on held-out sentences and reviews, and its logits for all held-out texts, `[text, class]`."""
    held = sentiment.texts(held_out=True)
    rows, labels = sentiment.encoded(held)
    logits = classifier.logits_of(model, rows)
    single = torch.tensor([one.corpus == "sentence_polarity" for one in held])
    reviews: dict[str, list[int]] = {}
    for i, one in enumerate(held):
        if one.corpus == "movie_reviews":
            reviews.setdefault(one.document, []).append(i)
    whole = torch.stack([logits[passages].mean(0) for passages in reviews.values()])
    verdicts = labels[[passages[0] for passages in reviews.values()]]
    metrics = {"sentences": scores(logits[single], labels[single]), "reviews": scores(whole, verdicts)}
    metrics["milliseconds"] = milliseconds(model, [row for row, alone in zip(rows, single, strict=True) if alone])
    if teacher_says is not None:
        same = logits[single].argmax(-1) == teacher_says[single].argmax(-1)
        metrics["agreement"] = round(float(same.float().mean()), 4)
    return metrics, logits


def ship_sentiment() -> None:
    """Ship the sentiment teacher and its student, compared with the control."""
    tokenizer, teacher, student = (
        AutoTokenizer.from_pretrained(BASE),
        sentiment.train_teacher(),
        sentiment.train_student(True),
    )
    taught, says = opinion_scores(teacher)
    metrics, _ = opinion_scores(student, says)
    control, _ = opinion_scores(sentiment.train_student(False), says)
    ship(
        teacher, tokenizer, SHIPPED / sentiment.TEACHER, *classifier_cards.sentiment_teacher(taught), embeddings_of=BASE
    )
    card = classifier_cards.sentiment_student({**metrics, "teacher": taught, "control": control})
    ship(student, tokenizer, SHIPPED / sentiment.STUDENT, *card, embeddings_of=BASE)


def _trained(name: str) -> bool:
    return classifier.finished(workspace.folder() / name)


def _there(*files: Path) -> bool:
    return all(file.exists() for file in files)


def _kinds_teacher_shipped() -> bool:
    return _there(SHIPPED / kinds.TEACHER / "README.md", FOLDER / LOGITS)


STAGES = (
    Stage(
        name="kinds_data",
        outside=(WORDNET,),
        leaves="assets/data/kinds/definitions.csv.gz with licence and description",
        minutes=1,
        done=lambda: _there(FOLDER / TABLE),
        run=lambda: kinds_data.write(kinds_data.split(list(kinds_data.read())), FOLDER),
    ),
    Stage(
        name="kinds_teacher",
        needs=("kinds_data", "ship_words"),
        leaves="kinds-teacher/checkpoint.pt, assets/models/kinds-teacher, assets/data/kinds/teacher_logits.safetensors",
        minutes=8,
        done=lambda: _trained(kinds.TEACHER) and _kinds_teacher_shipped(),
        run=ship_kinds_teacher,
        shipped=_kinds_teacher_shipped,
    ),
    Stage(
        name="kinds_student",
        needs=("kinds_teacher",),
        leaves="kinds-student-*/model.safetensors, assets/models/kinds-student",
        minutes=5,
        done=lambda: _there(SHIPPED / "kinds-student" / "README.md"),
        run=ship_kinds_student,
    ),
    Stage(
        name="kinds_experiment",
        needs=("kinds_teacher",),
        leaves="kinds-experiment/results.jsonl, assets/data/kinds/experiment.json",
        minutes=45,
        done=lambda: kinds_experiment.done() and _there(FOLDER / RESULTS),
        run=lambda: (kinds_experiment.conduct(), kinds_experiment.publish()),
    ),
    Stage(
        name="sentiment",
        needs=("ship_words",),
        outside=("NLTK's movie_reviews and sentence_polarity",),
        leaves="sentiment-{teacher,student,control}/checkpoint.pt, assets/models/sentiment-{teacher,student}",
        minutes=15,
        done=lambda: _there(*(SHIPPED / name / "README.md" for name in (sentiment.TEACHER, sentiment.STUDENT))),
        run=ship_sentiment,
    ),
)
