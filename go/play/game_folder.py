"""A folder of played games that grows: SGF files, a line of facts a game, a summary; it can be taken up again.

    game-00001.sgf ...   the games, numbered from 1
    run.json             the settings that shape the games; a run with others is refused
    games.jsonl          one JSON object for each finished game, in the order in which they ended
    summary.json         written at the end, and when a run is interrupted

A game counts as finished once its line is written, which comes after its SGF file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from casecnn.errors import InputError, UsageError
from casecnn.files import atomic_write, read_error, write_error

SETTINGS, LOG, SUMMARY = "run.json", "games.jsonl", "summary.json"


def forget_games(path: Path) -> None:
    """Remove the files of a run from a folder that has the settings of one, and the folder if nothing else is in it.

    Files of games that a run keeps beside (`keep` of `casecnn.go.play.selfplay_run.selfplay`) go, too; others stay.
    """
    if not (path / SETTINGS).is_file():
        return
    try:
        for name in ("game-[0-9]*.sgf", "game-[0-9]*.npz", LOG, SUMMARY, SETTINGS):
            for file in path.glob(name):
                file.unlink()
        if not any(path.iterdir()):
            path.rmdir()
    except OSError as error:
        raise write_error(path, error) from error


class GameFolder:
    """The folder `path`, made if it is not there. `finished` holds the facts of the games by their number, from 1.

    `settings` is what must be the same for the games to belong together, as JSON can hold it; None joins a folder that
    another process of the run has opened. Raises `UsageError` for a folder that holds games of another run, and
    `InputError` where it cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str], settings: dict[str, Any] | None) -> None:
        self.path = Path(path)
        self.finished: dict[int, dict[str, Any]] = {}
        if settings is None:
            self.refresh()
            return
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except FileExistsError as error:
            raise UsageError(f"`output` (={path}) must be a folder, but it is a file") from error
        except OSError as error:
            raise write_error(path, error) from error
        file = self.path / SETTINGS
        if file.exists():
            self.refresh()
        elif mine := sorted({*self.path.glob("game-*.sgf"), *self.path.glob(LOG), *self.path.glob(SUMMARY)}):
            raise UsageError(
                f"`output` (={path}) holds '{mine[0].name}' but no {SETTINGS} of a run; choose another folder"
            )
        if self.finished:
            self._compare(file, json.loads(json.dumps(settings)))
        else:  # nothing to go with: a first try with a slip in the settings binds nobody
            self._write_json(SETTINGS, settings)
        self._write_log(self.finished.values())

    def sgf_path(self, number: int) -> Path:
        """Where the SGF file of a game stands."""
        return self.path / f"game-{number:05d}.sgf"

    def add(self, number: int, sgf: bytes, facts: dict[str, Any]) -> None:
        """Write a finished game."""
        with atomic_write(self.sgf_path(number)) as stream:
            stream.write(sgf)
        facts = {"game": number, **facts}
        try:
            with open(self.path / LOG, "a", encoding="utf-8") as log:
                log.write(json.dumps(facts) + "\n")
        except OSError as error:
            raise write_error(self.path / LOG, error) from error
        self.finished[number] = facts

    def write_summary(self, summary: dict[str, Any], complete: bool = True) -> None:
        """Write summary.json; where the run is complete, put the lines of the log in the order of the games."""
        self._write_json(SUMMARY, summary)
        if complete:
            self._write_log(self.finished[number] for number in sorted(self.finished))

    def _compare(self, file: Path, settings: dict[str, Any]) -> None:
        try:
            before = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise read_error(file, error) from error
        except ValueError as error:
            raise InputError(f"'{file}' is not JSON; choose another `output` folder") from error
        for name in sorted({*before, *settings}) if isinstance(before, dict) else []:
            if before.get(name) != settings.get(name):
                raise UsageError(
                    f"`output` (={self.path}) holds games of another run ({name} {json.dumps(before.get(name))}, now"
                    f" {json.dumps(settings.get(name))}); choose another folder"
                )

    def refresh(self) -> None:
        """Take up what is finished, by other processes too.

        A last line that was cut off does not count, nor does a game whose file is gone: they are played again.
        """
        try:
            lines = (self.path / LOG).read_text(encoding="utf-8").splitlines() if (self.path / LOG).exists() else []
        except OSError as error:
            raise read_error(self.path / LOG, error) from error
        for line in lines:
            try:
                facts = json.loads(line)
                number = int(facts["game"])
            except (ValueError, KeyError, TypeError):
                continue
            if self.sgf_path(number).exists():
                self.finished[number] = facts

    def _write_log(self, lines: Iterable[dict[str, Any]]) -> None:
        with atomic_write(self.path / LOG, "w") as stream:
            stream.writelines(json.dumps(facts) + "\n" for facts in lines)

    def _write_json(self, name: str, content: dict[str, Any]) -> None:
        with atomic_write(self.path / name, "w") as stream:
            stream.write(json.dumps(content, indent=2) + "\n")
