"""`casecnn go reinforce`: improve a policy net by games against its earlier versions."""

from __future__ import annotations

from typing import Any

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.cli.results import as_typed, show
from casecnn.errors import UsageError
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
    type=click.IntRange(1, 100_000),
    meaning="Games for each update; the paper: 128",
    otherwise="128",
)
@option(
    "--pool-every",
    type=int,
    metavar="STEPS",
    meaning="Steps between two opponents; the paper: 500",
    otherwise="50",
)
@option(
    "--baseline",
    type=click.Choice(["batch", "moving", "none"]),
    meaning="What the outcomes are compared with: the step's other games, the steps before, 0",
    otherwise="batch",
)
@go.visits(", and learn from the search: see below", otherwise="no search")
@option("--round-games", type=int, meaning="With --visits: games of a round", otherwise="64")
@option("--round-steps", type=int, meaning="With --visits: updates after a round's games", otherwise="64")
@option("--last-games", "window", type=int, meaning="With --visits: learn from this many games", otherwise="1000")
@options.batch(", with --visits: positions an update", otherwise="128")
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
def reinforce(output, visits, games_per_step, pool_every, baseline, round_games, round_steps, window, batch_size,
              temperature, komi, max_moves, output_format, **settings) -> None:  # fmt: skip
    """Improve a policy net by games against its earlier versions; the result is DIR/policy.safetensors.

    AlphaGo's second stage: the net plays itself, and the moves of games that it wins become more likely (REINFORCE).
    It starts from the packaged net; where --filters, --layers or --size is given, from random weights instead.
    DIR/pool holds the opponents. Every --evaluate-every steps and at the end the net plays a match against its start;
    DIR/log.jsonl has the figures. Ctrl-C writes a checkpoint, and the same command goes on from it.

    With --visits a search plays, as AlphaGo Zero does: policy and value learn from its visits and results, in rounds of
    games and updates; the result is DIR/policy-value.safetensors. The net that it starts from is brought to --size.
    """
    from casecnn.go.play.game import Rules
    from casecnn.go.reinforce.report import reinforcement_facts, reinforcement_text

    rules = Rules(temperature=temperature, komi=komi, max_moves=max_moves)
    by_gradient = {"games_per_step": games_per_step, "pool_every": pool_every, "baseline": baseline}
    by_search = {"round_games": round_games, "round_steps": round_steps, "window": window, "batch_size": batch_size}
    if visits is None:
        result, weights = _by_gradient(output, rules, _given(by_gradient, by_search, "without `visits`"), **settings)
    else:
        chosen = _given(by_search, by_gradient, f"with `visits` (={visits})")
        result, weights = _by_search(output, rules, visits, chosen, **settings)
    facts = reinforcement_facts(result, weights)
    show(output_format, facts, reinforcement_text(facts))


def _given(of_this: dict[str, Any], of_other: dict[str, Any], way: str) -> dict[str, Any]:
    """The options of one way to learn that were given; raises `UsageError` for one of the other way."""
    for name, value in of_other.items():
        if value is not None:
            raise UsageError(f"`{name}` (={value}) must be left out {way}")
    return {name: value for name, value in of_this.items() if value is not None}


def _by_gradient(output, rules, chosen, steps, optimizer, lr, clip_norm, seed, **settings) -> Any:
    """Learn as AlphaGo does; return the result and the file of weights."""
    from casecnn.go.net.training import WEIGHTS
    from casecnn.go.planes.warm_up import warm_up
    from casecnn.go.play.selfplay import rehearse
    from casecnn.go.reinforce.run import reinforce as run
    from casecnn.training.recipe import Recipe

    recipe = Recipe(
        batch_size=chosen.pop("games_per_step", 128),
        steps=steps,
        optimizer=optimizer,
        lr=lr,
        clip_norm=clip_norm,
        seed=seed,
        momentum=0.0 if optimizer == "sgd" else None,  # the paper's steps have none
        precision="float32",
    )
    warm_up(rehearse)
    chosen = {"pool_every": 50, **chosen}
    return run(recipe, output, rules=rules, command=as_typed(), **chosen, **settings), f"{output}/{WEIGHTS}"


def _by_search(output, rules, visits, chosen, steps, optimizer, lr, clip_norm, seed, **settings) -> Any:
    """Learn as AlphaGo Zero does; return the result and the file of weights."""
    from casecnn.go.net.value_training import WEIGHTS
    from casecnn.go.planes.warm_up import warm_up
    from casecnn.go.reinforce.search_run import reinforce_by_search
    from casecnn.go.search.reading import rehearse
    from casecnn.training.recipe import Recipe

    batch_size = chosen.pop("batch_size", 128)
    recipe = Recipe(
        batch_size=batch_size, steps=steps, optimizer=optimizer, lr=lr, clip_norm=clip_norm, seed=seed, precision="auto"
    )
    warm_up(rehearse)
    result = reinforce_by_search(recipe, output, visits=visits, rules=rules, command=as_typed(), **chosen, **settings)
    return result, f"{output}/{WEIGHTS}"
