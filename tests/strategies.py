"""Hypothesis strategies for metadata and messages, in every script that people write names in."""

import dataclasses
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ihe import vocabulary as v
from ihe.datatypes import (
    CX,
    DTM,
    OID,
    SHA1,
    XCN,
    XON,
    XTN,
    CXi,
    Field,
    HomeCommunityId,
    Identifier,
    LanguageCode,
    MimeType,
    Recipient,
)
from ihe.errors import ErrorCode, RegistryError
from ihe.messages import (
    AdhocQueryRequest,
    AdhocQueryResponse,
    Document,
    DocumentRequest,
    DocumentResponse,
    ProvideAndRegisterRequest,
    RegistryResponse,
    RemoveDocumentsRequest,
    RemoveObjectsRequest,
    RetrieveDocumentSetRequest,
    RetrieveDocumentSetResponse,
    ReturnType,
    SubmitObjectsRequest,
)
from ihe.model import (
    Association,
    Author,
    Code,
    DocumentEntry,
    Folder,
    LocalizedString,
    ObjectRef,
    Slot,
    Submission,
    SubmissionSet,
)
from tests.samples import Bytes, uuid

# what XML 1.0 can hold, carriage returns and all
_XML = st.characters(
    exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\t\n\r"
)
NAMES = st.sampled_from(
    [
        "Áigi Gárdin", "Čeavli Đuoddar Ŋuorta Šaldi Ŧielbi Žuolla", "Ærlig Østby Ålesund",
        "Анна Ковальчук", "李小龍", "さくら", "عمر الفاروق", "Ζωή", "𠮷野家", "🙂 Smil",
        "O'Hara & Sons <Ltd>",
        'sitat "her"', "e\u0301 and é", "name\u00adwith soft hyphen",
    ]
)  # fmt: skip  # a list of names
TEXTS = st.one_of(NAMES, st.text(_XML, min_size=1, max_size=40))
_TOKENS = st.text(
    st.characters(categories=("L", "N"), include_characters="-_.:/"), min_size=1, max_size=30
)
_IDS = st.text(st.sampled_from("0123456789ABCDEF"), min_size=1, max_size=12)
oids = st.lists(st.integers(0, 99999), min_size=2, max_size=8).map(
    lambda arcs: OID(".".join(map(str, arcs)))
)
homes = oids.map(lambda oid: HomeCommunityId(oid.urn))
uuids = st.integers(0, 2**40).map(uuid)
symbolic = st.text(st.sampled_from("abcdefABCDEF0123456789"), min_size=1, max_size=10).map(
    "id-{}".format
)
entry_uuids = st.one_of(uuids, symbolic)
patient_ids = st.builds(CX.of, _IDS, oids)
_digits = st.sampled_from([4, 6, 8, 10, 12, 14])
times = st.builds(
    lambda when, n: DTM(when.strftime("%Y%m%d%H%M%S").zfill(14)[:n]), st.datetimes(), _digits
)
hashes = st.text(st.sampled_from("0123456789abcdefABCDEF"), min_size=40, max_size=40).map(SHA1)
persons = st.builds(
    lambda last, first, id_, oid: XCN.of(last=last, first=first, id=id_, authority=oid),
    NAMES, NAMES, _IDS, oids,
)  # fmt: skip  # positional
organisations = st.builds(
    lambda name, id_, oid: XON.of(name, id=id_, authority=oid), NAMES, _IDS, oids
)
telecommunications = st.sampled_from([XTN("^PRN^PH^^47^22^334455"), XTN("^NET^Internet^a@b.no")])
_localized_once = st.builds(
    LocalizedString,
    TEXTS,
    st.sampled_from([None, "nb-NO", "se", "uk"]),
    st.sampled_from([None, "UTF-8"]),
)
localized = st.lists(_localized_once, min_size=1, max_size=3, unique_by=lambda text: text.lang).map(
    lambda texts: dataclasses.replace(texts[0], others=tuple(texts[1:]))
)
codes = st.builds(Code, TEXTS, _TOKENS, st.none() | localized)
_words = st.tuples() | st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
authors = st.builds(
    Author,
    person=st.none() | persons,
    institutions=st.lists(organisations, max_size=2).map(tuple),
    roles=_words,
    specialties=_words,
    telecommunications=st.lists(telecommunications, max_size=2).map(tuple),
)
_extra_names = st.integers(0, 10**6).map("urn:felles:extra:{}".format)
extra_slots = st.lists(
    st.builds(Slot, _extra_names, st.lists(TEXTS, min_size=1, max_size=3).map(tuple)),
    max_size=2,
    unique_by=lambda slot: slot.name,
).map(tuple)
_statuses = st.none() | st.sampled_from(list(v.Status))
_versions = st.none() | st.integers(1, 99).map(str)


