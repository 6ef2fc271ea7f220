"""From a recipe and a net to torch optimisers with the right parameter groups."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from casecnn.errors import UsageError
from casecnn.training.adadelta import DenseAdadelta, RowAdadelta
from casecnn.training.embedding_average import sparse_tables
from casecnn.training.muon import Muon
from casecnn.training.recipe import Recipe


def build_optimizers(model: nn.Module, recipe: Recipe) -> list[torch.optim.Optimizer]:
    """Return the optimisers of `recipe` over the parameters of `model` that require a gradient.

    One optimiser, or two for "muon" (Muon, then AdamW), or for "adadelta" where the net has an `nn.Embedding` with
    `sparse=True`, whose rows are updated lazily (RowAdadelta) and free of weight decay. Each group holds `base_lr`, the
    rate that a schedule scales. Parameters with fewer than two dimensions, and those named "bias" (a bias per board
    point has more dimensions), are free of weight decay unless `decay_biases`. Muon takes the weights of two or more
    dimensions except the first and the last of them in the order of `named_parameters` (input and output layer), and
    except embeddings.
    Raises `UsageError` where nothing can be trained.
    """
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    if not named:
        raise UsageError("the net has no parameter that requires a gradient; unfreeze one")
    r = recipe
    if r.optimizer == "muon":
        hidden = _hidden(model, named)
        rest = [(name, p) for name, p in named if name not in hidden]
        optimizers: list[torch.optim.Optimizer] = []
        if hidden:
            muon = Muon(
                list(hidden.values()),
                lr=r.lr,
                momentum=_set(r.momentum),
                nesterov=bool(r.nesterov),
                weight_decay=r.weight_decay,
            )
            optimizers.append(muon)
        if rest:
            optimizers.append(torch.optim.AdamW(_groups(rest, r), lr=r.adam_lr, betas=r.betas, eps=_set(r.eps)))
    elif r.optimizer == "sgd":
        optimizers = [torch.optim.SGD(_groups(named, r), lr=r.lr, momentum=_set(r.momentum), nesterov=bool(r.nesterov))]
    elif r.optimizer == "adadelta":
        tables = sparse_tables(model)
        optimizers = []
        if dense := [(name, p) for name, p in named if id(p) not in tables]:
            optimizers.append(DenseAdadelta(_groups(dense, r), lr=r.lr, rho=r.rho, eps=_set(r.eps)))
        if sparse := [p for _, p in named if id(p) in tables]:
            optimizers.append(RowAdadelta(sparse, lr=r.lr, rho=r.rho, eps=_set(r.eps)))
    else:
        optimizers = [torch.optim.AdamW(_groups(named, r), lr=r.lr, betas=r.betas, eps=_set(r.eps))]
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["base_lr"] = group["lr"]
    return optimizers


def set_rate(optimizers: list[torch.optim.Optimizer], factor: float) -> None:
    """Set every group's rate to `factor` times its base rate."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["base_lr"] * factor


def constrained(model: nn.Module, recipe: Recipe) -> list[nn.Parameter]:
    """Return the parameters named by `max_norm_parameters`; raise `UsageError` for a name that the net lacks."""
    parameters = dict(model.named_parameters())
    for name in recipe.max_norm_parameters:
        if name not in parameters:
            raise UsageError(
                f"`max_norm_parameters` names '{name}', which the net lacks; it has {', '.join(parameters)}"
            )
        if parameters[name].ndim < 2:
            raise UsageError(f"`max_norm_parameters` names '{name}', which has no rows; name a weight")
    return [parameters[name] for name in recipe.max_norm_parameters]


@torch.no_grad()
def limit_rows(weight: Tensor, max_norm: float) -> None:
    """Scale each row of `weight` ([rows, ...], in place) down to 2-norm `max_norm` where it is longer.

    Source: Hinton et al. 2012 (dropout), section 2; Kim 2014, section 3.1: 3 for the rows of the softmax layer.
    """
    norms = weight.flatten(1).norm(dim=1).clamp_(min=max_norm)
    weight.mul_((max_norm / norms).view(-1, *[1] * (weight.ndim - 1)))


def _groups(named: list[tuple[str, nn.Parameter]], recipe: Recipe) -> list[dict[str, Any]]:
    free = [p for name, p in named if not recipe.decay_biases and (p.ndim < 2 or _is_bias(name))]
    taken = {id(p) for p in free}
    decayed = [p for _, p in named if id(p) not in taken]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def _is_bias(name: str) -> bool:
    return name.rsplit(".", 1)[-1] == "bias"


def _hidden(model: nn.Module, named: list[tuple[str, nn.Parameter]]) -> dict[str, nn.Parameter]:
    embeddings = {
        id(p) for m in model.modules() if isinstance(m, (nn.Embedding, nn.EmbeddingBag)) for p in m.parameters()
    }
    weights = [(name, p) for name, p in named if p.ndim >= 2 and not _is_bias(name) and id(p) not in embeddings]
    return dict(weights[1:-1])


def _set(value: float | None) -> float:
    assert value is not None  # Recipe fills the fields that its optimiser reads
    return value
