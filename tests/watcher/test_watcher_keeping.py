"""Of what people declare it is kept what it was; of what may be secret only that it changed; of pods nothing."""

import pytest

from watcher.keeping import keeps


@pytest.mark.parametrize(
    ("key", "how"),
    [
        ("getambassador.io/Mapping/default/a", "whole"),
        ("gateway.networking.k8s.io/HTTPRoute/default/a", "whole"),
        ("networking.k8s.io/Ingress/default/a", "whole"),
        ("core/Service/default/a", "whole"),
        ("core/Secret/default/a", "notes"),
        ("core/ConfigMap/default/a", "notes"),
        ("core/Namespace//a", "notes"),
        ("dragoman/File//a.yaml", "notes"),
        ("core/Endpoints/default/a", "nothing"),
        ("discovery.k8s.io/EndpointSlice/default/a", "nothing"),
        ("apps/Deployment/default/a", "nothing"),
    ],
)
def test_how_much_of_an_object_is_kept(key: str, how: str) -> None:
    assert keeps(key) == how
