"""A signature is shared as a document that a registry takes."""

from ihe.datatypes import DTM, Identifier
from ihe.dsg.metadata import is_signature, signature_entry, signs
from ihe.dsg.vocabulary import Purpose
from ihe.rules import Profile, check_submission
from ihe.vocabulary import AssociationType
from tests import samples
from tests.registry.scene import Scene


def test_a_signature_is_registered_with_what_it_signs() -> None:
    signed = samples.entry(1)
    signature = signature_entry(
        signed,
        entry_uuid="Document02",
        unique_id=Identifier("2.25.1000.2"),
        signer=samples.author(),
        purpose=Purpose.AUTHOR,
        at=DTM("20261124083000"),
    )
    assert is_signature(signature)
    assert not is_signature(signed)
    assert str(signature.title) == "Author signature"
    registered = samples.entry(
        2,
        **{name: getattr(signature, name) for name in ("format_code", "event_codes", "type_code")},
    )
    links = signs(registered.entry_uuid, [signed.entry_uuid])
    submission = samples.submission(signed, registered)
    assert not check_submission(submission, Profile())
    scene = Scene()
    response = scene.submit(signed, registered, links=links)
    assert response.ok, response.errors
    (link,) = [each for each in scene.everything() if each.type == AssociationType.SIGNS]
    assert link.source == scene.entry(2).entry_uuid
    assert link.target == scene.entry(1).entry_uuid
