"""Call a function on the inputs of a case and record the result: output, gradients, what it did to its inputs.

The same code calls the learner's function inside the sandbox and the reference outside. A value in a case is a number, a
string, a list, a dictionary, or one of these, marked by "$":

    {"$": "tensor", "array", "dtype", "gradient", "layout"}     layout "strided": not contiguous
    {"$": "model", "kind", "sizes", "dropout", "state"}         a small network, see `build_model`
    {"$": "optimizer", "of", "rate"}                            SGD over the model given as that argument
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

LARGEST_OUTPUT = 400_000
"""Numbers that one case may return."""

_to_numpy = Tensor.numpy  # held here, so that a learner who replaces it changes nothing of what is sent


class BadOutputError(ValueError):
    """The function returned something that cannot be graded."""


def execute(target: Callable, case: dict[str, Any]) -> dict[str, Any]:
    """Run one case.

    Args:
        target: the function, or the class if the case has `construct`.
        case: `arguments` by name; `construct`: `arguments` and `state` for a class; `seed`; `training`.

    Returns:
        `output`, the value returned; `gradients`, by argument (and by parameter of the class): what a fixed weighting
        of the output sends back, None where nothing arrives; `after`, what the tensors given hold now; `models`, what
        became of each model given: its `state`, which parameters have a `gradient`, whether it is `training`.
    """
    torch.default_generator.manual_seed(
        case.get("seed", 0)
    )  # torch.manual_seed would note each call for devices to come
    given = {name: value for name, value in case["arguments"].items() if not _marked(value, "optimizer")}
    arguments = {name: _made(value) for name, value in given.items()}
    models = {name: value for name, value in arguments.items() if isinstance(value, nn.Module)}
    for name, value in case["arguments"].items():
        if _marked(value, "optimizer"):
            arguments[name] = torch.optim.SGD(models[value["of"]].parameters(), lr=value["rate"])
    leaves = dict(_tensors(arguments))
    built = None
    if construct := case.get("construct"):
        built = target(**{name: _made(value) for name, value in construct["arguments"].items()})
        built.load_state_dict({name: _made(value) for name, value in construct["state"].items()})
        built.train(case.get("training", False))
    output = (built or target)(**{name: arguments[name] for name in case["arguments"]})
    differentiable = [tensor for _, tensor in _tensors({"output": output}) if tensor.requires_grad]
    if built is not None:
        leaves |= {f"parameter {name}": parameter for name, parameter in built.named_parameters()}
    wanted = {name: leaf for name, leaf in leaves.items() if leaf.requires_grad and leaf.is_leaf}
    gradients = dict.fromkeys(wanted)
    if differentiable and wanted and not models:
        total = sum((tensor.double() * _weights(tensor)).sum() for tensor in differentiable)
        found = torch.autograd.grad(total, list(wanted.values()), allow_unused=True)
        gradients = {name: None if got is None else _sent(got) for name, got in zip(wanted, found, strict=True)}
    sent = plain(output)
    if isinstance(output, nn.Module):
        theirs = {parameter.data_ptr() for model in models.values() for parameter in model.parameters()}
        sent["shares_weights"] = any(parameter.data_ptr() in theirs for parameter in output.parameters())
    return {
        "output": sent,
        "gradients": gradients,
        "after": {name: _sent(leaf) for name, leaf in leaves.items() if not name.startswith("parameter ")},
        "models": {name: _condition(model) for name, model in models.items()},
    }


def _marked(value: Any, kind: str) -> bool:
    return isinstance(value, dict) and value.get("$") == kind


def _made(value: Any) -> Any:
    """The value that a case describes."""
    if isinstance(value, list):
        return [_made(part) for part in value]
    if not isinstance(value, dict):
        return value
    if "$" not in value:
        return {key: _made(part) for key, part in value.items()}
    if value["$"] == "tensor":
        return _tensor(value)
    if value["$"] == "model":
        model = build_model(value["kind"], value["sizes"], value.get("dropout", 0.0))
        model.load_state_dict({name: _tensor(part) for name, part in value["state"].items()})
        return model.train(value.get("training", True))
    raise ValueError(f"unknown value {value['$']!r}")


def _tensor(value: dict[str, Any]) -> Tensor:
    # A copy into memory of PyTorch's own: the array belongs to the message.
    tensor = torch.from_numpy(np.array(value["array"])).to(getattr(torch, value["dtype"]))
    if value.get("layout") == "strided" and tensor.ndim > 1:
        tensor = tensor.transpose(-2, -1).contiguous().transpose(-2, -1)
    return tensor.requires_grad_() if value.get("gradient") else tensor


def build_model(kind: str, sizes: list[int], dropout: float = 0.0) -> nn.Module:
    """A small network in training mode: "classifier" is Linear, Tanh, Dropout, Linear; "stack" is a list of equal layers.

    Args:
        kind: see above.
        sizes: classifier: inputs, hidden, classes. stack: width, layers.
        dropout: the chance in the classifier.
    """
    if kind == "classifier":
        inputs, hidden, classes = sizes
        return nn.Sequential(
            nn.Linear(inputs, hidden), nn.Tanh(), nn.Dropout(dropout), nn.Linear(hidden, classes)
        ).train()
    if kind == "stack":
        return Stack(*sizes)
    raise ValueError(f"unknown model {kind!r}")


class Stack(nn.Module):
    """An encoder reduced to what a layer-dropped student needs: a configuration and a list of layers."""

    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.config = {"hidden_size": width, "num_hidden_layers": layers}
        self.layer = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))

    def forward(self, hidden: Tensor) -> Tensor:
        """`[batch, width]` -> `[batch, width]`."""
        for layer in self.layer:
            hidden = hidden + torch.tanh(layer(hidden))
        return hidden


def _tensors(tree: Any, name: str = "") -> list[tuple[str, Tensor]]:
    """Every floating-point tensor in a tree with the name of its place: `hidden`, `states[2]`."""
    if isinstance(tree, Tensor):
        return [(name, tree)]
    if isinstance(tree, dict):
        return [found for key, part in tree.items() for found in _tensors(part, f"{name}.{key}".lstrip("."))]
    if isinstance(tree, list | tuple):
        return [found for index, part in enumerate(tree) for found in _tensors(part, f"{name}[{index}]")]
    return []


def _weights(tensor: Tensor) -> Tensor:
    """Fixed numbers of both signs, one for each number of an output: its gradient then distinguishes them all."""
    count = torch.arange(tensor.numel(), dtype=torch.float64)
    return (torch.cos(1.7 * count) + 0.3).reshape(tensor.shape)


def _condition(model: nn.Module) -> dict[str, Any]:
    return {
        "state": {name: _sent(part) for name, part in model.state_dict().items()},
        "gradient": {name: part.grad is not None for name, part in model.named_parameters()},
        "requires": {name: part.requires_grad for name, part in model.named_parameters()},
        "training": model.training,
    }


def plain(value: Any, depth: int = 0) -> Any:
    """Convert a function's return value to a tree that can be sent.

    Raises:
        BadOutputError: it is too large or nested too deeply.
    """
    if depth > 6:
        raise BadOutputError("what was returned is nested too deeply")
    if isinstance(value, Tensor):
        return _sent(value)
    if value is None or isinstance(value, bool | int | str):
        return value if not isinstance(value, str) else value[:10_000]
    if isinstance(value, float):
        return float(value)
    if isinstance(value, list | tuple) and len(value) <= 10_000:
        return [plain(part, depth + 1) for part in value]
    if isinstance(value, dict) and len(value) <= 1000 and all(isinstance(key, str) for key in value):
        return {key.replace("$", "＄"): plain(part, depth + 1) for key, part in value.items()}
    if isinstance(value, nn.Module):
        config = getattr(value, "config", None)
        return {"state": plain(dict(value.state_dict()), depth + 1), "config": plain(config, depth + 1)}
    return {"$": "other", "type": type(value).__name__}


def _sent(tensor: Tensor) -> dict[str, Any]:
    if tensor.numel() > LARGEST_OUTPUT:
        raise BadOutputError(f"a tensor of {tensor.numel()} numbers is too large")
    kind = str(tensor.dtype).removeprefix("torch.")
    held = tensor.detach()
    if kind == "bfloat16":  # which NumPy does not have
        held = held.float()
    return {"$": "tensor", "array": np.ascontiguousarray(_to_numpy(held)).reshape(tensor.shape), "dtype": kind}
