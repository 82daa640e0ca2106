"""Strategies in YAML: from the file, by ``loader.load_strategy``, to a ``plan.StrategyPlan`` and its decisions.

``document`` reads YAML with its lines; ``schema`` and ``fields`` say what may stand in it and ``reader`` holds it to
that; ``when`` and ``expressions`` compile conditions; ``assembly`` puts the plan together; ``evaluation`` finds where
conditions are met over a run's columns and ``matcher`` makes decisions of that; ``settings`` tells the position core
what the strategy wants.
"""
