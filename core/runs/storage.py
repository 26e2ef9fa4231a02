"""Tensors on disk: texts, checkpoints and snapshots as safetensors with plain JSON files; nothing is pickled.

For example:

    save_texts(texts, file)                                  # ids, labels and masks; load_texts(file) gives them back
    save_state(distiller.state_dict(), folder, {"seed": 0})  # a folder that is whole or not there
    state, facts = load_state(folder)
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from core.distill.inputs.texts import MaskedTexts, TokenizedTexts
from core.errors import LabError
from core.files import write_whole, writing

KINDS = {"TokenizedTexts": TokenizedTexts, "MaskedTexts": MaskedTexts, "Texts": TokenizedTexts}
"""The class of stored texts by the name that is stored with them; older runs say "Texts"."""

BETWEEN = "|"
"""Separator of an arm, a part and a tensor's own name; no name holds it."""


def save_texts(texts: TokenizedTexts, file: Path) -> None:
    """Write texts with their labels.

    Raises:
        LabError: `no_space`.
    """
    tensors: dict[str, Tensor] = {}
    plain: dict[str, Any] = {"kind": type(texts).__name__}
    for part in fields(texts):
        value = getattr(texts, part.name)
        if isinstance(value, Tensor):
            tensors[part.name] = value.contiguous()
        elif value is not None:
            plain[part.name] = value
    write_whole(file, save(tensors, metadata={"plain": json.dumps(plain)}))


def load_texts(file: Path) -> TokenizedTexts:
    """The texts that `save_texts` wrote.

    Raises:
        LabError: `broken_run`.
    """
    try:
        with safe_open(file, "pt") as opened:
            plain = json.loads(opened.metadata()["plain"])
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 (not a dict)
        kind = KINDS[plain.pop("kind")]
        return kind(**plain, **tensors)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        raise LabError("broken_run", name=file.parent.name, reason=f"{file.name}: {error}") from error


def save_tensors(tensors: Mapping[str, Tensor], file: Path) -> None:
    """Write tensors by name; tied ones are written twice rather than tied.

    Raises:
        LabError: `no_space`.
    """
    write_whole(file, save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}))


def save_state(state: Mapping[str, Any], folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the state that `Distiller.state_dict` returned. A process killed meanwhile leaves the folder as it was: absent.

    Args:
        facts: more plain numbers to keep with it.

    Raises:
        LabError: `no_space`.
    """
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    with writing(folder.parent.parent):
        try:
            part.mkdir(parents=True, exist_ok=True)
            arms = state["arms"]
            for arm, groups in arms.items():
                tensors = {
                    f"{group}{BETWEEN}{name}": tensor
                    for group, found in groups.items()
                    for name, tensor in found.items()
                }
                save_tensors(tensors, part / f"{arm}.safetensors")
            plain = {key: value for key, value in state.items() if key != "arms"}
            write_whole(part / "state.json", json.dumps({"state": plain, "arms": list(arms), "facts": dict(facts)}))
            part.replace(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def load_state(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read the files of `save_state`: a state for `Distiller.load_state_dict`, and the facts.

    Raises:
        LabError: `broken_run`.
    """
    try:
        written = json.loads((folder / "state.json").read_text(encoding="utf-8"))
        arms: dict[str, dict[str, dict[str, Tensor]]] = {}
        for arm in written["arms"]:
            groups: dict[str, dict[str, Tensor]] = {"student": {}, "projections": {}, "optimizer": {}, "scaler": {}}
            for full_name, tensor in load_file(folder / f"{arm}.safetensors").items():
                group, _, name = full_name.partition(BETWEEN)
                groups[group][name] = tensor
            arms[arm] = groups
        return {**written["state"], "arms": arms}, written["facts"]
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise LabError("broken_run", name=folder.parent.parent.name, reason=str(error)) from error
