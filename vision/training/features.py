"""Features of a net, computed once to disk, and a shallow model on them (Ng's course, week 2: transfer learning)."""

from __future__ import annotations

import hashlib
import json
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from casecnn import console
from casecnn.errors import InputError
from casecnn.files import atomic_write, write_error
from casecnn.torch_net.build import Network, fuse
from casecnn.vision.pipeline.images import Images, Undecoded, in_order
from casecnn.vision.pipeline.preprocess import Preprocess

STRENGTHS = (0.001, 0.01, 0.1, 1.0, 10.0)
"""The inverse strengths of regularisation (C) that are tried on a fifth of the images, held out."""


class Features(NamedTuple):
    """What a net makes of each image before its last layer: float32 [n, units], and labels int64 [n]."""

    values: np.ndarray
    labels: np.ndarray


class Shallow(NamedTuple):
    """A linear classifier of features: weight float32 [classes, units], bias [classes], and how it came about."""

    weight: Tensor
    bias: Tensor
    strength: float
    held_out_error: float | None


@torch.no_grad()
def compute_features(
    module: Network,
    head: str,
    images: Images,
    preprocess: Preprocess,
    *,
    device: torch.device | None = None,
    batch_size: int = 64,
    threads: int = 2,
    progress: bool = True,
) -> Features:
    """Run images, shown as in measuring, through a net and keep what enters its layer `head`.

    BatchNorm is folded and dropout rests. Images that cannot be read are left out.
    """
    device = device or torch.device("cpu")
    net = fuse(module).to(device)
    kept: list[Tensor] = []
    last: nn.Module = net.get_submodule(head)
    last.register_forward_pre_hook(lambda _, arguments: kept.append(arguments[0].float().cpu()))
    labels = []
    with console.progress(len(images), "image", "features", shown=progress, delay=2) as bar:
        for inputs, own, _ in in_order(images, preprocess, batch_size, threads):
            net(inputs.to(device))
            labels.append(own.numpy())
            bar.update(len(own))
    if not labels:
        raise InputError("none of the images can be read, so there are no features")
    return Features(torch.cat(kept).numpy(), np.concatenate(labels))


def features_on_disk(
    folder: Path, part: str, module: Network, head: str, images: Images, preprocess: Preprocess, **options
) -> tuple[Features, bool]:
    """Return the features of `images`, and whether they were on disk.

    They come from `folder`/features-PART.npz where those are of the same net and images, else they are computed and
    written there.
    """
    key = fingerprint(module, head, images, preprocess)
    path = folder / f"features-{part}.npz"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            with np.load(path, allow_pickle=False) as stored:
                if str(stored["key"]) == key:
                    return Features(stored["values"], stored["labels"]), True
    except (ValueError, KeyError, EOFError) as error:
        console.warn(f"'{path}' is damaged and is computed anew ({error})")
    except OSError as error:
        raise write_error(folder, error) from error
    features = compute_features(module, head, images, preprocess, **options)
    with atomic_write(path) as stream:
        np.savez(stream, key=np.array(key), values=features.values, labels=features.labels)
    return features, False


def fingerprint(module: Network, head: str, images: Images, preprocess: Preprocess) -> str:
    """A SHA-256 over all that features depend on: the weights before `head`, the preprocessing and the images.

    Images in files are told apart by name, size and time of change, not by their content.
    """
    digest = hashlib.sha256(json.dumps([str(module.declaration.layers), head, str(preprocess)]).encode())
    for name, value in module.state_dict().items():
        if not name.startswith(f"{head}."):
            digest.update(name.encode())
            digest.update(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes())
    digest.update(np.ascontiguousarray(images.labels).tobytes())
    if isinstance(images, Undecoded):
        for name, content in zip(images.names, images.contents, strict=True):
            if isinstance(content, Path):
                status = content.stat() if content.exists() else None
                digest.update(f"{content}:{status and (status.st_size, status.st_mtime_ns)}".encode())
            else:
                digest.update(f"{name}:".encode())
                digest.update(b"" if content is None else bytes(content))
    else:
        digest.update(np.ascontiguousarray(images.pixels).tobytes())
    return digest.hexdigest()


def fit_shallow(features: Features, classes: tuple[str, ...], strength: float | None = None, seed: int = 0) -> Shallow:
    """Logistic regression (scikit-learn) on features, each brought to mean 0 and variance 1 first.

    `strength` is scikit-learn's C; None tries STRENGTHS on a fifth of the images, held out, and takes the best. The
    scaling is multiplied into the weights, so that weight @ features + bias are the logits. Raises InputError where a
    class has no image.
    """
    from sklearn.model_selection import train_test_split

    counts = np.bincount(features.labels, minlength=len(classes))
    if (counts == 0).any():
        raise InputError(f"class '{classes[int(counts.argmin())]}' has no image that can be read")
    error = None
    if strength is None:
        strength, least = 1.0, 2.0
        if counts.min() >= 2 and len(features.labels) >= 5 * len(classes):
            parts = train_test_split(
                np.arange(len(features.labels)), test_size=0.2, random_state=seed, stratify=features.labels
            )
            fitted, held = (Features(features.values[part], features.labels[part]) for part in parts)
            for candidate in STRENGTHS:
                weight, bias = _logistic(fitted, candidate)
                wrong = float(((held.values @ weight.T + bias).argmax(1) != held.labels).mean())
                if wrong < least:
                    strength, least = candidate, wrong
            error = least
    weight, bias = _logistic(features, strength)
    return Shallow(
        torch.from_numpy(weight.astype(np.float32)), torch.from_numpy(bias.astype(np.float32)), strength, error
    )


def _logistic(features: Features, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights [classes, units] and biases of a logistic regression on the features as they are."""
    from sklearn.linear_model import LogisticRegression

    mean = features.values.mean(0, dtype=np.float64)
    std = features.values.std(0, dtype=np.float64)
    std[std < 1e-8] = 1.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an optimum missed by a little is no reason to alarm anybody
        model = LogisticRegression(C=strength, max_iter=500).fit((features.values - mean) / std, features.labels)
    weight, bias = model.coef_, model.intercept_
    if len(weight) == 1:  # two classes: one row, the logit of the second
        weight, bias = np.concatenate([0 * weight, weight]), np.concatenate([0 * bias, bias])
    weight = weight / std
    return weight, bias - weight @ mean
