"""MTOM/XOP for zeep, which by itself sends plain SOAP and may shorten what it receives.

zeep takes line breaks off the ends of a binary part, and takes the first part for the root whatever
`start` says. Here the package is taken apart by hand and its headers by the standard library, so
that nothing of the hub's own code judges itself.
"""

import base64
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any, Final
from urllib.parse import unquote

import requests
from lxml import etree
from zeep.transports import Transport

XOP: Final = "http://www.w3.org/2004/08/xop/include"
DOCUMENT: Final = "{urn:ihe:iti:xds-b:2007}Document"
BOUNDARY: Final = "MIMEBoundary_of_another_stack"


class XopTransport(Transport):
    """Takes documents out of what zeep sends, and puts them into what it receives.

    `packages` counts the answers that came as MTOM.
    """

    def __init__(self, *, optimise: bool = True) -> None:
        session = requests.Session()
        session.trust_env = False  # no proxy on the way to loopback
        super().__init__(session=session)  # type: ignore[no-untyped-call]  # zeep is untyped
        self.optimise = optimise
        self.packages = 0

    def post_xml(self, address: str, envelope: Any, headers: dict[str, str]) -> requests.Response:
        """Send an envelope and return the answer in one piece of XML."""
        if not self.optimise:
            answer = super().post_xml(address, envelope, headers)  # type: ignore[no-untyped-call]  # as above
        else:
            content_type, package = _pack(envelope)
            headers = {**headers, "Content-Type": content_type}
            answer = self.post(address, package, headers)  # type: ignore[no-untyped-call]  # as above
        return self._unpacked(answer)

    def _unpacked(self, answer: requests.Response) -> requests.Response:
        kind = Message()
        kind["Content-Type"] = answer.headers["Content-Type"]
        if kind.get_content_type() != "multipart/related":
            return answer
        self.packages += 1
        assert kind.get_param("type") == "application/xop+xml"
        parts = _split(answer.content, str(kind.get_boundary()))
        root = etree.fromstring(parts.pop(str(kind.get_param("start"))))
        for include in list(root.iter(f"{{{XOP}}}Include")):
            holder = include.getparent()
            assert holder is not None
            href = str(include.get("href"))
            holder.remove(include)
            content = parts.pop(f"<{unquote(href.removeprefix('cid:'))}>")
            holder.text = base64.b64encode(content).decode()
        assert not parts, "every part is referred to"
        answer._content = etree.tostring(root)
        answer.headers["Content-Type"] = "application/soap+xml; charset=utf-8"
        return answer


def _pack(envelope: Any) -> tuple[str, bytes]:
    """Return Content-Type and body of a package, with each document in a part of its own."""
    contents = []
    for document in envelope.iter(DOCUMENT):
        contents.append(base64.b64decode(document.text))
        document.text = None
        include = etree.SubElement(document, f"{{{XOP}}}Include")
        include.set("href", f"cid:{len(contents)}.urn%3Auuid%3A77@apache.org")  # as Axis2 writes it
    parts = [("0.urn:uuid:77@apache.org", "application/xop+xml", etree.tostring(envelope))]
    parts += [
        (f"{number}.urn:uuid:77@apache.org", "text/plain", content)
        for number, content in enumerate(contents, 1)
    ]
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Type: {mime_type}\r\nContent-Transfer-Encoding: binary\r\n"
        f"Content-ID: <{content_id}>\r\n\r\n".encode()
        + content
        + b"\r\n"
        for content_id, mime_type, content in parts
    )
    return (
        f'multipart/related; boundary={BOUNDARY}; type="application/xop+xml";'
        ' start="<0.urn:uuid:77@apache.org>"; start-info="application/soap+xml"'
    ), body + f"--{BOUNDARY}--\r\n".encode()


def _split(body: bytes, boundary: str) -> dict[str, bytes]:
    """Return the parts by Content-ID, byte for byte (which `email` itself does not promise)."""
    found: dict[str, bytes] = {}
    for piece in (b"\r\n" + body).split(f"\r\n--{boundary}".encode())[1:-1]:
        head, _, content = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        found[str(BytesHeaderParser().parsebytes(head)["Content-ID"])] = content
    return found
