"""What counts as the server's own machine: address, Host, Origin and the page's address, and nothing that tells of a proxy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from streamlit.runtime.context import StreamlitHeaders

from core.visitor import own_machine

ROOT = Path(__file__).resolve().parents[1]
BROWSER = {"Connection": "Upgrade", "Upgrade": "websocket", "User-Agent": "Mozilla/5.0", "Cookie": "a=b"}


def asked(name: str, origin: str | None = None, page: str | None = None) -> tuple[dict[str, str], str]:
    """Headers and page address of a browser that asked for `name`; a proxy may have changed the first two."""
    origin = f"http://{name}" if origin is None else origin
    headers = BROWSER | {"Host": name, "Origin": origin}
    return headers, f"{origin}/distil" if page is None else page


@pytest.mark.parametrize("address", [None, "127.0.0.1", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("name", ["localhost:8501", "localhost", "LocalHost:8501", "127.0.0.1:8501", "[::1]:8501"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_browser_at_the_servers_machine(address, name, scheme):
    """Also through SSH port forwarding, which cannot be told from it."""
    headers, page = asked(name, f"{scheme}://{name}")
    assert own_machine(address, headers, page) is True
    assert own_machine(address, {key.lower(): text for key, text in headers.items()}, page) is True
    assert own_machine(address, StreamlitHeaders(headers.items()), page) is True
    assert own_machine(address, headers, f"{scheme}://{name}/base/path/distil") is True


@pytest.mark.parametrize("address", ["10.0.0.7", "192.168.1.2", "::ffff:10.0.0.7", "fe80::1", "0.0.0.0", "lab", ""])
def test_a_connection_from_elsewhere(address):
    assert own_machine(address, *asked("localhost:8501")) is False


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("X-Forwarded-For", "10.0.0.7"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "lab.example"),
        ("X-Forwarded-Proto", "https"),
        ("X-Real-IP", "127.0.0.1"),
        ("X-Request-Id", "1"),
        ("Forwarded", "for=10.0.0.7"),
        ("Via", "1.1 proxy"),
        ("CDN-Loop", "cdn"),
    ],
)
def test_a_proxy_that_says_so(header, text):
    headers, page = asked("localhost:8501")
    assert own_machine(None, headers | {header: text}, page) is False


@pytest.mark.parametrize(
    ("headers", "page"),
    [
        pytest.param(*asked("lab.example"), id="it leaves Host as it was"),
        pytest.param(*asked("127.0.0.1:8501", "http://lab.example"), id="nginx's default: Host is the upstream's"),
        pytest.param(*asked("localhost:8501", "http://lab.example"), id="the same by another name"),
        pytest.param(*asked("backend", "http://lab.example"), id="the same with a named upstream"),
        pytest.param(*asked("127.0.0.1:8501", "http://localhost:8080"), id="nginx's default, on its own machine"),
        pytest.param(*asked("localhost", "http://localhost:8080"), id="nginx's $host, which has no port"),
        pytest.param(*asked("localhost:8501", page="http://lab.example/"), id="it changes Host and Origin"),
        pytest.param(*asked("localhost:8501", page="http://localhost:8080/"), id="the same, on its own machine"),
        pytest.param(*asked("lab.example", page="http://localhost:8501/"), id="a page that names itself wrongly"),
        pytest.param(*asked("localhost.evil.example:8501"), id="DNS rebinding"),
        pytest.param(*asked("127.0.0.1.evil.example:8501"), id="DNS rebinding, as a number"),
        pytest.param(*asked("localhost:8501", "http://evil.example"), id="another site's page"),
        pytest.param(*asked("localhost:8501", "http://localhost:3000"), id="another local server's page"),
        pytest.param(*asked("localhost:8501", "http://localhost:8501@evil.example"), id="a name as a user's"),
        pytest.param(*asked("localhost:8501", "null"), id="a page without an origin"),
        pytest.param(*asked("localhost:8501", "", "http://localhost:8501/"), id="an empty origin"),
        pytest.param(*asked("localhost:8501", page=""), id="an empty address bar"),
        pytest.param({"Host": "localhost:8501"}, "http://localhost:8501/", id="no Origin: no browser"),
        pytest.param({"Origin": "http://localhost:8501"}, "http://localhost:8501/", id="no Host"),
        pytest.param(asked("localhost:8501")[0], None, id="no address bar: no browser"),
        pytest.param({}, None, id="nothing at all"),
        pytest.param(*asked("[::1"), id="a Host that is none"),
        pytest.param(*asked("localhost:port"), id="a port that is none"),
        pytest.param(*asked("localhost:99999"), id="a port that cannot be"),
    ],
)
def test_somebody_elses_browser(headers, page):
    """None of these proxies adds a header, and each connects from this machine."""
    assert own_machine(None, headers, page) is False
    assert own_machine("127.0.0.1", headers, page) is False


def test_pages_ask_in_one_place():
    asks = re.compile(r"context\.(ip_address|headers|url)|\bown_machine\b")
    files = [*(ROOT / "pages").rglob("*.py"), ROOT / "app.py"]
    assert [path.name for path in files if asks.search(path.read_text(encoding="utf-8"))] == ["visitor.py"]
