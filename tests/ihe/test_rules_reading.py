"""Rules that the reader of the ebXML finds: one message for each, with the one defect in its XML."""

from typing import NamedTuple

import pytest

from ihe import rules, xml
from ihe.ebxml import requests
from ihe.errors import ErrorCode, RegistryError
from ihe.messages import SubmitObjectsRequest
from ihe.model import LocalizedString, Submission
from ihe.rules import RULES, Profile, Strictness
from ihe.vocabulary import (
    DocumentEntryScheme,
    EbRimType,
    FolderScheme,
    Node,
    Severity,
    SubmissionSetScheme,
)
from tests import samples
from tests.samples import uuid

VALID = b"".join(
    requests.write_submit(SubmitObjectsRequest(samples.submission_with_folder())).xml
).decode()
SET_LABEL = f'<rim:Classification classificationNode="{Node.SUBMISSION_SET}"'
SIZE = '<rim:Slot name="size"><rim:ValueList><rim:Value>50</rim:Value></rim:ValueList></rim:Slot>'
TITLE = '<rim:LocalizedString xml:lang="nb-NO" value="Epikrise – indremedisin"/>'
UNIQUE_ID_NAME = '<rim:LocalizedString value="XDSDocumentEntry.uniqueId"/>'
CODE_NAME = '<rim:Name><rim:LocalizedString value="Sykehus"/></rim:Name>'
OF_SCHEME = 'classificationScheme="urn:uuid:{}"'.format
FOREIGN = "urn:uuid:11111111-0000-4000-8000-000000000001"


def read(text: str) -> Submission:
    return requests.read_submit(xml.parse(text.encode()), {}).submission


def problems_of(text: str, profile: Profile | None = None) -> list[RegistryError]:
    return rules.check_submission(read(text), profile or Profile())


def edit(old: str, new: str) -> str:
    """Return the valid message with the first `old` replaced."""
    assert old in VALID, old
    return VALID.replace(old, new, 1)


def add(element: str, parent: str = "rim:ExtrinsicObject") -> str:
    """Return the valid message with an element at the end of the first `parent`."""
    return edit(f"</{parent}>", f"{element}</{parent}>")


def slot(name: str, *values: str) -> str:
    listed = "".join(f"<rim:Value>{value}</rim:Value>" for value in values)
    return f'<rim:Slot name="{name}"><rim:ValueList>{listed}</rim:ValueList></rim:Slot>'


def classification(
    of: str, *, classified: str = "Document01", id: str = "c", code: str = "x"
) -> str:
    return (
        f'<rim:Classification {of} classifiedObject="{classified}" id="{id}"'
        f' nodeRepresentation="{code}">{slot("codingScheme", "1.2.3")}'
        '<rim:Name><rim:LocalizedString value="x"/></rim:Name></rim:Classification>'
    )


def identifier(scheme: str, name: str) -> str:
    return (
        f'<rim:ExternalIdentifier id="i" identificationScheme="{scheme}"'
        ' registryObject="Document01" value="2.25.4"><rim:Name>'
        f'<rim:LocalizedString value="{name}"/></rim:Name></rim:ExternalIdentifier>'
    )


def scheme(of: str) -> str:
    return f'classificationScheme="{of}"'


class Defect(NamedTuple):
    """A message with one defect; `shown` is what the finding shows of it."""

    rule: str
    name: str
    shown: str
    text: str


