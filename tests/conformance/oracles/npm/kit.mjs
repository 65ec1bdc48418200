// Common parts of the providers' descriptions: a seeded source of randomness, bodies, keys and the
// primitives of node:crypto. Imported by every file of oracles/, and by the harness.
import crypto from 'node:crypto';
import { createRequire } from 'node:module';

export const require = createRequire(import.meta.url);

export const hmac = (algorithm, key, encoding, ...parts) => {
  const mac = crypto.createHmac(algorithm, key);
  for (const part of parts) mac.update(part);
  return mac.digest(encoding);
};
export const sha256 = (data, encoding = 'hex') =>
  crypto.createHash('sha256').update(data).digest(encoding);

// mulberry32: small, and the same on every machine.
export function createRandom(seed) {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  };
  const random = {
    below: (count) => next() % count,
    between: (low, high) => low + (next() % (high - low + 1)),
    pick: (list) => list[next() % list.length],
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => next() & 255)),
    hex: (count) => random.bytes(count).toString('hex'),
    base64: (count) => random.bytes(count).toString('base64'),
    text: (count, alphabet = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789') =>
      Array.from({ length: count }, () => alphabet[next() % alphabet.length]).join(''),
    uuid: () => random.hex(16).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
  };
  return random;
}

const kWords = [
  'paid',
  'naïve',
  'Łódź',
  '東京',
  '🙂',
  'a"b',
  'back\\slash',
  'tab\there',
  'é',
  '½',
  '\u2028',
  'line\nbreak',
  '<&>',
  '100%',
  'a+b',
  '',
  ' ',
  'plain',
];

export function randomValue(random, depth = 0) {
  switch (random.below(depth > 2 ? 5 : 7)) {
    case 0:
      return random.between(-100000, 100000);
    case 1:
      return random.pick([true, false, null]);
    case 2:
      return random.between(0, 10 ** 9) / 100;
    case 3:
    case 4:
      return random.pick(kWords) + random.text(random.below(12));
    case 5:
      return Array.from({ length: random.below(4) }, () => randomValue(random, depth + 1));
    default:
      return randomObject(random, depth + 1);
  }
}

export function randomObject(random, depth = 0) {
  const object = {};
  for (let n = random.between(1, 5); n > 0; n--) {
    object[random.pick(kWords) + random.text(3)] = randomValue(random, depth);
  }
  return object;
}

const escapeUnicode = (text) =>
  text.replace(/[\u0080-\uffff]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));

// JSON as different senders write it: compact, indented, ASCII only, with a line end.
export function spell(random, value) {
  const text = random.below(3) === 0 ? JSON.stringify(value, null, 2) : JSON.stringify(value);
  return (random.below(3) === 0 ? escapeUnicode(text) : text) + random.pick(['', '', '\n', '\r\n']);
}

export const bodies = {
  json: (random) =>
    Buffer.from(
      spell(random, { id: 'evt_' + random.hex(8), type: 'a.b', data: randomObject(random) }),
    ),
  compact: (random) =>
    Buffer.from(JSON.stringify({ id: random.hex(8), data: randomObject(random) })),
  bytes: (random) => random.bytes(random.between(1, 600)),
  text: (random) => Buffer.from(random.text(random.between(1, 300))),
  empty: () => Buffer.alloc(0),
};

export function randomParams(random) {
  const params = {};
  for (let n = random.between(1, 6); n > 0; n--) {
    params[random.text(random.between(1, 8))] = random.pick(kWords) + random.text(random.below(9));
  }
  return params;
}

export const formEncode = (params) => {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of [].concat(value)) pairs.append(name, one);
  }
  return Buffer.from(pairs.toString());
};

// Ed25519 from 32 bytes, so that keys follow from the seed like everything else.
export function ed25519(random) {
  const key = crypto.createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), random.bytes(32)]),
    format: 'der',
    type: 'pkcs8',
  });
  const raw = crypto.createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32);
  return { raw, sign: (message) => crypto.sign(null, message, key) };
}

