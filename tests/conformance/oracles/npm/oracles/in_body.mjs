// Signatures over, or within, parts of the body: Adyen, Braintree, Linear; and Twitch, Chargebee.
import adyen from '@adyen/api-library';
import braintree from 'braintree';
import { basicAuthValidator } from 'chargebee';
import { LinearWebhookClient } from '@linear/sdk/webhooks';
import { EventSubHttpListener } from '@twurple/eventsub-http';
import { bodyHmac, formEncode, hmac, need, randomObject, spell } from '../kit.mjs';

const { hmacValidator: HmacValidator } = adyen;
const adyenValidator = new HmacValidator();
const editJson = (good, change) => {
  const message = JSON.parse(good.body);
  change(message);
  return { ...good, body: Buffer.from(JSON.stringify(message)) };
};
const itemOf = (message) => message.notificationItems[0].NotificationRequestItem;

function adyenItem(random) {
  return {
    pspReference: random.text(16),
    ...(random.below(2) ? { originalReference: random.text(8) } : {}),
    merchantAccountCode: random.pick(['Shop', 'Shop:EU', 'Bücher\\DE']),
    merchantReference: 'order ' + random.text(5),
    amount: { value: random.between(0, 1e7), currency: 'EUR' },
    eventCode: 'AUTHORISATION',
    success: random.pick(['true', 'false']),
    eventDate: '2024-01-01T10:00:00+01:00',
    paymentMethod: 'visa',
    additionalData: {},
  };
}

const gateway = ({ publicKey, privateKey }) =>
  new braintree.BraintreeGateway({
    environment: braintree.Environment.Sandbox,
    merchantId: 'merchant',
    publicKey,
    privateKey,
  });
const readForm = (body) => Object.fromEntries(new URLSearchParams(body.toString()));
const editForm = (good, change) => {
  const params = readForm(good.body);
  change(params);
  return { ...good, body: formEncode(params) };
};

