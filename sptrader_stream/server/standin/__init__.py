"""A stand-in for the market-data server: candles of a workspace's files in its interface, and faults to order.

It is what a client of that server can be tried on: ``sptrader data serve --fault cut=0.1``. Which requests go wrong is
drawn from a seed, so that it is the same each time.
"""
