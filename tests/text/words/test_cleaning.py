"""Cleaning: against the rules applied one after the other, against counts known from the paper, and on odd input."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from casecnn.errors import UsageError
from casecnn.text.words.cleaning import (
    CLEANINGS,
    characters,
    cleaning,
    folded,
    kept_letters,
    mr,
    none,
    sst,
    trec,
    unicode,
)


def step_by_step(text: str) -> list[str]:
    """The rule as a chain of replacements, each over the whole text: slow and plain."""
    text = re.sub(r"[^A-Za-z0-9(),!?'`]", " ", text)
    for clitic in ("'s", "'ve", "n't", "'re", "'d", "'ll"):
        text = text.replace(clitic, " " + clitic)
    for mark in ",!()?":
        text = text.replace(mark, f" {mark} ")
    return text.split()


odd = st.text(alphabet="nt'sverdlLS`(),!?.- \t\n\x85\x00aZ09éİK’ſ\ud800", max_size=40)


@given(odd | st.text(max_size=60))
@example("can'tn't''s'd'll've")
@example("n't'sn't 've'")
def test_the_rule_equals_the_chain_of_replacements(text):
    assert trec(text) == step_by_step(text)
    assert mr(text) == [word.lower() for word in step_by_step(text)]
    assert sst(text) == re.sub(r"[^A-Za-z0-9(),!?'`]", " ", text).lower().split()


def test_words_by_hand():
    text = "It's (well, almost) a `must-see`: don't miss it!! They'll say \"5/5\", won't they?"
    expected = "it 's ( well , almost ) a `must see` do n't miss it ! ! they 'll say 5 5 , wo n't they ?".split()
    assert mr(text) == expected
    assert trec("What's the U.S. GDP?") == ["What", "'s", "the", "U", "S", "GDP", "?"]
    assert sst("It 's n't (good), no") == ["it", "'s", "n't", "(good),", "no"]
    assert none(" A  b\tC\n") == ["A", "b", "C"]


def test_folded_takes_text_from_the_web():
    assert mr("clichés") == ["clich", "s"] and folded("clichés") == ["cliches"]
    assert folded("DON’T<br />miss &quot;Amélie&quot; &amp; co") == "do n't miss amelie co".split()
    assert folded("a < b and c > d, 2<3") == "a b and c d , 2 3".split()
    assert folded("<" * 5000 + "a" * 5000) == ["a" * 5000]


def test_unicode_keeps_every_script():
    assert unicode("L’été n'est pas fini, Übermut!") == ["l’été", "n'est", "pas", "fini", ",", "übermut", "!"]
    assert unicode("Это хорошо…") == ["это", "хорошо", "…"]
    assert unicode("这部电影很好。OK?") == ["这", "部", "电", "影", "很", "好", "。", "ok", "?"]
    assert unicode("हिन्दी में") == ["हिन्दी", "में"]  # vowel signs are no punctuation
    assert unicode("👍🏽 ok") == ["👍🏽", "ok"]
    assert unicode("super👍🏽👍❤️👩‍🚀!") == ["super", "👍🏽", "👍", "❤️", "👩‍🚀", "!"]


def test_unicode_cuts_scripts_without_blanks_between_characters():
    assert unicode("ที่นี่ดี ok") == ["ที่", "นี่", "ดี", "ok"]  # Thai: a vowel sign and a tone stay with their consonant
    assert unicode("ខ្មែរ") == ["ខ្មែ", "រ"] and unicode("မြန်မာ") == ["မြ", "န်", "မာ"]  # Khmer, Burmese
    assert unicode("𠮷野家でカﾞ") == ["𠮷", "野", "家", "で", "カﾞ"]  # beyond 16 bits; a voiced mark of half width
    assert unicode("العربية جميلة") == ["العربية", "جميلة"]


def test_characters_are_what_people_see():
    assert characters(" Größe\t 5! ") == ["g", "r", "ö", "ß", "e", "_", "5", "!"]
    assert characters("ที่นี่ ดี") == ["ที่", "นี่", "_", "ดี"]
    assert characters("ＯＫ ﾊﾟ 👩‍🚀") == ["o", "k", "_", "パ", "_", "👩‍🚀"]
    assert characters("سَعيد") == ["سَ", "ع", "ي", "د"]


def test_letters_that_a_cleaning_drops_are_counted():
    assert kept_letters("folded", ["<b>caf&eacute;</b> 12", ""]) == (6, 6)
    assert kept_letters("folded", ["плохо 12"]) == (2, 7) and kept_letters("unicode", ["плохо 12"]) == (7, 7)
    assert kept_letters("characters", ["很好" * 9], most=4) == (18, 18)
    assert kept_letters("folded", []) == (0, 0)


@given(st.text())
def test_every_rule_takes_every_text(text):
    for name, rule in CLEANINGS.items():
        words = rule(text)
        assert all(words) and not any(re.search(r"\s", word) for word in words), name
        assert cleaning(name) is rule


@pytest.mark.parametrize("name", CLEANINGS)
def test_nothing_comes_of_nothing_and_a_megabyte_is_quick(name):
    assert CLEANINGS[name]("") == [] == CLEANINGS[name](" \t\n\x0b ")
    assert CLEANINGS[name]("'" * 1_000_000)
    assert len(CLEANINGS[name]("word isn't here, " * 60_000)) >= 180_000


def test_an_unknown_name_is_refused():
    with pytest.raises(
        UsageError, match=r"^`cleaning` \(=mrr\) must be one of mr, sst, trec, folded, unicode, characters, none$"
    ):
        cleaning("mrr")


@pytest.mark.parametrize(
    ("file", "types", "longest", "empty"),
    [("rt-polarity.all", 18_765, 56, 0), ("mpqa.all", 6_246, 36, 3), ("custrev.all", 5_339, 105, 5)],
)
def test_the_papers_counts(shared_data, file, types, longest, empty):
    lines = (shared_data / "text" / "sentences" / file).read_text("latin-1").split("\n")
    texts = [mr(line.partition(" ")[2]) for line in lines if line]
    assert len({word for words in texts for word in words}) == types
    assert max(map(len, texts)) == longest
    assert sum(not words for words in texts) == empty


def test_long_runs_of_accents_do_not_take_quadratic_time():
    assert folded("a" + "\u0323\u0301" * 200_000 + " b") == ["a", "b"]  # half a minute if they did
    assert folded("a" + "\u0f73" * 200_000 + " b") == ["a", "b"]  # marks that come out of a character


@given(st.text(st.characters(exclude_characters="´‘’ʼ＇")))  # these become apostrophes
def test_accents_are_taken_off_as_unicode_decomposes(text):
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    assert folded(text.replace("&", " ").replace("<", " ")) == folded(plain.replace("&", " ").replace("<", " "))


def test_entities_are_characters_and_endless_ones_are_nothing():
    assert folded("a &#98;ad film") == ["a", "bad", "film"]
    assert folded("a &#" + "9" * 5000 + "; film") == ["a", "film"]
