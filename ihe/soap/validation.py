"""Validate only: the hub's own header blocks that ask for an answer without anything being stored.

```text
request    <felles:ValidateOnly  xmlns:felles="urn:felles:validation" soap:mustUnderstand="1"/>
answer     <felles:NothingStored xmlns:felles="urn:felles:validation" soap:mustUnderstand="1"/>
```

The answer is what the same message would get without the header. Two dangers are kept away:

- A receiver that does not know the header would store what was only to be looked at. Marked
  mustUnderstand, it has to be answered with a MustUnderstand fault instead (SOAP 1.2 Part 1 2.4).
  A sender that forgets the mark is believed nevertheless; a header that is meant for another node,
  or has something in it, is refused rather than passed over.
- A sender might take the answer for that of the real message. So the answer carries a header that
  must be understood as well: who does not know it cannot make a Success of it; and who asked, and
  does not find it, knows that something may have been stored.

References
----------
SOAP 1.2 Part 1 2.2 to 2.4, 5.2 (header blocks, roles, mustUnderstand).
"""

from collections.abc import Callable, Iterable
from typing import Final

from lxml import etree
from lxml.etree import _Element

from ihe.errors import FaultCode, SoapFault

NAMESPACE: Final = "urn:felles:validation"
VALIDATE_ONLY: Final = f"{{{NAMESPACE}}}ValidateOnly"
NOTHING_STORED: Final = f"{{{NAMESPACE}}}NothingStored"


def header(name: str) -> str:
    """Return the header block `name`, within an envelope that declares `soap`."""
    local = etree.QName(name).localname
    return f'<felles:{local} xmlns:felles="{NAMESPACE}" soap:mustUnderstand="1"/>'


def asks_to_validate(blocks: Iterable[_Element], is_ours: Callable[[_Element], bool]) -> bool:
    """Tell whether a request asks to be validated only.

    Parameters
    ----------
    blocks
        All header blocks, those for other nodes included.
    is_ours
        Tells whether a block is meant for the receiver.

    Raises
    ------
    SoapFault
        An element of the namespace is not ValidateOnly, is no header block but inside one, is meant
        for another node, or is not empty: whoever sent it did not want the message to be worked on
        as if it were not there.
    """
    found = False
    for block in blocks:
        if etree.QName(block).namespace != NAMESPACE:
            if next(block.iterdescendants(f"{{{NAMESPACE}}}*"), None) is not None:
                raise SoapFault(
                    FaultCode.SENDER,
                    f"an element of {NAMESPACE} stands inside the header {block.tag!s}, expected it"
                    " to be a header of its own",
                )
            continue
        if block.tag != VALIDATE_ONLY:
            raise SoapFault(
                FaultCode.SENDER, f"the header {block.tag!s} is not known, expected {VALIDATE_ONLY}"
            )
        if not is_ours(block):
            raise SoapFault(
                FaultCode.SENDER,
                f"the header {VALIDATE_ONLY} is meant for another node, expected no role",
            )
        if len(block) or (block.text or "").strip():
            raise SoapFault(
                FaultCode.SENDER, f"the header {VALIDATE_ONLY} has a content, expected none"
            )
        found = True
    return found


def says_nothing_stored(head: _Element | None) -> bool:
    """Tell whether an answer says that nothing was stored; `head` is soap12:Header."""
    return head is not None and any(block.tag == NOTHING_STORED for block in head)
