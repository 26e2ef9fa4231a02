"""Opening checkpoints: every family, and every way in which a folder can be wrong."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from core.errors import LabError
from core.models import catalog, load
from core.models.families import FAMILIES
from core.models.loading import Shelf


@pytest.mark.parametrize("family", list(FAMILIES))
def test_opens_a_folder_of_every_family(family, family_folder):
    checkpoint = load(family_folder(family), device="cpu")
    assert checkpoint.model.config.model_type == family
    assert not checkpoint.model.training
    assert not any(parameter.requires_grad for parameter in checkpoint.model.parameters())
    assert checkpoint.card.parameters == sum(p.numel() for p in checkpoint.model.parameters())
    assert checkpoint.predicts_words


def test_asking_for_the_hub_changes_nothing_for_a_folder(family_folder):
    """The path of a download, as far as it goes without one: the same checks, the same observed attention."""
    checkpoint = load(family_folder("bert"), device="cpu", hub=True)
    assert checkpoint.model.config._attn_implementation == "observed"


def code_of(name, **options) -> str:
    with pytest.raises(LabError) as error:
        load(name, device="cpu", **options)
    assert str(error.value).endswith(".")
    return error.value.code


def test_missing_and_broken_folders(tmp_path, family_folder, broken_folder):
    assert code_of("no-such-model") == "unknown_model"
    assert code_of(tmp_path / "nothing") == "missing_checkpoint"
    assert code_of("../../nowhere") == "missing_checkpoint"
    assert code_of(broken_folder) == "broken_checkpoint"
    empty = tmp_path / "empty"
    empty.mkdir()
    assert code_of(empty) == "broken_checkpoint"


def test_a_checkpoint_with_missing_weights_is_refused(tmp_path, family_folder):
    """transformers would fill the gap with random numbers and a warning."""
    folder = tmp_path / "gap"
    shutil.copytree(family_folder("bert"), folder)
    weights = load_file(folder / "model.safetensors")
    weights.pop("bert.encoder.layer.1.attention.self.query.weight")
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert code_of(folder) == "broken_checkpoint"


def test_an_unsupported_family_is_named(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5"}))
    assert code_of(tmp_path) == "unknown_family"


def test_pickled_weights_are_never_read(tmp_path, family_folder):
    folder = tmp_path / "pickled"
    shutil.copytree(family_folder("bert"), folder)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    assert code_of(folder) == "broken_checkpoint"


def test_an_encoder_without_head_gets_none(tmp_path, family_folder):
    model = transformers.BertModel.from_pretrained(family_folder("bert"))
    model.save_pretrained(tmp_path)
    transformers.AutoTokenizer.from_pretrained(family_folder("bert")).save_pretrained(tmp_path)
    checkpoint = load(tmp_path, device="cpu")
    assert not checkpoint.predicts_words
    with pytest.raises(LabError) as error:
        checkpoint.read_out(torch.zeros(1, 32))
    assert error.value.code == "no_vocabulary_head"


def test_the_shelf_opens_each_model_once(family_folder):
    shelf = Shelf()
    folder = str(family_folder("bert"))
    assert shelf.get(folder, "cpu") is shelf.get(folder, "cpu")
    assert shelf.get(folder, "cpu") is not shelf.get(folder, "cpu", "bfloat16")


def test_catalog_lists_teachers_first():
    roles = [card.role for card in catalog()]
    assert roles == sorted(roles, reverse=True)
