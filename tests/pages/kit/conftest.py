"""What the tests of runs on pages share: a queue of the module's own, and a visitor at the server's own machine."""

import pytest

from core.folders import FOLDER_VARIABLE
from core.runs.server import close_run_queue, run_queue


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A run queue of the module's own."""
    with pytest.MonkeyPatch.context() as patch:
        close_run_queue()
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("data")))
        yield run_queue()
        close_run_queue()


@pytest.fixture
def at_home(monkeypatch):
    """Streamlit's test runner has no browser; here it stands for one on the server's own machine."""
    monkeypatch.setattr("pages.kit.visitor.is_own_machine", lambda: True)
