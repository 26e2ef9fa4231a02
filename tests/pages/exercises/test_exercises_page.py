"""The page of code exercises, in Streamlit's own test runner, on the real sandbox."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

import core.practice.sandbox
import lessons
from core.practice.progress import Progress
from core.practice.sandbox import SANDBOX, Isolation, Sandbox
from lessons.interview import exercises
from tests.pages.reading import open_page, text_of

SLUG = "scaled_dot_product_attention"


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("DISTILLERY_DATA", str(tmp_path))
    return Progress(tmp_path)


@pytest.fixture
def confined():
    if not SANDBOX.start().trusted:
        pytest.skip("this machine confines nothing reliably")


def show(**address: str) -> AppTest:
    return open_page("exercises", session={"_learner": "Ada"}, **address)


def write(at: AppTest, code: str, slug: str = SLUG) -> AppTest:
    """What the editor in the browser sends."""
    at.session_state[f"_ex_editor_{slug}"] = {"code": {"text": code, "revision": 0}}
    return at.run()


def press(at: AppTest, label: str) -> AppTest:
    at = next(button for button in at.button if button.label == label).click().run()
    assert not at.exception
    return at


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_the_list_names_every_exercise(language):
    at = show(lang=language)
    labels = [button.label for button in at.button]
    for slug in exercises.slugs():
        assert exercises.exercise(slug, language).title in labels
    assert lessons.lesson("exercises", language).lead in text_of(at)


def test_filters_leave_what_fits():
    at = show(lang="en", ex_topic="positions")
    labels = [button.label for button in at.button]
    assert "Rotary positions (RoPE)" in labels and "Linear CKA" not in labels
    at = show(lang="en", ex_state="repair")
    assert "The teacher nobody asks" in [button.label for button in at.button]
    assert "Linear CKA" not in [button.label for button in at.button]


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_wrong_code_is_told_why(confined, language):
    t = lessons.labels("exercises", language)
    at = show(lang=language, ex_open=SLUG)
    exercise = exercises.exercise(SLUG, language)
    assert exercise.statement in text_of(at)
    wrong = exercise.solution.replace("query / math.sqrt(query.shape[-1]) @ key", "query @ key")
    at = press(write(at, wrong), t("run"))
    assert at.warning[0].value == exercises.misconceptions(language)["no_scale"]
    assert t("cases.plain") in at.error[0].value and "[" in at.error[0].value
    assert exercise.follow_ups[0].ask not in [expander.label for expander in at.expander]


def test_right_code_passes_shows_the_solution_and_is_kept(confined, data):
    t = lessons.labels("exercises", "en")
    exercise = exercises.exercise(SLUG, "en")
    at = press(write(show(lang="en", ex_open=SLUG), exercise.solution + "# mine\n"), t("run"))
    assert at.success[0].value == t("all_passed", total=8)
    assert exercise.follow_ups[0].ask in [expander.label for expander in at.expander]
    assert exercise.solution.strip() in [code.value for code in at.code]
    assert data.passed("Ada").keys() == {SLUG}
    again = show(lang="en", ex_open=SLUG)  # another visit
    assert again.session_state["_ex_drafts"][SLUG].endswith("# mine\n")
    assert exercise.solution.strip() in [code.value for code in again.code]
    assert t("count", passed=1, total=len(exercises.slugs())) in str(show(lang="en").get("progress")[0].proto)


def test_an_error_names_the_line_and_shows_its_text_as_text(confined):
    t = lessons.labels("exercises", "en")
    code = "def attention(query, key, value, mask=None):\n    raise ValueError('<b>$x$ **y** `z`')\n"
    at = press(write(show(lang="en", ex_open=SLUG), code), t("run"))
    assert t("your_line", line=2) in text_of(at)
    assert "`` <b>$x$ **y** `z` ``" in at.error[0].value  # inside a code span nothing is markup


def test_what_is_typed_is_kept_before_it_runs_and_can_be_put_back(confined, data):
    t = lessons.labels("exercises", "en")
    at = write(show(lang="en", ex_open=SLUG), "# half a thought")
    assert data.draft("Ada", SLUG) == "# half a thought"
    at = press(at, t("start_over"))
    assert at.session_state["_ex_drafts"][SLUG] == exercises.exercise(SLUG, "en").starter


@pytest.mark.parametrize(
    "sent", [None, 3, {"code": 1}, {"code": {"text": 5, "revision": 0}}, {"code": {"text": "x", "revision": "0"}}]
)
def test_whatever_the_editor_sends_the_page_stands(confined, sent):
    at = show(lang="en", ex_open=SLUG)
    at.session_state[f"_ex_editor_{SLUG}"] = sent
    at.run()
    assert not at.exception
    assert at.session_state["_ex_drafts"][SLUG] == exercises.exercise(SLUG, "en").starter


def test_hints_come_one_by_one():
    t = lessons.labels("exercises", "en")
    at, exercise = show(lang="en", ex_open=SLUG), exercises.exercise(SLUG, "en")
    for shown in range(3):
        assert [hint in text_of(at) for hint in exercise.hints] == [place < shown for place in range(3)]
        at = press(at, t("next_hint", number=shown + 1, total=3))
    assert all(hint in text_of(at) for hint in exercise.hints)


@pytest.mark.parametrize("asked", ["nothing", "../../etc", "<script>", "9" * 2000])
def test_an_unknown_exercise_shows_the_list(asked):
    at = show(lang="en", ex_open=asked, ex_level="99", ex_topic="x", ex_state="y")
    assert "Linear CKA" in [button.label for button in at.button]


@pytest.mark.parametrize(("level", "said"), [("none", "read_only"), ("partial", "read_only"), ("off", "switched_off")])
@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_without_isolation_a_shared_server_runs_nothing(monkeypatch, level, said, language):
    """A test runner has no browser at this machine's own name, so it counts as a stranger."""
    unsafe = Sandbox("off")
    unsafe._isolation = Isolation(level)
    monkeypatch.setattr(core.practice.sandbox, "SANDBOX", unsafe)
    t = lessons.labels("exercises", language)
    at = show(lang=language, ex_open=SLUG)
    assert t(said) in text_of(at)
    assert next(button for button in at.button if button.label == t("run")).disabled


def test_on_ones_own_machine_code_runs_after_consent(monkeypatch):
    unsafe = Sandbox("off")
    unsafe._isolation = Isolation("none")
    monkeypatch.setattr(core.practice.sandbox, "SANDBOX", unsafe)
    monkeypatch.setattr("pages.kit.visitor.is_own_machine", lambda: True)
    t = lessons.labels("exercises", "en")
    at = show(lang="en", ex_open=SLUG)

    def run_button():
        return next(button for button in at.button if button.label == t("run"))

    assert run_button().disabled
    assert at.checkbox[0].label == t("consent") and not at.checkbox[0].value
    at.checkbox[0].check().run()
    assert not run_button().disabled
