/* Plug-ins in plain C, one for each way of going wrong, and a sound one: VERSION, NAME, BROKER and
 * ANSWER say which. They are linked with nothing of libconvoy. */
#include <convoy_parts.h>

static convoy_status open_consumer(void* self, const convoy_broker_source* source,
                                   const convoy_broker_host* host, const convoy_consumer** out,
                                   convoy_failure* failure) {
  (void)self, (void)source, (void)host, (void)failure;
  *out = 0;
  return CONVOY_E_BUSY;
}

static const convoy_broker broker = {sizeof broker, 0, 0, "amqp", open_consumer, 0};
static const convoy_broker incomplete = {sizeof incomplete, 0, 0, "amqp", 0, 0};
static const convoy_plugin plugin = {sizeof plugin, NAME, VERSION, 0, BROKER};

CONVOY_API const convoy_plugin* convoy_plugin_1(void);
const convoy_plugin* convoy_plugin_1(void) {
  (void)&broker, (void)&incomplete, (void)&plugin;
  return ANSWER;
}
