"""KaTrain's own engine class, from PyPI, analyses a game to its end with `casecnn go analysis` as its custom engine."""

from __future__ import annotations

import os
import sys
import time

import pytest

SGF = "(;FF[4]GM[1]SZ[5]KM[6.5]RU[Japanese];B[cc];W[dc];B[cd];W[cb])"


class Application:
    """What KaTrain's game and engine ask of the program around them."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.pondering = False

    def log(self, message: object, level: int = 0) -> None:
        self.lines.append(str(message))

    def __call__(self, *words: object, **more: object) -> None:
        raise AssertionError(f"KaTrain wants to recover: {words}")

    def config(self, setting: str, default: object = None) -> object:
        return default


@pytest.mark.slow
def test_katrain_analyses_a_game_to_its_end(tmp_path, monkeypatch):
    for name in ("KIVY_NO_ARGS", "KIVY_NO_CONSOLELOG", "KIVY_NO_FILELOG"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("KIVY_HOME", str(tmp_path))
    pytest.importorskip("kivy", reason="KaTrain's kivy is not installed")
    core = pytest.importorskip("katrain.core.engine", reason="katrain is not installed")
    from katrain.core.game import Game, KaTrainSGF

    monkeypatch.setenv("PATH", os.path.dirname(sys.executable) + os.pathsep + os.environ["PATH"])
    application = Application()
    settings = {
        "backend": "custom", "altcommand": f'"{sys.executable}" -m casecnn go analysis --rollouts 1', "max_visits": 8,
        "fast_visits": 8, "max_time": 8, "_enable_ownership": True, "wide_root_noise": 0.0, "allow_recovery": False,
    }  # fmt: skip
    engine = core.KataGoEngine(application, settings)
    try:
        root = KaTrainSGF.parse_sgf(SGF)
        Game(application, engine, move_tree=root, analyze_fast=True)
        nodes = [root]
        while nodes[-1].children:
            nodes.append(nodes[-1].children[0])
        end = time.monotonic() + 300
        while not all(node.analysis_complete for node in nodes) and time.monotonic() < end:
            time.sleep(0.1)
    finally:
        engine.shutdown(finish=None)
    assert len(nodes) == 5 and all(node.analysis_complete for node in nodes)
    assert all(node.candidate_moves and len(node.policy) == 26 and len(node.ownership) == 25 for node in nodes)
    assert not [line for line in application.lines if "error" in line.lower()]
