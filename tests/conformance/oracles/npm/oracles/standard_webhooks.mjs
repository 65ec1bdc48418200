import { Webhook } from 'standardwebhooks';
import { ed25519, standardWebhook } from '../kit.mjs';

const verify = ({ secret, body, headers }) => {
  new Webhook(secret).verify(body.toString(), headers);
  return true;
};

export default [
  standardWebhook({
    preset: 'standard_webhooks',
    package: 'standardwebhooks',
    signer: 'package',
    sign: ({ secret, id, ms, ts, body }) => ({
      headers: {
        'webhook-id': id,
        'webhook-timestamp': ts,
        'webhook-signature': new Webhook(secret).sign(id, new Date(ms), body.toString()),
      },
    }),
    verify,
    more: {
      rotation: (good) => ({
        ...good,
        headers: {
          ...good.headers,
          'webhook-signature':
            'v1,' +
            Buffer.alloc(32).toString('base64') +
            ' v2,AAAA ' +
            good.headers['webhook-signature'],
        },
      }),
      'no id': ({ headers: { 'webhook-id': _, ...headers }, ...good }) => ({ ...good, headers }),
    },
  }),
  // The package has no asymmetric variant; the signer is node's own.
  {
    preset: 'standard_webhooks',
    variant: 'v1a',
    scheme_name: 'v1a',
    package: 'standardwebhooks',
    by: 'nobody',
    note: 'signed by node:crypto, no package judges v1a',
    secret: (random) => ed25519(random),
    engine: (key) => ({ secrets: ['whpk_' + key.raw.toString('base64')] }),
    ts: 's',
    signature: 'webhook-signature',
    bodies: ['json', 'bytes', 'empty'],
    sign: ({ secret, id, ts, body }) => ({
      headers: {
        'webhook-id': id,
        'webhook-timestamp': ts,
        'webhook-signature':
          'v1a,' +
          secret.sign(Buffer.concat([Buffer.from(`${id}.${ts}.`), body])).toString('base64'),
      },
    }),
  },
];
