"""A fresh server and a real Chromium that notes every error and every request that leaves the machine."""

from __future__ import annotations

import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, WebSocket, sync_playwright
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

ROOT = Path(__file__).resolve().parents[2]

STILL = """() => new Promise((resolve) => {
  const still = () => { observer.disconnect(); resolve(); };
  let calm = setTimeout(still, 300);
  const observer = new MutationObserver(() => { clearTimeout(calm); calm = setTimeout(still, 300); });
  observer.observe(document.body, { childList: true, subtree: true });
  setTimeout(still, 5000);
})"""
"""Waits until nothing has come or gone for 300 ms (components draw after the script's end), 5 s at most: a player never rests."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`streamlit run app.py`, as a newcomer starts it, on a port of its own."""

    def __init__(self, log: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = log
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
        command += ["--server.port", self.url.rsplit(":", 1)[1], "--server.address", "127.0.0.1"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdout=log.open("w"), stderr=subprocess.STDOUT, env=dict(os.environ)
        )
        self._wait()

    def _wait(self) -> None:
        for _ in range(600):
            if self._process.poll() is not None:
                break
            try:
                urllib.request.urlopen(self.url + "/_stcore/health", timeout=1)
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"The server did not answer:\n{self.log.read_text()}")

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(20)


@dataclass
class Visitor:
    """A browser tab, with what went wrong in it."""

    page: Page
    server: Server
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    waits_until: float = math.inf
    """Until when the tab waits for the end of a script that it has asked for, by `time.monotonic`."""

    def follow(self, socket: WebSocket) -> None:
        """Notes what the tab and the server say to each other: "not running" stands on a page before its first script too."""

        def sent(payload: bytes | str) -> None:
            message = BackMsg.FromString(payload) if isinstance(payload, bytes) else BackMsg()
            if message.HasField("rerun_script"):
                # One that asks for a fragment that has left the page gets no answer.
                part = message.rerun_script.fragment_id
                self.waits_until = max(self.waits_until, time.monotonic() + 2) if part else math.inf

        def received(payload: bytes | str) -> None:
            if not isinstance(payload, bytes):
                return
            message = ForwardMsg.FromString(payload)
            finished = message.HasField("script_finished")
            if message.HasField("new_session"):
                self.waits_until = math.inf
            elif finished and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                self.waits_until = 0

        socket.on("framesent", sent)
        socket.on("framereceived", received)

    def open(self, path: str = "/") -> Page:
        """Opens a page of the app and waits until it has come to rest."""
        self.page.goto(self.server.url + path)
        return self.rest()

    def rest(self) -> Page:
        """Waits until no script runs any more."""
        self.page.wait_for_timeout(300)
        latest = time.monotonic() + 120
        while time.monotonic() < min(self.waits_until, latest):
            self.page.wait_for_timeout(100)
        assert self.waits_until < latest, "A script did not come to its end."
        self.page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=120_000)
        self.page.wait_for_selector('[data-testid="stSpinner"]', state="detached", timeout=120_000)
        self.page.evaluate(STILL)
        return self.page

    def read_on(self) -> Page:
        """Scrolls to every lab that waits for the reader, until none waits."""
        places = self.page.locator(".distillery-nearby:visible")  # Streamlit may keep one that is done with, hidden
        calm = 0  # between two drawings there may be none for a moment
        for _ in range(80):
            calm = 0 if places.count() else calm + 1
            if calm == 2:
                return self.rest()
            places.evaluate_all("(places) => places[Math.floor(Math.random() * places.length)]?.scrollIntoView()")
            self.page.wait_for_timeout(500)
            self.rest()
        raise AssertionError("A lab never came.")

    def text(self) -> str:
        """All that can be read on the page."""
        return self.page.locator('[data-testid="stMain"]').inner_text()

    def must_be_clean(self) -> None:
        """No exception on the page, no error in the console, no request to another machine."""
        assert self.page.locator('[data-testid="stException"]').count() == 0, self.text()
        assert not self.errors
        assert not self.outside


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("server") / "log.txt")
    yield started
    started.stop()


@pytest.fixture
def fresh_server(tmp_path) -> Iterator[Server]:
    """A server that nobody has visited yet."""
    started = Server(tmp_path / "log.txt")
    yield started
    started.stop()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--disable-background-networking",
                "--host-resolver-rules=MAP lab.example 127.0.0.1",  # this machine, by the name of a server for others
            ],
        )
        yield browser
        browser.close()


def _is_error(message) -> bool:
    """On a deep link Streamlit looks for itself under the page's own path before it finds the root; that 404 is no fault."""
    probe = re.search(r"/[^/]+/_stcore/(health|host-config)$", message.location.get("url", ""))
    return message.type == "error" and not probe


@pytest.fixture
def visit(chromium: Browser):
    """`visit(server, **context)`: a new visitor, in a browser context of its own."""
    contexts = []

    def enter(server: Server, **options) -> Visitor:
        context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        visitor = Visitor(page, server)
        page.on("websocket", visitor.follow)
        page.on("domcontentloaded", lambda: setattr(visitor, "waits_until", math.inf))
        page.on("console", lambda m: visitor.errors.append(m.text) if _is_error(m) else None)
        page.on("pageerror", lambda error: visitor.errors.append(str(error)))

        def sent(request) -> None:
            if not request.url.startswith((server.url, "data:", "blob:")):
                visitor.outside.append(request.url)

        page.on("request", sent)
        return visitor

    yield enter
    for context in contexts:
        context.close()
