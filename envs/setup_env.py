"""Make the virtual environment of the project: pinned requirements and Horovod with its Gloo back end.

Standard library only, since it runs before anything is installed:  python3.11 envs/setup_env.py [--venv .venv]
A second run finds everything done and returns at once.  The Horovod wheel is kept in ~/.cache/protodune (or
$XDG_CACHE_HOME/protodune), so that only the first environment on a machine pays for its build.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

ENVS = Path(__file__).resolve().parent
REQUIREMENTS = ENVS / "requirements.txt"
HOROVOD = "0.28.1"
PYTHON = (3, 11)


def fail(message: str) -> None:
    """End with one sentence that says what to install."""
    raise SystemExit(f"setup: error: {message}")


def check_machine() -> str:
    """Return the C++ compiler, or end with what is missing."""
    if sys.version_info[:2] != PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        fail(f"found Python {found}, expected 3.11, which the pins are for; install python3.11 and run make again")
    compiler = os.environ.get("CXX") or next((c for c in ("g++", "c++", "clang++") if shutil.which(c)), None)
    if compiler is None or shutil.which(compiler) is None:
        fail("found no C++ compiler, which Horovod's build needs; install g++ (Debian, Ubuntu: apt install g++)")
    return shutil.which(compiler)


def run(command: list[str], log: Path, env: dict[str, str] | None = None) -> None:
    """Run a command with its output in a log; on failure end with the log's last lines."""
    with log.open("ab") as out:
        code = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, env=env, check=False).returncode
    if code:
        tail = log.read_text(errors="replace").splitlines()[-15:]
        fail("\n  ".join([f"'{' '.join(command[:6])} ...' failed; the end of {log}:", *tail]))


def fingerprint() -> str:
    """Return a digest of what the environment is made from."""
    return hashlib.sha256(REQUIREMENTS.read_bytes() + HOROVOD.encode() + sys.version.encode()).hexdigest()


def wheel_cache(python: Path) -> Path:
    """Return the folder for Horovod wheels that fit this Python and torch: a build links against both."""
    tag = subprocess.run(
        [python, "-c", "import torch, sysconfig, sys; print(torch.__version__, sys.version, sysconfig.get_platform())"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "protodune" / f"horovod-{HOROVOD}-{hashlib.sha256(tag.encode()).hexdigest()[:12]}"


def build_horovod(venv: Path, compiler: str, cache: Path, log: Path) -> Path:
    """Build the wheel into the cache: torch's headers need C++20, while Horovod's CMake asks for C++14, so the compiler
    is wrapped and told C++20 last."""
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wrapper = Path(folder) / "cxx20"
        wrapper.write_text(f'#!/bin/sh\nexec {compiler} "$@" -std=c++20\n')
        wrapper.chmod(wrapper.stat().st_mode | stat.S_IXUSR)
        env = {
            **os.environ,
            "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}",
            "CXX": str(wrapper),
            "HOROVOD_WITH_PYTORCH": "1",
            "HOROVOD_WITHOUT_TENSORFLOW": "1",
            "HOROVOD_WITHOUT_MXNET": "1",
            "HOROVOD_WITH_GLOO": "1",
            "HOROVOD_WITHOUT_MPI": os.environ.get("HOROVOD_WITHOUT_MPI", "1"),
            "CMAKE_POLICY_VERSION_MINIMUM": "3.5",
        }
        pip = [str(venv / "bin" / "python"), "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", folder]
        pip += ["--no-cache-dir"]  # pip's own cache does not know which torch a wheel was built for
        run([*pip, f"horovod=={HOROVOD}"], log, env)
        built = next(Path(folder).glob("horovod-*.whl"))
        # Another process may build at the same time: the wheel appears in the cache in one step.
        shutil.copy(built, cache / f".{built.name}.{os.getpid()}")
        (cache / f".{built.name}.{os.getpid()}").replace(cache / built.name)
    return cache / built.name


def main() -> None:
    """Make or complete the environment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--venv", default=".venv", type=Path)
    venv = parser.parse_args().venv.resolve()
    stamp, log = venv / "protodune-stamp", venv / "setup.log"
    if stamp.is_file() and stamp.read_text() == fingerprint():
        return
    compiler = check_machine()
    print(f"setup: virtual environment {venv}", flush=True)
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    python = venv / "bin" / "python"
    print("setup: installing pinned requirements (a minute or two)", flush=True)
    run([str(python), "-m", "pip", "install", "--disable-pip-version-check", "-r", str(REQUIREMENTS)], log)
    cache = wheel_cache(python)
    wheel = next(cache.glob("horovod-*.whl"), None)
    if wheel is None:
        print("setup: building Horovod with Gloo (about three minutes, once a machine)", flush=True)
        wheel = build_horovod(venv, compiler, cache, log)
    run([str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-deps", str(wheel)], log)
    run([str(python), "-c", "import horovod.torch"], log)
    editable = ["--no-deps", "--no-build-isolation", "-e", str(ENVS.parent)]
    run([str(python), "-m", "pip", "install", "--disable-pip-version-check", *editable], log)
    stamp.write_text(fingerprint())
    print("setup: done", flush=True)


if __name__ == "__main__":
    main()
