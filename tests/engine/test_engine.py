"""The door for pages: what it keeps, what it limits, and that no session waits for another's trouble."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from core import engine as engine_module
from core.engine import MAX_TOKENS, Engine, Setting, default_setting
from core.errors import LabError
from core.memory import RecentlyUsed, fingerprint, remembered
from core.trace import AblateHead

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def fresh(family_folder):
    """An engine of its own, and a setting whose teacher and student are tiny models."""
    return Engine(slots=1), Setting(str(family_folder("bert")), str(family_folder("distilbert")))


def test_importing_the_door_does_not_import_torch():
    """Else the first page would wait for it."""
    code = "import sys, core.engine, lessons; assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_a_trace_is_kept(fresh):
    engine, setting = fresh
    first = engine.trace(setting, setting.teacher, "the king")
    assert engine.trace(setting, setting.teacher, "the king") is first
    assert engine.trace(setting, setting.teacher, "the queen") is not first
    assert engine.trace(setting, setting.teacher, "the king", interventions=[AblateHead(0, 0)]) is not first
    assert engine.trace(setting, setting.student, "the king") is not first


def test_other_tokens_at_the_same_positions(fresh):
    engine, setting = fresh
    plain = engine.trace(setting, setting.teacher, "the king")
    ids = plain.tokens.ids.tolist()
    ids[1] = engine.checkpoint(setting, setting.teacher).tokenizer.mask_token_id
    masked = engine.trace(setting, setting.teacher, "the king", ids=ids)
    assert masked.tokens.pieces[1] == "[MASK]"
    assert not torch.equal(plain.logits, masked.logits)


def test_the_kept_traces_stay_within_their_bytes(fresh):
    _, setting = fresh
    probe = Engine().trace(setting, setting.teacher, "the king")
    engine = Engine(cache_bytes=3 * probe.size_bytes)
    for word in ("king", "queen", "land", "cats", "dogs", "paris"):
        engine.trace(setting, setting.teacher, f"the {word}")
    assert engine._traces.weight <= 3 * probe.size_bytes
    assert len(engine._traces) == 3


def test_an_error_is_not_kept(fresh):
    engine, setting = fresh
    for _ in range(2):
        with pytest.raises(LabError):
            engine.trace(setting, setting.teacher, "  ")
    assert len(engine._traces) == 0


def test_ten_thousand_words(fresh):
    engine, setting = fresh
    found = engine.trace(setting, setting.teacher, "the king " * 5000)
    assert len(found.tokens.pieces) <= MAX_TOKENS
    assert found.facts.truncated


def test_the_logit_lens_ends_at_the_logits(fresh):
    engine, setting = fresh
    found = engine.trace(setting, setting.teacher, "the king rules")
    lens = engine.logit_lens(setting, setting.teacher, found, 2)
    assert lens.shape == (len(found.layers) + 1, found.logits.shape[-1])
    assert torch.allclose(lens[-1], found.logits[2], atol=1e-5)
    assert engine.logit_lens(setting, setting.teacher, found, 2) is lens


def test_the_logit_lens_is_kept_for_a_text_that_is_traced_again(fresh):
    engine, setting = fresh
    first, again = (engine.trace(setting, setting.teacher, "the king rules", keep=False) for _ in range(2))
    assert first is not again and first.facts.seconds != again.facts.seconds
    lens = engine.logit_lens(setting, setting.teacher, first, 2)
    assert engine.logit_lens(setting, setting.teacher, again, 2) is lens
    changed = engine.trace(setting, setting.teacher, "the king rules", interventions=[AblateHead(0, 0)])
    assert engine.logit_lens(setting, setting.teacher, changed, 2) is not lens


def test_one_thread_computes_what_many_ask_for():
    calls = []
    kept = RecentlyUsed(100)

    def compute() -> int:
        calls.append(1)
        time.sleep(0.05)
        return 7

    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(kept.get("key", compute))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [7] * 8
    assert len(calls) == 1


def test_a_value_that_two_threads_compute_weighs_once():
    """One computation fails while another thread waits for it: that thread, and whoever comes then, both compute."""
    kept = RecentlyUsed(100, len)
    failing, waiting, twice = threading.Event(), threading.Event(), threading.Barrier(2, timeout=10)

    def fail() -> bytes:
        failing.set()
        waiting.wait(10)
        time.sleep(0.05)  # for the second thread to reach the lock
        raise ValueError

    def compute() -> bytes:
        twice.wait()
        return b"12345"

    def first() -> None:
        with pytest.raises(ValueError):
            kept.get("key", fail)
        threads[2].start()

    def second() -> None:
        failing.wait(10)
        waiting.set()
        kept.get("key", compute)

    threads = [threading.Thread(target=work) for work in (first, second, lambda: kept.get("key", compute))]
    for thread in threads[:2]:
        thread.start()
    for thread in threads:  # the first starts the third
        thread.join()
    assert not twice.broken  # both computed it
    assert kept.weight == 5 and len(kept) == 1


def test_without_a_weight_the_limit_is_a_number_of_values():
    kept = RecentlyUsed(2)
    for key in "abc":
        kept.get(key, lambda key=key: key)
    assert len(kept) == kept.weight == 2 and "a" not in kept


def test_a_slow_value_does_not_block_another_key():
    kept = RecentlyUsed(100)
    release = threading.Event()
    slow = threading.Thread(target=lambda: kept.get("slow", lambda: release.wait(10)))
    slow.start()
    done = threading.Event()
    threading.Thread(target=lambda: (kept.get("quick", lambda: 1), done.set())).start()
    assert done.wait(5)
    release.set()
    slow.join()


def test_a_full_house_says_come_back(fresh, monkeypatch):
    engine, setting = fresh
    monkeypatch.setattr(engine_module, "PATIENCE_SECONDS", 0.05)
    engine.trace(setting, setting.teacher, "the king")
    with engine.turn():
        with pytest.raises(LabError) as error:
            engine.trace(setting, setting.teacher, "the queen")
        assert error.value.code == "busy"
        assert engine.trace(setting, setting.teacher, "the king") is not None  # kept traces need no turn
    assert engine.trace(setting, setting.teacher, "the queen") is not None


def test_a_broken_model_leaves_the_others_alone(fresh, broken_folder):
    engine, setting = fresh
    with pytest.raises(LabError) as error:
        engine.trace(setting, str(broken_folder), "the king")
    assert error.value.code == "broken_checkpoint"
    assert engine.trace(setting, setting.teacher, "the king").check() < 1e-5


def test_many_sessions_at_once_agree_with_one(family_folder):
    engine, setting = Engine(), Setting(str(family_folder("bert")), "")
    texts = [f"the {word}" for word in ("king", "queen", "land", "cats", "dogs", "paris", "france", "capital")]
    alone = {text: Engine().trace(setting, setting.teacher, text).logits for text in texts[:2]}
    found: dict[str, torch.Tensor] = {}

    def work(text: str) -> None:
        found[text] = engine.trace(setting, setting.teacher, text).logits

    threads = [threading.Thread(target=work, args=(text,)) for text in texts * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == set(texts)
    assert all(torch.equal(found[text], logits) for text, logits in alone.items())


def test_the_default_setting_is_the_shipped_pair():
    setting = default_setting()
    assert setting.teacher and setting.student and setting.teacher != setting.student


def test_every_device_of_this_machine(family_folder):
    """On a machine with a GPU, the lab's numbers there equal the CPU's."""
    engine = Engine()
    name = str(family_folder("bert"))
    expected = engine.trace(Setting(name, ""), name, "the king rules")
    assert engine.devices()[-1] == "cpu"
    for device in engine.devices():
        found = engine.trace(Setting(name, "", device), name, "the king rules")
        assert found.facts.device.startswith(device)
        assert torch.allclose(found.logits, expected.logits, atol=1e-3)
        assert found.check() < 1e-3


def test_a_remembered_function_computes_once_for_the_same_content():
    calls = []

    @remembered(count=2)
    def double(values, labels):
        calls.append(1)
        return [2 * value for value in values.tolist()]

    first = double(torch.tensor([1.0, 2.0]), {"a": "x"})
    assert double(torch.tensor([1.0, 2.0]), {"a": "x"}) is first
    assert double(torch.tensor([1.0, 2.0]), {"a": "y"}) is not first
    assert double(torch.tensor([1.0, 3.0]), {"a": "x"}) == [2.0, 6.0]
    assert len(calls) == 3
    assert double(torch.tensor([1.0, 2.0]), {"a": "x"}) is not first  # the oldest was dropped


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (torch.zeros(2, 3), torch.zeros(3, 2)),
        (torch.zeros(2), torch.zeros(2, dtype=torch.float64)),
        (["ab", "c"], ["a", "bc"]),
        ((1, 2), (1, 2.0)),
        (AblateHead(0, 1), AblateHead(1, 0)),
        ({"a": None}, {"a": "None"}),
    ],
)
def test_different_content_has_different_fingerprints(one, other):
    assert fingerprint(one) != fingerprint(other)
    assert fingerprint(one) == fingerprint(one)


def test_what_has_no_content_is_refused():
    with pytest.raises(TypeError):
        fingerprint(lambda: 1)
