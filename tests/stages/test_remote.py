"""Files on a real XRootD server on this machine: read over the network or copied first; a server that stops and dies."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import pytest

from helpers import DATA, as_json
from protodune import cli
from protodune.campaign import batch
from protodune.core.errors import ProtoduneError, SourceLostError
from protodune.core.tables import read_table
from protodune.detector.registry import DEFAULT, find_detector
from protodune.events.store import EventStore
from protodune.rawio import conversion
from protodune.rawio.inspection import inspect
from protodune.rawio.remote import Access, RemoteFile, opened, stage_in
from protodune.stages.produce import clean, convert

XROOTD = shutil.which("xrootd")
pytestmark = pytest.mark.skipif(
    XROOTD is None and "PROTODUNE_NEEDS_XROOTD" not in os.environ,
    reason="found no xrootd; envs/install_xrootd.sh installs it, PROTODUNE_NEEDS_XROOTD makes this fail",
)
NAME = "art_decoder_data.root"
FAST = Access(tries=3, wait_s=0.1, timeout_s=2)
SETTINGS = as_json(sample="a", kind="data", on_damaged_event="skip", stretch_slow_board="auto", noisy_above=3.0)


class Server:
    """An XRootD server of one folder, with checksums or without, that can be stopped, killed and started again."""

    def __init__(self, folder: Path, checksums: bool = True):
        self.folder, self.process = folder, None
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        (folder / "admin").mkdir()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (folder / "xrootd.cfg").write_text(
            f"xrd.port {self.port}\nall.export /\noss.localroot {self.data}\nall.adminpath {folder}/admin\n"
            f"all.pidpath {folder}/admin\n" + "xrootd.chksum max 2 adler32\n" * checksums
        )
        shutil.copy(DATA / NAME, self.data)

    def address(self, name: str = NAME) -> str:
        return f"root://127.0.0.1:{self.port}//{name}"

    def start(self):
        """Start it, as another user where this one is root, which it refuses; wait until it answers."""
        user = {}
        if os.getuid() == 0:
            someone = pwd.getpwnam("nobody")
            user = {"user": someone.pw_uid, "group": someone.pw_gid, "extra_groups": []}
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, someone.pw_uid, someone.pw_gid, follow_symlinks=False)
        command = [XROOTD, "-c", str(self.folder / "xrootd.cfg"), "-l", str(self.folder / "log"), "-n", "test"]
        self.process = subprocess.Popen(
            command, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user
        )
        until = time.monotonic() + 20
        while time.monotonic() < until:
            assert self.process.poll() is None, "xrootd ended"
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return self
            time.sleep(0.05)
        raise AssertionError("xrootd does not answer")

    def kill(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()


def served(checksums=True):
    """A server in a folder that other users can reach, which pytest's folders are not."""

    @contextlib.contextmanager
    def serving():
        with tempfile.TemporaryDirectory(prefix="xrootd") as folder:
            os.chmod(folder, 0o755)
            server = Server(Path(folder) / "server", checksums)
            try:
                yield server.start()
            finally:
                server.kill()

    return serving()


@pytest.fixture(scope="module")
def shared_server():
    with served() as server:
        yield server


@pytest.fixture
def server():
    with served() as own:
        yield own


def converted(source, output, *options):
    code = convert.main(
        ["--settings", SETTINGS, "--source", str(source), "--output", str(output), "--timeout", "2", *options]
    )
    return code, output


def images(path):
    with EventStore(path) as store:
        return [store.event_ids, *(store.adc(plane.name, 0) for plane in store.family("collection", 0))]


@pytest.mark.parametrize("options", [(), ("--stage-in",)])
def test_a_file_on_a_server_gives_the_store_of_the_local_file(shared_server, tmp_path, options):
    adler32 = f"{zlib.adler32((DATA / NAME).read_bytes()):08x}"
    code, remote = converted(shared_server.address(), tmp_path / "remote.h5", "--adler32", adler32, *options)
    assert code == 0
    _, local = converted(DATA / NAME, tmp_path / "local.h5", "--adler32", adler32)
    (ids, *first), (others, *second) = images(remote), images(local)
    assert ids == others
    assert first
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("options", [(), ("--stage-in",)])
def test_another_checksum_is_refused(shared_server, tmp_path, capsys, options):
    code, output = converted(shared_server.address(), tmp_path / "a.h5", "--adler32", "00c0ffee", *options)
    assert code == 1
    assert "expected 00c0ffee; the file is another one or damaged" in capsys.readouterr().err
    assert not output.exists()
    assert converted(DATA / NAME, tmp_path / "a.h5", "--adler32", "00c0ffee", *options)[0] == 1, "of a local file too"


def test_a_copy_is_compared_with_the_server_and_leaves_nothing(server, tmp_path, capsys, monkeypatch):
    access = Access(stage_in=True, scratch=str(tmp_path), timeout_s=2)
    with stage_in(server.address(), access) as copy:
        assert copy.read() == (DATA / NAME).read_bytes()
        assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(RemoteFile, "checksum", lambda self: "00000001")
    with pytest.raises(ProtoduneError, match="expected 00000001; the file is another one or damaged"):
        stage_in(server.address(), access)
    with pytest.raises(ProtoduneError, match="nowhere: cannot hold a copy"):
        stage_in(server.address(), Access(scratch=str(tmp_path / "nowhere")))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 90, 10))
    with pytest.raises(ProtoduneError, match="10 bytes are free"):
        stage_in(server.address(), access)


