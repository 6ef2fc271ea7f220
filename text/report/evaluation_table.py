"""An evaluation for people: the figures, a row a label, who is taken for whom, and the reliability table."""

from __future__ import annotations

import math

from casecnn.text.report.curves import mean_of
from casecnn.text.report.evaluation import Evaluation
from casecnn.text.report.highlight import shown

MOST_COLUMNS = 12  # labels of a confusion matrix that is shown whole; of larger ones the most frequent confusions


def evaluation_table(found: Evaluation) -> str:
    """All of it, in blocks with a blank line between them."""
    blocks = [_figures(found), _labels(found), _confusions(found), _calibration(found), _thresholds(found)]
    return "\n\n".join(filter(None, blocks))


def _figures(found: Evaluation) -> str:
    share = f"{100 * found.accuracy:.2f} % +- {100 * found.standard_error:.2f} (standard error)"
    lines = [
        ("texts", f"{found.texts:,}" + (f", {found.without_known_words:,} of them without a known word"
                                       if found.without_known_words else "")),
        ("all labels right" if found.multi_label else "accuracy", share),
        ("macro-F1", f"{100 * found.macro_f1:.2f} %"),
        ("log-loss", f"{found.log_loss:.4f}"),
        ("calibration", f"{100 * found.ece:.2f} % expected calibration error"),
    ]  # fmt: skip
    lines += [(f"top-{k}", f"{100 * value:.2f} % have the true label among the {k} likeliest")
              for k, value in found.top_k.items()]  # fmt: skip
    if found.curves:
        auc, precision = mean_of(found.curves, "roc_auc"), mean_of(found.curves, "average_precision")
        lines.append(("ranking", f"ROC area {auc:.4f}, average precision {precision:.4f}, means over the labels"))
    if found.multi_label:
        lines.insert(3, ("micro-F1", f"{100 * found.micro_f1:.2f} %"))
    else:
        lines.insert(2, ("most frequent", f"{100 * found.most_frequent:.2f} % have the most frequent label"))
    return "\n".join(f"{name:<17} {value}" for name, value in lines)


def _labels(found: Evaluation) -> str:
    width = max(5, *(len(shown(row.label)) for row in found.rows))
    lines = [f"{'label':<{width}} {'texts':>9} {'given':>9} {'precision':>9} {'recall':>9} {'F1':>9}"]
    for row in found.rows:
        shares = " ".join(
            f"{'-' if math.isnan(value) else format(100 * value, '.2f'):>9}"
            for value in (row.precision, row.recall, row.f1)
        )
        lines.append(f"{shown(row.label):<{width}} {row.texts:>9,} {row.given:>9,} {shares}")
    return "\n".join(lines)


def _confusions(found: Evaluation) -> str:
    names = [shown(label) for label in found.labels]
    width = max(map(len, names))
    if found.multi_label:
        lines = [f"{'':<{width}} {'missed':>9} {'too much':>9}"]
        for name, counts in zip(names, found.confusion.tolist(), strict=True):
            lines.append(f"{name:<{width}} {counts[1][0]:>9,} {counts[0][1]:>9,}")
        return "\n".join(lines)
    if len(names) <= MOST_COLUMNS:
        widths = [max(7, len(name)) for name in names]
        head = " ".join(f"{name:>{size}}" for name, size in zip(names, widths, strict=True))
        lines = ["rows: the true label; columns: the label given", f"{'':<{width}} {head}"]
        for name, counts in zip(names, found.confusion.tolist(), strict=True):
            cells = " ".join(f"{count:>{size},}" for count, size in zip(counts, widths, strict=True))
            lines.append(f"{name:<{width}} {cells}")
        return "\n".join(lines)
    pairs = [
        (count, names[true], names[given])
        for true, counts in enumerate(found.confusion.tolist())
        for given, count in enumerate(counts)
        if count and true != given
    ]
    pairs.sort(key=lambda pair: -pair[0])
    lines = [f"{count:>9,}  {true} taken for {given}" for count, true, given in pairs[:20]]
    return "\n".join(["the most frequent confusions", *lines])


def _calibration(found: Evaluation) -> str:
    lines = [f"{'probability':<13} {'answers':>9} {'mean':>9} {'right':>9}"]
    for entry in found.bins:
        if entry.answers:
            span = f"{entry.low:.2f} - {entry.high:.2f}"
            lines.append(
                f"{span:<13} {entry.answers:>9,} {100 * entry.confidence:>8.2f}% {100 * entry.accuracy:>8.2f}%"
            )
    return "\n".join(lines)


def _thresholds(found: Evaluation) -> str:
    """What `--unsure` costs and brings; nothing for a multi-label model."""
    if not found.thresholds:
        return ""
    lines = [f"{'--unsure':<13} {'answers':>9} {'of all':>9} {'right':>9}"]
    for entry in found.thresholds:
        right = "-" if math.isnan(entry.accuracy) else f"{100 * entry.accuracy:.2f}%"
        fraction = f"{100 * entry.answers / found.texts:.2f}%"
        lines.append(f"{entry.least:<13.2f} {entry.answers:>9,} {fraction:>9} {right:>9}")
    return "\n".join(lines)
