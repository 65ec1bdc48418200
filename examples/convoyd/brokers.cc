// Which adapters are there was decided by CMake (lib/broker/CMakeLists.txt).
#include "examples/convoyd/brokers.h"

namespace convoyd {

std::vector<std::shared_ptr<convoy::Broker>> NewBrokers() {
  std::vector<std::shared_ptr<convoy::Broker>> brokers;
#ifdef CONVOYD_BROKER_KAFKA
  brokers.push_back(convoy::NewKafkaBroker());
#endif
#ifdef CONVOYD_BROKER_AMQP
  brokers.push_back(convoy::NewAmqpBroker());
#endif
#ifdef CONVOYD_BROKER_SQS
  brokers.push_back(convoy::NewSqsBroker());
#endif
#ifdef CONVOYD_BROKER_PUBSUB
  brokers.push_back(convoy::NewGooglePubSubBroker());
#endif
  return brokers;
}

}  // namespace convoyd
