import { Webhook } from 'svix';
import { standardWebhook } from '../kit.mjs';

const verify = ({ secret, body, headers }) => {
  new Webhook(secret).verify(body.toString(), headers);
  return true;
};
const sign =
  (prefix) =>
  ({ secret, id, ms, ts, body }) => ({
    headers: {
      [`${prefix}-id`]: id,
      [`${prefix}-timestamp`]: ts,
      [`${prefix}-signature`]: new Webhook(secret).sign(id, new Date(ms), body.toString()),
    },
  });
const family = {
  package: 'svix',
  signer: 'package',
  by: 'family',
  note: 'says nothing about what this provider sends',
};

// Senders that are said to run on Svix or Standard Webhooks and have no library of their own.
export default [
  standardWebhook({
    preset: 'svix',
    package: 'svix',
    signer: 'package',
    prefix: 'svix',
    sign: sign('svix'),
    verify,
  }),
  standardWebhook({
    preset: 'svix',
    variant: 'unbranded',
    package: 'svix',
    signer: 'package',
    sign: sign('webhook'),
    verify,
  }),
  ...['stytch', 'vanta'].map((preset) =>
    standardWebhook({ preset, ...family, prefix: 'svix', sign: sign('svix'), verify }),
  ),
  ...['brex', 'render', 'incident_io', 'etsy', 'gitlab_signing_token', 'gemini_static'].map(
    (preset) => standardWebhook({ preset, ...family, sign: sign('webhook'), verify }),
  ),
];
