// Sources that read from message brokers: the object pub_sub, its secrets, and what is asked of the
// broker before anything is stored.
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <catch2/catch.hpp>

#include "convoy/config_read.h"
#include "lib/base/encoding.h"
#include "lib/model/names.h"
#include "tests/unit/http/harness.h"

namespace convoy::http {
namespace {

using testing::ProjectHarness;

std::string Body(const std::string& pub_sub, const std::string& extra = "") {
  return absl::StrCat(R"({"name":"s","type":"pub_sub","pub_sub":)", pub_sub, extra, "}");
}

constexpr const char* kAmqp =
    R"({"type":"amqp","workers":3,"amqp":{"schema":"amqp","host":"mq.example.com","port":"5673",
        "auth":{"user":"u","password":"amqp secret"},"queue":"orders","vhost":"v",
        "bindExchange":{"exchange":"x","routingKey":"r"},"deadLetterExchange":"d"}})";
constexpr const char* kKafka =
    R"({"type":"kafka","workers":1,"kafka":{"brokers":["a:9092","b:9092"],"topic_name":"t",
        "consumer_group_id":"g","auth":{"type":"scram","hash":"SHA512","username":"u",
        "password":"kafka secret","tls":true}}})";
constexpr const char* kSqs =
    R"({"type":"sqs","workers":1,"sqs":{"queue_name":"q","default_region":"eu-west-1",
        "access_key_id":"AKIA","secret_key":"sqs secret","endpoint":"http://sqs.example.com"}})";

std::string Google(const std::string& file = R"({"private_key":"google secret"})") {
  return absl::StrCat(R"({"type":"google","workers":1,"google":{"project_id":"p",)",
                      R"("subscription_id":"s","service_account":")", base::Base64Encode(file),
                      "\"}}");
}

// The source that was made last, as it is stored.
Source Stored(ProjectHarness& api, const std::string& answer) {
  return GetConfig<Source>(*api.storage, api.project, ProjectHarness::Field(answer, "data.uid"))
      .value();
}

TEST_CASE("pub_sub: AMQP goes in, and comes out in the shape that clients read") {
  ProjectHarness api;
  const std::string made = api.Do(201, "POST", "/sources", Body(kAmqp));
  const Source source = Stored(api, made);
  CHECK(source.broker == BrokerConfig(AmqpConfig{.schema = "amqp",
                                                 .host = "mq.example.com",
                                                 .port = 5673,
                                                 .vhost = "v",
                                                 .username = "u",
                                                 .password = "amqp secret",
                                                 .queue = "orders",
                                                 .exchange = "x",
                                                 .routing_key = "r",
                                                 .dead_letter_exchange = "d"}));
  CHECK(source.workers_count == 3);
  CHECK(
      ProjectHarness::Field(made, "data.pub_sub") ==
      R"({"type":"amqp","workers":3,"message_format":"envelope","sqs":null,"google":null,"kafka":null,"amqp":{)"
      R"("schema":"amqp","host":"mq.example.com","port":"5673","queue":"orders","vhost":"v",)"
      R"("routingKey":"r","bindedExchange":"x","deadLetterExchange":"d",)"
      R"("auth":{"user":"u","password":"[REDACTED]"}}})");
  const std::string path = "/sources/" + source.id;
  CHECK(api.Do(200, "GET", path).find("amqp secret") == std::string::npos);
  CHECK(api.Do(200, "GET", "/sources").find("amqp secret") == std::string::npos);
}

TEST_CASE("pub_sub: what AMQP may leave out has defaults") {
  ProjectHarness api;
  const std::string made = api.Do(
      201, "POST", "/sources",
      Body(R"({"type":"amqp","amqp":{"schema":"amqps","host":"h","queue":"q"},"kafka":null})"));
  CHECK(Stored(api, made).broker ==
        BrokerConfig(AmqpConfig{.schema = "amqps", .host = "h", .port = 5671, .queue = "q"}));
  CHECK(Stored(api, made).workers_count == 1);
  CHECK(ProjectHarness::Field(made, "data.pub_sub.amqp.auth") == "null");
  CHECK(ProjectHarness::Field(made, "data.pub_sub.amqp.bindedExchange") == "null");
}

