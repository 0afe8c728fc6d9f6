"""ITI-62 Remove Metadata (RMD 3.62): objects are taken out of the registry, for good.

```text
look up what the objects are tied to ─▶ hold all of it ─▶ rules of group H ──errors──▶ Failure
                                                               │ none
                                                               ▼
                              remove every one, touch folders that lose a member ─▶ Success
```

The documents themselves stay in their repositories until ITI-86 removes them, and what a removed
document had replaced stays Deprecated: the Framework says nothing else.
"""

from collections.abc import Iterator

from hub.call import Call
from ihe import rules
from ihe.errors import ErrorCode, RegistryError, registry_error
from ihe.messages import RegistryResponse, RemoveObjectsRequest
from ihe.rules.removal import find_objects
from ihe.state import not_later
from ihe.updates import folders_of
from registry.domain import Registry
from registry.store.port import Writer


def handle(request: RemoveObjectsRequest, call: Call, registry: Registry) -> RegistryResponse:
    """Remove all of the objects, or none: Failure tells every reason."""
    entry_uuids = [each.entry_uuid for each in request.objects]
    if len(entry_uuids) > registry.most_objects:
        found = f"{len(entry_uuids)} objects to remove at once, at most {registry.most_objects}"
        error = registry_error(ErrorCode.REGISTRY_ERROR, f"{found} are accepted", "ObjectRefList")
        return RegistryResponse.of([error])
    keys = sorted(_keys(entry_uuids, registry))

    def work(writer: Writer) -> list[RegistryError]:
        writer.lock(keys)
        problems = rules.check_removal(entry_uuids, writer)
        if not problems:
            losing = folders_of(entry_uuids, writer)
            writer.remove(entry_uuids)
            if touched := not_later(losing, call.time, writer):
                writer.set_last_update_time(touched, call.time)
        return problems

    return RegistryResponse.of(registry.store.write(work))


def _keys(entry_uuids: list[str], registry: Registry) -> set[str]:
    """Return what the transaction decides about: the objects, and the ends of associations.

    They are looked up beforehand, which does no harm: the ends of an association never change.
    """

    def ends() -> Iterator[str]:
        with registry.store.read() as state:
            for found in find_objects(entry_uuids, state).values():
                yield from filter(None, (found.source, found.target))

    return {*entry_uuids, *ends()}
