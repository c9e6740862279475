"""What is kept between runs gives what was found, and a cache that is damaged or cannot be written is none."""

import json
import os

import pytest

from protodune.dag import digest
from protodune.dag.kept import MAX_ENTRIES, Kept


@pytest.fixture(autouse=True)
def cache_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "protodune"


def never():
    raise AssertionError("it was kept")


def test_what_was_found_is_not_looked_for_again(cache_folder):
    first = Kept("a", "1")
    assert first.get("key", lambda: ("text", ["x", "y"])) == ("text", ["x", "y"])
    first.save()
    assert Kept("a", "1").get("key", never) == ("text", ["x", "y"])
    assert Kept("a", "2").get("key", lambda: ("new", [])) == ("new", []), "found in another way"
    assert [p.name for p in cache_folder.iterdir()] == ["a.json"]


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": "1"}', '{"version": "1", "found": 3}', '{"version": "1", "found": {"key": "text"}}',
     '{"version": "1", "found": {"key": ["text", [3]]}}', '{"version": "1", "found": {"key": [null, []]}}'],
)  # fmt: skip
def test_a_damaged_cache_is_none(cache_folder, content):
    cache_folder.mkdir()
    (cache_folder / "a.json").write_text(content)
    assert Kept("a", "1").get("key", lambda: ("text", [])) == ("text", [])


def test_a_cache_does_not_grow_for_ever(cache_folder):
    cache_folder.mkdir()
    found = {str(i): ["text", []] for i in range(MAX_ENTRIES + 1)}
    (cache_folder / "a.json").write_text(json.dumps({"version": "1", "found": found}))
    assert Kept("a", "1").get("5", lambda: ("new", [])) == ("new", [])


def test_a_folder_that_cannot_be_written_is_no_error(cache_folder):
    cache_folder.write_text("a file in the place of the folder")
    kept = Kept("a", "1")
    kept.get("key", lambda: ("text", []))
    kept.save()
    assert os.listdir(cache_folder.parent) == ["protodune"]


def test_digests_are_the_same_with_and_without(cache_folder):
    found = []
    for _ in range(2):
        for function in (digest._kept, digest._facts, digest._imports, digest.code_digest):
            function.cache_clear()
        found.append(digest.code_digest("protodune.stages.measure.table"))
    assert (cache_folder / "code_digests.json").is_file()
    assert found[0] == found[1]
