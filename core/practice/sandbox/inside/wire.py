"""Format of the jobs sent into the sandbox and the results that it returns: JSON followed by arrays as npy, never
pickle.

A message is `length of header | header | npy | npy ...`. What comes out was written by a process that ran untrusted code, so
reading checks everything: sizes, number types, depth. Nothing that is read can run.
"""

from __future__ import annotations

import io
import json
import math
import re
import struct
from typing import Any

import numpy as np

ARRAY = "\x00npy"
"""The key that marks an array in the header; no other key may begin like it."""

NUMBER_TYPES = frozenset("bool int8 uint8 int16 int32 int64 float16 float32 float64".split())

LONGEST_HEADER = 2_000_000
LARGEST_MESSAGE = 16_000_000
"""Bytes; a longer message is refused on both sides."""

DEEPEST = 12

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(rb"\{'descr': '([<|][bfiu][1248])', 'fortran_order': False, 'shape': \(([\d, ]{0,200})\), \}\s*")
"""The header that `np.lib.format.write_array_header_1_0` writes for the arrays that are sent."""


class WireError(ValueError):
    """A message that cannot be sent, or one that was not written by `pack`."""


def pack(tree: Any) -> bytes:
    """A tree of None, booleans, numbers, strings, lists, dictionaries and NumPy arrays as bytes.

    Raises:
        WireError: something else is in it, or it is too large.
    """
    blobs: list[bytes] = []
    header = json.dumps({"tree": _plain(tree, blobs, 0), "sizes": list(map(len, blobs))}).encode()
    if len(header) > LONGEST_HEADER or len(header) + sum(map(len, blobs)) > LARGEST_MESSAGE:
        raise WireError("The message is too large.")
    return struct.pack(">I", len(header)) + header + b"".join(blobs)


def _plain(tree: Any, blobs: list[bytes], depth: int) -> Any:
    if depth > DEEPEST:
        raise WireError("The message is nested too deeply.")
    if isinstance(tree, np.ndarray):
        if tree.dtype.name not in NUMBER_TYPES:
            raise WireError(f"Arrays of {tree.dtype} are not sent.")
        buffer = io.BytesIO()
        # An order that NumPy would note as Fortran's is sent as C's: the reader knows one order.
        np.lib.format.write_array_header_1_0(
            buffer, {"descr": tree.dtype.str, "fortran_order": False, "shape": tree.shape}
        )
        blobs.append(buffer.getvalue() + tree.tobytes())
        return {ARRAY: len(blobs) - 1}
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if isinstance(tree, list | tuple):
        return [_plain(part, blobs, depth + 1) for part in tree]
    if isinstance(tree, dict) and all(isinstance(key, str) and not key.startswith(ARRAY) for key in tree):
        return {key: _plain(part, blobs, depth + 1) for key, part in tree.items()}
    raise WireError(f"A {type(tree).__name__} is not sent.")


def unpack(message: bytes) -> Any:
    """The tree that `pack` wrote; its arrays can be read, not changed.

    Raises:
        WireError: the bytes are not such a message.
    """
    try:
        (length,) = struct.unpack_from(">I", message)
        if length > LONGEST_HEADER or len(message) > LARGEST_MESSAGE:
            raise WireError("The message is too large.")
        header = json.loads(message[4 : 4 + length])
        offset, arrays = 4 + length, []
        for size in header["sizes"]:
            if not isinstance(size, int) or not 0 <= size <= len(message) - offset:
                raise WireError("An array ends beyond the message.")
            arrays.append(_array(message[offset : offset + size]))
            offset += size
        return _with_arrays(header["tree"], arrays, 0)
    except WireError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, OverflowError, struct.error) as error:
        raise WireError(f"The message cannot be read: {type(error).__name__}.") from None


def _array(blob: bytes) -> np.ndarray:
    """One npy file as `pack` writes it.

    `np.load` would believe a header that claims any size, evaluates the header as Python, and must be set not to unpickle.
    """
    length = int.from_bytes(blob[8:10], "little")
    form = _HEADER.fullmatch(blob[10 : 10 + length])
    if not blob.startswith(_MAGIC) or not form:
        raise WireError("An array has an unknown form.")
    kind, values = np.dtype(form[1].decode()), blob[10 + length :]
    shape = [int(side) for side in form[2].split(b",") if side.strip()]
    if kind.name not in NUMBER_TYPES or math.prod(shape) * kind.itemsize != len(values):
        raise WireError("An array does not fit its description.")
    return np.frombuffer(values, kind).reshape(shape)


def _with_arrays(tree: Any, arrays: list[np.ndarray], depth: int) -> Any:
    if depth > DEEPEST + 1:
        raise WireError("The message is nested too deeply.")
    if isinstance(tree, list):
        return [_with_arrays(part, arrays, depth + 1) for part in tree]
    if isinstance(tree, dict):
        if ARRAY in tree:
            return arrays[tree[ARRAY]]
        return {key: _with_arrays(part, arrays, depth + 1) for key, part in tree.items()}
    return tree
