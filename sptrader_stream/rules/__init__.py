"""Strategies in YAML: from the file, by ``loader.load_strategy``, to a ``plan.StrategyPlan`` and its decisions.

``document`` reads YAML with its lines; ``schema`` says what may stand in it and ``reader`` holds it to that; ``when``
and ``expressions`` compile conditions; ``matcher`` evaluates them over a run's columns; ``settings`` tells the
position core what the strategy wants.
"""
