"""telucodec demo: hear the codec on one's own voice, in the browser of this machine."""

from pathlib import Path
from typing import Annotated

import typer

from telucodec.runtime.codec import load_codec


def demo(
    model: Annotated[Path | None, typer.Option(help="Folder of the model to hear; the shipped one if not given.")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 takes a free one.")] = 8766,
) -> None:
    """Show a page to drop a file on or record with, pick a rate, and hear before and after; nobody but this machine reaches it.

    Example: telucodec demo --model runs/mine/bundle
    """
    from telucodec.apps.demo_page import demo_server

    codec = load_codec(model)
    server = demo_server(codec, port)
    typer.echo(f"open {server.address} in a browser of this machine to hear model {codec.identity}; end with Ctrl-C here")
    server.run()
