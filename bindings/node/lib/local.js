// Events for the host itself: deliveries, and the consumers that take them on the event loop.
'use strict';

const { ConvoyError, call, constants, layouts, native, room, withMemory } = require('./library.js');

const VIEW = layouts.convoy_delivery_view;
const BATCH_MAX = 256;
const DAY_MS = 24 * 3600 * 1000;

/** A handler throws it when the event fails for good. */
class Refuse extends Error {}

/** A handler throws it when the event shall not come again before `afterMs`. */
class Retry extends Error {
  constructor(message, afterMs = 0) {
    super(message);
    this.afterMs = afterMs;
  }
}

const forgotten = new FinalizationRegistry((handle) => native.convoy_delivery_free(handle));

class Delivery {
  constructor(handle) {
    this._handle = handle;
    forgotten.register(this, handle, this);
    withMemory(0, (memory) => this._read(memory));
  }

  _read(memory) {
    const base = memory.reserve(VIEW.size);
    memory.number(base, VIEW.size);
    call(memory, 'convoy_delivery_get', [this._handle, memory.at(base)]);
    const at = VIEW.offsets;
    this.eventId = memory.text(base + at.event_id);
    this.eventType = memory.text(base + at.event_type);
    this.body = memory.copy(base + at.body);
    this.contentType = memory.text(base + at.content_type);
    this.idempotencyKey = memory.text(base + at.idempotency_key);
    this.projectId = memory.text(base + at.project_id);
    this.endpointId = memory.text(base + at.endpoint_id);
    this.deliveryId = memory.text(base + at.delivery_id);
    this.attemptNumber = memory.halves[(base + at.attempt_number) >> 2];
    this.deadline = new Date(Number(memory.pointer(base + at.deadline_us) / 1000n));
    this.headers = [];
    const header = memory.reserve(layouts.convoy_header.size);
    for (let i = 0; native.convoy_delivery_header(this._handle, i, memory.at(header)) !== 0; ++i) {
      this.headers.push([memory.text(header, 'latin1'), memory.text(header + 16, 'latin1')]);
    }
  }

  json() {
    return JSON.parse(this.body.toString());
  }

  get isLate() {
    return Date.now() >= this.deadline.getTime();
  }

  done(detail = '') {
    return this._finish(constants.LOCAL_DONE, 0, detail);
  }

  retry(detail = '', afterMs = 0) {
    return this._finish(constants.LOCAL_RETRY, afterMs, detail);
  }

  fail(detail = '') {
    return this._finish(constants.LOCAL_FAIL, 0, detail);
  }

  /** False: too late, or finished already, or the gateway is gone: then it comes again. */
  _finish(outcome, afterMs, detail) {
    if (this._handle === null) return false;
    const handle = this._handle;
    const after = afterMs > 0 ? Math.floor(Math.min(afterMs, DAY_MS)) : 0; // nor is NaN
    const text = String(detail).slice(0, 1024);
    this._handle = null;
    forgotten.unregister(this);
    try {
      return withMemory(room(text) + 64, (memory) => {
        const slice = memory.reserve(16);
        memory.slice(slice, text);
        call(memory, 'convoy_local_finish', [handle, outcome, after, memory.pointer(slice),
          memory.pointer(slice + 8)]);
        return true;
      });
    } catch (error) {
      if (error.code === constants.E_NOT_FOUND || error.code === constants.E_STATE) return false;
      throw error;
    } finally {
      native.convoy_delivery_free(handle);
    }
  }
}

/** Deliveries that are there, at most `max`; null: the gateway closes. */
function take(gateway, name, max) {
  const count = Math.min(max, BATCH_MAX);
  return withMemory(0, (memory) => {
    const text = memory.reserve(16);
    memory.slice(text, name);
    const array = memory.reserve(8 * count);
    const taken = memory.reserve(8);
    try {
      call(memory, 'convoy_local_take', [gateway, memory.pointer(text),
        memory.pointer(text + 8), count, 0, memory.at(array), memory.at(taken)]);
    } catch (error) {
      if (error instanceof ConvoyError && error.code === constants.E_STATE) return null;
      throw error;
    }
    const handles = Array.from({ length: Number(memory.pointer(taken)) },
      (_, i) => memory.pointer(array + 8 * i));
    return handles.map((handle) => new Delivery(handle));
  });
}

/** Calls a handler and finishes the delivery as it says, whatever it throws. */
async function settle(delivery, handler) {
  try {
    await handler(delivery);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    if (error instanceof Refuse) delivery.fail(detail);
    else delivery.retry(detail, error instanceof Retry ? error.afterMs : 0);
    return;
  }
  delivery.done();
}

/** Takes as many deliveries to a name as it has room for and passes them to a handler. */
class Handling {
  constructor(gateway, name, handler, concurrency) {
    Object.assign(this, { gateway, name, handler, concurrency, runningCount: 0 });
  }

  /** Whether there was something to do. */
  takeSome() {
    const free = this.concurrency - this.runningCount;
    if (free <= 0 || this.gateway._isClosing) return false;
    const taken = this.gateway.take(this.name, free);
    for (const delivery of taken) {
      ++this.runningCount;
      settle(delivery, this.handler)
        .catch((error) => this.gateway._report(error))
        .then(() => {
          --this.runningCount;
          this.gateway._loop.resume();
        });
    }
    return taken.length > 0;
  }

  get isBusy() {
    return this.runningCount > 0;
  }

  stop() {
    this.gateway._loop.remove(this);
  }

  end() {}
}

/** Deliveries for one `for await`. */
class Iteration {
  constructor(gateway, name, batch) {
    Object.assign(this, { gateway, name, batch, wanted: null, hasEnded: false });
  }

  takeSome() {
    if (this.wanted === null || this.gateway._isClosing) return false;
    const taken = this.gateway.take(this.name, this.batch);
    if (taken.length > 0) this._give(taken);
    return taken.length > 0;
  }

  _give(taken) {
    const give = this.wanted;
    this.wanted = null;
    if (give !== null) give(taken);
  }

  get isBusy() {
    return false;
  }

  end() {
    this.hasEnded = true;
    this._give([]);
  }

  async *deliveries() {
    this.gateway._loop.add(this);
    try {
      while (!this.hasEnded) {
        const taken = await new Promise((resolve) => {
          this.wanted = resolve;
          if (!this.takeSome()) this.gateway._loop.resume(); // which has them fetched, too
        });
        for (const delivery of taken) if (!delivery.isLate) yield delivery;
      }
    } finally {
      this.gateway._loop.remove(this);
    }
  }
}

module.exports = { Delivery, Handling, Iteration, Refuse, Retry, take };