export default [
  bodyHmac({
    preset: 'adyen',
    variant: 'header',
    package: '@adyen/api-library',
    signer: 'package',
    header: 'HmacSignature',
    secret: (random) => random.hex(32).toUpperCase(),
    bodies: ['json', 'text'],
    sign: ({ secret, body }) => ({
      headers: { HmacSignature: adyenValidator.calculateHmac(body.toString(), secret) },
    }),
    verify: (request) =>
      adyenValidator.validateHMACSignature(
        request.secret,
        need(request, 'HmacSignature'),
        request.text,
      ),
  }),
  {
    preset: 'adyen',
    variant: 'items',
    package: '@adyen/api-library',
    signer: 'package',
    secret: (random) => random.hex(32).toUpperCase(),
    signature: {
      alter: (good, alter) =>
        editJson(good, (m) => {
          itemOf(m).additionalData.hmacSignature = alter(itemOf(m).additionalData.hmacSignature);
        }),
      remove: (good) =>
        editJson(good, (m) => {
          delete itemOf(m).additionalData.hmacSignature;
        }),
    },
    sign: ({ secret, random }) => {
      const items = Array.from({ length: random.between(1, 3) }, () => adyenItem(random));
      for (const item of items)
        item.additionalData.hmacSignature = adyenValidator.calculateHmac(item, secret);
      return {
        headers: { 'Content-Type': 'application/json' },
        body: Buffer.from(
          spell(random, {
            live: 'false',
            notificationItems: items.map((item) => ({ NotificationRequestItem: item })),
          }),
        ),
      };
    },
    flip: (good, random) =>
      editJson(good, (m) => {
        const item = random.pick(m.notificationItems).NotificationRequestItem;
        if (random.below(2)) item.amount.value += 1;
        else item.merchantReference += 'x';
      }),
    verify: ({ secret, text }) =>
      JSON.parse(text).notificationItems.every(({ NotificationRequestItem: item }) =>
        adyenValidator.validateHMAC(item, secret),
      ),
  },

  {
    preset: 'braintree',
    package: 'braintree',
    signer: 'package',
    secret: (random) => ({ publicKey: random.text(16), privateKey: random.hex(16) }),
    engine: ({ publicKey, privateKey }) => ({
      secrets: [privateKey],
      config: { public_key: publicKey },
    }),
    signature: {
      alter: (good, alter) =>
        editForm(good, (form) => {
          form.bt_signature = alter(form.bt_signature);
        }),
      remove: (good) =>
        editForm(good, (form) => {
          delete form.bt_signature;
        }),
    },
    sign: async ({ secret, random }) => ({
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: formEncode(
        await gateway(secret).webhookTesting.sampleNotification(
          random.pick(
            Object.values(braintree.WebhookNotification.Kind).filter((kind) =>
              /^subscription_|^check$/.test(kind),
            ),
          ),
          random.hex(4),
        ),
      ),
    }),
    flip: (good, random) =>
      editForm(good, (form) => {
        const at = random.below(form.bt_payload.length - 8);
        form.bt_payload =
          form.bt_payload.slice(0, at) +
          (form.bt_payload[at] === 'A' ? 'B' : 'A') +
          form.bt_payload.slice(at + 1);
      }),
    verify: async ({ secret, text }) => {
      const { bt_signature: signature, bt_payload: payload } = readForm(text);
      return Boolean(await gateway(secret).webhookNotification.parse(signature, payload));
    },
  },

  bodyHmac({
    preset: 'linear',
    package: '@linear/sdk',
    header: 'Linear-Signature',
    secret: (random) => 'lin_wh_' + random.text(40),
    window: { past_s: 60, future_s: 60 },
    sign: ({ secret, random, ms }) => {
      const body = Buffer.from(
        spell(random, { action: 'update', data: randomObject(random), webhookTimestamp: ms }),
      );
      return {
        body,
        headers: {
          'Linear-Delivery': random.uuid(),
          'Linear-Timestamp': String(ms),
          'Linear-Signature': hmac('sha256', secret, 'hex', body),
        },
      };
    },
    verify: (request) =>
      new LinearWebhookClient(request.secret).verify(
        request.body,
        need(request, 'Linear-Signature'),
      ),
    more: {
      'time only in the header': ({ headers, ...good }, random) => {
        const body = Buffer.from('{"action":"update"}');
        const secret = random.text(20);
        return {
          ...good,
          secret,
          body,
          headers: {
            'Linear-Timestamp': String(good.ms),
            'Linear-Signature': hmac('sha256', secret, 'hex', body),
          },
        };
      },
    },
  }),

  {
    preset: 'twitch',
    package: '@twurple/eventsub-http',
    by: 'client',
    ts: 'iso',
    signature: 'Twitch-Eventsub-Message-Signature',
    secret: (random) => random.text(random.between(10, 60)),
    bodies: ['json', 'text'],
    window: { past_s: null, future_s: null, ours_s: 600 },
    differs: { past: 'the package has no age check', future: 'the package has no age check' },
    note: 'a client, not the provider',
    sign: ({ secret, id, ts, body }) => ({
      headers: {
        'Twitch-Eventsub-Message-Id': id,
        'Twitch-Eventsub-Message-Timestamp': ts,
        'Twitch-Eventsub-Message-Signature':
          'sha256=' + hmac('sha256', secret, 'hex', id, ts, body),
      },
    }),
    verify: (request) =>
      EventSubHttpListener.prototype._verifyData.call(
        { _secret: request.secret },
        need(request, 'Twitch-Eventsub-Message-Id'),
        need(request, 'Twitch-Eventsub-Message-Timestamp'),
        request.text,
        need(request, 'Twitch-Eventsub-Message-Signature'),
      ),
  },

  {
    preset: 'chargebee',
    package: 'chargebee',
    signature: 'Authorization',
    body_covered: false,
    secret: (random) => `hook:${random.text(12)}:${random.text(4)}`,
    sign: ({ secret }) => ({
      headers: { Authorization: 'Basic ' + Buffer.from(secret).toString('base64') },
    }),
    verify: async ({ secret, headers }) => {
      const at = secret.indexOf(':');
      await basicAuthValidator(
        (user, password) => user === secret.slice(0, at) && password === secret.slice(at + 1),
      )(headers);
      return true;
    },
  },
];
