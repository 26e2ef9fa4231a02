"""What the tests of pages share: a page opened as an address opens it, and what stands on it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streamlit.testing.v1 import AppTest

from pages.kit.course import script

FRAME = str(Path(__file__).resolve().parents[2] / "pages" / "frame.py")


def open_page(slug: str, *, session: Mapping[str, Any] | None = None, seconds: float = 120, **address: str) -> AppTest:
    """The page of this slug at an address: the frame first, as in a browser, then the page. It must open without an exception.

    Args:
        session: what the session holds before anything is drawn.
        seconds: after which one run of the script counts as stuck.
        address: the parameters.
    """
    app = AppTest.from_file(FRAME, default_timeout=seconds)
    for key, value in (session or {}).items():
        app.session_state[key] = value
    for key, value in address.items():
        app.query_params[key] = value
    app.run()
    if slug != "home":
        app.switch_page(script(slug)).run()
    assert not app.exception, [(error.value, error.stack_trace) for error in app.exception]
    return app


def text_of(app: Any) -> str:
    """All prose and formulas on a page, or in a part of it."""
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.error, app.success, app.latex)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def metrics(app: AppTest) -> dict[str, str]:
    """The value of each metric, by its label."""
    return {metric.label: metric.value for metric in app.metric}


def errors(app: AppTest) -> list[str]:
    """What went wrong, in words."""
    return [error.value for error in app.error]


def skips(prefix: str, *questions: str) -> dict[str, bool]:
    """A session in which these guesses are skipped, so that their results are shown."""
    return {f"{prefix}_guess_{question}_skip": True for question in questions}
