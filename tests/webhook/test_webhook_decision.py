"""What is decided about certificates, for every state of the cluster and the clock."""

import datetime as dt
from dataclasses import replace

import pytest
from cryptography import x509

from webhook.authority import (
    AUTHORITY_LIFE,
    EARLIER,
    SERVING_LIFE,
    BrokenError,
    Material,
    Pair,
    is_due,
    made,
    names_of,
    signed_at,
)
from webhook.decision import (
    RETIRED,
    SETTLED,
    Definition,
    Make,
    Ours,
    Patch,
    Retire,
    Secret,
    Trust,
    World,
    decide,
    serving,
)

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
NAMES = frozenset({"dragoman-webhook.dragoman.svc"})
MATERIAL = made(None, (), NAMES, NOW)
OTHER = made(None, (), NAMES, NOW)
DAY = dt.timedelta(days=1)


def world(
    material: Material | None = MATERIAL, *bundles: tuple[bytes, ...] | None, secret: Secret | None = None
) -> World:
    definitions = tuple(Definition(f"crd-{number}", "7", bundle) for number, bundle in enumerate(bundles))
    return World(definitions, secret or (Secret("3", material) if material else None))


def test_nothing_is_done_when_nothing_is_converted_by_us() -> None:
    assert decide(World((), None), None, NAMES, NOW) == ()


def test_the_first_certificates_are_made() -> None:
    (act,) = decide(world(None, None), None, NAMES, NOW)
    assert act == Make("there is no Secret", NAMES, (), None, None, None)


def test_what_is_made_is_good_and_is_for_the_names() -> None:
    assert Material.of(MATERIAL.data) == MATERIAL
    assert names_of(MATERIAL.serving.certificate) == NAMES
    served = x509.load_pem_x509_certificate(MATERIAL.serving.certificate)
    assert served.not_valid_before_utc == NOW - EARLIER
    assert served.not_valid_after_utc == NOW + SERVING_LIFE
    assert signed_at(MATERIAL.serving.certificate) == NOW


def test_every_crd_is_to_trust_it_and_then_all_is_well() -> None:
    acts = decide(world(MATERIAL, None, OTHER.bundle, MATERIAL.bundle), None, NAMES, NOW)
    bundle = b"".join(MATERIAL.bundle)
    assert acts == (Patch("crd-0", "7", bundle), Patch("crd-1", "7", bundle))
    assert decide(world(MATERIAL, MATERIAL.bundle), None, NAMES, NOW) == ()


def test_a_lost_secret_is_made_anew_and_what_served_stays_trusted() -> None:
    (act,) = decide(world(None, MATERIAL.bundle), MATERIAL, NAMES, NOW)
    assert isinstance(act, Make)
    assert act.signer is None
    assert act.trusted == MATERIAL.bundle
    assert act.previous == MATERIAL.serving


def test_who_remembers_nothing_still_goes_on_trusting_what_the_crds_trust() -> None:
    (act,) = decide(world(None, MATERIAL.bundle, OTHER.bundle), None, NAMES, NOW)
    assert isinstance(act, Make)
    assert act.trusted == (*MATERIAL.bundle, *OTHER.bundle)
    assert act.previous is None


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "ca.crt, ca.key, tls.crt, tls.key is missing"),
        ({**MATERIAL.data, "tls.key": OTHER.data["tls.key"]}, "the key of tls.crt is not the certificate's"),
        ({**MATERIAL.data, "ca.key": OTHER.data["ca.key"]}, "the key of ca.crt is not the certificate's"),
        ({**MATERIAL.data, "tls.key": b"x"}, "tls.crt cannot be read"),
        ({**MATERIAL.data, "ca.crt": b"x"}, "ca.crt cannot be read"),
        (
            {**MATERIAL.data, "tls.crt": OTHER.data["tls.crt"], "tls.key": OTHER.data["tls.key"]},
            "tls.crt is not signed by the first certificate of ca.crt",
        ),
    ],
)
def test_a_broken_secret_is_made_anew(data: dict[str, bytes], said: str) -> None:
    with pytest.raises(BrokenError, match=said):
        Material.of(data)
    (act,) = decide(world(None, None, secret=Secret.of("9", data)), MATERIAL, NAMES, NOW)
    assert isinstance(act, Make)
    assert act.reason == f"the Secret is broken: {said}"
    assert act.version == "9"


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (Pair(b"x", b""), "previous.crt cannot be read"),
        (Pair(b"", OTHER.serving.key), "previous.crt cannot be read"),
        (Pair(OTHER.serving.certificate, b"x"), "previous.crt cannot be read"),
        (Pair(OTHER.serving.certificate, MATERIAL.serving.key), "the key of previous.crt is not the certificate's"),
    ],
)
def test_a_broken_pair_from_before_is_left_out_and_told(before: Pair, said: str) -> None:
    """Nothing can serve with it; were it tried, the process would end."""
    found = Secret.of("9", replace(MATERIAL, previous=before).data)
    assert (found.material, found.reason) == (MATERIAL, said)
    assert decide(world(MATERIAL, MATERIAL.bundle, secret=found), None, NAMES, NOW) == ()


def test_a_good_pair_from_before_is_kept() -> None:
    assert Secret.of("9", replace(MATERIAL, previous=OTHER.serving).data) == Secret(
        "9", replace(MATERIAL, previous=OTHER.serving)
    )


