"""What the two doors, the command line and pytest, turn into one line and exit status 2. Anything else is a bug."""


class UnrollError(ValueError):
    """Bad input, or what a user can mend: the message says what was given, what is wanted, and what to do."""
