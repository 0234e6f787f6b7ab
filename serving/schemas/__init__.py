"""The shapes of answers and events: pydantic models that `/openapi.json` is made of and that tests hold answers to.

Nothing is validated while it is answered: answers are finished bytes.
"""
