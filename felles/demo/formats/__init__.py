"""The formats of made-up documents: each module turns a `Letter` into bytes."""
