"""X.509: a development certificate authority, and one leaf certificate for each actor."""

from certs.authority import (
    LEAF_DAYS,
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
    "LEAF_DAYS",
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
