"""What an accelerator is worth: traces, distillation steps and memory, against the CPU of the same machine.

    python -m tests.benchmarks.gpu                    # CUDA or Apple's MPS; says so in a sentence where there is neither
    python -m tests.benchmarks.gpu --device cpu       # the CPU against itself: a check of this script, and of what noise does

Medians by the clock: a trace ends with numbers on the CPU and a step with its loss read, so a GPU is done too. The CPU computes
with all its cores. Memory is the peak that a measurement added: allocated on a CUDA GPU, what the driver holds afterwards under
MPS (which keeps no peak), and on the CPU the growth of the process, which Linux alone tells. Less than five minutes in all.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

from core.data.kinds import definitions
from core.distill.distiller import Arm, Distiller, TrainingConfig
from core.distill.inputs.encoding import encode, masked
from core.distill.objectives.objective import CONTROL, Objective
from core.distill.objectives.terms import AttentionScores, Hard, Hidden, Soft
from core.distill.students import fresh, from_layers, open_for
from core.models import load
from core.models.card import SHIPPED
from core.models.loading import best_device
from core.trace import tokenize, trace_tokens

LENGTHS = (16, 128)
WARM_UP, TRACES = 3, 30
TEXTS, STEPS, TIMED_FROM = 160, 46, 7
"""Texts and steps of a training, and the first step that is timed: in the first epoch (five batches) the teacher answers too."""

PATIENCE_SECONDS = 10.0
"""After so long a row is what was timed until then: on a busy machine, too, the whole must end within five minutes."""

MEGABYTE = 1_000_000
RICH = Objective((Soft(weight=0.5), Hard(weight=0.5), Hidden(), AttentionScores()))


def main() -> None:
    """Prints a row a measure: the accelerator, the CPU, and how many times faster the one is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", help="cuda, mps or cpu; the best one if not given")
    asked = parser.parse_args().device
    device = torch.device(asked) if asked else best_device()
    if device.type == "cpu" and not asked:
        print("This machine has no accelerator (neither a CUDA GPU nor Apple's MPS), so there is nothing to compare.")
        return
    torch.set_num_threads(os.cpu_count() or 1)
    print(f"{name_of(device)} against a CPU with {torch.get_num_threads()} threads; PyTorch {torch.__version__}")
    print(f"{'measure':52} {device.type:>9} {'CPU':>9} {'faster':>8} {device.type + ' MB':>9} {'CPU MB':>9}")
    for what, unit, measure in rows():
        (there, there_mb), (here, here_mb) = (with_memory(measure, on) for on in (device, torch.device("cpu")))
        faster = here / there if unit == "ms" else there / here
        print(
            f"{f'{what}, {unit}':52} {there:9.1f} {here:9.1f} {faster:7.1f}x {there_mb:9.0f} {here_mb:9.0f}", flush=True
        )


def rows() -> list[tuple[str, str, Callable[[torch.device], float]]]:
    """What is measured: a name, "ms" or "steps/s", and the function of a device."""
    traces = [
        (f"trace of {length} tokens, {precision}", "ms", lambda on, n=length, p=precision: trace_milliseconds(on, n, p))
        for length in LENGTHS
        for precision in ("float32", "bfloat16")
    ]
    return [
        *traces,
        ("2 x 128 student, soft and hard, float32", "steps/s", lambda on: classes_per_second(on, "float32")),
        ("2 x 128 student, soft and hard, bfloat16", "steps/s", lambda on: classes_per_second(on, "bfloat16")),
        ("3 x 384 student, masked words, float32", "steps/s", lambda on: words_per_second(on, "float32")),
        ("3 x 384 student, masked words, bfloat16", "steps/s", lambda on: words_per_second(on, "bfloat16")),
    ]


def trace_milliseconds(device: torch.device, length: int, precision: str) -> float:
    """The median time of a trace of the shipped teacher, its numbers brought to the CPU."""
    checkpoint = load("minilm-teacher", device=device, precision=precision)
    tokens = tokenize(checkpoint, "the quick brown fox jumps over the lazy dog " * 20, longest=length)
    for _ in range(WARM_UP):
        trace_tokens(checkpoint, tokens)
    began, times = time.perf_counter(), []
    while len(times) < TRACES and time.perf_counter() - began < PATIENCE_SECONDS:
        started = time.perf_counter()
        trace_tokens(checkpoint, tokens)
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


def classes_per_second(device: torch.device, precision: str) -> float:
    """Steps of both arms a second: a fresh student of the shipped classifier, as *Distil* trains it."""
    checkpoint = load("kinds-teacher", device="cpu")
    learned = definitions("transfer")[:TEXTS]
    texts = encode(checkpoint.tokenizer, [row.text for row in learned], [row.kind for row in learned])
    teacher = open_for(SHIPPED / "kinds-teacher", "single_label", device)
    objective = Objective((Soft(weight=0.9, temperature=4.0), Hard(weight=0.1)))
    arms = {
        name: Arm(fresh(teacher, "single_label", 2, 128, 2, dropout=0.0), chosen)
        for name, chosen in (("distilled", objective), ("control", CONTROL))
    }
    return steps_per_second(Distiller(teacher, arms, texts, training(precision), device=device))


def words_per_second(device: torch.device, precision: str) -> float:
    """Steps of both arms a second: three layers of the shipped teacher, which is asked anew in each epoch (the masks change)."""
    checkpoint = load("minilm-teacher", device="cpu")
    texts = masked(checkpoint.tokenizer, [row.text for row in definitions("transfer")[:TEXTS]])
    teacher = open_for(SHIPPED / "minilm-teacher", "masked_words", device)
    arms = {
        name: Arm(from_layers(teacher, (1, 3, 5)), chosen)
        for name, chosen in (("distilled", RICH), ("control", CONTROL))
    }
    return steps_per_second(Distiller(teacher, arms, texts, training(precision), device=device))


def training(precision: str) -> TrainingConfig:
    """How every training here runs."""
    return TrainingConfig(steps=STEPS, learning_rate=1e-3, precision=precision)


def steps_per_second(distiller: Distiller) -> float:
    """The inverse of the median step, the first ones left out."""
    began, times = time.perf_counter(), []
    for step in distiller:
        if step.number >= TIMED_FROM:
            times.append(step.seconds)
        if times and time.perf_counter() - began > PATIENCE_SECONDS:
            break
    return 1 / statistics.median(times)


def name_of(device: torch.device) -> str:
    """What the device is called."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()


def with_memory(measure: Callable[[torch.device], float], device: torch.device) -> tuple[float, float]:
    """What was measured, and the megabytes that it took at its peak; NaN where the system does not say."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
        found = measure(device)
        return found, torch.cuda.max_memory_allocated(device) / MEGABYTE
    if device.type == "mps":
        torch.mps.empty_cache()
        found = measure(device)
        return found, torch.mps.driver_allocated_memory() / MEGABYTE
    before = resident("VmRSS")
    if not math.isnan(before):
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew (Linux, proc(5))
    found = measure(device)
    return found, resident("VmHWM") - before


def resident(which: str) -> float:
    """Megabytes of this process in memory now ("VmRSS") or at its peak ("VmHWM"); NaN but on Linux."""
    status = Path("/proc/self/status")
    if not status.exists():
        return math.nan
    line = next(line for line in status.read_text().splitlines() if line.startswith(which))
    return int(line.split()[1]) * 1024 / MEGABYTE


if __name__ == "__main__":
    main()
