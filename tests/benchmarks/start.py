"""From the command to a page that a newcomer sees, and to the first live figure on it."""

from __future__ import annotations

import shutil
import time

from playwright.sync_api import sync_playwright

from tests.benchmarks.server import serve

PATHS = ("/", "/self-attention", "/positional-encoding")


def main() -> None:
    """Starts a fresh server for each page, with a browser already waiting."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
        )
        for path in PATHS:
            page = browser.new_page()
            with serve() as server:
                server.wait()
                page.goto(server.url + path)
                page.wait_for_selector("h1", timeout=120_000)
                visible = time.perf_counter() - server.started
                page.wait_for_selector(".js-plotly-plot .main-svg, canvas", timeout=120_000)
                live = time.perf_counter() - server.started
            page.close()
            print(f"{path:22} visible after {visible:4.1f} s, live after {live:4.1f} s")
        browser.close()


if __name__ == "__main__":
    main()
