/* The stateless verifier in C: all settings, verdicts in the caller's memory, handshakes, programs
 * of older headers, and one verifier under many threads. */
#include <pthread.h>

#include "client.h"

static const char kHello[] = "Hello, World!";
static const char kSignature[] =
    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

static convoy_verdict_view View(void) {
  convoy_verdict_view view;
  memset(&view, 0xAA, sizeof view);
  view.struct_size = sizeof view;
  return view;
}

static convoy_verifier_settings Settings(const char* preset) {
  convoy_verifier_settings settings;
  memset(&settings, 0, sizeof settings);
  settings.struct_size = sizeof settings;
  settings.preset = Slice(preset);
  return settings;
}

static void CheckAll(const convoy_verifier* verifier, const convoy_request* request, int64_t now_us,
                     int is_accepted, const char* reason) {
  convoy_verdict_view view = View();
  convoy_verdict* verdict = NULL;
  CHECK(convoy_verifier_check(verifier, request, now_us, &view, NULL) == CONVOY_OK);
  CHECK(view.is_accepted == is_accepted);
  CHECK(strcmp(view.reason, reason) == 0);
  CHECK(convoy_verifier_verify(verifier, request, now_us, &verdict, NULL) == CONVOY_OK);
  CHECK(convoy_verdict_is_accepted(verdict) == is_accepted);
  CHECK(strcmp(convoy_verdict_reason(verdict), reason) == 0);
  CHECK(strcmp(convoy_verdict_integrity(verdict), view.integrity) == 0);
  CHECK(convoy_verdict_secret_index(verdict) == view.secret_index);
  convoy_verdict_free(verdict);
}

static void CheckUrl(void) {
  /* The published example of Square's SDK. */
  convoy_slice secret = Slice("Ibxx_5AKakO-3qeNVR61Dw");
  convoy_verifier_settings settings = Settings("square");
  convoy_verifier* verifier = NULL;
  convoy_header header;
  convoy_request request = Request("POST", "/webhook");
  settings.secrets = &secret;
  settings.secrets_count = 1;
  CHECK(convoy_verifier_new_with(&settings, &verifier, NULL) == CONVOY_OK);
  header.name = Slice("x-square-hmacsha256-signature");
  header.value = Slice("GF4YkrJgGBDZ9NIYbNXBnMzqb2HoL4RW/S6vkZ9/2N4=");
  request.headers = &header;
  request.headers_count = 1;
  request.body = Slice(
      "{\"merchant_id\":\"MLEFBHHSJGVHD\",\"type\":\"webhooks.test_notification\",\"event_id\":"
      "\"ac3ac95b-f97d-458c-a6e6-18981597e05f\",\"created_at\":\"2022-07-13T20:30:59.037339943Z\","
      "\"data\":{\"type\":\"webhooks\",\"id\":\"bc368e64-01aa-407e-b46e-3231809b1129\"}}");
  request.url = Slice("https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b9");
  CheckAll(verifier, &request, 0, 1, "accepted");
  request.url = Slice("https://webhook.site/679a4f3a-dcfa-49ee-bac5-9d0edad886b8");
  CheckAll(verifier, &request, 0, 0, "signature_mismatch");
  request.url = Slice("");
  CheckAll(verifier, &request, 0, 0, "signature_mismatch");
  convoy_verifier_free(verifier);
}

