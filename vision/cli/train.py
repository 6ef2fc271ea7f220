"""`casecnn vision train`: train a case-study net on labelled images."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import device_option, format_option, option, seed_option
from casecnn.cli.results import as_typed, show
from casecnn.console import speaks, tell
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
@vision.validation
@vision.validation_fraction
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
@option("--momentum", type=float, meaning="Momentum of the updates", otherwise="0.9; muon 0.95")
@options.warmup(otherwise="the recipe's")
@options.clip_norm()
@options.ema()
@option(
    "--label-smoothing",
    type=float,
    metavar="FRACTION",
    meaning="Spread this fraction of the target over all classes",
    otherwise="the recipe's",
)
@options.class_weight(parameter="class_weights", otherwise="all the same")
@option(
    "--stop-after",
    type=int,
    metavar="N",
    meaning="Stop after this many measurements in a row without a new best, and keep the best weights",
    otherwise="never",
)
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
def train(net, data, output, recipe, validation, validation_fraction, epochs, steps, augment, threads, seed,
          output_format, batch_size, optimizer, lr, weight_decay, schedule, momentum, warmup_steps,
          clip_norm, ema_decay, precision, class_weights, **settings) -> None:  # fmt: skip
    """Train NET on the images of DATA; the result is DIR/NET.safetensors.

    DATA is a folder with a folder for each class (or with train and test folders of such), an archive of one, a folder
    of IDX files, or mnist, cifar10, imagenette. A tenth of the training images is held out where there is no part val;
    the part test is measured once, at the end. Curves and confusion matrix are drawn into DIR. Ctrl-C writes a
    checkpoint, and the same command goes on from it. For several processes or GPUs start it with
    `torchrun --nproc-per-node N -m casecnn vision train ...`.
    """
    from casecnn.vision.training.recipes import preset_of

    watched, augmentation = vision.held_out(validation, validation_fraction), vision.augmentation(augment)
    preset = preset_of(net, recipe)
    changes = {"batch_size": batch_size, "optimizer": optimizer, "lr": lr, "weight_decay": weight_decay,
               "schedule": schedule, "momentum": momentum, "warmup_steps": warmup_steps, "clip_norm": clip_norm,
               "ema_decay": ema_decay}  # fmt: skip
    if speaks():
        tell(preset.describe(**changes, epochs=epochs, steps=steps, augmentation=augmentation))
    from casecnn.vision.training.fit import train_net, use_threads
    from casecnn.vision.training.report import draw_report, training_facts, training_text

    use_threads(threads)
    done = train_net(
        net, data, output, preset, validation=watched, epochs=epochs, steps=steps, augmentation=augmentation,
        changes={**changes, "precision": precision}, seed=seed, command=as_typed(),
        weights_of_classes=",".join(class_weights) or None, **settings,
    )  # fmt: skip
    draw_report(done, output)
    show(output_format, training_facts(done, net, preset.name), training_text(done))
