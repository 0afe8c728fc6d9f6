"""The door to random ids."""

import uuid


def new_uuid() -> str:
    """Return a new random UUID as a URN: `urn:uuid:` and 36 lower-case characters."""
    return uuid.uuid4().urn


def new_trace_id() -> str:
    """Return a new trace id: 32 lower-case hex digits (W3C Trace Context)."""
    return uuid.uuid4().hex


def new_oid() -> str:
    """Return a new OID under the arc of UUIDs, `2.25.<number>` (ITU-T X.667)."""
    return f"2.25.{uuid.uuid4().int}"