static void CheckParameters(void) {
  convoy_slice secret = Slice("secret");
  convoy_header parameters[2];
  convoy_verifier_settings settings = Settings("braintree");
  convoy_verifier* verifier = NULL;
  convoy_error* error = NULL;
  settings.secrets = &secret;
  settings.secrets_count = 1;
  CHECK_NAMES(convoy_verifier_new_with(&settings, &verifier, &error), "config \"public_key\"");
  parameters[0].name = Slice("public_key");
  parameters[0].value = Slice("key");
  parameters[1] = parameters[0];
  settings.parameters = parameters;
  settings.parameters_count = 1;
  CHECK(convoy_verifier_new_with(&settings, &verifier, NULL) == CONVOY_OK);
  convoy_verifier_free(verifier);
  settings.parameters_count = 2;
  CHECK_NAMES(convoy_verifier_new_with(&settings, &verifier, &error), "parameters[1]");
  parameters[1].name = Slice("other");
  CHECK_NAMES(convoy_verifier_new_with(&settings, &verifier, &error), "config \"other\"");
  parameters[1].name.data = NULL;
  CHECK_NAMES(convoy_verifier_new_with(&settings, &verifier, &error), "parameters[1]");
  settings.parameters = NULL;
  CHECK_NAMES(convoy_verifier_new_with(&settings, &verifier, &error), "parameters");
  settings.parameters_count = 0;
  settings.definition = Slice("{\"type\":\"none\"}");
  CHECK_NAMES(convoy_verifier_new_with(&settings, &verifier, &error), "settings.preset");
  settings.preset = Slice("");
  CHECK(convoy_verifier_new_with(&settings, &verifier, NULL) == CONVOY_OK);
  convoy_verifier_free(verifier);
  settings.definition = Slice("{\"type\":\"none\",\"surprise\":1}");
  CHECK(convoy_verifier_new_with(&settings, &verifier, &error) == CONVOY_E_INVALID);
  CHECK(strstr(convoy_error_message(error), "\"surprise\"") != NULL);
  convoy_error_free(error);
}

static void CheckSchemes(void) {
  /* hubspot-api-nodejs, test/unit/signature.spec.ts: version 1. */
  convoy_slice secret = Slice("yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy");
  convoy_verifier_settings settings = Settings("hubspot");
  convoy_verifier* verifier = NULL;
  convoy_error* error = NULL;
  convoy_header headers[2];
  convoy_request request = Request("POST", "/in");
  headers[0].name = Slice("X-HubSpot-Signature");
  headers[0].value = Slice("232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de");
  headers[1].name = Slice("X-HubSpot-Signature-Version");
  headers[1].value = Slice("v1");
  request.headers = headers;
  request.headers_count = 2;
  request.body = Slice(
      "[{\"eventId\":1,\"subscriptionId\":12345,\"portalId\":62515,\"occurredAt\":1564113600000,"
      "\"subscriptionType\":\"contact.creation\",\"attemptNumber\":0,\"objectId\":123,"
      "\"changeSource\":\"CRM\",\"changeFlag\":\"NEW\",\"appId\":54321}]");
  settings.secrets = &secret;
  settings.secrets_count = 1;
  CHECK(convoy_verifier_new_with(&settings, &verifier, NULL) == CONVOY_OK);
  CheckAll(verifier, &request, 0, 0, "missing_header"); /* it has to be asked for by name */
  convoy_verifier_free(verifier);
  settings.scheme = Slice("v1");
  CHECK(convoy_verifier_new_with(&settings, &verifier, NULL) == CONVOY_OK);
  CheckAll(verifier, &request, 0, 1, "accepted");
  convoy_verifier_free(verifier);
  settings.scheme = Slice("v9");
  CHECK(convoy_verifier_new_with(&settings, &verifier, &error) == CONVOY_E_NOT_FOUND);
  CHECK(strstr(convoy_error_message(error), "v9") != NULL);
  convoy_error_free(error);
}

static convoy_verifier* GithubVerifier(void) {
  static const char* const kSecrets[] = {"another", "It's a Secret to Everybody"};
  convoy_slice secrets[2];
  convoy_verifier_settings settings = Settings("github");
  convoy_verifier* verifier = NULL;
  secrets[0] = Slice(kSecrets[0]);
  secrets[1] = Slice(kSecrets[1]);
  settings.secrets = secrets;
  settings.secrets_count = 2;
  CHECK(convoy_verifier_new_with(&settings, &verifier, NULL) == CONVOY_OK);
  return verifier;
}

