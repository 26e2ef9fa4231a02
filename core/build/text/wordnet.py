"""WordNet as its own files hold it: sets of synonyms, their relations, and how often each sense was met in tagged text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

FOLDER = Path("/usr/share/wordnet")

PARTS = {"noun": "n", "verb": "v", "adj": "a", "adv": "r"}

NOUN_KINDS = {
    4: "act", 5: "animal", 6: "artifact", 7: "attribute", 8: "body", 9: "cognition", 10: "communication", 11: "event",
    12: "feeling", 13: "food", 14: "group", 15: "location", 16: "motive", 17: "object", 18: "person", 19: "phenomenon",
    20: "plant", 21: "possession", 22: "process", 23: "quantity", 24: "relation", 25: "shape", 26: "state",
    27: "substance", 28: "time",
}  # fmt: skip
"""The lexicographers' files of nouns (lexnames(5WN)), by number."""


@dataclass(frozen=True)
class Synset:
    """A set of synonyms.

    Attributes:
        part: noun, verb, adj or adv.
        file: number of the lexicographers' file, see `NOUN_KINDS`.
        lemmas: the synonyms, most usual first, with blanks for underscores.
        relations: (symbol, part letter, offset, source word, target word), words counted from 1 and 0 for the whole set.
        gloss: definition and quoted examples.
    """

    part: str
    offset: int
    file: int
    kind: str
    lemmas: tuple[str, ...]
    relations: tuple[tuple[str, str, int, int, int], ...]
    gloss: str

    @property
    def definition(self) -> str:
        """The gloss up to its first quoted example."""
        return self.gloss.split('"')[0].strip(" ;:")

    @cached_property
    def word(self) -> str | None:
        """The synonym most used in this sense, of one or two parts without digits or marks; None if there is none."""
        fitting = [lemma for lemma in self.lemmas if re.fullmatch(r"[A-Za-z]+(?: [A-Za-z]+)?", lemma)]
        return max(fitting, key=lambda lemma: count(PARTS[self.part], lemma, self.offset), default=None)

    @cached_property
    def uses(self) -> int:
        """Number of uses of `word` in this sense."""
        return count(PARTS[self.part], self.word, self.offset) if self.word else 0

    @cached_property
    def _targets(self) -> dict[str, list[tuple[str, int]]]:
        found: dict[str, list[tuple[str, int]]] = {}
        for symbol, part, offset, _, _ in self.relations:
            found.setdefault(symbol, []).append((part, offset))
        return found

    def related(self, symbol: str) -> list[tuple[str, int]]:
        """(part letter, offset) of the sets that this one points at by `symbol`, as "@" for a kind of (wninput(5WN))."""
        return self._targets.get(symbol, [])


def with_article(word: str) -> str:
    """The word after "a" or "an", by its first letter."""
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def synsets(part: str) -> Iterator[Synset]:
    """All sets of one part of speech, in the file's order.

    Raises:
        FileNotFoundError: WordNet is not installed.
    """
    path = FOLDER / f"data.{part}"
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: install WordNet with 'apt-get install wordnet-base'.")
    with path.open(encoding="latin-1") as lines:
        for line in lines:
            if line.startswith(" ") or "|" not in line:
                continue
            fields, gloss = line.split("|", 1)
            offset, file, kind, count, *rest = fields.split()
            words = int(count, 16)
            lemmas = [re.sub(r"\((a|p|ip)\)$", "", rest[2 * i].replace("_", " ")) for i in range(words)]
            pointers = rest[2 * words + 1 :][: 4 * int(rest[2 * words])]
            relations = tuple(
                (pointers[i], pointers[i + 2], int(pointers[i + 1]), int(ends[:2], 16), int(ends[2:], 16))
                for i in range(0, len(pointers), 4)
                for ends in [pointers[i + 3]]
            )
            yield Synset(part, int(offset), int(file), kind, tuple(lemmas), relations, gloss.strip())


@cache
def senses() -> dict[tuple[str, str], tuple[int, ...]]:
    """Offsets of each word's senses, most usual first, by (part letter, word in lower case)."""
    found = {}
    for part, letter in PARTS.items():
        with (FOLDER / f"index.{part}").open(encoding="latin-1") as lines:
            for line in lines:
                if line.startswith(" "):
                    continue
                fields = line.split()
                found[letter, fields[0].replace("_", " ")] = tuple(map(int, fields[-int(fields[2]) :]))
    return found


@cache
def irregular_verbs() -> dict[str, tuple[str, ...]]:
    """The base forms of each irregular form of a verb (verb.exc)."""
    with (FOLDER / "verb.exc").open(encoding="latin-1") as lines:
        return {form: tuple(bases) for form, *bases in map(str.split, lines)}


@cache
def counts() -> dict[tuple[str, str, int], int]:
    """Number of uses of each sense in WordNet's tagged text (cntlist.rev), by (part letter, word, number of the sense
    from 1)."""
    letters = {"1": "n", "2": "v", "3": "a", "4": "r", "5": "a"}
    found = {}
    with (FOLDER / "cntlist.rev").open(encoding="latin-1") as lines:
        for line in lines:
            key, number, count = line.split()
            word, code = key.split("%")
            found[letters[code[0]], word.replace("_", " "), int(number)] = int(count)
    return found


def count(letter: str, word: str, offset: int) -> int:
    """Number of uses of `word` in the sense of the set at `offset`; 0 if never or if it has no such sense."""
    offsets = senses().get((letter, word.lower()), ())
    return counts().get((letter, word.lower(), offsets.index(offset) + 1), 0) if offset in offsets else 0
