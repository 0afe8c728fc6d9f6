"""Stored queries: what can be asked, how a request is parsed, and how one is built.

```text
consumer   find_documents(patient, class_code=…) ─▶ AdhocQueryRequest ─▶ SOAP
registry   SOAP ─▶ AdhocQueryRequest ─▶ parse_query ─▶ StoredQuery ─▶ State.find
```

`literals` is how values are written, `parameters` and `catalogue` are the Framework's tables,
`parsing` and `rendering` the two directions, `building` one function for each query, `routing` what
a gateway has to know of one. To add a query, add an entry to the catalogue.
"""

from ihe.queries.building import (
    find_documents,
    find_documents_by_reference_id,
    find_documents_by_title,
    find_documents_for_multiple_patients,
    find_folders,
    find_folders_for_multiple_patients,
    find_submission_sets,
    get_all,
    get_associations,
    get_documents,
    get_documents_and_associations,
    get_folder_and_contents,
    get_folders,
    get_folders_for_document,
    get_related_documents,
    get_submission_set_and_contents,
    get_submission_sets,
)
from ihe.queries.catalogue import CATALOGUE, QueryDefinition
from ihe.queries.parsing import (
    StoredQuery,
    find_definition,
    name_of,
    parse_query,
)
from ihe.queries.rendering import AllOf, render_query
from ihe.queries.routing import asks_for_patient, patients_of, target_communities, targeting

__all__ = [
    "CATALOGUE",
    "AllOf",
    "QueryDefinition",
    "StoredQuery",
    "asks_for_patient",
    "find_definition",
    "find_documents",
    "find_documents_by_reference_id",
    "find_documents_by_title",
    "find_documents_for_multiple_patients",
    "find_folders",
    "find_folders_for_multiple_patients",
    "find_submission_sets",
    "get_all",
    "get_associations",
    "get_documents",
    "get_documents_and_associations",
    "get_folder_and_contents",
    "get_folders",
    "get_folders_for_document",
    "get_related_documents",
    "get_submission_set_and_contents",
    "get_submission_sets",
    "name_of",
    "parse_query",
    "patients_of",
    "render_query",
    "target_communities",
    "targeting",
]
