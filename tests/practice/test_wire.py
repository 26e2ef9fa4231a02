"""What goes in comes out, and what was not written by `pack` is refused."""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.practice.sandbox.inside import wire

LEAVES = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=8)
KEYS = st.text(max_size=5).filter(lambda key: not key.startswith(wire.ARRAY))
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)


@settings(max_examples=60, deadline=None)
@given(TREES)
def test_trees_come_back(tree):
    assert wire.unpack(wire.pack(tree)) == tree


@pytest.mark.parametrize("kind", sorted(wire.NUMBER_TYPES))
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 0, 4)])
def test_arrays_come_back(kind, shape):
    array = (np.arange(np.prod(shape)) * 3 % 7).reshape(shape).astype(kind)
    back = wire.unpack(wire.pack({"a": [array, array.T]}))["a"]
    assert back[0].dtype == array.dtype and np.array_equal(back[0], array) and np.array_equal(back[1], array.T)


def test_nan_and_infinity_come_back():
    array = np.array([np.nan, np.inf, -np.inf])
    assert np.array_equal(wire.unpack(wire.pack(array)), array, equal_nan=True)


@pytest.mark.parametrize(
    "value", [object(), {1: 2}, np.array([object()]), np.array(["a"]), {wire.ARRAY: 0}, b"bytes", 1j]
)
def test_what_cannot_be_sent_is_refused(value):
    with pytest.raises(wire.WireError):
        wire.pack(value)


def message(tree: object, blobs: list[bytes], sizes: list[int] | None = None) -> bytes:
    header = json.dumps({"tree": tree, "sizes": [len(blob) for blob in blobs] if sizes is None else sizes}).encode()
    return struct.pack(">I", len(header)) + header + b"".join(blobs)


def npy(shape: tuple, descr: str = "<f4", data: bytes = b"", fortran: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, {"descr": descr, "fortran_order": fortran, "shape": shape})
    return buffer.getvalue() + data


HOSTILE = {
    "nothing": b"",
    "a pickle": pickle.dumps([1, 2]),
    "a header that claims too much": struct.pack(">I", 2**31) + b"{}",
    "no JSON": struct.pack(">I", 2) + b"{x",
    "nested too deeply": struct.pack(">I", 200_000) + b"[" * 100_000 + b"]" * 100_000,
    "deep tree": message([[[[[[[[[[[[[[[1]]]]]]]]]]]]]]], []),
    "no such array": message({wire.ARRAY: 3}, []),
    "a shape that claims a terabyte": message({wire.ARRAY: 0}, [npy((10**12,))]),
    "a shape that overflows": message({wire.ARRAY: 0}, [npy((2**62, 4))]),
    "a negative side": message({wire.ARRAY: 0}, [npy((-1,), data=bytes(4))]),
    "objects": message({wire.ARRAY: 0}, [npy((1,), "|O", pickle.dumps(1))]),
    "text": message({wire.ARRAY: 0}, [npy((1,), "<U4", bytes(16))]),
    "Fortran's order": message({wire.ARRAY: 0}, [npy((2, 2), data=bytes(16), fortran=True)]),
    "no npy": message({wire.ARRAY: 0}, [b"\x93NUMPX\x01\x00"]),
    "an array beyond the end": message({wire.ARRAY: 0}, [npy((1,), data=bytes(4))], [10_000]),
    "a size that is no number": message({wire.ARRAY: 0}, [npy((1,), data=bytes(4))], ["4"]),
    "a huge number": struct.pack(">I", 10_011) + b'{"tree": ' + b"9" * 10_000 + b"}}",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_messages_are_refused(name):
    with pytest.raises(wire.WireError):
        wire.unpack(HOSTILE[name])


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 150))
def test_damaged_messages_never_do_more_than_fail(noise, place):
    whole = wire.pack({"a": np.arange(4), "b": [1, "x"]})
    damaged = whole[:place] + noise + whole[place + len(noise) :]
    with contextlib.suppress(wire.WireError):
        wire.unpack(damaged)
