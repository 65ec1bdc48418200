// Shared library: loading, calls that throw, and memory that crosses the interface.
'use strict';

const koffi = require('koffi');
const { callbacks, constants, functions, structs } = require('./declarations.js');

// Functions that take long run on koffi's threads, on stacks of this size: the default is small.
const STACK_BYTES = 1 << 20;
try {
  koffi.config({ async_stack_size: STACK_BYTES });
} catch {
  // Another package has loaded a library before: the setting is for all.
}
const hasThreads = koffi.config().async_stack_size >= STACK_BYTES;

function load(path) {
  try {
    return koffi.load(path);
  } catch (error) {
    throw new Error(`${path} is not found; CONVOY_LIBRARY may name it: ${error.message}`);
  }
}

const native = {};
const shared = load(process.env.CONVOY_LIBRARY || 'libconvoy.so.0');
for (const [name, [result, parameters]] of Object.entries(functions)) {
  native[name] = shared.func(name, result, parameters);
}
const copyMemory = koffi.load(null).func('memcpy', 'void *', ['void *', 'void *', 'size_t']);

// Offset and size of the fields of each struct, in words of 8 bytes where they begin at one.
const layouts = {};
for (const [name, fields] of Object.entries(structs)) {
  const type = koffi.struct(name, fields);
  const offsets = {};
  for (const field of Object.keys(fields)) offsets[field] = koffi.offsetof(type, field);
  layouts[name] = { size: koffi.sizeof(type), offsets };
}

/** A call failed. `code` is the class of a convoy_status. */
class ConvoyError extends Error {
  constructor(code, message, isRetriable) {
    super(message);
    this.name = 'ConvoyError';
    this.code = code;
    this.isRetriable = isRetriable;
  }
}

const CLASS_MASK = 0xff;

/** The exception for a convoy_error, which is freed. */
function takeError(handle, status) {
  if (!handle) return new ConvoyError(status & CLASS_MASK, `status ${status}`, false);
  const error = new ConvoyError(native.convoy_error_code(handle) & CLASS_MASK,
    native.convoy_error_message(handle), native.convoy_error_is_retriable(handle) !== 0);
  native.convoy_error_free(handle);
  return error;
}

/** Memory that C reads and writes: structs, and the texts that they point to. */
class Memory {
  constructor(size) {
    const buffer = new ArrayBuffer((size + 7) & ~7);
    this.bytes = Buffer.from(buffer);
    this.words = new BigUint64Array(buffer);
    this.halves = new Int32Array(buffer);
    this.address = koffi.address(this.bytes);
    this.start = Number(this.address); // addresses have at most 48 bits
    this.used = 0;
  }

  /** Offset of so many bytes, a multiple of 8. They hold anything. */
  space(size) {
    const offset = this.used;
    this.used = (offset + size + 7) & ~7;
    if (this.used > this.bytes.length) throw new RangeError('the memory of a call is too small');
    return offset;
  }

  /** The same, zeroed. */
  reserve(size) {
    const offset = this.space(size);
    this.halves.fill(0, offset >> 2, this.used >> 2);
    return offset;
  }

  at(offset) {
    return this.address + BigInt(offset);
  }

  /** Writes a convoy_slice at `offset`. A text is copied here; bytes only if there are few. */
  slice(offset, value, encoding) {
    if (!value) return;
    let pointer;
    let size = value.length;
    if (typeof value !== 'string' && size > COPIED_BYTES_MAX) {
      pointer = Number(koffi.address(value));
    } else {
      const start = this.used;
      if (typeof value !== 'string') this.bytes.set(value, start);
      else if (encoding === 'latin1') size = this.bytes.latin1Write(value, start);
      else size = this.bytes.utf8Write(value, start);
      this.used = (start + size + 7) & ~7;
      pointer = this.start + start;
    }
    this.number(offset, pointer);
    this.number(offset + 8, size);
  }

