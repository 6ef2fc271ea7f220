"""`casecnn vision train`: train a case-study net on labelled pictures."""

from __future__ import annotations

import json
import sys

import click

from casecnn.cli import device_option, format_option, seed_option


def _list_recipes(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from casecnn.vision.training.recipes import PRESETS

        click.echo("\n".join(preset.describe() for preset in PRESETS.values()))
        context.exit()


@click.command()
@click.argument("net", metavar="NET")
@click.argument("data", metavar="DATA")
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for weights, checkpoint and log.")
@click.option("--recipe", metavar="NAME", help="lenet, lenet-1998, alexnet, vgg, googlenet, resnet or "
              "resnet-cifar.  [default: the one of the net's paper]")  # fmt: skip
@click.option("--list-recipes", is_flag=True, is_eager=True, expose_value=False, callback=_list_recipes,
              help="Print every recipe with what differs from its paper.")  # fmt: skip
@click.option("--test", metavar="DATA", help="Pictures to measure on.  [default: DATA's own part test or val]")
@click.option("--validation", type=float, metavar="SHARE", help="Share of the training pictures to hold out.  "
              "[default: 0.1 where the rate waits for a plateau, else 0]")  # fmt: skip
@click.option("--limit", type=int, metavar="N", help="Train on N of the pictures only.")
@click.option("--epochs", type=float, help="Passes over the pictures.  [default: the recipe's]")
@click.option("--steps", type=int, help="Updates of the weights, in place of --epochs.")
@click.option("--batch", "batch_size", type=int, help="Pictures a step and process.  [default: the recipe's]")
@click.option("--optimizer", type=click.Choice(["sgd", "adamw", "muon"]), help="muon: updates made orthogonal, which "
              "learns more in a short run.  [default: sgd, as the papers]")  # fmt: skip
@click.option("--lr", type=float, help="Peak learning rate.  [default: the recipe's; muon 0.02, adamw 0.002]")
@click.option("--weight-decay", type=float, help="L2 decay of the weights.  [default: the recipe's]")
@click.option("--schedule", type=click.Choice(["constant", "step", "plateau", "cosine", "linear"]),
              help="How the rate falls.  [default: the recipe's]")  # fmt: skip
@click.option("--ema", "ema_decay", type=float, help="Average the weights with this decay, such as 0.999.")
@click.option("--augment", metavar="NAMES", help="Such as mirror,crop=4,rotation=10; none for none.  [default: the "
              "recipe's]")  # fmt: skip
@click.option("--channels", type=click.Choice(["1", "3"]), help="Grey or colour input.  [default: the net's]")
@click.option("--input", "size", type=int, metavar="PIXELS", help="Input height and width.  [default: the net's]")
@click.option("--init", "initial", metavar="FILE", help="Weights to start from.  [default: random ones]")
@click.option("--precision", type=click.Choice(["auto", "float32", "bfloat16"]), default="auto", show_default=True,
              help="auto: bfloat16 where the device gains by it.")  # fmt: skip
@click.option("--evaluate-every", "evaluate_epochs", type=float, default=1.0, show_default=True, metavar="EPOCHS",
              help="Epochs between two measurements.")  # fmt: skip
@click.option("--workers", default=1, show_default=True, help="Threads or processes that decode and distort.")
@click.option("--threads", type=int, help="Threads that the net computes with.  [default: torch's choice]")
@click.option("--checkpoint-minutes", default=5.0, show_default=True, help="Minutes between two checkpoints.")
@click.option("--resume/--no-resume", default=True, show_default=True,
              help="Go on from DIR's checkpoint if there is one.")  # fmt: skip
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
        augmentation=augmentation, channels=int(channels) if channels else None, size=size, initial=initial,
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
