"""Finds out why a camera does not work, and says what to do about it.

``examination`` asks one thing after the other and is the way in. What asks (``network``,
``greeting``, ``visit``) gives facts; what judges (``judge_*``, ``verdict``) makes findings of facts
and asks nothing. How findings look on paper or screen is in ``layout`` and ``report``.
"""
