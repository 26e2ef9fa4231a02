"""The interview pages as Streamlit runs them: a learner's way through each, kept in a real database, and hostile addresses."""

from __future__ import annotations

import json

import pytest
from streamlit.testing.v1 import AppTest

import lessons
from core.folders import FOLDER_VARIABLE
from core.practice import mock
from core.practice.progress import Progress
from lessons import interview
from lessons.interview.mistakes import mistakes
from tests.pages.reading import open_page, text_of

SLUGS = ["interview_study", "interview_recall", "interview_mock", "interview_mistakes"]
BANK = interview.questions("en")
QUESTION = BANK["why-scale-by-root-dk"]


@pytest.fixture(autouse=True)
def progress(tmp_path, monkeypatch) -> Progress:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "data"))
    return Progress()


def show(slug: str, name: str | None = "Ada", **parameters: str) -> AppTest:
    return open_page(slug, session={"_learner": name} if name else None, **({"lang": "en"} | parameters))


def words(app: AppTest) -> str:
    """The text of a page, with the code on it."""
    return "\n".join([text_of(app), *(block.value for block in app.code)])


def press(app: AppTest, label: str) -> AppTest:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception, [error.value for error in app.exception]
    return app


def labels(slug: str, language: str = "en") -> lessons.Labels:
    return lessons.labels(slug, language)


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_a_page_opens_in_both_languages(slug, language):
    app = show(slug, lang=language)
    assert app.title[0].value == lessons.lesson(slug, language).title
    assert not app.error
    assert any("Ada" in expander.label for expander in app.sidebar.expander)


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("wrong", ["nan", "-1", "../../etc", "<script>alert(1)</script>", "9" * 4000, "", "1e999", "²"])
def test_a_hostile_address_opens_the_default(slug, wrong):
    names = {
        "interview_study": ["is_question", "is_step", "is_rows", "is_topic", "is_level", "is_role", "is_origin"],
        "interview_recall": ["ir_shown", "ir_topics", "ir_new"],
        "interview_mock": ["im_id", "im_at", "im_role", "im_level", "im_count", "im_seed", "im_hint"],
        "interview_mistakes": ["ix_item", "ix_line", "ix_choice_teacher-leaks-into-the-student"],
    }[slug]
    app = show(slug, **dict.fromkeys(names, wrong))
    assert not app.error
    assert app.title[0].value == lessons.lesson(slug, "en").title


# Study


def test_study_lists_filters_and_searches():
    t = labels("interview_study")
    assert t("count", count=len(BANK), total=len(BANK)) in words(show("interview_study"))
    app = show("interview_study", is_topic="attention", is_level="2", is_role="engineer", is_search="softmax")
    fitting = [
        q
        for q in BANK.values()
        if q.topic == "attention" and q.level == 2 and "engineer" in q.roles and q.contains("softmax")
    ]
    assert 0 < len(fitting) < len(BANK)
    assert t("count", count=len(fitting), total=len(BANK)) in words(app)
    shown = [button.label for button in app.button]
    assert all(question.ask in shown for question in fitting[:15])


def test_study_finds_a_documents_number():
    app = show("interview_study", is_origin="000-7")
    fitting = [question.ask for question in BANK.values() if "000-7" in question.origins]
    assert fitting and all(ask in [button.label for button in app.button] for ask in fitting)


def test_study_says_when_nothing_fits_and_how_to_go_on():
    app = show("interview_study", is_search="no such word anywhere")
    assert labels("interview_study")("none") in words(app)
    press(app, labels("interview_study")("clear"))
    assert labels("interview_study")("count", count=len(BANK), total=len(BANK)) in words(app)


def test_study_reveals_step_by_step_and_remembers_what_was_read(progress):
    t = labels("interview_study")
    app = show("interview_study", is_question=QUESTION.id)
    assert QUESTION.ask in words(app) and QUESTION.short not in words(app)
    press(app, t("reveal_short"))
    assert QUESTION.short in words(app) and QUESTION.full not in words(app)
    assert progress.latest("Ada", "read") == {}
    press(app, t("reveal_full"))
    assert QUESTION.full in words(app) and QUESTION.sources[0] in words(app) and QUESTION.show in words(app)
    assert set(progress.latest("Ada", "read")) == {QUESTION.id}
    press(app, t("reveal_follow_ups"))
    assert [f.ask for f in QUESTION.follow_ups] == [e.label for e in app.main.expander]
    press(app, t("reveal_wrong"))
    assert QUESTION.wrong in words(app) and QUESTION.rubric[0] not in words(app)
    press(app, t("reveal_rubric"))
    assert all(point in words(app) for point in QUESTION.rubric)
    press(app, t("hide_all"))
    assert QUESTION.short not in words(app)


def test_study_goes_from_question_to_question_and_back_to_the_list():
    t, ids = labels("interview_study"), list(BANK)
    app = show("interview_study", is_question=ids[0])
    press(app, t("next"))
    assert f"### {BANK[ids[1]].ask}" in words(app)
    press(app, t("back"))
    assert t("count", count=len(BANK), total=len(BANK)) in words(app)


