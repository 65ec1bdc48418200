// Use of the Node package that its types must allow, and of which the compiler must see the faults.
import http from 'node:http';
import { Gateway, LogLevel, OutcomeKind, Refuse, Verifier, presets } from 'libconvoy';

async function main(): Promise<void> {
  const gateway = new Gateway({ 'local.names': 'orders', 'gateway.outcomes_max': 10 }).start();
  const receipt = await gateway.ingest({ projectId: 'p', type: 'order.created', data: { n: 1 } });
  const id: string = receipt.eventId;
  gateway.on('outcome', (outcome) => {
    if (outcome.kind === OutcomeKind.DELIVERY) console.log(outcome.detail, id);
  });
  for (const line of gateway.logLines()) {
    if (line.level >= LogLevel.WARNING) console.log(line.message, line.droppedCount);
  }
  gateway.local('orders', async (delivery) => {
    if (delivery.attemptNumber > 3) throw new Refuse('too often');
  }, { concurrency: 4 });
  for await (const delivery of gateway.deliveries('orders')) delivery.done();
  http.createServer(gateway.listener()).listen(0);
  const verdict = new Verifier({ preset: 'github', secrets: ['s'] }).verify({ body: '', headers: {} });
  console.log(verdict.reason, presets()[0]?.title);
  // @ts-expect-error: an event has a type
  await gateway.ingest({ projectId: 'p', data: {} });
  // @ts-expect-error: a handler is a function
  gateway.local('orders', 'handler');
  await gateway.close();
}

main();
