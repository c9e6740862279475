"""The one exception of this package that is meant for a person.

A message says what was found, where, what was expected, and what to do about it.  Stages print it in
one line and exit with a non-zero code; any other exception is a bug and keeps its traceback.
"""


class ProtoduneError(Exception):
    """A problem that the user can mend: bad input, a bad setting, a file that is not what it should be."""


class SourceLostError(ProtoduneError):
    """A source that went away while it was read: its server does not answer.  What was read of it is not all that it has,
    so this is no damaged event that may be left out."""


def shown(value: object, most: int = 80) -> str:
    """Return ``repr`` of a value for a message, cut in its middle where it is longer than ``most`` characters."""
    text = repr(value)
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}...{text[-most // 4 :]} ({len(text)} characters)"


def suggest(word: str, known: list[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the known word that is closest to ``word``, or an empty string."""
    import difflib

    close = difflib.get_close_matches(str(word), [str(k) for k in known], n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""
