"""Numbers of things, in words."""


def counted(number: int, thing: str, things: str = "") -> str:
    """Such as "1 file" and "2 files"; more than one are called `things` where an s does not make them."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"
