"""Steps a second: the Distiller, TextBrewer's GeneralDistiller, and a plain loop with kept teacher logits.

The same teacher (6 × 384), student (2 × 128), texts, batches, losses and optimizer, end to end over three epochs; the students
must end alike, or the comparison would be of different things. Processor time of one thread, so that what else the machine
does does not count. TextBrewer 0.2.1 runs as it is under transformers 5 (given tensorboardX, which it imports); it asks the
teacher anew in every epoch, since only its BasicDistiller keeps logits.
"""

from __future__ import annotations

import logging
import tempfile
import time

import textbrewer
import torch
from torch.nn import functional as F

from core.data.kinds import definitions
from core.distill.distiller import Arm, Distiller, TrainingConfig
from core.distill.forward import observed
from core.distill.inputs.batching import plan
from core.distill.inputs.encoding import encode
from core.distill.objectives.objective import Objective
from core.distill.objectives.terms import Hard, Soft
from core.distill.students import fresh
from core.models import load

TEXTS, BATCH, EPOCHS, ROUNDS = 640, 32, 3, 3
TEMPERATURE, SOFT, HARD, RATE, CLIP = 4.0, 0.9, 0.1, 1e-3, 1.0
STEPS = TEXTS // BATCH * EPOCHS


def main() -> None:
    """Prints the steps a second of each, the best of several rounds taken in turn, and the ratios."""
    torch.set_num_threads(1)
    logging.disable(logging.INFO)
    checkpoint = load("minilm-teacher", device="cpu")
    rows = definitions("transfer")[:TEXTS]
    texts = encode(checkpoint.tokenizer, [row.text for row in rows], [row.kind for row in rows])
    teacher = observed(fresh(checkpoint.model, "single_label", 6, 384, 12, labels=16, dropout=0.0)).eval()
    torch.nn.init.normal_(teacher.classifier.bias)  # its answers are noise, which costs as much as knowledge
    batches = [[texts.batch(rows) for rows in plan(texts.lengths, BATCH, 0, epoch)] for epoch in range(EPOCHS)]
    tokens = sum(batch.tokens for batch in batches[0])
    print(f"{TEXTS} texts of {tokens / TEXTS:.1f} tokens, {STEPS} steps of {BATCH} texts; processor time of one thread")
    ways = {
        "Distiller": lambda: _ours(teacher, texts, "in_use"),
        "Distiller, every word's row trained": lambda: _ours(teacher, texts, "all"),
        "plain loop, kept logits": lambda: _plain(teacher, texts, batches),
        "TextBrewer GeneralDistiller": lambda: _textbrewer(teacher, batches),
    }
    best: dict[str, float] = {}
    answers = {}
    for _ in range(ROUNDS):
        for way, run in ways.items():
            started = time.process_time()
            student = run()
            best[way] = min(best.get(way, 1e9), time.process_time() - started)
            answers[way] = student.eval()(input_ids=batches[0][0].input_ids).logits.detach()
    reference = answers["plain loop, kept logits"]
    for way, seconds in best.items():
        apart = (answers[way] - reference).abs().max()
        print(f"{way:36} {STEPS / seconds:6.1f} steps/s, ends {apart:.0e} from the plain loop's logits")
    ours = best["Distiller"]
    print(f"TextBrewer takes {best['TextBrewer GeneralDistiller'] / ours:.2f} times as long as the Distiller")
    print(f"the Distiller takes {ours / best['plain loop, kept logits']:.2f} times as long as the plain loop")


def _student(teacher):
    return observed(fresh(teacher, "single_label", 2, 128, 2, dropout=0.0))


def _rates(step: int) -> float:
    return TrainingConfig(steps=STEPS).rate_at(step) / TrainingConfig(steps=STEPS).learning_rate


def _optimizer(student) -> torch.optim.AdamW:
    named = list(student.named_parameters())
    decayed = [parameter for name, parameter in named if parameter.ndim > 1 and "embeddings" not in name]
    plain = [parameter for name, parameter in named if parameter.ndim == 1 or "embeddings" in name]
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=RATE, betas=(0.9, 0.98), fused=True)


def _ours(teacher, texts, words):
    objective = Objective((Soft(weight=SOFT, temperature=TEMPERATURE), Hard(weight=HARD)))
    training = TrainingConfig(
        steps=STEPS, batch_size=BATCH, learning_rate=RATE, max_grad_norm=CLIP, train_embeddings=words
    )
    distiller = Distiller(teacher, {"student": Arm(_student(teacher), objective)}, texts, training)
    for _ in distiller:
        pass
    return distiller.finish()["student"]


def _plain(teacher, texts, batches):
    """What one would write by hand for this case alone."""
    student = _student(teacher).eval()
    optimizer = _optimizer(student)
    kept = torch.empty(len(texts), 16)
    with torch.no_grad():
        for batch in batches[0]:
            kept[batch.rows] = teacher(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
    step = 0
    for epoch in batches:
        for batch in epoch:
            logits = student(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
            log_s, log_t = (x.div(TEMPERATURE).log_softmax(-1) for x in (logits, kept[batch.rows]))
            soft = F.kl_div(log_s, log_t, reduction="batchmean", log_target=True) * TEMPERATURE**2
            loss = SOFT * soft + HARD * F.cross_entropy(logits, batch.labels)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(student.parameters(), CLIP)
            for group in optimizer.param_groups:
                group["lr"] = RATE * _rates(step)
            optimizer.step()
            step += 1
            loss.item()
    return student


class _Loader:
    """The batches of one epoch after the other, as TextBrewer asks for them."""

    def __init__(self, batches) -> None:
        self._batches, self._epoch = batches, 0

    def __len__(self) -> int:
        return len(self._batches[0])

    def __iter__(self):
        self._epoch += 1
        for batch in self._batches[self._epoch - 1]:
            names = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask, "labels": batch.labels}
            yield names


def _textbrewer(teacher, batches):
    student = _student(teacher)
    with tempfile.TemporaryDirectory() as folder:
        distiller = textbrewer.GeneralDistiller(
            train_config=textbrewer.TrainingConfig(device="cpu", output_dir=folder, ckpt_epoch_frequency=EPOCHS),
            distill_config=textbrewer.DistillationConfig(
                temperature=TEMPERATURE, kd_loss_weight=SOFT * TEMPERATURE**2, hard_label_weight=HARD
            ),
            model_T=teacher,
            model_S=student,
            adaptor_T=lambda batch, output: {"logits": output.logits},
            adaptor_S=lambda batch, output: {"logits": output.logits, "losses": output.loss},
        )
        with distiller:
            distiller.train(
                _optimizer(student),
                _Loader(batches),
                num_epochs=EPOCHS,
                scheduler_class=torch.optim.lr_scheduler.LambdaLR,
                scheduler_args={"lr_lambda": _rates},
                max_grad_norm=CLIP,
            )
    return student


if __name__ == "__main__":
    main()
