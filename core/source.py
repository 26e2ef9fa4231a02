"""Code and folder that a reader needs to run a result again: the source of the function behind it, and a model's files.

source_of("core.theory.temperature:soften")      # 'def soften(logits: Tensor, ...'
weights_of("minilm-teacher")                     # 'assets/models/minilm-teacher'
"""

from __future__ import annotations

import inspect
from functools import cache
from importlib import import_module

from core.models.card import SHIPPED
from core.models.finished import find_card

_ROOT = SHIPPED.parents[1]


@cache
def source_of(function: str) -> str:
    """The source text of a function of `core`, written "core.module:name".

    Raises:
        ValueError: the module is not one of `core`.
        AttributeError: the module has no such function.
    """
    module, _, name = function.partition(":")
    if not module.startswith("core."):
        raise ValueError(f"{module!r} is no module of core.")
    return inspect.getsource(getattr(import_module(module), name))


def weights_of(name: str) -> str:
    """Path for `from_pretrained` if Python starts in this program's folder: a folder, or a name on the Hub."""
    card = find_card(name)
    if card is None:
        return name
    folder = card.folder
    return (folder.relative_to(_ROOT) if folder.is_relative_to(_ROOT) else folder).as_posix()