DEFECTS = [
    Defect("A2", "unknown child", "ExternalLink", add("<rim:ExternalLink/>")),
    Defect("A2", "unknown object", "Person", add("<rim:Person/>", "rim:RegistryObjectList")),
    Defect("A2", "object inside a package", "RegistryObjectList", add("<rim:RegistryObjectList><rim:ObjectRef/></rim:RegistryObjectList>", "rim:RegistryPackage")),
    Defect("A2", "element in a value", "Value, expected a text alone", edit("<rim:Value>50<", "<rim:Value>5<rim:Value/>0<")),
    Defect("A2", "two lists in a slot", "2 elements in the Slot", edit(SIZE, SIZE.replace("</rim:Slot>", "<rim:ValueList/></rim:Slot>"))),
    Defect("A2", "no list in a slot", "rim:Value in the Slot", edit(SIZE, SIZE + '<rim:Slot name="urn:felles:sample:bed"><rim:Value>1</rim:Value></rim:Slot>')),
    Defect("A2", "no value in a list", "rim:Slot in the ValueList", edit(SIZE, SIZE.replace("</rim:ValueList>", "<rim:Slot/></rim:ValueList>"))),
    Defect("A2", "two lists in the slot of a code", "Slot[codingScheme]", edit(slot("codingScheme", "1.3.6.1.4.1.19376.1.2.3"), slot("codingScheme", "1.3.6.1.4.1.19376.1.2.3").replace("</rim:Slot>", "<rim:ValueList/></rim:Slot>"))),
    Defect("A2", "two lists in the slot of an author", "Slot[authorRole]", edit('<rim:Slot name="authorRole">', '<rim:Slot name="authorRole"><rim:ValueList/>')),
    Defect("A2", "two titles", "a second Name", edit(f"<rim:Name>{TITLE}</rim:Name>", f"<rim:Name>{TITLE}</rim:Name><rim:Name/>")),
    Defect("A2", "two descriptions", "a second Description", edit("<rim:Description>", "<rim:Description/><rim:Description>")),
    Defect("A2", "two versions", "a second VersionInfo", edit(f"<rim:Name>{TITLE}</rim:Name>", f"<rim:Name>{TITLE}</rim:Name><rim:VersionInfo/><rim:VersionInfo/>")),
    Defect("A2", "two names of a code", "2 Names", edit(CODE_NAME, CODE_NAME * 2)),
    Defect("A2", "two names of an identifier", "2 Names", edit(f"<rim:Name>{UNIQUE_ID_NAME}</rim:Name>", f"<rim:Name>{UNIQUE_ID_NAME}</rim:Name><rim:Name/>")),
    Defect("A3", "helper without id", "no id of this Classification", edit(' id="Document01.helper.1"', "")),
    Defect("A4b", "two helpers with one id", "'Document01.helper.1'", edit('"Document01.helper.2"', '"Document01.helper.1"')),
    Defect("A4b", "helper with the id of its object", "'Document01'", edit('"Document01.helper.2"', '"Document01"')),
    Defect("A5b", "upper case id of a helper", "'urn:uuid:A'", edit('"Document01.helper.2"', '"urn:uuid:A"')),
    Defect("B2", "both labels", "both labels", add(f'<rim:Classification classificationNode="{Node.FOLDER}" classifiedObject="SubmissionSet01" id="c"/>', "rim:RegistryPackage")),
    Defect("B9", "no association type", "''", edit(' associationType="urn:oasis:names:tc:ebxml-regrep:AssociationType:HasMember"', "")),
    Defect("B14", "documentation twice", "2 Classifications", edit('targetObject="Folder01"/>', f'targetObject="Folder01">{classification(scheme("urn:uuid:abd807a3-4432-4053-87b4-fd82c643d1f3"), classified="SubmissionSet01-Folder01") * 2}</rim:Association>')),
    Defect("B16", "no target", "''", edit(' targetObject="Folder01"', "")),
    Defect("B18", "classifies something else", "'Document99'", edit('classifiedObject="Document01" id="Document01.helper.1"', 'classifiedObject="Document99" id="Document01.helper.1"')),
    Defect("B18", "identifies something else", "'Folder01'", edit('registryObject="Document01"', 'registryObject="Folder01"')),
    Defect("B18", "label of nothing", "'Folder99'", add(f'<rim:Classification classificationNode="{Node.FOLDER}" classifiedObject="Folder99" id="c"/>', "rim:RegistryObjectList")),
    Defect("B18b", "a classification that says it is something else", "'urn:x'", edit(f'id="Document01.helper.1" nodeRepresentation="" objectType="{EbRimType.CLASSIFICATION}"', 'id="Document01.helper.1" nodeRepresentation="" objectType="urn:x"')),
    Defect("B18b", "an identifier that says it is a classification", f"'{EbRimType.CLASSIFICATION}'", edit(EbRimType.EXTERNAL_IDENTIFIER, EbRimType.CLASSIFICATION)),
    Defect("B19", "scheme of a set on an entry", "XDSSubmissionSet.contentTypeCode", add(classification(scheme(SubmissionSetScheme.CONTENT_TYPE_CODE)))),
    Defect("B19", "identifier of a folder on an entry", "XDSFolder.uniqueId", add(identifier(FolderScheme.UNIQUE_ID, "XDSFolder.uniqueId"))),
    Defect("B19", "label of a folder on an entry", Node.FOLDER, add(f'<rim:Classification classificationNode="{Node.FOLDER}" classifiedObject="Document01" id="c"/>')),
    Defect("B19", "neither node nor scheme", "neither", add(classification(""))),
    Defect("B19b", "foreign scheme", FOREIGN, add(classification(scheme(FOREIGN)))),
    Defect("B19b", "foreign identifier", FOREIGN, add(identifier(FOREIGN, "x"))),
    Defect("B19b", "foreign label", FOREIGN, add(f'<rim:Classification classificationNode="{FOREIGN}" classifiedObject="Document01" id="c"/>')),
    Defect("B20", "one slot twice", "'size'", edit(SIZE, SIZE * 2)),
    Defect("B20", "slot without name", "a Slot without a name", edit(SIZE, SIZE + slot("", "x"))),
    Defect("B21b", "slot on a code", "Slot[why]", edit(slot("codingScheme", "1.3.6.1.4.1.19376.1.2.3"), slot("codingScheme", "1.3.6.1.4.1.19376.1.2.3") + slot("why", "x"))),
    Defect("B21b", "slot on an identifier", "Slot[why]", edit(f"<rim:Name>{UNIQUE_ID_NAME}", f"{slot('why', 'x')}<rim:Name>{UNIQUE_ID_NAME}")),
    Defect("B21b", "name of an author", "rim:Name", edit('<rim:Slot name="authorRole">', '<rim:Name><rim:LocalizedString value="x"/></rim:Name><rim:Slot name="authorRole">')),
    Defect("B21b", "name of an association", "rim:Name", edit('targetObject="Folder01"/>', 'targetObject="Folder01"><rim:Name><rim:LocalizedString value="x"/></rim:Name></rim:Association>')),
    Defect("B21b", "slot on a label", "Slot[why]", edit(f'classifiedObject="SubmissionSet01" id="SubmissionSet01.helper.1" objectType="{EbRimType.CLASSIFICATION}"/>', f'classifiedObject="SubmissionSet01" id="SubmissionSet01.helper.1">{slot("why", "x")}</rim:Classification>')),
    Defect("C1", "no object type", "found no objectType", edit('objectType="urn:uuid:7edca82f-054d-47f2-a032-9b2a5b5186c1"', "")),
    Defect("C1", "two class codes", "2 Classifications", add(classification(scheme(DocumentEntryScheme.CLASS_CODE)))),
    Defect("C3", "two sizes", "2 Values", edit(SIZE, slot("size", "50", "50"))),
    Defect("C4", "two content types", "2 Classifications", add(classification(scheme(SubmissionSetScheme.CONTENT_TYPE_CODE), classified="SubmissionSet01"), "rim:RegistryPackage")),
    Defect("C6", "two unique ids", "2 of them", add(identifier(DocumentEntryScheme.UNIQUE_ID, "XDSDocumentEntry.uniqueId"))),
    Defect("C7", "two coding schemes", "2 Values", edit(slot("codingScheme", "2.16.578.1.12.4.1.1.9602"), slot("codingScheme", "2.16.578.1.12.4.1.1.9602", "1.2"))),
    Defect("C8", "code on an author", "nodeRepresentation", edit('id="Document01.helper.1" nodeRepresentation=""', 'id="Document01.helper.1" nodeRepresentation="x"')),
    Defect("C8", "unknown slot of an author", "Slot[authorAge]", edit('<rim:Slot name="authorRole">', slot("authorAge", "50") + '<rim:Slot name="authorRole">')),
    Defect("C9", "wrong name", "'XDSFolder.uniqueId'", edit(UNIQUE_ID_NAME, UNIQUE_ID_NAME.replace("DocumentEntry", "Folder"))),
    Defect("C9", "no name", "found no Name", edit(f"<rim:Name>{UNIQUE_ID_NAME}</rim:Name>", "")),
    Defect("C10", "slot without value", "no Value", edit(SIZE, SIZE + slot("urn:felles:sample:bed"))),
    Defect("C10", "empty value", "an empty Value", edit(SIZE, SIZE + slot("urn:felles:sample:bed", ""))),
    Defect("C10b", "title twice in a language", "2 texts in nb-no", edit(TITLE, TITLE + TITLE.replace("nb-NO", "nb-no"))),
    Defect("C10b", "title twice in the default language", "2 texts in en-us", edit(TITLE, TITLE.replace("nb-NO", "en-US") + '<rim:LocalizedString value="x"/>')),
    Defect("C10c", "a language with an underscore", "'nb_NO'", edit(TITLE, TITLE.replace("nb-NO", "nb_NO"))),
    Defect("C10c", "a language of a code that is none", "@xml:lang", edit(CODE_NAME, CODE_NAME.replace(" value", ' xml:lang="norsk bokmål" value'))),
]  # fmt: skip  # a table of defects