def test_a_server_without_checksums(tmp_path):
    with served(checksums=False) as server:
        with pytest.raises(ProtoduneError, match="its server tells no adler32, expected 00c0ffee; use --stage-in"):
            opened(server.address(), FAST.of("00c0ffee"))
        with stage_in(server.address(), FAST) as copy:
            assert copy.read(4) == b"root"


def test_what_is_not_there_is_said_at_once(shared_server, tmp_path, capsys):
    started = time.monotonic()
    code, _ = converted(shared_server.address("nowhere.root"), tmp_path / "a.h5")
    assert code == 1
    said = capsys.readouterr().err
    assert "//nowhere.root: cannot be opened" in said
    assert "no such file" in said
    assert time.monotonic() - started < 5, "it is not tried again"
    (shared_server.data / "empty.root").write_bytes(b"")
    assert "not a readable ROOT file" in inspect(shared_server.address("empty.root"), find_detector(DEFAULT)).problems[0]
    assert cli.main(["inspect", shared_server.address()]) == 0


def test_a_server_that_comes_back_is_asked_again(server):
    file = RemoteFile(server.address(), Access(tries=6, wait_s=0.2, timeout_s=2))
    assert file.read(4) == b"root"
    server.kill()
    back = threading.Timer(0.7, server.start)
    back.start()
    try:
        assert file.read() == (DATA / NAME).read_bytes()[4:]
    finally:
        back.join()


def test_a_server_that_hangs_is_lost_in_time(server):
    file = RemoteFile(server.address(), FAST)
    server.process.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    with pytest.raises(SourceLostError, match=r"no answer in 3 tries and \d+ s .*give the same command again"):
        file.read()
    assert time.monotonic() - started < 15
    with pytest.raises(SourceLostError):
        file.read()
    assert time.monotonic() - started < 15, "what is lost is not asked again"


@pytest.mark.parametrize("staged", [False, True])
def test_a_server_that_dies_in_the_middle_is_no_damaged_event(server, flat_file, tmp_path, capsys, monkeypatch, staged):
    """Between two events, or between two blocks of the copy; the next file of the run is cleaned."""
    where, name = (RemoteFile, "read") if staged else (conversion, "stretch_slow_board")
    real, calls = getattr(where, name), []

    def dying(*arguments, **options):
        calls.append(1)
        if len(calls) == (2 if staged else 1):
            server.kill()
        return real(*arguments, **options)

    monkeypatch.setattr(where, name, dying)
    monkeypatch.setattr("protodune.rawio.remote._BLOCK", 100_000)
    out, scratch = tmp_path / "out", tmp_path / "scratch"
    scratch.mkdir()
    command = [server.address(), str(flat_file), "--output", str(out), "--scratch", str(scratch), "--tries", "2"]
    assert clean.main([*command, "--timeout", "2", *["--stage-in"] * staged]) == 1
    lost, other = read_table(out / "summary.tsv")
    assert (lost["status"], other["status"]) == ("failed", "done")
    assert "no answer in 2 tries" in lost["cause"]
    assert {p.name for p in out.iterdir()} == {"summary.tsv", "small.root", "small.json", "art_decoder_data.json"}
    assert list(scratch.iterdir()) == []
    said = capsys.readouterr().err
    assert sum(line.startswith("clean: error: ") for line in said.splitlines()) == 1
    assert "Traceback" not in said


def test_what_is_done_of_an_address_stays_until_the_file_changes(server, flat_file, tmp_path):
    def status():
        assert clean.main([server.address("small.root"), "--output", str(tmp_path / "out"), "--timeout", "2"]) == 0
        return [row["status"] for row in read_table(tmp_path / "out" / "summary.tsv")]

    shutil.copyfile(flat_file, server.data / "small.root")
    assert status() == [batch.DONE]
    assert status() == [batch.EARLIER]
    os.utime(server.data / "small.root", (1, 1))
    assert status() == [batch.DONE]


def test_a_list_has_checksums(shared_server, tmp_path, capsys):
    listed = tmp_path / "files.txt"
    listed.write_text(f"{shared_server.address()}\t00c0ffee # of the catalogue\n")
    assert clean.main(["--list", str(listed), "--output", str(tmp_path / "out"), "--timeout", "2"]) == 1
    assert "expected 00c0ffee" in capsys.readouterr().err
    listed.write_text(f"\n{shared_server.address()}\tc0ffee\n")
    assert clean.main(["--list", str(listed), "--output", str(tmp_path / "out")]) == 1
    assert "found 'c0ffee', expected an adler32" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [(("--tries", "0"), "tries: found 0"), (("--timeout", "0"), "timeout: found 0"), (("--adler32", "xyz"), "found 'xyz'")],
)
def test_what_cannot_be_is_one_line(options, message, tmp_path, capsys):
    assert converted(DATA / NAME, tmp_path / "a.h5", *options)[0] == 1
    assert message in capsys.readouterr().err
