import twilio from 'twilio';
import { formEncode, get, randomParams } from '../kit.mjs';

const url = (random) =>
  random.pick([
    'https://hooks.example.com/in',
    'https://hooks.example.com:8443/in/a?x=1&y=a%20b',
    'https://user:pass@hooks.example.com/in?q=%C3%A9',
    'http://hooks.example.com/in',
    'https://hooks.example.com:443/in',
  ]);
const read = (body) => {
  const params = {};
  for (const [name, value] of new URLSearchParams(body.toString())) {
    params[name] = name in params ? [].concat(params[name], value) : value;
  }
  return params;
};
const changeForm = (good, random) => {
  const params = read(good.body);
  const name = random.pick(Object.keys(params));
  return { ...good, body: formEncode({ ...params, [name]: [].concat(params[name])[0] + 'x' }) };
};

const sharedKey = { 'X-Twilio-Webhooks-Signature-Settings': 'key=webhooks_sharedkey_1,algorithm=HMAC_SHA256' };

export default [
  {
    preset: 'twilio',
    variant: 'form',
    package: 'twilio',
    signer: 'package',
    url,
    signature: 'X-Twilio-Signature',
    secret: (random) => random.hex(16),
    sign: ({ secret, url, random }) => {
      const params = randomParams(random);
      if (random.below(3) === 0) params.MediaUrl = ['b', 'a', 'b', random.text(3)];
      return {
        body: formEncode(params),
        headers: {
          'Content-Type': 'application/x-www-form-urlencoded',
          'X-Twilio-Signature': twilio.getExpectedTwilioSignature(secret, url, params),
        },
      };
    },
    flip: changeForm,
    verify: (request) =>
      twilio.validateRequest(
        request.secret,
        get(request, 'X-Twilio-Signature'),
        request.url,
        read(request.body),
      ),
    more: {
      // Signed with an empty form; a body of another type is not covered.
      'unsigned body': (good, random) => {
        const secret = random.hex(16);
        return {
          ...good,
          secret,
          method: random.pick(['GET', 'POST']),
          body: Buffer.from('{"amount":1}'),
          headers: {
            'Content-Type': 'application/json',
            'X-Twilio-Signature': twilio.getExpectedTwilioSignature(secret, good.url, {}),
          },
        };
      },
      'other path': (good) => ({ ...good, url: good.url.replace('/in', '/out') }),
      'default port added': (good) => ({
        ...good,
        url: good.url.replace(
          /^https:\/\/hooks\.example\.com(?=\/)/,
          'https://hooks.example.com:443',
        ),
      }),
    },
  },
  {
    preset: 'twilio',
    variant: 'json',
    package: 'twilio',
    signer: 'package',
    signature: 'X-Twilio-Signature',
    secret: (random) => random.hex(16),
    bodies: ['json', 'text'],
    sign: ({ secret, url, body }) => {
      const full = `${url}?bodySHA256=${twilio.getExpectedBodyHash?.(body.toString()) ?? ''}`;
      return {
        url: full,
        headers: {
          'Content-Type': 'application/json',
          'X-Twilio-Signature': twilio.getExpectedTwilioSignature(secret, full, {}),
        },
      };
    },
    verify: (request) =>
      twilio.validateRequestWithBody(
        request.secret,
        get(request, 'X-Twilio-Signature'),
        request.url,
        request.text,
      ),
  },
  {
    preset: 'twilio',
    variant: 'form, shared key',
    package: 'twilio',
    signer: 'package',
    url,
    signature: 'X-Twilio-Signature',
    secret: (random) => random.hex(32),
    sign: ({ secret, url, random }) => {
      const params = randomParams(random);
      return {
        body: formEncode(params),
        headers: {
          'Content-Type': 'application/x-www-form-urlencoded',
          'X-Twilio-Signature': twilio.getExpectedTwilioSignature(
            secret,
            url,
            params,
            twilio.HMAC_SHA256 ?? 'HMAC_SHA256',
          ),
          ...sharedKey,
        },
      };
    },
    flip: changeForm,
    verify: (request) =>
      twilio.validateRequest(
        request.secret,
        get(request, 'X-Twilio-Signature'),
        request.url,
        read(request.body),
        'HMAC_SHA256',
      ),
  },
];