ALSO = {
    "both labels": {"B1"},
    "no association type": {"B4"},
    "documentation twice": {"A4b"},
    "slot without name": {"B21"},
    "no list in a slot": {"C10"},
    "no target": {"B5"},
    "no object type": {"B7"},
}
"""More rules that a defect breaks, where it cannot be had alone."""


def test_the_message_without_a_defect_has_no_problems() -> None:
    assert problems_of(VALID) == []


@pytest.mark.parametrize("defect", DEFECTS, ids=[f"{d.rule} {d.name}" for d in DEFECTS])
def test_a_defect_is_found_by_its_rule_alone(defect: Defect) -> None:
    problems = problems_of(defect.text)
    found = [each for each in problems if each.rule == defect.rule]
    assert any(defect.shown in each.context + each.location for each in found), problems
    rule = RULES[defect.rule]
    for each in found:
        assert each.code == rule.code
        assert "expected" in each.context
        assert (each.severity == Severity.ERROR) is (rule.default is Strictness.REJECT)
    assert {each.rule for each in problems} - {defect.rule} == ALSO.get(defect.name, set())


def test_a_package_without_a_label_is_told_to_be_one() -> None:
    start = VALID.index(SET_LABEL)
    end = VALID.index("/>", start) + 2
    problems = problems_of(VALID[:start] + VALID[end:])
    assert any(each.rule == "B2" and "no label" in each.context for each in problems)