export function p256(random) {
  const curve = crypto.createECDH('prime256v1');
  curve.setPrivateKey(random.bytes(32));
  const point = curve.getPublicKey();
  const part = (bytes) => bytes.toString('base64url');
  const key = crypto.createPrivateKey({
    format: 'jwk',
    key: {
      kty: 'EC',
      crv: 'P-256',
      d: part(curve.getPrivateKey()),
      x: part(point.subarray(1, 33)),
      y: part(point.subarray(33)),
    },
  });
  const publicKey = crypto.createPublicKey(key);
  return {
    spki: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    pem: publicKey.export({ format: 'pem', type: 'spki' }),
    sign: (message, hash = 'sha256') => crypto.sign(hash, message, key),
  };
}

// RSA keys cannot be derived from the seed; which ones are drawn changes no verdict. A few serve all.
const rsaPool = [];
let rsaIndex = 0;
export function rsa() {
  const index = rsaIndex++ % 4;
  while (rsaPool.length <= index) {
    const pair = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    rsaPool.push({
      spki: pair.publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
      pem: pair.publicKey.export({ format: 'pem', type: 'spki' }),
      privateKey: pair.privateKey,
      sign: (message, hash = 'sha256') => crypto.sign(hash, message, pair.privateKey),
    });
  }
  return rsaPool[index];
}

const encodePart = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
export function jwt(header, claims, sign) {
  const input = encodePart(header) + '.' + encodePart(claims);
  return input + '.' + sign(input).toString('base64url');
}
export const jwtHs256 = (claims, key, header = {}) =>
  jwt({ alg: 'HS256', typ: 'JWT', ...header }, claims, (input) =>
    hmac('sha256', key, undefined, input),
  );

// Header names as node's own server hands them over.
export const lowerNames = (headers) =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
export const get = (request, name) => lowerNames(request.headers)[name.toLowerCase()];
export const webHeaders = (request) => new Headers(request.headers);
export const need = (request, name) => {
  const value = get(request, name);
  if (value === undefined) throw new Error('no ' + name);
  return value;
};

// The family of Standard Webhooks: three headers, base64, a list of versions.
export function standardWebhook({ prefix = 'webhook', key, ...rest }) {
  const keyOf = key ?? ((secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'));
  return {
    secret: (random) => 'whsec_' + random.base64(random.between(24, 64)),
    ts: 's',
    window: { past_s: 300, future_s: 300 },
    signature: `${prefix}-signature`,
    sign: ({ secret, id, ts, body }) => ({
      headers: {
        [`${prefix}-id`]: id,
        [`${prefix}-timestamp`]: ts,
        [`${prefix}-signature`]:
          'v1,' + hmac('sha256', keyOf(secret), 'base64', `${id}.${ts}.`, body),
      },
    }),
    ...rest,
  };
}

// The plainest of all: one header, an HMAC of the body.
export function bodyHmac({
  header,
  algorithm = 'sha256',
  encoding = 'hex',
  prefix = '',
  key = (s) => s,
  ...rest
}) {
  return {
    secret: (random) => random.text(random.between(16, 48)),
    signature: header,
    sign: ({ secret, body }) => ({
      headers: {
        [header]: prefix + hmac(algorithm, key(secret), encoding, body),
      },
    }),
    ...rest,
  };
}

// `t=…,v1=…` and its relatives.
export function listHmac({
  header,
  time = 't',
  key = 'v1',
  glue = '.',
  separator = ',',
  encoding = 'hex',
  ...rest
}) {
  return {
    secret: (random) => random.text(random.between(16, 48)),
    ts: 's',
    signature: header,
    sign: ({ secret, ts, body }) => ({
      headers: {
        [header]: `${time}=${ts}${separator}${key}=${hmac('sha256', secret, encoding, ts + glue, body)}`,
      },
    }),
    ...rest,
  };
}
