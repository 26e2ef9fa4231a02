"""The labels of blanks that the teacher learns from: files in the workspace, and how each is made.

What SmolLM2 writes and judges can be drawn more than once: `draw` 0 is the first, the others write in addition, in files of their
own, from other beginnings and with other dice.
"""

from __future__ import annotations

from functools import partial

from transformers import BertForMaskedLM, PreTrainedTokenizerBase

from core.build.labels import blank_sentences, blanks, endings, larger, next_words, openings
from core.build.packages import smollm2
from core.build.text import everyday
from core.build.text.corpora import FIRST_TEXT
from core.build.text.frequency import common_words
from core.build.text.inputs import sentences_file, text, tokenizer
from core.build.workspace import labels_file

BLANK_PACKS = 148
"""Number of packs of masked examples that it labels."""

NEXT_WORD_PACKS = (425, 180, 171, 190)
"""From how many packs of beginnings SmolLM2 writes on in each draw: fewer than there are, for their number hangs on the draw."""

END_PACKS, ENDS = (42, 20), {"facts": 0.6, "beginnings": 0.4}
"""Number of packs of last words that it labels in each draw, and where they come from."""

SHORT_PACKS, SHORTS = (26, 12), {"shorts": 0.7, "means": 0.3}
"""The same of short sentences that say what things are like, and with what something was done."""

OPENING_PACKS = {1: 14, 3: 9}
"""The same of words that sentences were written about, in two draws."""

FILLER_PACKS = {1: 23, 2: 24, 3: 26}
"""The same where what follows alone judges."""

DEED_DRAWS, DEED_PACKS = 4, 150
"""Number of continuations of each beginning about a deed; packs in all, a few fewer than there are."""

RELATION_BLANKS, OPPOSITES = 8_000, 4_000
"""Number of masked examples made from WordNet's relations; at most, from its opposites alone."""


def larger_model(context: str = larger.CONTEXT) -> larger.Larger:
    """SmolLM2-135M, for all but the commonest words, after it has read `context`."""
    words = tokenizer()
    common = common_words(text(FIRST_TEXT), words).nonzero()[:, 0].tolist()
    known = words.get_vocab().keys() - everyday.rude_words()
    return larger.Larger(*smollm2(), known, set(words.convert_ids_to_tokens(common)), context)


def drawn(name: str, draw: int) -> str:
    """Name of one draw of the labels called `name`."""
    return f"{name}_{draw + 1}" if draw else name


def sentence_sources(seed: int = 0) -> dict[str, list[str]]:
    """Everyday sentences and beginnings, in an order of the seed's."""
    return blank_sentences.sources(tokenizer().get_vocab(), sentences_file(), seed)


def _judge(
    name: str, guesser: BertForMaskedLM, texts: dict[str, list[str]], packs: int, shares: dict[str, float]
) -> None:
    """Have SmolLM2 judge places in `packs` packs of sentences, of each of the `texts` a share."""
    labeller = blanks.Labeller(larger_model(), guesser, tokenizer())
    blanks.write(labels_file(name), labeller, partial(blanks.chosen, labeller, texts, shares), packs)


def label_blanks(guesser: BertForMaskedLM) -> None:
    """Have WordNet and SmolLM2 label blanks; `guesser`, the teacher before that, proposes words too."""
    blank_sentences.write_relations(labels_file("relations"), tokenizer().get_vocab(), RELATION_BLANKS)
    _judge("both_sides", guesser, sentence_sources(), BLANK_PACKS, blanks.SENTENCES)


def label_ends(guesser: BertForMaskedLM, draw: int = 0) -> None:
    """Have SmolLM2 judge the last words of more beginnings."""
    _judge(drawn("ends", draw), guesser, sentence_sources(seed=1 + draw), END_PACKS[draw], ENDS)


def label_opposites() -> None:
    """Label pairs of opposites from WordNet."""
    blank_sentences.write_relations(labels_file("opposites"), tokenizer().get_vocab(), OPPOSITES, only=("opposites",))


def label_shorts(guesser: BertForMaskedLM, draw: int = 0) -> None:
    """Have SmolLM2 judge the last words of short sentences; another draw goes on where the one before ended."""
    used, texts = sum(SHORT_PACKS[:draw]), sentence_sources()
    texts = {name: texts[name][used * round(share * blanks.PACK) :] for name, share in SHORTS.items()}
    _judge(drawn("shorts", draw), guesser, texts, SHORT_PACKS[draw], SHORTS)


def label_openings(guesser: BertForMaskedLM, draw: int) -> None:
    """Have SmolLM2 judge the words that its own sentences of a draw were written about, by the context on both sides."""
    judge = larger_model()
    labeller = blanks.Labeller(judge, guesser, tokenizer(), openings.CHOICES, openings.GUESSES)
    _judge_openings("openings", labeller, draw, OPENING_PACKS[draw], openings.JUDGED)


def label_fillers(guesser: BertForMaskedLM, draw: int) -> None:
    """The same by what follows alone: before it, each word that fills such a pattern was as likely as the next."""
    drawn_from = openings.fillers(tokenizer().get_vocab()).keys()
    labeller = blanks.Labeller(larger_model(), guesser, tokenizer(), 0, openings.EVEN_GUESSES, drawn_from)
    _judge_openings("fillers", labeller, draw, FILLER_PACKS[draw], openings.EVEN_JUDGED)


def _judge_openings(name: str, labeller: blanks.Labeller, draw: int, packs: int, judged: int) -> None:
    written = openings.openings(labels_file(drawn("next_words", draw)), tokenizer().get_vocab())
    places = (openings.asked(labeller.larger, *parts, judged) for parts in written)
    rows = [(ids, [blank]) for ids, blank in filter(None, places)]
    blanks.write(
        labels_file(drawn(name, draw)),
        labeller,
        lambda pack: rows[pack * blanks.PACK : (pack + 1) * blanks.PACK],
        packs,
    )


def next_word_packs(writer: PreTrainedTokenizerBase, draw: int = 0) -> list[list[list[int]]]:
    """Beginnings that SmolLM2 continues, in the tokens of `writer`, its tokenizer."""
    return next_words.packs(next_words.beginnings(sentence_sources(), seed=draw), writer)[: NEXT_WORD_PACKS[draw]]


def label_next_words(draw: int = 0) -> None:
    """Have SmolLM2 write sentences and store its next-word probabilities."""
    writer = next_words.NextWords(larger_model())
    next_words.write(
        labels_file(drawn("next_words", draw)), writer, next_word_packs(writer.larger.tokenizer, draw), draw
    )


def deed_packs(writer: PreTrainedTokenizerBase, draw: int = 0) -> list[list[list[int]]]:
    """Beginnings that SmolLM2 continues into sentences about a deed, `DEED_DRAWS` times each."""
    packs = next_words.packs(blank_sentences.deeds(tokenizer().get_vocab(), seed=draw), writer)
    return (DEED_DRAWS * packs)[:DEED_PACKS]


def label_deeds(draw: int = 0) -> None:
    """Have SmolLM2 write about deeds and store its next-word probabilities."""
    writer = next_words.NextWords(larger_model(larger.DEEDS))
    next_words.write(labels_file(drawn("deeds", draw)), writer, deed_packs(writer.larger.tokenizer, draw), draw)


def write_endings(draw: int = 0) -> None:
    """Make labels of last words from its next-word probabilities in a draw."""
    endings.write(
        labels_file(drawn("endings", draw)), [labels_file(drawn(name, draw)) for name in ("next_words", "deeds")]
    )
