"""Distillery's server: `streamlit run app.py`.

It answers at once and warms the models up beside, so that the first page does not wait for torch.
"""

import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import streamlit as st

ROOT = Path(__file__).resolve().parent
if str(ROOT) not in sys.path:  # pages import core and lessons from here, wherever the server was started
    sys.path.insert(0, str(ROOT))

from core.engine import ENGINE  # noqa: E402


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Loads libraries and models in the background while the server already answers."""
    # Fifty scripts pass Streamlit's locks from hand to hand, and each hand-over waits for Python's: let it come round sooner.
    sys.setswitchinterval(0.0005)
    threading.Thread(target=ENGINE.warm_up, name="warm-up", daemon=True).start()
    yield


app = st.App(ROOT / "pages" / "frame.py", lifespan=lifespan)
