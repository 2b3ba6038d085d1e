"""Encoder architectures, each written so that tracing it gives a graph for packed sequences.

A packed batch is one row of tokens, `ids[N]`, without padding, and `starts[B + 1]`, where text i is
`ids[starts[i]:starts[i + 1]]`; tokens after `starts[B]` belong to no text and fill the row up to a
round length. Parameters carry the names of the published checkpoint.
"""
