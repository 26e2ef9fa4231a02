"""Blanks in everyday sentences, labelled by a larger language model: soft labels across two vocabularies.

SmolLM2-135M reads from left to right, the teacher of this project from both sides. For one word of a sentence the larger model
proposes candidates by the text before it; each is then put into the place and judged by the likelihood of itself and
of what follows: p(w | left) · p(right | left, w), made to sum to one over the candidates. That is a soft label (Hinton et al.
2015) from both sides, by Bayes' rule. Where the sentence is cut after the word, what follows is the full stop, which sorts out
the words that cannot end it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import BertForMaskedLM, PreTrainedTokenizerBase

from core.build.labels.label import Label, append, packs_done
from core.build.labels.larger import Larger
from core.build.text.cloze import near_cloze

CHOICES, GUESSES = 16, 6
"""Candidates by the writer, from the words before; and by the masked model, where words follow."""

FOLLOWING = 3
"""Number of the tokens after the blank that are judged."""

LEAST = 0.002
"""Least total probability of the candidates with the full stop where a sentence is cut: below it no word can end it there."""

PACK, TOGETHER = 478, 24
"""Sentences whose labels are written together, and the number of these that go through the writer at once."""

SENTENCES = {
    "wordnet": 0.337,
    "beginnings": 0.274,
    "facts": 0.197,
    "smollm": 0.08,
    "masc_tagged": 0.056,
    "movie_reviews": 0.056,
}
"""Sources of the sentences, and the share of each."""

TRUE = 0.3
"""Weight of the word that the author wrote, in the label of a blank in a whole sentence."""


@dataclass(frozen=True)
class Blank:
    """A place in a tokenised sentence.

    Attributes:
        at: which token is replaced.
        right: the tokens that follow it.
        whole: whether they and the token are the author's; otherwise the sentence is cut here.
        trust: how much of the label is the author's word.
    """

    at: int
    right: tuple[int, ...]
    whole: bool
    trust: float = 0.0


class Labeller:
    """SmolLM2-135M as a judge of words in their places."""

    def __init__(
        self,
        larger: Larger,
        guesser: BertForMaskedLM,
        pieces: PreTrainedTokenizerBase,
        choices: int = CHOICES,
        guesses: int = GUESSES,
        drawn: Set[str] | None = None,
    ) -> None:
        """Take the larger model, which judges, and a masked model whose guesses are candidates too, with its tokenizer.

        Args:
            choices: candidates by the larger model.
            guesses: candidates by the masked one, where words follow.
            drawn: where the word was drawn from these, each as likely as the next, before the rest was written. Then only
                these are guessed, and what follows alone judges them: p(w | left) is the same for all.
        """
        self.larger, self.guesser, self.pieces = larger, guesser.eval(), pieces
        self.choices, self.even = choices, drawn is not None
        self.allowed = torch.ones(len(pieces), dtype=torch.bool)
        """True for the words that the masked model may guess, `[vocabulary]`."""
        if drawn is not None:
            self.allowed[:] = False
            self.allowed[pieces.convert_tokens_to_ids(sorted(drawn & larger.numbers.keys()))] = True
        self.guesses = min(guesses, int(self.allowed.sum()))

    def blanks(self, ids: list[int], rng: random.Random) -> list[Blank]:
        """Up to three places: the last word, one where the sentence is cut, one with its right context.

        Of a sentence without a full stop only the last place is labelled, whatever is there.
        """
        if ids[-1] != self.larger.stop:
            return [Blank(len(ids) - 1, (self.larger.stop,), False)]
        places = [i for i in range(2, len(ids)) if ids[i] in self.larger.asked]
        found = {}
        ends = [i for i in places if i == len(ids) - 2]
        cut = [i for i in places if i > 2 and i not in ends]
        for at in ends + ([rng.choice(cut)] if cut else []):
            found[at] = Blank(at, (self.larger.stop,), at in ends, TRUE if at in ends else 0.0)
        inner = [i for i in places if i not in found and ids[i + 1] not in self.larger.inside]
        if inner:
            at = rng.choice(inner)
            found[at] = Blank(at, tuple(ids[at + 1 : at + 1 + FOLLOWING]), True, TRUE)
        return list(found.values())

    @torch.inference_mode()
    def label(self, sentences: list[list[int]], blanks: list[list[Blank]]) -> Iterator[Label]:
        """The soft labels of `blanks` in tokenised `sentences` (for each sentence those of its own)."""
        first = self._next_words(sentences, blanks)  # ln p of all tokens, one row for each blank
        texts = [self._text(ids, blank) for ids, mine in zip(sentences, blanks, strict=True) for blank in mine]
        guesses = self._guesses(texts, [len(blank.right) > 1 for mine in blanks for blank in mine])
        rows, candidates, number = [], [], 0
        for ids, mine in zip(sentences, blanks, strict=True):
            branches = []
            for blank in mine:
                best = (
                    first[number]
                    .masked_fill(self.larger.unknown, -torch.inf)
                    .topk(min(self.choices, len(self.larger.words)))
                    .indices.tolist()
                )
                names = dict.fromkeys([self.larger.words[i] for i in best] + guesses[number])
                if blank.whole:
                    names[self.larger.words[ids[blank.at]]] = None
                chosen = self._tokens(names, best)
                candidates.append(chosen)
                branches += [(blank, i) for i in chosen]
                number += 1
            rows.append((ids, branches))
        follows = self._following(rows)
        number = 0
        for ids, mine in zip(sentences, blanks, strict=True):
            for blank in mine:
                chosen = candidates[number]
                judged = torch.tensor([next(follows) for _ in chosen])
                if not self.even:
                    judged += first[number][chosen]
                label = self._finished(texts[number], ids, blank, chosen, judged)
                number += 1
                if label is not None:
                    yield label

    def _tokens(self, names: dict[str, None], best: list[int]) -> list[int]:
        """The token used for each word here: of "Paris" and "paris" the one that the writer prefers."""
        preferred = {self.larger.words[i]: i for i in reversed(best)}
        return [preferred.get(name, self.larger.numbers[name]) for name in names]

    def _finished(self, text: str, ids: list[int], blank: Blank, chosen: list[int], judged: Tensor) -> Label | None:
        if not blank.whole and judged.exp().sum() < LEAST:
            return None
        p = judged.softmax(0)
        if blank.trust:
            p = (1 - blank.trust) * p
            p[[self.larger.words[i] for i in chosen].index(self.larger.words[ids[blank.at]])] += blank.trust
        order = p.argsort(descending=True).tolist()
        kept = [i for i in order if p[i] >= 0.002]
        if near_cloze(text.replace("[MASK]", self.larger.words[chosen[kept[0]]])):
            return None
        total = float(p[kept].sum())
        return Label(
            text, tuple(self.larger.words[chosen[i]] for i in kept), tuple(round(float(p[i]) / total, 4) for i in kept)
        )

    def _text(self, ids: list[int], blank: Blank) -> str:
        """The sentence with [MASK] in the blank's place, cut after it if the author's words do not follow."""
        right = ids[blank.at + 1 :] if blank.whole else [self.larger.stop]
        return f"{self.larger.tokenizer.decode(ids[: blank.at])} [MASK]{self.larger.tokenizer.decode(right)}"

    def _next_words(self, sentences: list[list[int]], blanks: list[list[Blank]]) -> Tensor:
        """ln p of every token in each blank's place, given the text before it, `[blank, vocabulary]`."""
        longest = max(map(len, sentences))
        ids = torch.tensor([row + [0] * (longest - len(row)) for row in sentences])
        past = self.larger.past(len(ids))
        hidden = self.larger.model.model(
            input_ids=ids, past_key_values=past
        ).last_hidden_state  # padded where nobody looks
        places = [(i, blank.at - 1) for i, mine in enumerate(blanks) for blank in mine]
        chosen = hidden[[i for i, _ in places], [at for _, at in places]]
        return torch.cat([self.larger.model.lm_head(part).float().log_softmax(-1) for part in chosen.split(64)])

    def _guesses(self, texts: list[str], wanted: list[bool]) -> list[list[str]]:
        """The masked model's first words for the texts that want them."""
        chosen = [text for text, wants in zip(texts, wanted, strict=True) if wants]
        if not chosen:
            return [[] for _ in texts]
        inputs = self.pieces(chosen, return_tensors="pt", padding=True)
        hidden = self.guesser.bert(**inputs).last_hidden_state
        logits = self.guesser.cls(hidden[inputs["input_ids"] == self.pieces.mask_token_id])
        best = logits.masked_fill(~self.allowed, -torch.inf).topk(self.guesses).indices
        names = (self.pieces.convert_ids_to_tokens(row) for row in best.tolist())
        return [[name for name in next(names) if name in self.larger.numbers] if wants else [] for wants in wanted]

    def _following(self, rows: list[tuple[list[int], list[tuple[Blank, int]]]]) -> Iterator[float]:
        """ln p of what follows each candidate, for all branches in order.

        A row is the sentence and then, one after the other, its candidates with what follows them: each such branch sees the
        sentence before its blank and itself, so the left context is read once.
        """
        packs = [self._pack(ids, branches) for ids, branches in rows]
        longest = max(len(tokens) for tokens, *_ in packs)
        count = len(packs)
        tokens, positions = torch.zeros(count, longest, dtype=torch.long), torch.zeros(count, longest, dtype=torch.long)
        sees = torch.eye(longest, dtype=torch.bool).repeat(count, 1, 1)  # [row, query, key]
        for i, (row, place, mask, _, _) in enumerate(packs):
            tokens[i, : len(row)], positions[i, : len(row)] = torch.tensor(row), torch.tensor(place)
            sees[i, : len(row), : len(row)] = mask
        context = torch.ones(count, longest, len(self.larger.context), dtype=torch.bool)
        hidden = self.larger.model.model(
            input_ids=tokens,
            position_ids=positions + len(self.larger.context),
            attention_mask=torch.cat([context, sees], dim=2)[:, None],
            past_key_values=self.larger.past(count),
        ).last_hidden_state
        at = [(i, where) for i, (_, _, _, asked, _) in enumerate(packs) for where in asked]
        targets = torch.tensor([token for *_, expected in packs for token in expected])
        chosen = hidden[[i for i, _ in at], [where for _, where in at]]
        log_p = []
        for part, target in zip(chosen.split(64), targets.split(64), strict=True):
            logits = self.larger.model.lm_head(part).float()
            log_p.append(logits.gather(1, target[:, None])[:, 0] - logits.logsumexp(-1))
        scores = iter(torch.cat(log_p).tolist())
        for _, branches in rows:
            for blank, _ in branches:
                yield sum(next(scores) for _ in blank.right)

    @staticmethod
    def _pack(ids: list[int], branches: list[tuple[Blank, int]]):
        """Tokens, positions, attention mask, the places whose next token is scored, and that token."""
        size = len(ids) + sum(len(blank.right) for blank, _ in branches)
        tokens, positions = list(ids), list(range(len(ids)))
        sees = torch.zeros(size, size, dtype=torch.bool)
        sees[: len(ids), : len(ids)] = True
        sees = sees.tril()
        asked, expected = [], []
        for blank, candidate in branches:
            start, length = len(tokens), len(blank.right)
            tokens += [candidate, *blank.right[:-1]]
            positions += range(blank.at, blank.at + length)
            sees[start : start + length, : blank.at] = True
            sees[start : start + length, start : start + length] = torch.ones(length, length, dtype=torch.bool).tril()
            asked += range(start, start + length)
            expected += blank.right
        return tokens, positions, sees, asked, expected


