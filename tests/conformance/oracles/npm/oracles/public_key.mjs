// Providers that sign with a private key: Ed25519, ECDSA, RSA.
import { verifyKey } from 'discord-interactions';
import Telnyx from 'telnyx';
import { EventWebhook } from '@sendgrid/eventwebhook';
import MessageValidator from 'sns-validator';
import https from 'node:https';
import { EventEmitter } from 'node:events';
import { ed25519, get, need, p256, require, rsa } from '../kit.mjs';

const ebayClient = require('event-notification-nodejs-sdk/lib/client');
const ebayKeys = new Map();
ebayClient.getPublicKey = async (kid) => ebayKeys.get(kid);
const ebay = require('event-notification-nodejs-sdk/lib/validator');

const telnyx = new Telnyx({ apiKey: 'none' });
const noAge = { past: 'the package has no age check', future: 'the package has no age check' };
const noWindow = { past_s: null, future_s: null };

// The package fetches the certificate; a bare public key serves its crypto as well.
const certificates = new Map();
https.get = (url, answer) => {
  const response = new EventEmitter();
  response.statusCode = certificates.has(url) ? 200 : 404;
  queueMicrotask(() => {
    answer(response);
    response.emit('data', Buffer.from(certificates.get(url) ?? ''));
    response.emit('end');
  });
  return new EventEmitter();
};
const signedKeys = (type) =>
  type === 'SubscriptionConfirmation'
    ? ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
    : ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'];

function snsMessage(random, ms, key) {
  const type = random.pick(['Notification', 'Notification', 'SubscriptionConfirmation']);
  const message = {
    Type: type,
    MessageId: random.uuid(),
    TopicArn: 'arn:aws:sns:eu-west-1:123456789012:topic',
    Message: random.pick(['plain', '{"a":"é🙂"}', 'line\nbreak']) + random.text(6),
    Timestamp: new Date(ms).toISOString(),
  };
  if (type === 'SubscriptionConfirmation') {
    Object.assign(message, {
      Token: random.hex(32),
      SubscribeURL: 'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription',
    });
  } else if (random.below(2) === 0) message.Subject = 'subject ' + random.text(4);
  message.SignatureVersion = random.pick(['1', '2']);
  const text = signedKeys(type)
    .filter((name) => name in message)
    .map((name) => `${name}\n${message[name]}\n`)
    .join('');
  message.Signature = key
    .sign(Buffer.from(text), message.SignatureVersion === '1' ? 'sha1' : 'sha256')
    .toString('base64');
  message.SigningCertURL = `https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-${random.hex(16)}.pem`;
  certificates.set(message.SigningCertURL, key.pem);
  return message;
}
const editJson = (good, change) => {
  const message = JSON.parse(good.body);
  change(message);
  return { ...good, body: Buffer.from(JSON.stringify(message)) };
};

