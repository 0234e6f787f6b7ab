"""Metrics of one's own: formulas over the metrics of the catalog, defined per workspace and evaluated when read.

`language` accepts an expression as a linear form, or as a constant times one linear form over another. `evaluate`
computes it from the stored daily rollups of subjects. `changes` and `stored` write and read definitions.
docs/definitions.md describes all of it for users.
"""
