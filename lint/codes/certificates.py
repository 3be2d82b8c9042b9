"""DRG06: Secrets and files themselves. What their certificates say of time and names is looked at by rules."""

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
    title="file of certificates or texts that is of no use",
    severity="error",
    why="A file that an object names is missing, may not be read, or holds nothing that can be used. It is looked for "
    "on "
    "the machine that lints, as the gateway looks for it in its own image.",
    mend="Put the file where it is looked for, or silence the code where only the gateway has it.",
)

CODES: Final = (SECRET, FILE)
