"""What each alert is shown, and when it fires: at this minute, not the one before; and what comes near and is none."""

from typing import Final

from tests.support.promtool import Play, Told

POD: Final = {"namespace": "edge", "pod": "a"}
_AT: Final = 'namespace="edge", pod="a"'
_CART: Final = 'envoy_cluster_name="cart"'
_WEEK: Final = 7 * 24 * 3600


def _fires(first: int, *told: Told) -> dict[int, tuple[Told, ...]]:
    """From this minute on."""
    return {first - 1: (), first: told, first + 5: told}


def _never(*minutes: int) -> dict[int, tuple[Told, ...]]:
    return dict.fromkeys(minutes, ())


def _gauge(
    alert: str, metric: str, wrong: int, right: int, lasts: int, summary: str, labels: dict[str, str] | None = None
) -> tuple[Play, ...]:
    """A number that must not be wrong for so many minutes: it is from minute 3, or for a minute less than that."""
    told = Told(summary, POD if labels is None else labels)
    series = f"{metric}{{{_AT}}}" if "{" not in metric else metric
    over = {**_fires(3 + lasts, told), 20: (), 25: ()}
    return (
        Play(alert, "as long as it is wrong", {series: f"{right}x2 {wrong}x16 {right}x10"}, over),
        Play(
            alert,
            "wrong for a moment, again and again",
            {series: f"{right}x2 {f'{wrong}x{lasts - 1} {right} ' * 4}{right}x5"},
            _never(*range(25)),
        ),
    )


def _stopped(pod: str, stops: str) -> str:
    labels = f'namespace="edge", pod="{pod}", kind="Mapping", object_namespace="shop", object_name="cart"'
    return f'dragoman_object_problems{{{labels}, stops="{stops}"}}'


def _changes(slow: int) -> dict[str, str]:
    """100 changes a minute, of which so many take longer than 5 s."""
    counts = {"1": 100 - slow, "5": 100 - slow, "10": 100, "+Inf": 100}
    return {f'dragoman_change_seconds_bucket{{{_AT}, le="{bound}"}}': f"0+{each}x60" for bound, each in counts.items()}


def _answers(requests: int, failed: int) -> dict[str, str]:
    """Requests to a service each minute, in two pods, and how many of them fail."""
    series = {}
    for pod in ("a", "b"):
        at = f'namespace="edge", pod="{pod}", {_CART}'
        series[f"envoy_cluster_upstream_rq_total{{{at}}}"] = f"0+{requests}x40"
        series[f'envoy_cluster_upstream_rq_xx{{{at}, envoy_response_code_class="5"}}'] = f"0+{failed}x40"
        series[f'envoy_cluster_upstream_rq_xx{{{at}, envoy_response_code_class="4"}}'] = f"0+{requests - failed}x40"
    return series


def _certificate(ends: int, pod: str = "a") -> dict[str, str]:
    secret = f'namespace="edge", pod="{pod}", envoy_secret="shop/tls"'
    return {f"envoy_listener_ssl_certificate_expiration_unix_time_seconds{{{secret}}}": f"{ends}x300"}


def _endpoints(healthy: int, total: int) -> dict[str, str]:
    at = f"{{{_AT}, {_CART}}}"
    return {
        f"envoy_cluster_membership_healthy{at}": f"{total}x2 {healthy}x20",
        f"envoy_cluster_membership_total{at}": f"{total}x30",
    }


_CART_STOPPED: Final = Told(
    "Mapping cart in shop is not in force", {"kind": "Mapping", "object_namespace": "shop", "object_name": "cart"}
)
_SLOW: Final = Told("One change in twenty takes longer than 5 s until it is served")
_HANGS: Final = Told("translator hangs again and again in a", {**POD, "part": "translator"})
_HUNG: Final = f'dragoman_hung_replaced_total{{{_AT}, part="translator"}}'
_FAILS: Final = Told("10% of the requests to cart fail", {"envoy_cluster_name": "cart"})
_NOBODY: Final = Told("No endpoint of cart is healthy", {**POD, "envoy_cluster_name": "cart"})


def _ends(summary: str) -> Told:
    return Told(f"The certificate in shop/tls ends in {summary}", {"envoy_secret": "shop/tls"})


PLAYS: Final = (
    *_gauge("DragomanEnvoyDown", "dragoman_envoy_up", 0, 1, 2, "Envoy does not answer in a"),
    *_gauge("DragomanEnvoyDisconnected", "dragoman_envoy_connected", 0, 1, 2, "Envoy gets no changes in a"),
    *_gauge("DragomanResourcesRefused", "dragoman_refused_resources", 3, 0, 2, "Envoy refuses 3 resources in a"),
    *_gauge("DragomanBehind", "dragoman_pending_objects", 40, 0, 3, "The translator does not keep up in a"),
    *_gauge("DragomanObjectStopped", _stopped("a", "true"), 2, 0, 5, _CART_STOPPED.summary, dict(_CART_STOPPED.labels)),
    Play(
        "DragomanObjectStopped",
        "told once, however many pods say it, and over when it is listed no longer",
        {_stopped(pod, "true"): "1x9 stale" for pod in ("a", "b", "c")},
        {4: (), 5: (_CART_STOPPED,), 9: (_CART_STOPPED,), 10: (), 12: ()},
    ),
    Play(
        "DragomanObjectStopped",
        "a problem that stops nothing",
        {_stopped("a", "false"): "4x30"},
        _never(5, 10, 30),
    ),
    Play("DragomanChangesSlow", "one in ten", _changes(10), _fires(16, _SLOW)),
    Play("DragomanChangesSlow", "one in twenty-five", _changes(4), _never(16, 30, 60)),
    Play("DragomanChangesSlow", "no change", dict.fromkeys(_changes(10), "5x60"), _never(16, 30, 60)),
    Play("DragomanPartHangs", "three times", {_HUNG: "0x4 1 1 2 2 2 3x30"}, {8: (), 9: (), 10: (_HANGS,), 40: ()}),
    Play("DragomanPartHangs", "twice", {_HUNG: "0x4 1 1 2x30"}, _never(*range(36))),
    Play("DragomanPartHangs", "twice, and before that often", {_HUNG: "5x4 6 6 7x30"}, _never(*range(36))),
    Play("DragomanPartHangs", "it begins again, and counts anew", {_HUNG: "9x9 0x20"}, _never(*range(30))),
    Play(
        "DragomanCertificateEnds",
        "in a week, less an hour, whichever pod says so",
        _certificate(_WEEK + 1800) | _certificate(2 * _WEEK, "b"),
        {90: (), 91: (_ends("6d 22h 59m 0s"),), 271: (_ends("6d 19h 59m 0s"),)},
    ),
    Play("DragomanCertificateEnds", "it has ended", _certificate(0), {60: (_ends("-1h 0m 0s"),)}),
    Play("DragomanCertificateEnds", "in eight days", _certificate(_WEEK + 24 * 3600), _never(60, 120, 300)),
    Play("DragomanManyErrors", "one in ten", _answers(120, 12), _fires(7, _FAILS)),
    Play("DragomanManyErrors", "one in twenty-five", _answers(100, 4), _never(6, 20, 40)),
    Play("DragomanManyErrors", "all of very few", _answers(24, 24), _never(6, 20, 40)),
    Play("DragomanNoHealthyEndpoint", "none of two", _endpoints(0, 2), _fires(8, _NOBODY)),
    Play("DragomanNoHealthyEndpoint", "one of two", _endpoints(1, 2), _never(8, 20)),
    Play("DragomanNoHealthyEndpoint", "there is none", _endpoints(0, 0), _never(8, 20)),
)
