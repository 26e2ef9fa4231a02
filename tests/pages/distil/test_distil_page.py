"""The Distil page: set up, guess, play, watch, conclude, scrub, take away; in both languages, and for any address."""

from __future__ import annotations

import json
import shutil
import time

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.folders import FOLDER_VARIABLE
from core.labs.distil import curves
from core.labs.distil import probe as looks
from core.labs.distil.setup import Setup, begin
from core.runs.run import Run
from core.runs.server import close_run_queue, run_queue
from pages.kit.visitor import LOCAL
from tests.pages.reading import open_page, text_of

SMALL = Setup(depth=1, width=48, heads=2, texts=64, labels=32, steps=6, seeds=2, batch=8)
T = lessons.labels("distil", "en")
TEXT = lessons.table("distil", "texts")[0]["text"]


@pytest.fixture(autouse=True)
def at_home(monkeypatch):
    """Streamlit's test runner has no browser; here it stands for one on the server's own machine."""
    monkeypatch.setattr("pages.kit.visitor.is_own_machine", lambda: True)


@pytest.fixture(scope="module", autouse=True)
def own_workshop(tmp_path_factory):
    """A run queue of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        close_run_queue()
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("data")))
        yield
        close_run_queue()


@pytest.fixture(scope="module")
def finished(own_workshop) -> Run:
    """A small run of the visitor's, come to its end; whoever made it guessed that the teacher would lose."""
    run = begin(SMALL.resolve(), "1 × 48, 6 steps", owner=LOCAL, prediction=3)
    wait(run.name)
    return run


def wait(name: str) -> None:
    deadline = time.monotonic() + 180
    while run_queue().view(name).status.active and time.monotonic() < deadline:
        time.sleep(0.1)
    assert run_queue().view(name).state == "finished", run_queue().view(name)


def opened(**address: str) -> AppTest:
    return open_page("distil", **({"lang": "en"} | address))


def words(figure) -> str:
    """A figure's texts as they are read, whatever script they are in."""
    return json.dumps(json.loads(figure.spec), ensure_ascii=False)


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_opens_on_the_pair_and_two_soft_labels(language, figures):
    app = opened(lang=language)
    t = lessons.labels("distil", language)
    look = looks.before(Setup().resolve(), TEXT)
    share = f"{look.probabilities['teacher'][look.order(1)[0]]:.1%}"
    assert share in text_of(app) and f"{look.distance('distilled'):.0%}" in text_of(app)
    drawn = figures(app)
    assert any("6 × 384" in words(figure) and "2 × 128" in words(figure) for figure in drawn)
    assert any(t("untrained") in words(figure) for figure in drawn)
    assert r"0.9\cdot 2^2" in app.latex[0].value and not app.error
    assert app.button(key="dl_play").disabled  # first a guess


def test_a_set_up_is_worked_out_once_a_redraw(monkeypatch):
    resolve, asked = Setup.resolve, []
    monkeypatch.setattr(Setup, "resolve", lambda setup: asked.append(setup) or resolve(setup))
    app = opened(dl_guess="1")
    assert asked == [Setup()] and not app.button(key="dl_play").disabled


def test_play_waits_for_a_guess():
    app = opened()
    app.button_group(key="dl_guess").set_value(1).run()
    assert not app.button(key="dl_play").disabled and app.query_params["dl_guess"] in ("1", ["1"])


def test_presets_put_every_control_into_the_address():
    app = opened(dl_steps="1000", dl_soft="0.2")
    app.button(key="dl_preset_tiny").click().run()
    assert app.select_slider(key="dl_steps").value == 250 and app.selectbox(key="dl_objective").value == "tinybert"
    assert app.selectbox(key="dl_heads").value == 12 and "dl_steps" not in app.query_params
    assert r"A_{g(\ell)}^t" in app.latex[0].value and not app.error
    fresh = opened(dl_objective="tinybert", dl_width="192", dl_heads="12")
    assert fresh.latex[0].value == app.latex[0].value


