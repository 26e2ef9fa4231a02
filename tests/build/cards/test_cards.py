"""The cards' templates: what they say of the shipped figures is, to the letter, what the shipped cards say."""

from __future__ import annotations

import re

import jinja2
import pytest

from core.build.cards import classifiers, masked, pairs, teacher
from core.build.cards.rendering import TEMPLATES, rendered
from core.build.train.rounds import ROUNDS
from core.build.train.student import Budget
from core.build.train.teacher import Schedule
from core.distill.label_budget import SHIPPED_RECIPE, SHIPPED_TRIAL
from core.models import catalog
from core.models.card import SHIPPED


def shipped(name: str) -> str:
    """The prose of a shipped card, without its front matter and the hashes of its files."""
    text = (SHIPPED / name / "README.md").read_text(encoding="utf-8")
    return text.split("---\n", 2)[2].split("\n## Files\n")[0].strip() + "\n"


@pytest.fixture(scope="module")
def metrics() -> dict[str, dict]:
    return {card.name: card.metrics for card in catalog()}


@pytest.fixture(scope="module")
def measured(metrics) -> dict:
    """What `measure` found, put together again from the cards; of attention they hold the means only."""
    found = {name: metrics["minilm-teacher"][name] for name in teacher.COMPARED}
    found |= {name: metrics[f"minilm-{name}"] for name in masked.ORIGINS}
    found["unigram"] = metrics["minilm-teacher"]["baseline"]
    attention = metrics["minilm-teacher"]["attention"]
    heads = {"entropy": [[attention["entropy"]]], "distance": [[attention["distance"]]]}
    heads["overlap"] = [[layer] for layer in attention["overlap"]]
    found["teacher"] = metrics["minilm-teacher"] | {"attention": heads}
    before = {"entropy": [[attention["entropy_before"]]], "distance": [[attention["distance_before"]]]}
    return found | {"original": {"attention": before}}


@pytest.mark.parametrize("name", masked.ORIGINS)
def test_a_students_card_is_the_shipped_one(name, measured):
    assert masked.student_card(name, measured, Budget())[1] == shipped(f"minilm-{name}")


def test_the_teachers_card_is_the_shipped_one(measured):
    """Of the blanks only the card itself says how many they were and how well they are filled."""
    said = shipped("minilm-teacher")
    table = said.split("| steps | blanks |")[1].split("\n\n")[0].splitlines()[2:]
    counts = {
        name: int(row.split("|")[2].split(":")[0].replace(",", "")) for name, row in zip(ROUNDS, table, strict=True)
    }
    figures = re.search(
        r"likeliest in ([\d.]+)% of the\s+cases.*?labels ([\d.]+) nats.*?round: ([\d.]+)% and\s+([\d.]+)\)", said, re.S
    )
    right, loss, right_before, loss_before = map(float, figures.groups())
    learned = {"teacher": (loss, right / 100), "eight_to_eleven": (loss_before, right_before / 100)}
    assert teacher.teacher_card(measured, Schedule(), counts, learned)[1] == said


def test_the_classifiers_cards_are_the_shipped_ones(metrics):
    made = {
        "kinds-teacher": classifiers.kinds_teacher(metrics["kinds-teacher"]),
        "kinds-student": classifiers.kinds_student(metrics["kinds-student"], SHIPPED_TRIAL, SHIPPED_RECIPE),
        "sentiment-teacher": classifiers.sentiment_teacher(metrics["sentiment-teacher"]),
        "sentiment-student": classifiers.sentiment_student(metrics["sentiment-student"]),
    }
    for name, (front, prose) in made.items():
        assert prose == shipped(name), name
        assert front["distillery"]["metrics"] == metrics[name]


@pytest.mark.parametrize("task", ["nsp", "sop"])
def test_the_cards_of_heads_for_pairs_are_the_shipped_ones(task, metrics):
    said = shipped(f"minilm-{task}")
    count, share = re.search(r"trained on all ([\d,]+) pairs there are, is right in ([\d.]+)%", said).groups()
    scores = metrics[f"minilm-{task}"]["accuracy"]
    assert pairs.pairs_card(task, scores, int(count.replace(",", "")), float(share) / 100)[1] == said


def test_a_fact_that_a_card_names_may_not_be_missing():
    with pytest.raises(jinja2.UndefinedError, match="'most' is undefined"):
        rendered("minilm-pairs", task="nsp")


def test_every_template_is_a_card_or_a_part_of_some():
    names = {name.removesuffix(".md.jinja") for name in TEMPLATES.list_templates()}
    cards = {name for name in names if not name.startswith("_")}
    assert cards - {"minilm-pairs"} == {path.parent.name for path in SHIPPED.glob("*/README.md")} - {
        "minilm-nsp",
        "minilm-sop",
    }
    parts = {name for name in names if name.startswith("_")}
    used = {
        name
        for name in parts
        for card in cards
        if f'"{name}.md.jinja"' in TEMPLATES.loader.get_source(TEMPLATES, f"{card}.md.jinja")[0]
    }
    assert used == parts
