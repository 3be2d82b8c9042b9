"""Files that objects name are looked at, as the gateway looks at them."""

from pathlib import Path

from tests.lint.linting import an_object, ids, lint_folder
from tests.support.certificates import authority


def test_a_file_that_is_of_no_use_is_told(tmp_path: Path) -> None:
    chain, key = authority().sign("a.test").write(tmp_path, "a")
    files = f"{{cert_chain_file: {chain}, private_key_file: {key}}}"
    (tmp_path / "a.yaml").write_text(an_object("Host", "a", f"{{hostname: a.test, tls: {files}}}"))
    assert lint_folder(tmp_path).findings == ()
    key.write_text("none")
    (finding,) = lint_folder(tmp_path).findings
    assert (finding.code.id, finding.severity) == ("DRG0301", "error")
    assert (finding.path, finding.place.line) == ("spec.tls.cert_chain_file", 5)


def test_istios_files_are_looked_at_where_the_environment_names_them(tmp_path: Path) -> None:
    istio = tmp_path / "istio"
    istio.mkdir()
    for name in ("cert-chain.pem", "key.pem", "root-cert.pem"):
        (istio / name).write_text("none")
    found = lint_folder(tmp_path, AMBASSADOR_ISTIO_SECRET_DIR=str(istio)).findings
    assert set(ids(list(found))) == {"DRG0602"}
