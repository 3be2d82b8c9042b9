"""`dragoman why`: how a request would be served, and by whose word, as the running Envoy itself says."""

import asyncio
import os
import sys
from pathlib import Path

import click
import orjson

from cli.replicas import in_words, told
from process.settings import Settings, SettingsError
from process.text import escaped
from why.finding import why as find_out
from why.gateway import GatewayError, find
from why.request import AnswerError, Request, RequestError
from why.text import lines

UNKNOWN = 2
NAMESPACE = "dragoman"
SELECTOR = "app.kubernetes.io/name=dragoman"


@click.command(
    epilog="Example:  dragoman why GET https://api.example.com/cart/7 -H 'x-canary: 1'\n\n"
    "In a cluster:  kubectl exec POD -- dragoman why GET https://api.example.com/cart/7\n\n"
    "Of each pod:   kubectl dragoman why GET https://api.example.com/cart/7 --all-replicas --context production"
)
@click.argument("method")
@click.argument("url")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME: VALUE", help="A header; may be repeated.")
@click.option("--port", type=click.IntRange(1, 65535), help="The Listener's port.  [default: the URL's, else any]")
@click.option("--from", "client", default="127.0.0.1", show_default=True, metavar="IP", help="Who the client is.")
@click.option("--sni", metavar="NAME", help="The name asked for in TLS.  [default: the URL's host]")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--run-dir", type=click.Path(path_type=Path), help="Of the gateway, where several run.")
@click.option(
    "--all-replicas", is_flag=True, help="Ask each pod of a gateway in a cluster, and tell where they differ."
)
@click.option("--context", metavar="NAME", help="The cluster, by a context of the kubeconfig.  [default: the current]")
@click.option("-n", "--namespace", help=f"Of the pods.  [default: {NAMESPACE}]")
@click.option("--selector", metavar="LABELS", help=f"Labels of the pods.  [default: {SELECTOR}]")
def why(
    *,
    method: str,
    url: str,
    headers: tuple[str, ...],
    port: int | None,
    client: str,
    sni: str | None,
    output: str,
    run_dir: Path | None,
    all_replicas: bool,
    context: str | None,
    namespace: str | None,
    selector: str | None,
) -> None:
    """Tell how the gateway that runs here would serve a request, and why so.

    Envoy itself is asked: nothing reaches a service, nobody is asked for authorization, nothing is logged or counted as
    traffic. The exit code is 0, 1 when nothing serves the request, or replicas answer otherwise than others, and 2 when
    it cannot be told.
    """
    try:
        request = Request.of(method, url, headers, client, sni)
    except RequestError as error:
        raise click.UsageError(escaped(str(error))) from None
    if all_replicas:
        if run_dir:
            raise click.UsageError("--run-dir names a gateway here, and --all-replicas are in a cluster: give one")
        asked = arguments_of(method, url, headers, port, client, sni)
        sys.exit(_replicas((context, namespace or NAMESPACE, selector or SELECTOR), asked, output))
    for name, given in (("--context", context), ("--namespace", namespace), ("--selector", selector)):
        if given:
            raise click.UsageError(f"{name} says where replicas are: give --all-replicas, too")
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


def arguments_of(
    method: str, url: str, headers: tuple[str, ...], port: int | None, client: str, sni: str | None
) -> list[str]:
    """The same question, as it is asked in a pod."""
    said = [method, url, "--from", client]
    said += [word for header in headers for word in ("-H", header)]
    said += ["--port", str(port)] if port else []
    return said + (["--sni", sni] if sni else [])


def _replicas(place: tuple[str | None, str, str], asked: list[str], output: str) -> int:
    """Ask all replicas, and tell what they say; the exit code."""
    from cli.pods import Pods, ReplicasError, ask  # noqa: PLC0415 -- what speaks with an API server is slow to import

    try:
        replicas = asyncio.run(ask(Pods(*place), asked, Settings.from_environment(dict(os.environ))))
    except (ReplicasError, SettingsError) as error:
        click.echo(f"Error: {escaped(str(error))}", err=True)
        return UNKNOWN
    report = told(replicas)
    if output == "json":
        click.echo(orjson.dumps(report, option=orjson.OPT_INDENT_2))
    else:
        for line in in_words(replicas):
            click.echo(line)
    if any(each.report is None for each in replicas):
        return UNKNOWN
    is_served = all(each.report and each.report["served"] for each in replicas)
    return 0 if report["alike"] and is_served else 1
