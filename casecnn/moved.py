"""Modules under the names that they had before 0.2: they go on working for one version, with a warning.

Old programs import `casecnn.build` or `casecnn.go.policy`, and pickles name the modules of their classes.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

MOVED = {
    "arrays": "weights.safetensors_file",
    "averaging": "training.averaging",
    "build": "torch_net.build",
    "checkpoint": "training.checkpoint",
    "composite": "layers.composite",
    "convolution": "layers.convolution",
    "description": "layers.layer",
    "distributed": "training.distributed",
    "download": "weights.download",
    "epochs": "training.epochs",
    "fuse": "torch_net.fuse",
    "go.annotate": "go.reviews.annotate",
    "go.archive": "go.data.archive",
    "go.board_sizes": "go.net.board_sizes",
    "go.charset": "go.sgf.charset",
    "go.collection": "go.sgf.collection",
    "go.coordinates": "go.board.coordinates",
    "go.dead_stones": "go.search.dead_stones",
    "go.draw": "go.picture.draw",
    "go.ending": "go.play.ending",
    "go.engine": "go.gtp.engine",
    "go.evaluation": "go.net.evaluation",
    "go.failure": "go.sgf.failure",
    "go.features": "go.planes.fast",
    "go.features_plain": "go.planes.plain",
    "go.game_folder": "go.play.game_folder",
    "go.games_batch": "go.play.games_batch",
    "go.gtp_analyze": "go.gtp.analyze",
    "go.gtp_client": "go.matches.client",
    "go.gtp_dispatch": "go.gtp.dispatch",
    "go.gtp_protocol": "go.gtp.protocol",
    "go.handicap": "go.board.handicap",
    "go.header": "go.sgf.header",
    "go.hoshi": "go.board.star_points",
    "go.inference": "go.net.inference",
    "go.ladder_cache": "go.planes.ladder_cache",
    "go.ladders": "go.board.ladders",
    "go.legality": "go.sgf.legality",
    "go.look_ahead": "go.search.look_ahead",
    "go.match": "go.matches.match",
    "go.match_game": "go.matches.game",
    "go.packing": "go.data.packing",
    "go.planes_file": "go.planes.file",
    "go.player": "go.players.player",
    "go.policy": "go.net.policy",
    "go.positions": "go.data.sampling",
    "go.quick_policy": "go.net.quick_policy",
    "go.random_play": "go.search.random_play",
    "go.proportion": "statistics",
    "go.record": "go.board.record",
    "go.reinforce_gradient": "go.reinforce.gradient",
    "go.reinforce_pool": "go.reinforce.pool",
    "go.reinforce_replay": "go.reinforce.replay",
    "go.report": "go.data.report",
    "go.review_chart": "go.reviews.chart",
    "go.review_files": "go.reviews.files",
    "go.review_sgf": "go.reviews.sgf",
    "go.review_summary": "go.reviews.summary",
    "go.review_text": "go.reviews.text",
    "go.rollouts": "go.search.rollouts",
    "go.rules": "go.board.rules",
    "go.scene": "go.picture.scene",
    "go.selfplay": "go.play.selfplay",
    "go.selfplay_run": "go.play.selfplay_run",
    "go.sgf_writer": "go.sgf.writer",
    "go.sources": "go.sgf.sources",
    "go.svg": "go.picture.svg",
    "go.symmetry": "go.board.symmetry",
    "go.tactics": "go.search.tactics",
    "go.text_board": "go.picture.text_board",
    "go.training": "go.net.training",
    "hidden_tiles": "kernels.cpu",
    "historic": "layers.historic",
    "initialise": "torch_net.initialise",
    "meter": "training.meter",
    "muon": "training.muon",
    "net": "layers.net",
    "normalisation": "layers.normalisation",
    "optimizers": "training.optimizers",
    "pointwise": "layers.pointwise",
    "pooling": "layers.pooling",
    "precision": "torch_net.precision",
    "prefetch": "training.prefetch",
    "recipe": "training.recipe",
    "records": "weights.record",
    "reference_historic": "reference.historic",
    "reference_net": "reference.net",
    "row_adadelta": "training.adadelta",
    "row_average": "training.embedding_average",
    "row_kernels": "kernels.row_updates",
    "runlog": "training.log",
    "schedule": "training.schedule",
    "shapes": "layers.shapes",
    "stale": "compiled",
    "text.classify": "text.model.classify",
    "text.cleaning": "text.words.cleaning",
    "text.cli.training_options": "text.cli.options",
    "text.corpus": "text.data.corpus",
    "text.crossval": "text.training.crossval",
    "text.dataset": "text.data.data_sets",
    "text.embed": "text.words.embed",
    "text.evaluation": "text.report.evaluation",
    "text.evaluation_table": "text.report.evaluation_table",
    "text.explain": "text.model.explain",
    "text.gensim_file": "text.words.gensim_file",
    "text.highlight": "text.report.highlight",
    "text.labels": "text.data.labels",
    "text.outside_words": "text.words.outside_words",
    "text.packaged": "text.model.packaged",
    "text.packaged_vectors": "text.words.packaged_vectors",
    "text.packed": "compressed",
    "text.predict": "text.model.predict",
    "text.projection": "text.model.projection",
    "text.recipes": "text.training.recipe",
    "text.sentence_module": "text.net.sentence_module",
    "text.splits": "text.data.splits",
    "text.table": "text.training.paper_table",
    "text.tables": "text.data.examples",
    "text.text_lines": "text.data.lines",
    "text.training_file": "text.training.file",
    "text.vectors": "text.words.vectors",
    "text.vocabulary": "text.words.vocabulary",
    "text.window_pooling": "text.net.window_pooling",
    "tile_chain": "kernels.amx_chain",
    "tile_convolution": "kernels.amx_convolution",
    "tile_gradients": "kernels.amx_gradients",
    "tiles": "kernels.amx",
    "train": "training.loop",
    "validation": "training.validation",
    "vision.arithmetic": "vision.tables.arithmetic",
    "vision.augment": "vision.pipeline.augment",
    "vision.batches": "vision.pipeline.batches",
    "vision.catalogue": "nets.catalogue",
    "vision.classify": "vision.evaluation.classify",
    "vision.confusion": "vision.evaluation.confusion",
    "vision.datasets": "vision.data.data_sets",
    "vision.deconvnet": "vision.look.deconvnet",
    "vision.degradation": "vision.training.degradation",
    "vision.diagram": "vision.tables.diagram",
    "vision.draws": "vision.pipeline.draws",
    "vision.entries": "vision.data.entries",
    "vision.error_rates": "vision.tables.error_rates",
    "vision.evaluation_run": "vision.evaluation.run",
    "vision.evaluation_text": "vision.evaluation.text",
    "vision.features": "vision.training.features",
    "vision.filters": "vision.look.filters",
    "vision.framing": "vision.pipeline.framing",
    "vision.gallery": "vision.look.gallery",
    "vision.gradcam": "vision.look.gradcam",
    "vision.idx": "vision.data.idx",
    "vision.images": "vision.pipeline.image_file",
    "vision.interval": "statistics",
    "vision.labels": "vision.data.labels",
    "vision.layout": "vision.data.layout",
    "vision.listing": "vision.tables.listing",
    "vision.loading": "vision.pipeline.loading",
    "vision.nets": "nets",
    "vision.nets.alexnet": "nets.alexnet",
    "vision.nets.cifar": "nets.cifar",
    "vision.nets.declaration": "nets.declaration",
    "vision.nets.googlenet": "nets.googlenet",
    "vision.nets.lenet": "nets.lenet",
    "vision.nets.lenet1998": "nets.lenet1998",
    "vision.nets.nin": "nets.nin",
    "vision.nets.pattern": "nets.pattern",
    "vision.nets.resnet": "nets.resnet",
    "vision.nets.special": "nets.catalogue",
    "vision.nets.vgg": "nets.vgg",
    "vision.patches": "vision.look.patches",
    "vision.picture": "vision.look.contact_sheet",
    "vision.preprocess": "vision.pipeline.preprocess",
    "vision.published": "vision.tables.published",
    "vision.receptive": "vision.look.receptive",
    "vision.recipes": "vision.training.recipes",
    "vision.resampling": "vision.pipeline.resampling",
    "vision.selfcheck": "vision.evaluation.selfcheck",
    "vision.transfer": "vision.training.transfer",
    "vision.truth": "vision.data.truth",
}
"""Old name to new name, both without the leading "casecnn."."""

TAKEN_APART = {
    "modules": {
        "AdaptiveMeanPooling": "torch_net.pooling.AdaptiveMeanPool",
        "BatchNormalisation": "torch_net.normalisation.BatchNorm",
        "Bias": "torch_net.convolution.PositionBias",
        "Chain": "torch_net.composite.Chain",
        "Convolution": "torch_net.convolution.Conv",
        "FullyConnected": "torch_net.convolution.Linear",
        "GlobalMeanPooling": "torch_net.pooling.GlobalMeanPool",
        "MaxOverTimePooling": "torch_net.pooling.MaxOverTime",
        "MaxPooling": "torch_net.pooling.MaxPool",
        "MeanPooling": "torch_net.pooling.MeanPool",
        "RadialBasisFunctions": "torch_net.historic.RadialBasis",
        "ResidualBlock": "torch_net.composite.Residual",
        "ResponseNormalisation": "torch_net.normalisation.LocalResponseNorm",
        "ScaledHyperbolicTangent": "torch_net.pointwise.ScaledTanh",
        "SideBySide": "torch_net.composite.Branches",
        "TableConvolution": "torch_net.historic.TableConv",
        "TrainableSubsampling": "torch_net.historic.Subsampling",
        "activated": "torch_net.pointwise.activated",
        "add": "torch_net.registry.add",
        "even": "torch_net.padding.even",
        "padded": "torch_net.padding.padded",
        "scaled_tanh": "torch_net.pointwise.scaled_tanh",
    },
    "packed": {
        "PackedConvolution": "inference.prepare.PreparedConv",
        "PackedResidual": "inference.prepare.PreparedResidual",
        "can_pack": "kernels.onednn.can_prepack",
        "pack": "inference.prepare.pack",
    },
}
"""Old modules whose names now live in several: for each of their names, the new one."""


class Moved(Loader):
    """Loads a module by its new name."""

    def __init__(self, new: str) -> None:
        self.new = new

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module with the new name, after a warning that tells it."""
        warnings.warn(
            f"{spec.name} is now {self.new}; the old name goes with version 0.3", DeprecationWarning, stacklevel=2
        )
        module = importlib.import_module(self.new)
        self.own_spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back, which importing replaced; it has run already."""
        module.__spec__ = self.own_spec


class TakenApart(Loader):
    """Loads a module that is no more: its names, from where they live now."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self.names = names

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python make an empty module, after a warning that tells where its names are."""
        homes = sorted({f"casecnn.{new.rpartition('.')[0]}" for new in self.names.values()})
        warnings.warn(
            f"{spec.name} is now {', '.join(homes)}; the old name goes with version 0.3",
            DeprecationWarning,
            stacklevel=2,
        )

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its names, which load on first use."""

        def load(name: str) -> Any:
            if name not in self.names:
                raise AttributeError(f"module '{module.__name__}' has no attribute '{name}'")
            home, _, new = self.names[name].rpartition(".")
            return getattr(importlib.import_module(f"casecnn.{home}"), new)

        module.__getattr__ = load  # type: ignore[method-assign]


class OldNames(MetaPathFinder):
    """Finds modules by their old names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of a module that has moved; None for every other name."""
        package, _, name = fullname.partition(".")
        if package == "casecnn" and name in MOVED:
            return ModuleSpec(fullname, Moved(f"casecnn.{MOVED[name]}"))
        if package == "casecnn" and name in TAKEN_APART:
            return ModuleSpec(fullname, TakenApart(TAKEN_APART[name]))
        return None


def install() -> None:
    """Let Python find modules by their old names too; a second call does nothing."""
    if not any(isinstance(finder, OldNames) for finder in sys.meta_path):
        sys.meta_path.insert(0, OldNames())
