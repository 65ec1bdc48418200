// Log lines that wait in the library until the host asks for them.
'use strict';

const { call, constants, takeBuf, withMemory } = require('./library.js');

const LogLevel = Object.freeze({
  DEBUG: constants.LOG_DEBUG,
  INFO: constants.LOG_INFO,
  WARNING: constants.LOG_WARNING,
  ERROR: constants.LOG_ERROR,
});

/** The oldest line that waits; null: there is none. */
function nextLogLine(gateway) {
  return withMemory(0, (memory) => {
    const level = memory.reserve(8);
    const event = memory.reserve(16);
    const message = memory.reserve(16);
    const dropped = memory.reserve(8);
    call(memory, 'convoy_gateway_next_log', [gateway, memory.at(level), memory.at(event),
      memory.at(message), memory.at(dropped)]);
    if (memory.pointer(message) === 0n) return null;
    return {
      level: memory.halves[level >> 2],
      event: takeBuf(memory, event),
      message: takeBuf(memory, message),
      droppedCount: Number(memory.pointer(dropped)),
    };
  });
}

module.exports = { LogLevel, nextLogLine };
