"""The experiments page: a picture before anything runs, a run through the queue, its conclusion, and the way back to it."""

from __future__ import annotations

import time

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.folders import FOLDER_VARIABLE
from core.labs.experiments import outcome as outcomes
from core.labs.experiments import plans as study
from core.labs.experiments import results
from core.runs.server import close_run_queue, run_queue
from tests.pages.reading import open_page, text_of

TINY = {
    "matching": study.Size(texts=(64,), steps=(3,), labels=32, seeds=(0,), held_out=20),
    "absent": study.Size(texts=(64,), steps=(3,), seeds=(0,), held_out=20),
    "few": study.Size(texts=(20, 64), steps=(3, 3), seeds=(0, 1), held_out=20),
    "steps": study.Size(texts=(64, 64), steps=(3, 4), seeds=(0,), held_out=20),
    "masks": study.Size(texts=(40,), steps=(3,), seeds=(0,), held_out=10),
}


@pytest.fixture(scope="module", autouse=True)
def shop(tmp_path_factory):
    """One run queue for this file, with experiments of a few steps."""
    with pytest.MonkeyPatch.context() as patch:
        close_run_queue()
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("data")))
        patch.setattr(study, "SIZES", TINY)
        patch.setattr("core.labs.experiments.predictions.MEASURED", 60)
        yield
        close_run_queue()


ME, SOMEBODY = "a" * 32, "b" * 32


def show(owner: str = ME, **parameters: str) -> AppTest:
    return open_page("experiments", session={"_owner": owner}, **parameters)


def parameter(app: AppTest, name: str) -> str:
    """What the address holds under a name."""
    value = app.query_params[name]
    return value if isinstance(value, str) else value[0]


def captions(app: AppTest) -> list[str]:
    """The overview: a line under each experiment."""
    return list(app.radio(key="xp_which").proto.captions)


def start(app: AppTest, key: str, guess: int | None = None) -> list[str]:
    """Presses the button; the names of the runs, from the address."""
    if guess is not None:
        app.radio(key=f"xp_guess_{key}").set_value(guess).run()
    app.button(key=f"xp_start_{key}").click().run()
    assert not app.exception and not app.error, text_of(app)
    return parameter(app, f"xp_runs_{key}").split("~")


def wait(names: list[str]) -> None:
    deadline = time.monotonic() + 180
    while any(run_queue().view(name).status.active for name in names) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert {run_queue().view(name).state for name in names} == {"finished"}


@pytest.fixture(scope="module")
def done(shop) -> dict[str, list[str]]:
    """Every experiment, started on the page and finished: the names of its runs."""
    found = {}
    for key in study.KEYS:
        app = show(lang="en", xp_which=key)
        found[key] = start(app, key, guess=0)
        assert app.get("progress") or run_queue().view(found[key][0]).state == "finished"
    for names in found.values():
        wait(names)
    return found


@pytest.mark.parametrize("language", lessons.LANGUAGES)
@pytest.mark.parametrize("key", study.KEYS)
def test_something_is_there_before_anything_runs(key, language, figures):
    app = show(lang=language, xp_which=key)
    t = lessons.labels("experiments", language)
    assert lessons.lesson("experiments", language)[key].body[:20] in text_of(app)
    assert figures(app) and not app.error
    assert lessons.quiz("experiments", language)[key].choices[0].text in app.radio(key=f"xp_guess_{key}").options
    assert app.button(key=f"xp_start_{key}").label in (t("run_it"), t("run_again"))


def test_the_pictures_follow_their_controls(figures):
    app = show(lang="en", xp_which="matching")
    before = figures(app)[0]
    app.select_slider(key="xp_look_temp").set_value(100.0).run()
    assert figures(app)[0].spec != before.spec and "T = 100" in figures(app)[0].alt
    assert parameter(app, "xp_look_temp") == "100.0"
    app = show(lang="en", xp_which="absent", xp_kind="animal")
    assert "**animal**" in text_of(app) and "animal" in figures(app)[0].alt


@pytest.mark.parametrize("key", study.KEYS)
@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_a_link_shows_the_result_once_guessed(done, key, language, figures):
    app = show(lang=language, xp_which=key, **{f"xp_runs_{key}": "~".join(done[key])})
    t = lessons.labels("experiments", language)
    assert t("conclusion") in text_of(app)  # the guess was kept with the runs
    assert app.radio(key=f"xp_guess_{key}").value == 0
    outcome = outcomes.outcome(key, study.opened(key, done[key]))
    assert outcomes.answer(key, outcome) is None  # with so few seeds
    assert lessons.labels("experiments", language)("cannot_tell") in text_of(app) and len(figures(app)) >= 2
    assert not app.error and t("not_yet") not in captions(app)[study.KEYS.index(key)]


def test_the_conclusion_says_what_the_numbers_say(done):
    app = show(lang="en", xp_which="few", xp_runs_few="~".join(done["few"]))
    t = lessons.labels("experiments", "en")
    for one in results.budgets(study.opened("few", done["few"])):
        gain = one.gains["distilled"]
        line = f"**{t('says_few.number', number=one.number)}**"
        assert line in text_of(app) and f"{100 * gain.mean:+.1f} percentage points" in text_of(app)


