"""Everyday sentences written by a larger language model: knowledge of ordinary things that the corpora lack.

SmolLM2-135M (Allal et al. 2025; Apache-2.0) writes one short sentence about a word and goes on from a given beginning,
"She picked up the spoon and". Words come from WordNet, as far as the teacher's tokenizer knows them whole. What it writes is kept
if it is one clean sentence in which no content word comes twice. Training on a larger model's samples is distillation too,
of sequences (Kim, Rush 2016).
"""

from __future__ import annotations

import itertools
import json
import math
import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from core.build import workspace
from core.build.packages import smollm2
from core.build.text import wordnet
from core.build.text.corpora import Document

BATCH = 256
NEW_TOKENS = 16
TEMPERATURE, CHOICES = 0.5, 40
LIKELY = -1.4
"""Mean ln p of a sentence's new tokens under the writer, from which on it is kept: below, it rambles."""

SHORTEST, LONGEST = 5, 20
"""Words in a sentence."""

KINDS = {
    "thing": ("artifact",),
    "animal": ("animal",),
    "food": ("food",),
    "person": ("person",),
    "body": ("body",),
    "nature": ("object", "phenomenon", "substance", "plant", "time"),
}
"""WordNet's kinds of noun for each group of beginnings in `everyday.toml`."""

PLACES = re.compile(r"\b(country|republic|kingdom|capital|city|state|island|monarchy|town)\b")


@dataclass(frozen=True)
class Word:
    """A word to write about, and the group of beginnings that fits it."""

    text: str
    group: str


def everyday_words(vocabulary: dict[str, int], rarest: int = 16_000) -> list[Word]:
    """Nouns by the kind of their first sense, places, verbs and adjectives that the tokenizer holds as one piece.

    The vocabulary is roughly in order of frequency, so words beyond id `rarest` are left out, but for animals, food, body and
    places; so are words with a sense that WordNet marks as an insult, and a few subjects that are not for children.
    """
    groups = {kind: group for group, kinds in KINDS.items() for kind in kinds}
    rude = rude_words()
    found = set()
    for part, letter in (("noun", "n"), ("verb", "v"), ("adj", "a")):
        for synset in wordnet.synsets(part):
            for lemma in synset.lemmas:
                word = lemma.lower()
                if word not in vocabulary or not word.isalpha() or len(word) < 3 or word in rude:
                    continue
                if wordnet.senses()[letter, word][0] != synset.offset or not _mostly(letter, word):
                    continue
                group = None
                if part == "noun" and lemma[0].isupper():
                    group = "place" if synset.file == 15 and PLACES.search(synset.definition[:60]) else None
                elif part == "noun" and _uses("n", word):
                    group = groups.get(wordnet.NOUN_KINDS.get(synset.file, ""))
                elif wordnet.count(letter, word, synset.offset) >= 5:
                    group = "action" if part == "verb" else "quality"
                if group and (vocabulary[word] < rarest or group in ("animal", "food", "body", "place")):
                    found.add(Word(lemma if group == "place" else word, group))
    return sorted(found, key=lambda word: (word.group, word.text))


def _mostly(letter: str, word: str) -> bool:
    """Return True if `word` is used as this part of speech at least half as often as as another: "modern" is no noun here."""
    return 2 * _uses(letter, word) >= max(_uses(other, word) for other in "nvar")


def _uses(letter: str, word: str) -> int:
    """Number of uses of `word` as this part of speech in WordNet's tagged text."""
    senses = range(1, len(wordnet.senses().get((letter, word), ())) + 1)
    return sum(wordnet.counts().get((letter, word, number), 0) for number in senses)


def rude_words() -> set[str]:
    """Words with a sense that WordNet marks as vulgar or insulting, or defines by sex or crime."""
    marks = {"vulgarism", "obscenity", "dirty word", "ethnic slur", "disparagement", "slang"}
    nouns = list(wordnet.synsets("noun"))
    marking = {("n", synset.offset) for synset in nouns if marks & set(synset.lemmas)}
    subjects = re.compile(
        r"\b(sex\w*|genital\w*|copulat\w*|prostitut\w*|offensive|narcotic|heroin|excrement|corpse|rape)\b"
    )
    found = set()
    for synset in [*nouns, *wordnet.synsets("verb"), *wordnet.synsets("adj")]:
        if marking & set(synset.related(";u")) or subjects.search(synset.definition):
            found.update(lemma.lower() for lemma in synset.lemmas)
    return found


def sentence(text: str) -> str | None:
    """The first sentence of `text` if it is a clean one, else None.

    Clean: 5 to 20 words of plain letters, an end mark, no quotation, no content word (four letters or more) twice.
    """
    found = re.match(r"[A-Z][A-Za-z ,'-]*[.!?](?=\s|$)", text)
    if not found or "  " in found[0]:
        return None
    words = re.findall(r"[a-z']+", found[0].lower())
    content = [word for word in words if len(word) > 3]
    if not SHORTEST <= len(words) <= LONGEST or len(set(content)) < len(content):
        return None
    return None if any(a == b for a, b in itertools.pairwise(words)) else found[0]


