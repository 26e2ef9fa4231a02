"""Links that were saved before parameters changed their names open what they opened then."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.kit.course import script
from pages.kit.old_links import PARAMETERS

FRAME = str(Path(__file__).resolve().parents[3] / "pages" / "frame.py")

SAME = [
    ("distil", {"dl_keep": "0-2-4", "dl_off": "0.3-2.11"}, {"dl_kept": "1-3-5", "dl_heads_off": "1.4-3.12"}),
    ("layer_surgery", {"ls_keep": "0-2", "ls_off": "2.4"}, {"ls_kept": "1-3", "ls_heads_off": "3.5"}),
    ("layer_surgery", {"ls_keep": "none"}, {"ls_kept": "none"}),
    (
        "layer_outputs",
        {"lo_at_pair": "3-8", "lo_at_path": "2-5", "lo_at_cell": "4-4"},
        {"lo_token_pair": "4-9", "lo_token_path": "3-6", "lo_token_cell": "5-5"},
    ),
    (
        "layer_outputs",
        {"lo_text": "the cat " * 15, **{f"lo_at_{name}": "3" for name in ("similarity", "grams", "attention")}},
        {"lo_text": "the cat " * 15, **{f"lo_token_{name}": "4" for name in ("similarity", "grams", "attention")}},
    ),
    (
        "mlm_masking",
        {"mm_at_masks": "2-5", "mm_at_gap": "5", "mm_at_lens": "3", "mm_at_context": "4", "mm_at_sight": "1"},
        {
            "mm_token_masks": "3-6",
            "mm_token_gap": "6",
            "mm_token_lens": "4",
            "mm_token_context": "5",
            "mm_token_sight": "2",
        },
    ),
    (
        "positional_encoding",
        {"pe_at_cell": "2-3", "pe_at_swap": "3-6"},
        {"pe_token_cell": "3-4", "pe_token_swap": "4-7"},
    ),
    (
        "self_attention",
        {"sa_at_query": "3", "sa_at_key": "2", "sa_at_hidden": "4"},
        {"sa_token_query": "4", "sa_token_key": "3", "sa_token_hidden": "5"},
    ),
    (
        "temperature",
        {"tp_text": "A [MASK] and a [MASK].", "tp_at_gap": "1", "tp_at_truth": "dog"},
        {"tp_text": "A [MASK] and a [MASK].", "tp_token_gap": "2", "tp_token_truth": "dog"},
    ),
    ("what_to_match", {"wm_shipped_layer": "0"}, {"wm_shipped_student_layer": "1"}),
]
"""A page, an old link to it, and the same link as it is written today."""

NASTY = ("999999999999-x", "<script>", "", "-", "9" * 5000, "٣-²")


def opened(slug: str, **address: str) -> AppTest:
    app = AppTest.from_file(FRAME, default_timeout=240)
    for key, value in {"lang": "en", **address}.items():
        app.query_params[key] = value
    app.run()
    app.switch_page(script(slug)).run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def state(app: AppTest) -> tuple:
    """What the page says, and where its controls are."""
    boxes = (*app.selectbox, *app.slider, *app.button_group, *app.multiselect, *app.text_input)
    said = [text.value for text in (*app.markdown, *app.caption, *app.latex, *app.code)]
    return [(box.key, box.value) for box in boxes if "_lo_path" not in str(box.key)], said


def steady(found: tuple) -> tuple:
    """Without what differs from one opening to the next: milliseconds."""
    boxes, said = found
    return boxes, [line for line in said if "ms" not in line]


@pytest.mark.parametrize("slug, old, new", SAME, ids=lambda value: value if isinstance(value, str) else "")
def test_an_old_link_opens_the_same(slug, old, new):
    then, now, plain = opened(slug, **old), opened(slug, **new), opened(slug)
    assert steady(state(then)) == steady(state(now)) != steady(state(plain))
    assert not set(then.query_params) & set(PARAMETERS)


def test_every_old_name_is_tried():
    tried = {name for _, old, _ in SAME for name in old if name in PARAMETERS}
    assert tried == set(PARAMETERS) - {"wm_run_layer"}  # that one needs a run; its value is translated as its brother's


@pytest.mark.parametrize("slug", sorted({slug for slug, _, _ in SAME}))
def test_a_nasty_value_opens_the_start(slug):
    names = {name for page, old, _ in SAME if page == slug for name in old if name in PARAMETERS}
    names -= {"tp_at_truth"}  # a text may be anything
    plain = steady(state(opened(slug)))
    for value in NASTY:
        assert steady(state(opened(slug, **dict.fromkeys(names, value)))) == plain, value


def test_todays_name_wins():
    app = opened("distil", dl_keep="0", dl_kept="2-3", dl_start="layers")
    assert app.button_group(key="dl_layers").value == [1, 2] and app.query_params["dl_kept"] in ("2-3", ["2-3"])


def test_the_first_page_keeps_the_link_for_the_next():
    app = AppTest.from_file(FRAME, default_timeout=120)
    app.query_params["dl_keep"] = "0-1"
    app.run()
    assert not app.exception and app.query_params["dl_kept"] in ("1-2", ["1-2"]) and "dl_keep" not in app.query_params