TEST_CASE("pub_sub: Kafka, SQS and Google go in and come out without their secrets") {
  ProjectHarness api;
  const std::string kafka = api.Do(201, "POST", "/sources", Body(kKafka));
  CHECK(Stored(api, kafka).broker ==
        BrokerConfig(KafkaConfig{.brokers = {"a:9092", "b:9092"},
                                 .topic = "t",
                                 .consumer_group_id = "g",
                                 .mechanism = SaslMechanism::kScramSha512,
                                 .username = "u",
                                 .password = "kafka secret",
                                 .has_tls = true}));
  CHECK(ProjectHarness::Field(kafka, "data.pub_sub.kafka") ==
        R"({"brokers":["a:9092","b:9092"],"consumer_group_id":"g","topic_name":"t","auth":{)"
        R"("type":"scram","hash":"SHA512","username":"u","password":"[REDACTED]","tls":true}})");

  const std::string sqs = api.Do(201, "POST", "/sources", Body(kSqs));
  CHECK(Stored(api, sqs).broker == BrokerConfig(SqsConfig{.queue_name = "q",
                                                          .region = "eu-west-1",
                                                          .access_key_id = "AKIA",
                                                          .secret_key = "sqs secret",
                                                          .endpoint = "http://sqs.example.com"}));
  CHECK(ProjectHarness::Field(sqs, "data.pub_sub.sqs.secret_key") == "[REDACTED]");

  const std::string google = api.Do(201, "POST", "/sources", Body(Google()));
  CHECK(Stored(api, google).broker ==
        BrokerConfig(GooglePubSubConfig{.project_id = "p",
                                        .subscription_id = "s",
                                        .service_account = R"({"private_key":"google secret"})"}));
  // Strict clients decode it.
  CHECK(base::Base64Decode(ProjectHarness::Field(google, "data.pub_sub.google.service_account")) ==
        "[REDACTED]");
  const std::string all = api.Do(200, "GET", "/sources");
  for (const char* secret : {"kafka secret", "sqs secret", "google secret"}) {
    CHECK(all.find(secret) == std::string::npos);
  }
}

TEST_CASE("pub_sub: a Kafka source without a group gets one of its own") {
  ProjectHarness api;
  const std::string made =
      api.Do(201, "POST", "/sources",
             Body(R"({"type":"kafka","kafka":{"brokers":["a:1"],"topic_name":"t"}})"));
  const Source source = Stored(api, made);
  CHECK(std::get<KafkaConfig>(source.broker).consumer_group_id == "convoy-" + source.id);
  CHECK(std::get<KafkaConfig>(source.broker).mechanism == SaslMechanism::kNone);
  CHECK(ProjectHarness::Field(made, "data.pub_sub.kafka.auth") == "null");
}

