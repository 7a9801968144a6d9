"""
This module checks whose a data folder is.
"""

from pathlib import Path

import pytest

from otel_confidence.errors import StoreError
from otel_confidence.store.folder import Folder, strangers


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], []),
        (["lost+found"], []),
        (["thesis.tex", "a.txt", "lost+found"], ["a.txt", "thesis.tex"]),
        (["thesis.tex", "owner.pid"], []),
        (["thesis.tex", "chdb"], []),
        (["thesis.tex", "alerts.sqlite"], []),
    ],
    ids=["empty", "a new file system", "another's", "held before", "with tables", "with alerts"],
)
def test_what_was_not_made_here_is_told(tmp_path: Path, names: list[str], found: list[str]) -> None:
    """
    A folder is another's that holds something and none of what a store makes in it.
    """
    for name in names:
        (tmp_path / name).touch()

    assert found == strangers(tmp_path)


def test_a_folder_that_was_held_is_no_strangers(tmp_path: Path) -> None:
    """
    Neither one that does not exist yet nor one that a store has held is another's.
    """
    folder = tmp_path / "data"
    before = strangers(folder)
    Folder(folder).release()
    (folder / "notes.txt").touch()

    assert ([], []) == (before, strangers(folder))


def test_what_cannot_be_listed_is_refused(tmp_path: Path) -> None:
    """
    A file in the folder's place is named.
    """
    (tmp_path / "data").touch()

    with pytest.raises(StoreError, match="data' cannot be used: Not a directory"):
        strangers(tmp_path / "data")
