"""Metrics of one's own: formulas over the metrics of the catalog, defined per workspace and evaluated when read.

An expression is parsed (`parser`), checked (`checker`) and brought into a normal form (`forms`): a linear form, or a
constant times one linear form over another. `evaluate` computes it from the stored daily rollups of subjects, and
`changes` stores definitions. docs/definitions.md describes the language.
"""