TEST_CASE("pub_sub: what is wrong is named") {
  ProjectHarness api;
  const std::pair<std::string, std::string> cases[] = {
      {R"({})", "pub_sub:"},
      {R"({"workers":1})", "pub_sub.type:"},
      {R"({"type":"redis"})", "pub_sub.type:"},
      {R"({"type":"amqp"})", "pub_sub.amqp:"},
      {R"({"type":"amqp","amqp":[]})",
       R"(body contains incorrect JSON type for field "pub_sub.amqp")"},
      {R"({"type":"amqp","workers":33,"amqp":{"host":"h","queue":"q"}})", "pub_sub.workers:"},
      {R"({"type":"amqp","workers":-1,"amqp":{"host":"h","queue":"q"}})",
       R"(body contains incorrect JSON type for field "pub_sub.workers")"},
      {R"({"type":"amqp","amqp":{"queue":"q"}})", "pub_sub.amqp.host:"},
      {R"({"type":"amqp","amqp":{"host":"h"}})", "pub_sub.amqp.queue:"},
      {R"({"type":"amqp","amqp":{"host":"h","queue":"q","port":5672}})",
       R"(body contains incorrect JSON type for field "pub_sub.amqp.port")"},
      {R"({"type":"amqp","amqp":{"host":"h","queue":"q","port":"65536"}})", "pub_sub.amqp.port:"},
      {R"({"type":"amqp","amqp":{"host":"h","queue":"q","schema":"http"}})",
       "pub_sub.amqp.schema:"},
      {R"({"type":"amqp","amqp":{"host":"h","queue":"q\u0000"}})", "pub_sub.amqp.queue:"},
      {R"({"type":"amqp","amqp":{"host":"h\u000a","queue":"q"}})", "pub_sub.amqp.host:"},
      {R"({"type":"amqp","amqp":{"host":"h","queue":"q","bindExchange":{"routingKey":"r"}}})",
       "pub_sub.amqp.bindExchange.exchange:"},
      {R"({"type":"amqp","amqp":{"host":"h","queue":"q","auth":{"password":"p"}}})",
       "pub_sub.amqp.auth.user:"},
      {R"({"type":"amqp","amqp":{"host":"h","queue":"q"},"sqs":{"queue_name":"q"}})",
       "pub_sub.sqs:goes with the type sqs"},
      {R"({"type":"kafka","kafka":{"topic_name":"t"}})", "pub_sub.kafka.brokers:"},
      {R"({"type":"kafka","kafka":{"brokers":["a,b"],"topic_name":"t"}})",
       "pub_sub.kafka.brokers:"},
      {R"({"type":"kafka","kafka":{"brokers":["a:1"]}})", "pub_sub.kafka.topic_name:"},
      {R"({"type":"kafka","kafka":{"brokers":["a:1"],"topic_name":"t","auth":{"type":"oauth"}}})",
       "pub_sub.kafka.auth.type:"},
      {R"({"type":"kafka","kafka":{"brokers":["a:1"],"topic_name":"t","auth":{"type":"scram"}}})",
       "pub_sub.kafka.auth.hash:"},
      {R"({"type":"kafka","kafka":{"brokers":["a:1"],"topic_name":"t","auth":{"type":"plain"}}})",
       "pub_sub.kafka.auth.username:"},
      {R"({"type":"kafka","kafka":{"brokers":["a:1"],"topic_name":"t",
           "auth":{"type":"plain","username":"u"}}})",
       "pub_sub.kafka.auth.password:"},
      {R"({"type":"kafka","kafka":{"brokers":["a:1"],"topic_name":"t",
           "auth":{"username":"u","password":"p"}}})",
       "pub_sub.kafka.auth.type:"},
      {R"({"type":"sqs","sqs":{"default_region":"r"}})", "pub_sub.sqs.queue_name:"},
      {R"({"type":"sqs","sqs":{"queue_name":"q"}})", "pub_sub.sqs.default_region:"},
      {R"({"type":"sqs","sqs":{"queue_name":"q","default_region":"r","access_key_id":"a"}})",
       "pub_sub.sqs.secret_key:"},
      {R"({"type":"sqs","sqs":{"queue_name":"q","default_region":"r","secret_key":"a"}})",
       "pub_sub.sqs.access_key_id:"},
      {R"({"type":"sqs","sqs":{"queue_name":"q","default_region":"r","endpoint":"ftp://x"}})",
       "pub_sub.sqs.endpoint:"},
      {R"({"type":"google","google":{"subscription_id":"s"}})", "pub_sub.google.project_id:"},
      {R"({"type":"google","google":{"project_id":"p"}})", "pub_sub.google.subscription_id:"},
      {R"({"type":"google","google":{"project_id":"p","subscription_id":"s"}})",
       "pub_sub.google.service_account:"},
      {R"({"type":"google","google":{"project_id":"p","subscription_id":"s",
           "service_account":"{}"}})",
       "pub_sub.google.service_account:"},
      {R"({"type":"google","google":{"project_id":"p","subscription_id":"s",
           "service_account":"W10="}})",
       "pub_sub.google.service_account:"},
  };
  for (const auto& [pub_sub, message] : cases) {
    INFO(pub_sub);
    const std::string text = api.MessageOf("POST", "/sources", Body(pub_sub));
    INFO(text);
    CHECK(text.starts_with(message));
  }
  CHECK(api.amqp->checked.empty());
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/sources"), "data.content") == "[]");
}

