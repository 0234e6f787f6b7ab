"""The shapes of answers and events, as pydantic models: `/openapi.json` is made from them, and tests check answers.

Answers are not validated at run time, because they are finished bytes.
"""
