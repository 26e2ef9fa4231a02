"""The prose of the model cards: Jinja templates in the folder `templates`, filled with what was measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
TEMPLATES.filters["fmt"] = format  # {{ 0.125 | fmt(".1%") }}, as in an f-string


def rendered(name: str, **facts: Any) -> str:
    """The card `name` in Markdown, without its front matter.

    Args:
        facts: what the template names.

    Raises:
        jinja2.TemplateNotFound: there is no such card.
        jinja2.UndefinedError: the template names something that is not among the facts.
    """
    return TEMPLATES.get_template(f"{name}.md.jinja").render(facts).strip() + "\n"
