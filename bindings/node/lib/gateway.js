// The gateway: opened, driven and closed; requests, events and management.
'use strict';

const { EventEmitter } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const { ConvoyError, Memory, call, callElsewhere, constants, native, registerCallback, room, takeBuf,
  takeError, withMemory } = require('./library.js');
const { Handling, Iteration, take } = require('./local.js');
const { nextLogLine } = require('./log.js');
const { Loop } = require('./loop.js');
const { droppedCount, nextOutcome } = require('./outcome.js');
const { takeReply, withEvent, withRequest } = require('./request.js');
const { answer } = require('./server.js');

/** The REST API refused a call; `status` is that of HTTP. */
class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
  }
}

const WAIT_MS = 2;

const awaited = new Map(); // number that C has -> function that gets what it calls back with
let lastNumber = 0;

// They run inside convoy_gateway_poll, so on this thread.
function finish(user, ...results) {
  const number = Number(user);
  const use = awaited.get(number);
  awaited.delete(number);
  use(...results);
}
const onReply = registerCallback('convoy_reply_fn', finish);
const onReceipt = registerCallback('convoy_receipt_fn', finish);

function setUp(config, settings) {
  const all = { ...settings, 'gateway.completions': 'poll' };
  for (const [key, value] of Object.entries(all)) {
    const text = String(value);
    withMemory(room(key) + room(text) + 64, (memory) => {
      const pair = memory.reserve(32);
      memory.slice(pair, key);
      memory.slice(pair + 16, text);
      call(memory, 'convoy_config_set', [config, memory.pointer(pair), memory.pointer(pair + 8),
        memory.pointer(pair + 16), memory.pointer(pair + 24)]);
    });
  }
}

function open(settings) {
  return withMemory(0, (memory) => {
    const out = memory.reserve(16);
    call(memory, 'convoy_config_new', [memory.at(out)]);
    const config = memory.pointer(out);
    try {
      setUp(config, settings);
      call(memory, 'convoy_gateway_open', [config, memory.at(out + 8)]);
      return memory.pointer(out + 8);
    } finally {
      native.convoy_config_free(config);
    }
  });
}

function answerOf(handle) {
  const reply = takeReply(handle);
  const contents = reply.body.length > 0 ? JSON.parse(reply.body.toString()) : {};
  if (reply.status >= 300) throw new ApiError(reply.status, contents.message || '');
  return contents.data;
}

const OUT_REPLY = 5; // of the parameters of convoy_call

/** Memory of a call of the REST API, its parameters, and where its reply goes. */
function writeCall(handle, method, target, body) {
  const text = body === undefined || body === null ? '' : JSON.stringify(body);
  const memory = new Memory(room(method) + room(target) + room(text) + 256);
  const slices = memory.reserve(56);
  memory.slice(slices, `${method}\0`);
  memory.slice(slices + 16, `${target}\0`);
  memory.slice(slices + 32, text);
  return { memory, out: slices + 48, parameters: [handle, memory.pointer(slices),
    memory.pointer(slices + 16), memory.pointer(slices + 32), memory.pointer(slices + 40),
    memory.at(slices + 48)] };
}

class Gateway extends EventEmitter {
  constructor(settings = {}) {
    super();
    this._handle = open(settings);
    this._isStarted = false;
    this._isClosing = false;
    this._closing = null; // a promise, while it closes
    this._calls = 0;      // on other threads
    this._loop = null;
  }

  _open() {
    if (this._handle === null) {
      throw new ConvoyError(constants.E_STATE, 'the gateway is closed', false);
    }
    return this._handle;
  }

  _report(error) {
    if (this.listenerCount('error') > 0) this.emit('error', error);
    else process.emitWarning(error);
  }

  bootstrap() {
    return withMemory(0, (memory) => {
      const out = memory.reserve(16);
      call(memory, 'convoy_gateway_bootstrap', [this._open(), memory.at(out)]);
      return takeBuf(memory, out);
    });
  }

  start() {
    withMemory(0, (memory) => call(memory, 'convoy_gateway_start', [this._open()]));
    this._isStarted = true;
    this._loop = new Loop(this, this._handle);
    return this;
  }

  /** Starts an asynchronous call; `settle` gets its results and gives the promise's value. */
  _begin(begin, settle) {
    return new Promise((resolve, reject) => {
      const number = ++lastNumber;
      awaited.set(number, (...results) => {
        this._loop.await(-1);
        try {
          resolve(settle(...results));
        } catch (error) {
          reject(error);
        }
      });
      try {
        if (begin(number) === constants.DECLINED) {
          awaited.delete(number);
          resolve(null);
          return;
        }
      } catch (error) {
        awaited.delete(number);
        throw error;
      }
      this._loop.await(1);
    });
  }

  async handle(request) {
    if (!this._isStarted) return this.handleSync(request);
    return this._begin((number) => withRequest(request, (memory, address) => call(memory,
      'convoy_http_handle_async', [this._open(), address, onReply, BigInt(number)],
      constants.DECLINED)), takeReply);
  }

