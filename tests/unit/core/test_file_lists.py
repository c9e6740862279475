"""Names of many files: patterns and lists."""

import pytest

from protodune.core.errors import ProtoduneError
from protodune.core.file_lists import expand, name_of, names_many


def test_a_pattern_is_what_it_matches_in_order(tmp_path):
    for name in ("b.root", "a.root", "c.txt"):
        (tmp_path / name).touch()
    (tmp_path / "d.root").mkdir()
    assert names_many(f"{tmp_path}/*.root")
    assert expand(f"{tmp_path}/*.root") == [f"{tmp_path}/a.root", f"{tmp_path}/b.root"]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path):
    (tmp_path / "run[1].root").touch()
    assert not names_many(f"{tmp_path}/run[1].root")
    assert names_many(f"{tmp_path}/run[2].root")


def test_a_list_keeps_its_order_and_its_addresses_and_what_is_not_there(tmp_path):
    (tmp_path / "files.txt").write_text("# of run 1\nroot://host//b.root?x=*  # far away\n\nmissing.root\n")
    assert names_many(f"@{tmp_path}/files.txt")
    assert expand(f"@{tmp_path}/files.txt") == ["root://host//b.root?x=*", "missing.root"]
    assert not names_many("root://host//b.root?x=*"), "an address is no pattern"


def test_names_of_products():
    assert name_of("/a/b/np04_run1.root") == "np04_run1"
    assert name_of("root://host//a/b.root?authz=x.y/z") == "b"
    assert name_of("a?.root") == "a?"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("*.root", None, "*.root: no file matches, expected one or more; mend the pattern"),
        ("@none.txt", None, "none.txt: found nothing, expected a list of files; give another list"),
        ("@files.txt", "# nothing\n", "@files.txt: the list is empty, expected a file or an address in each line"),
        ("@files.txt", b"\xff\xfe\x00", "found UTF-16 text, expected a list of files in UTF-8"),
    ],
)
def test_no_file_is_said(name, content, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "files.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ProtoduneError) as caught:
        expand(name)
    assert message in str(caught.value)
