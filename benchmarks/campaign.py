"""What a campaign costs beside the computation: its plan, and its jobs, summary and table.

    python benchmarks/campaign.py plan [--files 10000]
    python benchmarks/campaign.py overhead [--files 200]

`plan`: `snakemake campaign -n` over empty files in a folder that goes; seconds, and the largest memory of the process.
`overhead`: small files through `snakemake campaign` on two cores,
against the same files through `clean_files` in one process with as many threads, CPU seconds (user and system) of both.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(REPOSITORY / "workflow"), str(REPOSITORY / "tests")]


def snakemake(folder: Path, *arguments: str) -> tuple[float, float, float, str]:
    """Run `snakemake campaign` in a folder; return wall seconds, CPU seconds, MB, and what it said."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(REPOSITORY / "workflow")}
    command = [sys.executable, "-m", "snakemake", "campaign", "-s", REPOSITORY / "Snakefile", "--directory", folder]
    files = [REPOSITORY / "config" / "campaign.yaml", folder / "mine.yaml"]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        list(map(str, [*command, "--cores", "2", *arguments, "--configfile", *files])),
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-4000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, after.ru_maxrss / 1024, done.stdout + done.stderr


def write_sheet(folder: Path, pattern: str, files_per_job: int) -> None:
    """Write sample sheet and configuration of a campaign."""
    (folder / "mine.tsv").write_text(f"sample\tsplit\tkind\tsource\nrun1\ttest\tdata\t{pattern}\n")
    (folder / "mine.yaml").write_text(f"samples: mine.tsv\ncampaign: {{files_per_job: {files_per_job}, draw: 0}}\n")


def plan(files: int) -> None:
    """Measure the plan."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "raw").mkdir()
        for number in range(files):
            (folder / "raw" / f"np04_raw_run005387_{number:05d}_dl1.root").touch()
        write_sheet(folder, "raw/*.root", 20)
        wall, cpu, memory, said = snakemake(folder, "-n", "--quiet", "rules")
        jobs = next((line for line in said.splitlines() if line.startswith("clean_batch")), "")
        print(f"plan of {files} files: {wall:.1f} s, {cpu:.1f} CPU s, {memory:.0f} MB; {' '.join(jobs.split())} jobs")


def overhead(files: int) -> None:
    """Measure the overhead of a campaign over the computation."""
    from helpers import TICKS, small_sample  # tests/helpers.py
    from protodune.rawio.flat import write_flat
    from protodune.simulation.events import simulate_events

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "raw").mkdir()
        event = next(simulate_events(small_sample()))
        for number in range(1, files + 1):
            event.event = number
            write_flat(folder / "raw" / f"small{number:05d}.root", [event], TICKS, {})
        write_sheet(folder, "raw/*.root", max(1, files // 2))
        wall, cpu, _, _ = snakemake(folder)
        bare = [sys.executable, __file__, "bare", "--folder", str(folder)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        subprocess.run(bare, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        bare_wall = time.perf_counter() - started
        bare_cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(
            f"{files} files: campaign {wall:.1f} s, {cpu:.1f} CPU s; bare {bare_wall:.1f} s, {bare_cpu:.1f} CPU s; "
            f"overhead {100 * (wall / bare_wall - 1):.1f} % wall, {100 * (cpu / bare_cpu - 1):.1f} % CPU"
        )


def bare(folder: Path) -> None:
    """Clean the files of a folder in this process."""
    from protodune.campaign.batch import CleanSettings, Running, clean_files
    from protodune.learning.method import NetworkSettings, load_method

    methods = {
        family: load_method(NetworkSettings("denoise", precision="auto"), family,
                            str(REPOSITORY / "zoo" / f"unet.{family}.safetensors"), 2)
        for family in ("induction", "collection")
    }  # fmt: skip
    sources = sorted(map(str, (folder / "raw").iterdir()))
    clean_files(sources, folder / "bare", methods, CleanSettings(), "zoo.v1", Running(2))


def main() -> None:
    """Run one benchmark."""
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", choices=("plan", "overhead", "bare"))
    p.add_argument("--files", type=int)
    p.add_argument("--folder", type=Path)
    a = p.parse_args()
    if a.what == "plan":
        plan(a.files or 10000)
    elif a.what == "overhead":
        overhead(a.files or 200)
    else:
        bare(a.folder)


if __name__ == "__main__":
    main()
