import pytest

from ihe import datatypes, xml
from ihe.datatypes import XTN, Composite, Datatype
from ihe.errors import MOST_TOLD, ErrorCode, FaultCode, SoapFault, brief, registry_error
from ihe.soap.envelope import read_envelope
from ihe.vocabulary import SOAP12

LONG = "n" * 40_000
TYPES = [
    each
    for each in vars(datatypes).values()
    if isinstance(each, type) and issubclass(each, Datatype) and each not in {Datatype, Composite}
]


def test_a_long_text_is_told_without_its_middle():
    assert brief("x" * MOST_TOLD) == "x" * MOST_TOLD
    told = brief("begins" + LONG + "ends")
    assert len(told) <= MOST_TOLD
    assert told.startswith("beginsnnn")
    assert told.endswith("nnnends")


@pytest.mark.parametrize(
    "text",
    [
        f"<{LONG}></b>",
        f"<a {LONG}/>",
        f"<a>&{LONG};</a>",
        f"<{LONG}:b/>",
        f"<a {LONG}='' {LONG}=''/>",
    ],
)
def test_what_is_wrong_with_xml_is_told_briefly(text):
    with pytest.raises(xml.MalformedXml, match="not well-formed: ") as refused:
        xml.parse(text.encode())
    assert len(str(refused.value)) < MOST_TOLD + 100
    assert refused.value.line == 1


@pytest.mark.parametrize(
    "text",
    [
        f"<{LONG}/>",
        f'<Envelope xmlns="{LONG}"/>',
        f'<Envelope xmlns="{SOAP12}" xmlns:s="{SOAP12}"><Header><b xmlns="{LONG}"'
        ' s:mustUnderstand="1"/></Header><Body><a/></Body></Envelope>',
    ],
)
def test_what_is_wrong_with_an_envelope_is_told_briefly(text):
    with pytest.raises(SoapFault) as refused:
        read_envelope(text.encode())
    assert len(refused.value.reason) <= MOST_TOLD
    assert refused.value.not_understood == ()


def test_a_fault_and_a_registry_error_are_brief_whatever_they_quote():
    assert len(SoapFault(FaultCode.SENDER, LONG).reason) <= MOST_TOLD
    error = registry_error(ErrorCode.REGISTRY_ERROR, LONG, LONG)
    assert len(error.context) <= MOST_TOLD
    assert len(error.location) <= MOST_TOLD


@pytest.mark.parametrize("type_", TYPES)
def test_what_is_wrong_with_a_value_is_told_briefly(type_):
    for text in (LONG, f"^{LONG}", f"^{LONG}^Internet^a@b", "^" * 40_000, f"{LONG}^^^&{LONG}&ISO"):
        assert len(type_(text).problem or "") <= 400


def test_the_use_of_an_address_is_quoted_briefly():
    """Found by fuzzing: the reason quoted the use in full."""
    problem = XTN(f"^{LONG}^Internet^a@b").problem
    assert problem is not None
    assert problem.startswith("the use of an e-mail address is 'nnn")
    assert len(problem) < 400
