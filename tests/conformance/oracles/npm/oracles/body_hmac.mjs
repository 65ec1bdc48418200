// Providers that sign the body and nothing else, each judged by its own package.
import * as octokit from '@octokit/webhooks-methods';
import Razorpay from 'razorpay';
import { validateSignature as validateLine } from '@line/bot-sdk';
import { verifySignature as verifyGoCardless } from 'gocardless-nodejs/webhooks';
import coinbase from 'coinbase-commerce-node';
import { signWebhookPayload, verifyWebhookSignature as verifyNotion } from '@notionhq/client';
import { WebhookEventVerifier } from '@onfido/api';
import Pusher from 'pusher';
import EasyPost from '@easypost/api';
import solidgate from '@solidgate/node-sdk';
import Cronofy from 'cronofy';
import ModernTreasury from 'modern-treasury';
import { verifyWebhookSignature as verifyHookdeck } from '@hookdeck/sdk/webhooks/index.js';
import { bodies, bodyHmac, hmac, lowerNames, need } from '../kit.mjs';

const cronofy = new Cronofy({ client_id: 'none', client_secret: 'none' });
const easypost = new EasyPost('none');
const treasury = new ModernTreasury({ apiKey: 'none', organizationID: 'none' });

const solidgateSignature = ({ publicKey, secret }, body) =>
  new solidgate.Api(publicKey, secret)._generateSignature(body.toString());

// The package turns whole weights into 1.0: a body that has none is hashed as it came.
const withoutWeights = (random) =>
  Buffer.from(bodies.json(random).toString().replaceAll('weight', 'mass'));

