import Stripe from 'stripe';
import { hmac } from '../kit.mjs';

const stripe = new Stripe('sk_test_none');

export default {
  preset: 'stripe',
  package: 'stripe',
  signer: 'package',
  ts: 's',
  signature: 'Stripe-Signature',
  window: { past_s: 300, future_s: null },
  differs: { future: 'the package accepts any future' },
  secret: (random) => 'whsec_' + random.text(32),
  sign: ({ secret, s, body }) => ({
    headers: {
      'Stripe-Signature': stripe.webhooks.generateTestHeaderString({
        payload: body.toString(),
        secret,
        timestamp: s,
      }),
    },
  }),
  verify: ({ secret, body, headers }) =>
    stripe.webhooks.constructEvent(body, headers['Stripe-Signature'], secret),
  more: {
    rotation: (good) => ({
      ...good,
      headers: {
        'Stripe-Signature': good.headers['Stripe-Signature'].replace(
          ',v1=',
          `,v1=${'ab'.repeat(32)},v0=00,v1=`,
        ),
      },
    }),
    'other version': (good) => ({
      ...good,
      headers: { 'Stripe-Signature': good.headers['Stripe-Signature'].replace('v1=', 'v0=') },
    }),
    'part as MAC': (good) => ({
      ...good,
      headers: { 'Stripe-Signature': good.headers['Stripe-Signature'].slice(0, -2) },
    }),
    'whole text signed without time': (good) => ({
      ...good,
      headers: {
        'Stripe-Signature': `t=${good.ts},v1=${hmac('sha256', 'whsec_', 'hex', good.body)}`,
      },
    }),
  },
};
