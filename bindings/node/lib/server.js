// Requests of Node's http servers, and of what stands on them: Express, Fastify, Connect.
'use strict';

const { call, constants, native, withMemory } = require('./library.js');
const { takeReply, withRequest } = require('./request.js');

/** Judges a request by its head: {reply}, {incoming}, or null: not a path of the gateway. */
function begin(gateway, request) {
  const [path, query] = split(request.originalUrl || request.url);
  return withRequest({
    method: request.method, path, query, headers: request.rawHeaders,
    remoteIp: request.socket.remoteAddress,
  }, (memory, address) => {
    const out = memory.reserve(16);
    const status = call(memory, 'convoy_http_begin',
      [gateway._open(), address, memory.at(out), memory.at(out + 8)], constants.DECLINED);
    if (status === constants.DECLINED) return null;
    const reply = memory.pointer(out + 8);
    return reply !== 0n ? { reply: takeReply(reply) } : { incoming: memory.pointer(out) };
  });
}

function split(url) {
  const mark = url.indexOf('?');
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
}

/** A reply means: answer, read no more. */
function feed(incoming, piece) {
  return withMemory(0, (memory) => {
    const out = memory.reserve(8);
    call(memory, 'convoy_http_feed', [incoming, piece, piece.length, memory.at(out)]);
    return memory.pointer(out) !== 0n ? takeReply(memory.pointer(out)) : null;
  });
}

/** Feeds the body; resolves to a reply if it is refused, else to null at its end. */
function read(request, incoming) {
  if (Buffer.isBuffer(request.body)) return Promise.resolve(feed(incoming, request.body));
  if (request.readableEnded) {
    throw new Error('the body was read before: mount the gateway ahead of parsers of bodies');
  }
  return new Promise((resolve, reject) => {
    const settle = (use, value) => {
      request.off('data', take);
      use(value);
    };
    const take = (piece) => {
      try {
        const refusal = feed(incoming, piece);
        if (refusal !== null) settle(resolve, refusal);
      } catch (error) {
        settle(reject, error);
      }
    };
    request.on('data', take);
    request.once('end', () => settle(resolve, null));
    request.once('error', (error) => settle(reject, error));
    request.once('close', () => settle(reject, new Error('the sender went away')));
  });
}

function write(response, reply, isLast) {
  for (const [name, value] of reply.headers) response.appendHeader(name, value);
  if (isLast) response.setHeader('Connection', 'close');
  response.statusCode = reply.status;
  response.end(reply.body);
}

/** Answers a request; false: its path is not the gateway's, and nothing was read. */
async function answer(gateway, request, response) {
  const begun = begin(gateway, request);
  if (begun === null) return false;
  if (begun.reply) {
    write(response, begun.reply, true);
    return true;
  }
  try {
    const refusal = await read(request, begun.incoming);
    const reply = refusal || await gateway._finish(begun.incoming);
    write(response, reply, refusal !== null);
  } finally {
    native.convoy_http_free(begun.incoming);
  }
  return true;
}

module.exports = { answer };
