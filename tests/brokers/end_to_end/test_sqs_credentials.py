"""Sources of Amazon SQS that give no access key, through a convoyd that has credentials or has none;
against moto, which checks every signature, and a front that gives sessions as Amazon's STS does.
"""
import pathlib
import signal
import sys

import benches
import verdict
from benches import changed
from case import BrokerCase
from gateway import PATIENCE_S
from table import Table

from servers import base, sqs_identity, sqs_moto  # found by benches

RENEWAL_MARGIN_S = 300  # convoyd's


class Bench(benches.Sqs):
    """SQS bench whose readers go to the front, whatever the source says."""

    def pub_sub(self, queue):
        return {"type": "sqs", "sqs": {"default_region": sqs_moto.sqs.REGION,
                                       "queue_name": queue.name}}


class CredentialsCase(BrokerCase):
    @classmethod
    def setUpClass(cls):
        cls.bench = cls.enterClassContext(base.started(lambda: Bench(sqs_identity.Server())))
        cls.server = cls.bench.server

    def first_gateway(self):
        """Each test starts its own."""

    def start(self, *flags, **variables):
        """A gateway in that environment."""
        self.gateway = self.new_gateway(
            f"{next(self.numbers)}.db", *flags, env={
                "AWS_ENDPOINT_URL": self.server.front_url, "AWS_REGION": sqs_moto.sqs.REGION,
                **variables})
        self.endpoint = self.gateway.endpoint("e")
        self.produced = []

    def start_lending(self, **variables):
        self.start("--sqs-credentials", "environment", **variables)

    def start_reading(self):
        self.source = self.gateway.source(self.bench.pub_sub(self.queue))
        self.check_reading()

    def check_reading(self):
        message = self.message(self.endpoint)
        self.queue.produce([message])
        self.produced.append(message["number"])
        self.inbox.wait_for("/e", len(self.produced), PATIENCE_S)

    def check_refused(self, field, why, **fields):
        response = self.gateway.try_source(
            changed(self.bench.pub_sub(self.queue), "sqs", **fields))
        self.assertEqual(response.status, 400, response)
        self.assertIn(f"pub_sub.sqs{field}:", response.message)
        self.assertIn(why, response.message)


class AccessKeyTest(CredentialsCase):
    def test_not_lent(self):
        self.start(AWS_ACCESS_KEY_ID=self.server.reader[0],
                   AWS_SECRET_ACCESS_KEY=self.server.reader[1])
        self.check_refused(".access_key_id", "is missing")

    def test_reads_with_the_key_of_the_environment(self):
        key_id, secret = self.server.reader
        self.start_lending(AWS_ACCESS_KEY_ID=key_id, AWS_SECRET_ACCESS_KEY=secret,
                           AWS_ROLE_ARN="not looked at", AWS_WEB_IDENTITY_TOKEN_FILE="neither")
        self.start_reading()
        self.check_refused(".endpoint", "own credentials", endpoint=self.server.endpoint)
        self.check_refused(".secret_key", "is missing", access_key_id=key_id)
        self.check_refused(".access_key_id", "is missing", secret_key=secret)
        self.audit("key of the environment", self.produced)

    def test_reads_with_a_session_of_the_environment(self):
        key_id, secret, token = self.server.new_session(*sqs_moto.READING)
        self.start_lending(AWS_ACCESS_KEY_ID=key_id, AWS_SECRET_ACCESS_KEY=secret,
                           AWS_SESSION_TOKEN=token)
        self.start_reading()
        self.audit("session of the environment", self.produced)

    def test_a_key_that_may_not_read(self):
        key_id, secret = self.server.new_user("sqs:SendMessage")
        self.start_lending(AWS_ACCESS_KEY_ID=key_id, AWS_SECRET_ACCESS_KEY=secret)
        self.check_refused("", "may not do that")


class WebIdentityTest(CredentialsCase):
    def setUp(self):
        super().setUp()
        self.token_file = pathlib.Path(self.folder) / "token"
        self.write_token()
        self.server.lifetime_s = None
        self.server.session_ids.clear()

    def write_token(self):
        self.token_file.write_text(self.server.new_token() + "\n")

    def start_as(self, role_arn):
        self.start_lending(AWS_ROLE_ARN=role_arn, AWS_WEB_IDENTITY_TOKEN_FILE=str(self.token_file))

    def start_as_reader(self):
        self.start_as(self.server.new_role(*sqs_moto.READING))

    def check_no_secret(self, text):
        self.assertNotIn(self.token_file.read_text().split(".")[1], text)
        self.assertNotIn(str(self.token_file), text)

    def check_said(self, what):
        consumer = self.gateway.wait_for_state(self.source, "misconfigured")
        self.assertIn(what, consumer["last_error"])
        self.check_no_secret(consumer["last_error"])

    def test_reads_and_shares_a_session(self):
        self.start_as_reader()
        self.start_reading()
        self.gateway.source(self.bench.pub_sub(self.bench.new_queue()))
        self.audit("web identity", self.produced)
        self.assertEqual(len(self.server.session_ids), 1)
        self.check_no_secret(self.gateway.convoyd.log())

    def test_a_session_is_renewed_before_its_end_with_the_token_that_is_there_then(self):
        self.server.lifetime_s = RENEWAL_MARGIN_S + 5
        self.start_as_reader()
        self.start_reading()
        self.server.expire_tokens()
        self.write_token()
        self.wait_until(lambda: len(self.server.session_ids) > 1, "another session")
        self.check_reading()
        self.assertIsNone(self.gateway.consumer(self.source)["last_error"])
        self.audit("web identity, renewed", self.produced)

    def test_sessions_that_have_ended_are_replaced(self):
        self.start_as_reader()
        self.start_reading()
        for _ in range(3):
            self.server.end_sessions()
            self.check_reading()
        self.audit("web identity, sessions ended", self.produced)

    def test_a_token_that_is_refused_and_one_that_is_accepted_again(self):
        self.start_as_reader()
        self.start_reading()
        self.server.expire_tokens()
        self.server.end_sessions()
        self.check_said("token has expired")
        self.token_file.write_text("a token without an issuer")
        self.wait_until(lambda: "does not accept the web identity token" in
                        self.gateway.consumer(self.source)["last_error"], "another error")
        self.token_file.unlink()
        self.wait_until(lambda: "cannot be read" in
                        self.gateway.consumer(self.source)["last_error"], "another error")
        self.write_token()
        self.check_reading()
        self.audit("web identity, tokens refused", self.produced)

    def test_refused_when_made(self):
        self.start_as(self.server.new_role("sqs:SendMessage"))
        self.check_refused("", "may not do that")
        self.start_as("arn:aws:iam::123456789012:role/unknown")
        self.check_refused("", "trust policy")
        self.server.expire_tokens()
        self.start_as_reader()
        self.check_refused(".secret_key", "token has expired")


def main():
    BrokerCase.table = Table("sqs")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    code = verdict.run_tests()
    BrokerCase.table.print()
    sys.exit(code)


if __name__ == "__main__":
    main()
