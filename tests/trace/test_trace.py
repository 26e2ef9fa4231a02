"""A trace equals the model, for every family, and each intervention changes what it should and nothing else."""

from __future__ import annotations

import threading

import pytest
import torch
import transformers

from core.engine import TOLERANCE
from core.errors import LabError
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
    observing,
    trace,
)
from core.trace.observe import observed_attention

FAMILY_NAMES = list(FAMILIES)
TEXT = "the king rules a land, the queen sings"
PAIR = "what is the capital of france?"


def eager(folder):
    """The same checkpoint as transformers alone runs it."""
    config = transformers.AutoConfig.from_pretrained(folder)
    cls = getattr(transformers, config.architectures[0])
    return cls.from_pretrained(folder, attn_implementation="eager").eval()


def inputs_of(checkpoint, *texts, **options):
    pairs = getattr(checkpoint.model.config, "type_vocab_size", 0) > 1
    return checkpoint.tokenizer(*texts, return_tensors="pt", return_token_type_ids=pairs, **options)


@pytest.mark.parametrize("family", FAMILY_NAMES)
@pytest.mark.parametrize("pair", [None, PAIR])
@torch.no_grad()
def test_equals_eager_exactly(family, pair, tiny, family_folder):
    ours = trace(tiny(family), TEXT, pair)
    inputs = inputs_of(tiny(family), TEXT, *([pair] if pair else []))
    theirs = eager(family_folder(family))(**inputs, output_attentions=True, output_hidden_states=True)
    assert torch.equal(ours.probabilities, torch.stack(theirs.attentions)[:, 0])
    assert torch.equal(ours.hidden, torch.stack(theirs.hidden_states)[:, 0])
    assert torch.equal(ours.logits, theirs.logits[0])
    assert ours.check() < 1e-5


@pytest.mark.parametrize("family", FAMILY_NAMES)
@torch.no_grad()
def test_padded_batch_equals_eager(family, tiny, family_folder):
    checkpoint = tiny(family)
    inputs = inputs_of(checkpoint, [TEXT, "cats"], padding=True)
    with observing() as seen:
        ours = checkpoint.model(**inputs).logits
    theirs = eager(family_folder(family))(**inputs, output_attentions=True)
    real = inputs["attention_mask"].bool()
    assert torch.equal(ours[real], theirs.logits[real])
    for record, attention in zip(seen.attention, theirs.attentions, strict=True):
        assert torch.equal(record.probabilities[0], attention[0])
        rows = real[1]
        assert torch.equal(record.probabilities[1][:, rows], attention[1][:, rows])
        assert record.probabilities[1][:, rows][:, :, ~rows].max() < 1e-6


@pytest.mark.parametrize("family", FAMILY_NAMES)
@torch.no_grad()
def test_unobserved_forward_is_the_same_model(family, tiny, family_folder):
    inputs = inputs_of(tiny(family), [TEXT, "cats"], padding=True)
    real = inputs["attention_mask"].bool()
    fused = tiny(family).model(**inputs).logits
    assert torch.allclose(fused[real], eager(family_folder(family))(**inputs).logits[real], atol=1e-4)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_parts_are_recorded(family, tiny):
    checkpoint = tiny(family)
    found = trace(checkpoint, TEXT)
    positions = found.hidden.shape[1]
    assert found.embeddings.word is not None
    assert all(layer.attention_output is not None for layer in found.layers)
    assert len(found.layers) == checkpoint.model.config.num_hidden_layers
    assert found.layers[0].query.shape[:2] == (checkpoint.model.config.num_attention_heads, positions)
    rotary = checkpoint.family.position == "rotary_emb"
    assert (found.embeddings.position is None) == rotary
    assert torch.equal(checkpoint.read_out(found.hidden[-1], is_last=True), found.logits)
    assert found.size_bytes > found.logits.nbytes


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_ablate_head(family, tiny):
    plain, broken = trace(tiny(family), TEXT), trace(tiny(family), TEXT, interventions=[AblateHead(1, 2)])
    assert broken.layers[1].context[2].abs().max() == 0
    others = [0, 1, 3]
    assert torch.equal(plain.layers[1].context[others], broken.layers[1].context[others])
    assert torch.equal(plain.hidden[:2], broken.hidden[:2])
    assert not torch.equal(plain.logits, broken.logits)
    assert broken.check() < 1e-5


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_uniform_attention(family, tiny):
    plain = trace(tiny(family), TEXT)
    broken = trace(tiny(family), TEXT, interventions=[UniformAttention(layer=1, head=0)])
    weights = broken.layers[1].probabilities[0]
    for row in weights:
        used = row[row > 0]
        assert torch.allclose(used, torch.full_like(used, 1 / len(used)))
    if tiny(family).family.causal:
        assert weights.triu(1).abs().max() == 0
    assert torch.equal(plain.layers[1].probabilities[1:], broken.layers[1].probabilities[1:])
    assert torch.equal(plain.layers[0].probabilities, broken.layers[0].probabilities)
    assert not torch.equal(plain.logits, broken.logits)
    assert broken.check() < 1e-5


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_no_scaling(family, tiny):
    plain, broken = trace(tiny(family), TEXT), trace(tiny(family), TEXT, interventions=[NoScaling(layer=1)])
    assert torch.equal(plain.layers[0].scores, broken.layers[0].scores)
    assert torch.allclose(plain.layers[1].scores / plain.layers[1].scale, broken.layers[1].scores, rtol=1e-4, atol=1e-4)
    assert broken.layers[1].scale == 1.0
    assert not torch.equal(plain.layers[1].probabilities, broken.layers[1].probabilities)
    assert broken.check() < 1e-5


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_block_key(family, tiny):
    column = trace(tiny(family), TEXT, interventions=[BlockKey(3)]).probabilities
    assert column[..., 3].max() == 0
    assert torch.allclose(column.sum(-1), torch.ones(()))
    right = trace(tiny(family), TEXT, interventions=[BlockKey(3, only_as_right_context=True)]).probabilities
    assert right[..., :3, 3].max() == 0
    assert right[0, :, 3:, 3].max() > 0


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_left_context_only(family, tiny):
    masked = trace(tiny(family), TEXT, interventions=[LeftContextOnly()])
    assert masked.probabilities.triu(1).abs().max() == 0
    plain = trace(tiny(family), TEXT)
    assert torch.equal(plain.logits, masked.logits) == tiny(family).family.causal


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_positions(family, tiny):
    """Without positions an encoder cannot tell one order of words from another; with them it can."""
    checkpoint = tiny(family)
    plain = trace(checkpoint, TEXT)
    length = len(plain.tokens.ids)
    order = list(range(length))
    order[2], order[5] = 5, 2
    shuffled = trace(checkpoint, TEXT, interventions=[ShuffledPositions(tuple(order))])
    none = trace(checkpoint, TEXT, interventions=[WithoutPositions()])
    assert not torch.allclose(plain.logits, shuffled.logits, atol=1e-3)
    assert not torch.allclose(plain.logits, none.logits, atol=1e-3)
    assert torch.equal(plain.embeddings.word, shuffled.embeddings.word)
    identity = trace(checkpoint, TEXT, interventions=[ShuffledPositions(tuple(range(length)))])
    assert torch.equal(plain.logits, identity.logits)
    if plain.embeddings.position is not None:
        assert torch.equal(shuffled.embeddings.position, plain.embeddings.position[order])
        assert none.embeddings.position.abs().max() == 0


