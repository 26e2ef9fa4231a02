"""The page on positions, drawn by Streamlit: its numbers, both languages, deep links, hostile values, errors."""

from __future__ import annotations

import re

import pytest
import torch
from streamlit.testing.v1 import AppTest

import lessons
from core.engine import ENGINE
from core.labs.positional_encoding import encodings as study
from core.labs.positional_encoding import order, relative
from tests.pages.reading import open_page, skips, text_of

SLUG = "positional_encoding"
TEXT, LONG = lessons.examples(SLUG)[0]["text"], lessons.examples(SLUG)[3]["text"]
QUESTIONS = ("same_distance", "without_positions", "slide_both")


def show(shown: bool = True, **parameters: str) -> AppTest:
    """The page as an address opens it, with what is predicted first shown, unless `shown` is False."""
    session = skips("pe", *QUESTIONS) if shown else None
    return open_page(SLUG, session=session, **({"lang": "en"} | parameters))


def said(at: AppTest, key: str, language: str = "en", **blanks: object) -> bool:
    return lessons.labels(SLUG, language)(key, **blanks) in text_of(at)


@pytest.fixture(scope="module")
def opened() -> AppTest:
    return show()


def test_waves_show_real_numbers(opened):
    assert not opened.exception and not opened.error
    angle = 6 / 10_000 ** (8 / 64)
    assert f"\\sin({angle:.4f})={torch.tensor(angle).sin():.4f}" in text_of(opened)
    assert said(opened, "distance_text", a=6, b=10, both=study.compare_positions(64, 10_000, 6, 10))
    clock = study.clock(64, 10_000, 4, 6, 10)
    assert said(opened, "clock_text", pair=4, period=clock.period, turns=clock.turns)


def test_the_learned_table_is_the_teachers(opened, setting):
    table = study.learned_table(ENGINE, setting, setting.teacher)
    rows, width = table.table.shape
    assert said(opened, "table_text", rows=rows, width=width, count=rows * width)
    seams = ", ".join(f"{seam}|{seam + 1}" for seam in table.seams)
    assert said(opened, "profile_text", table=table, seams=seams)


def test_order_surgery_measures_the_model(opened, setting):
    tokens = ENGINE.tokens(setting, setting.teacher, TEXT)
    moves = order.new_order(tokens, "swap", order.default_swap(tokens, ["dog", "cat"]))
    found = order.surgery(ENGINE, setting, setting.teacher, TEXT, moves)
    metrics = [metric.value for metric in opened.metric]
    assert metrics == [
        f"{values[-1]:.2g}" for values in (found.with_positions, found.without_positions, found.other_way)
    ]
    moved = order.prediction(ENGINE, setting, setting.teacher, TEXT, moves, positions=True).moved
    assert said(opened, "shift_text", moved=moved)
    assert "Nothing changed but rounding" in text_of(opened)
    assert text_of(opened).count("Recomputed: equals the model") == 2


def test_a_result_waits_for_the_guess():
    at = show(shown=False)
    assert not at.metric and "Nothing changed but rounding" not in text_of(at)
    at.radio(key="pe_guess_without_positions").set_value(2).run()
    assert len(at.metric) == 3 and "Nothing changed but rounding" in text_of(at)
    assert lessons.quiz(SLUG, "en")["without_positions"].choices[2].why in [box.value for box in at.warning]


def test_every_figure_says_what_it_is(opened, figures):
    charts = figures(opened)
    assert len(charts) == 15
    assert all(len(chart.alt) > 20 and "{" not in chart.alt for chart in charts)


def test_no_figure_is_heavy(opened, figures):
    for chart in figures(opened):
        assert len(chart.spec) < 120_000


@pytest.mark.parametrize("scheme", relative.SCHEMES)
def test_each_scheme_says_its_numbers(setting, scheme):
    at = show(pe_scheme=scheme, pe_layer="2", pe_head="1")
    assert not at.exception and not at.error
    scores = relative.head_scores(ENGINE, setting, setting.teacher, LONG, 1, 0)
    found = relative.add(scores, scheme)
    cell = relative.cell(scores, found, *relative.default_cell(scores))
    assert f"={cell.words + cell.added:.3f}" in text_of(at) and f"={cell.weight:.4f}" in text_of(at)
    assert said(at, "note_" + scheme, found=found, knobs=relative.Knobs(), vectors=9)
    if scheme == "rotary":
        slid = relative.slide(scores, *relative.default_cell(scores), 100, 10_000)
        assert f"**{slid.there:.4f}**" in text_of(at) and f"**{slid.apart:.4f}**" in text_of(at)


def test_chinese():
    at = show(lang="zh", pe_scheme="t5")
    assert not at.exception and not at.error
    lesson = lessons.lesson(SLUG, "zh")
    headings = [heading.value for heading in at.subheader]
    assert {lesson[key].title for key in ("waves", "learned", "order", "relative", "beyond", "check")} <= set(headings)
    assert "毫无变化" in text_of(at)
    blanks = re.findall(r"(?<!\w)\{[a-z]+(?:[.:][^}]*)?\}", "\n".join(text.value for text in (*at.caption, *at.info)))
    assert not blanks


