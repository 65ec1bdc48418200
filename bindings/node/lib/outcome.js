// Outcomes: what became of deliveries, and news of endpoints and sources.
'use strict';

const { call, constants, layouts, native, withMemory } = require('./library.js');

const VIEW = layouts.convoy_outcome_view;
const TEXTS = {
  outcome: 'outcome', detail: 'detail', projectId: 'project_id', endpointId: 'endpoint_id',
  sourceId: 'source_id', deliveryId: 'delivery_id', eventId: 'event_id', eventType: 'event_type',
};

const OutcomeKind = Object.freeze({
  DELIVERY: constants.OUTCOME_DELIVERY,
  ENDPOINT_FAILING: constants.OUTCOME_ENDPOINT_FAILING,
  ENDPOINT_RECOVERED: constants.OUTCOME_ENDPOINT_RECOVERED,
  ENDPOINT_DISABLED: constants.OUTCOME_ENDPOINT_DISABLED,
  BREAKER_OPENED: constants.OUTCOME_BREAKER_OPENED,
  BREAKER_CLOSED: constants.OUTCOME_BREAKER_CLOSED,
  SOURCE_REFUSES: constants.OUTCOME_SOURCE_REFUSES,
});

/** The oldest outcome that waits; null: there is none. */
function nextOutcome(gateway) {
  return withMemory(0, (memory) => {
    const out = memory.reserve(8);
    call(memory, 'convoy_gateway_next_outcome', [gateway, memory.at(out), null]);
    const handle = memory.pointer(out);
    if (handle === 0n) return null;
    try {
      const base = memory.reserve(VIEW.size);
      memory.number(base, VIEW.size);
      call(memory, 'convoy_outcome_get', [handle, memory.at(base)]);
      return read(memory, base);
    } finally {
      native.convoy_outcome_free(handle);
    }
  });
}

function read(memory, base) {
  const at = VIEW.offsets;
  const half = (field) => memory.halves[(base + at[field]) >> 2];
  const date = (field) => new Date(Number(memory.pointer(base + at[field]) / 1000n));
  const outcome = {
    kind: half('kind'),
    at: date('at_us'),
    isSuccess: half('is_success') !== 0,
    willRetry: half('will_retry') !== 0,
    retryAt: half('will_retry') !== 0 ? date('retry_at_us') : null,
    attemptNumber: half('attempt_number'),
    count: Number(memory.pointer(base + at.count)),
  };
  for (const [name, field] of Object.entries(TEXTS)) outcome[name] = memory.text(base + at[field]);
  return outcome;
}

function droppedCount(gateway) {
  return withMemory(0, (memory) => {
    const out = memory.reserve(8);
    call(memory, 'convoy_gateway_next_outcome', [gateway, null, memory.at(out)]);
    return Number(memory.pointer(out));
  });
}

module.exports = { OutcomeKind, droppedCount, nextOutcome };
