"""The one exception of this package that is meant for a person.

A message says what was found, where, what was expected, and what to do about it.  Stages print it in
one line and exit with a non-zero code; any other exception is a bug and keeps its traceback.
"""


class ProtoduneError(Exception):
    """A problem that the user can mend: bad input, a bad setting, a file that is not what it should be."""


def suggest(word: str, known: list[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the known word that is closest to ``word``, or an empty string."""
    import difflib

    close = difflib.get_close_matches(str(word), [str(k) for k in known], n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""
