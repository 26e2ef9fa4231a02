"""Opening a checkpoint: the shipped ones, a folder, or (only on request) a hub id.

`open_checkpoint` is the only door, and it verifies what is shipped; `load` adds a tokenizer and what a trace needs, and
`core.distill.students.open_for` opens it with a task's head."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoTokenizer

from core.errors import LabError
from core.models.building import ONE_AT_A_TIME
from core.models.card import SHIPPED, ModelCard, catalog, verify
from core.models.families import Family, apply_head, family_named, family_of, has_vocabulary_head
from core.models.finished import find_card
from core.trace.observe import ATTENTION, watch

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

HEADS = {
    "masked_words": "MODEL_FOR_MASKED_LM_MAPPING",
    "single_label": "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING",
    "multi_label": "MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING",
    "token_labels": "MODEL_FOR_TOKEN_CLASSIFICATION_MAPPING",
}
"""Mapping in which transformers lists the class with a task's head, by `core.distill.inputs.texts.Task`."""


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model ready to be traced, shared by all who use it: treat it as read-only.

    Attributes:
        model: in eval mode, attending by the observed function, on `device`.
        tokenizer: a fast tokenizer, so that pieces know their words.
        card: what is known of it.
        family: where its parts are.
    """

    model: torch.nn.Module
    tokenizer: transformers.PreTrainedTokenizerFast
    card: ModelCard
    family: Family

    @property
    def device(self) -> torch.device:
        """Device of the weights."""
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        """The precision that it computes in."""
        return self.model.dtype

    @property
    def longest(self) -> int:
        """The most tokens that the model has positions for."""
        rows = getattr(self.model.config, "max_position_embeddings", None) or 512
        return rows - self.family.first_position

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of its classes, if it sorts texts or pairs of them into classes; none otherwise."""
        sorts = type(self.model).__name__.endswith(("ForSequenceClassification", "ForNextSentencePrediction"))
        names = self.model.config.id2label if sorts else {}
        return tuple(names[index] for index in sorted(names))

    @property
    def predicts_words(self) -> bool:
        """True if it has a head over the vocabulary."""
        return has_vocabulary_head(self.model)

    @torch.no_grad()
    def read_out(self, hidden: torch.Tensor, is_last: bool = False) -> torch.Tensor:
        """Apply the vocabulary head to a hidden state of any layer (the logit lens), on the CPU in float32.

        Args:
            hidden: `[..., width]`.
            is_last: whether it is the last layer's, as the model hands it to its head.

        Returns:
            Logits `[..., vocabulary]`.

        Raises:
            LabError: `no_vocabulary_head`.
        """
        if not self.predicts_words:
            raise LabError("no_vocabulary_head", name=self.card.name)
        logits = apply_head(self.model, hidden.to(self.device, self.dtype), is_last)
        return logits.to("cpu", torch.float32)


def best_device() -> torch.device:
    """CUDA where there is one, then Apple's MPS, then the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def load(
    name_or_folder: str | Path,
    device: str | torch.device | None = None,
    precision: str = "float32",
    hub: bool = False,
) -> Checkpoint:
    """Open a checkpoint to be traced, with the head that its file has, and its tokenizer.

    Args:
        name_or_folder: see `open_checkpoint`.
        device: the best one if not given.
        precision: a key of `PRECISIONS`; shipped weights are stored in half precision and widened here.
        hub: see `open_checkpoint`.

    Raises:
        LabError: as `open_checkpoint`.
    """
    tokenizer = open_tokenizer(name_or_folder, hub)
    model = open_checkpoint(name_or_folder, None, device or best_device(), precision, hub).requires_grad_(False)
    family = family_of(model)
    watch(model, family)
    card = card_of(name_or_folder) or _card_of_stranger(model, str(name_or_folder))
    return Checkpoint(model, tokenizer, card, family)


def open_checkpoint(
    source: str | Path,
    head: str | None = None,
    device: str | torch.device = "cpu",
    precision: str = "float32",
    hub: bool = False,
) -> transformers.PreTrainedModel:
    """Open a checkpoint: the only place that reads a model's weights to run them.

    A shipped model, by its name or by its folder, and a run's finished student, by its name, are first compared with the
    hashes in their cards (`verify`). Any other folder has none to be compared with.

    Args:
        source: a name that `core.models.finished.find_card` knows, a folder that transformers saved, or with `hub=True` an id
            like "distilbert-base-uncased".
        head: a key of `HEADS`, for the head of that task; the head that the file was written with if None, and then the
            family must be one of `FAMILIES`.
        device: where the weights go.
        precision: a key of `PRECISIONS`.
        hub: allow a download. Off by default: nothing leaves the machine unasked.

    Returns:
        The model in eval mode, attending by the observed function.

    Raises:
        LabError: `unknown_model`, `missing_checkpoint`, `changed_checkpoint`, `broken_checkpoint`, `unknown_family`; or
            `untrained_head` if the file lacks weights of the requested head.
    """
    folder = _verified(source, hub)
    options = {"local_files_only": not hub, "trust_remote_code": False}
    with _one_sentence(source):
        config = AutoConfig.from_pretrained(folder, **options)
        if head is None:
            family_named(config.model_type)
        kind = _own_class(config) if head is None else class_for(config, head)
        with ONE_AT_A_TIME:
            model, report = kind.from_pretrained(
                folder,
                config=config,
                attn_implementation=ATTENTION,
                dtype=PRECISIONS[precision],
                use_safetensors=True,
                output_loading_info=True,
                **options,
            )
    missing = sorted(report["missing_keys"])
    if missing and head is None:
        reason = f"{len(missing)} weights are missing, {missing[0]} among them"
        raise LabError("broken_checkpoint", name=str(source), reason=reason)
    if missing:
        raise LabError("untrained_head", name=Path(source).name, weights=", ".join(missing[:3]))
    return model.eval().to(device)


def open_tokenizer(source: str | Path, hub: bool = False) -> transformers.PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint, which is verified as `open_checkpoint` does.

    Raises:
        LabError: `unknown_model`, `missing_checkpoint`, `changed_checkpoint` or `broken_checkpoint`.
    """
    folder = _verified(source, hub)
    with _one_sentence(source):
        return AutoTokenizer.from_pretrained(folder, local_files_only=not hub, trust_remote_code=False)


