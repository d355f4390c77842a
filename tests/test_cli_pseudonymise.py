"""``crcne pseudonymise``: exit codes, what is said in each language, and what is never said."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from crcne_stats import cli
from crcne_stats.data.ratings import load_ratings
from crcne_stats.words import languages

HEAD = "etudiant;NOM;formateur;1.1;Remarque\n"
PERSONAL = ("Zoé", "Ygrec", "E0001", "Zède", "zoe@x.fr")
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    monkeypatch.delenv("CRCNE_LANG", raising=False)

    def run(*arguments: object) -> tuple[int, str, str]:
        code = cli.main(["pseudonymise", *map(str, arguments)])
        shown = capsys.readouterr()
        out, err = (text.replace("\u00a0", " ").replace("\u202f", " ") for text in shown)
        assert not any(text in out + err for text in PERSONAL) and "Traceback" not in err
        return code, out, err

    return run


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_text(f"{HEAD}E0001;Ygrec;Mme Zède;2;Zoé est là\n", encoding="utf-8")
    (tmp_path / "apart").mkdir()
    return path


def test_it_says_what_was_written_removed_and_made(said: Said, source: Path, tmp_path: Path) -> None:
    key, out = tmp_path / "apart" / "key.txt", tmp_path / "out.xlsx"
    code, told, err = said(source, out, "--key", key)
    assert (code, err) == (0, "")
    assert "1 ligne écrite, 1 étudiant et 1 formateur sous pseudonyme" in told
    assert "2 colonnes laissées de côté : « NOM », « Remarque »" in told
    assert f"Une clé a été créée : {key}" in told
    assert load_ratings(out).frame["score"].tolist() == [2]
    code, told, err = said(source, tmp_path / "two.csv", "--key", key, "--lang", "en")
    assert (code, err) == (0, "") and f"Key used: {key}" in told and "Data under pseudonyms remain personal" in told


def test_data_that_could_name_somebody_end_with_1(said: Said, source: Path, tmp_path: Path) -> None:
    source.write_text(f"{HEAD}E0001;Ygrec;Zède;voir zoe@x.fr;\n", encoding="utf-8")
    key, out = tmp_path / "apart" / "key.txt", tmp_path / "out.csv"
    code, told, err = said(source, out, "--key", key)
    assert (code, told) == (1, "") and "ligne 2, colonne « 1.1 »" in err
    assert not key.exists() and not out.exists()
    assert said(source, out, "--key", key, "--allow", "1.1")[0] == 0


@pytest.mark.parametrize("lang", languages())
def test_wrong_use_ends_with_2(said: Said, source: Path, tmp_path: Path, lang: str) -> None:
    key, out = tmp_path / "apart" / "key.txt", tmp_path / "out.csv"
    assert said(source, out, "--lang", lang)[0] == 2
    assert said(tmp_path / "none.csv", out, "--key", key, "--lang", lang)[0] == 2
    assert said(source, source, "--key", key, "--lang", lang)[0] == 2
    assert said(source, tmp_path / "out.doc", "--key", key, "--lang", lang)[0] == 2
    assert said(source, out, "--key", tmp_path / "no" / "key.txt", "--lang", lang)[0] == 2
    assert said(source, out, "--key", source.parent / "apart", "--lang", lang)[0] == 2
    key.write_text("crcne-cle-1:00:00\n", encoding="utf-8")
    key.chmod(0o600)
    assert said(source, out, "--key", key, "--lang", lang)[0] == 2
    if os.name == "posix":
        key.chmod(0o644)
        assert "chmod 600" in said(source, out, "--key", key, "--lang", lang)[2]
    out.write_text("x", encoding="utf-8")
    key.unlink()
    assert said(source, out, "--key", key, "--lang", lang)[0] == 2
    assert out.read_text(encoding="utf-8") == "x" and not key.exists()


@pytest.mark.parametrize("lang", languages())
def test_the_help_is_in_one_language(said: Said, lang: str) -> None:
    code, told, err = said("--help", "--lang", lang)
    assert (code, err) == (0, "") and "--key" in told and "--allow" in told
    assert ("SORTIE" in told) == (lang == "fr") and ("OUT" in told) == (lang == "en")
