"""Plain sentences that express WordNet's relations: a robin is a kind of bird, the opposite of hot is cold.

Definitions alone teach a small model how definitions sound; these tie the words themselves together. Usual senses (met in
WordNet's tagged text) are expressed in several ways, others once or not at all.
"""

from __future__ import annotations

import random
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

from core.build.text import wordnet
from core.build.text.corpora import Document
from core.build.text.wordnet import Synset

WAYS = 3
"""Number of sentences for a relation between two usual words."""

MOST_OF_A_KIND = 300
"""Largest number of sentences about the kinds of one thing ("a kind of person")."""

VAGUE = frozenset(
    "entity object whole thing matter unit artifact attribute relation group measure abstraction substance part state act event "
    "organism instrumentality communication content cognition process quality way content action activity collection "
    "structure device being".split()
)
"""Kinds too general to say anything about a word."""

COUNTED = frozenset(["animal", "artifact", "body", "person", "object", "group", "shape", "location", "plant", "event"])
"""Kinds of noun that usually take an article."""

POINTERS = {
    "part": "#p",
    "substance": "#s",
    "member": "#m",
}
"""WordNet's symbols for "is a part, a substance, a member of" (wninput(5WN))."""

VERBS = {"entails": "*", "causes": ">", "way": "@"}


def relation_documents(only: Collection[str] = ()) -> Iterator[Document]:
    """One document for each set of synonyms that has something to say, on the same side of the split as its definition.

    Args:
        only: names of the finders that are used, such as "opposites"; all if empty.
    """
    index = {(letter, s.offset): s for part, letter in wordnet.PARTS.items() for s in wordnet.synsets(part)}
    said = _Sayer(index)
    for synset in index.values():
        rng = random.Random(f"{synset.part}/{synset.offset}")
        sentences = [text for find in said.finders(synset.part, only) for text in find(synset, rng)]
        if sentences:
            yield Document("wordnet", f"{synset.part}/{synset.offset}", tuple(dict.fromkeys(sentences)))


