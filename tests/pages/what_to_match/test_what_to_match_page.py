"""The page What to match, drawn by Streamlit: live numbers, both languages, the board, a finished run, hostile addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.engine import ENGINE, default_setting
from core.folders import FOLDER_VARIABLE, runs_folder
from core.labs.what_to_match import convergence as courses
from core.labs.what_to_match import layer_costs as costing
from core.labs.what_to_match import layer_maps as maps
from core.labs.what_to_match import outcome as outcomes
from core.labs.what_to_match import plan as running
from core.labs.what_to_match import relations as study
from core.runs.datasets import kinds_material
from core.runs.process.session import Session
from core.runs.run import Run
from core.runs.server import close_run_queue, run_queue
from tests.pages.reading import open_page, text_of

TEXT = lessons.examples("what_to_match")[0]["text"]
SETTING = default_setting()
T = lessons.labels("what_to_match", "en")


@pytest.fixture(scope="module", autouse=True)
def own_runs(tmp_path_factory) -> Iterator[None]:
    """A folder of runs of this file's own, and one run queue for all its tests."""
    close_run_queue()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("data")))
        yield
        close_run_queue()


def tiny_run(name: str) -> Run:
    """A new run of four steps, of which the learner guessed MiniLM the best."""
    material = kinds_material(texts=64, labels=32, held_out=16)
    made = running.plan(running.Setup(steps=4), "tiny", {"prediction": "minilm"})
    made = replace(made, measure_every=2, snapshots=2)
    known = material.logits, material.held_out_logits
    return Run.create(runs_folder() / name, made, material.texts, material.held_out, *known)


@pytest.fixture(scope="module")
def run(own_runs) -> Run:
    """A finished run."""
    found = tiny_run("tiny")
    assert Session(found).train() == "finished"
    return found


def show(**parameters: str) -> AppTest:
    return open_page("what_to_match", **({"lang": "en"} | parameters))


@pytest.fixture(scope="module")
def opened() -> AppTest:
    return show()


def test_it_opens_on_the_shipped_pair(opened):
    assert not opened.exception and not opened.error
    cast = study.read(ENGINE, SETTING, "words", TEXT)
    head = study.telling_head(cast, "attention", (2, 5))
    assert opened.selectbox(key="wm_shipped_head").value == head + 1
    near, far = sorted(study.wall(cast, "attention", (2, 5), head).distances[1:])
    assert f"(KL {near:.3f})" in text_of(opened) and f"(KL {far:.3f})" in text_of(opened)
    assert "Recomputed: equals the model" in text_of(opened)


def test_a_narrow_student_that_was_asked_stands_beside_its_teacher():
    at = show(wm_pair="narrow", wm_board_student="narrow-tinybert")
    assert not at.exception and not at.error
    cast = study.read(ENGINE, SETTING, "narrow", TEXT)
    head = study.telling_head(cast, "attention", (3, 5))
    value = study.wall(cast, "attention", (3, 5), head).distances[1]
    assert T("one_student_heads", value=f"{value:.3f}", student=12, teacher=12) in text_of(at)
    assert T("pair_facts.narrow") in [caption.value for caption in at.caption]


def test_the_board_opens_on_equal_numbers_and_says_what_they_cost(opened):
    costs = costing.costs_of(ENGINE, SETTING, "minilm-teacher", "minilm-student")
    found = maps.verdict(costs, "attention", (0, 1, 2))
    assert T("your_map", map="1 → 1, 2 → 2, 3 → 3", cost=f"{found.cost:.3f}", rank=found.rank, count=found.count,
             best="1 → 2, 2 → 4, 3 → 6", lowest=f"{found.lowest:.3f}") in text_of(opened)  # fmt: skip
    assert f"= {found.cost:.3f}" in opened.latex[0].value


def test_chinese():
    at = show(lang="zh", wm_view="cka")
    assert not at.exception and not at.error
    assert "层映射板" in [heading.value for heading in at.subheader]
    assert "在 216 种映射中排第" in text_of(at) and "加框并连线" in text_of(at)
    plain = [element.value for element in (*at.caption, *at.info)]
    assert not any(re.search(r"[A-Za-z]{4,} [a-z]{4,} [a-z]{4,}", text) for text in plain)