def class_for(config: transformers.PretrainedConfig, head: str) -> type[transformers.PreTrainedModel]:
    """The class of models of this configuration with the head of a task, a key of `HEADS`.

    Raises:
        KeyError: transformers has none.
    """
    return getattr(transformers, HEADS[head])[type(config)]


def card_of(source: str | Path) -> ModelCard | None:
    """The card of a shipped model, by its name or its folder, or of a finished student by its name; else None."""
    folder = Path(source).resolve() if Path(source).is_dir() else None
    for card in catalog():
        if card.name == str(source) or card.folder.resolve() == folder:
            return card
    return find_card(str(source))


def _verified(source: str | Path, hub: bool) -> str:
    """The folder of a checkpoint, compared with its card if it has one; with `hub`, perhaps an id."""
    known = card_of(source)
    if known is not None:
        verify(known)
        return str(known.folder)
    if not hub and not Path(source).is_dir():
        if Path(source).name == str(source) and not (SHIPPED / source).exists():
            shipped = ", ".join(card.name for card in catalog())
            raise LabError("unknown_model", name=str(source), known=shipped or "nothing")
        raise LabError("missing_checkpoint", name=str(source))
    return str(source)


@contextmanager
def _one_sentence(source: str | Path) -> Iterator[None]:
    """Turn whatever a damaged file makes the libraries raise into one sentence for the learner."""
    try:
        yield
    except LabError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else 'no message'}"
        raise LabError("broken_checkpoint", name=str(source), reason=reason) from error


def _own_class(config: transformers.PretrainedConfig) -> type:
    """The class that wrote the checkpoint, so that no head is ever invented with random weights."""
    wrote = (config.architectures or [""])[0]
    return getattr(transformers, wrote, None) or transformers.AutoModel


def _card_of_stranger(model: torch.nn.Module, name: str) -> ModelCard:
    config, folder = model.config, Path(name)
    return ModelCard(
        name=name,
        role="",
        layers=config.num_hidden_layers,
        width=config.hidden_size,
        heads=config.num_attention_heads,
        vocabulary=config.vocab_size,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        size_bytes=sum(file.stat().st_size for file in folder.glob("*.safetensors")) if folder.is_dir() else 0,
        licence="unknown",
        origin=name,
        folder=folder,
    )


class Shelf:
    """Opened checkpoints, each loaded once however many sessions ask for it at the same moment."""

    def __init__(self) -> None:
        self._opened: dict[tuple, Checkpoint] = {}
        self._locks: dict[tuple, threading.Lock] = {}
        self._guard = threading.Lock()

    def get(self, name: str, device: str | None = None, precision: str = "float32") -> Checkpoint:
        """The checkpoint, loaded on first use; only those who want this very one wait for it."""
        key = (name, device, precision)
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._opened:
                self._opened[key] = load(name, device, precision)
            return self._opened[key]
