"""The demo's stories: a file for each made-up person, and what was written about them.

```toml
[person]                       # see `felles.demo.people.Person`
first = "Odd"

[[stay]]                       # one visit or stay; it is shared as one submission
unit = "sør-øst diabetes"      # of `felles.demo.communities.UNITS`
started = 40                   # days before the demo
stopped = 40                   # none while it goes on

[[stay.document]]
type = "A13-2"                 # of code list 9602
title = "Poliklinisk epikrise"
author = "Anniken"             # of `felles.demo.people.PROFESSIONALS`
formats = ["cda", "pdf"]       # the second is made of the first (XFRM)
text = "# Overskrift …"        # see `felles.demo.formats.letter`
```

The text is data and not code, so that somebody who knows hospitals and no Python can write one.
"""