def many(of: SearchStrategy[Any], *, most: int = 2) -> SearchStrategy[tuple[Any, ...]]:
    return st.lists(of, max_size=most).map(tuple)


_maybe_code = st.none() | codes
_maybe_time = st.none() | times
_maybe_text = st.none() | localized

entries = st.builds(
    DocumentEntry,
    entry_uuid=entry_uuids,
    object_type=st.sampled_from(list(v.DocumentEntryType)),
    mime_type=st.none() | st.sampled_from([MimeType("application/pdf"), MimeType("text/xml")]),
    unique_id=st.none() | oids.map(Identifier),
    patient_id=st.none() | patient_ids,
    authors=many(authors),
    availability_status=_statuses,
    class_code=_maybe_code,
    comments=_maybe_text,
    confidentiality_codes=many(codes),
    creation_time=_maybe_time,
    document_availability=st.none() | st.sampled_from(list(v.DocumentAvailability)),
    event_codes=many(codes),
    format_code=_maybe_code,
    hash=st.none() | hashes,
    healthcare_facility_type_code=_maybe_code,
    home_community_id=st.none() | homes,
    language_code=st.none() | st.sampled_from([LanguageCode("nb-NO"), LanguageCode("se")]),
    legal_authenticator=st.none() | persons,
    limited_metadata=st.booleans(),
    logical_id=st.none() | uuids,
    practice_setting_code=_maybe_code,
    reference_ids=many(
        st.builds(lambda i, o: CXi(f"{i}^^^&{o}&ISO^urn:ihe:iti:xds:2013:order"), _IDS, oids)
    ),
    repository_unique_id=st.none() | oids,
    service_start_time=_maybe_time,
    service_stop_time=_maybe_time,
    size=st.none() | st.integers(0, 2**40).map(str),
    source_patient_id=st.none() | patient_ids,
    source_patient_info=many(NAMES.map(lambda name: Field(f"PID-5|{name}"))),
    title=_maybe_text,
    type_code=_maybe_code,
    uri=st.none() | _TOKENS,
    version=_versions,
    extra=extra_slots,
)
submission_sets = st.builds(
    SubmissionSet,
    entry_uuid=entry_uuids,
    unique_id=st.none() | oids,
    source_id=st.none() | oids,
    patient_id=st.none() | patient_ids,
    authors=many(authors),
    availability_status=_statuses,
    comments=_maybe_text,
    content_type_code=_maybe_code,
    home_community_id=st.none() | homes,
    intended_recipients=many(organisations.map(Recipient)),
    limited_metadata=st.booleans(),
    logical_id=st.none() | uuids,
    submission_time=_maybe_time,
    title=_maybe_text,
    version=_versions,
    extra=extra_slots,
)
folders = st.builds(
    Folder,
    entry_uuid=entry_uuids,
    unique_id=st.none() | oids,
    patient_id=st.none() | patient_ids,
    availability_status=_statuses,
    codes=many(codes),
    comments=_maybe_text,
    home_community_id=st.none() | homes,
    last_update_time=_maybe_time,
    limited_metadata=st.booleans(),
    logical_id=st.none() | uuids,
    title=_maybe_text,
    version=_versions,
    extra=extra_slots,
)
associations = st.builds(
    Association,
    entry_uuid=entry_uuids,
    type=st.sampled_from(list(v.AssociationType)),
    source=entry_uuids,
    target=entry_uuids,
    availability_status=_statuses,
    documentation=_maybe_code,
    home_community_id=st.none() | homes,
    logical_id=st.none() | uuids,
    submission_set_status=st.none() | st.sampled_from(list(v.SubmissionSetStatus)),
    previous_version=_versions,
    original_status=_statuses,
    new_status=_statuses,
    association_propagation=st.sampled_from([None, "yes", "no"]),
    version=_versions,
    extra=extra_slots,
)
objects = st.one_of(entries, submission_sets, folders, associations)
object_refs = st.builds(ObjectRef, uuids, st.none() | homes)


