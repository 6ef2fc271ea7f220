"""`casecnn text embed`: word2vec vectors from texts of the user's."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option, option, seed_option
from casecnn.cli.results import show
from casecnn.text.cli import options as text


@command()
@click.argument("corpus", nargs=-1, required=True, metavar="CORPUS...")
@options.output(": vectors.kv (gensim), .bin or .txt (word2vec)", metavar="FILE")
@text.text_column("; CORPUS is CSV, TSV or JSON lines", otherwise="")
@text.no_header
@option("--dim", default=300, meaning="Numbers of a vector")
@option("--window", default=5, meaning="Words on each side that count as near")
@options.epochs(default=5)
@option("--min-count", default=3, meaning="Rarer words get no vector")
@option("--negative", default=5, meaning="Noise words for each true one")
@option("--sample", default=1e-4, metavar="FRACTION", meaning="Thin out words that are more frequent than this")
@option("--skip-gram/--cbow", default=True, meaning="Which of word2vec's two nets")
@text.cleaning(default="folded")
@options.threads(
    "; with 1 the same seed gives the same vectors", parameter="workers", otherwise="all cores", renamed=["--workers"]
)
@seed_option
@format_option
def embed(corpus, output, text_column, no_header, cleaning, seed, output_format, **settings) -> None:
    """Train word2vec on CORPUS: files with a text a line, or tables with --text-column.

    Files packed by gzip, bzip2 or xz are unpacked.
    Vectors from texts like yours suit a classifier of such texts better than general ones.
    """
    from casecnn.files import check_writable
    from casecnn.text.data.corpus import corpus_texts
    from casecnn.text.words.embed import embed as train_vectors

    check_writable(output, corpus)
    texts = corpus_texts(corpus, text_column, header=not no_header)
    found = train_vectors(texts, output, rule=cleaning, seed=seed, **settings)
    facts = {"vectors": output, "words": found.words, "corpus_words": found.corpus_words, "dim": found.dim}
    show(output_format, facts, f"{output}: {found.report()}")
