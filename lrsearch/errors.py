"""The errors that mean: the input is wrong, or the storage failed, and here is what to do."""


class InputError(ValueError):
    """Bad input from a person: a flag, a study file, a data folder, a storage address.

    Its message is one line that names the thing, the rule and the value given. The command line prints it without a
    traceback and exits with code 2; a notebook sees an ordinary ValueError.
    """


class StorageError(RuntimeError):
    """The storage failed while it was used: its disk is full, its file is damaged or read-only, its server is gone.

    Its message is one line that says what happened and what to do. The command line prints it without a traceback and
    exits with code 1.
    """
