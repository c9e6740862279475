"""Pages of the site that are files of the repository beyond docs/, with their links turned round."""

from pathlib import Path

INCLUDED = {"zoo.md": "zoo/README.md", "configuration.md": "config/README.md"}


def on_page_markdown(markdown: str, page, **_) -> str:
    """Return the text of a page; mkdocs calls this for each."""
    source = INCLUDED.get(page.file.src_uri)
    if source is None:
        return markdown
    text = (Path(__file__).parents[1] / source).read_text(encoding="utf-8")
    return text.replace("](../docs/", "](")
