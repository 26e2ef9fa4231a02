"""The cards of the students, and what all cards of masked-language models have in common."""

from __future__ import annotations

from core.build.text.cloze import SETS
from core.build.text.corpora import MADE, MEASURING, TRAINING
from core.build.train import rounds
from core.build.train.student import LAYERS, PLANS, TEXT, Budget

ROWS = {
    **dict(reversed(rounds.ROWS.items())),
    "text_only": "the same before all blanks (not shipped)",
    "longer": "the same before all blanks, trained on with text to 11.5 million tokens (not shipped)",
    "student": "student",
    "tiny": "tiny student",
    "control": "student without a teacher",
    "head_only": "head alone on the encoder as it came",
    "unigram": "unigram",
}
"""What a card calls the measured models."""


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

{texts(TEXT)}

## Recipe

{_budget(budget, "student")} The control has the same start, batches and steps, and the masked-language-model loss alone.

## Measured

{table(measured)}

{calibration(measured, "student")}

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

{texts(TEXT)}

## Recipe

{_budget(budget, "control")}

## Measured

{table(measured)}

{calibration(measured, "control")}

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
layers through learned projections, then its distribution over words (T = 1). The layers start at random. The embeddings are the
teacher's: a few million tokens cannot teach 30,522 words from nothing. Two matrices between them and the narrow layers (Lan et
al. 2020, section 3.1) start as the first 192 principal axes of the word embeddings; transformers knows this shape as ELECTRA. The
word embeddings stay frozen and are stored once: this folder's index points at `../minilm-teacher/embeddings.safetensors`.

{texts(TEXT)}

## Recipe

{_budget(budget, "tiny")} The same tokens as the other
students', which start as trained layers; this one starts from nothing but words, and its recipe was made for billions of tokens.

## Measured

{table(measured)}

{calibration(measured, "tiny")}

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


def _budget(budget: Budget, name: str) -> str:
    return (
        f"{budget.tokens:,} tokens in one pass, AdamW, peak learning rate {PLANS[name].rate}, warm-up over 4 % of the steps, "
        f"linear decay to zero, batches of {budget.batch_tokens:,} tokens, {budget.probability:.0%} of the tokens selected, "
        f"no dropout, bfloat16 products, seed {budget.seed}."
    )


def _verdict(measured: dict) -> str:
    """Where distillation helped the student against its twin without a teacher, and where it did not."""
    places = {
        "held-out text": ("all_in_domain", "top1"),
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


def texts(names: tuple[str, ...]) -> str:
    """The corpora and their licences as a table."""
    known = TRAINING | MADE
    rows = "\n".join(f"| {name} | {known[name]} |" for name in names)
    measuring = "\n".join(f"| {name} | {licence} |" for name, licence in MEASURING.items())
    return f"## Text\n\nSplit by document, 4 % held out.\n\n| corpus | licence |\n|---|---|\n{rows}\n{measuring}"


def _agreement(measured: dict, name: str) -> str:
    found = measured[name]["agreement"]
    return f"{found['top1']:.1%} the same first word, KL {found['kl']:.3f} nats"


def calibration(measured: dict, name: str) -> str:
    """The calibration curve in domain as a table."""
    found = measured[name]["all_in_domain"]
    rows = "\n".join(f"| {sure:.2f} | {right:.1%} | {count:,} |" for sure, right, count in found["curve"])
    return (
        f"Calibration in domain: expected calibration error {found['ece']:.3f} (10 bins).\n\n"
        f"| mean confidence | right | positions |\n|---:|---:|---:|\n{rows}"
    )


def everyday_scores(found: dict) -> str:
    """What one set of everyday sentences says: accepted first, among five, copies."""
    return f"{found['top1']:.0%}, {found['top5']:.0%}, {found['copy_rate']:.0%}"


def table(measured: dict) -> str:
    """What was measured, a row for each of `ROWS`."""
    lines = [
        "| model | in domain, all that is held out: loss, top-1, top-5 | in domain, a part | Brown, a part | "
        "everyday sentences: top-1, top-5, copies | unseen ones | subjects |",
        "|---|---|---|---|---|---|---|",
    ]

    def positions(text: str) -> str:
        return f"{measured['teacher'][text]['positions']:,}"

    for name, title in ROWS.items():
        cells = [
            f"{found['loss']:.3f}, {found['top1']:.1%}, {found['top5']:.1%}" if found else "–"
            for found in map(measured[name].get, ("all_in_domain", "in_domain", "brown"))
        ]
        cells += [everyday_scores(found) if found else "–" for found in map(measured[name].get, SETS)]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    lines.append(
        f"\nMasked positions: {positions('all_in_domain')} in domain, of which the part has {positions('in_domain')}; "
        f"{positions('brown')} of Brown. The part has measured all models from the first on; by chance it is harder than the "
        f"whole. Loss in nats; *copies*: how often the first answer stands in the sentence already; "
        f"{measured['teacher']['cloze']['sentences']} everyday sentences, which guided choices; "
        f"{measured['teacher']['unseen']['sentences']} unseen ones and {measured['teacher']['subjects']['sentences']} that hide "
        f"their subject, which were looked at once, when the mean of four of the teacher's rounds was chosen."
    )
    return "\n".join(lines)
