r"""HL7 v2 as far as an identity feed needs it (ITI TF-2 3.8): no more than a registry reads.

```text
octets ─▶ mllp.Frames ─▶ message.parse ─▶ adt.read_feed ─▶ PatientFeed
octets ◀─ mllp.framed ◀─ acknowledging.acknowledge ◀─ what became of it
```

docs/decisions/0013-own-hl7v2-reader.md says why this is no library.

References
----------
HL7 v2.3.1 chapter 2 (encoding rules, MSH, MSA, ERR), chapter 3 (ADT); HL7 Minimal Lower Layer
Protocol; ITI TF-2 3.8, Appendix C.
"""
