"""Training of a value branch on the trunk of a policy network, from the outcomes of recorded games."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from casecnn.checks import one_of
from casecnn.errors import InputError
from casecnn.go.data.archive import Archive
from casecnn.go.data.outcomes import UNKNOWN, OutcomeSource, choose_positions
from casecnn.go.net.outlook import GENTLE, outlook
from casecnn.go.net.policy import Policy, load_policy
from casecnn.go.net.policy_value import PolicyValue, load_policy_value
from casecnn.go.net.training import PREPROCESSING, supply
from casecnn.go.net.value_evaluation import evaluate_value
from casecnn.go.planes.on_gpu import net_input
from casecnn.inference.prepare import prepare
from casecnn.layers import Net
from casecnn.nets.value import policy_value_net, value_layers
from casecnn.torch_net.build import Network, build
from casecnn.training.loop import TrainResult, train
from casecnn.training.recipe import Recipe
from casecnn.weights.state_dict import fill, save

WEIGHTS = "policy-value.safetensors"
TRUNKS = ("frozen", "free")

POINTS = 10.0
"""The error of the score, in points, that weighs like one nat of the winner."""

SCORE, OWNERSHIP = 0.25, 1.0
"""Weights of the score's and the ownership's loss beside the winner's."""


def value_loss(raw: Tensor, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
    """Loss of a value branch's outputs [n, points + 2] on a batch of `OutcomeSource`, and figures to log.

    The winner's cross-entropy, the score's Huber loss and each point's cross-entropy of ownership, each a mean over
    what is known in the batch.
    """
    _, komi, won, margin, owner, _ = batch
    found = outlook(raw.float(), komi)
    decided, counted, owned = ~won.isnan(), ~margin.isnan(), owner != UNKNOWN
    winner = functional.binary_cross_entropy_with_logits(found.logit, won.nan_to_num(), reduction="none")
    error = found.lead - komi - margin.nan_to_num()
    score = functional.huber_loss(error / POINTS, torch.zeros_like(error), reduction="none")
    share = (owner.clamp(max=1).float() + 1) / 2
    points = functional.binary_cross_entropy_with_logits(2 * GENTLE * raw[:, :-2].float(), share, reduction="none")
    parts = {
        "winner": _mean(winner, decided),
        "score": _mean(score, counted),
        "ownership": _mean(points, owned),
    }
    right = _mean(((found.logit > 0) == (won > 0.5)).float(), decided)
    loss = parts["winner"] + SCORE * parts["score"] + OWNERSHIP * parts["ownership"]
    return loss, {**{name: part.detach() for name, part in parts.items()}, "right": right}


def _mean(values: Tensor, known: Tensor) -> Tensor:
    return (values * known).sum() / known.sum().clamp(min=1)


def train_value(
    archive: Archive,
    recipe: Recipe,
    output: str | Path,
    *,
    policy: str | Path | None = None,
    trunk: str = "frozen",
    shared: int = 4,
    filters: int = 64,
    blocks: int = 3,
    hidden: int = 64,
    owned: float = 0.25,
    validation: Archive | None = None,
    validation_positions: int = 4096,
    evaluate_every: int | None = None,
    workers: int | None = None,
    device: str | torch.device = "auto",
    command: str = "",
    **options: Any,
) -> TrainResult:
    """Train a value branch after the first `shared` convolutions of a policy network; write both into one file.

    `policy` names the weights to start from (as `load_policy`); where they have a value branch of the same shape, that
    goes on learning. With the trunk "frozen" the branch alone learns and the
    policy stays as it is, bit for bit; with the trunk "free" everything learns, and the policy goes on learning the
    moves of the same positions. `filters`, `blocks` and `hidden` are those of `casecnn.nets.value.value_layers`, and
    `owned` is the share of each batch from games whose ownership is known (see `OutcomeSource`, which says what a batch
    is). `workers` threads prepare positions (see `casecnn.go.net.training.supply`). `options` go to
    `casecnn.training.loop.train`.

    Writes `policy-value.safetensors` (weights in half precision, with metadata) into `output`, for `load_policy_value`.

    Raises `UsageError` for arguments out of range, `InputError` for an archive without winners, and what
    `casecnn.training.loop.train` raises.
    """
    one_of("trunk", trunk, TRUNKS)
    start = load_policy(policy, "cpu")
    k, layers, size = (start.arguments.get(name, usual) for name, usual in (("k", 64), ("layers", 13), ("size", 19)))
    arguments = {
        "k": k, "layers": layers, "size": size, "shared": shared, "filters": filters,
        "blocks": blocks, "hidden": hidden,
    }  # fmt: skip
    net = policy_value_net(**arguments)
    whole_net = build(net, seed=recipe.seed)
    if not _go_on(whole_net, policy):
        take_policy(whole_net, start)
    compact, workers = supply(device, size, workers)
    source = OutcomeSource(archive, recipe.batch_size, recipe.seed, size, owned, compact)
    evaluate = None
    if validation is not None:
        held_out = choose_positions(validation, size, validation_positions)

        def evaluate(module: nn.Module) -> dict[str, Any]:
            tensors = module.state_dict()
            found = PolicyValue.of(net, joined(whole_net, tensors) if trunk == "frozen" else tensors)
            return evaluate_value(found, validation, held_out).main()

    model, loss = _frozen(whole_net, arguments) if trunk == "frozen" else (whole_net, _free)
    result = train(
        model,
        source,
        recipe,
        loss=loss,
        output=output,
        evaluate=evaluate,
        evaluate_every=evaluate_every,
        metric="log_loss",
        workers=workers,
        device=device,
        metadata={"net": "policy_value_net", "arguments": arguments, "command": command},
        **options,
    )
    if result.first:
        metadata = {
            "net": "policy_value_net",
            "arguments": arguments,
            "preprocessing": PREPROCESSING,
            "policy": start.name,
            "trunk": trunk,
            "recipe": recipe.to_dict(),
            "steps": result.step,
            "command": command,
        }
        tensors = joined(whole_net, result.weights) if trunk == "frozen" else result.weights
        save(Path(output) / WEIGHTS, halved(tensors), metadata)
    return result


def _go_on(net: Network, policy: str | Path | None) -> bool:
    """Take all weights from a net with a value branch; False for a policy network alone."""
    try:
        before = load_policy_value(policy, "cpu") if policy is not None else None
    except InputError:
        return False
    if before is None:
        return False
    fill(net, before.module.state_dict(), before.name)
    return True


def take_policy(net: Network, policy: Policy) -> None:
    """Copy a policy network's weights into the trunk and the policy branch of a net declared by `policy_value_net`."""
    own = net.state_dict()
    for name, tensor in policy.module.state_dict().items():
        own[name if name in own else f"fork.{name}"].copy_(tensor)


def _frozen(whole_net: Network, arguments: dict[str, int]) -> tuple[Network, Callable[..., Any]]:
    """The branch as a net of its own, and the loss that runs the trunk before it without gradients."""
    k, size, shared = arguments["k"], arguments["size"], arguments["shared"]
    layers = value_layers(arguments["filters"], arguments["blocks"], arguments["hidden"])
    branch = build(Net("value-branch", input=(k, size, size), layers=layers), init="zeros")
    branch.load_state_dict({name: whole_net.state_dict()[f"fork.{name}"] for name in branch.state_dict()})
    net: Net = whole_net.declaration
    trunk = build(Net("trunk", input=net.input, layers=net.layers[:shared]), init="zeros")
    trunk.load_state_dict({name: whole_net.state_dict()[name] for name in trunk.state_dict()})
    fast: dict[torch.device, nn.Module] = {}

    def loss(model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
        device = batch[0].device
        if device not in fast:
            fast[device] = prepare(trunk, device=device)
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            maps = fast[device](net_input(batch[0], torch.float32))
        return value_loss(model(maps), batch)

    return branch, loss


def joined(whole_net: Network, branch: Any) -> dict[str, Tensor]:
    """The tensors of the whole net, those of its value branch taken from `branch`."""
    return {**whole_net.state_dict(), **{f"fork.{name}": tensor.cpu() for name, tensor in branch.items()}}


def halved(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights in half precision; what has one number a channel stays, since variances pass float16's range."""
    return {name: tensor.half() if tensor.dim() > 1 else tensor for name, tensor in tensors.items()}


def _free(model: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
    inputs, moves = batch[0], batch[-1]
    device = inputs.device.type
    dtype = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else torch.float32
    planes = net_input(inputs, dtype)
    raw = model(planes).float()
    points = planes.shape[-1] ** 2
    loss, figures = value_loss(raw[:, points:], batch)
    policy = functional.cross_entropy(raw[:, :points], moves)
    return loss + policy, {**figures, "policy": policy.detach()}
