"""What every stage's command line shares."""

import pytest

from protodune.stages.learn.train import parser


@pytest.mark.parametrize("value", ["nan", "inf", "1e999", "many"])
def test_numbers_of_the_command_line_are_finite(value, capsys):
    with pytest.raises(SystemExit):
        parser().parse_args(["--settings", "{}", "--train", "a", "--val", "b", "--output", "o", f"--fusion-mb={value}"])
    said = capsys.readouterr().err
    assert f"argument --fusion-mb: found {value}, expected a finite number" in said or "invalid number value: 'many'" in said
