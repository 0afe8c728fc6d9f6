"""Document Digital Signature (ITI TF-3 5.5): who vouches for which documents, and is it true.

```text
 signature document = one DocumentEntry, mimeType text/xml, formatCode urn:ihe:iti:dsg:detached:2014

 ds:Signature
 ├─ SignedInfo ──Reference──▶ document 1     by its uniqueId and its digest: a manifest
 │             ──Reference──▶ document 2
 │             ──Reference──▶ SubmissionSet  by its uniqueId, digest `0` (5.5.2.2)
 │             ──Reference──▶ SignedProperties ─┐
 ├─ SignatureValue ◀── time stamp (RFC 3161)    │
 ├─ KeyInfo: the signer's certificate           │
 └─ Object/QualifyingProperties (XAdES)         │
      ├─ SignedProperties ◀─────────────────────┘ when, which certificate, to what purpose
      └─ UnsignedProperties: time stamp, certificates, revocation lists
```

| module | what |
|---|---|
| `vocabulary` | URIs and purposes that the profile fixes |
| `signature` | a signature as a value; `read` |
| `signing` | `sign`: the bytes of a signature document |
| `integrity` | is it what the signer signed, and by which certificate (door: signxml) |
| `trust` | certificate path and revocation at one moment (door: cryptography's verifier) |
| `timestamps` | RFC 3161 (door: rfc3161-client) |
| `verifying` | all of it together: `verify` gives a `Report` |
| `metadata` | the DocumentEntry of a signature, and the Associations to what it signs |

A Reference names a document, it is no address: nothing is ever fetched. Whoever verifies says what
the digest of a document is (`verifying.Digest`); a document is neither held in memory nor parsed.
"""