def test_certificates_are_renewed_long_before_they_end() -> None:
    assert decide(world(MATERIAL, MATERIAL.bundle), None, NAMES, NOW + SERVING_LIFE * 0.6) == ()
    (act,) = decide(world(MATERIAL, MATERIAL.bundle), None, NAMES, NOW + SERVING_LIFE * 0.7)
    assert isinstance(act, Make)
    assert act.signer == MATERIAL
    assert act.previous == MATERIAL.serving
    renewed = made(act.signer, act.trusted, act.names, NOW + SERVING_LIFE * 0.7)
    assert renewed.bundle == MATERIAL.bundle
    assert not is_due(renewed.serving.certificate, NOW + SERVING_LIFE)


def test_the_authority_is_renewed_and_the_old_one_stays_trusted() -> None:
    later = NOW + AUTHORITY_LIFE * 0.7
    current = replace(made(MATERIAL, (), NAMES, later - DAY), previous=None)
    (act,) = decide(world(current, current.bundle), None, NAMES, later)
    assert isinstance(act, Make)
    assert act.signer is None
    renewed = made(act.signer, act.trusted, act.names, later)
    assert renewed.bundle[0] != MATERIAL.bundle[0]
    assert renewed.bundle[1:] == MATERIAL.bundle
    assert act.previous == current.serving


def test_what_has_ended_is_trusted_no_longer_and_serves_no_longer() -> None:
    later = NOW + AUTHORITY_LIFE + DAY
    (act,) = decide(world(MATERIAL, MATERIAL.bundle), None, NAMES, later)
    assert isinstance(act, Make)
    assert act.trusted == ()
    assert act.previous is None


def test_other_names_want_another_certificate() -> None:
    (act,) = decide(world(MATERIAL, MATERIAL.bundle), None, frozenset({"127.0.0.1"}), NOW)
    assert isinstance(act, Make)
    assert act.reason == "the certificate is for other names"
    assert names_of(made(act.signer, (), act.names, NOW).serving.certificate) == {"127.0.0.1"}


def test_what_served_before_is_forgotten_a_day_later_when_all_trust_what_serves_now() -> None:
    both = replace(made(None, OTHER.bundle, NAMES, NOW), previous=OTHER.serving)
    assert decide(world(both, both.bundle), None, NAMES, NOW + RETIRED - DAY / 24) == ()
    (act,) = decide(world(both, both.bundle), None, NAMES, NOW + RETIRED)
    assert act == Retire(replace(both, bundle=both.bundle[:1], previous=None), "3")
    assert all(isinstance(act, Patch) for act in decide(world(both, None), None, NAMES, NOW + RETIRED))


def test_a_clock_that_is_behind_renews_nothing() -> None:
    assert decide(world(MATERIAL, MATERIAL.bundle), None, NAMES, NOW - 400 * DAY) == ()


# What to serve with


def test_a_new_authority_serves_only_after_all_crds_are_seen_to_trust_it_for_a_while() -> None:
    both = replace(MATERIAL, bundle=(*MATERIAL.bundle, *OTHER.bundle), previous=OTHER.serving)
    trust = Trust().seen(world(both, both.bundle, OTHER.bundle), 100)
    assert trust.remaining(100) is None
    assert serving(both, trust, 500, None) == OTHER.serving
    trust = trust.seen(world(both, both.bundle, both.bundle), 500)
    assert trust.remaining(510) == SETTLED - 10
    assert serving(both, trust, 500 + SETTLED - 1, None) == OTHER.serving
    trust = trust.seen(world(both, both.bundle, both.bundle), 520)
    assert serving(both, trust, 500 + SETTLED, None) == MATERIAL.serving


def test_trust_that_is_taken_back_begins_anew() -> None:
    trust = Trust().seen(world(MATERIAL, MATERIAL.bundle), 0)
    assert trust.seen(world(MATERIAL, None), 50).remaining(60) is None
    assert trust.seen(world(OTHER, OTHER.bundle), 50).remaining(50) == SETTLED
    assert trust.seen(world(None, None), 50) == trust


def test_a_replica_that_knows_no_earlier_pair_goes_on_with_its_own() -> None:
    mine = Pair(b"c", b"k")
    assert serving(MATERIAL, Trust(), 0, mine) == mine
    assert serving(MATERIAL, Trust(), 0, None) == MATERIAL.serving


# Whose CRD


def crd(**client: object) -> dict[str, object]:
    return {"spec": {"conversion": {"strategy": "Webhook", "webhook": {"clientConfig": client}}}}


def test_a_crd_is_ours_by_its_service_or_by_its_url() -> None:
    ours = Ours("dragoman", "dragoman-webhook", "https://[::1]:9443/convert")
    assert ours.converts(crd(service={"namespace": "dragoman", "name": "dragoman-webhook", "path": "/x"}))
    assert ours.converts(crd(url="https://[::1]:9443/convert"))
    assert not ours.converts(crd(service={"namespace": "emissary-system", "name": "emissary-apiext"}))
    assert not ours.converts(crd(url="https://[::1]:9444/convert"))
    assert not ours.converts({"spec": {"conversion": {"strategy": "None"}}})
    assert not ours.converts({"spec": {}})
    assert not Ours("a", "b").converts(crd(url=""))


def test_the_names_that_the_api_server_calls() -> None:
    assert Ours("a", "b").names == {"b.a.svc"}
    assert Ours("a", "b", "https://[::0:1]:9443/convert").names == {"b.a.svc", "::1"}
    assert Ours("a", "b", "https://gate.test/convert").names == {"b.a.svc", "gate.test"}


def test_a_crd_with_a_bundle_that_cannot_be_read_trusts_nothing() -> None:
    named = {"metadata": {"name": "n", "resourceVersion": "1"}}
    assert Definition.of(named, b"x") == Definition("n", "1", None)
    assert Definition.of(named, b"") == Definition("n", "1", None)
    assert Definition.of(named, MATERIAL.data["ca.crt"]) == Definition("n", "1", MATERIAL.bundle)
