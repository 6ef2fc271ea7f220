"""Games in the formats of servers that do not write SGF: GIB (Tygem), NGF (wBaduk), UGF and UGI (PandaNet).

Each becomes a game tree with the SGF properties that it has something to say about: size, komi, handicap and its
stones, names, ranks, date, place, result, moves. Times and comments are not kept.

None of the formats is documented by its server; this follows what the files look like and what other readers of them
(CGoban, Sabaki, gofish) take them for. A GIB counts columns and rows from 0 at the top left, an NGF writes them as
letters from B, a UGF as letters from A, its rows from the bottom where it says ``CoordinateType=IGS``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from sgfmill.sgf_grammar import Coarse_game_tree

from casecnn.go.board.coordinates import to_sgf
from casecnn.go.board.handicap import fixed_handicap
from casecnn.go.board.record import MAX_SIZE, MIN_SIZE
from casecnn.go.sgf.collection import GameTree
from casecnn.go.sgf.failure import Failure

_LETTERS = {"1": "B", "2": "W"}
_GIB_RESULTS = {0: "B+", 1: "W+", 3: "B+R", 4: "W+R", 7: "B+T", 8: "W+T"}
_LONGEST = 200


class _Unreadable(Exception):
    """A game in one of the formats that cannot be read: the rest of the sentence after its name."""


class _Game:
    """A game tree of one line, filled from the top."""

    def __init__(self) -> None:
        self.root: dict[str, list[bytes]] = {}
        self.nodes = [self.root]
        self.size = 19

    def say(self, name: str, text: str) -> None:
        """Sets a property of the root, if there is anything to say."""
        text = text.strip()[:_LONGEST]
        if text:
            self.root[name] = [text.replace("\\", "\\\\").replace("]", "\\]").encode("utf-8", "surrogateescape")]

    def point(self, column: int, row: int) -> str:
        """The SGF point of a column and row from 0; none, a pass, for a point beside the board."""
        on_board = 0 <= column < self.size and 0 <= row < self.size
        return to_sgf(row * self.size + column, self.size) if on_board else ""

    def play(self, colour: str, point: str) -> None:
        """Appends a move."""
        self.nodes.append({colour: [point.encode()]})

    def place(self, points: Iterable[str]) -> None:
        """Sets up black stones in the root."""
        self.root.setdefault("AB", []).extend(point.encode() for point in points if point)

    def place_handicap(self, stones: int) -> None:
        """Sets up a handicap; these servers place its stones as GTP does."""
        self.place(to_sgf(move, self.size) for move in fixed_handicap(min(stones, 9), self.size) or ())

    def set_size(self, text: str) -> None:
        """Takes the size of the board."""
        if not (text.isdecimal() and text.isascii() and MIN_SIZE <= int(text[:4]) <= MAX_SIZE):
            raise _Unreadable(f"has a board of size {text[:10]!r}; sizes {MIN_SIZE} to {MAX_SIZE} are read")
        self.size = int(text)

    def tree(self) -> Coarse_game_tree:
        """All of it, with the size in the root."""
        if len(self.nodes) == 1 and "AB" not in self.root:
            raise _Unreadable("has no moves")
        tree = Coarse_game_tree()
        self.root["SZ"] = [str(self.size).encode()]
        tree.sequence = self.nodes
        return tree


def is_server_format(data: bytes) -> str:
    """GIB, NGF or UGF, told by how the text starts; nothing for anything else."""
    start = data[:4000].lstrip(b"\xef\xbb\xbf \t\r\n\0")
    if start.startswith(b"\\HS"):
        return "GIB"
    if start[:8].upper() == b"[HEADER]":
        return "UGF"
    lines = start.splitlines()
    moves = any(re.match(rb"\s*PM..[BW]", one) for one in lines[11:])
    return "NGF" if moves and re.fullmatch(rb"\s*\d{1,2}\s*", lines[1]) else ""


def server_game(kind: str, text: bytes, source: str) -> GameTree | Failure:
    """The game of a text, UTF-8, of the kind that `is_server_format` says it is."""
    lines = text.decode("utf-8", "surrogateescape").splitlines()
    try:
        return GameTree(source, _READERS[kind](lines))
    except _Unreadable as problem:
        return Failure(source, "broken", f"is a {kind} file that {problem}")


def _gib(lines: list[str]) -> Coarse_game_tree:
    game = _Game()
    for line in lines:
        if match := re.match(r"\s*\\\[(\w+)=(.*?)\\?\]?\s*$", line):
            _gib_header(game, match[1].upper(), match[2].removesuffix("\\"))
            continue
        words = line.split()
        if line.lstrip().startswith("INI") and len(words) > 3 and words[3].isdecimal():
            stones = int(words[3][:3])
            if stones >= 2:
                game.say("HA", str(stones))
                game.place_handicap(stones)
        elif words[:1] == ["STO"] and len(words) >= 6 and words[3] in _LETTERS:
            column, row = (int(word[:4]) if word.isdecimal() else -1 for word in words[4:6])
            game.play(_LETTERS[words[3]], game.point(column, row))
        elif words[:1] == ["SKI"] and len(words) >= 4 and words[3] in _LETTERS:
            game.play(_LETTERS[words[3]], "")
    return game.tree()


def _gib_header(game: _Game, key: str, value: str) -> None:
    for name, colour in (("GAMEBLACKNAME", "B"), ("GAMEWHITENAME", "W")):
        if key == name:
            match = re.fullmatch(r"(.*?)\s*(?:\(([^()]*)\))?\s*", value)
            game.say(f"P{colour}", match[1] if match else value)
            game.say(f"{colour}R", (match[2] or "") if match else "")
    if key in ("GAMENAME", "GAMEPLACE"):
        game.say({"GAMENAME": "EV", "GAMEPLACE": "PC"}[key], value)
    elif key == "GAMEDATE":
        game.say("DT", re.sub(r"\s*-\s*", "-", value[:10].strip()))
    elif key == "GAMERESULT" and "RE" not in game.root:
        game.say("RE", _result_in_words(value))
    elif key in ("GAMEINFOMAIN", "GAMETAG"):
        names = {"GAMEINFOMAIN": ("GRLT:", "ZIPSU:", "GONGJE:"), "GAMETAG": ("W", "Z", "G")}[key]
        numbers = [re.search(rf"(?:^|,){name}(\d{{1,4}})", value) for name in names]
        result, points, komi = (int(found[1]) if found else None for found in numbers)
        if komi is not None and "KM" not in game.root:
            game.say("KM", f"{komi / 10:g}")
        if result in _GIB_RESULTS and (key == "GAMEINFOMAIN" or "RE" not in game.root):
            won = _GIB_RESULTS[result]
            game.say("RE", f"{won}{(points or 0) / 10:g}" if won.endswith("+") and points else won)


def _ngf(lines: list[str]) -> Coarse_game_tree:
    game = _Game()
    head = [line.strip() for line in lines[:12]]
    if len(head) < 12:
        raise _Unreadable("breaks off before its moves")
    game.set_size(head[1])
    for colour, line in (("W", head[2]), ("B", head[3])):
        words = line.split()
        game.say(f"P{colour}", words[0] if words else "")
        game.say(f"{colour}R", words[1] if len(words) > 1 else "")
    game.say("PC", head[4])
    stones = int(head[5][:2]) if head[5][:2].isdecimal() else 0
    if re.fullmatch(r"-?\d{1,3}(\.\d+)?", head[7]):
        komi = float(head[7])
        game.say("KM", f"{komi + (0.5 if stones == 0 and komi % 1 == 0 else 0):g}")
    if re.match(r"\d{8}", head[8]):
        game.say("DT", f"{head[8][:4]}-{head[8][4:6]}-{head[8][6:8]}")
    game.say("RE", _result_in_words(head[10]))
    if stones >= 2:
        game.say("HA", str(stones))
        game.place_handicap(stones)
    for line in lines[11:]:
        move = line.strip().upper()
        if re.match(r"PM..[BW]..", move):
            game.play(move[4], game.point(ord(move[5]) - ord("B"), ord(move[6]) - ord("B")))
    return game.tree()


def _ugf(lines: list[str]) -> Coarse_game_tree:
    game = _Game()
    section = ""
    header: dict[str, str] = {}
    stones = 0
    for line in map(str.strip, lines):
        if line.startswith("[") and line.endswith("]"):
            section = line.upper()
            if section == "[DATA]":
                stones = _ugf_header(game, header)
        elif section == "[HEADER]" and "=" in line:
            key, _, value = line.partition("=")
            header[key.strip().upper()] = value.strip()
        elif section == "[DATA]":
            fields = line.upper().split(",")
            if len(fields) < 2 or len(fields[0]) < 2 or fields[1][:1] not in ("B", "W"):
                continue
            column, row = ord(fields[0][0]) - ord("A"), ord(fields[0][1]) - ord("A")
            if header.get("COORDINATETYPE", "").upper() == "IGS":
                row = game.size - 1 - row
            set_up = fields[1][0] == "B" and len(fields) > 2 and fields[2].strip() == "0"
            if set_up and len(game.nodes) == 1 and len(game.root.get("AB", ())) < stones:
                game.place([game.point(column, row)])
            else:
                game.play(fields[1][0], game.point(column, row))
    return game.tree()


def _ugf_header(game: _Game, header: dict[str, str]) -> int:
    """Takes what the header says, and returns how many handicap stones stand at the head of the moves."""
    if "SIZE" in header:
        game.set_size(header["SIZE"])
    stones, _, komi = header.get("HDCP", "").partition(",")
    for name, key in (("PB", "PLAYERB"), ("PW", "PLAYERW")):
        game.say(name, header.get(key, "").split(",")[0])
    for name, key in (("BR", "PLAYERB"), ("WR", "PLAYERW")):
        game.say(name, (header.get(key, "").split(",") + ["", ""])[1])
    for name, key in (("EV", "TITLE"), ("PC", "PLACE"), ("DT", "DATE")):
        game.say(name, header.get(key, "").split(",")[0].replace("/", "-" if name == "DT" else "/"))
    game.say("RU", {"JPN": "Japanese", "CHN": "Chinese"}.get(header.get("RULE", "").upper(), header.get("RULE", "")))
    game.say("KM", komi.split(",")[0])
    winner, _, by = header.get("WINNER", "").partition(",")
    if winner[:1].upper() in ("B", "W"):
        points = by.strip().split(",")[0]
        game.say("RE", f"{winner[0].upper()}+{'R' if points[:1].upper() in ('C', 'R') else points}")
    count = int(stones) if stones.isdecimal() and len(stones) <= 2 else 0
    if count >= 2:
        game.say("HA", str(count))
    return count if count >= 2 else 0


_READERS: dict[str, Callable[[list[str]], Coarse_game_tree]] = {"GIB": _gib, "NGF": _ngf, "UGF": _ugf}


def _result_in_words(text: str) -> str:
    """The result of a sentence such as "white 3.5 win", "Black wins by resign" or 흑 불계승; nothing for another."""
    lower = text.lower()
    winner = "B" if re.search(r"black|흑|黑", lower) else "W" if re.search(r"white|백|白", lower) else ""
    if not winner or not re.search(r"win|won|승|胜|勝", lower):
        return ""
    if re.search(r"resign|불계|中盘|中盤|中押", lower):
        return f"{winner}+R"
    if re.search(r"time|시간", lower):
        return f"{winner}+T"
    points = re.search(r"\d{1,3}(\.\d)?", lower)
    if points:
        return f"{winner}+{points[0]}"
    half = re.search(r"(\d{1,3})?\s*(?:집)?\s*반", lower)
    return f"{winner}+{half[1] or 0}.5" if half else f"{winner}+"