export default [
  {
    preset: 'discord',
    package: 'discord-interactions',
    secret: ed25519,
    ts: 's',
    signature: 'X-Signature-Ed25519',
    bodies: ['json', 'bytes'],
    window: noWindow,
    differs: noAge,
    engine: (key) => ({ secrets: [key.raw.toString('hex')] }),
    sign: ({ secret, ts, body }) => ({
      headers: {
        'X-Signature-Timestamp': ts,
        'X-Signature-Ed25519': secret.sign(Buffer.concat([Buffer.from(ts), body])).toString('hex'),
      },
    }),
    verify: (request) =>
      verifyKey(
        request.body,
        need(request, 'X-Signature-Ed25519'),
        need(request, 'X-Signature-Timestamp'),
        request.secret.raw.toString('hex'),
      ),
  },

  {
    preset: 'telnyx',
    package: 'telnyx',
    secret: ed25519,
    ts: 's',
    signature: 'Telnyx-Signature-Ed25519',
    window: { past_s: 300, future_s: 300 },
    engine: (key) => ({ secrets: [key.raw.toString('base64')] }),
    sign: ({ secret, ts, body }) => ({
      headers: {
        'Telnyx-Timestamp': ts,
        'Telnyx-Signature-Ed25519': secret
          .sign(Buffer.concat([Buffer.from(ts + '|'), body]))
          .toString('base64'),
      },
    }),
    verify: ({ secret, text, headers }) =>
      telnyx.webhooks.unwrap(text, { headers, key: secret.raw.toString('base64') }),
  },

  {
    preset: 'sendgrid',
    package: '@sendgrid/eventwebhook',
    secret: p256,
    ts: 's',
    signature: 'X-Twilio-Email-Event-Webhook-Signature',
    // The package reads bodies as UTF-8 text, and computes in JavaScript: slow.
    bodies: ['json', 'text', 'empty'],
    rounds: 6,
    window: noWindow,
    note: 'no age check on either side',
    engine: (key) => ({ secrets: [key.spki] }),
    sign: ({ secret, ts, body }) => ({
      headers: {
        'X-Twilio-Email-Event-Webhook-Timestamp': ts,
        'X-Twilio-Email-Event-Webhook-Signature': secret
          .sign(Buffer.concat([Buffer.from(ts), body]))
          .toString('base64'),
      },
    }),
    verify: (request) => {
      const webhook = new EventWebhook();
      return webhook.verifySignature(
        webhook.convertPublicKeyToECDSA(request.secret.spki),
        request.body,
        need(request, 'X-Twilio-Email-Event-Webhook-Signature'),
        need(request, 'X-Twilio-Email-Event-Webhook-Timestamp'),
      );
    },
  },

  // The package hashes the message as it writes it again: only compact JSON is judged alike.
  {
    preset: 'ebay',
    package: 'event-notification-nodejs-sdk',
    bodies: ['compact'],
    signature: {
      alter: (good, alter) => {
        const envelope = JSON.parse(Buffer.from(good.headers['x-ebay-signature'], 'base64'));
        envelope.signature = alter(envelope.signature);
        return {
          ...good,
          headers: { 'x-ebay-signature': Buffer.from(JSON.stringify(envelope)).toString('base64') },
        };
      },
      remove: (good) => ({ ...good, headers: {} }),
    },
    note: 'compact bodies only: the package re-serialises',
    secret: (random) => ({ kid: random.uuid(), key: p256(random) }),
    engine: ({ key }) => ({ secrets: [key.pem] }),
    sign: ({ secret, body }) => ({
      headers: {
        'x-ebay-signature': Buffer.from(
          JSON.stringify({
            alg: 'ecdsa',
            kid: secret.kid,
            signature: secret.key.sign(body, 'sha1').toString('base64'),
            digest: 'SHA1',
          }),
        ).toString('base64'),
      },
    }),
    flip: (good) =>
      editJson(good, (message) => {
        message.id += '0';
      }),
    verify: async (request) => {
      const header = get(request, 'x-ebay-signature');
      const { kid } = JSON.parse(Buffer.from(header, 'base64'));
      const { pem } = request.secret.key;
      ebayKeys.set(kid, { key: pem.replaceAll('\n', '') });
      return ebay.validateSignature(JSON.parse(request.text), header, {});
    },
  },

  {
    preset: 'aws_sns',
    package: 'sns-validator',
    secret: rsa,
    note: 'of the certificate, only its key is given to the engine',
    engine: (key) => ({
      secrets: [key.pem],
      config: { topic_arn: 'arn:aws:sns:eu-west-1:123456789012:topic' },
    }),
    signature: {
      alter: (good, alter) =>
        editJson(good, (message) => {
          message.Signature = alter(message.Signature);
        }),
      remove: (good) =>
        editJson(good, (message) => {
          delete message.Signature;
        }),
    },
    sign: ({ secret, random, ms }) => ({
      headers: {
        'Content-Type': 'text/plain; charset=UTF-8',
        'x-amz-sns-message-type': 'Notification',
      },
      body: Buffer.from(JSON.stringify(snsMessage(random, ms, secret))),
    }),
    flip: (good, random) =>
      editJson(good, (message) => {
        message[random.pick(['Message', 'MessageId', 'TopicArn'])] += 'x';
      }),
    verify: ({ text, secret }) => {
      const { SigningCertURL } = JSON.parse(text);
      const before = certificates.get(SigningCertURL);
      // The package keeps certificates for good; the key that counts is the configured one.
      if (before !== secret.pem) return false;
      return new Promise((resolve) =>
        new MessageValidator().validate(text, (error) => resolve(!error)),
      );
    },
  },
];
