"""`casecnn go train`: train a policy net on packed games, or a value branch on a policy net."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.cli.results import as_typed, show
from casecnn.go.cli import options as go


@command()
@click.argument("data", metavar="MOVES.npz")
@options.output(": weights, checkpoint and log", metavar="DIR")
@options.filters("; the paper's match net: 192", parameter="k", default=64)
@go.layers("; the paper: 13", default=13)
@go.size(", 5 to 25", type=int, default=19)
@option(
    "--shortcuts", is_flag=True, meaning="Learn with BatchNorm and shortcuts that fold into the plain layers at the end"
)
@go.value(" on the trunk of a policy net (--init, else the packaged one)")
@option(
    "--trunk",
    type=click.Choice(["frozen", "free"]),
    default="frozen",
    meaning="With --value: may the policy net change",
)
@option("--shared", type=int, default=4, meaning="With --value: convolutions that policy and value share")
@option("--value-blocks", "blocks", type=int, default=3, meaning="With --value: residual blocks of the value branch")
@options.steps(default=40_000)
@options.batch(": positions a step and process", default=64)
@options.optimizer(type=click.Choice(["muon", "adamw", "sgd"]), default="muon")
@options.lr("; about 0.02 for muon, 0.002 adamw, 0.01 sgd", default=0.02)
@option("--adam-lr", default=0.002, meaning="Learning rate of first and last layer and biases, with muon")
@options.schedule(type=click.Choice(["constant", "linear", "cosine"]), default="linear")
@options.warmup(default=100)
@options.weight_decay(default=0.0)
@options.clip_norm()
@options.ema()
@options.precision()
@options.validation(metavar="MOVES.npz")
@options.evaluate_every(default=5_000)
@options.initial(otherwise="random ones")
@options.workers(
    ": threads that prepare positions, in each process",
    otherwise="1 beside the CPU; beside a GPU one a core, 8 at most",
)
@options.checkpoint_minutes()
@options.resume()
@device_option
@seed_option
@format_option
def train(data, output, k, layers, size, shortcuts, value, trunk, shared, blocks, validation, evaluate_every, initial,
          workers, checkpoint_minutes, resume, device, output_format, **fields) -> None:  # fmt: skip
    """Train a policy net on MOVES.npz (from `casecnn go import`); the result is DIR/policy.safetensors.

    With --value a value branch learns who won and by how much, and whose each point was where MOVES.npz knows
    (`casecnn go import --ownership`); the result, policy and value in one net, is DIR/policy-value.safetensors.

    Positions are drawn at random across all games, each under one of the board's eight symmetries; planes are made on
    the fly. Ctrl-C writes a checkpoint, and the same command goes on from it. For several processes or GPUs start it
    with `torchrun --nproc-per-node N -m casecnn go train ...`.
    """
    from casecnn.go.net.train_file import train_file, training_facts, training_text
    from casecnn.training.recipe import Recipe

    recipe = Recipe(**fields)
    branch = {"trunk": trunk, "shared": shared, "blocks": blocks, "filters": k}
    net = {"value": branch} if value else {"k": k, "layers": layers, "size": size, "shortcuts": shortcuts}
    result, weights = train_file(
        data,
        recipe,
        output,
        validation=validation,
        evaluate_every=evaluate_every,
        initial=initial,
        workers=workers,
        checkpoint_minutes=checkpoint_minutes,
        resume=resume,
        device=device,
        command=as_typed(),
        **net,
    )
    show(output_format, training_facts(result, weights), training_text(result, weights))