@pytest.mark.parametrize(
    "wrong",
    [AblateHead(9, 0), AblateHead(0, 9), UniformAttention(layer=-1), BlockKey(99), ShuffledPositions((0, 0))],
)
def test_misfitting_intervention_is_refused(wrong, tiny):
    with pytest.raises(LabError) as error:
        trace(tiny("bert"), TEXT, interventions=[wrong])
    assert error.value.code == "bad_intervention"


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x00\x01\u200b"])
def test_empty_text(text, tiny):
    with pytest.raises(LabError) as error:
        trace(tiny("bert"), text)
    assert error.value.code == "empty_text"


def test_long_and_foreign_text(tiny):
    long = trace(tiny("bert"), "the king " * 5000)
    assert long.facts.truncated and long.tokens.total == 10002
    assert len(long.tokens.ids) == 64  # the tiny model has no more positions
    foreign = trace(tiny("bert"), "国王 👑 <script>alert(1)</script>")
    assert foreign.tokens.unknown > 2
    assert foreign.check() < 1e-5


def test_check_notices_a_wrong_number(tiny):
    found = trace(tiny("bert"), TEXT)
    found.layers[1].context[0, 0, 0] += 0.5
    assert found.check() > 0.05


def test_threads_do_not_mix(tiny):
    """Eight threads with different interventions share a model, many times over."""
    checkpoint = tiny("bert")
    jobs = [(), *([AblateHead(layer, head)] for layer in (0, 2) for head in (0, 1)), [NoScaling()], [LeftContextOnly()]]
    jobs.append([WithoutPositions()])
    expected = [trace(checkpoint, TEXT, interventions=job).logits for job in jobs]
    wrong: list[int] = []
    start = threading.Barrier(len(jobs))

    def work(number: int) -> None:
        start.wait()
        for _ in range(20):
            if not torch.equal(trace(checkpoint, TEXT, interventions=jobs[number]).logits, expected[number]):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert len({tuple(logits.flatten().tolist()) for logits in expected}) == len(jobs)


def test_observation_does_not_leak(tiny):
    with pytest.raises(RuntimeError), observing() as seen:
        raise RuntimeError
    tiny("bert").model(**inputs_of(tiny("bert"), TEXT))
    assert seen.attention == []


@pytest.mark.parametrize("precision", [torch.bfloat16, torch.float16])
def test_the_weights_of_a_fully_masked_row_sum_to_one_under_autocast_too(precision):
    """float32's smallest number must not become −∞ on its way into the fused attention: zeros or NaN would come of it."""
    query, key, value = torch.randn(3, 1, 2, 4, 8, generator=torch.Generator().manual_seed(0))
    value[..., 0] = 1
    mask = torch.zeros(1, 1, 4, 4)
    mask[..., 2:, :] = torch.finfo(torch.float32).min
    for given in (query, query.to(precision)):
        with torch.autocast("cpu", precision):
            fused, _ = observed_attention(torch.nn.Module(), given, key.to(given), value.to(given), mask)
        torch.testing.assert_close(fused[..., 0].float(), torch.ones(1, 4, 2), rtol=0.01, atol=0)


def test_half_precision(family_folder):
    half = load(family_folder("bert"), device="cpu", precision="bfloat16")
    found = trace(half, TEXT)
    assert found.facts.dtype == "bfloat16"
    assert 1e-5 < found.check() < TOLERANCE["bfloat16"]
    assert found.logits.dtype == torch.float32