def test_a_lab_link_is_a_page_of_the_app_in_its_state():
    app = show("interview_study", is_question=QUESTION.id, is_step="5")
    links = [link.proto for link in app.get("page_link")]
    found = next(link for link in links if link.page == QUESTION.lab.slug.replace("_", "-"))
    assert QUESTION.lab.parameters[0][0] in found.query_string


@pytest.mark.parametrize("language", lessons.LANGUAGES)
def test_a_lab_link_names_its_section(language):
    question = interview.questions(language)["sop-against-nsp"]
    app = show("interview_study", is_question=question.id, is_step="5", lang=language)
    section = lessons.lesson("mlm_masking", language)["sentences"].title
    found = next(link.proto for link in app.get("page_link") if section in link.proto.label)
    assert found.page == "mlm-masking" and "at=sentences" in found.query_string


# Recall


def test_recall_rates_a_card_and_goes_on(progress):
    t, first = labels("interview_recall"), next(iter(BANK.values()))
    app = show("interview_recall")
    assert first.ask in words(app) and first.short not in words(app)
    press(app, t("show"))
    assert first.short in words(app)
    rating = next(button for button in app.button if button.label.startswith(t("ratings.easy")))
    rating.click().run()
    assert [event.data for event in progress.events("Ada", "review", first.id)] == [{"rating": 4}]
    assert first.ask not in words(app) and list(BANK.values())[1].ask in words(app)
    values = {metric.label: metric.value for metric in app.metric}
    assert values[t("streak")] == "1" and values[t("new")] == "9"
    assert values[t("begun")] == t("begun_of", count=1, total=len(BANK))


def test_a_card_rated_in_another_tab_is_not_counted_twice(progress):
    t, first = labels("interview_recall"), next(iter(BANK))
    app = press(show("interview_recall"), t("show"))
    progress.add("Ada", "review", first, {"rating": 3})  # the other tab
    next(button for button in app.button if button.label.startswith(t("ratings.good"))).click().run()
    assert len(progress.events("Ada", "review", first)) == 1
    assert t("elsewhere") in words(app)


def test_recall_says_when_all_is_done_and_offers_more():
    t = labels("interview_recall")
    app = show("interview_recall", ir_new="0")
    assert t("done") in words(app)
    press(app, t("five_more"))
    assert next(iter(BANK.values())).ask in words(app)


def test_recall_takes_a_topic_only():
    app = show("interview_recall", ir_topics="evaluation")
    first = next(question for question in BANK.values() if question.topic == "evaluation")
    assert first.ask in words(app)


def test_home_says_what_is_due(progress):
    first = next(iter(BANK))
    progress.add("Ada", "review", first, {"rating": 4}, at=1_700_000_000.0)
    app = show("home")
    links = [link.proto.label for link in app.get("page_link")]
    assert f"**{lessons.labels('interview', 'en')('due.one')}**" in links


# Mock


def test_a_mock_interview_from_start_to_report_survives_a_new_session(progress):
    t = labels("interview_mock")
    app = show("interview_mock", im_role="engineer", im_level="2", im_count="3", im_seed="5")
    ids = mock.chosen(BANK.values(), "engineer", 2, 3, 5)
    assert t("plan", count=3, minutes=9) in words(app)
    press(app, t("start"))
    assert BANK[ids[0]].ask in words(app)
    app.text_area[0].set_value("<b>softmax</b> $x$ 注意").run()
    press(app, t("next"))
    assert BANK[ids[1]].ask in words(app)
    (id,) = progress.latest("Ada", "mock")

    again = show("interview_mock", im_id=id)  # as after a crash
    assert again.text_area[0].value == "<b>softmax</b> $x$ 注意"
    press(again, t("to_marking"))
    assert [text.value for text in again.get("text")] == ["<b>softmax</b> $x$ 注意"]
    again.checkbox[0].check().run()
    press(again, t("to_report"))
    possible = sum(len(BANK[id].rubric) for id in ids)
    assert again.metric[0].value == t("score", earned=1, possible=possible)
    assert BANK[ids[1]].rubric[0] in words(again)
    links = [link.proto.query_string for link in again.get("page_link")]
    assert any(f"is_question={ids[1]}" in link for link in links)
    press(again, t("new"))
    assert any(t("score", earned=1, possible=possible) in button.label for button in again.button)


def test_the_hint_says_how_good_it_is(progress):
    t = labels("interview_mock")
    progress.add("Ada", "mock", "m", mock.beginning("engineer", 1, [QUESTION.id], 1_700_000_000.0))
    progress.add("Ada", "mock", "m", mock.answered(QUESTION.id, QUESTION.rubric[0]))
    progress.add("Ada", "mock", "m", mock.moved("mark"))
    app = show("interview_mock", im_id="m", im_hint="1")
    assert lessons.lesson("interview_mock", "en")["hint_both"].body in words(app)
    assert t("hint_found") in app.checkbox[0].label
    assert not app.checkbox[0].value  # a hint ticks nothing
    chinese = show("interview_mock", im_id="m", im_hint="1", lang="zh")
    assert lessons.lesson("interview_mock", "zh")["hint_words"].body in words(chinese)


