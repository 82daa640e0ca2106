-- Candles. Prices are whole ticks, 10^-price_precision of the series, so that they are exact and quick to read.

CREATE TABLE sptrader.series (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    symbol text NOT NULL CHECK (symbol <> ''),
    timeframe text NOT NULL CHECK (timeframe <> ''),
    price_precision smallint NOT NULL CHECK (price_precision BETWEEN 0 AND 8),
    has_spread boolean NOT NULL,
    source text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (symbol, timeframe)
);

COMMENT ON TABLE sptrader.series IS 'What candles there are: an instrument in a timeframe';
COMMENT ON COLUMN sptrader.series.has_spread IS 'Whether its candles say their spread';
COMMENT ON COLUMN sptrader.series.source IS 'Where candles were read from last';

-- No foreign key: checking it for every candle would take as long as writing them.
CREATE TABLE sptrader.candles (
    series_id integer NOT NULL,
    time timestamptz NOT NULL CHECK (time >= '1678-01-01T00:00Z' AND time < '2262-01-01T00:00Z'),
    open bigint NOT NULL,
    high bigint NOT NULL,
    low bigint NOT NULL,
    close bigint NOT NULL,
    volume double precision NOT NULL,
    spread bigint,
    PRIMARY KEY (series_id, time)
);

COMMENT ON TABLE sptrader.candles IS 'Candles by open time; prices and spread in ticks of the series, see candle_prices';

CREATE VIEW sptrader.candle_prices AS
SELECT
    series.symbol,
    series.timeframe,
    candles.time,
    round(candles.open * 10::numeric ^ (- series.price_precision), series.price_precision) AS open,
    round(candles.high * 10::numeric ^ (- series.price_precision), series.price_precision) AS high,
    round(candles.low * 10::numeric ^ (- series.price_precision), series.price_precision) AS low,
    round(candles.close * 10::numeric ^ (- series.price_precision), series.price_precision) AS close,
    candles.volume,
    round(candles.spread * 10::numeric ^ (- series.price_precision), series.price_precision) AS spread
FROM sptrader.candles
JOIN sptrader.series ON series.id = candles.series_id;

COMMENT ON VIEW sptrader.candle_prices IS 'Candles with their symbol and exact decimal prices';
