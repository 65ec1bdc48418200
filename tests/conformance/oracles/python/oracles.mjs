// The oracles whose judge is a Python package.
import crypto from 'node:crypto';
import {
  bodyHmac,
  formEncode,
  hmac,
  listHmac,
  randomObject,
  randomParams,
  rsa,
  spell,
} from '../npm/kit.mjs';

const client = { by: 'client' };
const editJson = (good, change) => {
  const message = JSON.parse(good.body);
  change(message);
  return { ...good, body: Buffer.from(JSON.stringify(message)) };
};
const editForm = (good, change) => {
  const params = Object.fromEntries(new URLSearchParams(good.body.toString()));
  change(params);
  return { ...good, body: formEncode(params) };
};
const crc32Table = Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? (n >>> 1) ^ 0xedb88320 : n >>> 1;
  return n >>> 0;
});
const crc32 = (data) => {
  let value = 0xffffffff;
  for (const byte of data) value = crc32Table[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
};

export default async function connect(worker) {
  const packages = [
    'stripe',
    'slack_sdk',
    'twilio',
    'pyairtable',
    'sinch',
    'paypalrestsdk',
    'django-anymail',
  ];
  const versions = await worker.ask({ call: 'versions', packages });
  const judgedBy = (call, name, secretOf = (secret) => secret) => ({
    package: `py:${name}`,
    package_label: `py:${name}@${versions[name]}`,
    verify: async ({ secret, headers, body, url, config, nowMs }) =>
      (
        await worker.ask({
          call,
          secret: secretOf(secret),
          headers,
          url,
          config,
          now_ms: nowMs,
          body_base64: body.toString('base64'),
        })
      ).ok,
  });
  const anymail = (preset, secretOf) => ({
    preset,
    ...client,
    ...judgedBy(preset, 'django-anymail', secretOf),
  });
  const noFuture = { future: 'the package accepts any future' };

  const basic = (preset) => ({
    ...anymail(preset),
    body_covered: false,
    signature: 'Authorization',
    secret: (random) => `user${random.text(6)}:${random.text(12)}`,
    scheme_name: 'basic',
    sign: ({ secret }) => ({
      headers: {
        'Content-Type': 'application/json',
        Authorization: 'Basic ' + Buffer.from(secret).toString('base64'),
      },
    }),
  });

  return [
    listHmac({
      preset: 'stripe',
      ...judgedBy('stripe', 'stripe'),
      header: 'Stripe-Signature',
      window: { past_s: 300, future_s: null },
      differs: noFuture,
    }),
    {
      preset: 'slack',
      ...judgedBy('slack', 'slack_sdk'),
      secret: (random) => random.hex(16),
      ts: 's',
      signature: 'X-Slack-Signature',
      window: { past_s: 300, future_s: 300 },
      sign: ({ secret, ts, body }) => ({
        headers: {
          'X-Slack-Request-Timestamp': ts,
          'X-Slack-Signature': 'v0=' + hmac('sha256', secret, 'hex', `v0:${ts}:`, body),
        },
      }),
    },
    {
      preset: 'twilio',
      variant: 'form',
      ...judgedBy('twilio', 'twilio'),
      signature: 'X-Twilio-Signature',
      secret: (random) => random.hex(16),
      url: (random) => `https://hooks.example.com/in?x=${random.text(4)}`,
      sign: ({ secret, url, random }) => {
        const params = randomParams(random);
        const text = Object.keys(params)
          .sort()
          .map((name) => name + params[name])
          .join('');
        return {
          body: formEncode(params),
          headers: {
            'Content-Type': 'application/x-www-form-urlencoded',
            'X-Twilio-Signature': hmac('sha1', secret, 'base64', url, text),
          },
        };
      },
      flip: (good, random) =>
        editForm(good, (form) => {
          form[random.pick(Object.keys(form))] += 'x';
        }),
    },
    bodyHmac({
      preset: 'airtable',
      ...client,
      ...judgedBy('airtable', 'pyairtable'),
      header: 'X-Airtable-Content-MAC',
      prefix: 'hmac-sha256=',
      secret: (random) => random.base64(32),
      key: (secret) => Buffer.from(secret, 'base64'),
      body: (random) =>
        Buffer.from(
          JSON.stringify({
            base: { id: 'app' + random.text(14) },
            webhook: { id: 'ach' + random.text(14) },
            timestamp: '2024-01-01T00:00:00.000Z',
          }),
        ),
    }),
    {
      preset: 'sinch',
      ...judgedBy('sinch', 'sinch'),
      secret: (random) => random.text(32),
      ts: 's',
      signature: 'x-sinch-webhook-signature',
      window: { past_s: null, future_s: null },
      differs: { past: 'the package has no age check', future: 'the package has no age check' },
      sign: ({ secret, ts, body, random }) => {
        const nonce = random.text(26);
        return {
          headers: {
            'x-sinch-webhook-signature-timestamp': ts,
            'x-sinch-webhook-signature-nonce': nonce,
            'x-sinch-webhook-signature-algorithm': 'HmacSHA256',
            'x-sinch-webhook-signature': hmac('sha256', secret, 'base64', body, `.${nonce}.${ts}`),
          },
        };
      },
    },
    {
      preset: 'paypal',
      // A CRC-32 of the body is signed: no protection against a sender who can choose the body.
      integrity: 'partial',
      ...judgedBy('paypal', 'paypalrestsdk', (key) => key.pem),
      secret: rsa,
      engine: (key) => ({ secrets: [key.pem] }),
      ts: 'iso',
      signature: 'PAYPAL-TRANSMISSION-SIG',
      window: { past_s: null, future_s: null },
      note: 'of the certificate, only its key is given to the engine',
      differs: { past: 'the package has no age check', future: 'the package has no age check' },
      sign: ({ secret, ts, body, random }) => {
        const id = random.uuid();
        const webhook = random.text(17);
        return {
          config: { webhook_id: webhook },
          headers: {
            'PAYPAL-TRANSMISSION-ID': id,
            'PAYPAL-TRANSMISSION-TIME': ts,
            'PAYPAL-AUTH-ALGO': 'SHA256withRSA',
            'PAYPAL-CERT-URL': 'https://api.paypal.com/v1/notifications/certs/CERT-1',
            'PAYPAL-TRANSMISSION-SIG': secret
              .sign(Buffer.from(`${id}|${ts}|${webhook}|${crc32(body)}`))
              .toString('base64'),
          },
        };
      },
      more: { 'other webhook': (good) => ({ ...good, config: { webhook_id: 'other' } }) },
    },

    bodyHmac({ ...anymail('mailersend'), header: 'Signature', bodies: ['json', 'bytes'] }),
    {
      ...anymail('mailgun'),
      secret: (random) => random.hex(16),
      signature: {
        alter: (good, alter) =>
          editJson(good, (m) => {
            m.signature.signature = alter(m.signature.signature);
          }),
        remove: (good) =>
          editJson(good, (m) => {
            delete m.signature.signature;
          }),
      },
      sign: ({ secret, s, random }) => {
        const token = random.hex(25);
        return {
          headers: { 'Content-Type': 'application/json' },
          body: Buffer.from(
            spell(random, {
              'event-data': randomObject(random),
              signature: {
                timestamp: String(s),
                token,
                signature: hmac('sha256', secret, 'hex', `${s}${token}`),
              },
            }),
          ),
        };
      },
      flip: (good) =>
        editJson(good, (m) => {
          m.signature.token += '0';
        }),
    },
    {
      ...anymail('mandrill'),
      secret: (random) => random.text(22),
      signature: 'X-Mandrill-Signature',
      url: (random) =>
        random.pick(['https://hooks.example.com/in', 'https://user:pass@hooks.example.com/in?x=1']),
      sign: ({ secret, url, random }) => {
        const params = {
          mandrill_events: JSON.stringify([randomObject(random)]),
          ...(random.below(2) ? { b: '2', a: 'é' } : {}),
        };
        const text = Object.keys(params)
          .sort()
          .map((name) => name + params[name])
          .join('');
        return {
          body: formEncode(params),
          headers: {
            'Content-Type': 'application/x-www-form-urlencoded',
            'X-Mandrill-Signature': hmac('sha1', secret, 'base64', url, text),
          },
        };
      },
      flip: (good) =>
        editForm(good, (form) => {
          form.mandrill_events += ' ';
        }),
      more: {
        'unsigned body': (good, random) => {
          const secret = random.text(22);
          return {
            ...good,
            secret,
            body: Buffer.from('{"amount":1}'),
            headers: {
              'Content-Type': 'application/json',
              'X-Mandrill-Signature': hmac('sha1', secret, 'base64', good.url),
            },
          };
        },
        'other path': (good) => ({ ...good, url: good.url.replace('/in', '/out') }),
      },
    },
    {
      ...anymail('postal', (key) => key.spki),
      secret: rsa,
      engine: (key) => ({ secrets: [key.spki] }),
      signature: 'X-Postal-Signature',
      bodies: ['json', 'bytes'],
      sign: ({ secret, body }) => ({
        headers: { 'X-Postal-Signature': secret.sign(body, 'sha1').toString('base64') },
      }),
    },
    {
      ...anymail('unisender_go'),
      secret: (random) => random.text(30),
      signature: {
        alter: (good, alter) =>
          editJson(good, (m) => {
            m.auth = alter(m.auth);
          }),
        remove: (good) =>
          editJson(good, (m) => {
            delete m.auth;
          }),
      },
      sign: ({ secret, random }) => {
        const text = spell(random, {
          auth: 'AUTH',
          events_by_user: [{ user_id: random.below(1000), events: [randomObject(random)] }],
        });
        const md5 = crypto.createHash('md5').update(text.replace('AUTH', secret)).digest('hex');
        return {
          headers: { 'Content-Type': 'application/json' },
          body: Buffer.from(text.replace('AUTH', md5)),
        };
      },
      flip: (good) =>
        editJson(good, (m) => {
          m.events_by_user[0].user_id += 1;
        }),
    },
    ...['brevo', 'mailjet', 'postmark', 'sparkpost'].map(basic),
  ];
}
