import '@shopify/shopify-api/adapters/node';
import { shopifyApi } from '@shopify/shopify-api';
import { bodyHmac, hmac } from '../kit.mjs';

const api = (secret) =>
  shopifyApi({
    apiKey: 'none',
    apiSecretKey: secret,
    scopes: ['read_orders'],
    hostName: 'hooks.example.com',
    apiVersion: '2025-01',
    isEmbeddedApp: true,
    logger: { log: () => {} },
  });

export default bodyHmac({
  preset: 'shopify',
  package: '@shopify/shopify-api',
  header: 'X-Shopify-Hmac-Sha256',
  bodies: ['json', 'text'],
  sign: ({ secret, body, random }) => ({
    headers: {
      'X-Shopify-Topic': 'orders/create',
      'X-Shopify-API-Version': '2025-01',
      'X-Shopify-Shop-Domain': 'shop.myshopify.com',
      'X-Shopify-Webhook-Id': random.uuid(),
      'X-Shopify-Hmac-Sha256': hmac('sha256', secret, 'base64', body),
    },
  }),
  verify: async ({ secret, text, headers }) =>
    (
      await api(secret).webhooks.validate({
        rawBody: text,
        rawRequest: { headers, method: 'POST', url: '/in' },
        rawResponse: {},
      })
    ).valid,
});
