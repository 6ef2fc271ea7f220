"""`casecnn text embed`: word2vec vectors from texts of the user's."""

from __future__ import annotations

import json

import click

from casecnn.cli import format_option, seed_option


@click.command()
@click.argument("corpus", nargs=-1, required=True, metavar="CORPUS...")
@click.option("-o", "--output", required=True, metavar="FILE", help="vectors.kv (gensim), .bin or .txt (word2vec).")
@click.option("--text-column", metavar="NAME|N", help="CORPUS is CSV, TSV or JSON lines; the column of the texts.")
@click.option("--no-header", is_flag=True, help="The first line of a table is data; columns are numbers from 1.")
@click.option("--dim", default=300, show_default=True, help="Numbers of a vector.")
@click.option("--window", default=5, show_default=True, help="Words on each side that count as near.")
@click.option("--epochs", default=5, show_default=True, help="Times that the corpus is gone through.")
@click.option("--min-count", default=3, show_default=True, help="Rarer words get no vector.")
@click.option("--negative", default=5, show_default=True, help="Noise words for each true one.")
@click.option("--sample", default=1e-4, show_default=True, help="Above this share, frequent words are thinned out.")
@click.option("--skip-gram/--cbow", default=True, show_default=True, help="Which of word2vec's two nets.")
@click.option(
    "--cleaning", type=click.Choice(["mr", "sst", "trec", "folded", "unicode", "none"]), default="folded",
    show_default=True, help="How texts become words.",
)  # fmt: skip
@click.option("--workers", type=int, help="Threads; the same seed gives the same vectors with 1.  [default: all cores]")
@seed_option
@format_option
def embed(corpus, output, text_column, no_header, cleaning, seed, output_format, **options) -> None:
    """Train word2vec on CORPUS: files with a text a line, or tables with --text-column.

    Files packed by gzip, bzip2 or xz are unpacked.
    Vectors from texts like yours suit a classifier of such texts better than general ones.
    """
    from casecnn.files import check_writable
    from casecnn.text.data.corpus import corpus_texts
    from casecnn.text.words.embed import embed as train_vectors

    check_writable(output, corpus)
    texts = corpus_texts(corpus, text_column, header=not no_header)
    result = train_vectors(texts, output, rule=cleaning, seed=seed, **options)
    summary = {"vectors": output, "words": result.words, "corpus_words": result.corpus_words, "dim": result.dim}
    if output_format == "json":
        click.echo(json.dumps(summary))
        return
    click.echo(
        f"{output}: {result.words:,} words, {result.dim} numbers each, from {result.corpus_words:,} words of text"
    )
