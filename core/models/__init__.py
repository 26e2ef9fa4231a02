"""The catalogue of checkpoints and the way to open one."""

from core.models.card import ModelCard, catalog

_LATE = ("Checkpoint", "best_device", "load", "open_checkpoint", "open_tokenizer")

__all__ = ["Checkpoint", "ModelCard", "best_device", "catalog", "load", "open_checkpoint", "open_tokenizer"]


def __getattr__(name: str):
    """Import torch only when a model is opened: the catalogue alone must not make a server's first page wait."""
    if name in _LATE:
        from core.models import loading

        return getattr(loading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
