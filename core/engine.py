"""The door from a page to a model: keeps recent traces, limits how much runs at once, bounds the requests.

Importing this module is cheap: torch and transformers are imported by `warm_up`, or by the first call that needs them, so a
server can show its first page while they load.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import LabError
from core.memory import RecentlyUsed
from core.models.card import OPENED_EARLY, ModelCard, catalog
from core.models.finished import find_card

if TYPE_CHECKING:
    from core.models import Checkpoint
    from core.trace import Intervention, Tokens, Trace

MAX_TOKENS = 128
"""A longer text is cut here, and the trace records it."""

MAX_CHARACTERS = 100_000
"""A longer text is cut before it reaches the tokenizer."""

CACHE_BYTES = 256 * 1024**2
"""Bytes that the kept traces may hold together."""

KEPT_TOKENS = 200
"""Number of tokenised texts that are kept."""

TOLERANCE = {"float32": 1e-5, "float16": 1e-2, "bfloat16": 5e-2}
"""Difference in `Trace.check` that rounding alone may leave, by precision."""

PATIENCE_SECONDS = 30.0
"""Seconds that a request waits for its turn before it is refused."""


@dataclass(frozen=True)
class Setting:
    """Models in use, and the device and precision in which they run.

    Attributes:
        teacher, student: names in the catalogue.
        device: "cpu", "cuda" or "mps".
        precision: a key of `core.models.loading.PRECISIONS`.
    """

    teacher: str
    student: str
    device: str = "cpu"
    precision: str = "float32"


class Engine:
    """Runner of models for many sessions at once. Pages share one, `ENGINE`; a notebook may make its own."""

    def __init__(self, slots: int | None = None, cache_bytes: int = CACHE_BYTES) -> None:
        self._places = slots or os.cpu_count() or 1
        self._slots = threading.BoundedSemaphore(self._places)
        self._timing = threading.Lock()
        self._traces = RecentlyUsed(cache_bytes, lambda trace: trace.size_bytes)
        self._lenses = RecentlyUsed(cache_bytes // 4, lambda logits: logits.nbytes)
        self._tokens = RecentlyUsed(KEPT_TOKENS)
        self._imported = threading.Event()
        self._shelf = None
        self._guard = threading.Lock()

    def warm_up(self, models: Sequence[str] | None = None) -> None:
        """Import the libraries, open `models` (`OPENED_EARLY` if not given), run each once, and freeze the heap.

        Once frozen, the libraries are not walked again by every collection of garbage.
        """
        setting = default_setting(self.devices()[0])
        for name in models if models is not None else OPENED_EARLY:
            try:
                self.trace(setting, name, "Hello.")
            except LabError:
                continue  # a damaged shipped model is reported where a learner chooses it; the others still work
        gc.collect()
        gc.freeze()

    def is_ready(self) -> bool:
        """Return True if the libraries are imported, so that no call has to wait for them."""
        return self._imported.is_set()

    def _open_shelf(self):
        with self._guard:
            if self._shelf is None:
                import torch

                from core.models.loading import Shelf

                torch.set_num_threads(1)  # one core a pass and as many passes as cores: learners do not wait in line
                self._shelf = Shelf()
                self._imported.set()
            return self._shelf

    def devices(self) -> list[str]:
        """Devices of this machine on which models can run, the best first."""
        self._open_shelf()
        import torch

        found = ["cuda"] if torch.cuda.is_available() else []
        found += ["mps"] if torch.backends.mps.is_available() else []
        return [*found, "cpu"]

    def checkpoint(self, setting: Setting, name: str) -> Checkpoint:
        """The opened model `name`, on the setting's device and in its precision.

        Raises:
            LabError: as `core.models.load`.
        """
        return self._open_shelf().get(name, setting.device, setting.precision)

    def tokens(self, setting: Setting, name: str, text: str, text_pair: str | None = None) -> Tokens:
        """The text as the model's tokens, cut at `MAX_TOKENS`.

        Raises:
            LabError: `empty_text`, and as `core.models.load`.
        """
        checkpoint = self.checkpoint(setting, name)
        from core.trace import tokenize

        text, pair = text[:MAX_CHARACTERS], text_pair[:MAX_CHARACTERS] if text_pair else None
        return self._tokens.get((checkpoint, text, pair), lambda: tokenize(checkpoint, text, pair, MAX_TOKENS))

    def trace(
        self,
        setting: Setting,
        name: str,
        text: str,
        text_pair: str | None = None,
        interventions: Sequence[Intervention] = (),
        ids: Sequence[int] | None = None,
        keep: bool = True,
    ) -> Trace:
        """Trace a text through the model, or return the kept trace of a recent call with the same arguments.

        Args:
            ids: other tokens for the same positions (some masked or swapped), `[position]`.
            keep: False for one of many passes that are each reduced to a number, lest they push all others out of memory.

        Raises:
            LabError: `empty_text`, `bad_intervention`, `busy`, and as `core.models.load`.
        """
        key = (setting.device, setting.precision, name, text, text_pair, tuple(interventions), ids and tuple(ids))

        def compute() -> Trace:
            tokens = self.tokens(setting, name, text, text_pair)
            checkpoint = self.checkpoint(setting, name)
            import torch

            from core.trace import trace_tokens

            if ids is not None:
                tokens = tokens.with_ids(checkpoint, torch.tensor(ids))
            with self.turn():
                return trace_tokens(checkpoint, tokens, interventions)

        return self._traces.get(key, compute) if keep else compute()

    def logit_lens(self, setting: Setting, name: str, trace: Trace, position: int):
        """Apply the vocabulary head to one position after the embeddings and after each layer.

        Returns:
            Logits `[layer + 1, vocabulary]`; the last row equals `trace.logits[position]`.

        Raises:
            LabError: `no_vocabulary_head`, `busy`.
        """
        checkpoint = self.checkpoint(setting, name)
        ids, segments = tuple(trace.tokens.ids.tolist()), tuple(trace.tokens.segments.tolist())
        # not all of `trace.facts`: the seconds that a pass took differ when the same text is traced again
        key = (setting.device, setting.precision, name, ids, segments, trace.facts.interventions, position)

        def compute():
            import torch

            with self.turn():
                states = trace.hidden[:, position]  # [layer + 1, width]
                early = checkpoint.read_out(states[:-1])
                return torch.cat([early, checkpoint.read_out(states[-1:], is_last=True)])

        return self._lenses.get(key, compute)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A place among the passes that may run at once.

        Raises:
            LabError: `busy`, after `PATIENCE_SECONDS`.
        """
        if not self._slots.acquire(timeout=PATIENCE_SECONDS):
            raise LabError("busy")
        try:
            yield
        finally:
            self._slots.release()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """All places at once, so that nothing else of this engine computes during a timing. Keep it short.

        Raises:
            LabError: `busy`, after `PATIENCE_SECONDS`.
        """
        with ExitStack() as held, self._timing:  # one at a time: two who each hold half would wait for each other
            for _ in range(self._places):
                held.enter_context(self.turn())
            yield


def default_setting(device: str = "cpu", precision: str = "float32") -> Setting:
    """The first shipped teacher and the first shipped student."""
    return Setting(_first("teacher"), _first("student"), device, precision)


def _first(role: str) -> str:
    return next((card.name for card in catalog() if card.role == role), "")


def card(name: str) -> ModelCard | None:
    """The card of a shipped model, or of a run's finished student; or None."""
    return find_card(name)


def models_for(setting: Setting, task: str) -> tuple[str, str]:
    """The teacher and the student for a task: those of the setting where they fit it, else the first shipped ones.

    Raises:
        LabError: `missing_pair` if no such teacher or student is installed.
    """
    return _fitting(setting.teacher, "teacher", task), _fitting(setting.student, "student", task)


def _fitting(chosen: str, role: str, task: str) -> str:
    found = card(chosen)
    if found is not None and found.task == task:
        return chosen
    fitting = [one for one in catalog() if one.task == task and one.role == role]
    if not fitting:
        raise LabError("missing_pair", role=role)
    return fitting[0].name


ENGINE = Engine()
"""The engine that all pages share."""
