// Asks the providers' own libraries and our engine about the same requests. What they say must be
// equal, except where an oracle states as data why it is not; such a statement must come true too.
//
//   node run.mjs --judge PATH --work DIR [--python PATH] [--go PATH] [--seed N] [--rounds N]
//                [--only TEXT] [--strict]
import { realNow, setClock } from './harness/clock.mjs';
import { webcrypto } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { makeCases, mustAccept, mustRefuse } from './harness/cases.mjs';
import { buildGo, installNpm, installPython } from './harness/install.mjs';
import { startLines } from './harness/lines.mjs';
import { printTable } from './harness/table.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const { values: options } = parseArgs({
  options: {
    judge: { type: 'string' },
    work: { type: 'string' },
    python: { type: 'string' },
    go: { type: 'string' },
    seed: { type: 'string', default: '20240501' },
    rounds: { type: 'string', default: '20' },
    only: { type: 'string', default: '' },
    strict: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
  },
});
const seed = Number(options.seed);
const startedAt = realNow();
const print = (text) => process.stdout.write(text + '\n');
if (!options.verbose)
  for (const name of ['log', 'warn', 'error', 'info', 'debug']) console[name] = () => {};

// Node.js has it of itself since version 20; the packages count on it.
globalThis.crypto ??= webcrypto;
// Oracles whose package signs with the clock set it themselves.
globalThis.conformance = { setClock };

const pythonFolder = path.join(here, 'oracles/python');
const [npmFolder, python, goOracles] = await Promise.all([
  installNpm(path.join(here, 'oracles/npm'), options.work),
  options.python && installPython(pythonFolder, options.work, options.python),
  options.go && buildGo(path.join(here, 'oracles/go'), options.work, options.go),
]);
const workers = {};
if (python) workers.python = startLines(python, ['-B', path.join(pythonFolder, 'worker.py')]);
if (goOracles) workers.go = startLines(goOracles, []);
const installedAt = realNow();
const judge = startLines(options.judge, []);

function packageLabel(name) {
  const file = path.join(npmFolder, 'node_modules', name, 'package.json');
  return `${name}@${JSON.parse(fs.readFileSync(file, 'utf8')).version}`;
}

async function loadOracles() {
  const folder = path.join(npmFolder, 'oracles');
  const oracles = [];
  for (const file of fs.readdirSync(folder).sort()) {
    const { default: exported } = await import(pathToFileURL(path.join(folder, file)));
    for (const one of [].concat(exported))
      oracles.push({ ...one, package_label: packageLabel(one.package) });
  }
  for (const [name, worker] of Object.entries(workers)) {
    const { default: connect } = await import(
      pathToFileURL(path.join(here, `oracles/${name}/oracles.mjs`))
    );
    oracles.push(...(await connect(worker)));
  }
  for (const one of oracles)
    one.label = [one.preset, one.variant, one.package].filter(Boolean).join('/');
  return oracles.filter((one) => one.label.includes(options.only));
}

async function askPackage(oracle, { request, secret, nowMs }) {
  setClock(nowMs);
  try {
    return (await oracle.verify({ ...request, secret, nowMs, text: request.body.toString() }))
      ? 'accepted'
      : 'refused';
  } catch (error) {
    if (options.verbose) print(`  ${oracle.label}: ${error?.message}`);
    return 'refused';
  } finally {
    setClock(null);
  }
}

function orderFor(oracle, { request, secret, nowMs }) {
  const engine = oracle.engine ? oracle.engine(secret, request) : { secrets: [secret] };
  return {
    ...(oracle.scheme ? { scheme: oracle.scheme } : { preset: oracle.preset }),
    ...(oracle.scheme_name ? { scheme_name: oracle.scheme_name } : {}),
    config: request.config,
    ...engine,
    method: request.method,
    url: request.url,
    headers: Object.entries(request.headers),
    body_base64: request.body.toString('base64'),
    now_ms: nowMs,
  };
}

