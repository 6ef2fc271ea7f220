"""`casecnn text blend`: one file of word vectors made of several kinds."""

from __future__ import annotations

import click

from casecnn.cli import options
from casecnn.cli.command import command
from casecnn.cli.options import format_option, option
from casecnn.cli.results import show
from casecnn.text.cli import options as text


@command()
@click.argument("sources", nargs=-1, required=True, metavar="VECTORS...")
@options.output(": vectors.kv (gensim), .bin or .txt (word2vec)", metavar="FILE")
@option(
    "--corpus",
    metavar="FILE",
    multiple=True,
    meaning="Texts whose words get vectors, a text a line or a table; may be repeated",
)
@text.text_column("; the corpus is CSV, TSV or JSON lines", otherwise="")
@text.no_header
@option("--first", default=20_000, metavar="N", meaning="Take the most frequent words of each of the vectors as well")
@option("--shares", metavar="1,0.5,...", meaning="How much each of the vectors counts", otherwise="all the same")
@option("--dim", default=300, meaning="Numbers of a vector")
@option("--spread", default=0.25, meaning="Standard deviation of the numbers")
@text.cleaning(default="folded")
@format_option
def blend(sources, output, corpus, text_column, no_header, first, shares, dim, spread, cleaning, output_format) -> None:
    """Blend several kinds of VECTORS into one file.

    VECTORS are files, names of a package's vectors, or folders of sentence encoders (BERT or MPNet, in Hugging Face's
    layout), which read each word alone. They are put side by side; of all their numbers the principal components are
    kept.
    """
    from casecnn.errors import UsageError
    from casecnn.files import check_writable
    from casecnn.text.data.corpus import corpus_texts
    from casecnn.text.words.blend import blend as blended
    from casecnn.text.words.cleaning import cleaning as rule
    from casecnn.text.words.embed import checked_target, save_vectors
    from casecnn.text.words.vectors import words_of

    try:
        numbers = None if shares is None else [float(share) for share in shares.split(",")]
    except ValueError:
        raise UsageError(f"`shares` (={shares}) must be numbers such as 1,0.5") from None
    check_writable(checked_target(output), [*corpus, *sources])
    words = words_of(map(rule(cleaning), corpus_texts(corpus, text_column, header=not no_header)))
    found = blended(sources, words, dim, first, numbers, spread)
    save_vectors(found.words, found.matrix, output)
    facts = {"vectors": output, "words": len(found), "dim": found.vector_size, "sources": list(sources)}
    show(output_format, facts, f"{output}: {len(found):,} words, {found.vector_size} numbers each")
