"""What many clients saw of one registry at once, and whether it can be true.

```text
 client 1  ──submit A──┤ok        ──replace A──┤ok            writers: registrations, replacements
 client 2      ──replace A───────┤refused                     that race, the same uniqueId twice,
 client 3  ──find──┤A   ──find──┤A, B: whole                  replays, versions, removals
   …                                                          readers: everything of a patient
 client 32
              one history: who asked what, from when to when, and the answer
```

| module | what |
|---|---|
| `events` | an operation as it was seen: two times, what was asked, what came back |
| `clients` | 32 clients in several processes, on the real handlers and one database |
| `checking` | the invariants, as functions of a history |
| `__main__` | a long run: `python -m tests.registry.history --seconds 120` |

Times are the machine's monotonic clock, which all its processes share. Nothing is assumed of what
happened between the two times of an operation, so whatever the check complains of is wrong.
"""
