// Providers that sign the URL with the body: Square, HubSpot, Contentful, Mercado Pago, Plivo.
import { WebhooksHelper } from 'square';
import hubspot from '@hubspot/api-client';
import { signRequest, verifyRequest } from '@contentful/node-apps-toolkit';
import { WebhookSignatureValidator } from 'mercadopago';
import plivo from 'plivo';
import { formEncode, get, hmac, need, randomParams } from '../kit.mjs';

const { Signature } = hubspot;
const url = (random) =>
  random.pick([
    'https://hooks.example.com/in',
    'https://hooks.example.com:8443/in/a?x=1&y=2',
    'https://hooks.example.com/in?q=a%20b',
  ]);
const pathOf = (text) => text.replace(/^https?:\/\/[^/]+/, '');
const otherUrl = (good) => ({ ...good, url: good.url.replace('/in', '/out') });
const form = 'application/x-www-form-urlencoded';
const readForm = (body) => Object.fromEntries(new URLSearchParams(body.toString()));
const changeForm = (good, random) => {
  const params = readForm(good.body);
  const name = random.pick(Object.keys(params));
  return { ...good, body: formEncode({ ...params, [name]: params[name] + 'x' }) };
};

// A request whose form is empty, with a body of another type put in.
const withoutForm = (header, sign) => (good, random) => {
  const secret = random.text(40);
  const bare = { ...good, url: 'https://hooks.example.com/in', secret };
  return {
    ...bare,
    body: Buffer.from('{"amount":1}'),
    headers: { ...good.headers, 'Content-Type': 'application/json', [header]: sign(bare, secret) },
  };
};

const hubspotVersion = (version, message) => ({
  preset: 'hubspot',
  variant: version,
  scheme_name: version,
  package: '@hubspot/api-client',
  signer: 'package',
  url,
  signature: 'X-HubSpot-Signature',
  secret: (random) => random.uuid(),
  bodies: ['json', 'text'],
  sign: ({ secret, url, body, method }) => ({
    headers: {
      'X-HubSpot-Signature-Version': version,
      'X-HubSpot-Signature': Signature.getSignature(method, version, {
        clientSecret: secret,
        url,
        requestBody: body.toString(),
      }),
    },
  }),
  verify: (request) =>
    Signature.isValid({
      method: request.method,
      signatureVersion: version,
      url: request.url,
      clientSecret: request.secret,
      requestBody: request.text,
      signature: need(request, 'X-HubSpot-Signature'),
    }),
  more: message,
});