TEST_CASE("pub_sub: what a broker's source has no use for is refused") {
  ProjectHarness api;
  const std::pair<const char*, const char*> cases[] = {
      {R"(,"provider":"github")", "provider:"},
      {R"(,"verifier":{"type":"basic_auth","basic_auth":{"username":"u","password":"p"}})",
       "verifier:"},
      {R"(,"verify_mode":"quarantine")", "verify_mode:"},
      {R"(,"custom_response":{"body":"b"})", "custom_response:"},
      {R"(,"idempotency_keys":["request.header.X"])", "idempotency_keys:"},
      {R"(,"event_type_location":"request.header.X")", "event_type_location:"},
      {R"(,"body_function":"f")", "body_function:"}};
  for (const auto& [extra, message] : cases) {
    INFO(extra);
    CHECK(api.MessageOf("POST", "/sources", Body(kAmqp, extra)).starts_with(message));
  }
  // How clients spell nothing.
  api.Do(201, "POST", "/sources",
         Body(kAmqp, R"(,"provider":"","verifier":{"type":"noop"},"custom_response":{"body":""},
                        "idempotency_keys":[],"event_type_location":"")"));
  CHECK(api.MessageOf("POST", "/sources",
                      absl::StrCat(R"({"name":"s","type":"http","pub_sub":)", kAmqp, "}"))
            .starts_with("pub_sub:"));
  api.Do(201, "POST", "/sources",
         R"({"name":"s","type":"http","pub_sub":{"type":"","workers":0,"sqs":null}})");
}

std::string AmqpWith(const std::string& fields) {
  return absl::StrCat(R"({"type":"amqp",)", fields, R"("amqp":{"host":"h","queue":"q"}})");
}

TEST_CASE("pub_sub: a source may say that messages are raw, and what type their events are of") {
  ProjectHarness api;
  const std::string made =
      api.Do(201, "POST", "/sources",
             Body(AmqpWith(R"("message_format":"raw","event_type":"shop.changed",)")));
  CHECK(Stored(api, made).message_format == MessageFormat::kRaw);
  CHECK(Stored(api, made).raw_event_type == "shop.changed");
  const std::string path = "/sources/" + Stored(api, made).id;
  const std::string shown = api.Do(200, "GET", path);
  CHECK(ProjectHarness::Field(shown, "data.pub_sub.message_format") == "raw");
  CHECK(ProjectHarness::Field(shown, "data.pub_sub.event_type") == "shop.changed");

  const auto update = [&](const std::string& fields) {
    api.Do(202, "PUT", path, Body(AmqpWith(fields)));
    const Source source = Stored(api, made);
    return absl::StrCat(model::Name(source.message_format), " ", source.raw_event_type);
  };
  CHECK(update("") == "raw shop.changed");
  CHECK(update(R"("message_format":"","event_type":"",)") == "raw shop.changed");
  CHECK(update(R"("message_format":"raw",)") == "raw shop.changed");
  CHECK(update(R"("event_type":"b",)") == "raw b");
  CHECK(update(R"("message_format":"envelope",)") == "envelope ");
  CHECK(update("") == "envelope ");
  CHECK(ProjectHarness::Field(api.Do(200, "GET", path), "data.pub_sub.message_format") ==
        "envelope");
  CHECK(update(R"("message_format":"raw","event_type":"c",)") == "raw c");
  api.Do(202, "PUT", path, R"({"name":"renamed","type":"pub_sub"})");
  CHECK(Stored(api, made).raw_event_type == "c");
  CHECK(api.amqp->checked.size() == 1);  // where it reads is the same
}

TEST_CASE("pub_sub: what is wrong with a message format is named") {
  ProjectHarness api;
  const std::pair<std::string, std::string> cases[] = {
      {R"("message_format":"json",)", "pub_sub.message_format:must be envelope or raw"},
      {R"("message_format":1,)",
       R"(body contains incorrect JSON type for field "pub_sub.message_format")"},
      {R"("message_format":"raw",)",
       "pub_sub.event_type:is missing, and so is event_type_location"},
      {R"("message_format":"raw","event_type":"",)",
       "pub_sub.event_type:is missing, and so is event_type_location"},
      {R"("message_format":"raw","event_type":["a"],)",
       R"(body contains incorrect JSON type for field "pub_sub.event_type")"},
      {R"("message_format":"raw","event_type":"a\nb",)",
       "pub_sub.event_type:must not hold control characters"},
      {absl::StrCat(R"("message_format":"raw","event_type":")", std::string(513, 'x'), "\","),
       "pub_sub.event_type:must not be longer than 512 bytes"},
      {R"("event_type":"a",)", "pub_sub.event_type:goes with the message_format raw"},
      {R"("message_format":"envelope","event_type":"a",)",
       "pub_sub.event_type:goes with the message_format raw"}};
  for (const auto& [fields, message] : cases) {
    INFO(fields);
    CHECK(api.MessageOf("POST", "/sources", Body(AmqpWith(fields))) == message);
  }
  api.Do(201, "POST", "/sources",
         Body(AmqpWith(absl::StrCat(R"("message_format":"raw","event_type":")",
                                    std::string(512, 'x'), "\","))));
}

