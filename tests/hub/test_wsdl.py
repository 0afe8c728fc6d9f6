"""The served WSDL and schemas, judged by zeep and by the standards' own schema files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

import gateway.serves
import registry.serves
import repository.serves
from hub import wsdl
from ihe.transactions import Transaction
from tests.ihe.ebxml.test_round_trip import CODECS
from tests.schema_oracle import problems_of, schema_folder

SERVED: dict[str, tuple[Transaction[Any, Any], ...]] = {
    name: tuple(served.transaction for served in serves)
    for name, serves in (
        ("DocumentRegistry", registry.serves.SERVES),
        ("DocumentRepository", repository.serves.SERVES),
        ("RespondingGateway", gateway.serves.RESPONDING),
        ("InitiatingGateway", gateway.serves.INITIATING),
    )
}


@pytest.fixture(scope="module")
def own_schema(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], bool]:
    """Give what tells whether the hub's own schemas accept an element."""
    folder = tmp_path_factory.mktemp("schemas")
    for name in wsdl.SCHEMAS:
        text = wsdl.schema(name, "").decode().replace('"?xsd=', '"')
        for other in wsdl.SCHEMAS:
            text = text.replace(f'schemaLocation="{other}"', f'schemaLocation="{other}.xsd"')
        (folder / f"{name}.xsd").write_text(text)
    schemas = {
        name: etree.XMLSchema(etree.parse(folder / f"{name}.xsd")) for name in ("rmd", "query")
    }
    schemas["xds"] = schemas["rmd"]  # which imports it, and with it all the rest

    def accepts(element: etree._Element) -> bool:
        alone = etree.fromstring(etree.tostring(element, with_tail=False))
        namespace = etree.QName(alone).namespace or ""
        return schemas["query" if ":query:" in namespace else "rmd"].validate(alone)

    return accepts


@pytest.mark.parametrize("name", CODECS)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_the_schemas_accept_what_the_hub_writes(
    name: str, own_schema: Callable[[Any], bool], data: st.DataObject
) -> None:
    _read, write, strategy = CODECS[name]
    element = _inlined(etree.fromstring(b"".join(write(data.draw(strategy)).xml)))
    assert own_schema(element)


def _inlined(element: etree._Element) -> etree._Element:
    for include in list(element.iter("{*}Include")):
        holder = include.getparent()
        assert holder is not None
        holder.remove(include)
        holder.text = "AAAA"
    return element


def _spoil(element: etree._Element, data: st.DataObject) -> None:
    """Do one thing to a message that may or may not be allowed."""
    nodes = [each for each in element.iter() if isinstance(each.tag, str)]
    node = data.draw(st.sampled_from(nodes), label="node")
    match data.draw(
        st.sampled_from(["drop attribute", "add attribute", "drop", "repeat", "rename", "long"])
    ):
        case "drop attribute" if node.attrib:
            del node.attrib[data.draw(st.sampled_from(sorted(map(str, node.attrib))))]
        case "add attribute":
            node.set("surprise", "1")
        case "drop" if node.getparent() is not None:
            node.getparent().remove(node)  # type: ignore[union-attr]  # asked before
        case "repeat" if node.getparent() is not None:
            node.addnext(etree.fromstring(etree.tostring(node, with_tail=False)))
        case "rename":
            node.tag = f"{{{etree.QName(node).namespace}}}Surprise"
        case "long" if node.attrib:
            node.set(data.draw(st.sampled_from(sorted(map(str, node.attrib)))), "x" * 300)
        case _:
            pass


@pytest.mark.skipif(schema_folder() is None, reason="no schema files: set FELLES_SCHEMAS")
@pytest.mark.parametrize("name", [name for name in CODECS if name != "RemoveDocuments"])
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_the_schemas_judge_as_the_standards_own(
    name: str, own_schema: Callable[[Any], bool], data: st.DataObject
) -> None:
    _read, write, strategy = CODECS[name]
    element = _inlined(etree.fromstring(b"".join(write(data.draw(strategy)).xml)))
    _spoil(element, data)
    assert own_schema(element) == (not problems_of(element)), problems_of(element)


@pytest.mark.parametrize("name", SERVED)
def test_a_description_names_every_operation_with_its_action(name: str) -> None:
    served = SERVED[name]
    found = wsdl.pages(name, served, "wsdl", "https://hub/x")
    assert found is not None
    tree = etree.fromstring(found[1])
    wsaw = "{http://www.w3.org/2006/05/addressing/wsdl}Action"
    actions = [each.get(wsaw) for each in tree.iterfind("{*}portType/{*}operation/{*}input")]
    assert actions == [transaction.action for transaction in served]
    address = tree.find("{*}service/{*}port/{*}address")
    assert address is not None
    assert address.get("location") == "https://hub/x"


@pytest.mark.parametrize("query", ["", "xsd=nothing", "xsd=../../etc/passwd", "page=1"])
def test_other_questions_are_not_answered(query: str) -> None:
    assert (
        wsdl.pages("DocumentRegistry", SERVED["DocumentRegistry"], query, "https://hub/x") is None
    )


def test_schema_files_are_all_served() -> None:
    files = {path.stem for path in Path(wsdl.__file__).parent.glob("*.xsd")}
    assert files == set(wsdl.SCHEMAS)