export default [
  bodyHmac({
    preset: 'github',
    package: '@octokit/webhooks-methods',
    signer: 'package',
    header: 'X-Hub-Signature-256',
    bodies: ['json', 'text'],
    sign: async ({ secret, body, random }) => ({
      headers: {
        'X-GitHub-Delivery': random.uuid(),
        'X-Hub-Signature-256': await octokit.sign(secret, body.toString()),
      },
    }),
    verify: (request) =>
      octokit.verify(request.secret, request.text, need(request, 'X-Hub-Signature-256')),
  }),
  bodyHmac({
    preset: 'razorpay',
    package: 'razorpay',
    header: 'X-Razorpay-Signature',
    verify: (request) =>
      Razorpay.validateWebhookSignature(
        request.text,
        need(request, 'X-Razorpay-Signature'),
        request.secret,
      ),
  }),
  bodyHmac({
    preset: 'line',
    package: '@line/bot-sdk',
    header: 'x-line-signature',
    encoding: 'base64',
    bodies: ['json', 'bytes', 'empty'],
    verify: (request) =>
      validateLine(request.body, request.secret, need(request, 'x-line-signature')),
  }),
  bodyHmac({
    preset: 'gocardless',
    package: 'gocardless-nodejs',
    header: 'Webhook-Signature',
    bodies: ['json', 'text'],
    verify: (request) => {
      verifyGoCardless(request.text, request.secret, need(request, 'Webhook-Signature'));
      return true;
    },
  }),
  bodyHmac({
    preset: 'coinbase_commerce',
    package: 'coinbase-commerce-node',
    signer: 'package',
    header: 'X-CC-Webhook-Signature',
    sign: ({ secret, body }) => ({
      headers: {
        'X-CC-Webhook-Signature': coinbase.Webhook.computeSignature(body.toString(), secret),
      },
    }),
    verify: (request) => {
      coinbase.Webhook.verifySigHeader(
        request.text,
        need(request, 'X-CC-Webhook-Signature'),
        request.secret,
      );
      return true;
    },
  }),
  bodyHmac({
    preset: 'notion',
    package: '@notionhq/client',
    signer: 'package',
    header: 'X-Notion-Signature',
    bodies: ['json', 'text'],
    secret: (random) => 'secret_' + random.text(40),
    sign: async ({ secret, body }) => ({
      headers: {
        'X-Notion-Signature': await signWebhookPayload({
          body: body.toString(),
          verificationToken: secret,
        }),
      },
    }),
    verify: (request) =>
      verifyNotion({
        body: request.text,
        signature: need(request, 'X-Notion-Signature'),
        verificationToken: request.secret,
      }),
  }),
  bodyHmac({
    preset: 'onfido',
    package: '@onfido/api',
    header: 'X-SHA2-Signature',
    verify: (request) =>
      new WebhookEventVerifier(request.secret).readPayload(
        request.body,
        need(request, 'X-SHA2-Signature'),
      ),
  }),
  bodyHmac({
    preset: 'pusher',
    package: 'pusher',
    header: 'X-Pusher-Signature',
    bodies: ['json', 'compact'],
    secret: (random) => ({ key: random.hex(10), secret: random.hex(10) }),
    engine: ({ key, secret }) => ({ secrets: [secret], config: { app_key: key } }),
    sign: ({ secret, body }) => ({
      headers: {
        'Content-Type': 'application/json',
        'X-Pusher-Key': secret.key,
        'X-Pusher-Signature': hmac('sha256', secret.secret, 'hex', body),
      },
    }),
    verify: ({ secret, text, headers }) =>
      new Pusher({ appId: '1', ...secret })
        .webhook({ headers: lowerNames(headers), rawBody: text })
        .isValid(),
  }),
  bodyHmac({
    preset: 'solidgate',
    package: '@solidgate/node-sdk',
    signer: 'package',
    header: 'signature',
    bodies: ['json', 'text'],
    secret: (random) => ({ publicKey: 'wh_pk_' + random.hex(16), secret: 'wh_sk_' + random.hex(16) }),
    engine: ({ publicKey, secret }) => ({ secrets: [secret], config: { public_key: publicKey } }),
    sign: ({ secret, body }) => ({ headers: { signature: solidgateSignature(secret, body) } }),
    verify: (request) =>
      solidgateSignature(request.secret, request.body) === need(request, 'signature'),
    note: 'the package signs requests of the API in the same way, and verifies nothing',
  }),
  bodyHmac({
    preset: 'easypost',
    package: '@easypost/api',
    header: 'X-Hmac-Signature',
    prefix: 'hmac-sha256-hex=',
    body: withoutWeights,
    verify: ({ secret, body, headers }) => easypost.Utils.validateWebhook(body, headers, secret),
  }),
  bodyHmac({
    preset: 'cronofy',
    package: 'cronofy',
    header: 'Cronofy-HMAC-SHA256',
    encoding: 'base64',
    bodies: ['json', 'text'],
    verify: (request) =>
      cronofy.hmacValid({
        hmac: need(request, 'Cronofy-HMAC-SHA256'),
        body: request.text,
        client_secret: request.secret,
      }),
    more: {
      rotation: (good) => ({
        ...good,
        headers: {
          'Cronofy-HMAC-SHA256':
            Buffer.alloc(32).toString('base64') + ',' + good.headers['Cronofy-HMAC-SHA256'],
        },
      }),
    },
  }),
  bodyHmac({
    preset: 'modern_treasury',
    package: 'modern-treasury',
    signer: 'package',
    header: 'X-Signature',
    sign: ({ secret, body }) => ({
      headers: { 'X-Signature': treasury.webhooks.getSignature(body.toString(), { key: secret }) },
    }),
    verify: ({ secret, text, headers }) =>
      treasury.webhooks.validateSignature(text, headers, { key: secret }),
  }),
  bodyHmac({
    preset: 'hookdeck',
    package: '@hookdeck/sdk',
    header: 'x-hookdeck-signature',
    encoding: 'base64',
    bodies: ['json', 'text'],
    verify: async ({ secret, text, headers }) =>
      (await verifyHookdeck({ headers, rawBody: text, signingSecret: secret })).isValidSignature,
    more: {
      rotation: (good) => ({
        ...good,
        headers: {
          'x-hookdeck-signature': Buffer.alloc(32).toString('base64'),
          'x-hookdeck-signature-2': good.headers['x-hookdeck-signature'],
        },
      }),
    },
  }),
];
