import os

import pytest

from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path, require_file


def test_a_failed_write_leaves_nothing(tmp_path):
    def half_write():
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_write()
    assert list(tmp_path.iterdir()) == []


def test_a_write_replaces_the_old_file_in_one_step(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with atomic_path(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ProtoduneError, match="cannot make its folder"), atomic_path(tmp_path / "file" / "a.txt"):
        pass


def test_a_missing_file_is_named_with_what_to_do(tmp_path):
    with pytest.raises(ProtoduneError, match="found nothing, expected weights; train first"):
        require_file(tmp_path / "w", "weights", "train first")
    with pytest.raises(ProtoduneError, match="found a folder"):
        require_file(tmp_path, "weights", "train first")
