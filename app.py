"""Distillery's server: `streamlit run app.py`.

It answers at once and warms the models up meanwhile, so that the first page does not wait for torch.
"""

import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route

ROOT = Path(__file__).resolve().parent
if str(ROOT) not in sys.path:  # pages import core and lessons from here, wherever the server was started
    sys.path.insert(0, str(ROOT))

from core.engine import ENGINE  # noqa: E402
from core.practice.sandbox import SANDBOX  # noqa: E402
from core.runs.server import close_run_queue  # noqa: E402
from pages.kit.components.plotly_figure import LIBRARY_FILE, LIBRARY_ROUTE  # noqa: E402

A_YEAR = 365 * 24 * 3600
SANDBOX_LATER = 30
"""Seconds after the models are there; the exercises' page starts the sandbox itself if somebody comes sooner."""


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Load libraries and models in the background while the server already answers."""
    # Fifty scripts pass Streamlit's locks from hand to hand, and each hand-over waits for Python's: let it come round sooner.
    sys.setswitchinterval(0.0005)
    threading.Thread(target=_prepare, name="warm-up", daemon=True).start()
    yield
    close_run_queue()
    SANDBOX.close()


def _prepare() -> None:
    """First what every page needs; the sandbox, which attacks itself before it runs anyone's code, lets the first visitors by."""
    ENGINE.warm_up()
    time.sleep(SANDBOX_LATER)
    SANDBOX.start()


def plotly_library(_: Request) -> FileResponse:
    """plotly.js of the installed package; its version is in its address, so a browser may keep it."""
    headers = {"Cache-Control": f"public, max-age={A_YEAR}, immutable"}
    return FileResponse(LIBRARY_FILE, media_type="text/javascript", headers=headers)


app = st.App(ROOT / "pages" / "frame.py", lifespan=lifespan, routes=[Route(LIBRARY_ROUTE, plotly_library)])