def _numbered(
    sets: list[SubmissionSet],
    docs: list[DocumentEntry],
    folds: list[Folder],
    links: list[Association],
) -> Submission:
    """Return a submission in which no two objects share an id."""
    numbers = iter(range(100))

    def own(thing: Any) -> Any:
        number = next(numbers)
        symbolic_id = not thing.entry_uuid.startswith("urn:uuid:")
        return dataclasses.replace(
            thing, entry_uuid=f"object-{number}" if symbolic_id else uuid(number)
        )

    return Submission(
        submission_sets=tuple(map(own, sets)),
        entries=tuple(map(own, docs)),
        folders=tuple(map(own, folds)),
        associations=tuple(map(own, links)),
    )


submissions = st.builds(
    _numbered,
    st.lists(submission_sets, min_size=1, max_size=1),
    st.lists(entries, max_size=2),
    st.lists(folders, max_size=1),
    st.lists(associations, max_size=2),
)

# --- messages ------------------------------------------------------------------------------------

errors = st.builds(
    RegistryError,
    code=st.sampled_from([*map(str, ErrorCode), "LocalExtensionError"]),
    context=st.text(_XML, max_size=60),
    location=st.text(_XML, max_size=20),
    severity=st.sampled_from(list(v.Severity)),
)
contents = st.binary(max_size=200).map(Bytes)
document_requests = st.builds(DocumentRequest, oids, oids.map(Identifier), st.none() | homes)
submit_requests = st.builds(SubmitObjectsRequest, submissions)
provide_requests = st.builds(
    ProvideAndRegisterRequest,
    submissions,
    st.lists(
        st.builds(Document, symbolic, contents, st.just("application/octet-stream")), max_size=3
    ).map(tuple),
)
query_requests = st.builds(
    AdhocQueryRequest,
    uuids,
    st.lists(
        st.builds(
            Slot, _TOKENS.map("${}".format), st.lists(TEXTS, min_size=1, max_size=3).map(tuple)
        ),
        max_size=3,
    ).map(tuple),
    st.sampled_from(list(ReturnType)),
    st.none() | homes,
)
query_responses = st.builds(
    AdhocQueryResponse,
    st.sampled_from(list(v.ResponseStatus)),
    many(errors),
    st.lists(objects | object_refs, max_size=3).map(tuple),
)
retrieve_requests = st.builds(
    RetrieveDocumentSetRequest, st.lists(document_requests, min_size=1, max_size=3).map(tuple)
)
retrieve_responses = st.builds(
    RetrieveDocumentSetResponse,
    st.sampled_from(list(v.ResponseStatus)),
    many(errors),
    many(
        st.builds(
            DocumentResponse,
            document_requests,
            st.just(MimeType("application/pdf")),
            contents,
            st.none() | oids.map(Identifier),
            st.none() | oids,
        )
    ),
)
registry_responses = st.builds(
    RegistryResponse, st.sampled_from(list(v.ResponseStatus)), many(errors)
)
remove_objects_requests = st.builds(
    RemoveObjectsRequest, st.lists(object_refs, min_size=1, max_size=3).map(tuple)
)
remove_documents_requests = st.builds(
    RemoveDocumentsRequest, st.lists(document_requests, min_size=1, max_size=3).map(tuple)
)
