"""Fonts for names in any script: found, found though installed later, or said to be missing."""

from __future__ import annotations

from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager

from casecnn import fonts

MIAO = "\U00016f00\U00016f01"  # letters that hardly a font has


def test_a_font_that_was_installed_later_is_found(monkeypatch):
    """matplotlib keeps a list of fonts; a font that a warning made somebody install is not in it."""
    known = {font.name: font for font in fontManager.ttflist}
    monkeypatch.setattr(fontManager, "ttflist", [known["DejaVu Sans"]])
    monkeypatch.setattr("matplotlib.font_manager.findSystemFonts", lambda: ["none.ttf", known["STIXGeneral"].fname])
    fonts._new_fonts.cache_clear()
    assert fonts.font_for("Kim") == "DejaVu Sans"
    assert fonts.font_for("\u2329Kim\u232a") == "STIXGeneral"
    assert fonts.font_for("\U00016f00") is None
    fonts._new_fonts.cache_clear()


def test_families_begin_with_the_usual_font():
    assert fonts.families(["Kim", "Žižek"]) == ["DejaVu Sans"]


def test_a_figure_says_what_it_cannot_write(capsys, recwarn, tmp_path):
    figure = Figure()
    figure.text(0.1, 0.5, "café")
    figure.text(0.1, 0.1, f"class {MIAO}")
    fonts.fit_fonts(figure)
    assert f"no font of this machine writes class {MIAO}: the picture has boxes instead" in capsys.readouterr().err
    with fonts.quietly():
        figure.savefig(tmp_path / "figure.png")
    assert not recwarn.list and (tmp_path / "figure.png").stat().st_size > 1000
