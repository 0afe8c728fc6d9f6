"""Coverage-guided fuzzing of everything that reads what strangers send.

```text
python -m benchmarks.fuzz            each target in a process of its own, progress and a table
  └─ benchmarks.fuzz.child           one target: atheris mutates, guided by the coverage of `ihe`
       ├─ benchmarks.fuzz.targets    what is read, what may come out, what must hold
       └─ benchmarks.fuzz.trees      changes of XML that leave it XML
```

A *finding* is an input that lets something else out than the errors that a reader's documentation
names, takes longer than the limit, or breaks what must hold of it (what is written reads back; any
chunking gives the same). It is kept in a file; `--replay` runs it again, and a test is made of it.

Where atheris has no wheel, inputs are mutated without guidance, and the program says so.
"""
