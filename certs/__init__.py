"""X.509: a development certificate authority, and one leaf certificate for each actor."""

from certs.authority import (
    CertificateProblem,
    Files,
    Summary,
    create_authority,
    files,
    issue,
    revoke,
    summarise,
    write_revocations,
)

__all__ = [
    "CertificateProblem",
    "Files",
    "Summary",
    "create_authority",
    "files",
    "issue",
    "revoke",
    "summarise",
    "write_revocations",
]
