"""The language of formulas: from a text to a normal form, or to a refusal with its position.

`parser` makes a tree, `checker` brings it into a normal form of `forms`.
"""
