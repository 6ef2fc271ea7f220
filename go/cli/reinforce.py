"""`casecnn go reinforce`: improve a policy net by games against its earlier versions."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.cli.results import as_typed, show
from casecnn.go.cli import options as go


@command()
@options.output(": weights, opponents, checkpoint and log", metavar="DIR")
@options.initial(otherwise="see above")
@options.filters(", for random weights", parameter="k", otherwise="64")
@go.layers(", for random weights", otherwise="13")
@go.size(", for random weights, 5 to 25", type=int, otherwise="19")
@options.steps("; the paper: 10,000", default=1_000)
@option(
    "--games-per-step",
    "batch_size",
    type=click.IntRange(1, 100_000),
    default=128,
    meaning="Games for each update; the paper: 128",
)
@option("--pool-every", default=50, metavar="STEPS", meaning="Steps between two opponents; the paper: 500")
@option(
    "--baseline",
    type=click.Choice(["batch", "moving", "none"]),
    default="batch",
    meaning="What the outcomes are compared with: the step's other games, the steps before, 0",
)
@options.optimizer("; the paper: sgd", type=click.Choice(["adamw", "sgd"]), default="adamw")
@options.lr("; for sgd try 0.01", default=0.0003)
@options.clip_norm()
@go.temperature(default=1.0)
@go.komi()
@go.max_moves(otherwise="twice the points of the board")
@option("--evaluate-games", default=400, meaning="Games against the start; 0: never")
@options.evaluate_every("; here matches against the start", default=100)
@options.workers(
    ": threads that make planes", parameter="threads", otherwise="one for each core", renamed=["--threads"]
)
@options.checkpoint_minutes()
@options.resume()
@device_option
@seed_option
@format_option
def reinforce(output, temperature, komi, max_moves, batch_size, steps, optimizer, lr, clip_norm, seed, output_format,
              **settings) -> None:  # fmt: skip
    """Improve a policy net by games against its earlier versions; the result is DIR/policy.safetensors.

    AlphaGo's second stage: the net plays itself, and the moves of games that it wins become more likely (REINFORCE).
    It starts from the packaged net; where --filters, --layers or --size is given, from random weights instead.
    DIR/pool holds the opponents. Every --evaluate-every steps and at the end the net plays a match against its start;
    DIR/log.jsonl has the figures. Ctrl-C writes a checkpoint, and the same command goes on from it.
    """
    from casecnn.go.planes.warm_up import warm_up
    from casecnn.go.play.selfplay import Rules, rehearse
    from casecnn.go.reinforce.report import reinforcement_facts, reinforcement_text
    from casecnn.go.reinforce.run import reinforce as run
    from casecnn.training.recipe import Recipe

    momentum = 0.0 if optimizer == "sgd" else None  # the paper's steps have none
    recipe = Recipe(
        batch_size=batch_size,
        steps=steps,
        optimizer=optimizer,
        lr=lr,
        clip_norm=clip_norm,
        seed=seed,
        momentum=momentum,
        precision="float32",
    )
    rules = Rules(temperature=temperature, komi=komi, max_moves=max_moves)
    warm_up(rehearse)
    result = run(recipe, output, rules=rules, command=as_typed(), **settings)
    facts = reinforcement_facts(result, output)
    show(output_format, facts, reinforcement_text(facts))
