"""Fifty learners at once: raw websocket sessions, no browsers, spread over the pages of the course."""

from __future__ import annotations

import asyncio
import time

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.benchmarks.server import percentile, serve

SESSIONS = 50
RERUNS = 4
PAGES = ("", "self-attention", "positional-encoding", "mlm-masking", "temperature", "layer-outputs")


async def run_script(socket, page: str, labs: list[str], lab: str = "") -> float:
    """Asks for a run of the page, or of one lab on it, and returns the seconds until it has finished.

    Args:
        labs: receives the names of the page's labs (Streamlit's fragments), as the server tells them.
        lab: one of them, run as when its slider is moved; the whole page if empty.
    """
    message = BackMsg()
    message.rerun_script.page_name = page
    message.rerun_script.fragment_id = lab
    started = time.perf_counter()
    await socket.send(message.SerializeToString())
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(await asyncio.wait_for(socket.recv(), 120))
        if answer.delta.fragment_id and answer.delta.fragment_id not in labs:
            labs.append(answer.delta.fragment_id)
        if answer.WhichOneof("type") == "script_finished":
            return time.perf_counter() - started


async def learner(port: int, number: int, gate: asyncio.Event, first: list[float], again: list[float]) -> None:
    """One session: opens a page within a second of all the others, then moves a control of its labs every few seconds."""
    page, labs = PAGES[number % len(PAGES)], []
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None
    ) as socket:
        await gate.wait()
        await asyncio.sleep(number / SESSIONS)
        first.append(await run_script(socket, page, labs))
        for move in range(RERUNS):
            await asyncio.sleep(4 + number % 10 / 5)
            again.append(await run_script(socket, page, labs, labs[(number + move) % len(labs)]))


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
            await run_script(socket, page, [])


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