  /** Writes a number below 2^53; a BigInt would take longer. */
  number(offset, value) {
    this.halves[offset >> 2] = value >>> 0;
    this.halves[(offset >> 2) + 1] = value / 4294967296;
  }

  pointer(offset) {
    return this.words[offset >> 3];
  }

  /** Copy of the text that a convoy_slice points to. */
  text(offset, encoding) {
    const bytes = this.copy(offset);
    return bytes.length === 0 ? '' : bytes.toString(encoding || 'utf8');
  }

  /** Copy of the bytes that a convoy_slice points to. */
  copy(offset) {
    const size = Number(this.words[(offset >> 3) + 1]);
    const bytes = Buffer.allocUnsafe(size);
    if (size > 0) copyMemory(bytes, this.words[offset >> 3], size);
    return bytes;
  }
}

const COPIED_BYTES_MAX = 4096;
const USUAL_BYTES = 64 * 1024;
const spare = [];

/** Runs `use` with memory of at least `size` bytes, which is its own until it returns. */
function withMemory(size, use) {
  const memory = (size <= USUAL_BYTES && spare.pop()) || new Memory(Math.max(size, USUAL_BYTES));
  memory.used = 0;
  try {
    return use(memory);
  } finally {
    if (memory.bytes.length === USUAL_BYTES) spare.push(memory);
  }
}

/** Bytes that a text or a buffer takes at most, with room to align it. */
function room(value) {
  return value ? 16 + 3 * value.length : 0;
}

/** Calls a function whose last parameter is the error; throws unless the status is allowed. */
function call(memory, name, parameters, allowed) {
  const cell = memory.reserve(8);
  const status = native[name](...parameters, memory.at(cell));
  if (status !== 0 && status !== allowed) throw takeError(memory.pointer(cell), status);
  return status;
}

/** The same on another thread, where there is one with a stack that will do. */
function callElsewhere(memory, name, parameters, allowed) {
  if (!hasThreads) return Promise.resolve().then(() => call(memory, name, parameters, allowed));
  const cell = memory.reserve(8);
  return new Promise((resolve, reject) => {
    native[name].async(...parameters, memory.at(cell), (failure, status) => {
      if (failure) reject(failure);
      else if (status !== 0 && status !== allowed) reject(takeError(memory.pointer(cell), status));
      else resolve(status);
    });
  });
}

/** The text of a convoy_buf, which is freed. */
function takeBuf(memory, offset) {
  const text = memory.text(offset);
  native.convoy_buf_free(memory.at(offset));
  return text;
}

/** A function of JavaScript that C may call for as long as the process lives. */
function registerCallback(name, use) {
  return koffi.register(use, koffi.pointer(koffi.proto(name, ...callbacks[name])));
}

/** Names and values in turn, from an object of headers, pairs, or a list as Node's rawHeaders. */
function pairsOf(headers) {
  if (!headers) return [];
  if (Array.isArray(headers)) return Array.isArray(headers[0]) ? headers.flat() : headers;
  const pairs = [];
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (Array.isArray(value)) for (const each of value) pairs.push(name, String(each));
    else if (value !== undefined) pairs.push(name, typeof value === 'string' ? value : String(value));
  }
  return pairs;
}

/** Writes an array of convoy_header, and where it is, into the struct at `offset`. */
function writeHeaders(memory, offset, pointerAt, countAt, pairs, encoding) {
  if (pairs.length < 2) return;
  const array = memory.reserve(layouts.convoy_header.size * (pairs.length >> 1));
  for (let i = 0; i < pairs.length; ++i) memory.slice(array + 16 * i, pairs[i], encoding);
  memory.number(offset + pointerAt, memory.start + array);
  memory.number(offset + countAt, pairs.length >> 1);
}

function version() {
  return native.convoy_version_string();
}

module.exports = {
  ConvoyError, Memory, call, callElsewhere, constants, koffi, layouts, native, pairsOf,
  registerCallback, room, takeBuf, takeError, version, withMemory, writeHeaders,
};
