"""How fast the interactive page opens and zooms in headless Chromium; prints a table, writes JSON.

    python benchmarks/page.py results/report/index.html [--repeats 5] [--output page.json]

Open: from the request to the first drawing of all four panels, in a new page each time.  Zoom: from a turn of the wheel to
the drawing that follows, and what of it the drawing itself takes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
ZOOMS = 8


def drawn(page: Page) -> int:
    """How often the panels were drawn."""
    return int(page.evaluate("document.body.dataset.drawn || 0"))


def measure(page: Page, url: str) -> dict[str, list[float]]:
    """Seconds to open, and of zoom steps in and out."""
    started = time.perf_counter()
    page.goto(url)
    page.wait_for_function("document.body.dataset.ready && Number(document.body.dataset.drawn) > 0")
    found: dict[str, list[float]] = {"open": [time.perf_counter() - started], "zoom": [], "drawing": []}
    page.mouse.move(300, 450)
    for step in range(ZOOMS):
        before, started = drawn(page), time.perf_counter()
        page.mouse.wheel(0, -300 if step < ZOOMS // 2 else 300)
        page.wait_for_function(f"Number(document.body.dataset.drawn) > {before}")
        found["zoom"].append(time.perf_counter() - started)
        found["drawing"].append(float(page.evaluate("document.body.dataset.drawMs")) / 1000)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--output", type=Path)
    a = parser.parse_args()
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    found: dict[str, list[float]] = {"open": [], "zoom": [], "drawing": []}
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=path, args=FLAGS)
        for _ in range(a.repeats):
            page = browser.new_page(viewport={"width": 1250, "height": 1200})
            for name, values in measure(page, a.page.resolve().as_uri()).items():
                found[name] += values
            page.close()
        browser.close()
    print(f"{a.page}: {a.page.stat().st_size / 1e6:.1f} MB")
    for name, values in found.items():
        print(f"{name:8} median {statistics.median(values):.3f} s, most {max(values):.3f} s, n = {len(values)}")
    if a.output:
        a.output.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