def test_a_label_may_stand_beside_its_package() -> None:
    start = VALID.index(SET_LABEL)
    end = VALID.index("/>", start) + 2
    label, rest = VALID[start:end], VALID[:start] + VALID[end:]
    beside = rest.replace("<rim:RegistryObjectList>", f"<rim:RegistryObjectList>{label}")
    assert problems_of(beside) == []


def test_a_text_may_be_in_several_languages() -> None:
    sami = '<rim:LocalizedString xml:lang="se" charset="UTF-8" value="Čoahkkáigeassu"/>'
    unnamed = '<rim:LocalizedString value="Discharge letter"/>'
    text = edit(TITLE, TITLE + sami + '<rim:LocalizedString xml:lang="fi" value=""/>' + unnamed)
    text = text.replace(UNIQUE_ID_NAME, sami + UNIQUE_ID_NAME)
    text = text.replace(CODE_NAME, CODE_NAME.replace("<rim:L", f"{sami}<rim:L", 1))
    assert problems_of(text) == []
    (entry,) = read(text).entries
    assert entry.title == LocalizedString(
        "Epikrise – indremedisin",
        "nb-NO",
        others=(
            LocalizedString("Čoahkkáigeassu", "se", "UTF-8"),
            LocalizedString("Discharge letter"),
        ),
    )
    assert entry.healthcare_facility_type_code is not None
    assert entry.healthcare_facility_type_code.display == LocalizedString(
        "Čoahkkáigeassu", "se", "UTF-8", (LocalizedString("Sykehus"),)
    )


