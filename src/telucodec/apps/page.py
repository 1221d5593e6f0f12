"""Pages from the templates of this folder, with all that they show inside."""

from base64 import b64encode
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"


def rendered(template: str, **shown: object) -> str:
    """The HTML that `template` makes of `shown`, whose texts are escaped; what a template asks for and is not shown is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(**shown)


def data_uri(kind: str, content: bytes) -> str:
    """`content` as an address that holds it, so that a page needs no other file."""
    return f"data:{kind};base64,{b64encode(content).decode()}"
