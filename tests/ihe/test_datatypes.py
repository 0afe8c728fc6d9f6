r"""The grammar of each data type: what is right, and what is said of what is not."""

import pytest

from ihe.datatypes import (
    CX,
    XCN,
    XON,
    XTN,
    CXi,
    Datatype,
    Field,
    Recipient,
    foreign_escape,
)

REFERRAL = "urn:ihe:iti:xds:2013:referral"
ORDER = "urn:ihe:iti:xds:2013:order"
ENCOUNTER = "urn:ihe:iti:xds:2015:encounterId"
WORKFLOW = "urn:ihe:iti:xdw:2013:workflowInstanceId"
STUDY = "urn:ihe:iti:xds:2016:studyInstanceUID"


@pytest.mark.parametrize(
    "value",
    [
        CX("1^^^&1.2.3&ISO"),
        CX("1^^^&1.2.3&ISO^^"),  # separators at the end say nothing, of components
        CX("1^&^^&1.2.3&ISO&"),  # ... and of subcomponents
        CX("1^^^&urn:oid:1.2.3&ISO"),
        XCN("^NORDMANN^KARI"),
        XCN("^NORDMANN^KARI^^^^^^&&"),
        XCN("1^NORDMANN^KARI^^^^^^&1.2.3&ISO"),
        XCN("1^^^^^^^^&1.2.3&ISO^L^^^NI"),
        XON("Helseforetak"),
        XON("Helseforetak^^^^^^^^^1.2.3.4"),
        XON("Helseforetak^^^^^&&^^^^1.2.3.4"),
        XON("Helseforetak^^^^^&1.2.3&ISO^^^^45"),
        XTN("^PRN^PH^^47^22^334455^12"),
        XTN("^^PH^^^^^^^^^12345678"),
        XTN("^^Internet^post@example.com"),
        XTN("^NET^Internet^post@example.com^&"),
        CXi("1^^^&1.2.3&ISO^" + REFERRAL),
        CXi("1^^^LAB^" + ORDER),
        CXi("1^^^&&^urn:ihe:iti:xds:2013:accession"),
        CXi("2.25.7^^^^" + WORKFLOW),
        CXi("2.25.7^^^^" + STUDY),
        CXi("1^^^^urn:example:kind"),
        CXi("1^^^&1.2.3&ISO^" + REFERRAL + "^urn:oid:1.2"),  # CP-ITI-1292
        Field("PID-5|Danser^Line"),
        Field("PID-39|"),
        Recipient("Bodø kommune"),
        Recipient("|^HANSEN^OLE"),
        Recipient("||^^Internet^post@example.com"),
    ],
    ids=lambda value: f"{type(value).__name__} {value}",
)
def test_a_value_in_its_form_is_right(value: Datatype) -> None:
    assert value.problem is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (CX("^^^&1.2.3&ISO"), "the id is missing"),
        (CX("1&2^^^&1.2.3&ISO"), "the id has subcomponents"),
        (CX("1^2^^&1.2.3&ISO"), "component 2 must be empty"),
        (CX("1^^^&1.2.3&ISO^PI"), "component 5 must be empty"),
        (CX("1^^^NHN&1.2.3&ISO"), "component 4 names a namespace"),
        (CX("1^^^&1.2.3&ISO&x"), "more than three subcomponents"),
        (CX("1^^^&1.2.3&DNS"), "the authority's type is 'DNS'"),
        (XCN("^^KARI"), "neither an id nor a last name"),
        (XCN("&"), "neither an id nor a last name"),
        (XCN("1^NORDMANN^^^^^^^HPR&1.2.3&ISO"), "component 9 names a namespace"),
        (XCN("1^NORDMANN^^^^^^^&1.2.3&ISO&x"), "more than three subcomponents"),
        (XON("^^^^^&1.2.3&ISO^^^^45"), "the name is missing"),
        (XON("Helseforetak^^^^^^^^^45"), "the assigning authority '' is not an OID"),
        (XON("Helseforetak^^^^^RESH"), "component 6 names a namespace"),
        (XON("Helseforetak^^^^^RESH&1.2.3&ISO^^^^1.2.3.4"), "component 6 names a namespace"),
        (XON("Helseforetak^L"), "component 2 must be empty"),
        (XTN("22334455"), "the type (component 3) is missing"),
        (XTN("^PRN^PH"), "the number is missing"),
        (XTN("^PRN^Internet^post@example.com"), "the use of an e-mail address is 'PRN'"),
        (CXi("1"), "the identifier type code (component 5) is missing"),
        (CXi("1^^^&1.2.3^" + REFERRAL), "the authority needs both an id and its type"),
        (CXi("1^^^LAB&1.2.3&ISO^" + REFERRAL), "a namespace and an id"),
        (CXi("1^^^&1.2.3&ISO&x^" + REFERRAL), "more than three subcomponents"),
        (CXi("1^^^^" + REFERRAL), "the assigning authority (component 4) is missing"),
        (CXi("1^^^&&^" + ORDER), "the assigning authority (component 4) is missing"),
        (CXi("1^^^^" + ENCOUNTER), "the assigning authority (component 4) is missing"),
        (CXi("2.25.7^^^&1.2.3&ISO^" + WORKFLOW), "component 4 must be empty"),
        (CXi("2.25.7^^^&1.2.3&ISO^" + STUDY), "component 4 must be empty"),
        (Field("PID-5"), "not a PID field"),
        (Field("PID-05|x"), "not a PID field"),
        (Field("PID-٥|x"), "not a PID field"),
        (Field("PID-0|x"), "not a PID field"),
        (Field("PID-40|x"), "no such PID field"),
        (Field("PID-400|x"), "no such PID field"),
        (Recipient("a|^b||c"), "more than three parts"),
        (Recipient("||"), "no part at all"),
    ],
    ids=lambda value: f"{type(value).__name__} {value}" if isinstance(value, Datatype) else "",
)
def test_what_is_wrong_with_a_value_is_said(value: Datatype, problem: str) -> None:
    said = value.problem
    assert said is not None
    assert problem in said
    assert f"found '{value}', expected {value.expected}" in said


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (r"O\T\K \S\ \F\ \R\ \E\ ", None),
        (r"\E\H\E\ ", None),  # the text \H\
        (r"DOMAIN\user", None),
        (r"C:\temp\x", None),
        (r"\H\NORDMANN\N\ ", r"\H\ "),
        (r"Line\.br\Danser", r"\.br\ "),
        (r"Line\.sp+2\Danser", r"\.sp+2\ "),
        (r"\X0D0A\ ", r"\X0D0A\ "),
        (r"\Zz9\ ", r"\Zz9\ "),
    ],
)
def test_escapes_for_highlighting_and_the_like_are_told_from_those_of_the_framework(
    text: str, found: str | None
) -> None:
    assert foreign_escape(text) == (found and found.strip())


def test_one_patient_id_has_one_spelling() -> None:
    spelt = ("1^^^&1.2.3&ISO", "1^^^&urn:oid:1.2.3&ISO", "1^^^&1.2.3&ISO^^", "1^&^^&1.2.3&ISO&")
    for text in spelt:
        assert CX(text).canonical == "1^^^&1.2.3&ISO"
    assert CX("1^^^&1.2.3&ISO&x").canonical == "1^^^&1.2.3&ISO&x"  # no CX, so left alone
