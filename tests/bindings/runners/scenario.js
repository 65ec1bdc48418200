// Scenario through the Node binding: node scenario.js SCENARIO FOLDER (scenario.py says more)
'use strict';

const assert = require('node:assert');
const { execSync } = require('node:child_process');
const fs = require('node:fs');
const convoy = require('libconvoy');

const FAILED_MS = 30000;

function fill(step, saved) {
  let text = JSON.stringify(step);
  for (const [name, value] of Object.entries(saved)) text = text.replaceAll(`{${name}}`, value);
  return JSON.parse(text);
}

const pick = (value, path) => path.split('.').reduce((part, name) => part[name], value);
const count = (folder) => fs.readdirSync(folder).length;
const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const sorted = (list) => list.map((each) => JSON.stringify(each)).sort();

function eventOf(step) {
  const event = step.event;
  return { projectId: event.project_id, type: event.type, data: event.data,
    idempotencyKey: event.idempotency_key };
}

class Scenario {
  constructor(scenario, folder) {
    this.scenario = scenario;
    this.saved = { folder };
  }

  async play() {
    for (const step of this.scenario.steps) {
      const filled = fill(step, this.saved);
      await this[filled.do](filled);
    }
  }

  presets(step) {
    assert(convoy.presets().some((preset) => preset.name === step.includes));
  }

  verify(step) {
    const verifier = new convoy.Verifier({ preset: step.preset, secrets: step.secrets });
    const verdict = verifier.verify(step.request);
    assert.deepStrictEqual({ is_accepted: verdict.isAccepted, reason: verdict.reason,
      secret_index: verdict.secretIndex, event_id: verdict.eventId,
      refusal_status: verdict.refusalStatus }, step.expect);
  }

  answer(step) {
    const verifier = new convoy.Verifier({ preset: step.preset, secrets: step.secrets });
    const answer = verifier.answer(step.request);
    assert.deepStrictEqual({ status: answer ? answer.reply.status : 0,
      body: answer ? answer.reply.body.toString() : '' }, step.expect);
  }

  open() {
    this.gateway = new convoy.Gateway(fill(this.scenario.settings, this.saved));
    this.gateway.start();
  }

  async call(step) {
    let data;
    try {
      data = await this.gateway.call(step.method, step.target, step.body);
    } catch (error) {
      assert(error instanceof convoy.ApiError, error);
      assert.strictEqual(error.status, step.refused, JSON.stringify(step));
      return;
    }
    assert.strictEqual(step.refused, undefined);
    for (const [name, path] of Object.entries(step.save || {})) this.saved[name] = pick(data, path);
    for (const [name, value] of Object.entries(step.expect || {})) {
      assert.strictEqual(data[name], value, JSON.stringify(step));
    }
  }

  async handle(step) {
    const reply = await this.gateway.handle(step.request);
    assert.strictEqual(reply ? reply.status : 0, step.status, JSON.stringify(step));
    const again = this.gateway.handleSync({ method: 'GET', path: '/elsewhere' });
    assert.strictEqual(again, null);
  }

  async ingest(step) {
    let receipt;
    try {
      receipt = await this.gateway.ingest(eventOf(step));
    } catch (error) {
      assert(error instanceof convoy.ConvoyError && step.refused, error);
      return;
    }
    assert.strictEqual(receipt.isDuplicate, step.is_duplicate);
  }

  async deliver(step) {
    const outcomes = [];
    const bodies = [];
    const take = (outcome) => {
      if (outcome.kind !== convoy.OutcomeKind.DELIVERY) return;
      outcomes.push({ kind: outcome.kind, event_type: outcome.eventType, outcome: outcome.outcome });
    };
    this.gateway.on('outcome', take);
    const handling = this.gateway.local(step.name, async (delivery) => {
      bodies.push(delivery.body.toString());
      const behaviours = step.attempts[delivery.eventType] || ['done'];
      const behaviour = behaviours[delivery.attemptNumber - 1];
      if (behaviour === 'crash') throw new Error('crash');
      if (behaviour === 'retry') throw new convoy.Retry('again');
      if (behaviour === 'refuse') throw new convoy.Refuse('no');
    });
    const end = Date.now() + FAILED_MS;
    while (outcomes.length < step.outcomes.length && Date.now() < end) await sleep(5);
    handling.stop();
    this.gateway.off('outcome', take);
    assert.deepStrictEqual(sorted(outcomes), sorted(step.outcomes));
    assert.deepStrictEqual(sorted(bodies), sorted(step.bodies));
  }