TEST_CASE("pub_sub: a source may say where raw messages hold what an envelope would") {
  ProjectHarness api;
  const std::string made =
      api.Do(201, "POST", "/sources",
             Body(AmqpWith(R"("message_format":"raw","event_type_location":"message.key",
                       "idempotency_key_location":"message.id",
                       "owner_id_location":"message.body.tenant",)")));
  const MessageLocations expected{.event_type = "message.key",
                                  .idempotency_key = "message.id",
                                  .owner_id = "message.body.tenant"};
  CHECK(Stored(api, made).message_locations == expected);
  const std::string path = "/sources/" + Stored(api, made).id;
  const std::string shown = api.Do(200, "GET", path);
  CHECK(ProjectHarness::Field(shown, "data.pub_sub.event_type_location") == "message.key");
  CHECK(ProjectHarness::Field(shown, "data.pub_sub.owner_id_location") == "message.body.tenant");
  CHECK(shown.find("endpoint_id_location") == std::string::npos);

  const auto update = [&](const std::string& fields) {
    api.Do(202, "PUT", path, Body(AmqpWith(fields)));
    return Stored(api, made).message_locations;
  };
  CHECK(update("") == expected);
  CHECK(update(R"("event_type":"",)") == expected);
  CHECK(update(R"("owner_id_location":"","endpoint_id_location":"message.header.e",)") ==
        MessageLocations{.event_type = "message.key",
                         .idempotency_key = "message.id",
                         .endpoint_id = "message.header.e"});
  CHECK(update(R"("event_type":"t","event_type_location":"",)").event_type == "");
  CHECK(Stored(api, made).raw_event_type == "t");
  update(R"("event_type":"","event_type_location":"message.key",)");
  CHECK(Stored(api, made).raw_event_type == "");
  CHECK(update(R"("message_format":"envelope",)") == MessageLocations());
}

TEST_CASE("pub_sub: what is wrong with a location is named, with what may be given") {
  ProjectHarness api;
  const std::string allowed =
      "must be message.header.NAME, message.body.PATH, message.key or message.id";
  const std::pair<std::string, std::string> cases[] = {
      {R"("event_type_location":"message.key",)",
       "pub_sub.event_type_location:goes with the message_format raw"},
      {R"("message_format":"raw","event_type_location":"request.header.X",)",
       "pub_sub.event_type_location:" + allowed},
      {R"("message_format":"raw","event_type":"a","idempotency_key_location":"message.attribute.a",)",
       "pub_sub.idempotency_key_location:" + allowed},
      {R"("message_format":"raw","event_type":"a","owner_id_location":1,)",
       R"(body contains incorrect JSON type for field "pub_sub.owner_id_location")"},
      {R"("message_format":"raw","event_type":"a","endpoint_id_location":"message.id",
          "owner_id_location":"message.key",)",
       "pub_sub.owner_id_location:does not go with endpoint_id_location: a message is for one of "
       "the two"}};
  for (const auto& [fields, message] : cases) {
    INFO(fields);
    CHECK(api.MessageOf("POST", "/sources", Body(AmqpWith(fields))) == message);
  }
  CHECK(
      api.MessageOf("POST", "/sources",
                    Body(R"({"type":"kafka","message_format":"raw","event_type_location":
                               "message.id","kafka":{"brokers":["a:1"],"topic_name":"t"}})")) ==
      "pub_sub.event_type_location:must be message.header.NAME, message.body.PATH or message.key");
  CHECK(api.MessageOf("POST", "/sources", Body(kAmqp, R"(,"event_type_location":"request.body.a")"))
            .find("pub_sub.event_type_location") != std::string::npos);
}

TEST_CASE("pub_sub: SQS takes off the wrapper that it is told of, until it is told otherwise") {
  ProjectHarness api;
  const auto sqs = [](const std::string& fields) {
    return Body(absl::StrCat(R"({"type":"sqs","sqs":{"queue_name":"q","default_region":"r",)",
                             R"("access_key_id":"A","secret_key":"s")", fields, "}}"));
  };
  CHECK(api.MessageOf("POST", "/sources", sqs(R"(,"wrapper":"SNS")")) ==
        "pub_sub.sqs.wrapper:must be none, sns or eventbridge");
  const std::string made = api.Do(201, "POST", "/sources", sqs(R"(,"wrapper":"sns")"));
  CHECK(ProjectHarness::Field(made, "data.pub_sub.sqs.wrapper") == "sns");
  const std::string path = "/sources/" + Stored(api, made).id;
  const auto update = [&](const std::string& fields) {
    api.Do(202, "PUT", path, sqs(fields));
    return std::get<SqsConfig>(Stored(api, made).broker).wrapper;
  };
  CHECK(update("") == MessageWrapper::kSns);
  CHECK(update(R"(,"wrapper":"eventbridge")") == MessageWrapper::kEventBridge);
  CHECK(update(R"(,"wrapper":"none")") == MessageWrapper::kNone);
}

TEST_CASE("pub_sub: only outgoing projects read from brokers") {
  ProjectHarness api("incoming");
  CHECK(api.MessageOf("POST", "/sources", Body(kAmqp)).starts_with("type:"));
}

TEST_CASE("pub_sub: a broker's clear no is the answer, with the field") {
  ProjectHarness api;
  const auto refuse = [&](absl::Status answer) {
    api.amqp->answer = std::move(answer);
    return api.MessageOf("POST", "/sources", Body(kAmqp));
  };
  CHECK(refuse(absl::UnauthenticatedError("wrong user")) == "pub_sub.amqp.auth:wrong user");
  CHECK(refuse(absl::NotFoundError("no queue")) == "pub_sub.amqp.queue:no queue");
  CHECK(refuse(absl::PermissionDeniedError("not here")) == "pub_sub.amqp:not here");
  CHECK(refuse(absl::InvalidArgumentError("odd")) == "pub_sub.amqp:odd");
  CHECK(refuse(absl::InvalidArgumentError("pub_sub.amqp.port must not be 0")) ==
        "pub_sub.amqp.port:must not be 0");
  CHECK(refuse(absl::InvalidArgumentError("amqp.auth.user: odd")) == "pub_sub.amqp.auth.user:odd");
  CHECK(ProjectHarness::Field(api.Do(200, "GET", "/sources"), "data.content") == "[]");
  api.kafka->answer = absl::NotFoundError("no topic");
  CHECK(api.MessageOf("POST", "/sources", Body(kKafka)) == "pub_sub.kafka.topic_name:no topic");
  api.sqs->answer = absl::UnauthenticatedError("bad signature");
  CHECK(api.MessageOf("POST", "/sources", Body(kSqs)) == "pub_sub.sqs.secret_key:bad signature");
  api.google->answer = absl::NotFoundError("no subscription");
  CHECK(api.MessageOf("POST", "/sources", Body(Google())) ==
        "pub_sub.google.subscription_id:no subscription");
  // One that is away may come back.
  api.amqp->answer = absl::UnavailableError("connection refused");
  api.Do(201, "POST", "/sources", Body(kAmqp));
  api.amqp->answer = absl::CancelledError("closing");
  api.Do(503, "POST", "/sources", Body(kAmqp));
}

TEST_CASE("pub_sub: an update keeps secrets that it does not give, and asks only about changes") {
  ProjectHarness api;
  const std::string made = api.Do(201, "POST", "/sources", Body(kAmqp));
  const std::string path = "/sources/" + ProjectHarness::Field(made, "data.uid");
  const BrokerConfig before = Stored(api, made).broker;
  CHECK(api.amqp->checked.size() == 1);

  api.Do(202, "PUT", path, R"({"name":"renamed","type":"pub_sub"})");
  CHECK(Stored(api, made).broker == before);
  // The source as it was returned, with the exchange in its input form.
  const std::string shown =
      R"({"type":"amqp","workers":5,"amqp":{"schema":"amqp","host":"mq.example.com","port":"5673",
          "auth":{"user":"u","password":"[REDACTED]"},"queue":"orders","vhost":"v",
          "bindExchange":{"exchange":"x","routingKey":"r"},"deadLetterExchange":"d"}})";
  api.Do(202, "PUT", path, Body(shown));
  CHECK(Stored(api, made).broker == before);
  CHECK(Stored(api, made).workers_count == 5);
  CHECK(api.amqp->checked.size() == 1);

  std::string other_queue = shown;
  other_queue.replace(other_queue.find("orders"), 6, "bills");
  api.Do(202, "PUT", path, Body(other_queue));
  CHECK(std::get<AmqpConfig>(Stored(api, made).broker).password == "amqp secret");
  CHECK(api.amqp->checked.size() == 2);

  api.amqp->answer = absl::NotFoundError("no queue");
  CHECK(api.MessageOf("PUT", path, Body(shown)) == "pub_sub.amqp.queue:no queue");
  CHECK(std::get<AmqpConfig>(Stored(api, made).broker).queue == "bills");
}

