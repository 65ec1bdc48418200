// A gateway on Node's event loop: its descriptor is watched, and what is there for the host is done.
'use strict';

const { call, koffi, withMemory } = require('./library.js');
const { nextOutcome } = require('./outcome.js');

const POLLED_MAX = 64;
// The descriptor stays readable while deliveries wait for which no handler has room, and while the
// gateway closes. Then it is not watched; completions are looked for after so many milliseconds.
const PAUSE_MS = 2;

class Loop {
  constructor(gateway, handle) {
    this._gateway = gateway;
    this._handle = handle;
    this._consumers = new Set();
    this._awaited = 0;
    this._timer = null;
    const descriptor = withMemory(0, (memory) => {
      const out = memory.reserve(8);
      call(memory, 'convoy_gateway_wake_fd', [handle, memory.at(out)]);
      return memory.halves[out >> 2];
    });
    this._watch = koffi.node.poll(descriptor, { readable: true }, () => this._run());
    this._isWatching = true;
    this._keepAlive();
  }

  add(consumer) {
    this._consumers.add(consumer);
    this._keepAlive();
    this.resume();
  }

  remove(consumer) {
    this._consumers.delete(consumer);
    this._keepAlive();
  }

  /** Counts calls whose results are awaited: they keep the process alive. */
  await(count) {
    this._awaited += count;
    if (this._awaited === 0 || this._awaited === count) this._keepAlive();
  }

  /** Whether handlers run. */
  get isBusy() {
    return [...this._consumers].some((consumer) => consumer.isBusy);
  }

  _keepAlive() {
    if (this._watch === null) return;
    if (this._isNeeded) this._watch.ref();
    else this._watch.unref();
  }

  get _isNeeded() {
    return this._awaited > 0 || this._consumers.size > 0;
  }

  /** Watches again: there may be room for what waits. */
  resume() {
    if (this._watch === null || this._isWatching) return;
    clearTimeout(this._timer);
    this._isWatching = true;
    this._watch.start({ readable: true }, () => this._run());
    this._keepAlive();
  }

  /** Runs completions, on this thread; returns how many. */
  poll() {
    return withMemory(0, (memory) => {
      const out = memory.reserve(8);
      call(memory, 'convoy_gateway_poll', [this._handle, POLLED_MAX, memory.at(out)]);
      return Number(memory.pointer(out));
    });
  }

  _run() {
    try {
      let hasDone = this.poll() > 0;
      for (const consumer of [...this._consumers]) hasDone = consumer.takeSome() || hasDone;
      hasDone = this._tellOutcomes() || hasDone;
      if (!hasDone) this._pause();
    } catch (error) {
      this._pause();
      this._gateway._report(error);
    }
  }

  _tellOutcomes() {
    if (this._gateway.listenerCount('outcome') === 0) return false;
    let count = 0;
    for (let outcome; count < POLLED_MAX && (outcome = nextOutcome(this._handle)); ++count) {
      this._gateway.emit('outcome', outcome);
    }
    return count > 0;
  }

  _pause() {
    if (this._watch === null || !this._isWatching) return;
    this._watch.stop();
    this._isWatching = false;
    this._timer = setTimeout(() => this.resume(), PAUSE_MS);
    if (!this._isNeeded) this._timer.unref();
  }

  end() {
    clearTimeout(this._timer);
    this._watch.close();
    this._watch = null;
    for (const consumer of this._consumers) consumer.end();
    this._consumers.clear();
  }
}

module.exports = { Loop };
