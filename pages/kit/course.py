"""Where the page of a slug is."""

from __future__ import annotations


def script(slug: str) -> str:
    """The script of a page, as `st.Page` and `st.page_link` take it."""
    if slug == "home":
        return "home.py"
    folder, _, name = slug.partition("_")
    return f"interview/{name}.py" if folder == "interview" else f"{slug}/page.py"
