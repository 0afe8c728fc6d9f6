"""The messages that the golden files hold, made from the samples.

`python -m tests.golden.messages` writes the files anew, after a change that is meant.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from lxml import etree

from ihe.datatypes import DTM
from ihe.ebxml import requests, responses
from ihe.ebxml.rendering import fill, template
from ihe.errors import ErrorCode, registry_error
from ihe.messages import (
    AdhocQueryResponse,
    Body,
    RegistryResponse,
    RemoveObjectsRequest,
    SubmitObjectsRequest,
)
from ihe.model import ObjectRef, RegistryObject
from ihe.vocabulary import AssociationType, ResponseStatus, Status
from tests import samples

FOLDER: Final = Path(__file__).resolve().parent


def _found() -> AdhocQueryResponse:
    """Return an entry, a set, a folder and an association, as a registry answers with them."""
    objects: tuple[RegistryObject, ...] = (
        samples.entry(entry_uuid=samples.uuid(1)),
        samples.submission_set(entry_uuid=samples.uuid(2)),
        samples.folder(entry_uuid=samples.uuid(3), last_update_time=DTM("20261124084500")),
        samples.relationship(
            AssociationType.RPLC,
            samples.uuid(1),
            samples.uuid(9),
            entry_uuid=samples.uuid(4),
            documentation=samples.code("corrected", "2.16.578.1.12.4.1.7.7"),
        ),
    )
    return AdhocQueryResponse(
        fragments=tuple(
            fill(
                template(replace(each, version="1", logical_id=each.entry_uuid)),
                status=Status.APPROVED,
                patient_id=samples.PATIENT,
                home=samples.HOME,
                last_update_time=DTM("20261124101500"),
            )
            for each in objects
        )
    )


MESSAGES: Final[dict[str, Body]] = {
    "iti41/document.request.xml": requests.write_provide_and_register(
        samples.provide_and_register()
    ),
    "iti42/folder_with_entry.request.xml": requests.write_submit(
        SubmitObjectsRequest(samples.submission_with_folder())
    ),
    "iti42/warning_and_error.response.xml": responses.write_registry_response(
        RegistryResponse(
            ResponseStatus.FAILURE,
            (
                registry_error(
                    ErrorCode.REGISTRY_METADATA,
                    "found no classCode, expected exactly one",
                    "DocumentEntry[Document01].classCode",
                ),
                registry_error(ErrorCode.EXTRA_METADATA_NOT_SAVED, "the scheme is not kept"),
            ),
        )
    ),
    "iti18/find_documents.request.xml": requests.write_query(samples.find_documents()),
    "iti18/every_kind_of_object.response.xml": responses.write_query_response(_found()),
    "iti43/two_documents.request.xml": requests.write_retrieve(
        samples.retrieve("2.25.1000.1", "2.25.1000.2", home=samples.HOME)
    ),
    "iti43/document.response.xml": responses.write_retrieve_response(samples.retrieved()),
    "iti62/two_objects.request.xml": requests.write_remove_objects(
        RemoveObjectsRequest((ObjectRef(samples.uuid(1)), ObjectRef(samples.uuid(2), samples.HOME)))
    ),
}
"""By file name, below this folder."""


def indented(xml: bytes) -> bytes:
    """Return a message as its file holds it: one element a line."""
    # only what we wrote ourselves comes here
    root: Any = etree.fromstring(xml)
    etree.indent(root)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def main() -> None:
    for name, body in MESSAGES.items():
        file = FOLDER / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(indented(b"".join(body.xml)))


if __name__ == "__main__":
    main()
