"""The WSDL that an endpoint serves, made from the transactions that it answers.

`GET …?wsdl` gives the description, `?xsd=rim` and so on the schemas that it imports. The schemas
are files beside this module; they describe what the hub reads and writes.

References
----------
ITI TF-2 Appendix V.3 (names, bindings and actions of IHE web services); WSDL 1.1.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape, quoteattr

from ihe.transactions import Transaction
from ihe.vocabulary import HL7V3, LCM, QUERY, RMD, RS, XDS

SCHEMAS: Final = ("xml", "rim", "rs", "lcm", "query", "xds", "rmd", "hl7")
_PREFIXES: Final = {LCM: "lcm", QUERY: "query", RS: "rs", XDS: "xds", RMD: "rmd", HL7V3: "hl7"}
_MEDIA_TYPE: Final = "text/xml; charset=utf-8"


def pages(
    name: str, transactions: Sequence[Transaction[Any, Any]], query: str, url: str
) -> tuple[str, bytes] | None:
    """Answer a GET request: media type and content of what its query string asks for.

    Parameters
    ----------
    name
        The actor, as in `DocumentRegistry`.
    transactions
        What is served at `url`.

    Returns
    -------
    None when the query string asks for neither `wsdl` nor a known `xsd`.
    """
    asked = {key.lower(): values[0] for key, values in parse_qs(query, True).items()}
    if "wsdl" in asked:
        return _MEDIA_TYPE, wsdl(name, transactions, url)
    if asked.get("xsd") in SCHEMAS:
        return _MEDIA_TYPE, schema(asked["xsd"], url)
    return None


@cache
def _file(name: str) -> str:
    return files(__name__).joinpath(f"{name}.xsd").read_text(encoding="utf-8")


def schema(name: str, url: str) -> bytes:
    """Return a schema file; the schemas that it imports are found at `url`."""
    text = _file(name)  # and no more is remembered: the URL is whatever a client calls us
    for other in SCHEMAS:
        text = text.replace(f'schemaLocation="{other}"', f"schemaLocation={_location(other, url)}")
    return text.encode()


def _location(name: str, url: str) -> str:
    return quoteattr(f"{url}?xsd={name}")


def wsdl(name: str, transactions: Sequence[Transaction[Any, Any]], url: str) -> bytes:
    """Return the WSDL 1.1 description of an endpoint: SOAP 1.2, document/literal."""
    imports = "".join(
        f'<xs:import namespace="{namespace}" schemaLocation={_location(prefix, url)}/>'
        for namespace, prefix in _PREFIXES.items()
    )
    prefixes = " ".join(f'xmlns:{prefix}="{uri}"' for uri, prefix in _PREFIXES.items())
    messages = "".join(map(_messages, transactions))
    operations = "".join(map(_operation, transactions))
    bound = "".join(map(_binding, transactions))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<wsdl:definitions name="{name}" targetNamespace="{XDS}" xmlns:tns="{XDS}" {prefixes}'
        ' xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/"'
        ' xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/"'
        ' xmlns:wsaw="http://www.w3.org/2006/05/addressing/wsdl"'
        ' xmlns:wsam="http://www.w3.org/2007/05/addressing/metadata"'
        ' xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        f"<wsdl:types><xs:schema>{imports}</xs:schema></wsdl:types>"
        f'{messages}<wsdl:portType name="{name}_PortType">{operations}</wsdl:portType>'
        f'<wsdl:binding name="{name}_Binding_Soap12" type="tns:{name}_PortType">'
        '<soap12:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>'
        f'<wsaw:UsingAddressing wsdl:required="true"/>{bound}</wsdl:binding>'
        f'<wsdl:service name="{name}_Service">'
        f'<wsdl:port name="{name}_Port_Soap12" binding="tns:{name}_Binding_Soap12">'
        f"<soap12:address location={quoteattr(url)}/></wsdl:port></wsdl:service>"
        "</wsdl:definitions>\n"
    ).encode()


def _element(clark: str) -> str:
    namespace, _, local = clark[1:].partition("}")
    return f"{_PREFIXES[namespace]}:{local}"


def _messages(transaction: Transaction[Any, Any]) -> str:
    name = transaction.operation
    return "".join(
        f'<wsdl:message name="{name}{kind}_Message">'
        f'<wsdl:part name="body" element="{_element(element)}"/></wsdl:message>'
        for kind, element in (
            ("", transaction.request_element),
            ("Response", transaction.response_element),
        )
    )


def _operation(transaction: Transaction[Any, Any]) -> str:
    name = transaction.operation
    request, response = escape(transaction.action), escape(transaction.response_action)
    return (
        f'<wsdl:operation name="{transaction.wsdl_operation}">'
        f"<wsdl:documentation>{transaction.name} {escape(transaction.title)}</wsdl:documentation>"
        f'<wsdl:input message="tns:{name}_Message"'
        f' wsaw:Action="{request}" wsam:Action="{request}"/>'
        f'<wsdl:output message="tns:{name}Response_Message"'
        f' wsaw:Action="{response}" wsam:Action="{response}"/></wsdl:operation>'
    )


def _binding(transaction: Transaction[Any, Any]) -> str:
    return (
        f'<wsdl:operation name="{transaction.wsdl_operation}">'
        f'<soap12:operation soapAction="{escape(transaction.action)}" soapActionRequired="false"/>'
        '<wsdl:input><soap12:body use="literal"/></wsdl:input>'
        '<wsdl:output><soap12:body use="literal"/></wsdl:output></wsdl:operation>'
    )
