// Face of the package; index.d.ts describes it.
'use strict';

const { ApiError, Gateway } = require('./lib/gateway.js');
const { ConvoyError, version } = require('./lib/library.js');
const { Delivery, Refuse, Retry } = require('./lib/local.js');
const { LogLevel } = require('./lib/log.js');
const { OutcomeKind } = require('./lib/outcome.js');
const { Verifier, presets } = require('./lib/verifier.js');

module.exports = {
  ApiError, ConvoyError, Delivery, Gateway, LogLevel, OutcomeKind, Refuse, Retry, Verifier, presets,
  version,
};
