"""MLM masking: gaps, draws of 80/10/10, static and dynamic masks, left context, the logit lens, pairs of sentences."""

import streamlit as st

from pages.kit.page import Page
from pages.mlm_masking.context import context
from pages.mlm_masking.epochs import epochs
from pages.mlm_masking.gap import gap
from pages.mlm_masking.lens import lens
from pages.mlm_masking.recipe import recipe, why
from pages.mlm_masking.sentence import open_sentence
from pages.mlm_masking.sentence_pairs import sentences

page = Page("mlm_masking", "mm")

sentence = open_sentence(page)
if sentence is None:
    st.stop()
for section, lab in {
    "gap": gap,
    "recipe": recipe,
    "why": why,
    "epochs": epochs,
    "context": context,
    "lens": lens,
}.items():
    page.section(section)
    page.run(lab, sentence)
page.section("sentences")
page.run(sentences)
page.section("quiz")
page.quiz("words", "dynamic", "vector", "condition", "order", "follows")
