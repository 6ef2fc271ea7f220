"""Rule sets by the names and in the JSON that KataGo uses, so that programs which speak to KataGo are understood.

Source: KataGo's documentation, "Supported Go Rules" and "GTP Extensions", and its rules.cpp, which reads the names and
takes Tromp-Taylor's rules for what a JSON object leaves out. Rules with a tax on all groups (stone scoring) or with a
button are not supported.
"""

from __future__ import annotations

import json
from typing import Any

from casecnn.checks import one_of
from casecnn.choose import pick
from casecnn.errors import UsageError
from casecnn.go.board.rulesets import DEFAULT, Ruleset

_KO = {"SIMPLE": "", "POSITIONAL": "positional", "SITUATIONAL": "situational"}
_FIXED = {"hasButton": (False,), "tax": ("NONE", "SEKI"), "friendlyPassOk": (False, True)}
_CHINESE = Ruleset("Chinese", handicap_bonus="N")
_AGA = Ruleset("AGA", superko="situational", handicap_bonus="N-1")
_NEW_ZEALAND = Ruleset("New Zealand", suicide=True, superko="situational")
_TROMP_TAYLOR = Ruleset("Tromp-Taylor", suicide=True, superko="positional")
_ING = Ruleset("Ing", suicide=True, superko="positional")
_CHINESE_ONLINE = _CHINESE._replace(superko="positional")

NAMED = {
    "chinese": _CHINESE,
    "chinese-ogs": _CHINESE_ONLINE,
    "chinese_ogs": _CHINESE_ONLINE,
    "chineseogs": _CHINESE_ONLINE,
    "chinese-kgs": _CHINESE_ONLINE,
    "chinese_kgs": _CHINESE_ONLINE,
    "chinesekgs": _CHINESE_ONLINE,
    "japanese": Ruleset("Japanese", scoring="territory"),
    "korean": Ruleset("Korean", scoring="territory"),
    "aga": _AGA,
    "bga": _AGA,
    "french": _AGA._replace(name="French"),
    "new-zealand": _NEW_ZEALAND,
    "new zealand": _NEW_ZEALAND,
    "new_zealand": _NEW_ZEALAND,
    "newzealand": _NEW_ZEALAND,
    "nz": _NEW_ZEALAND,
    "tromp-taylor": _TROMP_TAYLOR,
    "tromp_taylor": _TROMP_TAYLOR,
    "tromp taylor": _TROMP_TAYLOR,
    "tromptaylor": _TROMP_TAYLOR,
    "ing": _ING,
    "goe": _ING,
}


def ruleset_of(text: str | dict[str, Any]) -> Ruleset:
    """The rules behind a name, or behind KataGo's JSON object, as text or read.

    What an object leaves out is as under Tromp-Taylor rules, as KataGo has it. Raises `UsageError` for a name or field
    that is not known, and for rules that are not supported.
    >>> ruleset_of("Japanese").scoring, ruleset_of('{"ko": "POSITIONAL", "suicide": true}').suicide
    ('territory', True)
    """
    if isinstance(text, str):
        if not text.lstrip().startswith("{"):
            return pick("rule set", text.strip().lower(), NAMED)
        try:
            text = json.loads(text)
        except ValueError as error:
            raise UsageError(f"the rules are no JSON object: {error}") from error
    if not isinstance(text, dict):
        raise UsageError("the rules must be a name or an object")
    rules = _TROMP_TAYLOR
    for name, value in text.items():
        rules = with_field(rules, name, value)
    tax = text.get("tax", "SEKI" if rules.territory else "NONE")
    if tax != ("SEKI" if rules.territory else "NONE"):
        raise UsageError(f"rules with tax {tax} and {rules.scoring} scoring are not supported")
    return rules


def with_field(rules: Ruleset, name: str, value: Any) -> Ruleset:
    """The same rules with one field of KataGo's object set; raises `UsageError` as `ruleset_of`."""
    if name in _FIXED:
        one_of(name, value, _FIXED[name])
        return rules
    changes: dict[str, Any]
    if name == "suicide":
        changes = {"suicide": one_of(name, value, (False, True))}
    elif name == "ko":
        changes = {"superko": _KO[one_of(name, value, list(_KO))]}
    elif name in ("scoring", "score"):
        changes = {"scoring": one_of(name, value, ("AREA", "TERRITORY")).lower()}
    elif name == "whiteHandicapBonus":
        changes = {"handicap_bonus": one_of(name, value, ("0", "N-1", "N"))}
    else:
        raise UsageError(f"there is no rule '{name[:40]}'; choose from {', '.join(as_dict(rules))}")
    return rules._replace(name=DEFAULT.name, **changes)


def as_dict(rules: Ruleset) -> dict[str, Any]:
    """The rules as KataGo writes them in JSON."""
    return {
        "friendlyPassOk": not rules.territory,
        "hasButton": False,
        "ko": next(name for name, superko in _KO.items() if superko == rules.superko),
        "scoring": rules.scoring.upper(),
        "suicide": rules.suicide,
        "tax": "SEKI" if rules.territory else "NONE",
        "whiteHandicapBonus": rules.handicap_bonus,
    }
