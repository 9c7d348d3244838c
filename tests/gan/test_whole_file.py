"""A file is there whole or not at all, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from gan.whole_file import whole_file


def test_what_was_not_written_to_its_end_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    path.write_bytes(b"before")

    def out_of_room() -> None:
        with whole_file(path) as file:
            file.write(b"aft")
            raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        out_of_room()
    assert path.read_bytes() == b"before"
    assert list(tmp_path.iterdir()) == [path]
