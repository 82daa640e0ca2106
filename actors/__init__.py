"""The pipeline's actors, one file each, and the wiring of a run (``pipeline``).

An actor is a thin shell around a pure core: it reads its inboxes in a fixed order and publishes what the core
answers. It holds no arithmetic; the cores hold no trio.
"""
