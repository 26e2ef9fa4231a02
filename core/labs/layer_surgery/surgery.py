"""Layers and heads removed from a real model, and the cost of it on a small sample of held-out texts.

engine, setting = Engine(), default_setting()
found = cost(engine, setting, "minilm-teacher", Cut((0, 2, 4), ((0, 3),)))
found.loss.mean, found.rise.mean, found.rise.error          # nats per masked word; the standard error is over texts

A removed layer passes its input on; a head that is off adds nothing. Nothing is trained.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch import Tensor

from core.data.kinds import KINDS
from core.distill.inputs.texts import Batch
from core.engine import Engine, Setting, card
from core.errors import LabError
from core.labs.layer_surgery.bench import TEXTS, Answers, Cost, Mean, Table
from core.labs.layer_surgery.cut import Cut, Weight, weigh, whole
from core.labs.masked_words import masked_positions
from core.memory import RecentlyUsed
from core.models.card import catalog
from core.theory.masking import IGNORED

KEPT_TABLES, KEPT_COSTS = 4, 4000

ROUNDS = 5
"""Timed passes of the full and of the pruned model, in turns."""

SHOWN = 4
"""Top answers of each model that are shown for a sentence."""


def on_offer(setting: Setting) -> list[str]:
    """The models that can be cut: those whose task has held-out texts in the course.

    They are shipped, or are in use and come from a run of *Distil*.
    """
    own = [found for name in (setting.teacher, setting.student) if (found := card(name)) is not None]
    return list(dict.fromkeys(one.name for one in (*catalog(), *own) if one.task in TEXTS and one.layers > 1))


def start_with(setting: Setting) -> str:
    """The teacher in use if it can be cut, else the first model that can.

    Raises:
        LabError: `missing_pair` if there is none.
    """
    offered = on_offer(setting)
    if not offered:
        raise LabError("missing_pair", role="teacher")
    return setting.teacher if setting.teacher in offered else offered[0]


_TABLES = RecentlyUsed(KEPT_TABLES)
_COSTS = RecentlyUsed(KEPT_COSTS)
_TIMES = RecentlyUsed(KEPT_COSTS)


def table(engine: Engine, setting: Setting, name: str) -> Table:
    """The model with its sample, opened once for all pages.

    Raises:
        LabError: `not_bert_like`, `missing_data`, `busy`, and as `core.models.load`.
    """
    checkpoint = engine.checkpoint(setting, name)
    return _TABLES.get(checkpoint, lambda: Table(checkpoint, engine.turn))


def run(engine: Engine, opened: Table, cut: Cut) -> Answers:
    """Results of a cut model on the sample; layers below the first change are not computed again."""
    same = 0
    while same < len(cut.keep) and cut.keep[same] == same and not cut.heads(same):
        same += 1
    states = opened.states[same]
    for layer in cut.keep[same:]:
        with engine.turn():
            states = opened.through(layer, states, cut.heads(layer))
    with engine.turn():
        return opened.answered(states)


def cost(engine: Engine, setting: Setting, name: str, cut: Cut) -> Cost:
    """The cost of a cut on the sample, cached for all pages.

    Raises:
        LabError: as `table`.
    """
    opened = table(engine, setting, name)
    return _COSTS.get((opened, cut), lambda: opened.judged(run(engine, opened, cut)))


def remember(opened: Table, cut: Cut, answers: Answers) -> Cost:
    """Cache a cut's results that a sweep computed, as `cost` would."""
    return _COSTS.get((opened, cut), lambda: opened.judged(answers))


def task_of(name: str) -> str:
    """The task of a model of the catalogue: "words" or "kinds" for those that can be cut."""
    found = card(name)
    return found.task if found else ""


