// From the description of a provider to requests: good ones, and the same ones spoilt in one way each.
import { bodies, createRandom } from '../oracles/npm/kit.mjs';

const kBase = 1_700_000_000_000;

const timeText = {
  s: (ms) => String(Math.floor(ms / 1000)),
  ms: (ms) => String(ms),
  iso: (ms) => new Date(ms).toISOString(),
  'iso-offset': (ms) => new Date(ms - 7 * 3600_000).toISOString().replace(/\.\d+Z$/, '-07:00'),
  http: (ms) => new Date(ms).toUTCString(),
};

export function hashName(text) {
  let hash = 0x811c9dc5;
  for (const c of Buffer.from(text)) hash = Math.imul(hash ^ c, 0x01000193) >>> 0;
  return hash;
}

async function makeRequest(oracle, random, secret) {
  const kind = random.pick(oracle.bodies ?? ['json']);
  const body = oracle.body ? oracle.body(random) : bodies[kind](random);
  // A whole second: neither unit loses anything.
  const ms = kBase + random.below(10_000_000) * 1000;
  const c = {
    random,
    secret,
    body,
    ms,
    s: ms / 1000,
    id: 'msg_' + random.hex(10),
    method: 'POST',
    ts: oracle.ts ? timeText[oracle.ts](ms) : undefined,
    url: oracle.url ? oracle.url(random) : `https://hooks.example.com/in/${random.text(8)}`,
  };
  const signed = await oracle.sign(c);
  return {
    method: 'POST',
    url: c.url,
    body,
    ms,
    ts: c.ts,
    config: {},
    ...signed,
    headers: { ...signed.headers },
  };
}

// One character within the longest run that looks like an encoded signature.
function alterText(text, random) {
  let best = null;
  for (const match of text.matchAll(/[A-Za-z0-9+/_-]{16,}/g)) {
    if (!best || match[0].length >= best[0].length) best = match;
  }
  if (!best) return null;
  const at = best.index + random.below(best[0].length - 4);
  const other = text[at] === 'a' ? 'b' : 'a';
  return text.slice(0, at) + other + text.slice(at + 1);
}

function withHeader(request, name, change) {
  const headers = { ...request.headers };
  const key = Object.keys(headers).find((one) => one.toLowerCase() === name.toLowerCase());
  if (key === undefined) return null;
  const value = change(headers[key]);
  if (value === null) return null;
  if (value === undefined) delete headers[key];
  else headers[key] = value;
  return { ...request, headers };
}

function flipBody(request, random) {
  if (request.body.length === 0) return { ...request, body: Buffer.from('x') };
  const body = Buffer.from(request.body);
  body[random.below(body.length)] ^= 1 << random.below(3);
  return { ...request, body };
}

function moveTime(oracle, request) {
  const moved = timeText[oracle.ts](request.ms + 1000);
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [
      name,
      value.replace(request.ts, moved),
    ]),
  );
  return { ...request, headers };
}

// [category, request, secret, now_ms], one round of one oracle.
export async function makeCases(oracle, seed, round) {
  const random = createRandom((seed ^ hashName(oracle.label)) + Math.imul(round, 7919));
  const secret = await oracle.secret(random);
  const good = await makeRequest(oracle, random, secret);
  const cases = [];
  const add = (category, request, atMs = good.ms, withSecret = secret) => {
    if (request) cases.push({ category, request, secret: withSecret, nowMs: atMs });
  };
  add('valid', good);
  if (oracle.body_covered !== false) {
    add('body', oracle.flip ? oracle.flip(good, random) : flipBody(good, random));
  }
  add('secret', good, good.ms, await oracle.secret(random));
  const signature = oracle.signature;
  if (typeof signature === 'string') {
    add(
      'signature',
      withHeader(good, signature, (value) => alterText(value, random)),
    );
    add(
      'missing',
      withHeader(good, signature, () => undefined),
    );
  } else if (signature) {
    add(
      'signature',
      signature.alter(good, (text) => alterText(text, random)),
    );
    add('missing', signature.remove(good));
  }
  if (oracle.window) {
    // Where the package has no limit, ours is looked at.
    const ours = oracle.window.ours_s ?? 300;
    const past = oracle.window.past_s ?? ours;
    const future = oracle.window.future_s ?? ours;
    const insidePast = past - 2;
    const insideFuture = future - 2;
    add('inside', good, good.ms + random.between(0, insidePast) * 1000);
    add('inside', good, good.ms + insidePast * 1000);
    add('inside_ahead', good, good.ms - random.between(0, insideFuture) * 1000);
    add('past', good, good.ms + (past + random.between(2, 5)) * 1000);
    add('past', good, good.ms + random.between(10_000, 1_000_000) * 1000);
    add('future', good, good.ms - (future + random.between(2, 5)) * 1000);
    add('future', good, good.ms - random.between(10_000, 1_000_000) * 1000);
  }
  for (const [category, offset_s] of oracle.probes ?? [])
    add(category, good, good.ms + offset_s * 1000);
  if (oracle.ts && oracle.moved !== false) add('moved', moveTime(oracle, good));
  for (const [category, make] of Object.entries(oracle.more ?? {})) {
    const request = await make(good, random);
    add(category, request, request?.nowMs ?? good.ms, request?.secret ?? secret);
  }
  return cases;
}

export const mustAccept = new Set(['valid', 'inside']);
export const mustRefuse = new Set(['body', 'secret', 'signature', 'missing', 'moved']);
