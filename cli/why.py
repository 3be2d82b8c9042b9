"""`dragoman why`: how a request would be served, and by whose word, as the running Envoy itself says."""

import os
import sys
from pathlib import Path

import click
import orjson

from process.settings import SettingsError
from process.text import escaped
from why.finding import why as find_out
from why.gateway import GatewayError, find
from why.request import AnswerError, Request, RequestError
from why.text import lines

UNKNOWN = 2


@click.command(
    epilog="Example:  dragoman why GET https://api.example.com/cart/7 -H 'x-canary: 1'\n\n"
    "In a cluster:  kubectl exec POD -- dragoman why GET https://api.example.com/cart/7"
)
@click.argument("method")
@click.argument("url")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME: VALUE", help="A header; may be repeated.")
@click.option("--port", type=click.IntRange(1, 65535), help="The Listener's port.  [default: the URL's, else any]")
@click.option("--from", "client", default="127.0.0.1", show_default=True, metavar="IP", help="Who the client is.")
@click.option("--sni", metavar="NAME", help="The name asked for in TLS.  [default: the URL's host]")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--run-dir", type=click.Path(path_type=Path), help="Of the gateway, where several run.")
def why(
    method: str,
    url: str,
    headers: tuple[str, ...],
    port: int | None,
    client: str,
    sni: str | None,
    output: str,
    run_dir: Path | None,
) -> None:
    """Tell how the gateway that runs here would serve a request, and why so.

    Envoy itself is asked: nothing reaches a service, nobody is asked for authorization, nothing is logged or counted as
    traffic. The exit code is 0, 1 when nothing serves the request, and 2 when it cannot be told.
    """
    try:
        request = Request.of(method, url, headers, client, sni)
    except RequestError as error:
        raise click.UsageError(escaped(str(error))) from None
    try:
        report = find_out(find(run_dir, os.environ), request, port)
    except (GatewayError, AnswerError, SettingsError) as error:
        click.echo(f"Error: {escaped(str(error))}", err=True)
        sys.exit(UNKNOWN)
    if output == "json":
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    else:
        for line in lines(report):
            click.echo(line)
    sys.exit(0 if report["served"] else 1)
