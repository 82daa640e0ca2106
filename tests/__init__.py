"""Specifications of SPTrader Stream; the folders mirror the packages."""
