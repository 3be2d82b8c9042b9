"""DRG06: Secrets themselves, and Istio's. What their certificates say of time and names is looked at by rules."""

from typing import Final

from lint.codes.schema import GOOD
from lint.findings import Code

SECRET: Final = Code(
    id="DRG0601",
    title="Secret without a usable certificate",
    severity="warning",
    why="A Secret holds a certificate, key or CA that Envoy would refuse, or that clients stumble over. Whoever names "
    "it "
    "is not served, or served badly.",
    mend="Replace the entry that is named.",
    wrong="""apiVersion: v1
kind: Secret
metadata: {name: shop}
type: kubernetes.io/tls
stringData: {tls.crt: none, tls.key: none}
""",
    right=GOOD,
)
FILE: Final = Code(
    id="DRG0602",
    title="files of Istio's that are of no use",
    severity="error",
    why="AMBASSADOR_ISTIO_SECRET_DIR names a folder, and the certificate that Istio writes there is missing, "
    "or cannot be used. Files that an object names are told at that object (DRG0301).",
    mend="Look at the folder, or leave the variable out where nothing is linted for a pod of Istio's.",
)

CODES: Final = (SECRET, FILE)
