"""Fifty learners at once: raw websocket sessions, no browsers, spread over the pages of the course."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core.course import course
from tests.benchmarks.server import percentile, serve

SESSIONS = 50
RERUNS = 4
PAGES = ("", *(one.slug.replace("_", "-") for one in course() if one.group == "course"))


@dataclass
class Seen:
    """What the server has told one learner's browser: the page's labs, and the places of those that are not drawn yet."""

    labs: list[str] = field(default_factory=list)
    waiting: dict[str, str] = field(default_factory=dict)


async def run_script(socket, page: str, seen: Seen, lab: str = "") -> float:
    """Asks for a run of the page, or of one lab on it, and returns the seconds until it has finished.

    Args:
        seen: receives the labs (Streamlit's fragments) that the server names.
        lab: one of them: drawn, if it was still waiting for the learner to come near, else run as when its slider is moved.
    """
    message = BackMsg()
    message.rerun_script.page_name = page
    message.rerun_script.fragment_id = lab
    if place := seen.waiting.pop(lab, ""):
        state = message.rerun_script.widget_states.widgets.add()
        state.id = f"$$STREAMLIT_INTERNAL_KEY_{place}__events"
        state.json_trigger_value = json.dumps([{"event": "near", "value": True}])
    started = time.perf_counter()
    await socket.send(message.SerializeToString())
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(await asyncio.wait_for(socket.recv(), 120))
        part = answer.delta.fragment_id
        if part and part not in seen.labs:
            seen.labs.append(part)
        component = answer.delta.new_element.bidi_component
        if component.component_name == "distillery.nearby":
            seen.waiting[part] = component.id
        if answer.WhichOneof("type") == "script_finished":
            return time.perf_counter() - started


async def learner(port: int, number: int, gate: asyncio.Event, first: list[float], again: list[float]) -> None:
    """One session: opens a page within a second of all the others, then scrolls to its labs and moves their controls."""
    page, seen = PAGES[number % len(PAGES)], Seen()
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None
    ) as socket:
        await gate.wait()
        await asyncio.sleep(number / SESSIONS)
        first.append(await run_script(socket, page, seen))
        if not seen.labs:
            raise RuntimeError(f"The page /{page} came without a lab: something is wrong with it.")
        for move in range(RERUNS):
            await asyncio.sleep(4 + number % 10 / 5)
            again.append(await run_script(socket, page, seen, seen.labs[(number + move // 2) % len(seen.labs)]))


async def crowd(port: int) -> tuple[list[float], list[float]]:
    """All sessions together: seconds of their first loads and of their reruns."""
    gate, first, again = asyncio.Event(), [], []
    learners = [asyncio.create_task(learner(port, number, gate, first, again)) for number in range(SESSIONS)]
    await asyncio.sleep(2)
    gate.set()
    await asyncio.gather(*learners)
    return first, again


async def warm(port: int) -> None:
    """Opens each page once, so that models are loaded and traces of the examples kept, as on any server in use."""
    for page in PAGES:
        async with websockets.connect(
            f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None
        ) as socket:
            await run_script(socket, page, Seen())


def main() -> None:
    """Prints first load, rerun and memory."""
    with serve() as server:
        server.wait()
        asyncio.run(warm(server.port))
        before = server.megabytes()
        first, again = asyncio.run(crowd(server.port))
        print(
            f"{SESSIONS} sessions within a second over {len(PAGES)} pages, {RERUNS} moved controls each, about 5 s apart"
        )
        for name, values in (("first load", first), ("rerun", again)):
            print(f"{name:10}: median {percentile(values, 0.5):.2f} s, p95 {percentile(values, 0.95):.2f} s")
        print(f"memory    : {before:.0f} MB before, {server.megabytes():.0f} MB after")


if __name__ == "__main__":
    main()
