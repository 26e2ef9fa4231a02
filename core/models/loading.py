"""Opening a checkpoint: the shipped ones, a folder, or (only when asked) a hub id."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
import transformers
from transformers import AutoConfig, AutoTokenizer

from core.errors import LabError
from core.models.building import ONE_AT_A_TIME
from core.models.card import SHIPPED, ModelCard, catalog
from core.models.families import FAMILIES, Family, apply_head, has_vocabulary_head
from core.models.finished import named
from core.trace.observe import ATTENTION, watch

transformers.utils.logging.set_verbosity_error()
transformers.utils.logging.disable_progress_bar()

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


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
        """Where the weights are."""
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        """The precision that it computes in."""
        return self.model.dtype

    @property
    def longest(self) -> int:
        """The most tokens that the model has positions for."""
        limit = getattr(self.model.config, "max_position_embeddings", None) or 512
        return limit - 2 if self.model.config.model_type == "roberta" else limit  # RoBERTa's table starts at 2

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of its classes, if it sorts texts or pairs of them into classes; none otherwise."""
        sorts = type(self.model).__name__.endswith(("ForSequenceClassification", "ForNextSentencePrediction"))
        names = self.model.config.id2label if sorts else {}
        return tuple(names[index] for index in sorted(names))

    @property
    def predicts_words(self) -> bool:
        """Whether it has a head over the vocabulary."""
        return has_vocabulary_head(self.model)

    @torch.no_grad()
    def read_out(self, hidden: torch.Tensor, is_last: bool = False) -> torch.Tensor:
        """What the vocabulary head makes of a hidden state of any layer (the logit lens), on the CPU in float32.

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
    """Opens a shipped model or a run's finished student by name, a folder that transformers saved, or a hub id.

    Args:
        name_or_folder: a name that `core.models.finished.named` knows, a folder, or with `hub=True` an id like
            "distilbert-base-uncased".
        device: the best one if not given.
        precision: a key of `PRECISIONS`; shipped weights are stored in half precision and widened here.
        hub: allow a download. Off by default: nothing leaves the machine unasked.

    Raises:
        LabError: `missing_checkpoint`, `changed_checkpoint`, `broken_checkpoint`, `unknown_family` or `unknown_model`.
    """
    shipped = {card.name: card for card in catalog()}
    known = shipped.get(str(name_or_folder)) or named(str(name_or_folder))
    source = str(known.folder if known else name_or_folder)
    if not hub and not Path(source).is_dir():
        if Path(source).name == source and not (SHIPPED / source).exists():
            raise LabError("unknown_model", name=str(name_or_folder), known=", ".join(shipped) or "nothing")
        raise LabError("missing_checkpoint", name=str(name_or_folder))
    if known:
        verify(known)
    options = {"local_files_only": not hub, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(source, **options)
        if config.model_type not in FAMILIES:
            raise LabError("unknown_family", family=config.model_type, known=", ".join(FAMILIES))
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
        with ONE_AT_A_TIME:
            model, report = _model_class(config).from_pretrained(
                source,
                attn_implementation=ATTENTION,
                dtype=PRECISIONS[precision],
                use_safetensors=True,
                output_loading_info=True,
                **options,
            )
    except LabError:
        raise
    except Exception as error:  # whatever a damaged file makes the libraries raise, the learner needs one sentence
        reason = f"{type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else 'no message'}"
        raise LabError("broken_checkpoint", name=str(name_or_folder), reason=reason) from error
    if report["missing_keys"]:
        reason = f"{len(report['missing_keys'])} weights are missing, {sorted(report['missing_keys'])[0]} among them"
        raise LabError("broken_checkpoint", name=str(name_or_folder), reason=reason)

    model.eval().requires_grad_(False).to(device or best_device())
    watch(model, FAMILIES[config.model_type])
    card = known or _card_of_stranger(model, str(name_or_folder))
    return Checkpoint(model, tokenizer, card, FAMILIES[config.model_type])


def verify(card: ModelCard) -> None:
    """Compares the weight files of a shipped model with the hashes in its card.

    The whole content is hashed each time a model is opened, which a process does once (see `Shelf`), and a file that several
    models share once for all: about 0.1 s for all that is shipped. It proves that the files are those that were measured, not
    that nobody meant harm: who can change the weights can change the card.

    Raises:
        LabError: `missing_checkpoint` or `changed_checkpoint`, naming the first such file.
    """
    for name, expected in card.hashes.items():
        file = (card.folder / name).resolve()
        if not file.is_file():
            raise LabError("missing_checkpoint", name=f"{card.name}/{name}")
        facts = file.stat()
        found = _sha256(file, facts.st_size, facts.st_mtime_ns)
        if found != expected:
            raise LabError("changed_checkpoint", name=card.name, file=name, found=found[:12], expected=expected[:12])


@cache
def _sha256(file: Path, size: int, changed: int) -> str:
    """The hash of a file's content; size and time of change make a changed file another key."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _model_class(config: transformers.PretrainedConfig) -> type:
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