/* The event's id beside a verdict in the caller's memory. */
static void CheckEventId(const convoy_verifier* verifier) {
  convoy_error* error = NULL;
  convoy_header header = {Slice("X-GitHub-Delivery"),
                          Slice("72d3162e-cc78-11e3-81ab-4c9367dc0958")};
  convoy_request request = Request("POST", "/");
  char id[36];
  size_t used = 1;
  CHECK(convoy_verifier_event_id(verifier, &request, id, sizeof id, &used, NULL) == CONVOY_OK);
  CHECK(used == 0);
  request.headers = &header;
  request.headers_count = 1;
  CHECK(convoy_verifier_event_id(verifier, &request, id, sizeof id, &used, NULL) == CONVOY_OK);
  CHECK(used == 36 && memcmp(id, header.value.data, used) == 0);
  CHECK(convoy_verifier_event_id(verifier, &request, id, 35, &used, NULL) == CONVOY_E_TOO_LARGE);
  CHECK(used == 36);
  CHECK_NAMES(convoy_verifier_event_id(verifier, &request, NULL, 1, &used, &error), "out");
  CHECK_NAMES(convoy_verifier_event_id(verifier, &request, id, 1, NULL, &error), "out_used");
  CHECK_NAMES(convoy_verifier_event_id(NULL, &request, id, 1, &used, &error), "verifier");
}

/* Presets say what they need. */
static void CheckPresets(void) {
  convoy_buf list = {NULL, 0};
  convoy_error* error = NULL;
  CHECK(convoy_presets(&list, NULL) == CONVOY_OK);
  CHECK(list.size > 1000 && strlen(list.data) == list.size);
  CHECK(strstr(list.data, "{\"name\":\"github\",\"title\":\"GitHub\"") != NULL);
  CHECK(strstr(list.data, "\"parameters_needed\":[\"") != NULL);
  convoy_buf_free(&list);
  CHECK_NAMES(convoy_presets(NULL, &error), "out_json");
}

/* Programs of an older header have smaller structs, those of a newer one larger ones. */
static void CheckSizes(const convoy_verifier* verifier, const convoy_request* good) {
  convoy_error* error = NULL;
  convoy_request older = *good;
  convoy_verdict_view view = View();
  struct {
    convoy_verdict_view known;
    uint64_t more;
  } newer;
  older.struct_size = offsetof(convoy_request, url);
  older.url.data = (const char*)1; /* not of that header: must not be looked at */
  older.url.size = 1000;
  CheckAll(verifier, &older, 0, 1, "accepted");
  view.struct_size = offsetof(convoy_verdict_view, integrity);
  CHECK(convoy_verifier_check(verifier, good, 0, &view, NULL) == CONVOY_OK);
  CHECK(view.is_accepted && view.secret_index == 1);
  CHECK((uintptr_t)view.integrity == (uintptr_t)0xAAAAAAAAAAAAAAAA);
  view = View();
  CHECK(convoy_verifier_check(verifier, good, 0, &view, NULL) == CONVOY_OK);
  CHECK(view.struct_size == sizeof view);
  CHECK(view.signed_at_us == INT64_MIN);
  CHECK(view.scheme.size == 7 && memcmp(view.scheme.data, "default", 7) == 0);
  memset(&newer, 0, sizeof newer);
  newer.known.struct_size = sizeof newer;
  CHECK(convoy_verifier_check(verifier, good, 0, &newer.known, NULL) == CONVOY_OK);
  CHECK(newer.known.is_accepted && newer.known.struct_size == sizeof newer && newer.more == 0);
  view.struct_size = 0;
  CHECK_NAMES(convoy_verifier_check(verifier, good, 0, &view, &error), "out.struct_size");
  view = View();
  CHECK_NAMES(convoy_verifier_check(NULL, good, 0, &view, &error), "verifier");
  CHECK(!view.is_accepted && view.reason == NULL); /* zeroed on failure */
  CHECK_NAMES(convoy_verifier_check(verifier, NULL, 0, &view, &error), "request");
  CHECK_NAMES(convoy_verifier_check(verifier, good, 0, NULL, &error), "out");
}

