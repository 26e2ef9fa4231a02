"""Traces on the accelerator: the observed attention is the eager one in every precision, and what is broken breaks as on the CPU.

The tolerances are shares of the largest number compared. Observed and eager attention are the same operations in the same order,
so on one device they differ by nothing, unless it chooses another kernel for one of the two; then by a rounding in each layer,
which the layers above enlarge. Between a GPU and a CPU, sums are taken in another order.
"""

from __future__ import annotations

import shutil
import threading

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from core.engine import TOLERANCE, Engine, Setting
from core.models import load
from core.models.families import FAMILIES
from core.trace import (
    AblateHead,
    BlockKey,
    LeftContextOnly,
    NoScaling,
    ShuffledPositions,
    UniformAttention,
    WithoutPositions,
    trace,
)

TEXT, PAIR = "the king rules a land, the queen sings", "what is the capital of france?"
LENGTH = 11
"""Tokens of TEXT."""

OTHER_KERNEL = {"float32": 1e-4, "float16": 2e-2, "bfloat16": 1e-1}
"""Observed against eager: about 1,000 roundings of float32, 20 of float16 (2⁻¹⁰) and 12 of bfloat16 (2⁻⁷)."""

OTHER_DEVICE = 1e-3
"""Accelerator against CPU, both in float32: the tiny models' weights are large, so that layers enlarge a rounding of 1e-7."""

BROKEN = [
    (),
    (AblateHead(1, 2),),
    (UniformAttention(),),
    (UniformAttention(layer=1, head=0),),
    (NoScaling(layer=1),),
    (BlockKey(3),),
    (BlockKey(3, only_as_right_context=True),),
    (LeftContextOnly(),),
    (WithoutPositions(),),
    (ShuffledPositions((0, 5, *range(2, 5), 1, *range(6, LENGTH))),),
    (AblateHead(0, 0), BlockKey(2), WithoutPositions()),
]


def apart(ours, theirs):
    """The largest difference as a share of the largest number."""
    return float((ours - theirs).abs().max() / theirs.abs().max())


CALM = 0.5
"""What the tiny MobileBERT's matrices are multiplied by. Nothing normalises its states, so that its scores would reach 135,168:
float16 ends at 65,504, bfloat16 counts in steps of 1,024 there, and float32 is off by a hundredth."""


@pytest.fixture(scope="session")
def calm_folder(family_folder, tmp_path_factory):
    """`calm_folder(family)`: a tiny checkpoint whose numbers every precision can hold."""
    folders = {}

    def made(family):
        if family != "mobilebert":
            return family_folder(family)
        if family not in folders:
            folders[family] = tmp_path_factory.mktemp("calm") / family
            shutil.copytree(family_folder(family), folders[family])
            file = folders[family] / "model.safetensors"
            weights = {name: tensor * CALM if tensor.ndim > 1 else tensor for name, tensor in load_file(file).items()}
            save_file(weights, file, {"format": "pt"})
        return folders[family]

    return made


def eager(folder, device, precision):
    """The same checkpoint as transformers alone runs it."""
    config = transformers.AutoConfig.from_pretrained(folder)
    kind = getattr(transformers, config.architectures[0])
    made = kind.from_pretrained(folder, attn_implementation="eager", dtype=getattr(torch, precision))
    return made.eval().to(device)


@pytest.mark.parametrize("precision", OTHER_KERNEL)
@pytest.mark.parametrize("family", list(FAMILIES))
@torch.no_grad()
def test_observed_attention_is_the_eager_one(family, precision, calm_folder, accelerator, exact):
    folder = calm_folder(family)
    checkpoint = load(folder, device=accelerator, precision=precision)
    ours = trace(checkpoint, TEXT, PAIR)
    inputs = {"input_ids": ours.tokens.ids[None].to(accelerator)}
    if getattr(checkpoint.model.config, "type_vocab_size", 0) > 1:
        inputs["token_type_ids"] = ours.tokens.segments[None].to(accelerator)
    plain = eager(folder, accelerator, precision)
    theirs = plain(**inputs, output_attentions=True, output_hidden_states=True)
    pairs = {
        "probabilities": (ours.probabilities, torch.stack(theirs.attentions)[:, 0]),
        "hidden": (ours.hidden, torch.stack(theirs.hidden_states)[:, 0]),
        "logits": (ours.logits, theirs.logits[0]),
    }
    for name, (one, other) in pairs.items():
        other = other.to("cpu", torch.float32)
        assert one.isfinite().all() and one.shape == other.shape
        # In half precision the CPU's kernels, too, differ by a last bit with where a tensor lies in memory.
        assert apart(one, other) <= (0.0 if exact and precision == "float32" else OTHER_KERNEL[precision]), name
    assert ours.check() < TOLERANCE[precision]
    assert (ours.facts.device, ours.facts.dtype) == (str(checkpoint.device), precision)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_interventions_break_the_same_on_the_device_and_on_the_cpu(family, calm_folder, accelerator, exact):
    checkpoints = [load(calm_folder(family), device=device) for device in (accelerator, "cpu")]
    for interventions in BROKEN:
        ours, theirs = (trace(checkpoint, TEXT, interventions=interventions) for checkpoint in checkpoints)
        assert len(ours.tokens.ids) == LENGTH
        for name in ("probabilities", "hidden", "logits"):
            difference = apart(getattr(ours, name), getattr(theirs, name))
            assert difference <= (0.0 if exact else OTHER_DEVICE), (interventions, name)
        assert ours.check() < TOLERANCE["float32"]


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_trace_lies_on_the_cpu_and_its_states_can_be_read_out(family, calm_folder, accelerator, exact):
    checkpoint = load(calm_folder(family), device=accelerator)
    found = trace(checkpoint, TEXT)
    parts = [found.logits, found.tokens.ids, *vars(found.embeddings).values()]
    parts += [part for layer in found.layers for part in vars(layer).values()]
    kept = [part for part in parts if isinstance(part, torch.Tensor)]
    assert kept and all(part.device.type == "cpu" for part in kept)
    assert all(part.dtype == torch.float32 for part in kept if part.is_floating_point())
    found.probabilities.numpy()
    assert apart(checkpoint.read_out(found.hidden[-1], is_last=True), found.logits) <= (0.0 if exact else OTHER_DEVICE)


def test_the_engine_keeps_devices_apart(family_folder, accelerator):
    engine, name = Engine(), str(family_folder("bert"))
    here, there = (engine.trace(Setting(name, "", device), name, TEXT) for device in ("cpu", accelerator.type))
    assert apart(there.logits, here.logits) <= OTHER_DEVICE
    lens = engine.logit_lens(Setting(name, "", accelerator.type), name, there, 2)
    assert lens.device.type == "cpu" and apart(lens[-1], there.logits[2]) <= OTHER_DEVICE


def test_eight_threads_tracing_one_model_get_the_same(family_folder, accelerator):
    checkpoint = load(family_folder("bert"), device=accelerator)
    expected = trace(checkpoint, TEXT)
    start, found = threading.Barrier(8), []

    def work() -> None:
        start.wait()
        found.extend(trace(checkpoint, TEXT) for _ in range(5))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 40
    for one in found:
        assert torch.equal(one.logits, expected.logits) and torch.equal(one.probabilities, expected.probabilities)
