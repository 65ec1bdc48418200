// Requests and events in C's memory, and replies out of it.
'use strict';

const { constants, layouts, native, pairsOf, room, withMemory, writeHeaders } = require('./library.js');

const REQUEST = layouts.convoy_request;
const EVENT = layouts.convoy_event;
const SPARE_BYTES = 9 * 1024; // for outputs, and to align

/**
 * Runs use(memory, address of a convoy_request).
 * @param {{method?, path?, query?, headers?, body?, remoteIp?, url?}} request
 */
function withRequest(request, use) {
  const pairs = pairsOf(request.headers);
  const body = request.body;
  let size = REQUEST.size + 16 * pairs.length + SPARE_BYTES + room(request.method) +
    room(request.path) + room(request.query) + room(request.remoteIp) + room(request.url) +
    (typeof body === 'string' ? room(body) : 4096);
  for (const text of pairs) size += 8 + text.length;
  return withMemory(size, (memory) => {
    const at = REQUEST.offsets;
    const base = memory.reserve(REQUEST.size);
    memory.number(base, REQUEST.size);
    memory.slice(base + at.method, request.method || 'POST', 'latin1');
    memory.slice(base + at.path, request.path, 'latin1');
    memory.slice(base + at.query, request.query, 'latin1');
    memory.slice(base + at.body, body, 'utf8');
    memory.slice(base + at.remote_ip, request.remoteIp, 'latin1');
    memory.slice(base + at.url, request.url, 'latin1');
    writeHeaders(memory, base, at.headers, at.headers_count, pairs, 'latin1');
    return use(memory, memory.at(base));
  });
}

/** Runs use(memory, address of a convoy_event); docs/bindings.md names the fields. */
function withEvent(event, use) {
  if (event.endpointId && event.ownerId) {
    throw new TypeError('an event goes to endpointId, to ownerId or, without both, to everyone');
  }
  const data = typeof event.data === 'string' || event.data instanceof Uint8Array
    ? event.data : JSON.stringify(event.data);
  const recipient = event.endpointId || event.ownerId;
  const pairs = pairsOf(event.headers);
  let size = EVENT.size + 16 * pairs.length + SPARE_BYTES + room(event.projectId) +
    room(recipient) + room(event.type) + room(event.idempotencyKey) +
    (typeof data === 'string' ? room(data) : 4096);
  for (const text of pairs) size += 8 + text.length;
  return withMemory(size, (memory) => {
    const at = EVENT.offsets;
    const base = memory.reserve(EVENT.size);
    memory.number(base, EVENT.size);
    memory.halves[(base + at.audience) >> 2] = event.endpointId ? constants.TO_ENDPOINT
      : event.ownerId ? constants.TO_OWNER : constants.TO_EVERYONE;
    memory.slice(base + at.project_id, event.projectId);
    memory.slice(base + at.recipient, recipient);
    memory.slice(base + at.event_type, event.type);
    memory.slice(base + at.data, data);
    memory.slice(base + at.idempotency_key, event.idempotencyKey);
    writeHeaders(memory, base, at.custom_headers, at.custom_headers_count, pairs, 'latin1');
    return use(memory, memory.at(base));
  });
}

/** The contents of a convoy_reply, which is freed. */
function takeReply(handle) {
  return withMemory(0, (memory) => {
    const slot = memory.reserve(layouts.convoy_header.size);
    try {
      const headers = [];
      for (let i = 0; native.convoy_reply_header(handle, i, memory.at(slot)) !== 0; ++i) {
        headers.push([memory.text(slot, 'latin1'), memory.text(slot + 16, 'latin1')]);
      }
      native.convoy_reply_body(handle, memory.at(slot));
      return { status: native.convoy_reply_status(handle), headers, body: memory.copy(slot) };
    } finally {
      native.convoy_reply_free(handle);
    }
  });
}

module.exports = { takeReply, withEvent, withRequest };
