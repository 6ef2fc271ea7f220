"""The page docs/performance.md, made of all files in benchmarks/results.

python benchmarks/performance_page.py
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HEAD = """# Performance

Written by `benchmarks/performance_page.py` from `benchmarks/results/*.json`; do not edit. Inputs a second at
inference, more is better: each contender in a process of its own, with the same weights and the same input, in turn.
How it is measured stands in `benchmarks/inference.py`, which measures another machine with one command:

```
pip install -e .[bench]
python benchmarks/inference.py
```

**casecnn** is what its commands run: `casecnn.inference.prepare.prepare`. **torch** is eager mode, **channels_last**
the same with BatchNorm folded and that memory layout, **compile** `torch.compile` with freezing. *best* is casecnn over
the best of torch's, *peer* over the better of onnxruntime and OpenVINO; *ceiling* is the part of this machine's fastest
convolutions by oneDNN, in multiply-adds a second, that casecnn reaches: more than 1 where Winograd's algorithm does
with fewer. Where instructions are limited, onnxruntime
still uses all that the CPU has: there is no way to limit it.
"""
ORDER = ("casecnn", "torch", "channels_last", "compile", "onnxruntime", "openvino")
TORCH, PEERS = ("torch", "channels_last", "compile"), ("onnxruntime", "openvino")


def write_page(results: Path, page: Path) -> Path:
    """Writes the page; returns its path."""
    parts = [HEAD]
    for path in sorted(results.glob("*.json")):
        content = json.loads(path.read_text())
        if "results" in content and "clock" in content:
            parts += section(content)
        elif "steps" in content:
            parts += training(content)
        elif "pairs" in content:
            parts += versions(content)
    page.write_text("\n".join(parts).rstrip() + "\n")
    return page


def training(content: dict[str, Any]) -> list[str]:
    """The table of training steps."""
    threads = content["threads"]
    clock = "processor time" if threads == 1 else "wall clock"
    lines = [f"\n## Training in float32: {content['cpu']}, {threads} thread{'s' * (threads > 1)}\n"]
    lines.append(f"Samples a second of the fastest step by {clock}, see `benchmarks/training.py`.\n")
    lines.append("| net | batch | instructions | casecnn | torch | channels_last | best | ceiling |")
    lines.append("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    for step in content["steps"]:
        rates = step["rates"]
        cells = [step["net"], str(step["batch"]), step["instructions"]]
        cells += [number(rates[name]) for name in ("casecnn", "torch", "channels_last")]
        cells += [ratio(rates, TORCH), f"{rates['casecnn'] / step['ceiling']:.2f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def versions(content: dict[str, Any]) -> list[str]:
    """The table of a comparison with an earlier version."""
    lines = ["", f"## {content['title']}: {content['cpu']}", "", content["note"], ""]
    lines += ["| work a second | before | now | ratio | range | pairs |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for row in content["pairs"]:
        before, now = (f"{row[when]:,.{0 if row[when] >= 100 else 1}f}" for when in ("before", "now"))
        numbers = f"{before} | {now} | {row['ratio']:.2f}"
        lines.append(
            f"| {row['what']}, {row['unit']} | {numbers} | {row['least']:.2f} to {row['most']:.2f} | {row['pairs']} |"
        )
    return lines


def section(content: dict[str, Any]) -> list[str]:
    """The tables of one file."""
    known = ", ".join(f"{name} {number}" for name, number in content["versions"].items())
    clock = {
        "wall": "Wall clock, the median of the rounds.",
        "cpu": "Processor time of the fastest call, on a machine that other programs used, too.",
    }[content["clock"]]
    lines = [f"\n## {content['cpu']}, {content['cores']} cores\n", f"{clock} {known}."]
    if content.get("note"):
        lines.append(content["note"])
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in content["results"]:
        groups.setdefault((row["instructions"], row["precision"], row["threads"], row["busy"]), []).append(row)
    for (level, precision, threads, busy), rows in groups.items():
        instructions = "all instructions" if level == "DEFAULT" else f"up to {level}"
        beside = ", beside a busy process" if busy else ""
        most = [
            one["macs_per_second"]
            for one in content.get("ceilings", ())
            if (one["instructions"], one["precision"], one["threads"]) == (level, precision, threads)
        ]
        lines += [f"\n### {instructions}, {precision}, {threads} thread{'s' * (threads > 1)}{beside}\n"]
        lines += table(rows, None if busy or not most else most[0])
    return lines + memory(content["results"])


def memory(rows: list[dict[str, Any]]) -> list[str]:
    """How large the weights are that casecnn's kernels lay out, at the largest batch of each net."""
    found: dict[tuple[str, str, str], tuple[int, int]] = {}
    for row in rows:
        kept = row["contenders"].get("casecnn", {}).get("memory", {})
        if kept.get("laid_out") and "weights" in row:
            found[row["net"], row["instructions"], row["precision"]] = kept["laid_out"], row["weights"]
    if not found:
        return []
    lines = ["\n### Memory of weights, MB\n", "As the net has them, and as casecnn's kernels lay them out.\n"]
    lines += ["| net | instructions | number format | plain | laid out |", "| --- | --- | --- | ---: | ---: |"]
    for (net, level, precision), (laid_out, plain) in found.items():
        size = 2 if precision == "bfloat16" else 4
        lines.append(f"| {net} | {level} | {precision} | {size * plain / 1e6:.2f} | {laid_out / 1e6:.2f} |")
    return lines


def table(rows: list[dict[str, Any]], most: float | None) -> list[str]:
    """One table; `most` is the ceiling."""
    names = [name for name in ORDER if any(name in row["contenders"] for row in rows)]
    heads = ["net", "batch", *names, "best", "peer", *(["ceiling"] if most else [])]
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    for row in rows:
        rates = {name: found["rate"] for name, found in row["contenders"].items() if "rate" in found}
        cells = [row["net"], str(row["batch"]), *(number(rates.get(name)) for name in names)]
        cells += [ratio(rates, TORCH), ratio(rates, PEERS)]
        if most:
            share = rates.get("casecnn", 0) * row["macs"] / row["batch"] / most
            cells.append(f"{share:.2f}" if share else "")
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def number(rate: float | None) -> str:
    """Three digits."""
    if rate is None:
        return ""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def ratio(rates: dict[str, float], others: tuple[str, ...]) -> str:
    """Ours over the best of the others."""
    best = max((rates[name] for name in others if name in rates), default=0.0)
    return f"{rates['casecnn'] / best:.2f}" if best and "casecnn" in rates else ""


if __name__ == "__main__":
    folder = Path(__file__).parent
    print(write_page(folder / "results", folder.parent / "docs" / "performance.md"))
