"""What Emissary learned the hard way, by number: each behaviour and each value that froze its updates has tests here.

The numbers are those of the list of behaviours that a successor must get right, and, with `9.2.` before them, of the
rows of values that one must not choke on. `WAITING` are those whose feature is not served yet: who brings the feature
moves the number.
"""

import ast
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
E2E: Final = "tests/e2e/test_"
UNIT: Final = "tests/translator/emissary/test_emissary_"

TESTS: Final[dict[str, tuple[str, ...]]] = {
    # Names: Host, SNI, authority
    "1": (f"{E2E}hard_behaviours.py::test_1_the_name_in_tls_is_without_the_port_that_the_host_has",),
    "2": (f"{E2E}http_settings.py::test_the_name_of_the_server_and_the_port_of_the_host_are_as_the_module_says",),
    "3": (
        f"{E2E}matching.py::test_a_wildcard_host_serves_a_mapping_only_under_the_mappings_own_name",
        f"{E2E}tls.py::test_each_host_shows_its_own_certificate_by_sni",
        f"{UNIT}association.py::test_two_hostnames_overlap_when_some_name_could_be_both",
    ),
    "4": (
        f"{E2E}tls.py::test_another_hosts_name_on_this_hosts_connection_is_misdirected",
        f"{E2E}whose_name.py::test_a_connection_belongs_to_the_host_of_its_name",
    ),
    "5": (f"{E2E}hard_behaviours.py::test_5_of_hosts_with_one_name_in_tls_the_first_keeps_its_context",),
    "6": (f"{E2E}tls.py::test_the_insecure_action_decides_about_clear_text",),
    "7": (f"{E2E}hard_behaviours.py::test_7_a_mapping_may_itself_ask_for_the_scheme",),
    "8": (
        f"{E2E}tls.py::test_the_insecure_action_decides_about_clear_text",
        f"{E2E}first_certificate.py::test_a_challenge_is_answered_while_the_only_host_waits_for_its_secret",
    ),
    "9": (f"{E2E}tls.py::test_a_host_whose_certificate_breaks_is_stopped_and_never_opens_clear_text",),
    "10": (f"{E2E}hard_behaviours.py::test_10_the_proxys_line_is_read_before_tls",),
    "11": (f"{E2E}http3.py::test_the_same_is_served_by_http_3_and_clients_are_told",),
    # Mappings, groups, weights
    "12": (
        f"{E2E}changing_requests.py::test_a_lone_mapping_takes_all_whatever_its_weight",
        f"{E2E}changing_requests.py::test_a_share_that_no_weight_takes_falls_through",
    ),
    "13": (f"{E2E}shadows.py::test_weights_are_exact_at_their_ends_and_what_they_leave_over_falls_through",),
    "14": (
        f"{E2E}changing_requests.py::test_timeout",
        f"{E2E}upstreams.py::test_dns_is_asked_as_was_said",
        f"{E2E}shadows.py::test_weights_are_exact_at_their_ends_and_what_they_leave_over_falls_through",
    ),
    "15": (
        f"{E2E}changing_requests.py::test_rewrite",
        f"{UNIT}actions.py::test_a_regex_rewrite_wins_and_says_so_only_when_both_were_given",
    ),
    "16": (f"{E2E}changing_requests.py::test_module_defaults",),
    "17": (
        f"{E2E}changing_requests.py::test_host_redirect",
        f"{E2E}hard_behaviours.py::test_17_a_redirect_is_reached_by_its_host_and_never_mixed",
    ),
    "18": (f"{E2E}hard_behaviours.py::test_18_canaries_of_hosts_that_choose_by_label_stay_apart",),
    "19": (f"{UNIT}incremental.py::test_any_edits_in_any_batches_are_the_same_as_from_scratch",),
    "20": (
        f"{UNIT}incremental.py::test_any_edits_in_any_batches_are_the_same_as_from_scratch",
        f"{E2E}matching.py::test_the_longer_prefix_wins_whatever_the_order",
        f"{E2E}faults.py::test_changes_of_every_sort_under_load",
    ),
    "21": (f"{E2E}hard_behaviours.py::test_21_one_name_in_two_namespaces_is_two_mappings",),
    "22": (
        f"{E2E}matching.py::test_labels_bind_mappings_to_hosts_by_selector",
        f"{E2E}selectors.py::test_without_strict_selectors_one_label_is_enough_and_the_expressions_hold_all_the_same",
        f"{UNIT}association.py::test_when_not_strict_any_label_or_the_hostname_is_enough",
    ),
    "23": (f"{E2E}mistakes.py::test_one_wrong_field_stops_that_mapping_only",),
    "24": (
        f"{E2E}mistakes.py::test_all_problems_of_an_object_are_told_at_once",
        f"{E2E}mistakes.py::test_an_object_of_a_wrong_shape_is_named_and_stops_itself_alone",
    ),
    # Clusters
    "25": (f"{E2E}hard_behaviours.py::test_25_names_of_clusters_are_bounded_and_never_alike",),
    "26": (
        f"{E2E}services.py::test_names_that_differ_in_punctuation_are_different_services",
        f"{E2E}upstreams.py::test_the_breakers_of_the_module_hold_where_a_mapping_has_none",
    ),
    "27": (
        f"{E2E}upstreams.py::test_statistics_have_the_name_that_was_given",
        f"{E2E}hard_behaviours.py::test_27_each_has_the_statistics_of_its_own_name",
    ),
    "28": (
        f"{E2E}upstreams.py::test_dns_is_asked_as_was_said",
        f"{UNIT}services.py::test_an_unqualified_name_is_one_of_the_mappings_namespace",
    ),
    "29": (f"{E2E}hard_behaviours.py::test_29_a_breakers_priority_is_written_as_one_likes",),
    "30": (f"{E2E}services.py::test_ports_by_number_and_namespaces_by_name",),
    "31": (
        f"{E2E}resolvers.py::test_a_service_of_consuls_is_reached_at_its_healthy_instances_as_they_come_and_go",
        f"{E2E}resolvers.py::test_the_wrong_datacenter_is_told",
    ),
    "32": (f"{E2E}services.py::test_ports_by_number_and_namespaces_by_name",),
    "33": (f"{E2E}hard_behaviours.py::test_33_a_way_to_ask_dns_means_nothing_to_endpoints",),
    # TLS and Secrets
    "34": (
        "tests/translator/kubernetes/test_secrets_as_envoy.py::test_certificates_are_judged_as_envoy_judges_them",
        f"{E2E}tls.py::test_a_key_that_envoy_does_not_take_is_told_by_its_host",
    ),
    "35": (f"{E2E}hard_behaviours.py::test_35_a_secret_is_named_with_its_namespace_behind_a_dot",),
    "36": (
        f"{E2E}tls.py::test_a_rotated_certificate_is_served_and_touches_no_listener",
        f"{E2E}named_files.py::test_a_host_ends_tls_by_the_files_of_its_context_and_another_certificate_touches_no_connection",
        f"{E2E}named_files.py::test_istios_files_are_a_secret_that_wins_over_one_of_that_name",
    ),
    "37": (f"{E2E}hard_behaviours.py::test_37_another_ca_counts_although_nothing_else_changed",),
    "38": (f"{E2E}hard_behaviours.py::test_38_a_context_needs_no_certificate",),
    "39": (
        f"{E2E}protocols.py::test_tcp_chosen_by_sni",
        f"{UNIT}tcp.py::test_a_context_that_lists_the_name_will_do_without_a_host",
    ),
    # Filters
    "40": (f"{E2E}cors.py::test_item_40_a_preflight_is_not_refused_for_want_of_credentials",),
    "41": (f"{E2E}auth_services.py::test_item_41_nobody_is_asked_about_what_bypasses_or_is_sent_elsewhere",),
    "42": (
        f"{E2E}auth_services.py::test_item_42_where_one_is_wrong_nobody_is_let_through",
        f"{E2E}auth_services.py::test_a_service_that_does_not_answer",
    ),
    "43": (f"{E2E}module_filters.py::test_item_43_answers_are_compressed_and_requests_never",),
    "44": (
        f"{E2E}auth_services.py::test_item_42_where_one_is_wrong_nobody_is_let_through",
        f"{E2E}rate_limits.py::test_item_44_another_version_of_the_protocol_is_told",
        f"{E2E}observability.py::test_what_is_wrong_with_a_log_service_is_told_and_nothing_else_is_touched",
    ),
    "45": (f"{E2E}cors.py::test_item_45_an_older_version_separates_by_commas",),
    # What else
    "46": (
        f"{E2E}ingresses.py::test_paths_hosts_and_ports",
        f"{E2E}ingresses.py::test_tls_is_by_the_secret_of_the_ingress",
        f"{E2E}kubernetes_ingresses.py::test_an_ingress_says_the_address_of_our_service_and_follows_it",
    ),
    "47": (
        f"{E2E}knative.py::test_item_47_a_path_is_a_prefix_and_stays_as_it_is",
        f"{E2E}kubernetes_knative.py::test_knative_hears_that_its_routes_are_served",
    ),
    "48": (f"{E2E}mistakes.py::test_a_mapping_that_envoy_refuses_is_held_back_alone",),
    "49": (f"{E2E}observability.py::test_datadogs_agent_is_told_of_requests",),
    "50": (f"{E2E}hard_behaviours.py::test_50_what_comes_together_is_one_change",),
    # Values that froze every later update
    "9.2.1": (f"{E2E}no_poison_pill.py::test_a_mapping_is_named_and_stops_alone",),
    "9.2.2": (f"{E2E}no_poison_pill.py::test_a_mapping_is_named_and_stops_alone",),
    "9.2.3": (f"{E2E}no_poison_pill.py::test_a_mapping_is_named_and_stops_alone",),
    "9.2.4": (f"{E2E}no_poison_pill.py::test_a_mapping_is_named_and_stops_alone",),
    "9.2.5": (f"{E2E}no_poison_pill.py::test_a_certificate_that_cannot_be_shown_stops_who_names_it",),
    "9.2.6": (f"{E2E}no_poison_pill.py::test_a_tcp_mapping_for_a_port_that_hosts_have_stops_alone",),
    "9.2.7": (
        f"{E2E}no_poison_pill.py::test_a_setting_of_the_module_is_named_and_the_others_hold",
        f"{E2E}observability.py::test_what_is_wrong_with_a_log_is_told_and_the_rest_of_the_module_holds",
        f"{E2E}module_filters.py::test_pill_a_script_that_envoy_refuses_harms_nobody",
    ),
    "9.2.8": (f"{E2E}observability.py::test_what_is_wrong_with_a_log_service_is_told_and_nothing_else_is_touched",),
    "9.2.9": (f"{E2E}observability.py::test_what_is_wrong_with_a_tracing_service_is_told",),
}

WAITING: Final[dict[str, str]] = {}

NUMBERS: Final = {str(number) for number in range(1, 51)} | {f"9.2.{row}" for row in range(1, 10)}


@cache
def functions(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_every_number_has_a_test_or_waits_for_its_feature() -> None:
    assert TESTS.keys() | {number.split()[0] for number in WAITING} == NUMBERS


def test_no_number_waits_that_has_its_tests() -> None:
    assert not TESTS.keys() & WAITING.keys()


@pytest.mark.parametrize("number", TESTS)
def test_the_tests_of_a_number_are_there(number: str) -> None:
    assert TESTS[number]
    for test in TESTS[number]:
        path, _, name = test.partition("::")
        assert name in functions(path), test
