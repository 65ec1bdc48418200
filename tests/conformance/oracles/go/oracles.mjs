// The oracles whose judge is a Go package.
import { bodyHmac, hmac, listHmac, randomObject, spell } from '../npm/kit.mjs';

const editJson = (good, change) => {
  const message = JSON.parse(good.body);
  change(message);
  return { ...good, body: Buffer.from(JSON.stringify(message)) };
};

export default async function connect(worker) {
  const versions = await worker.ask({ call: 'versions' });
  const judgedBy = (call, module) => ({
    package: module,
    package_label: `${module}@${versions[module]}`,
    verify: async ({ secret, headers, body }) =>
      (await worker.ask({ call, secret, headers, body_base64: body.toString('base64') })).ok,
  });
  return [
    listHmac({
      preset: 'buildkite',
      ...judgedBy('buildkite', 'github.com/buildkite/go-buildkite/v4'),
      header: 'X-Buildkite-Signature',
      time: 'timestamp',
      key: 'signature',
      bodies: ['json', 'bytes'],
      window: { past_s: null, future_s: null },
      differs: { past: 'the package has no age check', future: 'the package has no age check' },
    }),
    {
      preset: 'buildkite',
      variant: 'token',
      scheme_name: 'token',
      ...judgedBy('buildkite', 'github.com/buildkite/go-buildkite/v4'),
      signature: 'X-Buildkite-Token',
      body_covered: false,
      secret: (random) => random.hex(16),
      sign: ({ secret }) => ({ headers: { 'X-Buildkite-Token': secret } }),
    },
    bodyHmac({
      preset: 'gitea',
      ...judgedBy('gitea', 'code.gitea.io/sdk/gitea'),
      header: 'X-Gitea-Signature',
      bodies: ['json', 'bytes', 'empty'],
    }),
    bodyHmac({
      preset: 'pagerduty',
      ...judgedBy('pagerduty', 'github.com/PagerDuty/go-pagerduty'),
      header: 'X-PagerDuty-Signature',
      prefix: 'v1=',
      bodies: ['json', 'bytes'],
      more: {
        rotation: (good) => ({
          ...good,
          headers: {
            'X-PagerDuty-Signature': `v1=${'ab'.repeat(32)},${good.headers['X-PagerDuty-Signature']}`,
          },
        }),
        'other version': (good) => ({
          ...good,
          headers: {
            'X-PagerDuty-Signature': good.headers['X-PagerDuty-Signature'].replace('v1', 'v2'),
          },
        }),
      },
    }),
    {
      preset: 'mailgun',
      ...judgedBy('mailgun', 'github.com/mailgun/mailgun-go/v4'),
      secret: (random) => random.hex(16),
      note: 'only timestamp and token are signed',
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
  ];
}
