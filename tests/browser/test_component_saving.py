"""The attention map and the grid of heads as files: what the two buttons of each save, in light and in dark."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page

ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"
TOKENS = ["[CLS]", "<script>alert('1')</script>", "مرحبا", "👩‍🚀", 'a&b"\x01', "{key}", "word" * 40]
LONGEST = TOKENS[-1]
FILES = {
    "map": "map-1",
    "scores": "注意力",
    "pictures": "pictures",
    "heavy": "heavy",
    "numbers": "CON-.-x",
}

SCRIPT = """
import numpy as np
import streamlit as st
from pages.kit import components as kit

TOKENS = %r
random = np.random.default_rng(0)
maps = random.dirichlet(np.ones(7), (2, 3, 7))  # [layer, head, query, key]
scores = np.log(maps[0, 1])
scores[0, 1] = -np.inf
numbers = random.normal(size=(2, 3))
numbers[0, 0] = np.nan
texts = {name: f"{name} <&>" for name in (*kit.MAP_LABELS, *kit.GRID_LABELS)}
texts |= {"layer": "L{number}", "head": "H{number}"}
shared = {"color": "#0072B2", "labels": texts}
kit.attention_map(maps[0, 0], TOKENS, TOKENS, key="map 1", alt='map of "<b>"', selected=(1, 2), **shared)
kit.attention_map(
    scores, TOKENS, TOKENS, key="scores", alt="scores", signed=True, show_numbers=False, save_as="../注意力?", **shared
)
kit.head_grid(maps, key="pictures", alt="pictures", **shared)
kit.head_grid(random.random((12, 12, 64, 64)), key="heavy", alt="heavy", **shared)
kit.head_grid(None, values=numbers, key="numbers", alt="numbers", save_as=" CON : . \\t x. ", **shared)
"""


@pytest.fixture(scope="module")
def figures(tmp_path_factory) -> Iterator[SimpleNamespace]:
    """A server with nothing on its page but the components."""
    folder = tmp_path_factory.mktemp("figures")
    script = folder / "figures.py"
    script.write_text(SCRIPT % (TOKENS,), "utf-8")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
    command += ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.fileWatcherType", "none"]
    log = folder / "log.txt"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": str(ROOT)}
        )
    try:
        for _ in range(600):
            assert process.poll() is None, log.read_text()
            try:
                urllib.request.urlopen(url + "/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        yield SimpleNamespace(url=url)
    finally:
        process.terminate()
        process.wait(20)


def part(page: Page, name: str) -> Locator:
    """One component of the page, in the order of the script."""
    root = page.locator(".attention-map, .head-grid").nth(list(FILES).index(name))
    root.get_by_role("button", name="SVG:").wait_for()
    return root


def saved(page: Page, name: str, form: str, folder: Path) -> Path:
    with page.expect_download() as download:
        part(page, name).get_by_role("button", name=f"{form}:").click()
    assert download.value.suggested_filename == f"{FILES[name]}.{form.lower()}"
    path = folder / f"{name}.{form.lower()}"
    download.value.save_as(path)
    return path


def texts_of(root: ElementTree.Element, group: str | None = None) -> list[str]:
    """What is written in a figure, or in one group of it; in full where it was too long to be shown."""
    start = root if group is None else root.find(f".//{SVG}g[@class='{group}']")
    nodes = start.iter(f"{SVG}text")
    return [node.findtext(f"{SVG}title") or "".join(node.itertext()) for node in nodes]


def color_of(css: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", css))


def near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(a - b) <= 2 for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_both_files_of_every_figure(theme, figures, visit, tmp_path):
    visitor = visit(figures, color_scheme=theme)
    page = visitor.open()
    for name in FILES:
        root = ElementTree.parse(saved(page, name, "SVG", tmp_path)).getroot()
        assert root.tag == f"{SVG}svg"
        assert not root.findall(f".//{SVG}script")
        picture = Image.open(saved(page, name, "PNG", tmp_path))
        assert picture.format == "PNG"
        assert picture.size == (2 * int(root.get("width")), 2 * int(root.get("height")))
        colors = picture.convert("RGB")
        background = color_of(root.find(f"{SVG}rect").get("fill"))
        assert near(colors.getpixel((1, 1)), background)
        assert near(colors.getpixel((picture.width - 2, picture.height - 2)), background)
        assert (sum(background) < 200) == (theme == "dark")
        assert len(set(colors.resize((200, 200), Image.Resampling.NEAREST).get_flattened_data())) > 10, (
            "an empty picture"
        )
    visitor.must_be_clean()


def test_a_map_holds_its_tokens_cells_and_scale(figures, visit, tmp_path):
    page = visit(figures).open()
    path = saved(page, "map", "SVG", tmp_path)
    root = ElementTree.parse(path).getroot()
    expected = [token.replace("\x01", "\ufffd") for token in TOKENS]
    assert texts_of(root, "rows") == expected
    assert texts_of(root, "columns") == expected
    assert root.findtext(f"{SVG}title") == 'map of "<b>"'
    assert "<script" not in path.read_text("utf-8")
    shortened = [node for node in root.iter(f"{SVG}text") if node.findtext(f"{SVG}title") == LONGEST]
    assert len(shortened) == 2
    assert all(node[0].tail.endswith("…") and len(node[0].tail) < 60 for node in shortened)
    assert {"query_axis <&>", "key_axis <&>", "scale <&>"} <= set(texts_of(root))
    cells = root.find(f".//{SVG}g[@class='cells']")
    numbers = texts_of(root, "numbers")
    assert len(cells) == len(numbers) == len(TOKENS) ** 2
    assert all(re.fullmatch(r"\d\.\d\d", number) for number in numbers)
    assert float(texts_of(root, "scale")[-1]) == max(float(number) for number in numbers)

    # The picture has the very colours of the vector file.
    picture = Image.open(saved(page, "map", "PNG", tmp_path)).convert("RGB")
    left, top = (float(number) for number in re.findall(r"[\d.]+", cells.get("transform")))
    for cell in cells:
        corner = (int(2 * (left + float(cell.get("x")) + 2)), int(2 * (top + float(cell.get("y")) + 2)))
        assert near(picture.getpixel(corner), color_of(cell.get("fill")))


def test_a_map_without_numbers_has_none_in_its_file(figures, visit, tmp_path):
    root = ElementTree.parse(saved(visit(figures).open(), "scores", "SVG", tmp_path)).getroot()
    assert texts_of(root, "numbers") == []
    assert len(root.find(f".//{SVG}g[@class='cells']")) == len(TOKENS) ** 2
    assert texts_of(root, "scale")[2] == "0.00"


def test_a_grid_names_its_layers_and_heads(figures, visit, tmp_path):
    page = visit(figures).open()
    headings = ["H1", "H2", "H3", "L1", "L2"]
    pictures = ElementTree.parse(saved(page, "pictures", "SVG", tmp_path)).getroot()
    assert texts_of(pictures) == headings
    assert len(pictures.findall(f".//{SVG}g[@class='tile']")) == 6
    assert not pictures.findall(f".//{SVG}image"), "small thumbnails are rectangles"
    numbers = ElementTree.parse(saved(page, "numbers", "SVG", tmp_path)).getroot()
    assert texts_of(numbers)[:6] == [*headings, "–"]
    assert "scale <&>" in texts_of(numbers)


def test_a_heavy_grid_stays_a_light_file(figures, visit, tmp_path):
    path = saved(visit(figures).open(), "heavy", "SVG", tmp_path)
    images = ElementTree.parse(path).getroot().findall(f".//{SVG}image")
    assert len(images) == 144
    assert all(image.get(HREF).startswith("data:image/png;base64,") for image in images)
    assert path.stat().st_size < 1_100_000


def test_the_buttons_wait_for_the_pointer_or_the_keyboard(figures, visit):
    page = visit(figures).open()
    root = part(page, "map")
    handle = root.locator(".save").element_handle()

    def becomes(opacity: str) -> None:
        page.wait_for_function("([node, wanted]) => getComputedStyle(node).opacity === wanted", arg=[handle, opacity])

    page.mouse.move(1, 1)
    becomes("0")
    root.hover()
    becomes("1")
    page.mouse.move(1, 1)
    becomes("0")
    root.locator(".cells").focus()
    page.keyboard.press("Tab")
    becomes("1")
    png, svg = (root.get_by_role("button", name=f'{form}: map of "<b>"', exact=True) for form in ("PNG", "SVG"))
    assert png.evaluate("node => node.getRootNode().activeElement === node")
    page.keyboard.press("Tab")
    assert svg.evaluate("node => node.getRootNode().activeElement === node")
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == "map-1.svg"


def test_the_buttons_stay_on_a_touch_screen(figures, visit):
    page = visit(figures, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).open()
    for name in FILES:
        root = part(page, name)
        assert root.locator(".save").evaluate("node => getComputedStyle(node).opacity") == "1"
        for button in root.locator(".save button").all():
            assert min(button.bounding_box()["width"], button.bounding_box()["height"]) >= 36
    with page.expect_download() as download:
        part(page, "map").get_by_role("button", name="PNG:").tap()
    assert Image.open(download.value.path()).width > 2 * 200
