"""The labels of blanks that the teacher learns from: three files in the workspace, and how each is made."""

from __future__ import annotations

from transformers import BertForMaskedLM, PreTrainedTokenizerBase

from core.build import blank_sentences, blanks, everyday, filling, larger, next_words, teacher
from core.build.inputs import labels_file, sentences_file, text, tokenizer

BLANK_PACKS = 148
"""How many packs of blanks it is asked to label."""

NEXT_WORD_PACKS = 425
"""From how many packs of beginnings SmolLM2 writes on: a few fewer than there are, for their number hangs on a draw."""

END_PACKS, ENDS = 42, {"facts": 0.6, "beginnings": 0.4}
"""How many packs of last words it is asked to label after that, and where they come from."""

DEED_DRAWS, DEED_PACKS = 4, 150
"""How often it writes on from each beginning that says what somebody did; packs in all, a few fewer than there are."""

RELATION_BLANKS = 8_000
"""How many blanks are made of WordNet's relations."""


def larger_model(context: str = larger.CONTEXT) -> larger.Larger:
    """SmolLM2-135M, asked for all but the commonest words, after it has read `context`."""
    words = tokenizer()
    common = filling.common_words(text(teacher.FIRST_TEXT), words).nonzero()[:, 0].tolist()
    known = words.get_vocab().keys() - everyday.rude_words()
    return larger.Larger(*larger.opened(), known, set(words.convert_ids_to_tokens(common)), context)


def sentence_sources() -> dict[str, list[str]]:
    """Everyday sentences and beginnings."""
    return blank_sentences.sources(tokenizer().get_vocab(), sentences_file())


def label_blanks(guesser: BertForMaskedLM) -> None:
    """Has WordNet and SmolLM2 label blanks; `guesser`, the teacher before that, proposes words too."""
    blank_sentences.write_relations(labels_file("relations"), tokenizer().get_vocab(), RELATION_BLANKS)
    labeller = blanks.Labeller(larger_model(), guesser, tokenizer())
    blanks.write(labels_file("both_sides"), labeller, sentence_sources(), BLANK_PACKS, blanks.SENTENCES)


def label_ends(guesser: BertForMaskedLM) -> None:
    """Has SmolLM2 judge the last words of more beginnings."""
    labeller = blanks.Labeller(larger_model(), guesser, tokenizer())
    sources = blank_sentences.sources(tokenizer().get_vocab(), sentences_file(), seed=1)
    blanks.write(labels_file("ends"), labeller, sources, END_PACKS, ENDS)


def next_word_packs(writer: PreTrainedTokenizerBase) -> list[list[list[int]]]:
    """What SmolLM2 goes on from, in the tokens of `writer`, its tokenizer."""
    return next_words.packs(next_words.beginnings(sentence_sources()), writer)[:NEXT_WORD_PACKS]


def label_next_words() -> None:
    """Has SmolLM2 write sentences and say what it expected."""
    writer = next_words.NextWords(larger_model())
    next_words.write(labels_file("next_words"), writer, next_word_packs(writer.larger.tokenizer))


def deed_packs(writer: PreTrainedTokenizerBase) -> list[list[list[int]]]:
    """What SmolLM2 goes on from to say what somebody did, `DEED_DRAWS` times each."""
    packs = next_words.packs(blank_sentences.deeds(tokenizer().get_vocab()), writer)
    return (DEED_DRAWS * packs)[:DEED_PACKS]


def label_deeds() -> None:
    """Has SmolLM2 write what somebody did and say what it expected."""
    writer = next_words.NextWords(larger_model(larger.DEEDS))
    next_words.write(labels_file("deeds"), writer, deed_packs(writer.larger.tokenizer))
