"""Other people's engines on the same candles and decisions, with settings that mean the same.

Only execution is compared: each engine is handed the decisions, and each runs under the python of its own environment
(``make peers``). Where its trades differ from ours, a rule of EXECUTION.md has to say why, candle by candle.
"""
