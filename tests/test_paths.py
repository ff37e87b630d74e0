"""Where things go when the usual place cannot be written: a file stands where a folder is wanted, whoever runs this."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from numba import config

from wbclib import paths
from wbclib.represent import compiled

NOWHERE = "/dev/null/home"  # below a device there is no folder, for root neither


@pytest.fixture
def homeless(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No home folder; returns the temporary folder."""
    for name in (
        "XDG_CACHE_HOME",
        "MPLCONFIGDIR",
        "IPYTHONDIR",
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "TORCH_HOME",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", NOWHERE)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_the_cache_is_in_the_study_where_that_can_be_written(study: Path) -> None:
    place = study / "data" / "cache" / "toon" / "a.npz"
    assert paths.cache("toon", "a.npz") == place
    place.parent.mkdir(parents=True)
    place.write_text("")
    assert paths.cache("toon", "a.npz") == place  # again, when it is there


def test_the_cache_is_at_home_where_the_study_cannot_be_written(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (study / "data").write_text("a file in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(study / "home"))
    assert paths.cache("onnx", "a.onnx") == study / "home" / "wbclib" / "onnx" / "a.onnx"
    assert paths.stamps("x") == study / "data" / "cache" / "stamps" / "x"  # these belong to what they stand for


def test_the_cache_is_in_the_temporary_folder_where_there_is_no_home(study: Path, homeless: Path) -> None:
    (study / "data").write_text("a file in the way")
    place = homeless / f"wbclib-{os.getuid()}"
    assert paths.cache("onnx") == place / "onnx" and place.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("taken", ["file", "link", "open to all"])
def test_a_temporary_folder_of_somebody_else_is_not_used(homeless: Path, taken: str) -> None:
    usual = homeless / f"wbclib-{os.getuid()}"
    if taken == "file":
        usual.write_text("")
    elif taken == "link":
        (homeless / "theirs").mkdir()
        usual.symlink_to(homeless / "theirs")
    else:
        usual.mkdir()
        usual.chmod(0o777)
    paths._private.cache_clear()
    assert paths.temporary() not in (usual, homeless / "theirs") and paths.temporary().parent == homeless
    assert paths.temporary() == paths.temporary()
    paths._private.cache_clear()


def test_libraries_are_given_homes_only_where_they_have_none(homeless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = paths.homes()
    ours = {name: path for name, path in found.items() if name != "TORCH_HOME"}
    assert set(ours) == {"MPLCONFIGDIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "XDG_CACHE_HOME"}
    assert all(Path(path).parent == paths.temporary() for path in ours.values())
    assert found["TORCH_HOME"] == f"{NOWHERE}/.cache/torch"  # weights at home are found all the same
    monkeypatch.setenv("MPLCONFIGDIR", "mine")
    assert "MPLCONFIGDIR" not in paths.homes()
    monkeypatch.setenv("HOME", str(homeless))
    assert paths.homes() == {}


def test_kernels_are_kept_elsewhere_where_their_sources_cannot_be_written(
    homeless: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "CACHE_DIR", "")
    compiled.settle()
    beside = paths.writable(Path(compiled.__file__).parent / "__pycache__")
    assert bool(config.CACHE_DIR) is not beside
    monkeypatch.setattr(compiled, "__file__", "/dev/null/compiled.py")
    compiled.settle()
    assert Path(config.CACHE_DIR) == paths.temporary() / "numba"
    monkeypatch.setattr(config, "CACHE_DIR", "chosen")
    compiled.settle()
    assert config.CACHE_DIR == "chosen"


def test_folders_of_the_study_are_absolute_for_what_works_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WBC_ROOT", "here")
    monkeypatch.delenv("WBC_ASSETS", raising=False)
    assert paths.homes()["WBC_ROOT"] == str(tmp_path / "here") and "WBC_ASSETS" not in paths.homes()
