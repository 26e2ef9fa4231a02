"""Temperature: a teacher's soft label for one hidden word, what it costs, what it pushes, and why T² is there."""

import streamlit as st

from core.labs.temperature import soft_labels as study
from core.measure import label_budgets as experiments
from pages.kit.page import Page
from pages.temperature import gradients, losses, supersenses
from pages.temperature.gap import open_gap
from pages.temperature.soft_labels import soft_labels

page = Page("temperature", "tp")

page.section("sentence")
with page.guard():
    opened = open_gap(page)
    page.section("soft")
    entropies = [study.entropies(logits) for logits in (opened.gap.teacher, opened.gap.student)]
    page.run(soft_labels, opened, entropies)
    for section, lab in (
        ("losses", losses.three_losses),
        ("pushes", gradients.pushed),
        ("square", gradients.square),
        ("mistakes", losses.mistakes),
    ):
        page.section(section)
        page.run(lab, opened)
for section, lab in (("kinds", supersenses.definition), ("alike", supersenses.alike)):
    page.section(section)
    page.run(lab)
if experiments.stored():
    page.section("worth")
    page.run(supersenses.worth)
    with st.expander(page.lesson["worth_reading"].title, icon=":material/menu_book:"):
        page.prose("worth_reading")
page.section("quiz")
page.quiz("why_square", "argmax", "infinity", "zero", "kl_ce", "definition")
page.section("sources")
