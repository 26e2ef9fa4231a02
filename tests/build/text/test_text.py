"""The text that the build makes itself, and the sentences that no training text may hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.build.labels import blank_sentences
from core.build.text import encoding, everyday, wordnet
from core.build.text.cloze import SETS, entries, near_cloze
from core.build.text.corpora import Document
from core.models.card import SHIPPED

needs_wordnet = pytest.mark.skipif(not wordnet.FOLDER.exists(), reason="WordNet (wordnet-base) is not installed")


EVERY = [entry for name in SETS for entry in entries(name)]


@pytest.fixture(scope="module")
def vocabulary():
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(SHIPPED / "minilm-teacher").get_vocab()


def test_the_sentences_that_measure_have_one_mask_and_whole_words_as_answers(vocabulary):
    assert [len({entry.text for entry in entries(name)}) for name in SETS] == [150, 100, 60]
    for entry in EVERY:
        assert entry.text.count("[MASK]") == 1 and entry.answers
        assert len(set(entry.answers)) == len(entry.answers)
        assert all(answer in vocabulary for answer in entry.answers), entry


def test_near_copies_of_the_sentences_are_found():
    assert all(near_cloze(entry.text.replace("[MASK]", entry.answers[0])) for entry in EVERY)
    assert all(near_cloze(entry.text.replace("[MASK]", "something")) for entry in EVERY if len(entry.text) > 40)
    assert near_cloze("Paris is the capital of France.")
    assert near_cloze("the grass is green")
    assert not near_cloze("Berlin is the capital of Germany.")
    assert not near_cloze("The old king read a long book about ships in the evening.")


def test_no_near_copy_is_encoded(tmp_path, vocabulary):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(SHIPPED / "minilm-teacher")
    sentences = ("The dog wagged its tail.", "The farmer sold three horses at the fair.")
    encoded = encoding.encode(iter([Document("masc_tagged", "a", sentences)]), tokenizer, tmp_path / "a.npz")
    assert (
        tokenizer.decode(encoded.ids.tolist(), skip_special_tokens=True) == "the farmer sold three horses at the fair."
    )


@needs_wordnet
def test_wordnet_is_read_with_its_relations_and_counts():
    robin = next(synset for synset in wordnet.synsets("noun") if synset.lemmas[0] == "robin")
    assert wordnet.NOUN_KINDS[robin.file] == "animal" and "thrush" in robin.definition
    (kind,) = robin.related("@")
    assert next(s for s in wordnet.synsets("noun") if ("n", s.offset) == kind).lemmas[0] == "thrush"
    hot = wordnet.senses()["a", "hot"][0]
    assert wordnet.count("a", "hot", hot) == 50 and wordnet.count("a", "hot", 1) == 0


@needs_wordnet
def test_relations_say_what_wordnet_knows():
    from core.build.text.relations import relation_documents

    documents = list(relation_documents())
    said = {sentence for document in documents for sentence in document.sentences}
    assert 60_000 < len(said) < 200_000
    assert any("Paris" in text and "capital" in text and "France" in text for text in said)
    opposites = {text for text in said if "opposite" in text}
    assert any("hot" in text.split() and "cold." in text.split() for text in opposites)
    assert any("lion" in text and "cat" in text for text in said)
    assert "{" not in "".join(said)
    by_name = {document.name: document for document in documents}
    name = next(iter(by_name))
    assert by_name[name].held_out == Document("wordnet", name, ()).held_out  # the fate of its definition
    alone = {sentence for document in relation_documents(["opposites"]) for sentence in document.sentences}
    assert any("hot" in text.split() and "cold." in text.split() for text in alone)
    assert 2_000 < len(alone) < 20_000 and not any("kind of" in text for text in alone)


def test_only_clean_sentences_are_kept():
    good = "She picked up the spoon and stirred her tea."
    assert everyday.sentence(good + " Then she left.") == good
    assert everyday.sentence("A spoon is a spoon that is useful.") is None  # a content word twice
    assert everyday.sentence("He said no.") is None  # too short
    assert everyday.sentence('She said "I like it here very much."') is None
    assert everyday.sentence("The old man went to the river and then he") is None  # no end


def test_requests_are_drawn_by_their_seed():
    words = [everyday.Word("spoon", "thing"), everyday.Word("apple", "food"), everyday.Word("otter", "animal")]
    words += [everyday.Word("word", group) for group in ("person", "body", "nature", "place", "action", "quality")]
    drawn = everyday.requests(words, seed=3, count=50)
    assert drawn == everyday.requests(words, seed=3, count=50) != everyday.requests(words, seed=4, count=50)
    assert all("{" not in part for row in drawn for part in row)
    assert {word for word, _, _ in drawn} <= {word.text for word in words}
    otters = [beginning for word, _, beginning in drawn if word == "otter"]
    assert otters and not any("a otter" in text.lower() for text in otters)


def test_the_sentences_of_a_word_share_their_fate(tmp_path):
    file = tmp_path / "sentences.jsonl"
    texts = [
        "She took the spoon from the drawer.",
        "A spoon is made of silver or steel.",
        "Rambling words come and go here.",
    ]
    rows = zip(texts, (-0.5, -0.7, everyday.LIKELY - 0.1), strict=True)
    lines = [f'{{"batch": 0, "word": "spoon", "score": {score}, "text": "{text}"}}' for text, score in rows]
    file.write_text("\n".join(lines + lines[:1]) + "\n")
    found = list(everyday.everyday_documents(file))
    assert [document.sentences[0] for document in found] == texts[:2]
    assert len({replace(document, sentences=()).held_out for document in found}) == 1
    assert everyday.batches_done(file) == 1


@pytest.mark.parametrize(
    ("table", "word", "group", "sentence"),
    [
        ("facts", "owl", "animal", "An owl eats thing"),
        ("beginnings", "apple", "food", "You need apple to thing"),
        ("shorts", "lemon", "food", "Lemon is thing"),
    ],
)
def test_a_beginning_holds_its_word_and_a_last_one_to_be_replaced(monkeypatch, table, word, group, sentence):
    monkeypatch.setattr(everyday, "everyday_words", lambda *_, **__: [everyday.Word(word, group)])
    found = blank_sentences._begun(table, {})
    assert sentence in found and len(found) == len(set(found))
    assert all(word in text.lower() and "{" not in text and text.endswith(" thing") for text in found)


@pytest.fixture
def _some_verbs(monkeypatch):
    words = [everyday.Word(text, "action") for text in ("hop", "bake", "carry", "walk", "eat", "break", "cut")]
    words += [everyday.Word("nurse", "person"), everyday.Word("goat", "animal")]
    monkeypatch.setattr(everyday, "everyday_words", lambda *_, **__: words)
    irregular = {"ate": ("eat",), "eaten": ("eat",), "broke": ("break",), "cut": ("cut",), "hewed": ("hew",)}
    monkeypatch.setattr(wordnet, "irregular_verbs", lambda: irregular)


@pytest.mark.usefixtures("_some_verbs")
def test_past_forms_are_regular_or_of_wordnets_exceptions():
    forms = "ate eaten broke hopped baked carried walked hewed red bed walks walking cut walk".split()
    found = blank_sentences.past_forms(dict.fromkeys(forms, 1))
    assert found == sorted("ate broke hopped baked carried walked".split())


@pytest.mark.usefixtures("_some_verbs")
def test_a_deed_has_somebody_who_did_it(monkeypatch):
    found = blank_sentences.deeds({"baked": 1, "broke": 2})
    assert {"He baked the", "The nurse broke the", "The goat baked", "My mother broke"} <= set(found)
    assert not any("{" in text for text in found) and len(found) == len(set(found))
    monkeypatch.setattr(blank_sentences, "near_cloze", lambda text: text == "He baked the")
    assert set(blank_sentences.deeds({"baked": 1, "broke": 2})) == set(found) - {"He baked the"}
