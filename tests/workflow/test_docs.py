"""The documentation builds as a site, strictly, and says what is there."""

import re
import subprocess
import sys

import pytest

from helpers import REPOSITORY, job_environment


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environment = job_environment() | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_page_is_in_the_site(site):
    for page in (REPOSITORY / "docs").glob("*.md"):
        assert (site / f"{page.stem}.html").stat().st_size > 5000, page


def test_pages_from_elsewhere_are_included(site):
    assert "Shipped weights" in (site / "zoo.html").read_text()
    assert "page_megabytes" in (site / "configuration.html").read_text()


def test_the_api_has_signatures_and_docstrings(site):
    text = (site / "api.html").read_text()
    for word in ("central_rms", "EventStore", "charge_pairs", "infer_plane"):
        assert word in text


def test_nothing_is_loaded_from_anywhere(site):
    for page in site.glob("*.html"):
        assert not re.search(r"<(script|link|img)[^>]*(src|href)=.?https?:", page.read_text()), page


def test_links_between_the_files_of_the_repository_lead_somewhere():
    for page in [*(REPOSITORY / "docs").glob("*.md"), REPOSITORY / "config" / "README.md", REPOSITORY / "zoo" / "README.md"]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page}: {link}"