  async calls(step) {
    const begun = step.calls.map((each) => this.gateway.call(each.method, each.target)
      .then(() => 200, (error) => error.status));
    assert.deepStrictEqual(await Promise.all(begun), step.calls.map((each) => each.status));
  }

  async log_lines(step) {
    const gateway = new convoy.Gateway(step.settings);
    const lines = [...gateway.logLines()];
    assert(lines.some((line) => line.event === step.line && line.level === convoy.LogLevel.DEBUG),
      JSON.stringify(lines));
    await gateway.close();
  }

  refuse(step) {
    assert.throws(() => new convoy.Gateway(step.settings),
      (error) => error instanceof convoy.ConvoyError && error.message.includes(step.message));
  }

  run(step) {
    execSync(step.command);
  }

  async in_flight(step) {
    const begun = [];
    for (let i = 0; i < step.count; ++i) {
      begun.push(this.gateway.ingest(eventOf(step)));
      this.gateway.callSync(step.method, step.target);
    }
    const receipts = await Promise.all(begun);
    assert.strictEqual(new Set(receipts.map((receipt) => receipt.eventId)).size, step.count);
  }

  async close() {
    await this.gateway.close();
  }
}

async function cycle(scenario, folder) {
  const other = new Scenario(scenario, folder);
  other.open();
  await other.close();
  await sleep(5); // the loop closes what watched the descriptor
}

async function checkLeftovers(scenario, folder) {
  await cycle(scenario, folder);
  const threads = count('/proc/self/task');
  const descriptors = count('/proc/self/fd');
  for (let i = 0; i < scenario.cycles; ++i) await cycle(scenario, folder);
  const more = count('/proc/self/task') - threads;
  assert(more <= scenario.threads_more_max, `${more} threads left`);
  assert.strictEqual(count('/proc/self/fd'), descriptors, 'descriptors left');
  console.log(`after ${scenario.cycles} gateways: ${more} threads and 0 descriptors more`);
}

function measureVerify(scenario) {
  const step = scenario.steps.find((each) => each.do === 'verify');
  const verifier = new convoy.Verifier({ preset: step.preset, secrets: step.secrets });
  const request = { ...step.request, body: Buffer.from(step.request.body) };
  const begun = process.hrtime.bigint();
  for (let i = 0; i < scenario.verify_count; ++i) verifier.verify(request);
  return Number(process.hrtime.bigint() - begun) / 1e3 / scenario.verify_count;
}

async function measureDelivery(scenario, saved) {
  const each = new Scenario(scenario, saved.folder);
  each.open();
  await Promise.all(Array.from({ length: scenario.deliver_count },
    () => each.gateway.ingest({ projectId: saved.out, type: 'order.good', data: '{}' })));
  const begun = process.hrtime.bigint();
  let left = scenario.deliver_count;
  for await (const delivery of each.gateway.deliveries('orders')) {
    delivery.done();
    if (--left === 0) break;
  }
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  await each.close();
  return scenario.deliver_count / seconds;
}

async function main() {
  const scenario = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
  const played = new Scenario(scenario, process.argv[3]);
  await played.play();
  await checkLeftovers(scenario, process.argv[3]);
  const rate = await measureDelivery(scenario, played.saved);
  console.log(`verify ${measureVerify(scenario).toFixed(1)} µs, local delivery ${rate.toFixed(0)}/s`);
  console.log('scenario passed');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