  handleSync(request) {
    return withRequest(request, (memory, address) => {
      const out = memory.reserve(8);
      const status = call(memory, 'convoy_http_handle', [this._open(), address, memory.at(out)],
        constants.DECLINED);
      return status === constants.DECLINED ? null : takeReply(memory.pointer(out));
    });
  }

  /** Answers a request whose body has come; `incoming` stays the caller's. */
  async _finish(incoming) {
    if (this._isStarted) {
      return this._begin((number) => withMemory(0, (memory) => call(memory,
        'convoy_http_finish_async', [incoming, onReply, BigInt(number)])), takeReply);
    }
    return withMemory(0, (memory) => {
      const out = memory.reserve(8);
      call(memory, 'convoy_http_finish', [incoming, memory.at(out)]);
      return takeReply(memory.pointer(out));
    });
  }

  async ingest(event) {
    if (!this._isStarted) return this.ingestSync(event);
    return this._begin((number) => withEvent(event, (memory, address) => call(memory,
      'convoy_ingest_async', [this._open(), address, onReceipt, BigInt(number)])),
    (eventId, isDuplicate, error) => {
      if (!eventId) throw takeError(error);
      return { eventId, isDuplicate: isDuplicate !== 0 };
    });
  }

  ingestSync(event) {
    return withEvent(event, (memory, address) => {
      const out = memory.reserve(24);
      call(memory, 'convoy_ingest', [this._open(), address, memory.at(out), memory.at(out + 16)]);
      return { eventId: takeBuf(memory, out), isDuplicate: memory.halves[(out + 16) >> 2] !== 0 };
    });
  }

  async call(method, target, body) {
    if (this._isStarted) return this._callAsync(method, target, body);
    const { memory, parameters, out } = writeCall(this._open(), method, target, body);
    ++this._calls;
    try {
      const status = await callElsewhere(memory, 'convoy_call', parameters, constants.DECLINED);
      return this._answer(memory, out, status);
    } finally {
      --this._calls;
    }
  }

  async _callAsync(method, target, body) {
    const { memory, parameters } = writeCall(this._open(), method, target, body);
    parameters[OUT_REPLY] = onReply;
    const settled = await this._begin((number) => call(memory, 'convoy_call_async',
      [...parameters, BigInt(number)], constants.DECLINED), (handle) => ({ data: answerOf(handle) }));
    if (settled === null) throw new ApiError(404, 'not a path of the REST API');
    return settled.data;
  }

  callSync(method, target, body) {
    const { memory, parameters, out } = writeCall(this._open(), method, target, body);
    return this._answer(memory, out, call(memory, 'convoy_call', parameters, constants.DECLINED));
  }

  _answer(memory, out, status) {
    if (status === constants.DECLINED) throw new ApiError(404, 'not a path of the REST API');
    return answerOf(memory.pointer(out));
  }

  take(name, max = 64) {
    return take(this._open(), name, max) || [];
  }

  local(name, handler, { concurrency = 16 } = {}) {
    if (!this._isStarted) throw new ConvoyError(constants.E_STATE, 'start the gateway first', false);
    const handling = new Handling(this, name, handler, concurrency);
    handling.takeSome(); // a name that is not served is refused here
    this._loop.add(handling);
    return { stop: () => handling.stop() };
  }

  deliveries(name, { batch = 64 } = {}) {
    if (!this._isStarted) throw new ConvoyError(constants.E_STATE, 'start the gateway first', false);
    return new Iteration(this, name, batch).deliveries();
  }

  *outcomes() {
    for (let outcome; (outcome = nextOutcome(this._open())) !== null;) yield outcome;
  }

  *logLines() {
    for (let line; (line = nextLogLine(this._open())) !== null;) yield line;
  }

  get droppedOutcomesCount() {
    return droppedCount(this._open());
  }

  middleware() {
    return (request, response, next) => {
      answer(this, request, response).then((isAnswered) => { if (!isAnswered) next(); }, next);
    };
  }

  listener(next) {
    const middleware = this.middleware();
    return (request, response) => middleware(request, response, (error) => {
      if (!error && next) return next(request, response);
      response.statusCode = error ? 503 : 404;
      return response.end();
    });
  }

  answer(request, response) {
    return answer(this, request, response);
  }

  close(patienceMs = 10000) {
    if (this._handle === null) return Promise.resolve();
    this._isClosing = true; // handlers that run may return; no delivery is taken any more
    this._closing ||= this._close(patienceMs).finally(() => { this._closing = null; });
    return this._closing;
  }

  async _close(patienceMs) {
    const end = Date.now() + patienceMs;
    while (this._loop !== null && this._loop.isBusy && Date.now() < end) await sleep(WAIT_MS);
    const left = Math.max(0, Math.floor(end - Date.now()));
    await callElsewhere(new Memory(64), 'convoy_gateway_close', [this._handle, left]);
    while (this._calls > 0) await sleep(WAIT_MS);
    const handle = this._handle;
    this._handle = null; // no call begins any more
    while (this._loop !== null && this._loop.poll() > 0) continue;
    if (this._loop !== null) this._loop.end();
    native.convoy_gateway_free(handle);
  }
}

module.exports = { ApiError, Gateway };
