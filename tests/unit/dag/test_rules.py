"""A lint of the rules files: nothing that a user can choose reaches a shell unquoted."""

import ast
import re
import string

import pytest

from helpers import REPOSITORY

FILES = [REPOSITORY / "Snakefile", *sorted((REPOSITORY / "rules").glob("*.smk"))]
UNQUOTED = {
    "threads": "a number, by Snakemake",
    "resources.offered": "a number, by the profile",
    "resources.launcher": "several words on purpose: the command of the profile that starts the ranks",
    "resources.train_options": "several words on purpose: options of the profile",
    "resources.source_options": "several words on purpose: options of the profile",
}
"""Placeholders that may stand in a shell command as they are, and why."""


def shell_commands(text):
    """Rule and shell command, as Snakemake gets it, of every rule of a file."""
    for rule in re.split(r"^(?=rule )", text, flags=re.MULTILINE)[1:]:
        name = re.match(r"rule (\w+):", rule)[1]
        for found in re.finditer(r"^    shell:\n((?:        .*\n?)+)", rule, re.MULTILINE):
            yield name, ast.literal_eval(f"({found[1]})")


def unquoted(command):
    """Placeholders of a shell command without ``:q``."""
    return [name for _, name, spec, _ in string.Formatter().parse(command) if name is not None and not spec.endswith("q")]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_every_placeholder_of_a_shell_command_is_quoted(path):
    text = path.read_text()
    commands = list(shell_commands(text))
    assert len(commands) == len(re.findall(r"^ *shell:", text, re.MULTILINE)), "a shell command that this test cannot read"
    for rule, command in commands:
        wrong = [name for name in unquoted(command) if name not in UNQUOTED]
        assert not wrong, f"{path.name}: rule {rule}: {wrong} without :q, which a path with a space or $(...) would break"


def test_there_is_no_other_way_to_a_shell():
    for path in FILES:
        others = r"^ *(run|script|notebook|wrapper|cwl):|\bshell\(|os\.system|subprocess"
        assert not re.search(others, path.read_text(), re.MULTILINE)


def test_the_lint_sees_what_is_wrong():
    rule = 'rule a:\n    shell:\n        "cat {input} {params.x[0]}"\n        " > {output:q} {threads}"\n'
    [(name, command)] = shell_commands(rule)
    assert (name, unquoted(command)) == ("a", ["input", "params.x[0]", "threads"])
