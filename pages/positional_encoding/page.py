"""Positional encoding: waves, the table that the teacher learned, order surgery, and what each scheme adds to a score."""

from pages.kit.page import Page
from pages.positional_encoding.learned import learned
from pages.positional_encoding.schemes import schemes
from pages.positional_encoding.waves import waves
from pages.positional_encoding.word_order import surgery

page = Page("positional_encoding", "pe")

for section, lab in (("waves", waves), ("learned", learned), ("order", surgery), ("relative", schemes)):
    page.section(section)
    page.run(lab)
page.section("beyond")
page.section("check")
page.quiz("bert_sinusoids", "i_is_pair", "relative_input", "no_order", "words_512", "special_tokens")
page.reset()