static void CheckManyHeaders(const convoy_verifier* verifier, const convoy_request* good) {
  enum { kCount = 1000 };
  static convoy_header headers[kCount];
  convoy_request request = *good;
  size_t i;
  for (i = 0; i < kCount; ++i) {
    headers[i].name = Slice("X-Other");
    headers[i].value = Slice("value");
  }
  headers[kCount - 1] = good->headers[0];
  request.headers = headers;
  request.headers_count = kCount;
  CheckAll(verifier, &request, 0, 1, "accepted");
}

/* Discord tests a link with a wrong signature and wants 401. */
static void CheckRefusalStatus(const convoy_verifier* github, const convoy_request* good) {
  const convoy_slice key =
      Slice("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  convoy_verifier* discord = NULL;
  convoy_verdict_view view = View();
  CHECK(convoy_verifier_check(github, good, 0, &view, NULL) == CONVOY_OK);
  CHECK(view.refusal_status == 0 && view.reserved == 0);
  CHECK(convoy_verifier_new("discord", 7, &key, 1, &discord, NULL) == CONVOY_OK);
  view = View();
  CHECK(convoy_verifier_check(discord, good, 0, &view, NULL) == CONVOY_OK);
  CHECK(!view.is_accepted && view.refusal_status == 401);
  convoy_verifier_free(discord);
}

/* The body in pieces: kept where the scheme needs it whole, up to a bound. */
static void CheckPieces(const convoy_verifier* github, const convoy_request* good) {
  static const char kScheme[] =
      "{\"type\":\"hmac\",\"message\":\"{sha256hex:body}\","
      "\"signature\":{\"in\":\"header\",\"name\":\"S\"}}";
  convoy_slice secret = Slice("secret");
  convoy_verifier* hashing = NULL;
  convoy_verification* verification = NULL;
  convoy_verdict_view view = View();
  convoy_error* error = NULL;
  CHECK(convoy_verification_begin(github, good, 0, &verification, NULL) == CONVOY_OK);
  CHECK(!convoy_verification_keeps_body(verification));
  CHECK(convoy_verification_feed(verification, "Hello, ", 7, NULL) == CONVOY_OK);
  CHECK(convoy_verification_feed(verification, NULL, 0, NULL) == CONVOY_OK);
  CHECK_NAMES(convoy_verification_feed(verification, NULL, 1, &error), "data");
  CHECK(convoy_verification_feed(verification, "World!", 6, NULL) == CONVOY_OK);
  CHECK_NAMES(convoy_verification_finish(verification, 0, NULL, &error), "out");
  CHECK(convoy_verification_finish(verification, 0, &view, NULL) == CONVOY_OK);
  CHECK(view.is_accepted && view.secret_index == 1 && strcmp(view.integrity, "full") == 0);
  CHECK(convoy_verification_finish(verification, 0, &view, NULL) == CONVOY_E_STATE);
  CHECK(!view.is_accepted);
  CHECK(convoy_verification_feed(verification, "x", 1, NULL) == CONVOY_E_STATE);
  convoy_verification_free(verification);

  CHECK(convoy_verifier_new(kScheme, sizeof kScheme - 1, &secret, 1, &hashing, NULL) == CONVOY_OK);
  CHECK(convoy_verification_begin(hashing, good, 10, &verification, NULL) == CONVOY_OK);
  convoy_verifier_free(hashing); /* the verification does not need it */
  CHECK(convoy_verification_keeps_body(verification));
  CHECK(convoy_verification_feed(verification, "0123456789", 10, NULL) == CONVOY_OK);
  CHECK(convoy_verification_feed(verification, "0", 1, &error) == CONVOY_E_TOO_LARGE);
  CHECK(strstr(convoy_error_message(error), "kept_bytes_max") != NULL);
  convoy_error_free(error);
  CHECK(convoy_verification_finish(verification, 0, &view, NULL) == CONVOY_E_STATE);
  convoy_verification_free(verification);
  convoy_verification_free(NULL);
  CHECK_NAMES(convoy_verification_begin(NULL, good, 0, &verification, &error), "verifier");
  CHECK_NAMES(convoy_verification_begin(github, NULL, 0, &verification, &error), "request");
  CHECK_NAMES(convoy_verification_begin(github, good, 0, NULL, &error), "out");
}

static void CheckHandshakes(void) {
  convoy_verifier_settings settings = Settings("asana");
  convoy_verifier* verifier = NULL;
  convoy_error* error = NULL;
  convoy_reply* reply = NULL;
  convoy_buf secret = {NULL, 0}, visit_url = {NULL, 0};
  convoy_header header;
  convoy_request request = Request("POST", "/in");
  CHECK(convoy_verifier_new_with(&settings, &verifier, NULL) == CONVOY_OK);
  CHECK(convoy_verifier_answer(verifier, &request, 0, &reply, &secret, &visit_url, NULL) ==
        CONVOY_DECLINED);
  CHECK(reply == NULL && secret.data == NULL && visit_url.data == NULL);
  header.name = Slice("X-Hook-Secret");
  header.value = Slice("handed over");
  request.headers = &header;
  request.headers_count = 1;
  CHECK(convoy_verifier_answer(verifier, &request, 0, &reply, &secret, &visit_url, NULL) ==
        CONVOY_OK);
  CHECK(convoy_reply_status(reply) == 200);
  CHECK(strcmp(secret.data, "handed over") == 0 && visit_url.data == NULL);
  convoy_reply_free(reply);
  convoy_buf_free(&secret);
  CHECK(convoy_verifier_answer(verifier, &request, 0, &reply, NULL, NULL, NULL) == CONVOY_OK);
  convoy_reply_free(reply);
  CHECK_NAMES(convoy_verifier_answer(verifier, &request, 0, NULL, NULL, NULL, &error), "out_reply");
  convoy_verifier_free(verifier);
}

typedef struct Worker {
  pthread_t thread;
  const convoy_verifier* verifier;
  const convoy_request* good;
} Worker;

static void* Work(void* given) {
  const Worker* worker = given;
  convoy_request forged = *worker->good;
  convoy_verdict_view view = View();
  int i;
  forged.body = Slice("Hello, World?");
  for (i = 0; i < 2000; ++i) {
    const int is_good = i % 2 == 0;
    const convoy_request* request = is_good ? worker->good : &forged;
    CHECK(convoy_verifier_check(worker->verifier, request, 0, &view, NULL) == CONVOY_OK);
    CHECK(view.is_accepted == is_good);
    if (i % 100 == 0) {
      CheckAll(worker->verifier, request, 0, is_good, is_good ? "accepted" : "signature_mismatch");
    }
  }
  return NULL;
}

static void CheckThreads(const convoy_verifier* verifier, const convoy_request* good) {
  Worker workers[8];
  size_t i;
  for (i = 0; i < sizeof workers / sizeof workers[0]; ++i) {
    workers[i].verifier = verifier;
    workers[i].good = good;
    CHECK(pthread_create(&workers[i].thread, NULL, Work, &workers[i]) == 0);
  }
  for (i = 0; i < sizeof workers / sizeof workers[0]; ++i) {
    CHECK(pthread_join(workers[i].thread, NULL) == 0);
  }
}

int main(void) {
  convoy_verifier* verifier = GithubVerifier();
  convoy_header header;
  convoy_request good = Request("POST", "/in");
  header.name = Slice("X-Hub-Signature-256");
  header.value = Slice(kSignature);
  good.headers = &header;
  good.headers_count = 1;
  good.body = Slice(kHello);
  CheckAll(verifier, &good, 0, 1, "accepted");
  CheckSizes(verifier, &good);
  CheckEventId(verifier);
  CheckPresets();
  CheckManyHeaders(verifier, &good);
  CheckRefusalStatus(verifier, &good);
  CheckPieces(verifier, &good);
  CheckThreads(verifier, &good);
  convoy_verifier_free(verifier);
  CheckUrl();
  CheckParameters();
  CheckSchemes();
  CheckHandshakes();
  puts("verifiers behave");
  return 0;
}
