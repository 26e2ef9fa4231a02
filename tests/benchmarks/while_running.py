"""How soon pages answer while two runs are going: one at work and one waiting on two cores, both at work on four.

Learners without browsers open the pages of the course and move their controls, as in `sessions`; the owner's page polls the
run all the while. Prints the reruns of both, with and without runs.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from dataclasses import replace

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from core.folders import runs_folder
from core.labs.distil import setup as distil
from core.labs.distil.resolved import ResolvedSetup
from core.runs.datasets import material_of
from core.runs.run import Run
from tests.benchmarks.server import Server, percentile, serve
from tests.benchmarks.sessions import PAGES, Seen, run_script

LEARNERS, RERUNS, PAUSE_SECONDS, POLL_SECONDS = 6, 12, 2.0, 0.7
ENOUGH = 100_000
"""Steps, so that neither run ends before the measurement."""


async def learner(port: int, number: int, found: list[float]) -> None:
    """Opens a page, draws all its labs, and then moves their controls one after the other."""
    page, seen = PAGES[number % len(PAGES)], Seen()
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    async with websockets.connect(address, subprotocols=["streamlit"], max_size=None) as socket:
        await run_script(socket, page, seen)
        for lab in list(seen.labs):
            await run_script(socket, page, seen, lab)
        for move in range(RERUNS):
            await asyncio.sleep(PAUSE_SECONDS)
            found.append(await run_script(socket, page, seen, seen.labs[move % len(seen.labs)]))


async def follower(port: int, name: str, found: list[float], until: asyncio.Event) -> None:
    """Keeps the Distil page open on a run: its part draws itself again and again, as a browser lets it."""
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    async with websockets.connect(address, subprotocols=["streamlit"], max_size=None) as socket:
        part = await _open(socket, name)
        while not until.is_set():
            await asyncio.sleep(POLL_SECONDS)
            found.append(await _rerun(socket, name, part))


async def _open(socket, name: str) -> str:
    """Opens the page; the fragment that polls is the one that the server wants rerun."""
    message = BackMsg()
    message.rerun_script.page_name, message.rerun_script.query_string = "distil", f"dl_run={name}"
    await socket.send(message.SerializeToString())
    part = ""
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(await asyncio.wait_for(socket.recv(), 120))
        part = answer.auto_rerun.fragment_id or part
        if answer.WhichOneof("type") == "script_finished":
            return part


async def _rerun(socket, name: str, part: str) -> float:
    message = BackMsg()
    message.rerun_script.page_name, message.rerun_script.query_string = "distil", f"dl_run={name}"
    message.rerun_script.fragment_id, message.rerun_script.is_auto_rerun = part, True
    started = time.perf_counter()
    await socket.send(message.SerializeToString())
    while True:
        answer = ForwardMsg()
        answer.ParseFromString(await asyncio.wait_for(socket.recv(), 120))
        if answer.WhichOneof("type") == "script_finished":
            return time.perf_counter() - started


async def measured(port: int, run: str | None) -> tuple[list[float], list[float]]:
    """Seconds of the learners' reruns, and of the polls of a run's page."""
    reruns, polls, done = [], [], asyncio.Event()
    following = [asyncio.create_task(follower(port, run, polls, done))] if run else []
    await asyncio.gather(*(learner(port, number, reruns) for number in range(LEARNERS)))
    done.set()
    await asyncio.gather(*following)
    return reruns, polls


def begin_two(server: Server) -> str:
    """Two runs without end in the server's queue; the name of the first.

    The server's own run queue takes up what an interrupted server left only when it is asked to: the page's buttons ask.
    """
    setup = distil.Setup(steps=ENOUGH, seeds=1).resolve()
    names = []
    for number in range(2):
        run = Run.create(runs_folder() / f"bench-{number}", setup.plan(f"bench {number}"), *_texts(setup))
        run.watch("a hot drink made from dried leaves")
        run.write_status(_of_the_visitor(run))
        names.append(run.name)
    asyncio.run(_press(server.port, names))
    return names[0]


def _texts(setup: ResolvedSetup) -> tuple:
    found = material_of(setup.material)
    return found.texts, found.held_out, found.logits, found.held_out_logits


def _of_the_visitor(run: Run):
    return replace(run.status(), state="paused", owner="local")


async def _press(port: int, names: list[str]) -> None:
    """Opens each run's page and presses its first button."""
    for name in names:
        address = f"ws://127.0.0.1:{port}/_stcore/stream"
        async with websockets.connect(address, subprotocols=["streamlit"], max_size=None) as socket:
            message = BackMsg()
            message.rerun_script.page_name, message.rerun_script.query_string = "distil", f"dl_run={name}"
            await socket.send(message.SerializeToString())
            button = ""
            while True:
                answer = ForwardMsg()
                answer.ParseFromString(await asyncio.wait_for(socket.recv(), 120))
                found = answer.delta.new_element.button.id
                button = found if found.endswith(f"bar_{name}_resume") else button
                if answer.WhichOneof("type") == "script_finished":
                    break
            message = BackMsg()
            message.rerun_script.page_name, message.rerun_script.query_string = "distil", f"dl_run={name}"
            state = message.rerun_script.widget_states.widgets.add()
            state.id, state.trigger_value = button, True
            await socket.send(message.SerializeToString())
            while answer.WhichOneof("type") != "new_session":
                answer.ParseFromString(await asyncio.wait_for(socket.recv(), 120))
            while answer.WhichOneof("type") != "script_finished":
                answer.ParseFromString(await asyncio.wait_for(socket.recv(), 120))


def main() -> None:
    """Prints reruns without runs, and with two."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"DISTILLERY_DATA": folder, "DISTILLERY_SANDBOX": "off"}
        with serve() as server:
            server.wait()
            asyncio.run(measured(server.port, None))  # models and figures are remembered from here on
            print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {LEARNERS} learners, {RERUNS} reruns each")
            quiet, _ = asyncio.run(measured(server.port, None))
            first = begin_two(server)
            while not Run(runs_folder() / first).metrics()[0]:
                time.sleep(0.2)
            busy, polls = asyncio.run(measured(server.port, first))
            states = [json.loads(file.read_text())["state"] for file in sorted(runs_folder().glob("*/status.json"))]
            print(f"runs: {', '.join(states)}; {Run(runs_folder() / first).status().per_second:.1f} steps/s")
        for name, values in (("no runs", quiet), ("two runs", busy), ("its page", polls)):
            shown = f"median {1000 * percentile(values, 0.5):.0f} ms, p95 {1000 * percentile(values, 0.95):.0f} ms"
            print(f"{name:9}: {shown}, {len(values)} reruns")


if __name__ == "__main__":
    main()
