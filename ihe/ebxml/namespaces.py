"""The prefixes that the hub writes: always the same ones, so that a naive receiver copes."""

from typing import Final

from ihe.vocabulary import HL7V3, LCM, QUERY, RIM, RMD, RS, XDS, XOP

RIM_PREFIX: Final = f'xmlns:rim="{RIM}"'
RS_PREFIX: Final = f'xmlns:rs="{RS}"'
LCM_PREFIX: Final = f'xmlns:lcm="{LCM}"'
QUERY_PREFIX: Final = f'xmlns:query="{QUERY}"'
XDS_PREFIX: Final = f'xmlns:xds="{XDS}"'
RMD_PREFIX: Final = f'xmlns:rmd="{RMD}"'
XOP_PREFIX: Final = f'xmlns:xop="{XOP}"'

_PREFIXES: Final = {
    RIM: "rim",
    RS: "rs",
    LCM: "lcm",
    QUERY: "query",
    XDS: "xds",
    RMD: "rmd",
    XOP: "xop",
    HL7V3: "hl7",
}


def readable(tag: str) -> str:
    """Return a Clark name as people write it: `rim:Slot`; an unknown namespace stays in full."""
    namespace, _, name = tag.removeprefix("{").rpartition("}")
    prefix = _PREFIXES.get(namespace)
    return f"{prefix}:{name}" if prefix else tag
