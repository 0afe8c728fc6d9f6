"""The standards' own schema files as judges of what the hub emits.

They are found in the folder that `FELLES_SCHEMAS` names, or in `../shared/schemas` beside the
checkout. Where there are none, the tests that ask them are skipped, and say so.
"""

import os
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

_HERE = Path(__file__).resolve().parent.parent
_XDS = "XDS.b_DocumentRepository.xsd"  # rs, rim, lcm and query come with it
_RMD = "rmd.xsd"


def schema_folder() -> Path | None:
    """Return the folder of the schema files, None when there is none."""
    named = os.environ.get("FELLES_SCHEMAS")
    folder = Path(named) if named else _HERE.parent / "shared" / "schemas"
    return folder if folder.is_dir() else None


@cache
def _schema(name: str) -> etree.XMLSchema:
    folder = schema_folder()
    assert folder is not None
    return etree.XMLSchema(etree.parse(folder / name))


def problems_of(element: etree._Element) -> list[str]:
    """Return what the standard's schema has against a message, without what is around it."""
    alone = etree.fromstring(etree.tostring(element, with_tail=False))
    for include in list(alone.iter("{http://www.w3.org/2004/08/xop/include}Include")):
        holder = include.getparent()  # the schema knows what stood there before optimisation
        assert holder is not None
        holder.remove(include)
        holder.text = "AAAA"
    schema = _schema(_name(etree.QName(alone)))
    schema.validate(alone)
    return [f"line {each.line}: {each.message}" for each in schema.error_log]


def _name(message: etree.QName) -> str:
    """Return the schema file that knows a message."""
    if message.namespace == "urn:hl7-org:v3":  # one for each interaction, named by it
        return f"hl7v3/multicacheschemas/{message.localname}.xsd"
    return f"xds/{_RMD if 'rmd:2017' in message.text else _XDS}"


def assert_schema_valid(element: etree._Element) -> None:
    """Fail unless the standard's schema accepts the message; skip where there is no schema."""
    if schema_folder() is None:
        pytest.skip("no schema files: set FELLES_SCHEMAS to their folder")
    if problems := problems_of(element):
        pytest.fail(f"{etree.QName(element).localname} is not schema-valid: {problems}")
