// Senders of Standard Webhooks whose own package judges, or who prescribe `standardwebhooks`.
import { Webhook } from 'standardwebhooks';
import Anthropic from '@anthropic-ai/sdk';
import DodoPayments from 'dodopayments';
import Lithic from 'lithic';
import OpenAI from 'openai';
import { validateWebhook } from 'replicate';
import { Resend } from 'resend';
import { verifyWebhook as verifyClerk } from '@clerk/backend/webhooks';
import { webhooks as polar } from '@polar-sh/sdk/2027-01';
import { need, standardWebhook } from '../kit.mjs';

const anthropic = new Anthropic({ apiKey: 'none' });
const dodo = new DodoPayments({ bearerToken: 'none' });
const lithic = new Lithic({ apiKey: 'none' });
const openai = new OpenAI({ apiKey: 'none', webhookSecret: 'none' });
const resend = new Resend('re_none');
const prescribed = "the library that the provider's documentation uses";
const rawKey = (secret) => Buffer.from(secret);
const encoded = (secret) => new Webhook(Buffer.from(secret).toString('base64'));

// Which events the package knows is no matter of signatures: it looks at them afterwards.
async function verifyPolar({ secret, text, headers }) {
  try {
    await polar.validateEvent(text, headers, secret);
  } catch (error) {
    if (error instanceof polar.PolarWebhookVerificationError) throw error;
  }
  return true;
}

export default [
  standardWebhook({
    preset: 'anthropic',
    package: '@anthropic-ai/sdk',
    verify: ({ secret, text, headers }) =>
      anthropic.beta.webhooks.unwrap(text, { headers, key: secret }),
  }),
  standardWebhook({
    preset: 'dodo_payments',
    package: 'dodopayments',
    verify: ({ secret, text, headers }) => dodo.webhooks.unwrap(text, { headers, key: secret }),
  }),
  standardWebhook({
    preset: 'lithic',
    package: 'lithic',
    verify: ({ secret, text, headers }) => lithic.webhooks.unwrap(text, headers, secret),
  }),
  standardWebhook({
    preset: 'openai',
    package: 'openai',
    verify: async ({ secret, text, headers }) => {
      await openai.webhooks.verifySignature(text, headers, secret);
      return true;
    },
  }),
  standardWebhook({
    preset: 'openai',
    variant: 'text key',
    package: 'openai',
    key: rawKey,
    secret: (random) => random.text(32),
    verify: async ({ secret, text, headers }) => {
      await openai.webhooks.verifySignature(text, headers, secret);
      return true;
    },
  }),
  standardWebhook({
    preset: 'replicate',
    package: 'replicate',
    window: { past_s: null, future_s: null },
    differs: { past: 'the package has no age check', future: 'the package has no age check' },
    verify: ({ secret, text, headers }) => validateWebhook({ headers, body: text }, secret),
  }),
  standardWebhook({
    preset: 'resend',
    package: 'resend',
    prefix: 'svix',
    verify: (request) =>
      resend.webhooks.verify({
        payload: request.text,
        webhookSecret: request.secret,
        headers: {
          id: need(request, 'svix-id'),
          timestamp: need(request, 'svix-timestamp'),
          signature: need(request, 'svix-signature'),
        },
      }),
  }),
  standardWebhook({
    preset: 'clerk',
    package: '@clerk/backend',
    prefix: 'svix',
    verify: async ({ secret, body, headers, url }) =>
      verifyClerk(new Request(url, { method: 'POST', body, headers }), { signingSecret: secret }),
  }),
  standardWebhook({
    preset: 'polar',
    package: '@polar-sh/sdk',
    key: rawKey,
    secret: (random) => 'polar_whs_' + random.text(32),
    verify: verifyPolar,
  }),
  standardWebhook({
    preset: 'polar',
    variant: 'base64 key',
    package: '@polar-sh/sdk',
    verify: verifyPolar,
  }),
  standardWebhook({
    preset: 'bigcommerce',
    package: 'standardwebhooks',
    by: 'family',
    note: prescribed,
    key: rawKey,
    secret: (random) => random.hex(32),
    verify: ({ secret, text, headers }) => {
      encoded(secret).verify(text, headers);
      return true;
    },
  }),
  standardWebhook({
    preset: 'supabase_auth_hooks',
    package: 'standardwebhooks',
    by: 'family',
    note: 'says nothing about what this provider sends',
    secret: (random) => 'v1,whsec_' + random.base64(32),
    key: (secret) => Buffer.from(secret.replace('v1,whsec_', ''), 'base64'),
    verify: ({ secret, text, headers }) => {
      new Webhook(secret.replace('v1,whsec_', '')).verify(text, headers);
      return true;
    },
  }),
];
