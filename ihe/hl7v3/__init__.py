"""HL7 V3 as far as an identity feed needs it (ITI TF-2 3.44): no more than a registry reads.

```text
PRPA_IN201301UV02  Add                 ─┐ feed.read_record ─▶ PatientRecord
PRPA_IN201302UV02  Revise              ─┘
PRPA_IN201304UV02  Duplicates Resolved ── feed.read_merge  ─▶ PatientMerge
MCCI_IN000002UV01  acknowledgement     ◀─ acknowledging.write_acknowledgement
```

References
----------
HL7 V3 2008: MCCI_MT000100UV01 and MCCI_MT000200UV01 (transmission), MFMI_MT700701UV01 (control
act), PRPA_MT201301UV02 to PRPA_MT201303UV02 (patient).
"""