def test_a_language_that_is_none_is_not_kept() -> None:
    (entry,) = read(edit(TITLE, TITLE.replace("nb-NO", "nb_NO"))).entries
    assert entry.title == LocalizedString("Epikrise – indremedisin")
    for written, lang in ((" se ", "se"), ("", "")):
        (entry,) = read(edit(TITLE, TITLE.replace("nb-NO", written))).entries
        assert entry.title == LocalizedString("Epikrise – indremedisin", lang)


def test_what_a_foreign_scheme_said_is_told_to_be_lost() -> None:
    (found,) = problems_of(add(classification(scheme(FOREIGN))))
    assert found.code == ErrorCode.EXTRA_METADATA_NOT_SAVED
    assert found.severity == Severity.WARNING
    assert "not kept" in found.context


def test_a_domain_may_refuse_foreign_schemes() -> None:
    profile = Profile(strictness={"B19b": Strictness.REJECT})
    (found,) = problems_of(add(classification(scheme(FOREIGN))), profile)
    assert found.severity == Severity.ERROR


def test_an_object_without_an_id_goes_on_with_one_of_its_own() -> None:
    text = edit(' id="SubmissionSet01-Folder01"', "")
    assert {each.rule for each in problems_of(text)} == {"A3"}
    off = Profile(strictness={"A3": Strictness.OFF})
    assert problems_of(text, off) == []


def test_an_id_at_fault_is_found_by_its_object() -> None:
    (missing,) = problems_of(edit(' id="Document01.helper.1"', ""))
    assert missing.location == "ExtrinsicObject[Document01]/Classification/@id"
    (twice,) = problems_of(edit('"Document01.helper.2"', '"Folder01"'))
    assert twice.location in {
        "ExtrinsicObject[Document01]/Classification[Folder01]/@id",
        "RegistryPackage[Folder01]/@id",
    }
    assert twice.context == "found the id 'Folder01' more than once, expected one of its own"


def test_an_id_of_two_objects_is_told_once_for_each_kind() -> None:
    text = VALID.replace('id="SubmissionSet01-Folder01"', 'id="SubmissionSet01-Document01"')
    assert [(each.rule, each.location) for each in problems_of(text)] == [
        ("A4", "Association[SubmissionSet01-Document01]/@id")
    ]
    text = VALID.replace('id="SubmissionSet01-Folder01"', 'id="Folder01"')
    assert [(e.rule, e.location) for e in problems_of(text) if e.rule == "A4"] == [
        ("A4", "Folder[Folder01]/@id"),
        ("A4", "Association[Folder01]/@id"),
    ]


def test_helpers_may_have_the_ids_of_another_submission() -> None:
    text = edit('"Document01.helper.2"', f'"{uuid(7)}"')
    assert problems_of(text) == []


def test_every_rule_of_the_reader_has_a_negative_sample() -> None:
    of_reader = {rule.id for rule in RULES.values() if rule.checked_by == "ihe.ebxml"}
    assert of_reader <= {defect.rule for defect in DEFECTS}
