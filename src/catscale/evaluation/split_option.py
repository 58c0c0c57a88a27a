"""The option of `catscale evaluate` that names a split, for messages that tell a command to run."""


def write_split_option(split: str) -> str:
    """Return the option behind a blank; nothing for test, which is scored where no split is named.

    >>> write_split_option("dev"), write_split_option("test")
    (' --split dev', '')
    """
    return "" if split == "test" else f" --split {split}"
