/* A message broker in plain C as an adapter of a gateway: queues in memory, known by the settings
 * of a source of the type "amqp". On request it has a flaw, which the conformance suite must find.
 */
#ifndef CONSUMER_PARTS_QUEUE_BROKER_H_
#define CONSUMER_PARTS_QUEUE_BROKER_H_

#include <convoy_testing.h>

enum broker_flaw {
  BROKER_SOUND,
  BROKER_FORGETS_ACKNOWLEDGEMENTS, /* what was acknowledged comes again */
  BROKER_REVERSES,                 /* the newest message comes first */
  BROKER_IGNORES_COUNT,            /* a poll hands out whatever there is */
  BROKER_TELLS_PASSWORDS           /* in its messages */
};

/* Sets *out to the bench of a new broker, whose table is valid until its `destroy`. */
void queue_broker_new(enum broker_flaw flaw, convoy_broker_bench* out);

/* How many brokers there are. */
int queue_brokers_count(void);

/* How many messages of all queues of a bench are not acknowledged. */
int queue_broker_left(const convoy_broker_bench* bench);

#endif
