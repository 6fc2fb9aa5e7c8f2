"""What the two doors, the command line and pytest, turn into one line and exit status 2. Anything else is a bug."""

from unicodedata import category

DISTRIBUTION = "unroll-lstm"
LONGEST = 1000  # characters of a message, of which the first say what was given and the last what to do


class UnrollError(ValueError):
    """Bad input, or what a user can mend: the message says what was given, what is wanted, and what to do.

    A message is one line that a terminal may show, whatever the input was.
    """

    def __init__(self, message: str):
        line = " ".join(printable(message).split("\n"))
        super().__init__(line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}")


def how_to_install(extra: str) -> str:
    """Return the command that adds an extra's packages, in the quotation marks that every system's shell knows."""
    return f'pip install "{DISTRIBUTION}[{extra}]"'


def printable(text: str) -> str:
    """Return a text of another's file as it may be shown: without what commands a terminal or hides in a page."""
    if text.isprintable():
        return text
    return "".join("\ufffd" if category(sign)[0] == "C" and sign not in "\n\t" else sign for sign in text)
