"""Encoder architectures as TorchScript functions over packed sequences, for weights of any size.

A packed batch is one row of tokens, `ids[N]`, without padding, and `starts[B + 1]`, where text i is
`ids[starts[i]:starts[i + 1]]`; tokens after `starts[B]` belong to no text and fill the row up to a
round length. Weights come as a dictionary with the names of the published checkpoint, numbers such
as how many layers there are as another.
"""
