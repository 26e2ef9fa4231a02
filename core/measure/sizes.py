"""Size of a model's weights, by precision, counted from its tensors."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

MEGABYTE = 1_000_000

_FLOAT32, _FLOAT16, _INT8 = 4, 2, 1


@dataclass(frozen=True)
class Sizes:
    """Weights without the few hundred bytes of a file's header.

    Attributes:
        parameters: numbers that training sets; a matrix that two parts share is counted once.
        linear: how many of them are matrices of linear layers, which int8 makes smaller.
        embedded: how many are rows of embeddings, which stay as they are.
        float32, float16, int8: bytes. "int8" is what `core.measure.int8.quantized` holds: a byte for each weight of a linear
            layer and a float32 factor for each of its rows, all else in float32. A linear layer that shares its matrix with
            an embedding then needs a copy in addition to the embedding's.
    """

    parameters: int
    linear: int
    embedded: int
    float32: int
    float16: int
    int8: int

    def megabytes(self, precision: str = "float32") -> float:
        """Millions of bytes in "float32", "float16" or "int8"."""
        return getattr(self, precision) / MEGABYTE

    @property
    def embedded_share(self) -> float:
        """Embeddings among all parameters."""
        return self.embedded / self.parameters


def sizes(model: nn.Module) -> Sizes:
    """Count a model that is not quantised."""
    parameters = {id(parameter): parameter for parameter in model.parameters()}
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    matrices = {id(module.weight): module.weight for module in linears}
    count = sum(parameter.numel() for parameter in parameters.values())
    shared = sum(matrix.numel() for key, matrix in matrices.items() if key in tables)
    linear = sum(matrix.numel() for matrix in matrices.values())
    rows = sum(module.out_features for module in linears)
    return Sizes(
        parameters=count,
        linear=linear,
        embedded=sum(parameters[key].numel() for key in tables if key in parameters),
        float32=_FLOAT32 * count,
        float16=_FLOAT16 * count,
        int8=_FLOAT32 * (count - linear + shared + rows) + _INT8 * sum(module.weight.numel() for module in linears),
    )