class Writer:
    """SmolLM2-135M in half precision, going on from many beginnings at once.

    Raises:
        SystemExit: the build's own requirements are not installed.
    """

    def __init__(self) -> None:
        self.model, self.tokenizer = smollm2()

    @torch.inference_mode()
    def write(self, asked: list[tuple[str, str]], generator: torch.Generator) -> list[tuple[str, float]]:
        """For each (request, beginning): beginning and what follows, and the mean ln p of the first sentence's new tokens."""
        ids, mask = self._prompts(asked)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        past, tokens, log_p = None, [], []
        for _ in range(NEW_TOKENS):
            out = self.model(
                input_ids=ids,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=past,
                use_cache=True,
                logits_to_keep=1,
            )
            past, logits = out.past_key_values, out.logits[:, -1].float()  # [sentence, vocabulary]
            best = logits.topk(CHOICES)
            drawn = torch.multinomial((best.values / TEMPERATURE).softmax(-1), 1, generator=generator)
            log_p.append(best.values.gather(1, drawn) - logits.logsumexp(-1, keepdim=True))
            ids = best.indices.gather(1, drawn)
            tokens.append(ids)
            mask = torch.cat([mask, torch.ones_like(ids)], dim=1)
            positions = positions[:, -1:] + 1
        return self._finished([beginning for _, beginning in asked], torch.cat(tokens, 1), torch.cat(log_p, 1))

    def _prompts(self, asked: list[tuple[str, str]]) -> tuple[Tensor, Tensor]:
        """Token ids padded on the left, and the mask, `[sentence, position]`."""
        prompts = []
        for request, beginning in asked:
            # The model's own chat form without its opening line about itself, which would double the prompt.
            text = f"<|im_start|>user\n{request}<|im_end|>\n<|im_start|>assistant\n{beginning}"
            prompts.append(self.tokenizer(text, add_special_tokens=False).input_ids)
        longest = max(map(len, prompts))
        ids = torch.tensor([[0] * (longest - len(prompt)) + prompt for prompt in prompts])
        mask = torch.tensor([[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts])
        return ids, mask

    def _finished(self, beginnings: list[str], tokens: Tensor, log_p: Tensor) -> list[tuple[str, float]]:
        found = []
        for beginning, row, scores in zip(beginnings, tokens.tolist(), log_p.tolist(), strict=True):
            text, length = "", 0
            for length in range(1, len(row) + 1):
                text = self.tokenizer.decode(row[:length])
                if re.search(r"[.!?\n<]", text):
                    break
            found.append((beginning + text, sum(scores[:length]) / length))
        return found


def tables() -> dict[str, dict]:
    """Content of `everyday.toml`: the beginnings, by table and kind of word."""
    return tomllib.loads((Path(__file__).parent / "everyday.toml").read_text(encoding="utf-8"))


def filled(beginning: str, word: str) -> str:
    """A beginning of `everyday.toml` with `word` in its place: {w}, with an article {a}, and both as capitals."""
    article = wordnet.with_article(word)
    return beginning.format(w=word, W=word.capitalize(), a=article, A=article.capitalize())


def requests(words: list[Word], seed: int, count: int = BATCH) -> list[tuple[str, str, str]]:
    """`count` random (word, request, beginning), the same for the same seed."""
    asked = tables()
    groups = {group: [word.text for word in words if word.group == group] for group in asked["weights"]}
    rng = random.Random(seed)
    found = []
    for group in rng.choices(list(groups), list(asked["weights"].values()), k=count):
        word = rng.choice(groups[group])
        single = group in ("thing", "animal", "person")
        form = "request_word" if group in ("action", "quality") else "request"
        request = asked[form].format(about=wordnet.with_article(word) if single else word, w=word)
        found.append((word, request, filled(rng.choice(asked["beginnings"][group]), word)))
    return found


def write(file: Path, vocabulary: dict[str, int], batches: int) -> None:
    """Append the sentences of each batch to `file`, a JSON object per line; go on after the last whole batch."""
    file.parent.mkdir(parents=True, exist_ok=True)
    writer, words = Writer(), everyday_words(vocabulary)
    for batch in range(batches_done(file), batches):
        asked = requests(words, seed=batch)
        asked.sort(key=lambda row: len(row[1]) + len(row[2]))
        written = writer.write([row[1:] for row in asked], torch.Generator().manual_seed(batch))
        rows = [
            {"batch": batch, "word": word, "score": round(score, 3), "text": text}
            for (word, _, _), (text, score) in zip(asked, written, strict=True)
        ]
        with file.open("a", encoding="utf-8") as out:
            out.write("".join(json.dumps(row) + "\n" for row in rows))


def batches_done(file: Path) -> int:
    """Number of batches in `file`."""
    return workspace.parts_done(file, "batch")


def everyday_documents(file: Path) -> Iterator[Document]:
    """The kept sentences of `file`, each once, all those about one word on one side of the split."""
    seen: set[str] = set()
    for row in workspace.rows(file):
        text = sentence(row["text"])
        if text and row["score"] >= LIKELY and text not in seen and math.isfinite(row["score"]):
            seen.add(text)
            yield Document("everyday_smollm", f"{row['word']}#{len(seen)}", (text,))


def next_word_documents(file: Path) -> Iterator[Document]:
    """The finished sentences of a file of `next_words.write`, each once; those of a pack on one side of the split."""
    seen: set[str] = set()
    for row in workspace.rows(file):
        text = row["text"].replace("[MASK]", row["words"][0])
        if not row["text"].endswith("[MASK]") and text not in seen:
            seen.add(text)
            yield Document("everyday_next_words", f"{row['pack']}#{len(seen)}", (text,))
