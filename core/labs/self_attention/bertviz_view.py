"""BertViz's head view and model view as one HTML page that needs no network.

BertViz (Vig 2019, "A Multiscale Visualization of Attention in the Transformer Model") writes a page that loads
require.js, d3 and jQuery from a content network, carries its data twice and writes each weight with seventeen digits.
`bertviz_html` takes the page that BertViz makes and fixes it: the two libraries come from `assets/vendor`, require.js
is gone, and the data appears once with four decimals. The text to replace is searched for exactly, so a new BertViz
fails here with an error, and not as an empty frame in front of a class.
"""

from __future__ import annotations

import contextlib
import functools
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch

View = Literal["head", "model"]

MOST_BYTES = 3_000_000
"""The largest page sent to a browser, libraries included: fifty readers then load 150 MB, not a gigabyte."""

MOST_TOKENS = 48
"""The longest text, however few layers are shown: beyond it BertViz's lines can no longer be distinguished."""

_VENDOR = Path(__file__).resolve().parents[3] / "assets" / "vendor"
_LIBRARIES = ("jquery-3.7.1.min.js", "d3-5.7.0.min.js")
_LIBRARY_BYTES = 330_000
_WEIGHT_BYTES = 8
"""One weight as written, "0.1234,", and a little for the rest of the page."""

_REQUIRE_TAG = re.compile(r'<script src="https?://[^"]*require(?:\.min)?\.js"></script>')
_REQUIRE_CONFIG = re.compile(r"require\.config\(\{.*?\n\}\);", re.DOTALL)
_OPENING = re.compile(r"requirejs\(\['jquery', 'd3'\], function ?\(\$, d3\) \{")
_CLOSING = re.compile(r"\}\);\s*</script>\s*$")
_PARAMS = re.compile(r"const params = (?P<data>\{[^\n]*?\}); // HACK: [^\n]*")
_LOGGING = re.compile(r"console\.log\([^\n;]*\);?")


def bertviz_limit(layers: int, heads: int) -> int:
    """The most tokens that `bertviz_html` accepts for `layers` layers of `heads` heads."""
    room = (MOST_BYTES - _LIBRARY_BYTES) / (_WEIGHT_BYTES * max(1, layers * heads))
    return min(MOST_TOKENS, int(room**0.5))


def bertviz_height(view: View, layers: int, heads: int, tokens: int) -> int:
    """The height in pixels that the view takes, for `st.iframe`; the sizes are BertViz's own."""
    if view == "head":
        return int(22.5 * tokens) + 90
    thumbnails = layers * (84 / heads * tokens + 10) + 38
    detail = 18 * tokens + 55
    return int(max(thumbnails, detail)) + 50


def bertviz_html(
    view: View,
    attention: np.ndarray | torch.Tensor,
    tokens: Sequence[str],
    layers: Sequence[int] | None = None,
    dark: bool = False,
) -> str:
    """The page for `st.iframe`.

    Args:
        view: "head" (lines between two columns of tokens) or "model" (all layers and heads as thumbnails).
        attention: probabilities, `[layer, head, query, key]`.
        tokens: `[position]`; any text is safe.
        layers: the layers to show, from 0; None for all.
        dark: a dark page.

    Raises:
        ValueError: for a text longer than `bertviz_limit`, or arguments that do not fit together.
        RuntimeError: the installed BertViz no longer writes the page that this module can fix.
    """
    if view not in ("head", "model"):
        raise ValueError(f"BertViz has a 'head' and a 'model' view, not {view!r}.")
    weights = torch.as_tensor(attention).detach().to("cpu", torch.float64).nan_to_num()  # [layer, head, query, key]
    if weights.ndim != 4 or weights.shape[2:] != (len(tokens), len(tokens)) or 0 in weights.shape:
        raise ValueError(f"BertViz needs [layer, head, {len(tokens)}, {len(tokens)}], not {tuple(weights.shape)}.")
    shown = list(range(weights.shape[0])) if layers is None else [int(layer) for layer in layers]
    if not shown or not all(0 <= layer < weights.shape[0] for layer in shown):
        raise ValueError(f"layers must name some of 0 to {weights.shape[0] - 1}, not {shown}.")
    most = bertviz_limit(len(shown), weights.shape[1])
    if len(tokens) > most:
        raise ValueError(
            f"BertViz can show {most} tokens for {len(shown)} layers of {weights.shape[1]} heads; this text has "
            f"{len(tokens)}. Shorten the text or show fewer layers."
        )
    page = _mended(_drawn(view, weights.round(decimals=4), shown, dark), tokens)
    return _document(page, view, dark)