export default [
  {
    preset: 'square',
    package: 'square',
    url,
    signature: 'x-square-hmacsha256-signature',
    bodies: ['json', 'text'],
    secret: (random) => random.text(22),
    sign: ({ secret, url, body }) => ({
      headers: { 'x-square-hmacsha256-signature': hmac('sha256', secret, 'base64', url, body) },
    }),
    verify: (request) =>
      WebhooksHelper.verifySignature({
        requestBody: request.text,
        signatureKey: request.secret,
        signatureHeader: get(request, 'x-square-hmacsha256-signature'),
        notificationUrl: request.url,
      }),
    more: { 'other path': otherUrl },
  },

  {
    preset: 'hubspot',
    variant: 'v3',
    package: '@hubspot/api-client',
    signer: 'package',
    url: (random) => url(random).replace('%20', '-'),
    ts: 'ms',
    signature: 'X-HubSpot-Signature-v3',
    secret: (random) => random.uuid(),
    bodies: ['json', 'text'],
    window: { past_s: 300, future_s: null },
    differs: { future: 'the package accepts any future' },
    sign: ({ secret, url, body, ts, method }) => ({
      headers: {
        'X-HubSpot-Request-Timestamp': ts,
        'X-HubSpot-Signature-v3': Signature.getSignature(method, 'v3', {
          clientSecret: secret,
          url,
          timestamp: ts,
          requestBody: body.toString(),
        }),
      },
    }),
    verify: (request) =>
      Signature.isValid({
        method: request.method,
        signatureVersion: 'v3',
        url: request.url,
        clientSecret: request.secret,
        requestBody: request.text,
        timestamp: Number(need(request, 'X-HubSpot-Request-Timestamp')),
        signature: need(request, 'X-HubSpot-Signature-v3'),
      }),
    more: { 'other path': otherUrl, 'other method': (good) => ({ ...good, method: 'PUT' }) },
  },
  hubspotVersion('v2', { 'other path': otherUrl }),
  hubspotVersion('v1', {}),

  {
    preset: 'contentful',
    package: '@contentful/node-apps-toolkit',
    signer: 'package',
    url,
    ts: 'ms',
    signature: 'x-contentful-signature',
    secret: (random) => random.text(64),
    bodies: ['json', 'text'],
    window: { past_s: 30, future_s: null },
    differs: { future: 'the package accepts any future' },
    sign: ({ secret, url, body, ms, method, random }) => {
      const own = {
        'Content-Type': 'application/json',
        'X-Contentful-Topic': ' Entry.' + random.text(5),
      };
      return {
        headers: {
          ...own,
          ...signRequest(
            secret,
            { method, path: pathOf(url), headers: own, body: body.toString() },
            ms,
          ),
        },
      };
    },
    verify: (request) =>
      verifyRequest(request.secret, {
        method: request.method,
        path: pathOf(request.url),
        headers: request.headers,
        body: request.text,
      }),
    more: {
      'other path': otherUrl,
      'signed header changed': (good) => ({
        ...good,
        headers: { ...good.headers, 'X-Contentful-Topic': 'Entry.other' },
      }),
    },
  },

  {
    preset: 'mercado_pago',
    package: 'mercadopago',
    ts: 's',
    signature: 'x-signature',
    body_covered: false,
    moved: true,
    secret: (random) => random.hex(32),
    window: { past_s: null, future_s: null },
    url: (random) =>
      `https://hooks.example.com/in?data.id=${random.below(3) === 0 ? random.hex(5) : random.between(1, 1e9)}&type=payment`,
    sign: ({ secret, url, ts, random }) => {
      const id = new URL(url).searchParams.get('data.id');
      const request = random.uuid();
      return {
        headers: {
          'x-request-id': request,
          'x-signature': `ts=${ts},v1=${hmac('sha256', secret, 'hex', `id:${id};request-id:${request};ts:${ts};`)}`,
        },
      };
    },
    verify: (request) => {
      WebhookSignatureValidator.validate({
        xSignature: get(request, 'x-signature'),
        xRequestId: get(request, 'x-request-id'),
        dataId: new URL(request.url).searchParams.get('data.id'),
        secret: request.secret,
      });
      return true;
    },
    more: {
      'other id': (good) => ({ ...good, url: good.url.replace('data.id=', 'data.id=7') }),
      'no request id': ({ headers: { 'x-request-id': _, ...headers }, ...good }) => ({
        ...good,
        headers,
      }),
    },
  },

  {
    preset: 'plivo',
    variant: 'v3 post',
    package: 'plivo',
    signature: 'X-Plivo-Signature-V3',
    flip: changeForm,
    url: (random) =>
      random.pick(['https://hooks.example.com/in', 'https://hooks.example.com/in/a?b=2&a=1']),
    secret: (random) => random.text(40),
    sign: ({ secret, url, random }) => {
      const params = Object.fromEntries(
        Object.keys(randomParams(random)).map((name) => [name, random.text(5)]),
      );
      const nonce = random.text(20);
      const [base, query] = url.split('?');
      const sortedQuery = query ? query.split('&').sort().join('&') : '';
      const values = Object.keys(params)
        .sort()
        .map((name) => name + params[name])
        .join('');
      const message = `${base}?${sortedQuery}${sortedQuery ? '.' : ''}${values}.${nonce}`;
      return {
        body: formEncode(params),
        headers: {
          'Content-Type': form,
          'X-Plivo-Signature-V3-Nonce': nonce,
          'X-Plivo-Signature-V3': hmac('sha256', secret, 'base64', message),
        },
      };
    },
    verify: (request) =>
      plivo.validateV3Signature(
        request.method,
        request.url,
        need(request, 'X-Plivo-Signature-V3-Nonce'),
        request.secret,
        need(request, 'X-Plivo-Signature-V3'),
        readForm(request.body),
      ),
    more: {
      'unsigned body': withoutForm('X-Plivo-Signature-V3', (good, secret) => {
        const nonce = good.headers['X-Plivo-Signature-V3-Nonce'];
        return hmac('sha256', secret, 'base64', `${good.url}.${nonce}`);
      }),
      'other path': otherUrl,
      'two signatures': (good) => ({
        ...good,
        headers: {
          ...good.headers,
          'X-Plivo-Signature-V3':
            Buffer.alloc(32).toString('base64') + ',' + good.headers['X-Plivo-Signature-V3'],
        },
      }),
    },
  },
  {
    preset: 'plivo',
    variant: 'v3 get',
    package: 'plivo',
    signature: 'X-Plivo-Signature-V3',
    bodies: ['empty'],
    body_covered: false,
    url: (random) =>
      `https://hooks.example.com/in?To=${random.text(5)}&From=${random.text(5)}&CallUUID=${random.uuid()}`,
    secret: (random) => random.text(40),
    sign: ({ secret, url, random }) => {
      const nonce = random.text(20);
      const [base, query] = url.split('?');
      return {
        method: 'GET',
        headers: {
          'X-Plivo-Signature-V3-Nonce': nonce,
          'X-Plivo-Signature-V3': hmac(
            'sha256',
            secret,
            'base64',
            `${base}?${query.split('&').sort().join('&')}.${nonce}`,
          ),
        },
      };
    },
    verify: (request) =>
      plivo.validateV3Signature(
        request.method,
        request.url,
        need(request, 'X-Plivo-Signature-V3-Nonce'),
        request.secret,
        need(request, 'X-Plivo-Signature-V3'),
      ),
    more: {
      'other path': otherUrl,
      // The package looks at no body of a GET.
      'unsigned body': (good) => ({ ...good, body: Buffer.from('Digits=1') }),
    },
  },
  {
    preset: 'plivo',
    variant: 'v2',
    scheme_name: 'v2',
    package: 'plivo',
    url,
    signature: 'X-Plivo-Signature-V2',
    body_covered: false,
    secret: (random) => random.text(40),
    note: 'V2 covers neither body nor query',
    sign: ({ secret, url, random }) => {
      const nonce = random.text(20);
      return {
        headers: {
          'X-Plivo-Signature-V2-Nonce': nonce,
          'X-Plivo-Signature-V2': hmac('sha256', secret, 'base64', url.split('?')[0], nonce),
        },
      };
    },
    verify: (request) =>
      plivo.validateSignature(
        request.url,
        need(request, 'X-Plivo-Signature-V2-Nonce'),
        need(request, 'X-Plivo-Signature-V2'),
        request.secret,
      ),
    more: { 'other path': otherUrl },
  },
];