def half_of(layers: int) -> int:
    """Number of layers of a student of half the depth."""
    return max(1, layers // 2)


@dataclass(frozen=True)
class Times:
    """Milliseconds for one text of the sample, alone in its batch: medians of passes in turns.

    Attributes:
        whole, rest: of the full and of the pruned model.
        tokens: of that text.
    """

    whole: float
    rest: float
    tokens: int


def times(engine: Engine, setting: Setting, name: str, keep: tuple[int, ...]) -> Times:
    """Time of the full model and of the layers that stay, on this device; heads that are off do not change it."""
    opened = table(engine, setting, name)
    one = [opened.typical]

    def once(layers: Sequence[int]) -> float:
        start = time.perf_counter()
        states = opened.embedded(one)
        for layer in layers:
            states = opened.through(layer, states, batches=one)
        opened.logits(states, one)  # brings numbers to the CPU, so a GPU is done too
        return 1000 * (time.perf_counter() - start)

    def compute() -> Times:
        every = whole(len(opened.layers)).keep
        with engine.alone():
            once(every)
            rounds = [(once(every), once(keep)) for _ in range(ROUNDS)]
        return Times(*(median(column) for column in zip(*rounds, strict=True)), int(opened.typical.tokens))

    return _TIMES.get((opened, keep), compute)


@dataclass(frozen=True)
class Operation:
    """A cut model compared with the full one: everything that a click changes.

    Attributes:
        before, after: costs of the full and of the cut model on the sample.
        times: on this device.
        weight: parameters and bytes.
        texts, questions: of the sample.
    """

    cut: Cut
    before: Cost
    after: Cost
    times: Times
    weight: Weight
    texts: int
    questions: int

    @property
    def top1_change(self) -> float:
        """Change of the top-1 accuracy, in percentage points."""
        return 100 * (self.after.top1.mean - self.before.top1.mean)

    @property
    def top5_change(self) -> float:
        """Change of the top-5 accuracy, in percentage points."""
        return 100 * (self.after.top5.mean - self.before.top5.mean)

    @property
    def time_change(self) -> float:
        """Relative change of the time; −0.3 saves 30%."""
        return self.times.rest / self.times.whole - 1

    @property
    def size_change(self) -> float:
        """Relative change of the number of parameters."""
        return self.weight.rest / self.weight.parameters - 1


def operate(engine: Engine, setting: Setting, name: str, cut: Cut) -> Operation:
    """Make a cut and measure everything about it.

    Raises:
        LabError: as `table`.
    """
    opened = table(engine, setting, name)
    return Operation(
        cut=cut,
        before=cost(engine, setting, name, whole(len(opened.layers))),
        after=cost(engine, setting, name, cut),
        times=times(engine, setting, name, cut.keep),
        weight=weight(engine, setting, name, cut),
        texts=opened.texts,
        questions=opened.questions,
    )


def weight(engine: Engine, setting: Setting, name: str, cut: Cut) -> Weight:
    """Parameters of the full and of the pruned model."""
    return weigh(engine.checkpoint(setting, name).model, cut)


def compare(opened: Table, first: Cost, second: Cost) -> Mean:
    """Mean rise of the loss from the first cut to the second, question by question."""
    return opened.mean(second.answers.loss.double() - first.answers.loss.double())


def can_teach(name: str) -> bool:
    """True if a model is a teacher, so that its pruned model can be its student."""
    found = card(name)
    return found is not None and found.role == "teacher"


@dataclass(frozen=True)
class Reading:
    """Predictions of the full and of the pruned model on one text.

    Attributes:
        answers: the best of both, the full model's first, `[answer]`: words, or names of classes.
        whole, rest: their probabilities, `[answer]`.
        divergence: KL(whole ‖ rest) over all answers, in nats.
        same: true if both have the same top-1 prediction.
        first: the pruned model's top-1 prediction.
    """

    answers: list[str]
    whole: Tensor
    rest: Tensor
    divergence: float
    same: bool
    first: str


def read(engine: Engine, setting: Setting, name: str, text: str, cut: Cut) -> Reading:
    """Run both models on the learner's text: on its first [MASK], or on the class that it defines.

    Raises:
        LabError: `empty_text`, `no_mask`, and as `table`.
    """
    opened = table(engine, setting, name)
    tokens, checkpoint = engine.tokens(setting, name, text), engine.checkpoint(setting, name)
    ids = tokens.ids[None].to(checkpoint.device)
    labels = torch.full_like(ids, IGNORED)
    if opened.words:
        labels[0, masked_positions(engine, setting, name, tokens)[0]] = 0
    one = [Batch(ids, torch.ones_like(ids), labels, torch.zeros(1, dtype=torch.long))]
    log_probabilities = []
    for chosen in (whole(len(opened.layers)), cut):
        with engine.turn():
            states = opened.embedded(one)
            for layer in chosen.keep:
                states = opened.through(layer, states, chosen.heads(layer), one)
            log_probabilities.append(opened.logits(states, one)[0].log_softmax(-1))
    before, after = log_probabilities
    best = list(dict.fromkeys([*before.topk(SHOWN).indices.tolist(), *after.topk(SHOWN).indices.tolist()]))

    def called(answer: int) -> str:
        return checkpoint.tokenizer.convert_ids_to_tokens(answer) if opened.words else KINDS[answer]

    return Reading(
        answers=[called(answer) for answer in best],
        whole=before.exp()[best],
        rest=after.exp()[best],
        divergence=max(0.0, float((before.exp() * (before - after)).sum())),
        same=bool(before.argmax() == after.argmax()),
        first=called(int(after.argmax())),
    )
