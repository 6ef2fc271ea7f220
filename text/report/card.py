"""A model's card: what it gives, what it was made of and how, and what was measured."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from casecnn.choose import listed
from casecnn.console import printable
from casecnn.text.model.packaged import FOLDER, load_model, pinned_name
from casecnn.weights import record as records

_OWN = ("recipe", "held_out", "classes", "epoch", "texts", "seed", "variant", "vectors", "data", "command")


def card(which: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what is known about a model, a packaged one by name or a file, as JSON values.

    From the model itself: labels, words, windows, feature maps, parameters, how a text is read. From the training that
    made it: data, command, recipe, seed, texts, held-out metrics, where the file has them. Of a packaged model also
    its record: data, measured figures with their commands, licence. Raises what `load_model` raises.
    """
    model = load_model(which)
    pinned = pinned_name(os.fspath(which))
    record = records.read_folder(FOLDER).get(pinned) if pinned else None
    size = os.path.getsize(FOLDER / record.file if record else Path(which))
    found: dict[str, Any] = {
        "name": pinned or os.fspath(which),
        "labels": list(model.labels),
        "multi_label": model.multi_label,
        "words": len(model.words),
        "numbers_per_word": model.dim,
        "channels": len(model.embeddings),
        "windows": {str(window): len(bias) for window, (_, bias) in model.filters.items()},
        "parameters": model.parameters,
        "bytes": size,
        "cleaning": model.cleaning,
        "max_length": model.max_length,
        "part": model.part,
        "spelling": model.spelling,
        "subwords": 0 if model.subwords is None else len(model.subwords),
        "training": _training(model.metadata),
    }
    if record is not None:
        found["record"] = {
            "data": record.data,
            "command": record.command,
            "licence": record.licence,
            "figures": {name: {"value": figure.value, "data": figure.data, "command": figure.command}
                        for name, figure in record.figures.items()},
        }  # fmt: skip
    return found


def card_text(found: Mapping[str, Any]) -> str:
    """Return a card for people, a line a fact."""
    windows = ", ".join(f"{maps} of {window}" for window, maps in found["windows"].items())
    reading = f"cleaning {found['cleaning']}"
    if found["max_length"]:
        reading += f", the first {found['max_length']} words"
    if found["part"]:
        reading += f", long texts in parts of at most {found['part']} words"
    if found["spelling"]:
        reading += ", mistyped words by their spelling"
    if found["subwords"]:
        reading += f", new words by {found['subwords']:,} vectors of n-grams of characters"
    lines = [
        ("model", printable(str(found["name"]))),
        ("labels", listed(found["labels"], 20) + (", several a text or none" if found["multi_label"] else "")),
        ("words", f"{found['words']:,}, {found['numbers_per_word']} numbers each"
         + (f" in {found['channels']} channels" if found["channels"] > 1 else "")),
        ("filters", f"{windows} words"),
        ("parameters", f"{found['parameters']:,} in {found['bytes'] / 1e6:.1f} MB"),
        ("texts", reading),
    ]  # fmt: skip
    training = found["training"]
    for name in ("data", "command", "texts", "epoch", "variant", "vectors", "seed"):
        if training.get(name) not in (None, ""):
            lines.append((f"trained: {name}", printable(str(training[name]))))
    held = training.get("held_out") or {}
    if held.get("texts"):
        metrics = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in held.items() if name != "texts")
        lines.append(("held out", f"{held['texts']} texts: {metrics}"))
    for name, value in training.get("other", {}).items():
        lines.append((printable(name), printable(value)))
    if record := found.get("record"):
        lines += [("data", record["data"]), ("command", record["command"]), ("licence", record["licence"])]
        lines += [(name, f"{figure['value']:.4f} on {figure['data']}; {figure['command']}")
                  for name, figure in record["figures"].items()]  # fmt: skip
    width = max(len(name) for name, _ in lines)
    return "\n".join(f"{name:<{width}}  {value}" for name, value in lines)


def _training(metadata: Mapping[str, str]) -> dict[str, Any]:
    """Return what training wrote into a model; fields that somebody else added are under "other"."""
    found: dict[str, Any] = {name: metadata[name] for name in _OWN if name in metadata}
    for name in ("recipe", "held_out", "classes"):
        if name in found:
            try:
                found[name] = json.loads(found[name])
            except ValueError:
                del found[name]
    if not isinstance(found.get("held_out"), dict):
        found.pop("held_out", None)
    others = {name: value for name, value in metadata.items() if name not in _OWN}
    return {**found, **({"other": others} if others else {})}