TEST_CASE("pub_sub: a stored secret is not sent to another server") {
  ProjectHarness api;
  const auto change = [&](const std::string& pub_sub, const std::string& what,
                          const std::string& by) {
    const std::string made = api.Do(201, "POST", "/sources", Body(pub_sub));
    std::string changed = pub_sub;
    for (const char* secret : {"amqp secret", "kafka secret"}) {
      const size_t at = changed.find(secret);
      if (at != std::string::npos) changed.replace(at, std::string(secret).size(), "");
    }
    changed.replace(changed.find(what), what.size(), by);
    return api.MessageOf("PUT", "/sources/" + ProjectHarness::Field(made, "data.uid"),
                         Body(changed));
  };
  const std::string refusal = "must be given anew, because it would go elsewhere";
  CHECK(change(kAmqp, "mq.example.com", "evil.example") == "pub_sub.amqp.auth.password:" + refusal);
  CHECK(change(kAmqp, "5673", "5674") == "pub_sub.amqp.auth.password:" + refusal);
  CHECK(change(kKafka, "b:9092", "c:9092") == "pub_sub.kafka.auth.password:" + refusal);
  CHECK(change(kKafka, "\"tls\":true", "\"tls\":false") ==
        "pub_sub.kafka.auth.password:" + refusal);
}