def test_a_link_restores_the_page():
    at = show(pe_length="100", pe_width="16", pe_base="100", pe_a="90", pe_b="7", pe_pair="5", pe_way="reverse",
              pe_text="A cat saw a [MASK].", pe_scheme="alibi", pe_causal="1", pe_token_cell="3-4", pe_from="20")  # fmt: skip
    assert not at.exception and not at.error
    assert [at.slider(key=f"pe_{name}").value for name in ("length", "a", "b", "pair", "from")] == [100, 90, 7, 5, 20]
    assert at.session_state["pe_base"] == 100 and at.session_state["pe_width"] == 16
    assert "PE(90,\\,10)&=\\sin \\frac{90}{100^{10/16}}" in text_of(at)
    assert at.text_area(key="pe_text").value == "A cat saw a [MASK]."
    assert "-\\infty" in text_of(at)  # key 3 lies in the future of query 2
    assert "at 2, key" in text_of(at)


def test_swapped_words_come_from_the_link():
    at = show(pe_token_swap="4-7")
    assert at.query_params["pe_token_swap"] in ("4-7", ["4-7"])
    assert "(0, 1, 2, 6, 4, 5, 3, 7, 8, 9, 10)" in "\n".join(block.value for block in at.code)
    still = show(pe_token_swap="none")
    assert lessons.labels(SLUG, "en")("nothing_moved") in [box.value for box in still.info]
    assert said(still, "shift_none", moved=0.0)


HOSTILE = ["99999", "nan", "-1", "", "1e400", "'; DROP", "<script>alert(1)</script>", "0-0-0", "７"]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_values_fall_back(value):
    names = "length width base a b pair from axes way seed layer head scheme buckets clip causal moved at_swap at_cell"
    at = show(**{f"pe_{name}": value for name in names.split()})
    assert not at.exception and not at.error
    assert at.slider(key="pe_length").value == 40 and at.slider(key="pe_b").value == 10
    assert at.session_state["pe_scheme"] == "learned"


def test_shorter_and_narrower_waves_keep_the_sliders_inside():
    at = show(pe_a="35", pe_pair="30")
    at.slider(key="pe_length").set_value(10).run()
    at.select_slider(key="pe_width").set_value(4).run()
    assert not at.exception
    assert at.slider(key="pe_a").value <= 9 and at.slider(key="pe_pair").value <= 1


@pytest.mark.parametrize("language", lessons.LANGUAGES)
@pytest.mark.parametrize("text", ["", "   ", "\x00\u200b"])
def test_empty_text_is_said(language, text):
    at = show(lang=language, pe_text=text or " ", pe_text2=text or " ")
    assert not at.exception
    assert [box.value for box in at.error] == [lessons.labels("common", language)("errors.empty_text")] * 2


@pytest.mark.parametrize(
    "text",
    [
        "Dog",
        "🙂 🙂",
        "猫坐在垫子上",
        "قطة تجلس",
        "$x$ *a* _b_ `c` [d](e)",
        "<script>alert(1)</script> [MASK]",
        "x " * 400,
    ],
)
def test_any_text_is_read(text):
    at = show(pe_text=text, pe_text2=text, pe_scheme="rotary")
    assert not at.exception
    missing = lessons.labels("common", "en")("errors.no_mask")
    assert {box.value for box in at.error} <= {missing}
    assert ("[MASK]" in text) != (missing in [box.value for box in at.error])


def test_without_a_mask_the_error_is_still_measured():
    at = show(pe_text=LONG)
    assert len(at.metric) == 3
    assert len(at.error) == 2  # one beside each figure that needs a masked word


def test_another_teacher_may_have_another_shape(setting):
    at = show(teacher=setting.student, pe_layer="3", pe_head="12")
    assert not at.exception and not at.error
    assert at.selectbox(key="pe_layer").options == ["1", "2", "3"]
    at = show(teacher=setting.student, pe_layer="6")
    assert not at.exception and not at.error  # a layer that this model lacks


def test_the_code_of_each_lab_is_shown(opened, snippets_on):
    assert set(snippets_on(opened, SLUG)) == {"waves", "learned", "order", "relative_learned"}
    for scheme in relative.SCHEMES[1:]:
        assert f"relative_{scheme}" in snippets_on(show(pe_scheme=scheme, pe_way="shuffle"), SLUG)


def test_reset_puts_everything_back():
    at = show(pe_length="100", pe_scheme="rotary", pe_text="A cat saw a [MASK].", pe_token_cell="2-2")
    at.button(key="_reset_pe").click().run()
    assert not at.exception
    assert at.slider(key="pe_length").value == 40 and at.session_state["pe_scheme"] == "learned"
    assert at.text_area(key="pe_text").value == TEXT
    assert not [name for name in at.query_params if name.startswith("pe_")]
