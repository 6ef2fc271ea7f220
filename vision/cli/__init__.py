"""`casecnn vision`: the table of the vision commands; each lives in a module of its own and loads when it runs."""

from __future__ import annotations

import click

from casecnn.cli.lazy import LazyGroup, LazyTable

COMMANDS: LazyTable = {
    "list": ("casecnn.vision.cli.list", "list_nets", "List the nets by name."),
    "table": ("casecnn.vision.cli.table", "table", "Show a net's layers, what they cost, the published totals."),
    "errors": ("casecnn.vision.cli.errors", "errors", "Print the published error rates, by net or by year."),
    "compare": ("casecnn.vision.cli.compare", "compare", "Compare nets: depth, parameters, multiply-adds, memory."),
    "draw": ("casecnn.vision.cli.compare", "draw", "Draw nets or one module of them, beside each other."),
    "quiz": ("casecnn.vision.cli.quiz", "quiz", "Make a worksheet of questions with worked answers."),
    "arithmetic": ("casecnn.vision.cli.arithmetic", "arithmetic", "Work out a layer's volume, parameters, MACs."),
    "eval": ("casecnn.vision.cli.eval", "evaluate", "Measure a net on labelled images; without data, check the net."),
    "classify": ("casecnn.vision.cli.classify", "classify", "Say what is on images."),
    "train": ("casecnn.vision.cli.train", "train", "Train a net on labelled images with a paper's recipe."),
    "curves": ("casecnn.vision.cli.curves", "curves", "Draw the curves of training runs."),
    "find-rate": ("casecnn.vision.cli.find_rate", "find_rate", "Find the learning rate to train a net with."),
    "transfer": ("casecnn.vision.cli.transfer", "transfer", "Teach a trained net other classes."),
    "visualise": ("casecnn.vision.cli.visualise", "visualise", "Draw what a net has learned: features, Grad-CAM."),
    "export": ("casecnn.vision.cli.export", "export", "Write a net's weights for ONNX, torchvision, safetensors."),
    "degradation": ("casecnn.vision.cli.degradation", "degradation", "Train plain and residual nets alike, compare."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS)
def vision() -> None:
    """The case-study nets, LeNet-5 to ResNet: tables, evaluation, training, understanding."""