class _Sayer:
    """Writer of sentences from relations; it holds the counts over the whole of WordNet."""

    def __init__(self, index: dict[tuple[str, int], Synset]) -> None:
        self.index = index
        self.forms = tomllib.loads((Path(__file__).parent / "relations.toml").read_text(encoding="utf-8"))
        self.of_a_kind: Counter[str] = Counter()
        self.kinds: dict[str, list[Synset]] = defaultdict(list)

    def finders(self, part: str, only: Collection[str] = ()):
        found = {
            "noun": (self.kind, self.parts, self.opposites, self.same, self.instances, self.agents),
            "verb": (self.verbs, self.opposites, self.same),
            "adj": (self.opposites, self.same, self.likenesses, self.peoples),
            "adv": (self.opposites, self.manners),
        }[part]
        return [find for find in found if not only or find.__name__ in only]

    def kind(self, synset: Synset, rng: random.Random) -> Iterator[str]:
        """Sentences about the hypernyms of a thing: the nearest one, and the nearest usual one."""
        x = synset.word
        if x is None or x[0].isupper():
            return
        above = [each for each in self.ancestors(synset) if each.word and each.word not in VAGUE]
        usual = [each for each in above if each.uses >= 20]
        for target in dict.fromkeys(above[:1] + usual[:1]):
            y = target.word
            if y in x.split() or x in y.split() or self.of_a_kind[y] >= MOST_OF_A_KIND:
                continue
            if not synset.uses and target is not (usual or [None])[0]:
                continue  # of rare words only the usual kind
            self.of_a_kind[y] += 1
            yield from self.say("kind", synset, target, rng)
            others = [each for each in self.kinds[y] if each.uses]
            if others and synset.uses:
                yield from self.say("siblings", synset, target, rng, rng.choice(others), most=1)
            self.kinds[y].append(synset)

    def ancestors(self, synset: Synset) -> Iterator[Synset]:
        """Hypernyms of the set, the nearest first, along the first line."""
        while kinds := synset.related("@"):
            synset = self.index[kinds[0]]
            yield synset

    def parts(self, synset: Synset, rng: random.Random) -> Iterator[str]:
        """Sentences about the whole of which it is a part, a substance or a member, places excepted."""
        for form, symbol in POINTERS.items():
            for key in synset.related(symbol)[:4]:
                whole = self.index[key]
                x, y = synset.word, whole.word
                if x and y and not x[0].isupper() and not y[0].isupper() and (synset.uses or whole.uses):
                    yield from self.say(form, synset, whole, rng)

    def opposites(self, synset: Synset, rng: random.Random) -> Iterator[str]:
        """Antonyms hold between words, not sets."""
        form = {"noun": "opposite_noun", "verb": "opposite_verb", "adv": "opposite_adverb"}.get(synset.part, "opposite")
        for symbol, letter, offset, source, target in synset.relations:
            if symbol == "!":
                other = self.index[letter, offset]
                x, y = synset.lemmas[source - 1].lower(), other.lemmas[target - 1].lower()
                met = [wordnet.count(letter, x, synset.offset), wordnet.count(letter, y, offset)]
                if not any(met):
                    continue
                usual = all(met)
                yield from self.fill(form, rng, 2 * WAYS if usual else 1, x=x, y=y)

    def same(self, synset: Synset, rng: random.Random) -> Iterator[str]:
        """Two usual words for one thing."""
        letter = wordnet.PARTS[synset.part]
        usual = [word for word in synset.lemmas if wordnet.count(letter, word, synset.offset) and word[0].islower()]
        if len(usual) > 1:
            x, y = rng.sample(usual[:4], 2)
            yield from self.fill("same", rng, 2, x=x, y=y)

    def likenesses(self, synset: Synset, rng: random.Random) -> Iterator[str]:
        """Similar adjectives, and the attribute that an adjective describes."""
        for form, symbol in (("like", "&"), ("quality_of", "=")):
            for key in synset.related(symbol)[:2]:
                other = self.index[key]
                if synset.word and other.word and synset.uses and other.uses:
                    yield from self.say(form, synset, other, rng, most=2)

    def verbs(self, synset: Synset, rng: random.Random) -> Iterator[str]:
        """Sentences about an action that another one entails, causes or is a way of."""
        for form, symbol in VERBS.items():
            for key in synset.related(symbol)[:2]:
                other = self.index[key]
                x, y = synset.word, other.word
                if x and y and x != y and synset.uses and other.uses:
                    yield from self.say(form, synset, other, rng, most=2)

    def manners(self, synset: Synset, rng: random.Random) -> Iterator[str]:
        """Adverbs from adjectives: quickly means in a quick way."""
        for key in synset.related("\\")[:1]:
            if synset.word and self.index[key].word and synset.uses:
                yield from self.say("manner", synset, self.index[key], rng, most=2)

    def peoples(self, synset: Synset, rng: random.Random) -> Iterator[str]:
        """Adjectives of countries: French people come from France."""
        for key in synset.related("\\")[:1]:
            place = self.index[key]
            if place.file == 15 and place.lemmas[0][0].isupper() and synset.lemmas[0][0].isupper():
                yield from self.fill("people", rng, WAYS, x=synset.lemmas[0], y=place.lemmas[0])

    def agents(self, synset: Synset, rng: random.Random) -> Iterator[str]:
        """Sentences about the agent or the tool of an action, by the verb that the noun is derived from."""
        form = {"person": "agent", "artifact": "tool"}.get(wordnet.NOUN_KINDS.get(synset.file, ""))
        if form is None or not synset.uses or not synset.word:
            return
        for symbol, letter, offset, _, _ in synset.relations:
            verb = self.index[letter, offset].word
            if symbol != "+" or letter != "v" or not verb or not synset.word.startswith(stem := verb.rstrip("e")):
                continue
            if re.fullmatch(r"\w?(er|or|ar|ist)", synset.word.removeprefix(stem)):
                yield from self.say(form, synset, self.index[letter, offset], rng)
                return

    def instances(self, synset: Synset, rng: random.Random) -> Iterator[str]:
        """Places and people by name: their class, their location, the country of which they are the capital."""
        name = synset.lemmas[0]
        classes = synset.related("@i")
        if not classes or len(name.split()) > 3:
            return
        person = synset.file == 18
        known = bool(synset.uses) or synset.file == 15
        target = self.index[classes[0]]
        if known and target.word:
            yield from self.say("someone" if person else "instance", synset, target, rng, most=1 if person else 2)
        if synset.file != 15:
            return
        for key in synset.related("#p")[:2]:
            place = self.index[key].lemmas[0]
            if place != name:
                yield from self.fill("inside", rng, 2, x=name, y=place)
        found = re.search(r"capital\b[^;(]*? of (?:the )?([A-Z][a-z]+(?: [A-Z][a-z]+)*)", synset.gloss)
        if found and found[1] not in name:
            yield from self.fill("capital", rng, len(self.forms["capital"]), x=name, y=found[1])

    def say(
        self, form: str, x: Synset, y: Synset, rng: random.Random, z: Synset | None = None, most: int = WAYS
    ) -> Iterator[str]:
        """Sentences about two sets, in several ways if both are usual."""
        ways = most if x.uses and (y.uses or y.part == "verb") else 1
        words = {}
        for name, synset in (("x", x), ("y", y), ("z", z)):
            if synset is not None:
                word = synset.word or synset.lemmas[0]
                words |= {name: word, f"a{name}": _with_article(word, synset), f"{name}s": _plural(word)}
        return self.fill(form, rng, ways, **words)

    def fill(self, form: str, rng: random.Random, ways: int, **words: str) -> Iterator[str]:
        """Up to `ways` of the forms, drawn without repetition, filled with `words`."""
        forms = self.forms[form]
        return (text.format(**words) for text in rng.sample(forms, min(ways, len(forms))))


def _with_article(word: str, synset: Synset) -> str:
    """The noun with "a" or "an" if its kind takes one."""
    begins = synset.definition.split(" ", 1)[0]
    if synset.related("@i"):  # a name
        return word
    counted = wordnet.NOUN_KINDS.get(synset.file) in COUNTED or begins in ("a", "an", "any")
    if synset.part == "noun" and not counted:
        return word
    return wordnet.with_article(word)


def _plural(word: str) -> str:
    """The regular plural."""
    if re.search(r"[^aeiou]y$", word):
        return word[:-1] + "ies"
    return word + ("es" if re.search(r"(s|x|z|ch|sh)$", word) else "s")
