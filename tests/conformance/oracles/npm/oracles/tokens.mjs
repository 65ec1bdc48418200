// Providers that send a JWT.
import { createSecretKey } from 'node:crypto';
import { verify as verifyMessageBird } from 'messagebird/lib/webhook-signature-jwt.js';
import legacyMessageBird from 'messagebird/lib/signature.js';
import { verifySignature as verifyVonage } from '@vonage/jwt';
import atlassian from 'atlassian-jwt';
import { OAuth2Client } from 'google-auth-library';
import { AppStrategy } from '@wix/sdk';
import { createSignatureVerifier } from '@crystallize/js-api-client';
import { get, hmac, jwt, jwtHs256, lowerNames, need, rsa, sha256 } from '../kit.mjs';

const google = new OAuth2Client();
const account = 'push@p.iam.gserviceaccount.com';
const strip = (text, prefix) => {
  if (!text?.startsWith(prefix)) throw new Error('no ' + prefix);
  return text.slice(prefix.length);
};
const otherUrl = (good) => ({ ...good, url: good.url.replace('/in', '/out') });
const rs256 = (claims, key, header = {}) =>
  jwt({ alg: 'RS256', typ: 'JWT', ...header }, claims, (input) => key.sign(Buffer.from(input)));

export default [
  {
    preset: 'messagebird',
    package: 'messagebird',
    signature: 'MessageBird-Signature-JWT',
    secret: (random) => random.text(32),
    bodies: ['json', 'bytes', 'empty'],
    probes: [
      ['inside', 30],
      ['past', 100],
      ['past', 10_000],
      ['future', -30],
      ['future', -10_000],
    ],
    sign: ({ secret, url, body, s, random }) => ({
      headers: {
        'MessageBird-Signature-JWT': jwtHs256(
          {
            iss: 'MessageBird',
            nbf: s,
            exp: s + 60,
            jti: random.uuid(),
            url_hash: sha256(url),
            ...(body.length > 0 ? { payload_hash: sha256(body) } : {}),
          },
          secret,
        ),
      },
    }),
    verify: (request) =>
      verifyMessageBird(
        request.url,
        request.body,
        need(request, 'MessageBird-Signature-JWT'),
        createSecretKey(Buffer.from(request.secret)),
      ),
    more: {
      'other path': otherUrl,
      'no issuer': (good, random) => ({
        ...good,
        headers: {
          'MessageBird-Signature-JWT': jwtHs256(
            {
              nbf: good.ms / 1000,
              exp: good.ms / 1000 + 60,
              jti: '1',
              url_hash: sha256(good.url),
              payload_hash: sha256(good.body),
            },
            random.text(8),
          ),
        },
      }),
    },
  },
  {
    preset: 'messagebird',
    variant: 'legacy',
    scheme_name: 'legacy',
    package: 'messagebird',
    signature: 'MessageBird-Signature',
    secret: (random) => random.text(32),
    ts: 's',
    window: { past_s: 100, future_s: null },
    differs: { future: 'the package accepts any future' },
    url: (random) => `https://hooks.example.com/in?b=${random.text(3)}&a=${random.text(3)}`,
    bodies: ['json', 'text'],
    sign: ({ secret, url, ts, body }) => ({
      headers: {
        'MessageBird-Request-Timestamp': ts,
        'MessageBird-Signature': hmac(
          'sha256',
          secret,
          'base64',
          `${ts}\n${url.split('?')[1].split('&').sort().join('&')}\n`,
          sha256(body, 'buffer'),
        ),
      },
    }),
    verify: (request) =>
      legacyMessageBird.validate(
        {
          headers: lowerNames(request.headers),
          body: request.text,
          query: Object.fromEntries(new URL(request.url).searchParams),
        },
        request.secret,
      ),
  },

  {
    preset: 'vonage',
    package: '@vonage/jwt',
    signature: 'Authorization',
    secret: (random) => random.text(32),
    differs: { body: 'the package leaves payload_hash to its caller' },
    sign: ({ secret, body, s, random }) => ({
      headers: {
        'Content-Type': 'application/json',
        Authorization:
          'Bearer ' +
          jwtHs256(
            {
              iss: 'Vonage',
              iat: s,
              jti: random.uuid(),
              payload_hash: sha256(body),
              api_key: random.hex(4),
            },
            secret,
          ),
      },
    }),
    verify: (request) =>
      verifyVonage(strip(get(request, 'Authorization'), 'Bearer '), request.secret),
  },

  {
    preset: 'jira_connect',
    package: 'atlassian-jwt',
    signature: 'Authorization',
    secret: (random) => random.text(43),
    body_covered: false,
    url: (random) => `https://hooks.example.com/in?b=${random.text(3)}&a=x%20y&a=${random.text(2)}`,
    sign: ({ secret, url, method, s }) => {
      const { pathname, searchParams } = new URL(url);
      const query = Object.fromEntries(
        [...new Set(searchParams.keys())].map((name) => [name, searchParams.getAll(name)]),
      );
      const qsh = atlassian.createQueryStringHash({ method, pathname, query });
      return {
        headers: {
          Authorization:
            'JWT ' +
            atlassian.encodeSymmetric(
              { iss: 'client', iat: s, exp: s + 180, qsh },
              secret,
              'HS256',
            ),
        },
      };
    },
    verify: (request) => {
      const claims = atlassian.decodeSymmetric(
        strip(get(request, 'Authorization'), 'JWT '),
        request.secret,
        'HS256',
      );
      const { pathname, searchParams } = new URL(request.url);
      const query = Object.fromEntries(
        [...new Set(searchParams.keys())].map((name) => [name, searchParams.getAll(name)]),
      );
      return (
        claims.exp > request.nowMs / 1000 &&
        claims.qsh === atlassian.createQueryStringHash({ method: request.method, pathname, query })
      );
    },
    probes: [
      ['inside', 100],
      ['past', 1000],
    ],
    more: { 'other path': otherUrl, 'other method': (good) => ({ ...good, method: 'PUT' }) },
  },

  {
    preset: 'google_pubsub',
    package: 'google-auth-library',
    signature: 'Authorization',
    secret: rsa,
    body_covered: false,
    engine: (key) => ({ secrets: [key.pem] }),
    sign: ({ secret, s }) => ({
      config: { audience: 'https://hooks.example.com', service_account: account },
      headers: {
        Authorization:
          'Bearer ' +
          rs256(
            {
              iss: 'https://accounts.google.com',
              aud: 'https://hooks.example.com',
              sub: '1',
              email: account,
              email_verified: true,
              iat: s,
              exp: s + 3600,
            },
            secret,
            { kid: 'k1' },
          ),
      },
    }),
    verify: async (request) => {
      const ticket = await google.verifySignedJwtWithCertsAsync(
        strip(get(request, 'Authorization'), 'Bearer '),
        { k1: request.secret.pem },
        request.config.audience,
        ['https://accounts.google.com'],
      );
      return (
        ticket.getPayload().email === request.config.service_account &&
        ticket.getPayload().email_verified
      );
    },
    probes: [
      ['inside', 3000],
      ['past', 5000],
      ['past', 100_000],
    ],
    more: {
      'other audience': (good) => ({
        ...good,
        config: { ...good.config, audience: 'https://other.example.com' },
      }),
      'other account': (good) => ({
        ...good,
        config: { ...good.config, service_account: 'x@p.iam.gserviceaccount.com' },
      }),
    },
  },

  {
    preset: 'wix',
    package: '@wix/sdk',
    secret: rsa,
    engine: (key) => ({ secrets: [key.pem] }),
    signature: {
      alter: (good, alter) => ({ ...good, body: Buffer.from(alter(good.body.toString())) }),
      remove: (good) => ({
        ...good,
        body: Buffer.from(good.body.toString().split('.').slice(0, 2).join('.')),
      }),
    },
    sign: ({ secret, s, random }) => ({
      headers: { 'Content-Type': 'text/plain' },
      body: Buffer.from(
        rs256(
          {
            data: JSON.stringify({ eventType: 'x', instanceId: random.uuid() }),
            iat: s,
            exp: s + 3600,
          },
          secret,
        ),
      ),
    }),
    probes: [
      ['inside', 3000],
      ['past', 5000],
    ],
    verify: async ({ secret, text }) =>
      (await AppStrategy({ appId: 'app', publicKey: secret.pem }).decodeJWT(text)).valid,
  },

  // The package writes the body again within what it hashes: only compact JSON is judged alike.
  {
    preset: 'crystallize',
    package: '@crystallize/js-api-client',
    signature: 'X-Crystallize-Signature',
    secret: (random) => random.text(40),
    bodies: ['compact'],
    note: 'compact bodies only: the package re-serialises',
    sign: ({ secret, url, method, body, s }) => ({
      headers: {
        'X-Crystallize-Signature': jwtHs256(
          {
            iat: s,
            exp: s + 300,
            hmac: sha256(JSON.stringify({ url, method, body: JSON.parse(body) })),
          },
          secret,
        ),
      },
    }),
    probes: [
      ['inside', 200],
      ['past', 1000],
    ],
    verify: (request) =>
      createSignatureVerifier({ secret: request.secret })(
        need(request, 'X-Crystallize-Signature'),
        { url: request.url, method: request.method, body: request.text },
      ),
    more: { 'other path': otherUrl },
  },
];