def test_rules_and_criteria_move_the_numbers():
    at = show()
    costs = costing.costs_of(ENGINE, SETTING, "minilm-teacher", "minilm-student")
    at.button(key="wm_rule_uniform").click().run()
    assert at.query_params["wm_map"] == "2-4-6"
    for criterion in ("attention", "hidden", "cka"):
        at.selectbox(key="wm_criterion").set_value(criterion).run()
        found = maps.verdict(costs, criterion, (1, 3, 5))
        key = "your_map_best" if found.rank == 1 else "your_map"
        blanks = {"map": "1 → 2, 2 → 4, 3 → 6", "cost": f"{found.cost:.3f}", "count": found.count}
        if key == "your_map":
            best = ", ".join(f"{layer + 1} → {other + 1}" for layer, other in enumerate(found.best))
            blanks |= {"rank": found.rank, "best": best, "lowest": f"{found.lowest:.3f}"}
        assert T(key, **blanks) in text_of(at), criterion


def test_a_dragged_map_reaches_the_address_and_the_words():
    at = show(wm_map="6-4-2")
    assert T("crossing", low=1, high=2) in text_of(at)
    at.session_state["wm_board_3_6"] = {"selected": [1, -1, 1]}
    at.run()
    assert at.query_params["wm_map"] == "2-0-2"
    assert T("shared") in text_of(at) and T("unpaired_note") in text_of(at) and "crossing" not in text_of(at)


def test_other_heads_are_explained():
    at = show(wm_pair="kinds", wm_board_student="kinds-distilled")
    assert not at.exception and not at.error
    assert T("no_heads") in text_of(at) and "This student has 2 heads, the teacher 12" in text_of(at)
    assert set(at.selectbox(key="wm_criterion").options) == {
        T(f"criteria.{name}") for name in ("cka", "hidden", "unexplained")
    }


def test_the_code_gives_the_numbers_of_the_page(opened, snippets_on, printed_by):
    shown = snippets_on(opened, "what_to_match")
    assert set(shown) == {"shipped_attention", "board"}
    assert "'control'" in printed_by(shown["shipped_attention"].core)
    distances = [float(line.split()[-1]) for line in printed_by(shown["shipped_attention"].plain).splitlines()]
    assert len(distances) == 2 and all(f"(KL {distance:.3f})" in text_of(opened) for distance in distances)
    assert "mine = (" in shown["board"].core
    assert set(snippets_on(show(wm_view="cka"), "what_to_match")) == {"cka", "board"}
    assert set(snippets_on(show(wm_view="values"), "what_to_match")) == {"shipped_values", "board"}


def test_hostile_addresses_fall_back(opened):
    names = "map pair view shipped_student_layer shipped_head board_student board_on "
    names += "criterion steps procedure seeds map_rule weight"
    for value in ("99", "nan", "<script>", "a~b", "-1"):
        at = show(**{f"wm_{name}": value for name in names.split()})
        assert not at.exception and not at.error, value
        assert text_of(at) == text_of(opened), value


@pytest.mark.parametrize("name", ["gone", "../tiny", "..", "<script>"])
def test_a_run_that_is_gone_is_said_once(name):
    at = show(wm_run=name)
    assert not at.exception and len(at.error) == 1 and "is gone" in at.error[0].value
    assert at.button(key="wm_start")


@pytest.mark.parametrize(
    "text",
    [
        "word " * 10_000,
        "我喜欢机器学习 🙂",
        "مرحبا بالعالم",
        "<script>alert(1)</script> $5 and $6 *b* `t`",
        "\x00\x07 x",
    ],
)
def test_odd_texts_are_read(run, text):
    at = show(wm_run=run.name)
    at.text_area(key="wm_text").set_value(text).run()
    assert not at.exception and not at.error
    at.text_area(key="wm_text").set_value("   ").run()
    assert not at.exception and "There is no text to read" in at.error[0].value


