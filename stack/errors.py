"""The one error of this package: a sentence for the person at the terminal."""


class StackError(Exception):
    """The stack cannot do what was asked; the message is shown as it is, without a traceback.

    A message names what was found, what was expected and what the reader can do. It never holds a password.
    """