TEST_CASE("pub_sub: a source does not turn into one of a broker, nor back") {
  ProjectHarness api;
  const std::string made = api.Do(201, "POST", "/sources", Body(kAmqp));
  CHECK(api.MessageOf("PUT", "/sources/" + ProjectHarness::Field(made, "data.uid"),
                      R"({"name":"s","type":"http"})")
            .starts_with("type:"));
  const std::string http = api.Do(201, "POST", "/sources", R"({"name":"s","type":"http"})");
  CHECK(api.MessageOf("PUT", "/sources/" + ProjectHarness::Field(http, "data.uid"), Body(kAmqp))
            .starts_with("type:"));
}

TEST_CASE("pub_sub: a source tells what its consumer does") {
  ProjectHarness api;
  const std::string made = api.Do(201, "POST", "/sources", Body(kAmqp));
  const std::string path = "/sources/" + ProjectHarness::Field(made, "data.uid") + "/consumer";
  const std::string answer = api.Do(200, "GET", path);
  CHECK(ProjectHarness::Field(answer, "data.state") == "stopped");
  CHECK(ProjectHarness::Field(answer, "data.last_error").find("started") != std::string::npos);
  CHECK(ProjectHarness::Field(answer, "data.received") == "0");
  CHECK(ProjectHarness::Field(answer, "data.lag") == "null");
  CHECK(ProjectHarness::Field(answer, "data.workers.0.state") == "stopped");
  CHECK(ProjectHarness::Field(answer, "data.workers.0.lag") == "null");
  CHECK(ProjectHarness::Field(answer, "data.workers.0.lag_at") == "null");
  const std::string http = api.Do(201, "POST", "/sources", R"({"name":"s","type":"http"})");
  CHECK(
      api.MessageOf("GET", "/sources/" + ProjectHarness::Field(http, "data.uid") + "/consumer", "")
          .starts_with("type:"));
  api.Do(404, "GET", "/sources/NOSUCH/consumer");
}

}  // namespace
}  // namespace convoy::http
