"""Numbers of things, in words."""


def counted(number: int, thing: str) -> str:
    """Such as "1 file" and "2 files"."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