Row = tuple[list[int], list[Blank]]
"""A tokenised sentence and the places to be labelled."""


def write(file: Path, labeller: Labeller, rows: Callable[[int], list[Row]], packs: int) -> None:
    """Append the labels of pack after pack to `file`, a JSON object per line; go on after the last whole pack.

    Args:
        rows: gives the sentences of a pack.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    for pack in range(packs_done(file), packs):
        ordered = sorted(
            rows(pack), key=lambda row: len(row[0]) + sum(labeller.choices * len(blank.right) for blank in row[1])
        )
        found = []
        for start in range(0, len(ordered), TOGETHER):
            sentences, blanks = zip(*ordered[start : start + TOGETHER], strict=True)
            found += labeller.label(list(sentences), list(blanks))
        append(file, pack, found)


def chosen(labeller: Labeller, texts: dict[str, list[str]], shares: dict[str, float], pack: int) -> list[Row]:
    """The sentences of a pack, a share of each of the `texts`, with up to three places each."""
    rng = random.Random(pack)
    rows = []
    for name, share in shares.items():
        count = round(share * PACK)
        for text in texts[name][pack * count : (pack + 1) * count]:
            ids = labeller.larger.tokenizer(text, add_special_tokens=False).input_ids
            if blanks := labeller.blanks(ids, rng):
                rows.append((ids, blanks))
    return rows
