"""Tests of sptrader_stream.signals."""
