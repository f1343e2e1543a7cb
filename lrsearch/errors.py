"""The one error that means: the input is wrong, and here is what to do."""


class InputError(ValueError):
    """Bad input from a person: a flag, a study file, a data folder, a storage address.

    Its message is one line that names the thing, the rule and the value given. The command line prints it without a
    traceback and exits with code 2; a notebook sees an ordinary ValueError.
    """
