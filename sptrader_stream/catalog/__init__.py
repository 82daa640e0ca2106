"""The catalog: checked candles in Parquet files, a folder for each symbol and timeframe, a file for each month."""
