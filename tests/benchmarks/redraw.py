"""From a moved control to the redrawn figure, in a real browser: what a learner feels of a slider."""

from __future__ import annotations

import shutil
import time

from playwright.sync_api import Page, sync_playwright

from tests.benchmarks.server import percentile, serve

MOVES = 40

CONTROLS = {
    "temperature of the soft labels": ("/temperature", "tp_temp"),
    "length of the sinusoids": ("/positional-encoding", "pe_length"),
    "threshold of the attention map": ("/self-attention", "sa_threshold"),
}
"""What is moved: the page and the control's name."""

WATCH = """
() => {
  window.changed = null;
  const seen = (records) => {
    // Streamlit marks elements as stale and fresh again around every run; nothing that a learner sees follows from that.
    const marks = (record) => record.type === "attributes" && ["data-stale", "class"].includes(record.attributeName);
    if (!records.every(marks)) window.changed = performance.now();
  };
  const watch = (root) => new MutationObserver(seen)
    .observe(root, {subtree: true, childList: true, attributes: true, characterData: true});
  const main = document.querySelector('[data-testid="stMain"]');
  watch(main);
  for (const node of main.querySelectorAll("*")) if (node.shadowRoot) watch(node.shadowRoot);
}
"""
"""Notes when anything on the page last changed, inside its components too."""


def move(page: Page, slider, direction: str) -> float:
    """Presses an arrow key once; milliseconds until the page has come to rest again."""
    page.evaluate("() => { window.changed = null; window.pressed = performance.now(); }")
    slider.press(direction)
    rested = 0
    while rested < 3:  # at rest: no script runs and nothing has changed for 120 ms
        time.sleep(0.05)
        running = page.locator('[data-testid="stApp"][data-test-script-state="running"]').count()
        idle = page.evaluate("() => window.changed !== null && performance.now() - window.changed > 120")
        rested = rested + 1 if idle and not running else 0
    return page.evaluate("() => window.changed - window.pressed")


def main() -> None:
    """Prints median and p95 for each control."""
    with serve() as server, sync_playwright() as playwright:
        server.wait()
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
        )
        for name, (path, key) in CONTROLS.items():
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(server.url + path)
            slider = page.locator(f".st-key-{key} input").first
            slider.wait_for(timeout=120_000)
            page.wait_for_timeout(8000)
            page.evaluate(WATCH)
            slider.focus()
            times = [move(page, slider, "ArrowRight" if i % 8 < 4 else "ArrowLeft") for i in range(MOVES)]
            times = times[4:]
            page.close()
            print(f"{name:34} median {percentile(times, 0.5):4.0f} ms, p95 {percentile(times, 0.95):4.0f} ms")
        browser.close()


if __name__ == "__main__":
    main()
