// Webhooks of GitHub in an Express server, handled in this process: node express.js DATABASE PORT
'use strict';

const express = require('express');
const { Gateway, Retry } = require('libconvoy');

const [database, port] = process.argv.slice(2);
const gateway = new Gateway({
  'storage.path': database,
  'local.names': 'orders',
  'gateway.public_url': `http://127.0.0.1:${port}`,
});

/** The link for GitHub; the first time it is made, with an endpoint in this process. */
async function linkOf() {
  const [known] = await gateway.call('GET', '/api/v1/projects');
  const project = known || (await gateway.call('POST', '/api/v1/projects',
    { name: 'shop', type: 'incoming' })).project;
  const path = `/api/v1/projects/${project.uid}`;
  const sources = (await gateway.call('GET', `${path}/sources`)).content;
  if (sources.length > 0) return sources[0].url;
  const source = await gateway.call('POST', `${path}/sources`, {
    name: 'github', type: 'http',
    verifier: { type: 'preset', preset: { name: 'github', secrets: ['a shared secret'] } },
  });
  const endpoint = await gateway.call('POST', `${path}/endpoints`,
    { name: 'here', url: 'local:orders' });
  await gateway.call('POST', `${path}/subscriptions`,
    { name: 'github', endpoint_id: endpoint.uid, source_id: source.uid });
  return source.url;
}

async function main() {
  gateway.start();
  const link = await linkOf();
  gateway.local('orders', async (delivery) => {
    if (delivery.body.length === 0) throw new Retry('not yet', 60000);
    console.log(`event ${delivery.body}`);
  });

  const app = express();
  app.use(gateway.middleware()); // ahead of parsers of bodies
  app.get('/', (request, response) => response.send('hello'));
  const server = app.listen(Number(port), '127.0.0.1', () => console.log(`link ${link}`));
  process.once('SIGTERM', () => server.close(() => gateway.close()));
}

main();