def _drawn(view: View, weights: torch.Tensor, layers: list[int], dark: bool) -> str:
    """The page as BertViz writes it, with placeholders for the tokens: a learner's text could look like a marker."""
    # Imported here: BertViz brings IPython along, which no other page needs.
    import bertviz

    tokens = ["token"] * weights.shape[-1]
    batches = [layer[None] for layer in weights]  # one [batch, head, query, key] a layer, as a model returns them
    # Both views print nothing today; an older one did, which would fill a server's log.
    with contextlib.redirect_stdout(io.StringIO()):
        if view == "head":
            page = bertviz.head_view(batches, tokens, include_layers=layers, html_action="return")
        else:
            mode = "dark" if dark else "light"
            page = bertviz.model_view(batches, tokens, include_layers=layers, display_mode=mode, html_action="return")
    return page.data


def _mended(page: str, tokens: Sequence[str]) -> str:
    """BertViz's page without the network: its own libraries, the tokens, its data once and unable to end the script."""
    page = _replaced(_REQUIRE_TAG, "", page, "the require.js tag")
    page = _replaced(_REQUIRE_CONFIG, "", page, "require.config")
    page = _replaced(_OPENING, "(function ($, d3) {", page, "the call of requirejs")
    page = _replaced(_CLOSING, "})(window.jQuery, window.d3);\n</script>\n", page, "the end of the script")
    found = _PARAMS.search(page)
    if found is None:
        raise _changed("the line that holds the data")
    params = json.loads(found["data"])
    for part in params["attention"]:
        part["left_text"] = part["right_text"] = [_plain(token) for token in tokens]
    # Inside a script only "<" can end it ("</script>") or hide its end ("<!--"); in JSON it only occurs in strings.
    data = json.dumps(params, separators=(",", ":")).replace("<", "\\u003c")
    page = page[: found.start()] + f"const params = {data};" + page[found.end() :]
    return _LOGGING.sub("", page)


def _plain(token: str) -> str:
    """A token without the marks that byte-pair and SentencePiece tokenizers put for a space, as BertViz shows it."""
    return str(token).replace("Ġ", " ").replace("▁", " ").replace("</w>", "")


def _replaced(marker: re.Pattern[str], text: str, page: str, what: str) -> str:
    page, count = marker.subn(lambda _: text, page)
    if count != 1:
        raise _changed(what)
    return page


def _changed(what: str) -> RuntimeError:
    return RuntimeError(
        f"This version of BertViz writes a page that Distillery does not know: {what} is not where it was. "
        "Distillery was written for BertViz 1.4.1; adapt core/labs/self_attention/bertviz_view.py or install that version."
    )


@functools.cache
def _libraries() -> str:
    scripts = [(_VENDOR / name).read_text("utf-8") for name in _LIBRARIES]
    return "\n".join(f"<script>{script}</script>" for script in scripts)


def _document(page: str, view: View, dark: bool) -> str:
    """The mended page in a document of its own, on the background of the page around it."""
    scheme, text, pointed = ("dark", "#fafafa", "#3d4454") if dark else ("light", "#31333f", "#d9dce3")
    # BertViz writes black letters, in the model view's dark headings too, and cuts long tokens at the left edge.
    style = (
        f":root{{color-scheme:{scheme}}}body{{margin:0;padding:4px;color:{text};background:none;overflow:auto}}"
        f"svg{{overflow:visible}}svg text{{fill:{text}}}.background{{fill:{pointed}}}select{{font:inherit}}"
        + ("#vis{margin:6px 0 0 32px}" if view == "head" else "")
    )
    return (
        '<!DOCTYPE html><html><head><meta charset="utf-8">'
        f"<title>BertViz: {view} view</title><style>{style}</style>{_libraries()}</head><body>{page}</body></html>"
    )