def test_the_overview_tells_what_was_found_also_without_the_address(done):
    app = show(lang="en", xp_which="masks")
    (found,) = results.masks(study.opened("masks", done["masks"]))
    line = lessons.labels("experiments", "en")(
        "found.masks", least=found.texts, few=found.lead.mean, most=found.texts, many=found.lead.mean
    )
    assert captions(app)[-1] == line
    assert parameter(app, "xp_runs_masks") == "~".join(done["masks"])  # and the address now carries it


def test_again_means_other_seeds_and_another_kind_means_another_run(done):
    app = show(lang="en", xp_which="steps")
    t = lessons.labels("experiments", "en")
    assert app.button(key="xp_start_steps").label == t("run_again") and "seeds 1" in text_of(app)
    app = show(lang="en", xp_which="absent", xp_kind="animal")
    assert app.button(key="xp_start_absent").label == t("run_other")
    names = start(app, "absent")
    wait(names)
    assert run_queue().view(names[0]).plan["extra"]["material"]["left_out"] == ["animal"]
    assert run_queue().view(names[0]).plan["seeds"] == [0]


def test_a_run_of_somebody_else_is_looked_at_and_not_steered(done):
    app = show(SOMEBODY, lang="en", xp_which="few", xp_runs_few="~".join(done["few"]))
    assert app.radio(key="xp_guess_few").value is None  # they are asked for a guess of their own
    assert lessons.labels("experiments", "en")("conclusion") not in text_of(app)
    app.toggle(key="xp_guess_few_skip").set_value(True).run()
    assert lessons.labels("experiments", "en")("conclusion") in text_of(app)
    app = show(SOMEBODY, lang="en")  # and without the link nothing of it is seen
    assert set(captions(app)) == {lessons.labels("experiments", "en")("not_yet")}


@pytest.mark.parametrize(
    "runs",
    ["nothing", "../../../etc/passwd", "a~b~c", "<script>alert(1)</script>", "~", "x" * 900, "$1$~**"],
)
@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_hostile_names_leave_the_page_usable(runs, language):
    app = show(lang=language, xp_which="few", xp_runs_few=runs)
    assert len(app.error) <= 1
    assert app.button(key="xp_start_few").label
    assert "unsafe" not in text_of(app)


def test_hostile_choices_fall_back():
    app = show(xp_which="hack", xp_kind="unicorn", xp_temp="nan", xp_look_temp="1e99", xp_epochs="9999", lang="en")
    assert app.radio(key="xp_which").value == study.KEYS[0] and not app.error
    app = show(xp_which="absent", xp_kind="unicorn", xp_temp="nan", lang="en")
    assert app.selectbox(key="xp_kind").value == study.ABSENT[0] and not app.error


@pytest.mark.parametrize("key", study.KEYS)
def test_the_set_up_fits_the_controls_of_the_page_distil(key):
    app = open_page("distil", **{f"dl_{name}": str(value) for name, value in study.PRESETS[key].items()})
    assert all(app.session_state[f"dl_{name}"] == value for name, value in study.PRESETS[key].items())


def test_runs_of_one_experiment_are_no_runs_of_another(done):
    app = show(lang="en", xp_which="few", xp_runs_few="~".join(done["steps"]))
    assert app.error and done["steps"][0] in app.error[0].value


@pytest.mark.parametrize("key", study.KEYS)
def test_the_code_of_each_look_is_shown(key, snippets_on):
    assert f"look_{key}" in snippets_on(show(lang="en", xp_which=key), "experiments")


def test_the_code_of_a_whole_experiment_runs(done, snippets_on, printed_by):
    app = show(lang="en", xp_which="absent", xp_runs_absent="~".join(done["absent"]))
    if app.radio(key="xp_guess_absent").value is None:
        app.radio(key="xp_guess_absent").set_value(0).run()
    written = snippets_on(app, "experiments")["run"].core
    assert "**{'kind': 'food', 'temperature': 4.0}" in written
    assert "OmittedClass" in printed_by(written.replace("close_run_queue()", ""))


def test_all_runs_of_an_experiment_pause_and_go_on_together(done, monkeypatch):
    long = study.Size(texts=(64, 64), steps=(500, 500), seeds=(0,), held_out=20)
    monkeypatch.setitem(study.SIZES, "steps", long)
    app = show(lang="en", xp_which="steps")
    names = start(app, "steps")
    app.button(key="xp_pause").click().run()
    deadline = time.monotonic() + 60
    while any(run_queue().view(name).status.active for name in names) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert {run_queue().view(name).state for name in names} == {"paused"}
    app.run()
    t = lessons.labels("experiments", "en")
    assert t("not_finished") in text_of(app) and captions(app)[3] == t("unfinished")
    app.button(key="xp_go_on").click().run()
    assert all(run_queue().view(name).status.active for name in names)
    for name in names:
        run_queue().delete(name)
    app = show(lang="en", xp_which="steps", xp_runs_steps="~".join(names))
    assert app.error and app.button(key="xp_start_steps").label  # gone, and the page goes on
