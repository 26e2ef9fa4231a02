"""Behind a real nginx on the server's own machine nobody is taken for the one who sits there, however it is set up.

Streamlit itself refuses a page of another name than `Host`; most recipes for nginx have that check switched off, and so has the
server here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import lessons
from core.folders import FOLDER_VARIABLE
from core.practice.progress import Progress
from core.practice.sandbox.sandbox import LEVEL_VARIABLE
from pages.kit.visitor import COOKIE, LOCAL
from tests.browser.conftest import Server, free_port

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
"""Debian puts it where only root looks."""

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: what it passes on stays untested")

SOON, LATER = 30_000, 180_000
"""Milliseconds: for what is seen at once on an idle machine, and for training."""
SMALL = "dl_guess=1&dl_depth=1&dl_width=48&dl_texts=250&dl_labels=100&dl_steps=40&dl_seeds=1&dl_batch=8"
EXERCISE = "scaled_dot_product_attention"
T = lessons.labels("distil", "en")
LEARNER = lessons.labels("interview", "en")
EXERCISES = lessons.labels("exercises", "en")

SITES = {
    "forwarded": """
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $http_host;""",
    "defaults": "",
    "host": """
        proxy_set_header Host $host;""",
    "disguised": """
        proxy_set_header Host localhost:{port};
        proxy_set_header Origin http://localhost:{port};""",
}
"""What nginx is told to send on, besides the two lines that every websocket needs."""

CONFIG = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {sites}
}}
"""

SITE = """
    server {{
        listen 127.0.0.1:{door};
        location / {{
            proxy_pass http://127.0.0.1:{port};
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";{told}
        }}
    }}
