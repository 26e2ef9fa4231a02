"""The catalogue of checkpoints and the way to open one."""

from core.models.card import ModelCard, catalog

__all__ = ["Checkpoint", "ModelCard", "best_device", "catalog", "load"]


def __getattr__(name: str):
    """Imports torch only when a model is opened: the catalogue alone must not make a server's first page wait."""
    if name in ("Checkpoint", "best_device", "load"):
        from core.models import loading

        return getattr(loading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
