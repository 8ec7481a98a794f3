"""Errors that a user can mend. Each message says what was found and what to do next."""


class MscKedroError(Exception):
    """A mistake or a missing thing that the user can put right; shown without a traceback."""
