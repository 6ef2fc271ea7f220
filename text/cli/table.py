"""`casecnn text table`: Table 2 of Kim (2014) on a folder of the seven data sets."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option, option, seed_option
from casecnn.cli.results import show
from casecnn.text.cli import options as text
from casecnn.text.cli.options import changes

SETS = "TREC,CR,MPQA,MR,Subj,SST-2,SST-1"
VARIANTS = "rand,static,non-static,multichannel"


@command()
@click.argument("folder", metavar="FOLDER")
@options.output(": a folder that keeps the finished runs", metavar="DIR")
@option("--sets", default=SETS, metavar="A,B,...", meaning="Data sets")
@option("--variants", default=VARIANTS, metavar="A,B,...", meaning="Kim's variants")
@text.folds("; for sets without a test part")
@text.seeds("; for sets with a test part", default=3)
@option("--phrases/--sentences", default=True, meaning="Train SST on phrases, or sentences only")
@option("--members", default=1, meaning="Train so many nets for each run and average their probabilities")
@options.jobs()
@option("--max-runs", type=click.IntRange(0), meaning="Stop after so many new runs; 0 only prints")
@text.recipe_options
@seed_option
@format_option
def table(
    folder, output, sets, variants, folds, seeds, phrases, members, jobs, max_runs, seed, output_format, **fields
) -> None:
    """Fill the paper's Table 2 from FOLDER with its data sets.

    FOLDER holds rt-polarity.all, stsa.fine.* and stsa.binary.*, sst-trees, subj.all, TREC.*, custrev.all, mpqa.all.

    A finished run is kept in DIR; the same command goes on where it was stopped. The figures: mean ± standard deviation
    over the folds (over the seeds for SST and TREC), and Kim's.
    """
    from casecnn.text.training.paper_table import Plan, as_rows, cells, fill_table, table_text

    plan = Plan(folder, fields["recipe"], fields["vectors"], folds, phrases, tuple(changes(fields).items()), members)
    todo = cells(sets.split(","), variants.split(","), folds, seeds, seed)
    finished = fill_table(plan, todo, output, jobs=jobs, most=max_runs)
    facts = {"settings": plan.digest(), "cells": as_rows(finished)}
    show(output_format, facts, table_text(finished, variants.split(",")))
