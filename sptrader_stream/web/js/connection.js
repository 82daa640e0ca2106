/**
 * The one websocket to the server. It comes back by itself, later and later while the server is away; what is watched
 * is watched again from behind the last event that was seen, so that no event is missed and none is seen twice.
 */

import { RequestFailed } from "./api.js";

const FIRST_DELAY = 250;
const LONGEST_DELAY = 10_000;
// A connection that lasts as long has proved that the server is back.
const PROVED = 5_000;

/** @typedef {"connecting"|"open"|"waiting"} ConnectionState */

/** A connection that keeps itself up. */
export class Connection {
  /**
   * @param {string} address of the websocket.
   * @param {(state: ConnectionState) => void} onState
   */
  constructor(address, onState) {
    this.address = address;
    this.onState = onState;
    this.state = "connecting";
    this.socket = null;
    this.attempt = 0;
    this.timer = 0;
    this.lastId = 0;
    /** @type {Map<number, {resolve: Function, reject: Function}>} commands that wait for their answer */
    this.asked = new Map();
    /** @type {Map<string, Watch>} */
    this.watches = new Map();
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.hurry());
    this.open();
  }

  /**
   * Send a command.
   *
   * @param {Object} command with its `type`.
   * @returns {Promise<Object>} the answer's result; refused with `RequestFailed`.
   */
  ask(command) {
    if (this.state !== "open") return Promise.reject(lost());
    const id = (this.lastId += 1);
    return new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject });
      this.socket.send(JSON.stringify({ ...command, id }));
    });
  }

  /**
   * Watch a run until the function that is given back is called; another watch of the same run takes its place.
   *
   * @param {string} run
   * @param {{topics: string[], from?: number, onMessage: (message: Object) => void, onAnswer?: Function,
   *   onRefused?: Function}} wanted `from`: the first event wanted, where `trades` is among the topics; `onAnswer`: told
   *   each time that a subscription to them is on.
   * @returns {() => void}
   */
  watch(run, wanted) {
    const watch = new Watch(run, wanted);
    this.watches.set(run, watch);
    if (this.state === "open") this.subscribe(watch);
    return () => {
      if (this.watches.get(run) !== watch) return;
      this.watches.delete(run);
      if (this.state === "open") this.ask({ type: "unsubscribe", run }).catch(() => {});
    };
  }

  /** Try now instead of waiting longer. */
  hurry() {
    if (this.state !== "waiting") return;
    clearTimeout(this.timer);
    this.open();
  }

  open() {
    this.turn("connecting");
    const socket = new WebSocket(this.address);
    const opened = performance.now();
    this.socket = socket;
    socket.onopen = () => {
      this.turn("open");
      for (const watch of this.watches.values()) this.subscribe(watch);
    };
    socket.onmessage = (event) => this.take(JSON.parse(event.data));
    socket.onclose = () => {
      if (this.state === "open" && performance.now() - opened > PROVED) this.attempt = 0;
      this.giveUp();
    };
  }

  giveUp() {
    for (const { reject } of this.asked.values()) reject(lost());
    this.asked.clear();
    // Spread, so that not all pages come back at the same moment.
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.attempt) * (0.5 + Math.random() / 2);
    this.attempt += 1;
    this.timer = setTimeout(() => this.open(), delay);
    this.turn("waiting");
  }

  turn(state) {
    this.state = state;
    this.onState(state);
  }

  take(message) {
    if (message.type === "answer" || message.type === "error") {
      const waiting = this.asked.get(message.id);
      this.asked.delete(message.id);
      if (message.type === "answer") waiting?.resolve(message.result);
      else waiting?.reject(new RequestFailed(message.problem));
      return;
    }
    const watch = this.watches.get(message.backtest_id);
    if (!watch) return;
    switch (watch.place(message)) {
      case "next":
        watch.onMessage(message);
        break;
      case "gap":
        if (!watch.isAsked) this.subscribe(watch);
        break;
    }
  }

  subscribe(watch) {
    const asked = watch.next;
    const from = asked === null ? {} : { from_seq: asked };
    watch.isAsked = true;
    this.ask({ type: "subscribe", run: watch.run, topics: watch.topics, ...from }).then(
      (result) => this.watches.get(watch.run) === watch && watch.begin(result, asked),
      (error) => error.status && this.watches.get(watch.run) === watch && watch.onRefused(error),
    );
  }
}

/** What is watched of a run, and up to where it was seen. */
class Watch {
  constructor(run, { topics, from = null, onMessage, onAnswer = () => {}, onRefused = () => {} }) {
    this.run = run;
    this.topics = topics;
    /** The sequence number that the next event has to have; null until that is known. */
    this.next = from;
    /** Whether a subscription is on its way; what comes early until then comes once more. */
    this.isAsked = false;
    this.onMessage = onMessage;
    this.onAnswer = onAnswer;
    this.onRefused = onRefused;
  }

  begin(result, asked) {
    this.isAsked = false;
    if (!this.topics.includes("trades")) return;
    // A server that was killed may have lost its last events: what was seen of them was never recorded.
    if (asked === null ? this.next === null : result.next_seq < asked) this.next = result.next_seq;
    this.onAnswer(result);
  }

  /** Whether a message is the next one, was seen before, or comes too early. */
  place(message) {
    if (message.seq === undefined) return "next";
    if (this.next !== null && message.seq < this.next) return "seen";
    if (this.next !== null && message.seq > this.next) return "gap";
    this.next = message.seq + 1;
    return "next";
  }
}

function lost() {
  return new RequestFailed({
    title: "Not connected", status: 0, code: "not_connected", detail: "The server cannot be reached at the moment.",
  });
}
