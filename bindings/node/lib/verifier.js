// The stateless verifier: no gateway, no storage, no thread.
'use strict';

const { call, constants, koffi, layouts, native, room, takeBuf, withMemory, writeHeaders } =
  require('./library.js');
const { takeReply, withRequest } = require('./request.js');

const VIEW = layouts.convoy_verdict_view;
const SETTINGS = layouts.convoy_verifier_settings;
const EVENT_ID_BYTES = 8 * 1024; // no id is longer
const NO_TIME = -(2n ** 63n);

const forgotten = new FinalizationRegistry((handle) => native.convoy_verifier_free(handle));
const texts = new Map(); // static texts of the library, by address

function staticText(address) {
  let text = texts.get(address);
  if (text === undefined) texts.set(address, text = koffi.decode.string(address));
  return text;
}

function compile({ preset, definition, scheme, secrets = [], parameters = {} }) {
  const pairs = Object.entries(parameters).flat();
  const text = definition && (typeof definition === 'string' ? definition : JSON.stringify(definition));
  const size = SETTINGS.size + 1024 + 16 * (secrets.length + pairs.length) + room(preset) +
    room(text) + room(scheme) + [...secrets, ...pairs].reduce((sum, each) => sum + room(each), 0);
  return withMemory(size, (memory) => {
    const at = SETTINGS.offsets;
    const base = memory.reserve(SETTINGS.size);
    memory.number(base, SETTINGS.size);
    memory.slice(base + at.preset, preset);
    memory.slice(base + at.definition, text);
    memory.slice(base + at.scheme, scheme);
    const array = memory.reserve(16 * secrets.length);
    secrets.forEach((secret, i) => memory.slice(array + 16 * i, secret));
    memory.number(base + at.secrets, memory.start + array);
    memory.number(base + at.secrets_count, secrets.length);
    writeHeaders(memory, base, at.parameters, at.parameters_count, pairs, 'utf8');
    const out = memory.reserve(8);
    call(memory, 'convoy_verifier_new_with', [memory.at(base), memory.at(out)]);
    return memory.pointer(out);
  });
}

class Verifier {
  constructor(settings) {
    this._handle = compile(typeof settings === 'string' ? { preset: settings } : settings);
    forgotten.register(this, this._handle);
  }

  verify(request, now = new Date()) {
    return withRequest(request, (memory, address) => {
      const base = memory.reserve(VIEW.size);
      memory.number(base, VIEW.size);
      call(memory, 'convoy_verifier_check',
        [this._handle, address, now.getTime() * 1000, memory.at(base)]);
      const at = VIEW.offsets;
      const isAccepted = memory.halves[(base + at.is_accepted) >> 2] !== 0;
      const signedAt = BigInt.asIntN(64, memory.pointer(base + at.signed_at_us));
      return {
        isAccepted,
        reason: staticText(memory.pointer(base + at.reason)),
        integrity: staticText(memory.pointer(base + at.integrity)),
        scheme: memory.text(base + at.scheme),
        secretIndex: memory.halves[(base + at.secret_index) >> 2],
        refusalStatus: memory.halves[(base + at.refusal_status) >> 2],
        signedAt: signedAt === NO_TIME ? null : new Date(Number(signedAt / 1000n)),
        eventId: isAccepted ? this._eventId(memory, address) : '',
      };
    });
  }

  _eventId(memory, address) {
    const used = memory.reserve(8);
    const out = memory.space(EVENT_ID_BYTES);
    call(memory, 'convoy_verifier_event_id',
      [this._handle, address, memory.at(out), EVENT_ID_BYTES, memory.at(used)]);
    return memory.bytes.toString('utf8', out, out + Number(memory.pointer(used)));
  }

  answer(request, now = new Date()) {
    return withRequest(request, (memory, address) => {
      const out = memory.reserve(40); // a pointer and two convoy_buf
      const status = call(memory, 'convoy_verifier_answer', [this._handle, address,
        now.getTime() * 1000, memory.at(out), memory.at(out + 8), memory.at(out + 24)],
      constants.DECLINED);
      if (status === constants.DECLINED) return null;
      return {
        reply: takeReply(memory.pointer(out)),
        secret: takeBuf(memory, out + 8),
        visitUrl: takeBuf(memory, out + 24),
      };
    });
  }
}

function presets() {
  return withMemory(0, (memory) => {
    const out = memory.reserve(layouts.convoy_buf.size);
    call(memory, 'convoy_presets', [memory.at(out)]);
    return JSON.parse(takeBuf(memory, out));
  });
}

module.exports = { Verifier, presets };
