"""A GTP engine for the tests of matches, run as a program: it plays the vertices given and then passes.

    python fake_engine.py [--name N] [--dead "A1 B2" | --no-list] [--score S] [--refuse COMMAND] [VERTEX ...]

Instead of a vertex: crash, exit7, hang, error, "no move", resign, close; and "noise" before a vertex. With
--once FILE it misbehaves only if FILE is not there, and makes it.
"""

import argparse
import os
import signal
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--name", default="fake")
parser.add_argument("--dead", default="")
parser.add_argument("--no-list", action="store_true")
parser.add_argument("--score", default="0")
parser.add_argument("--refuse", default="")
parser.add_argument("--once", default="")
parser.add_argument("--log", default="")
parser.add_argument("vertices", nargs="*")
settings = parser.parse_args()
left: list[str] = []


def tame() -> bool:
    """Whether it has misbehaved already, here or in another process."""
    if not settings.once:
        return False
    try:
        os.close(os.open(settings.once, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return True
    return False


def answer(words: list[str]) -> str:
    name = words[0]
    if name == settings.refuse:
        return "? not today"
    if name == "clear_board":
        left[:] = settings.vertices
    if name == "name":
        return f"= {settings.name}"
    if name == "version":
        return "= 1.0"
    if name == "known_command":
        return "= " + ("false" if settings.no_list and words[1] == "final_status_list" else "true")
    if name == "final_status_list":
        return f"= {settings.dead}"
    if name == "final_score":
        return f"= {settings.score}"
    if name != "genmove":
        return "="
    move = left.pop(0) if left else "pass"
    if move != "pass" and not move[1:].isdigit() and tame():
        return "= pass"
    if move == "crash":
        os.kill(os.getpid(), signal.SIGKILL)
    if move == "exit7":
        print("cannot go on", file=sys.stderr)
        sys.exit(7)
    if move == "close":
        os.close(1)
        time.sleep(300)
    if move == "hang":
        time.sleep(300)
    if move == "error":
        return "? I do not know"
    if move == "noise":
        print("thinking aloud")
        move = left.pop(0)
    return f"= {move}"


for line in sys.stdin:
    words = line.split()
    if not words:
        continue
    if settings.log:
        with open(settings.log, "a") as log:
            log.write(line)
    if words[0] == "quit":
        print("=\n", flush=True)
        break
    print(answer(words) + "\n", flush=True)
