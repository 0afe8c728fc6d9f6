"""What a Document Registry does, as a plain model, and a machine that holds the registry to it.

```text
things       what is registered: documents, sets, folders, links; and which patients there are
submitting   ITI-42, ITI-61   what is refused, and what a submission changes
updating     ITI-57, ITI-92   new versions, statuses, new associations
removing     ITI-62           and the identity feeds' ITI-8, ITI-44
asking       ITI-18, ITI-51   every stored query, by looking at everything there is

machine      random steps, mostly right and now and then wrong
comparing    takes each step on real registries too; whatever differs is a defect
proposing    what the steps are made of      questioning   what the queries ask
writing      the model's values as messages, and back
engines      the stores
```

The first five modules are the model: they know nothing of the registry's code, do one thing after
the other over a dict, and are meant to be read. Refusals are the Framework's error codes.

`tests/registry/test_model.py` runs a short profile. A long one, with its progress:

    python -m tests.registry.model --steps 20000 --seed 7
"""