"""


@dataclass(frozen=True)
class Door:
    """An address at which a browser finds the app."""

    url: str


@dataclass(frozen=True)
class Lab:
    """A server whose owner has finished a run and learned something."""

    port: int
    data: Path
    run: str

    def door(self, name: str = "localhost", port: int | None = None) -> Door:
        return Door(f"http://{name}:{port or self.port}")

    def owner(self, run: str) -> str:
        return status(self.data / "runs" / run)["owner"]


def status(run: Path) -> dict:
    return json.loads((run / "status.json").read_text())


def play(page: Page, folder: Path) -> str:
    """Starts a small run on an open Distil page, and returns its name when it has come to its end."""
    page.locator(".st-key-dl_play button").first.click(timeout=LATER)
    page.wait_for_url(re.compile("dl_run="), timeout=LATER)
    name = re.search(r"dl_run=([^&]+)", page.url)[1]
    deadline = time.monotonic() + LATER / 1000
    while status(folder / name)["state"] in ("new", "queued", "running"):
        assert time.monotonic() < deadline, "it never came to its end"
        page.wait_for_timeout(200)
    assert status(folder / name)["state"] == "finished"
    return name


@pytest.fixture(scope="module")
def lab(tmp_path_factory, chromium: Browser) -> Iterator[Lab]:
    folder = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(folder / "data"))
        patch.setenv(LEVEL_VARIABLE, "none")  # code runs on one's own machine after consent, elsewhere not at all
        patch.setenv("STREAMLIT_SERVER_ENABLE_CORS", "false")
        patch.setenv("STREAMLIT_SERVER_ENABLE_XSRF_PROTECTION", "false")
        server = Server(folder / "log.txt")
    try:
        port = int(server.url.rsplit(":", 1)[1])
        context = chromium.new_context()
        page = context.new_page()
        page.goto(f"http://localhost:{port}/distil?lang=en&{SMALL}")
        run = play(page, folder / "data" / "runs")
        context.close()
        Progress(folder / "data").add("Ada", "read", "why-scale-by-root-dk", {})
        yield Lab(port, folder / "data", run)
    finally:
        server.stop()


@pytest.fixture(scope="module")
def nginx(lab: Lab, tmp_path_factory) -> Iterator[dict[str, int]]:
    """A real nginx before the server: the port of each of `SITES`."""
    folder = tmp_path_factory.mktemp("nginx")
    doors = {name: free_port() for name in SITES}
    sites = [
        SITE.format(door=doors[name], port=lab.port, told=told.format(port=lab.port)) for name, told in SITES.items()
    ]
    config, log = folder / "nginx.conf", folder / "log.txt"
    config.write_text(CONFIG.format(folder=folder, sites="".join(sites)))
    with log.open("w") as told:
        process = subprocess.Popen([NGINX, "-p", str(folder), "-c", str(config)], stderr=told)
    try:
        for door in doors.values():
            answers(door, process, log)
        yield doors
    finally:
        process.terminate()
        assert process.wait(20) == 0, log.read_text()


def answers(port: int, process: subprocess.Popen, log: Path) -> None:
    """Waits until somebody listens at the port."""
    for _ in range(100):
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def may_run_code(page: Page) -> bool:
    """Whether the page of an exercise lets code run once the reader consents; else it must not ask, and the button is dead."""
    button = page.get_by_role("button", name=EXERCISES("run"))
    if button.is_enabled():  # the sandbox has not tested itself yet: it does as soon as somebody wants to run code
        button.click()
    consent, refused = page.get_by_text(EXERCISES("consent")), page.get_by_text(EXERCISES("read_only")[:60])
    expect(consent.or_(refused).first).to_be_visible(timeout=SOON)
    expect(button).to_be_disabled(timeout=SOON)
    if refused.count():
        return False
    consent.click()
    expect(button).to_be_enabled(timeout=SOON)
    return True


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_without_a_proxy_one_is_the_owner(name, lab, visit):
    assert lab.owner(lab.run) == LOCAL
    visitor = visit(lab.door(name))
    page = visitor.open("/distil?lang=en")
    expect(page.locator(f".st-key-dl_open_{lab.run}")).to_be_visible(timeout=SOON)
    visitor.open(f"/distil?lang=en&dl_run={lab.run}")
    expect(page.get_by_role("button", name=T("runs.delete"))).to_be_visible(timeout=SOON)
    visitor.open("/interview-study?lang=en")
    corner = page.get_by_test_id("stSidebar").get_by_text(LEARNER("learner.corner", name="Ada"))
    expect(corner).to_be_visible(timeout=SOON)
    corner.click()
    expect(page.get_by_text(str(lab.data))).to_be_visible(timeout=SOON)
    visitor.open(f"/exercises?lang=en&ex_open={EXERCISE}")
    assert may_run_code(page)
    visitor.must_be_clean()


@pytest.mark.parametrize(
    ("site", "name"),
    [
        ("forwarded", "lab.example"),
        ("forwarded", "localhost"),
        ("defaults", "lab.example"),
        ("defaults", "localhost"),
        ("host", "lab.example"),
        ("disguised", "lab.example"),
    ],
)
def test_behind_nginx_one_is_a_visitor(site, name, lab, nginx, visit):
    visitor = visit(lab.door(name, nginx[site]))
    page = visitor.open("/distil?lang=en")
    expect(page.locator(".st-key-dl_play")).to_be_visible(timeout=SOON)
    expect(page.locator('[class*="st-key-dl_open_"]')).to_have_count(0)
    assert lab.run not in page.url
    visitor.open(f"/distil?lang=en&dl_run={lab.run}")
    expect(page.get_by_text(T("runs.not_yours"))).to_be_visible(timeout=SOON)
    for wanted in ("resume", "step", "stop", "delete"):
        expect(page.locator(f'[class*="st-key-dl_bar_{lab.run}_{wanted}"]')).to_have_count(0)
    visitor.open("/interview-recall?lang=en")
    expect(page.get_by_text(LEARNER("learner.choose"))).to_be_visible(timeout=SOON)
    page.get_by_test_id("stSidebar").get_by_text(LEARNER("learner.corner_nobody")).click()
    sidebar = page.get_by_test_id("stSidebar")
    expect(sidebar.get_by_label(LEARNER("learner.name"), exact=True)).to_be_visible(timeout=SOON)
    assert not re.search(rf"\bAda\b|{re.escape(str(lab.data))}", page.content())
    visitor.open(f"/exercises?lang=en&ex_open={EXERCISE}")
    assert not may_run_code(page)
    visitor.must_be_clean()


def test_visitors_behind_nginx_have_runs_of_their_own(lab, nginx, visit):
    door = lab.door("lab.example", nginx["defaults"])
    first = visit(door)
    run = play(first.open(f"/distil?lang=en&{SMALL}"), lab.data / "runs")
    first.rest()
    secret = {cookie["name"]: cookie["value"] for cookie in first.page.context.cookies()}[COOKIE]
    assert re.fullmatch("[0-9a-f]{32}", secret) and lab.owner(run) == secret
    first.open("/distil?lang=en")  # a new session, known by what the browser kept
    expect(first.page.locator(f".st-key-dl_open_{run}")).to_be_visible(timeout=SOON)
    expect(first.page.locator(f".st-key-dl_open_{lab.run}")).to_have_count(0)
    for other in (door, lab.door()):
        page = visit(other).open(f"/distil?lang=en&dl_run={run}")
        expect(page.get_by_text(T("runs.not_yours"))).to_be_visible(timeout=SOON)
        expect(page.locator(f'[class*="st-key-dl_bar_{run}_"]')).to_have_count(0)
