"""The small models and texts that the distiller's own tests use."""

from tests.distill.conftest import model, sentences, task, texts  # noqa: F401 (fixtures)
