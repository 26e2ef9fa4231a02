"""Code that a lesson shows, with blanks for what the learner chose.

A blank is written `$name` where Python has an expression; it is filled with a literal, so that whatever a learner types stays a
value and never becomes code:

    Snippet("words", core="print($text.split())").filled(text='He said "$text"').core     # print('He said "$text"'.split())
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from numbers import Integral, Real

_BLANK = re.compile(r"\$([a-z_]+)")
_FUNCTION = re.compile(r"core(\.\w+)+:\w+")


@dataclass(frozen=True)
class Filled:
    """A snippet's code with values in its blanks; see `Snippet` for the fields."""

    plain: str
    core: str
    agree: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Snippet:
    """Code for one result: the textbook's way, this app's way, or both.

    Attributes:
        id: its name on the page.
        plain: a few lines of plain torch and transformers.
        core: the call of this app's own code.
        agree: pairs of expressions, the first over the names of `plain`, the second over those of `core`, with equal values.
        tolerance: the largest difference between such values, absolute or relative.
        function: the function behind the result, as "core.module:name"; "" if there is no single one.
    """

    id: str
    plain: str = ""
    core: str = ""
    agree: tuple[tuple[str, str], ...] = ()
    tolerance: float = 1e-4
    function: str = ""

    def __post_init__(self) -> None:
        if not self.plain and not self.core:
            raise ValueError("it has no code")
        if bool(self.plain and self.core) != bool(self.agree):
            raise ValueError("'agree' is for two ways to one result, and they need it")
        if self.function and not _FUNCTION.fullmatch(self.function):
            raise ValueError(f"{self.function!r} does not have the form 'core.module:name'")
        for code in self._codes:
            names = _BLANK.findall(code)
            tree = ast.parse(_BLANK.sub(r"_blank_\1", code))
            found = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id.startswith("_blank_")]
            if len(found) != len(names):
                raise ValueError("a blank inside a string or a comment would not be filled with a value")

    @property
    def _codes(self) -> list[str]:
        return [self.plain, self.core, *(code for pair in self.agree for code in pair)]

    @cached_property
    def blanks(self) -> frozenset[str]:
        """The names of its blanks."""
        return frozenset(name for code in self._codes for name in _BLANK.findall(code))

    def filled(self, **blanks: object) -> Filled:
        """The code with a literal in the place of each blank.

        Raises:
            KeyError: a blank is missing, or there is no such blank.
            TypeError: a value has no literal, see `literal`.
        """
        if blanks.keys() != self.blanks:
            raise KeyError(f"The snippet {self.id!r} has the blanks {sorted(self.blanks)}, not {sorted(blanks)}.")
        literals = {name: literal(value) for name, value in blanks.items()}

        def fill(code: str) -> str:
            return _BLANK.sub(lambda blank: literals[blank[1]], code)

        return Filled(fill(self.plain), fill(self.core), tuple((fill(one), fill(other)) for one, other in self.agree))


def literal(value: object) -> str:
    """A value as Python writes it: text, numbers, None, and tuples, lists and dicts of them.

    Raises:
        TypeError: it is something else.
    """
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):
        return str.__repr__(value)  # also of an enumeration's member
    if isinstance(value, Integral):
        return repr(int(value))
    if isinstance(value, Real):
        number = float(value)
        return repr(number) if math.isfinite(number) else f"float({str(number)!r})"
    if isinstance(value, tuple):
        return f"({literal(value[0])},)" if len(value) == 1 else f"({', '.join(map(literal, value))})"
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{literal(key)}: {literal(inner)}' for key, inner in value.items())}}}"
    raise TypeError(f"A {type(value).__name__} has no literal.")
