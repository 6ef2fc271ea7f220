"""What the rules that a game names say about its moves: suicide, the repetition of positions, and how it is counted.

Sources: SGF FF[4], property RU (AGA, GOE, Japanese, NZ); KataGo's sets of rules by name ("GTP Extensions", and its
rules.cpp for French and Ing), with which suicide, repetition and scoring agree. China's rule book forbids repetition,
but games there are played with the simple ko, and so does KataGo take them.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Ruleset(NamedTuple):
    """One set of rules. ``superko`` is "" (simple ko alone), "positional" or "situational" (with the player to move).

    ``suicide`` allows a move that takes off its own chain of two or more stones; a single stone may never do so.
    ``scoring`` is "area" or "territory". ``handicap_bonus`` says how many points White gets for N handicap stones: "0",
    "N-1" or "N".
    """

    name: str
    suicide: bool = False
    superko: str = ""
    scoring: str = "area"
    handicap_bonus: str = "0"

    @property
    def territory(self) -> bool:
        """Whether territory and prisoners count, and stones do not."""
        return self.scoring == "territory"

    def bonus(self, handicap: int) -> int:
        """Points for White in a game with `handicap` stones."""
        return {"0": 0, "N-1": max(0, handicap - 1), "N": handicap if handicap > 1 else 0}[self.handicap_bonus]

    def __str__(self) -> str:
        ko = f"{self.superko} superko" if self.superko else "simple ko"
        return f"{ko}, {'suicide of several stones' if self.suicide else 'no suicide'}, {self.scoring} scoring"


RULESETS = (
    Ruleset("Chinese"),
    Ruleset("Japanese", scoring="territory"),
    Ruleset("Korean", scoring="territory"),
    Ruleset("AGA", superko="situational"),
    Ruleset("French", superko="situational"),
    Ruleset("New Zealand", suicide=True, superko="situational"),
    Ruleset("Tromp-Taylor", suicide=True, superko="positional"),
    Ruleset("Ing", suicide=True, superko="positional"),
    Ruleset("stone scoring"),
)
_WORDS = {
    "Chinese": "chinese|china|cn|中国|中國|中國規則|chinesisch|chinois",
    "Japanese": "japanese|japan|jp|日本|japanisch|japonais",
    "Korean": "korean|korea|kr|韩国|韓国|韓國|한국|koreanisch",
    "AGA": "aga|bga|american|usa",
    "French": "french|ffg|france|français",
    "New Zealand": "nz|new[ _-]?zealand",
    "Tromp-Taylor": "tromp[ _-]*taylor|tt|logical",
    "Ing": "ing|goe|ing's|应氏|應氏|sst",
    "stone scoring": "stone[ _-]?scoring|stone[ _-]?counting",
}
_PATTERNS = {name: re.compile(rf"(?<![a-z])(?:{words})(?![a-z])", re.IGNORECASE) for name, words in _WORDS.items()}
DEFAULT = Ruleset("unknown")


def ruleset(text: str) -> Ruleset | None:
    """The rules behind the text of RU; `DEFAULT` (simple ko, no suicide) for none, None for rules that are not known.

    >>> ruleset("Tromp-Taylor").suicide, str(ruleset("Japanese"))
    (True, 'simple ko, no suicide, territory scoring')
    """
    if not text.strip():
        return DEFAULT
    found = [rules for rules in RULESETS if _PATTERNS[rules.name].search(text)]
    return found[0] if len(found) == 1 else None
