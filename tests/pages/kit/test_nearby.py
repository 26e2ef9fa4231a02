"""A page opens with its first lab; the others wait until the learner comes near."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.reading import open_page


@pytest.fixture
def opened(monkeypatch) -> AppTest:
    monkeypatch.setattr("pages.kit.components.nearby.WAITS", True)
    return open_page("temperature")


def places(at: AppTest) -> list[str]:
    return [part.proto.id for part in at.get("bidi_component") if part.proto.component_name == "distillery.nearby"]


def test_the_first_lab_is_there_and_the_others_wait(opened, figures):
    assert not opened.exception
    assert len(figures(opened)) == 4
    assert len(places(opened)) >= 4
    assert not opened.select_slider(key="tp_temp").disabled
    with pytest.raises(KeyError):
        opened.select_slider(key="tp_loss_temp")


def test_what_was_near_stays(opened, figures):
    waiting = len(places(opened))
    opened.session_state["_seen"] = {"tp_three_losses"}
    opened.run()
    assert opened.select_slider(key="tp_loss_temp").value == 2
    assert len(places(opened)) == waiting - 1
    assert len(figures(opened)) == 5
