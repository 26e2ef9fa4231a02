"""The classification task's data: WordNet's noun definitions with their kinds, split so that no near-copy crosses.

WordNet's lexicographers wrote its nouns in files, one for each kind of thing (Fellbaum 1998; `lexnames(5WN)`); 16 of the 26
files are the classes here. Where a word's kind is a matter of opinion, the opinion is theirs: a tomato is food, and the plant
that bears it a plant.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from core.build.text import wordnet
from core.build.text.near_copies import OVERLAP, groups, words
from core.data.kinds import KINDS, PARTS, TABLE, Definition

FILES = {
    4: "act",
    5: "animal",
    6: "artifact",
    7: "attribute",
    8: "body",
    9: "cognition",
    10: "communication",
    11: "event",
    12: "feeling",
    13: "food",
    15: "location",
    18: "person",
    19: "phenomenon",
    20: "plant",
    26: "state",
    27: "substance",
}
"""Kinds by the number of their lexicographer file."""

MOST_OF_A_KIND = 4000
"""Without a limit every sixth definition would be an artifact and every 170th a feeling."""

MOST_OF_A_GROUP = 4
"""Of "type genus of the ..." and its hundred near-copies, these many stay."""

SHORTEST, LONGEST = 3, 40
"""Words in a definition: shorter ones say too little, longer ones are rare and slow."""

SIZES = {"test": 3000, "validation": 1500, "transfer": 20_000}
"""Definitions in each part; the teacher gets what is left."""

SEED = 0

HELD_OUT = ("mildly acid red or yellow pulpy fruit eaten as a vegetable",)
"""Definitions that the lessons open on, or nearly: they go to the test part with all their near-copies."""


def read() -> Iterator[Definition]:
    """All definitions of the 16 kinds, in WordNet's order.

    Raises:
        FileNotFoundError: WordNet is not installed.
    """
    for synset in wordnet.synsets("noun"):
        if synset.file in FILES:
            text = " ".join(synset.definition.replace("`", "'").split())
            yield Definition(text, synset.lemmas[0], KINDS.index(FILES[synset.file]))


def split(found: list[Definition]) -> dict[str, list[Definition]]:
    """Choose and share out the definitions; near-copies (see `near_copies.groups`) are never in two parts.

    Within each part the order is random, so a part's first n are a fair sample of it.
    """
    rng = random.Random(SEED)
    kinds_of: dict[frozenset[str], set[int]] = defaultdict(set)
    for one in found:
        kinds_of[words(one.text)].add(one.kind)
    chosen: dict[frozenset[str], Definition] = {}
    counts: Counter[int] = Counter()
    for one in rng.sample(found, len(found)):
        same = words(one.text)
        fits = SHORTEST <= len(one.text.split()) <= LONGEST and len(kinds_of[same]) == 1
        if fits and same not in chosen and (counts[one.kind] < MOST_OF_A_KIND or one.text in HELD_OUT):
            chosen[same] = one
            counts[one.kind] += 1
    rows = list(chosen.values())
    members: dict[int, list[Definition]] = defaultdict(list)
    for one, group in zip(rows, groups([one.text for one in rows]), strict=True):
        members[group].append(one)
    order = rng.sample(list(members.values()), len(members))
    order.sort(key=lambda group: not any(one.text in HELD_OUT for one in group))
    parts: dict[str, list[Definition]] = {part: [] for part in PARTS}
    sizes = iter(SIZES.items())
    part, size = next(sizes)
    for group in order:
        parts[part] += sorted(group, key=lambda one: one.text not in HELD_OUT)[:MOST_OF_A_GROUP]
        if len(parts[part]) >= size:
            part, size = next(sizes, ("teacher", len(rows) + 1))
    for rows_of_part in parts.values():
        rng.shuffle(rows_of_part)
    return parts


def write(parts: dict[str, list[Definition]], folder: Path) -> None:
    """Write the table, compressed, the same bytes for the same parts, together with the licence and a description."""
    folder.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["part", "kind", "word", "definition"])
    for part in PARTS:
        rows.writerows((part, KINDS[one.kind], one.word, one.text) for one in parts[part])
    (folder / TABLE).write_bytes(gzip.compress(text.getvalue().encode("utf-8"), mtime=0))
    (folder / "LICENSE.txt").write_text(_licence(), encoding="utf-8")
    (folder / "README.md").write_text(_description(parts), encoding="utf-8")


def _licence() -> str:
    """WordNet's licence, from the top of its own file."""
    with (wordnet.FOLDER / "data.noun").open(encoding="latin-1") as lines:
        head = [line.strip().split(" ", 1)[1:] for line in lines if line.startswith("  ")]
    return "\n".join(text[0].rstrip() if text else "" for text in head) + "\n"


def _description(parts: dict[str, list[Definition]]) -> str:
    counts = {part: Counter(one.kind for one in rows) for part, rows in parts.items()}
    head = "| kind | " + " | ".join(PARTS) + " |\n|---|" + "---:|" * len(PARTS)
    body = [
        f"| {name} | " + " | ".join(f"{counts[part][kind]:,}" for part in PARTS) + " |"
        for kind, name in enumerate(KINDS)
    ]
    total = "| all | " + " | ".join(f"{len(parts[part]):,}" for part in PARTS) + " |"
    table = "\n".join([head, *body, total])
    return f"""# Kinds: definitions of nouns and the kind of thing that they define

`{TABLE}` (CSV: part, kind, word, definition) is made from WordNet 3.0 (Princeton University, `LICENSE.txt`) by
`python -m core.build kinds_data`. Each noun's kind is the lexicographer file that it stands in. Read it with
`core.data.kinds.definitions(part)`.

- One definition a set of synonyms, without its examples; {SHORTEST} to {LONGEST} words; at most {MOST_OF_A_KIND:,} of a kind,
  drawn with seed {SEED}.
- The same words (letters only, lower-case) under two kinds: left out. Under one kind: once.
- Near-copies share at least {float(OVERLAP):.0%} of their words (Jaccard). They, and near-copies of near-copies, are always in
  one part, and at most {MOST_OF_A_GROUP} of such a group are kept.
- `teacher`: what the teacher learned from, with labels. `transfer`: texts whose labels the teacher never saw; a student with a
  budget of n labels gets those of n texts, drawn by its seed, and the teacher's soft labels for all. `validation`, `test`:
  nobody learns from them.

{table}

`teacher_logits.safetensors` holds the shipped teacher's logits (16 a definition, half precision) for `transfer`, `validation`
and `test`, in the table's order. `python -m core.build kinds_experiment` writes its results beside them, as `experiment.json`.

English only. Some kinds overlap (a state of mind is filed under *state*, *cognition* or *feeling*), so nobody reaches 100 %.
"""