def test_layer_surgery_hands_over_layers_and_heads(figures):
    app = opened(dl_teacher="kinds-teacher", dl_kept="1-3-5", dl_heads_off="1.4-3.12-10.10")
    assert app.button_group(key="dl_start").value == "layers"
    assert app.button_group(key="dl_layers").value == [0, 2, 4]
    assert T("heads_off", count=2) in text_of(app)
    assert any("3 × 384" in words(figure) for figure in figures(app))
    app.button(key="dl_rule_last").click().run()
    assert app.button_group(key="dl_layers").value == [3, 4, 5]
    app.button_group(key="dl_layers").set_value([1]).run()
    assert app.query_params["dl_kept"] in ("2", ["2"])
    assert any("1 × 384" in words(figure) for figure in figures(app))


@pytest.mark.parametrize(
    ("address", "code", "details"),
    [
        ({"dl_heads": "12"}, "heads_do_not_divide", {"width": 128, "heads": 12}),
        ({"dl_labels": "0"}, "zero_labels", {}),
        ({"dl_objective": "own", "dl_w_soft": "0.0", "dl_w_hard": "0.0"}, "no_objective", {}),
    ],
)
@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_what_cannot_work_is_said_and_cannot_be_started(address, code, details, language):
    app = opened(lang=language, **address)
    assert [error.value for error in app.error] == [lessons.labels("distil", language)(f"errors.{code}", **details)]
    assert "dl_play" not in [button.key for button in app.button]


@pytest.mark.parametrize("value", ["nan", "-1", "<script>alert(1)</script>", "9" * 400, "1e400"])
def test_hostile_addresses_fall_back(value):
    names = (
        "teacher",
        "start",
        "keep",
        "off",
        "depth",
        "width",
        "heads",
        "texts",
        "labels",
        "objective",
        "soft",
        "temp",
    )
    names += (
        "square",
        "direction",
        "steps",
        "seeds",
        "rate",
        "batch",
        "guess",
        "layer_teacher",
        "head_distilled",
        "at",
    )
    app = opened(**{f"dl_{name}": value for name in names})
    assert app.select_slider(key="dl_steps").value == 250 and app.slider(key="dl_seeds").value == 3
    assert r"0.9\cdot 2^2" in app.latex[0].value
    assert not list(app.error)


@pytest.mark.parametrize("text", ["", "  ", "🍅🍅", "茶", "**$x$** `a` <script>alert(1)</script>", "word " * 3000])
def test_odd_sentences_get_an_answer_or_a_sentence(text):
    app = opened()
    app.text_area(key="dl_text").set_value(text).run()
    assert not app.exception
    expected = [] if text.strip() else [T("errors.empty_text")]
    assert [error.value for error in app.error] == expected
    assert app.text_area(key="dl_text").value == text


def test_play_starts_what_is_set_up_and_shows_it(figures):
    address = {
        "dl_depth": "1",
        "dl_width": "48",
        "dl_texts": "250",
        "dl_labels": "50",
        "dl_steps": "20",
        "dl_seeds": "1",
    }
    app = opened(dl_guess="2", dl_batch="8", **address)
    app.button(key="dl_play").click().run()
    app.run()
    name = app.query_params["dl_run"]
    name = name[0] if isinstance(name, list) else name
    run = Run(run_queue().folder / name)
    plan = run.written_plan
    assert plan["training"]["steps"] == 20 and plan["extra"]["prediction"] == 2 and plan["extra"]["page"] == "distil"
    assert plan["arms"]["distilled"]["student"]["width"] == 48 and run.status().owner == LOCAL
    wait(name)
    app.run()
    assert T("runs.states.finished") in app.get("progress")[0].text
    lines, _ = run.metrics()
    found = curves.conclusion(lines, run.written_plan)
    assert f"{found.distilled.mean:.1%}" in [metric.value for metric in app.metric]
    assert [metric.delta for metric in app.metric[1:3]] == [T("one_seed")] * 2  # and no "± 0.0"
    assert any('"name":"Control"' in figure.spec and "soft loss" in figure.spec for figure in figures(app))


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_a_finished_run_concludes_and_can_be_gone_back_through(finished, language):
    app = opened(lang=language, dl_run=finished.name)
    t = lessons.labels("distil", language)
    found = curves.conclusion(finished.metrics()[0], finished.written_plan)
    shown = [metric.value for metric in app.metric]
    assert shown[:3] == [f"{found.teacher:.1%}", f"{found.distilled.mean:.1%}", f"{found.control.mean:.1%}"]
    choices = lessons.quiz("distil", language)["outcome"].choices
    assert choices[3].text in text_of(app) and found.outcome is None  # one seed settles no guess
    assert t("guess_open", guess=choices[3].text) in text_of(app)
    steps = finished.snapshots("distilled")
    assert app.select_slider(key="dl_at").value == steps[-1]
    app.select_slider(key="dl_at").set_value(steps[0]).run()
    look = looks.at_step(finished, TEXT, steps[0])
    assert f"{look.probabilities['teacher'][look.order(1)[0]]:.1%}" in text_of(app)
    assert t("look.same", kind="", p="", step=steps[0], own="", q="").split("**")[0] in text_of(app) or t(
        "look.differs", kind="", p="", step=steps[0], own="", q=""
    ).split("**")[0] in text_of(app)
    assert not app.error


