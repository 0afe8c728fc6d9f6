"""The URIs and purposes of document signatures (ITI TF-3 5.5.2; XML Signature; XAdES 1.3.2)."""

from enum import StrEnum
from typing import Final

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XADES: Final = "http://uri.etsi.org/01903/v1.3.2#"

SIGNED_PROPERTIES: Final = "http://uri.etsi.org/01903#SignedProperties"
"""Type of the Reference to what XAdES signs beside the documents."""
MANIFEST: Final = f"{DS}Manifest"
"""Type of a Reference to a ds:Manifest, which lists documents in older signatures."""

C14N_SIGNED_INFO: Final = "http://www.w3.org/2006/12/xml-c14n11#WithComments"
"""Of ds:SignedInfo (5.5.2.1)."""
C14N_PROPERTIES: Final = "http://www.w3.org/2006/12/xml-c14n11"

DETACHED: Final = "urn:ihe:iti:dsg:detached:2014"
"""Policy identifier of a signature, and formatCode of its document (5.5.2, 5.5.3)."""
FORMAT_SCHEME: Final = "1.3.6.1.4.1.19376.1.2.3"
MIME_TYPE: Final = "text/xml"

PURPOSE_SCHEME: Final = "1.2.840.10065.1.12"
"""ASTM E1762, signature purposes."""

WHOLE_SET: Final = "0"
"""DigestValue of a Reference to a SubmissionSet: the set has no octets (5.5.2.2)."""


class Digests(StrEnum):
    """Digest algorithms of References, by what hashlib calls them.

    A consumer must know SHA-256 and SHA-1 (5.5.2.1).
    """

    SHA1 = f"{DS}sha1"
    SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
    SHA384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
    SHA512 = "http://www.w3.org/2001/04/xmlenc#sha512"

    @property
    def hashlib_name(self) -> str:
        """What hashlib calls it."""
        return self.name.lower()


class Purpose(StrEnum):
    """Why somebody signs (ASTM E1762); the value is the code in `PURPOSE_SCHEME`."""

    AUTHOR = f"{PURPOSE_SCHEME}.1.1"
    CO_AUTHOR = f"{PURPOSE_SCHEME}.1.2"
    CO_PARTICIPANT = f"{PURPOSE_SCHEME}.1.3"
    TRANSCRIPTIONIST = f"{PURPOSE_SCHEME}.1.4"
    VERIFICATION = f"{PURPOSE_SCHEME}.1.5"
    VALIDATION = f"{PURPOSE_SCHEME}.1.6"
    CONSENT = f"{PURPOSE_SCHEME}.1.7"
    SIGNATURE_WITNESS = f"{PURPOSE_SCHEME}.1.8"
    EVENT_WITNESS = f"{PURPOSE_SCHEME}.1.9"
    IDENTITY_WITNESS = f"{PURPOSE_SCHEME}.1.10"
    CONSENT_WITNESS = f"{PURPOSE_SCHEME}.1.11"
    INTERPRETER = f"{PURPOSE_SCHEME}.1.12"
    REVIEW = f"{PURPOSE_SCHEME}.1.13"
    SOURCE = f"{PURPOSE_SCHEME}.1.14"
    ADDENDUM = f"{PURPOSE_SCHEME}.1.15"
    MODIFICATION = f"{PURPOSE_SCHEME}.1.16"
    ADMINISTRATIVE = f"{PURPOSE_SCHEME}.1.17"
    TIMESTAMP = f"{PURPOSE_SCHEME}.1.18"

    @property
    def display(self) -> str:
        """For people: the signature's title (5.5.3)."""
        return f"{self.name.replace('_', ' ').capitalize()} signature"
