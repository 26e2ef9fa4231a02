"""BertViz's two views must work with the network unplugged, and fail loudly when BertViz changes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import bertviz
import numpy as np
import pytest
import torch

from core.labs.self_attention.bertviz_view import MOST_BYTES, MOST_TOKENS, bertviz_height, bertviz_html, bertviz_limit

VIEWS = ("head", "model")
HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "PYTHON_PARAMS; // HACK: x",
    "مرحبا",
    "世界",
    "🙂",
    '"};',
    "\u2028",
]


def attention(layers: int = 2, heads: int = 3, tokens: int = 8) -> np.ndarray:
    """Random probabilities, `[layer, head, query, key]`."""
    return np.random.default_rng(0).dirichlet(np.ones(tokens), (layers, heads, tokens))


def params(page: str) -> dict:
    """The data that the page's script will read."""
    (found,) = re.findall(r"const params = (\{.*\});", page)
    return json.loads(found)


@pytest.mark.parametrize("view", VIEWS)
def test_page_needs_no_network(view: str) -> None:
    page = bertviz_html(view, attention(), list("abcdefgh"))
    assert not re.search(r"<(script|link|img|iframe)\b[^>]*\b(src|href)=", page)
    assert "cdnjs" not in page and "requirejs" not in page and "require.config" not in page
    assert "(function ($, d3) {" in page and "})(window.jQuery, window.d3);" in page
    assert "https://d3js.org v5.7.0" in page and "jQuery v3.7.1" in page


@pytest.mark.parametrize("view", VIEWS)
def test_data_is_there_once_and_right(view: str) -> None:
    weights = attention()
    page = bertviz_html(view, weights, list("abcdefgh"), layers=[1])
    assert page.count('"attn"') == 1 and "PYTHON_PARAMS" not in page
    data = params(page)
    np.testing.assert_allclose(data["attention"][0]["attn"], weights[[1]].round(4), atol=1e-9)
    assert data["include_layers"] == [1]


@pytest.mark.parametrize("view", VIEWS)
def test_tokens_cannot_leave_the_script(view: str) -> None:
    page = bertviz_html(view, attention(), HOSTILE)
    script = page.split("const params")[1]
    assert script.count("</script") == 1 and script.endswith("</script>\n</body></html>")
    assert "<!--" not in script and "<script" not in script
    data = params(page)
    assert data["attention"][0]["left_text"] == data["attention"][0]["right_text"] == HOSTILE


def test_space_marks_are_removed() -> None:
    assert params(bertviz_html("head", attention(tokens=2), ["Ġking", "▁queen"]))["attention"][0]["left_text"] == [
        " king",
        " queen",
    ]


@pytest.mark.parametrize("view", VIEWS)
def test_torch_and_numpy_give_the_same_data(view: str) -> None:
    weights = attention()
    traced = torch.from_numpy(weights).requires_grad_()
    first, second = (params(bertviz_html(view, each, list("abcdefgh"))) for each in (weights, traced))
    assert first["attention"] == second["attention"]


@pytest.mark.parametrize("layers", [1, 12, 24])
def test_largest_page_allowed_is_small_enough(layers: int) -> None:
    most = bertviz_limit(layers, 12)
    assert most <= MOST_TOKENS
    page = bertviz_html("model", attention(layers, 12, most), ["token"] * most)
    assert len(page.encode()) <= MOST_BYTES
    with pytest.raises(ValueError, match=f"can show {most} tokens"):
        bertviz_html("model", attention(layers, 12, most + 1), ["token"] * (most + 1))


def test_wrong_arguments_say_so() -> None:
    with pytest.raises(ValueError, match="view"):
        bertviz_html("neuron", attention(), list("abcdefgh"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not \\(2, 3, 8, 8\\)"):
        bertviz_html("head", attention(), list("abc"))
    for layers in ([], [2], [-1]):
        with pytest.raises(ValueError, match="layers must name"):
            bertviz_html("head", attention(), list("abcdefgh"), layers=layers)


@pytest.mark.parametrize("marker", ["require.min.js", "require.config(", "requirejs(", "});\n</script>", "// HACK"])
def test_changed_bertviz_fails_loudly(marker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = bertviz.head_view

    def changed(*args: object, **options: object) -> object:
        page = real(*args, **options)
        assert marker in page.data
        page.data = page.data.replace(marker, "something else")
        return page

    monkeypatch.setattr(bertviz, "head_view", changed)
    with pytest.raises(RuntimeError, match=r"BertViz 1\.4\.1"):
        bertviz_html("head", attention(), list("abcdefgh"))


def test_height_grows_with_the_text() -> None:
    for view in VIEWS:
        assert bertviz_height(view, 6, 12, 32) > bertviz_height(view, 6, 12, 8) > 0


def test_vendored_files_have_their_licences() -> None:
    vendor = Path(__file__).resolve().parents[3] / "assets" / "vendor"
    described = (vendor / "README.md").read_text("utf-8")
    for script in vendor.glob("*.js"):
        licence = vendor / script.name.replace(".min.js", ".LICENSE.txt")
        assert licence.is_file() and script.name in described and licence.name in described
