// Providers that sign a timestamp with the body, each judged by its own package.
import { verifySlackRequest } from '@slack/bolt/dist/receivers/verify-request.js';
import { Paddle } from '@paddle/paddle-node-sdk';
import { WorkOS } from '@workos-inc/node';
import Mux from '@mux/mux-node';
import { ElevenLabsClient } from '@elevenlabs/elevenlabs-js';
import { encodeSignatureHeader, isValidSignature } from '@sanity/webhook';
import { WebhookSignature } from 'fintoc';
import { Cashfree } from 'cashfree-pg';
import { WebflowClient } from 'webflow-api';
import { generateWebhookSignature, verifyWebhookSignature } from '@graphcms/utils';
import { WebhooksManager as Box } from 'box-node-sdk/managers';
import { hmac, listHmac, lowerNames, need } from '../kit.mjs';

const text = (random) => random.text(random.between(16, 48));
const mux = new Mux({ tokenId: 'none', tokenSecret: 'none' });
const elevenlabs = new ElevenLabsClient({ apiKey: 'none' });
const webflow = new WebflowClient({ accessToken: 'none' });
const paddle = new Paddle('none');
const workos = new WorkOS('sk_none', { clientId: 'none' });
const noAge = { past: 'the package has no age check', future: 'the package has no age check' };
const noFuture = { future: 'the package accepts any future' };
const noWindow = { past_s: null, future_s: null };

