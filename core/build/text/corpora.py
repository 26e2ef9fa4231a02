"""The text that the shipped models learn from, as documents of sentences.

Only text whose licence lets weights trained on it be given away is used for training (see `TRAINING`); the Brown corpus is
free for non-commercial use only, so it measures and never trains. No corpus is part of the project: WordNet is read from
Debian's `wordnet-base`, the rest through NLTK, from `NLTK_DATA` or by `nltk.download`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from core.build.text import wordnet

TRAINING = {
    "wordnet": "WordNet licence (free for any use)",
    "masc_tagged": "free for any use",
    "movie_reviews": "CC BY 4.0",
    "subjectivity": "CC BY 4.0",
    "sentence_polarity": "CC BY 4.0",
    "state_union": "public domain",
    "inaugural": "public domain",
    "genesis": "public domain",
    "product_reviews_1": "CC BY 4.0",
    "product_reviews_2": "CC BY 4.0",
    "pros_cons": "CC BY 4.0",
}
MADE = {
    "everyday_relations": "made from WordNet (WordNet licence)",
    "everyday_smollm": "written by SmolLM2-135M (Apache-2.0)",
    "everyday_next_words": "written by SmolLM2-135M (Apache-2.0), from given beginnings",
}
"""Corpora that the build writes itself: they are trained on, and not measured on."""

MEASURING = {"brown": "non-commercial use only: measures, never trains"}

FIRST_TEXT = (
    "wordnet",
    "masc_tagged",
    "movie_reviews",
    "subjectivity",
    "sentence_polarity",
    "state_union",
    "inaugural",
    "genesis",
)
"""Corpora of the shipped teacher and its students."""

MORE_TEXT = (*FIRST_TEXT, "product_reviews_1", "product_reviews_2", "pros_cons")
MADE_TEXT = ("everyday_relations", "everyday_smollm")
"""With `MORE_TEXT`, the corpora that were tried in addition."""

HELD_OUT_PERCENT = 4


@dataclass(frozen=True)
class Document:
    """Sentences that belong together, with the corpus and the name that identify them."""

    corpus: str
    name: str
    sentences: tuple[str, ...]

    @property
    def held_out(self) -> bool:
        """True if the document is kept from training: decided by a checksum of its name, so it never changes.

        Pages of one file ("name#page") share the file's fate, so no review or speech is half seen.
        """
        return zlib.crc32(f"{self.corpus}/{self.name.split('#')[0]}".encode()) % 100 < HELD_OUT_PERCENT


def documents(corpus: str) -> Iterator[Document]:
    """All documents of one corpus named in `TRAINING` or `MEASURING`.

    Raises:
        FileNotFoundError: WordNet is not installed.
        LookupError: NLTK has no such corpus, and it could not be downloaded.
    """
    return _wordnet() if corpus == "wordnet" else _nltk(corpus)


def natural(words: Iterable[str]) -> str:
    """Tokenised words as running text: "do n't stop ." becomes "don't stop."."""
    text = " ".join(words)
    text = re.sub(r" (n't|'s|'re|'ve|'ll|'d|'m)\b", r"\1", text)
    text = re.sub(r"\s+([.,;:!?%)\]}])", r"\1", text)
    text = re.sub(r"([(\[{$])\s+", r"\1", text)
    return text.replace("``", '"').replace("''", '"').strip()


def _wordnet() -> Iterator[Document]:
    """One document for each set of synonyms: its definition as a sentence in two forms, then its examples."""
    for part in wordnet.PARTS:
        for synset in wordnet.synsets(part):
            _, *quoted = synset.gloss.split('"')
            examples = [text.strip().rstrip(".") + "." for text in quoted[0::2] if len(text.split()) > 2]
            sentences = [_define(list(synset.lemmas), synset.definition, synset.kind, synset.offset), *examples]
            yield Document("wordnet", f"{part}/{synset.offset}", tuple(sentences))


def _define(lemmas: list[str], definition: str, kind: str, choice: int) -> str:
    """The definition as one sentence; `choice` picks the form, so that no single template is learned by heart."""
    first = lemmas[0]
    if kind == "n" and choice % 2:
        named = first[0].isupper()
        article = "" if named or definition.split(" ", 1)[0] not in ("a", "an", "the") else "a "
        if article and first[0].lower() in "aeiou":
            article = "an "
        return f"{article}{first} is {definition}."
    if len(lemmas) > 1 and choice % 3 == 0:
        return f"{first}, or {lemmas[1]}: {definition}."
    return f"{first}: {definition}."


def require_nltk(corpus: str) -> None:
    """Make sure that NLTK can read a corpus, downloading it if need be.

    Raises:
        LookupError: NLTK has no such corpus, and it could not be downloaded.
    """
    import nltk

    try:
        nltk.data.find(f"corpora/{corpus}")
    except LookupError:
        try:
            nltk.data.find(f"corpora/{corpus}.zip")
        except LookupError:
            nltk.download(corpus, raise_on_error=True)


def _nltk(corpus: str) -> Iterator[Document]:
    import nltk

    require_nltk(corpus)
    reader = getattr(nltk.corpus, corpus)
    if corpus in ("subjectivity", "sentence_polarity", "pros_cons"):  # unrelated sentences, so each is a document
        for file in reader.fileids():
            for number, words in enumerate(reader.sents(fileids=file)):
                yield Document(corpus, f"{file}/{number}", (natural(words),))
    elif corpus in ("masc_tagged", "brown", "product_reviews_1", "product_reviews_2"):
        for file in reader.fileids():
            yield Document(corpus, file, tuple(natural(words) for words in reader.sents(fileids=file)))
    else:
        for file in reader.fileids():
            if corpus == "genesis" and file not in ("english-kjv.txt", "english-web.txt"):
                continue
            text = re.sub(r"\s+", " ", reader.raw(file))
            mark = "/" if corpus == "genesis" else "#"  # two files only: there, each page is a document of its own
            sentences = re.split(r"(?<=[.!?]) ", text)
            for page, start in enumerate(range(0, len(sentences), 40)):
                yield Document(corpus, f"{file}{mark}{page}", tuple(sentences[start : start + 40]))
