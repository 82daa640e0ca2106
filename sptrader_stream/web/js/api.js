/** The server's REST calls, one function each. What is refused is thrown as `RequestFailed`, with the server's words. */

/** A request that the server refused, or that did not reach it (status 0). */
export class RequestFailed extends Error {
  /** @param {{title: string, status: number, detail: string, code: string, errors?: Array}} problem */
  constructor(problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
    this.status = problem.status;
    /** @type {Array<{path: string, message: string, line?: number}>} what is wrong with single fields */
    this.errors = problem.errors ?? [];
  }
}

/**
 * List runs, the newest first.
 *
 * @param {{status?: string, strategy?: string, offset?: number, limit?: number}} query
 */
export const listRuns = (query, signal) => get("/api/backtests", query, signal);

/** Start a run; gives its `backtest_id`. */
export const startRun = (request) => json("POST", "/api/backtest/run", request);

/** Read where a run stands. */
export const readStatus = (run, signal) => get(`${path(run)}/status`, {}, signal);

/** Read a run's result document; only of a run that is over. */
export const readResults = (run, signal) => get(`${path(run)}/results`, {}, signal);

/** Remove a run with everything that it recorded. */
export const removeRun = (run) => json("DELETE", path(run));

/**
 * Read candles of one instrument of a run, aggregated until there are no more than `most`.
 *
 * @param {{symbol: string, from?: string, to?: string, most: number}} query
 */
export const readCandles = (run, query, signal) => get(`${path(run)}/candles`, query, signal);

/** Read equity and drawdown of a run, thinned to `most` points. */
export const readEquity = (run, query, signal) => get(`${path(run)}/equity`, query, signal);

/**
 * Read a page of a run's trades, the oldest first; with a range of time those that began or ended in it.
 *
 * @param {{offset?: number, limit: number, symbol?: string, from?: string, to?: string}} query
 */
export const readTrades = (run, query, signal) => get(`${path(run)}/trades`, query, signal);

/** Read a page of a run's lossless events, as the websocket tells them. */
export const readEvents = (run, query, signal) => get(`${path(run)}/events`, query, signal);

/** Where the page with everything about a run is. */
export const reportLink = (run) => `${path(run)}/report`;

/** Where all trades of a run are, as a table. */
export const tradesLink = (run) => `${path(run)}/trades?format=csv`;

/** Read which symbols this server has candles of. */
export const readMetadata = (signal) => get("/api/metadata", {}, signal);

/** List the strategies of this server. */
export const listStrategies = (signal) => get("/api/strategies", {}, signal);

/** Read a strategy's text and the version that guards it. */
export async function readStrategy(name, signal) {
  const response = await send("GET", strategyPath(name), { signal });
  return { ...(await response.json()), version: response.headers.get("ETag") };
}

/**
 * Write a strategy.
 *
 * @param {string} name
 * @param {string} text
 * @param {string|null} version that is to be replaced; null for a strategy that must not be there yet.
 * @returns {Promise<string|null>} the new version.
 */
export async function writeStrategy(name, text, version) {
  const headers = version === null ? { "If-None-Match": "*" } : { "If-Match": version };
  const response = await json("PUT", strategyPath(name), { text }, { headers, whole: true });
  return response.headers.get("ETag");
}

/** Remove a strategy, if it is still of this version. */
export const removeStrategy = (name, version) =>
  json("DELETE", strategyPath(name), undefined, { headers: { "If-Match": version } });

/** Say what is wrong with a strategy's text: `{valid, findings}`. */
export const validateStrategy = (text, signal) => json("POST", "/api/strategies/validate", { text }, { signal });

const path = (run) => `/api/backtest/${encodeURIComponent(run)}`;
const strategyPath = (name) => `/api/strategies/${encodeURIComponent(name)}`;

async function get(address, query, signal) {
  const said = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const response = await send("GET", said.length ? `${address}?${new URLSearchParams(said)}` : address, { signal });
  return response.json();
}

async function json(method, address, body, { headers = {}, signal, whole = false } = {}) {
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { "Content-Type": "application/json" };
  const response = await send(method, address, { ...content, headers: { ...type, ...headers }, signal });
  if (whole) return response;
  return response.status === 204 ? null : response.json();
}

async function send(method, address, options) {
  let response;
  try {
    response = await fetch(address, { method, ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestFailed({ title: "No answer", status: 0, detail: "The server does not answer.", code: "no_answer" });
  }
  if (response.ok) return response;
  let problem = null;
  try {
    problem = await response.json();
  } catch {
    // What is not the server's own words, such as a proxy's page, is told by its status alone.
  }
  throw new RequestFailed({
    title: response.statusText, detail: `The server answered ${response.status}.`, code: "unknown",
    ...problem, status: response.status,
  });
}
