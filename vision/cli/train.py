"""`casecnn vision train`: train a case-study net on labelled pictures."""

from __future__ import annotations

import json
import sys

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.vision.cli import options as vision

RECIPES = ["lenet", "lenet-1998", "alexnet", "vgg", "googlenet", "resnet", "resnet-cifar", "resnet-cifar-short"]


def _list_recipes(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from casecnn.vision.training.recipes import PRESETS

        click.echo("\n".join(preset.describe() for preset in PRESETS.values()))
        context.exit()


@command()
@click.argument("net", metavar="NET")
@click.argument("data", metavar="DATA")
@options.output(": weights, checkpoint and log", metavar="DIR")
@options.recipe(type=click.Choice(RECIPES), otherwise="the one of the net's paper")
@option(
    "--list-recipes",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_list_recipes,
    meaning="Print every recipe with what differs from its paper",
)
@vision.test()
@options.validation_fraction(
    parameter="validation", otherwise="0.1 where the rate waits for a plateau, else 0", renamed=["--validation"]
)
@options.limit(" to train on")
@options.epochs(type=float, otherwise="the recipe's")
@options.steps(", in place of --epochs")
@options.batch(": images a step and process", otherwise="the recipe's")
@options.optimizer(
    "; muon: updates made orthogonal, which learns more in a short run",
    type=click.Choice(["sgd", "adamw", "muon"]),
    otherwise="sgd, as the papers",
)
@options.lr(otherwise="the recipe's; muon 0.02, adamw 0.002")
@options.weight_decay(otherwise="the recipe's")
@options.schedule(type=click.Choice(["constant", "step", "plateau", "cosine", "linear"]), otherwise="the recipe's")
@options.ema()
@vision.augment(otherwise="the recipe's")
@vision.channels(otherwise="the net's")
@options.input_size(": height and width, which are the same", type=int, metavar="PIXELS", otherwise="the net's")
@options.initial(metavar="FILE", otherwise="random ones")
@options.precision()
@option(
    "--evaluate-every-epochs",
    "evaluate_epochs",
    default=1.0,
    metavar="EPOCHS",
    meaning="Epochs between two measurements",
    renamed=["--evaluate-every"],
)
@options.workers(": threads or processes that decode and distort", default=1)
@options.threads(otherwise="torch's choice")
@options.checkpoint_minutes()
@options.resume()
@device_option
@seed_option
@format_option
def train(net, data, output, recipe, test, validation, limit, epochs, steps, augment, channels, size, initial,
          evaluate_epochs, workers, threads, checkpoint_minutes, resume, device, seed, output_format,
          **changes) -> None:  # fmt: skip
    """Train NET on the pictures of DATA; the result is DIR/NET.safetensors.

    DATA is a folder with a folder for each class (or with train and test folders of such), an archive of one, a folder
    of IDX files, or mnist, cifar10, imagenette. Ctrl-C writes a checkpoint, and the same command goes on from it. For
    several processes or GPUs start it with `torchrun --nproc-per-node N -m casecnn vision train ...`.
    """
    from casecnn.nets.catalogue import get_net
    from casecnn.vision.pipeline.augment import parse_augmentation
    from casecnn.vision.training.recipes import find_preset, preset_for

    declared = get_net(net)
    preset = find_preset(recipe) if recipe else preset_for(net, declared.input[1])
    augmentation = parse_augmentation(augment) if augment is not None else None
    given = {name: value for name, value in changes.items() if name != "precision"}
    click.echo(preset.describe(**given, epochs=epochs, steps=steps, augmentation=augmentation), err=True)
    from casecnn.vision.training.fit import train_net, use_threads

    use_threads(threads)
    trained = train_net(
        net, data, output, preset, test=test, validation=validation, limit=limit, epochs=epochs, steps=steps,
        augmentation=augmentation, channels=channels, size=size, initial=initial,
        evaluate_epochs=evaluate_epochs, workers=workers, seed=seed, command=" ".join(["casecnn", *sys.argv[1:]]),
        changes=changes, checkpoint_minutes=checkpoint_minutes, resume=resume, device=device,
    )  # fmt: skip
    result = trained.result
    if not result.first:
        return
    summary = {
        "weights": str(trained.weights),
        "net": net,
        "recipe": preset.name,
        "parameters": trained.declaration.parameters,
        "steps": result.step,
        "seconds": round(result.elapsed, 1),
        "test": trained.figures,
        "best": None if result.best is None else {"step": result.best.step, **result.best.metrics},
    }
    if output_format == "json":
        click.echo(json.dumps(summary))
        return
    click.echo(f"{summary['weights']}: {result.step:,} steps in {result.elapsed:.0f} s")
    if trained.figures is not None:
        count = int(trained.figures["pictures"])
        click.echo(f"test error {trained.figures['error']:.2%} of {count:,} pictures (last weights, not chosen by it)")
