"""Records: what they say survives, what is torn is none, and failures are of three kinds."""

import errno

import pytest

from protodune.campaign.records import BEGUN, DAMAGED, DONE, FAILED, OTHER, PASSING, Record, is_full_disk, kind_of
from protodune.core.errors import ProtoduneError
from protodune.core.files import atomic_path

SAME = {"source": {"path": "a.root", "bytes": 1}, "settings": {"tuple": (1, 2)}}
MADE = {"events": [[1, 0, 1]], "lost": [], "images": 1, "output_bytes": 5, "source_bytes": 1}


def test_what_was_written_is_of_the_same_and_of_nothing_else(tmp_path):
    Record.read(tmp_path / "a.json").done(SAME, MADE)
    record = Record.read(tmp_path / "a.json")
    assert record.is_of(SAME, DONE)
    assert not record.is_of(SAME, FAILED)
    assert not record.is_of({**SAME, "settings": {}}, DONE)
    assert record.found["events"] == [[1, 0, 1]]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"status": "done"}', '{"status": "failed", "same": {}}', "[" * 100_000])
def test_what_is_torn_is_no_record(text, tmp_path):
    (tmp_path / "a.json").write_text(text)
    assert Record.read(tmp_path / "a.json").found is None


def test_a_file_at_which_jobs_end_is_not_begun_for_ever(tmp_path):
    path = tmp_path / "a.json"
    for _ in range(2):
        assert not Record.read(path).ended_too_often(SAME)
        Record.read(path).begin(SAME)
    assert Record.read(path).is_of(SAME, BEGUN)
    assert Record.read(path).ended_too_often(SAME)
    assert not Record.read(path).ended_too_often({**SAME, "settings": {}}), "other settings begin anew"
    Record.read(path).forget()
    assert not Record.read(path).ended_too_often(SAME)


def failure(cause):
    try:
        try:
            raise cause
        except OSError:
            raise ProtoduneError("in words") from None  # as readers of files do it
    except ProtoduneError as error:
        return error


def test_kinds_of_failures(tmp_path):
    path = tmp_path / "a.root"
    path.touch()
    assert kind_of(ProtoduneError("damaged"), str(path)) == DAMAGED
    assert kind_of(failure(OSError(errno.EINVAL, "x")), str(path)) == DAMAGED
    assert kind_of(failure(OSError(errno.ESTALE, "x")), str(path)) == PASSING
    assert kind_of(OSError(errno.EIO, "x"), str(path)) == PASSING
    assert kind_of(ProtoduneError("gone"), str(tmp_path / "none.root")) == OTHER
    assert kind_of(ProtoduneError("no connection"), "root://host//a.root") == PASSING


def test_a_full_disk_is_seen_behind_the_words(tmp_path):
    with pytest.raises(ProtoduneError) as caught, atomic_path(tmp_path / "a.txt"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert is_full_disk(caught.value)
    assert not is_full_disk(failure(OSError(errno.EIO, "x")))