def test_the_report_is_linked_with_the_runs_name(finished):
    app = opened(dl_run=finished.name)
    links = [part.proto for part in app.get("page_link")]
    assert any(finished.name in link.query_string for link in links if hasattr(link, "query_string"))


def test_the_finished_student_is_offered_on_every_page_and_missed_by_none(finished):
    chosen = f"{finished.name}/distilled-0"
    app = open_page("temperature", student=chosen)
    assert app.selectbox(key="student").value == chosen
    assert "1 × 48, 6 steps · distilled-0" in text_of(app.sidebar)
    copy = finished.folder.parent / "away"
    finished.folder.rename(copy)
    try:
        app.run()
        assert not app.exception and app.selectbox(key="student").value == "minilm-student"
    finally:
        copy.rename(finished.folder)


def test_students_of_others_are_not_offered(finished, monkeypatch):
    monkeypatch.setattr("pages.kit.visitor.is_own_machine", lambda: False)
    app = opened(student=f"{finished.name}/distilled-0")
    assert app.selectbox(key="student").value == "minilm-student"
    assert not [name for name in app.selectbox(key="student").options if "distilled-0" in name]


@pytest.mark.parametrize("file", ["run.json", "status.json", "snapshots", "held_out.safetensors"])
def test_a_damaged_run_leaves_a_page_that_works(finished, tmp_path, file):
    copy = finished.folder.parent / f"damaged-{file.partition('.')[0]}"
    shutil.copytree(finished.folder, copy)
    target = copy / file
    shutil.rmtree(target) if target.is_dir() else target.write_text("{")
    app = opened(dl_run=copy.name)
    assert not app.exception
    if file.endswith("json"):
        assert "cannot be read" in app.error[0].value
        assert app.button(key="dl_preset_few")
    shutil.rmtree(copy)


def test_a_run_with_other_students_is_shown_as_far_as_it_can_be(finished):
    copy = finished.folder.parent / "other"
    shutil.copytree(finished.folder, copy)
    plan = json.loads((copy / "run.json").read_text())
    plan["arms"] = {"tinybert": plan["arms"]["distilled"], "minilm": plan["arms"]["control"]}
    (copy / "run.json").write_text(json.dumps(plan))
    app = opened(dl_run="other")
    assert T("other_arms", arms="tinybert, minilm") in text_of(app) and not app.error
    shutil.rmtree(copy)


def test_the_code_on_the_page_opens_the_student(finished, monkeypatch, printed_by):
    app = opened(dl_run=finished.name)
    (block,) = [code.value for code in app.code if "AutoModel" in code.value]
    monkeypatch.chdir(finished.folder / "students")
    assert (
        printed_by(block).strip()
        in json.loads((finished.student_folder("distilled") / "config.json").read_text())["label2id"]
    )
