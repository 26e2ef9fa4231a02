"""The small models and texts of the tests on distillation, for runs of them."""

from tests.distill.conftest import model, sentences, task, texts  # noqa: F401
