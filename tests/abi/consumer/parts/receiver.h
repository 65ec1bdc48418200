/* A receiver of webhooks in plain C, on a thread of its own: it answers 200 and keeps the last
 * body. */
#ifndef CONSUMER_PARTS_RECEIVER_H_
#define CONSUMER_PARTS_RECEIVER_H_

/* The URL it listens at. */
const char* receiver_start(void);
/* How many requests have come; the last one's body. */
int receiver_count(void);
void receiver_last_body(char* out, unsigned size);

#endif