def test_when_the_time_is_up_nothing_is_taken_away(progress):
    progress.add("Ada", "mock", "m", mock.beginning("engineer", 1, [QUESTION.id], 1_700_000_000.0))
    app = show("interview_mock", im_id="m")
    assert labels("interview_mock")("over") in words(app)
    app.text_area[0].set_value("late").run()
    assert mock.read(progress.events("Ada", "mock", "m"), {QUESTION.id: 5}).answers == {QUESTION.id: "late"}


# Spot the mistake


def test_a_mistake_is_found_explained_and_really_run(progress):
    t = labels("interview_mistakes")
    mistake = mistakes("en")["the-teacher-is-never-used"]
    app = show("interview_mistakes", ix_item=mistake.id, ix_line=str(mistake.wrong + 1))
    assert t("line_found", line=mistake.wrong + 1) in words(app) and mistake.why not in words(app)
    app.main.radio[0].set_value(str(mistake.answer)).run()
    assert mistake.why in words(app) and mistake.fix in words(app)
    assert [event.data for event in progress.events("Ada", "mistake", mistake.id)] == [{"right": True}]
    press(app, t("run"))
    shown = words(app)
    assert "with a teacher: loss" in shown and "with none at all: loss" in shown


def test_a_link_that_holds_an_answer_is_no_answer(progress):
    mistake = next(iter(mistakes("en").values()))
    answered = {f"ix_choice_{mistake.id}": str(mistake.answer)}
    app = show("interview_mistakes", ix_item=mistake.id, ix_line=str(mistake.wrong + 1), **answered)
    assert mistake.why in words(app) and progress.events("Ada", "mistake") == []
    app.main.radio[0].set_value(str((mistake.answer + 1) % 3)).run()  # the explanation was seen
    assert progress.events("Ada", "mistake") == []


def test_a_wrong_line_is_not_counted_as_found(progress):
    mistake = next(iter(mistakes("en").values()))
    app = show("interview_mistakes", ix_item=mistake.id, ix_line="1")
    assert labels("interview_mistakes")("line_missed", line=mistake.wrong + 1) in words(app)
    app.main.radio[0].set_value(str(mistake.answer)).run()
    assert [event.data for event in progress.events("Ada", "mistake")] == [{"right": False}]


# Who learns


def test_without_a_name_a_shared_server_asks_for_one(monkeypatch, progress):
    monkeypatch.setattr("pages.kit.visitor.is_own_machine", lambda: False)
    app = show("interview_recall", name=None)
    t = lessons.labels("interview", "en")
    assert t("learner.choose") in words(app)
    app.text_input(key="_learner_asked").set_value("  Grace ").run()
    assert not app.exception and next(iter(BANK.values())).ask in words(app)
    assert "Grace" not in "".join(app.query_params)  # a copied link must not hand a name on


@pytest.mark.parametrize("own", [True, False])
def test_names_and_their_folder_are_shown_on_ones_own_machine_only(monkeypatch, progress, own):
    monkeypatch.setattr("pages.kit.visitor.is_own_machine", lambda: own)
    for name in ("Ada", "Bob"):
        progress.add(name, "read", QUESTION.id, {})
    app = show("interview_study")
    assert ("Bob" in [button.label for button in app.sidebar.button]) is own
    assert (str(progress.folder) in "".join(caption.value for caption in app.sidebar.caption)) is own
    nameless = show("interview_study", name=None)
    assert (
        "_learner_delete" in [button.key for button in nameless.sidebar.button]
    ) is own  # or one name came by itself


def test_a_bad_name_is_said():
    app = show("interview_study")
    app.text_input(key="_learner_box").set_value("\u200b").run()
    assert "name" in app.sidebar.error[0].value


def test_deletion_takes_one_click(progress):
    progress.add("Ada", "read", QUESTION.id, {})
    progress.add("Bob", "read", QUESTION.id, {})
    app = show("interview_study")
    app.button(key="_learner_delete").click().run()
    assert not app.exception and progress.learners() == ["Bob"]


def test_a_name_with_markdown_in_it_breaks_nothing(progress):
    name = "**$x$** [a](b) `c`"
    progress.add(name, "read", QUESTION.id, {})
    app = show("interview_study", name=name)
    assert json.loads(progress.export(name))["events"]
    assert any("\\*\\*" in expander.label for expander in app.sidebar.expander)


# Lessons and questions


def test_a_lesson_ends_with_its_questions():
    app = show("positional_encoding")
    links = [link.proto for link in app.get("page_link")]
    asked = interview.about("positional_encoding", "en")
    linked = {link.label for link in links if link.page == "interview-study"}
    assert linked == {question.ask for question in asked}