def test_it_waits_for_a_guess_then_starts_what_was_set_up(opened):
    assert opened.button(key="wm_start").disabled
    at = show(
        wm_guess="tinybert", wm_map="1-2-6", wm_map_rule="board", wm_steps="80", wm_procedure="before", wm_seeds="2"
    )
    assert "TinyBERT's pairs: 1 → 1, 2 → 2, 3 → 6" in text_of(at)
    at.button(key="wm_start").click().run()
    name = at.query_params["wm_run"]
    view = run_queue().view(name)
    assert view.plan["extra"]["prediction"] == "tinybert" and view.plan["extra"]["page"] == "what_to_match"
    setup = {"steps": 80, "procedure": "before", "weight": 1.0, "map_": [0, 1, 5], "seeds": 2}
    assert view.plan["extra"]["setup"] == setup and view.plan["training"]["steps"] == 80
    assert not at.exception and not at.error and T("still_running") in text_of(at)
    run_queue().delete(name)


def test_a_finished_run_is_shown_and_judged(run, figures):
    at = show(wm_run=run.name, wm_measure="accuracy", wm_board_student="run-minilm")
    assert not at.exception and not at.error
    found = outcomes.outcome(ENGINE, run, SETTING, (1, 3, 5))
    near = found.nearest("attention")
    table = at.dataframe[-1].value
    assert list(table[T("measures.accuracy")]) == [f"{100 * found.mean('accuracy', arm):.1f} %" for arm in running.ARMS]
    assert T("one_seed") in text_of(at)
    assert found.winner is None and T("guess_open", guess="MiniLM") in text_of(at)  # one seed settles nothing
    assert text_of(at).count("Too few seeds to tell") == 3  # logits, TinyBERT and MiniLM against the control
    assert f"**{T(f'arms.{near}')}** is nearest to the teacher's attention" in text_of(at)
    costs = outcomes.final_costs(ENGINE, run, SETTING, "minilm")
    assert f"costs **{maps.total(costs, 'attention', (0, 1, 2)):.3f}**" in text_of(at)
    frames = courses.frames(ENGINE, run, TEXT)
    head = at.selectbox(key="wm_run_head").value - 1
    first, last = (study.wall(frame.cast, "attention", (2, 5), head).distances[1:] for frame in (frames[0], frames[-1]))
    key, numbers = (
        "same_start" if study.alike(first) else "other_start",
        {"low": f"{min(first):.2f}", "high": f"{max(first):.2f}"},
    )
    assert T(key, first=1, **numbers) in text_of(at)
    assert f"After step 4, **{T('arms.' + running.ARMS[last.index(min(last))])}** is nearest" in text_of(at)
    charts = figures(at)
    assert len(charts) == 3 and all(len(chart.alt) > 20 for chart in charts)


def test_a_paused_run_shows_what_it_has():
    found = tiny_run("paused")
    assert Session(found).train(steps=2) == "paused"
    at = show(wm_run="paused")
    assert not at.exception and not at.error
    assert "After step 2," in text_of(at) and T("unfinished") in text_of(at)
    found.delete()


def test_the_step_in_view_is_in_the_address(run):
    at = show(wm_run=run.name, wm_step="2")
    assert not at.exception and at.query_params["wm_step"] in ("2", ["2"])
    at.session_state["wm_run_wall"] = {"selected": 0}
    at.run()
    assert at.query_params["wm_step"] == "1"
    for hostile in ("3", "nan", "-1", "99999999"):
        assert not show(wm_run=run.name, wm_step=hostile).exception


@pytest.mark.parametrize("view", ["values", "cka"])
def test_every_view_of_a_run_in_both_languages(run, view):
    for language in lessons.LANGUAGES:
        at = show(wm_run=run.name, lang=language, wm_run_view=view, wm_measure="unexplained", wm_board_on="text")
        assert not at.exception and not at.error
        assert lessons.labels("what_to_match", language)("only_at_end") in text_of(at)
