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


async def run_script(socket, page: str) -> float:
    """Asks for a run of the script and returns the seconds until it has finished."""
    message = BackMsg()
    message.rerun_script.page_name = page
    started = time.perf_counter()
    await socket.send(message.SerializeToString())
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(await asyncio.wait_for(socket.recv(), 120))
        if answer.WhichOneof("type") == "script_finished":
            return time.perf_counter() - started


async def learner(port: int, number: int, gate: asyncio.Event, first: list[float], again: list[float]) -> None:
    """One session: opens a page together with all the others, then reruns it every few seconds."""
    page = PAGES[number % len(PAGES)]
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/_stcore/stream", subprotocols=["streamlit"], max_size=None
    ) as socket:
        await gate.wait()
        first.append(await run_script(socket, page))
        for _ in range(RERUNS):
            await asyncio.sleep(2 + number % 10 / 5)
            again.append(await run_script(socket, page))


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
            await run_script(socket, page)


def main() -> None:
    """Prints first load, rerun and memory."""
    with serve() as server:
        server.wait()
        asyncio.run(warm(server.port))
        before = server.megabytes()
        first, again = asyncio.run(crowd(server.port))
        print(f"{SESSIONS} sessions at the same moment over {len(PAGES)} pages, {RERUNS} reruns each")
        for name, values in (("first load", first), ("rerun", again)):
            print(f"{name:10}: median {percentile(values, 0.5):.2f} s, p95 {percentile(values, 0.95):.2f} s")
        print(f"memory    : {before:.0f} MB before, {server.megabytes():.0f} MB after")


if __name__ == "__main__":
    main()
