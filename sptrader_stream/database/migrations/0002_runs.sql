-- Recorded runs. Amounts are exact; a time has microseconds, and the nanoseconds that were recorded stand beside it.

CREATE TABLE sptrader.runs (
    run_id text PRIMARY KEY,
    status text NOT NULL,
    strategy text NOT NULL,
    strategy_version text NOT NULL,
    symbol text NOT NULL,
    timeframe text NOT NULL,
    strategy_timeframe text NOT NULL,
    source text NOT NULL,
    synthetic boolean NOT NULL,
    start_time timestamptz,
    start_time_ns bigint,
    end_time timestamptz,
    end_time_ns bigint,
    total_trades integer NOT NULL,
    winning_trades integer NOT NULL,
    losing_trades integer NOT NULL,
    total_pnl numeric NOT NULL,
    max_drawdown double precision NOT NULL,
    sharpe_ratio double precision,
    start_capital numeric NOT NULL,
    end_capital numeric NOT NULL,
    signals_generated bigint NOT NULL,
    fingerprint text NOT NULL,
    head jsonb NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON COLUMN sptrader.runs.head IS
    'The result without its long lists: parameters, findings about candles, open positions, bounds, timing';

CREATE TABLE sptrader.markets (
    run_id text NOT NULL REFERENCES sptrader.runs ON DELETE CASCADE,
    id integer NOT NULL,
    symbol text NOT NULL,
    price_precision smallint NOT NULL,
    quantity_precision smallint NOT NULL,
    source text NOT NULL,
    synthetic boolean NOT NULL,
    total_trades integer NOT NULL,
    winning_trades integer NOT NULL,
    total_pnl numeric NOT NULL,
    PRIMARY KEY (run_id, id)
);

COMMENT ON TABLE sptrader.markets IS 'The instruments of a run, and what their trades come to';

CREATE TABLE sptrader.trades (
    run_id text NOT NULL REFERENCES sptrader.runs ON DELETE CASCADE,
    id integer NOT NULL,
    position integer NOT NULL,
    symbol text NOT NULL,
    side text NOT NULL,
    rule text NOT NULL,
    entry_time timestamptz NOT NULL,
    entry_time_ns bigint NOT NULL,
    entry_price numeric NOT NULL,
    exit_time timestamptz NOT NULL,
    exit_time_ns bigint NOT NULL,
    exit_price numeric NOT NULL,
    quantity numeric NOT NULL,
    pnl numeric NOT NULL,
    pnl_percent numeric NOT NULL,
    commission numeric NOT NULL,
    mae numeric NOT NULL,
    mfe numeric NOT NULL,
    exit_reason text NOT NULL,
    assumption text NOT NULL,
    holding_period_hours double precision NOT NULL,
    PRIMARY KEY (run_id, id)
);

CREATE TABLE sptrader.fills (
    run_id text NOT NULL REFERENCES sptrader.runs ON DELETE CASCADE,
    id integer NOT NULL,
    time timestamptz NOT NULL,
    time_ns bigint NOT NULL,
    position integer NOT NULL,
    symbol text NOT NULL,
    side text NOT NULL,
    rule text NOT NULL,
    price numeric NOT NULL,
    quantity numeric NOT NULL,
    commission numeric NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (run_id, id)
);

CREATE TABLE sptrader.rejections (
    run_id text NOT NULL REFERENCES sptrader.runs ON DELETE CASCADE,
    id integer NOT NULL,
    time timestamptz NOT NULL,
    time_ns bigint NOT NULL,
    symbol text NOT NULL,
    side text NOT NULL,
    rule text NOT NULL,
    price numeric NOT NULL,
    quantity numeric NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (run_id, id)
);

CREATE TABLE sptrader.halts (
    run_id text NOT NULL REFERENCES sptrader.runs ON DELETE CASCADE,
    id integer NOT NULL,
    time timestamptz NOT NULL,
    time_ns bigint NOT NULL,
    equity numeric NOT NULL,
    reference numeric NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (run_id, id)
);

CREATE TABLE sptrader.equity (
    run_id text NOT NULL REFERENCES sptrader.runs ON DELETE CASCADE,
    id integer NOT NULL,
    time timestamptz NOT NULL,
    time_ns bigint NOT NULL,
    equity numeric NOT NULL,
    PRIMARY KEY (run_id, id)
);

COMMENT ON TABLE sptrader.equity IS
    'Equity wherever it changed: at any candle it is that of the last row up to it';

CREATE TABLE sptrader.metrics (
    run_id text NOT NULL REFERENCES sptrader.runs ON DELETE CASCADE,
    name text NOT NULL,
    unit text NOT NULL,
    value numeric,
    time timestamptz,
    PRIMARY KEY (run_id, name)
);

COMMENT ON COLUMN sptrader.metrics.value IS 'Durations are hours; NULL where a metric is not defined or is a time';

CREATE TABLE sptrader.daily_returns (
    run_id text NOT NULL REFERENCES sptrader.runs ON DELETE CASCADE,
    day date NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (run_id, day)
);