// How much the engine says is signed has to agree with which bodies are refused.
function integrityComplaint(oracle, { category, request }, answer) {
  if (answer.reason !== 'accepted') return null;
  if (oracle.integrity) {
    return answer.integrity === oracle.integrity ? null : `integrity is not ${oracle.integrity}`;
  }
  if (category === 'unsigned body' || oracle.body_covered === false) {
    return answer.integrity === 'full' && request.body.length > 0
      ? 'the body is not signed, but integrity is full'
      : null;
  }
  return !oracle.flip && answer.integrity !== 'full'
    ? 'the whole body is signed, but integrity is not full'
    : null;
}

// The fault of this pair of verdicts, or null.
function complaint(oracle, category, theirs, ours) {
  // Whether to refuse it or to say that it is not signed is for the engine to choose.
  if (category === 'unsigned body') return null;
  const differs = oracle.differs?.[category];
  if (theirs && mustAccept.has(category) && theirs !== 'accepted' && !differs)
    return 'the package refuses a good request';
  if (theirs && mustRefuse.has(category) && theirs !== 'refused' && !differs)
    return 'the package accepts a spoilt request';
  if (ours === null) return null;
  // Of the clock only: a stamp that is ahead by less than the window is no forgery.
  if (oracle.tolerates?.[category] && theirs === 'refused' && ours === 'accepted') return null;
  if (!theirs) {
    const expected = mustAccept.has(category) ? 'accepted' : 'refused';
    return ours === expected || !(mustAccept.has(category) || mustRefuse.has(category))
      ? null
      : `expected ${expected}`;
  }
  if (differs && theirs === ours) return `no difference, although one is stated: ${differs}`;
  // We may be stricter than a package for a stated reason, never laxer.
  if (differs && theirs === 'accepted') return null;
  return theirs === ours ? null : 'the verdicts differ';
}

// Author of the package that verifies, and the signer: the package, or node:crypto as documented.
const authorship = (oracle) => ({
  oracle: oracle.package_label,
  by: oracle.by ?? 'provider',
  signer: oracle.signer ?? 'node',
});

async function runOracle(oracle) {
  const row = {
    preset: oracle.preset + (oracle.variant ? ` (${oracle.variant})` : ''),
    ...authorship(oracle),
    cases: 0,
    accepted: 0,
    refused: 0,
    known: true,
    failures: [],
    notes: new Set(oracle.note ? [oracle.note] : []),
  };
  for (let round = 0; round < (oracle.rounds ?? Number(options.rounds)); round++) {
    for (const one of await makeCases(oracle, seed, round)) {
      const theirs = oracle.verify ? await askPackage(oracle, one) : null;
      const order = orderFor(oracle, one);
      const answer = await judge.ask(order);
      if (answer.error?.includes('no preset called')) row.known = false;
      const ours = !row.known ? null : answer.reason === 'accepted' ? 'accepted' : 'refused';
      row.cases++;
      row[(ours ?? theirs) === 'accepted' ? 'accepted' : 'refused']++;
      const reason =
        complaint(oracle, one.category, theirs, ours) ??
        (row.known && answer.error ? 'the engine gives no verdict' : null) ??
        integrityComplaint(oracle, one, answer);
      if (reason)
        row.failures.push({ reason, category: one.category, round, theirs, answer, order });
      else if (oracle.differs?.[one.category]) row.notes.add(oracle.differs[one.category]);
    }
  }
  return row;
}

const oracles = await loadOracles();
print(`conformance: seed ${seed}, ${oracles.length} oracles`);
const rows = [];
for (const oracle of oracles) {
  try {
    rows.push(await runOracle(oracle));
  } catch (error) {
    rows.push({
      preset: oracle.preset,
      ...authorship(oracle),
      cases: 0,
      accepted: 0,
      refused: 0,
      known: true,
      notes: new Set(),
      failures: [{ reason: `the oracle failed: ${error?.stack ?? error}` }],
    });
  }
}
judge.stop();
for (const worker of Object.values(workers)) worker.stop();
const isGood = printTable(rows, { print, strict: options.strict });
print(
  `installed in ${((installedAt - startedAt) / 1000).toFixed(1)} s, ` +
    `judged in ${((realNow() - installedAt) / 1000).toFixed(1)} s`,
);
process.exitCode = isGood ? 0 : 1;