export default [
  {
    preset: 'slack',
    package: '@slack/bolt',
    secret: (random) => random.hex(16),
    ts: 's',
    signature: 'X-Slack-Signature',
    window: { past_s: 300, future_s: null },
    differs: noFuture,
    bodies: ['json', 'text'],
    sign: ({ secret, ts, body }) => ({
      headers: {
        'X-Slack-Request-Timestamp': ts,
        'X-Slack-Signature': 'v0=' + hmac('sha256', secret, 'hex', `v0:${ts}:`, body),
      },
    }),
    verify: ({ secret, text: body, headers }) => {
      verifySlackRequest({ signingSecret: secret, body, headers: lowerNames(headers) });
      return true;
    },
  },
  listHmac({
    preset: 'paddle',
    package: '@paddle/paddle-node-sdk',
    header: 'Paddle-Signature',
    time: 'ts',
    key: 'h1',
    glue: ':',
    separator: ';',
    secret: (random) => 'pdl_ntfset_' + text(random),
    window: { past_s: 5, future_s: null },
    differs: noFuture,
    verify: (request) =>
      paddle.webhooks.isSignatureValid(
        request.text,
        request.secret,
        need(request, 'Paddle-Signature'),
      ),
  }),
  {
    preset: 'workos',
    package: '@workos-inc/node',
    signer: 'package',
    secret: text,
    ts: 'ms',
    signature: 'WorkOS-Signature',
    bodies: ['compact'],
    window: { past_s: 180, future_s: null },
    differs: noFuture,
    sign: async ({ secret, ts, body }) => ({
      headers: {
        'WorkOS-Signature': `t=${ts}, v1=${await workos.webhooks.computeSignature(ts, JSON.parse(body), secret)}`,
      },
    }),
    verify: (request) =>
      workos.webhooks.verifyHeader({
        payload: JSON.parse(request.text),
        sigHeader: need(request, 'WorkOS-Signature'),
        secret: request.secret,
      }),
  },
  listHmac({
    preset: 'mux',
    package: '@mux/mux-node',
    header: 'Mux-Signature',
    window: { past_s: 300, future_s: null },
    differs: noFuture,
    bodies: ['json', 'text'],
    verify: async (request) => {
      await mux.webhooks.verifySignature(request.text, request.headers, request.secret);
      return true;
    },
  }),
  listHmac({
    preset: 'elevenlabs',
    package: '@elevenlabs/elevenlabs-js',
    header: 'ElevenLabs-Signature',
    key: 'v0',
    secret: (random) => 'wsec_' + random.hex(32),
    window: { past_s: 1800, future_s: null, ours_s: 1800 },
    differs: noFuture,
    verify: (request) =>
      elevenlabs.webhooks.constructEvent(
        request.text,
        need(request, 'ElevenLabs-Signature'),
        request.secret,
      ),
  }),
  {
    preset: 'sanity',
    package: '@sanity/webhook',
    signer: 'package',
    secret: text,
    ts: 'ms',
    signature: 'sanity-webhook-signature',
    bodies: ['json', 'text'],
    window: noWindow,
    note: 'no age check on either side',
    sign: async ({ secret, ms, body }) => ({
      headers: {
        'sanity-webhook-signature': await encodeSignatureHeader(body.toString(), ms, secret),
      },
    }),
    verify: (request) =>
      isValidSignature(request.text, need(request, 'sanity-webhook-signature'), request.secret),
  },
  listHmac({
    preset: 'fintoc',
    package: 'fintoc',
    header: 'Fintoc-Signature',
    window: { past_s: 300, future_s: 300 },
    bodies: ['json', 'text'],
    verify: (request) => {
      WebhookSignature.verifyHeader(
        request.body,
        need(request, 'Fintoc-Signature'),
        request.secret,
      );
      return true;
    },
  }),
  {
    preset: 'cashfree',
    package: 'cashfree-pg',
    secret: text,
    ts: 'ms',
    signature: 'x-webhook-signature',
    window: noWindow,
    differs: noAge,
    sign: ({ secret, ts, body }) => ({
      headers: {
        'x-webhook-timestamp': ts,
        'x-webhook-signature': hmac('sha256', secret, 'base64', ts, body),
      },
    }),
    verify: (request) =>
      new Cashfree('SANDBOX', 'none', request.secret).PGVerifyWebhookSignature(
        need(request, 'x-webhook-signature'),
        request.text,
        need(request, 'x-webhook-timestamp'),
      ),
  },
  {
    preset: 'webflow',
    package: 'webflow-api',
    secret: text,
    ts: 'ms',
    signature: 'x-webflow-signature',
    window: noWindow,
    differs: noAge,
    bodies: ['json', 'text'],
    sign: ({ secret, ts, body }) => ({
      headers: {
        'x-webflow-timestamp': ts,
        'x-webflow-signature': hmac('sha256', secret, 'hex', `${ts}:`, body),
      },
    }),
    verify: ({ secret, text: body, headers }) =>
      webflow.webhooks.verifySignature({ headers, body, secret }),
  },
  {
    preset: 'hygraph',
    package: '@graphcms/utils',
    signer: 'package',
    secret: text,
    ts: 'ms',
    signature: 'gcms-signature',
    window: noWindow,
    differs: noAge,
    bodies: ['json', 'text'],
    // The package takes the time from the clock: it is the one that signs, and so it is set.
    sign: async ({ secret, body, ms }) => {
      const { setClock } = globalThis.conformance;
      setClock(ms);
      try {
        return {
          headers: {
            'gcms-signature': generateWebhookSignature({ rawPayload: body.toString(), secret }),
          },
        };
      } finally {
        setClock(null);
      }
    },
    verify: (request) =>
      verifyWebhookSignature({
        rawPayload: request.text,
        signature: need(request, 'gcms-signature'),
        secret: request.secret,
      }),
  },
  {
    preset: 'box',
    package: 'box-node-sdk',
    ts: 'iso-offset',
    signature: 'BOX-SIGNATURE-PRIMARY',
    bodies: ['json', 'text'],
    window: { past_s: 600, future_s: null, ours_s: 600 },
    tolerates: { inside_ahead: true },
    note: 'the package accepts no stamp that is ahead, which asks for equal clocks',
    secret: (random) => ({ primary: text(random), secondary: text(random) }),
    engine: ({ primary, secondary }) => ({ secrets: [primary, secondary] }),
    sign: ({ secret, ts, body }) => ({
      headers: {
        'BOX-DELIVERY-ID': 'd',
        'BOX-DELIVERY-TIMESTAMP': ts,
        'BOX-SIGNATURE-VERSION': '1',
        'BOX-SIGNATURE-ALGORITHM': 'HmacSHA256',
        'BOX-SIGNATURE-PRIMARY': hmac('sha256', secret.primary, 'base64', body, ts),
      },
    }),
    verify: ({ secret, text: body, headers }) =>
      Box.validateMessage(body, lowerNames(headers), secret.primary, {
        secondaryKey: secret.secondary,
      }),
    more: {
      'secondary only': ({ headers, ...good }, random) => {
        const secret = { primary: text(random), secondary: text(random) };
        return {
          ...good,
          secret,
          headers: {
            ...headers,
            'BOX-SIGNATURE-PRIMARY': hmac('sha256', 'other', 'base64', good.body, good.ts),
            'BOX-SIGNATURE-SECONDARY': hmac(
              'sha256',
              secret.secondary,
              'base64',
              good.body,
              good.ts,
            ),
          },
        };
      },
      'escaped body': ({ headers, ...good }, random) => {
        const secret = { primary: text(random), secondary: text(random) };
        const escaped = good.body
          .toString()
          .replace(/[\u007f-\uffff]/g, (c) => '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'))
          .replace(/(?<!\\)\//g, '\\/');
        const signature = hmac('sha256', secret.primary, 'base64', escaped, good.ts);
        return { ...good, secret, headers: { ...headers, 'BOX-SIGNATURE-PRIMARY': signature } };
      },
      'other algorithm': (good) => ({
        ...good,
        headers: { ...good.headers, 'BOX-SIGNATURE-ALGORITHM': 'HmacMD5' },
      }),
      'other version': (good) => ({
        ...good,
        headers: { ...good.headers, 'BOX-SIGNATURE-VERSION': '2' },
      }),
    },
  },
];
