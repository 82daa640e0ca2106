-- Run after every migration where the extension timescaledb is there; does nothing the second time.
SELECT create_hypertable(
    'sptrader.candles', 'time', chunk_time_interval => INTERVAL '90 days', migrate_data => true, if_not_exists => true
);
