"""moto with sessions for web identity tokens. moto gives a session to every signed request; the front
before it takes the request unsigned, as Amazon's STS does, and checks the token. It also lets sessions
end, which moto's never do.
"""
import datetime
import json
import re
import time
import urllib.parse
import uuid

from . import base, front, sqs, sqs_moto

ACTION = "AssumeRoleWithWebIdentity"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def _error(code):
    return 403 if code == "AccessDenied" else 400, "text/xml", (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
        f"<Code>{code}</Code><Message>{code}</Message></Error></ErrorResponse>").encode()


class Server(sqs_moto.Server):
    def __init__(self):
        super().__init__()
        self.front_port, = base.free_ports(1)
        self._front = None
        self._roles = set()
        self._tokens = {}       # until when each is good
        self._ended = set()     # access key ids
        self.session_ids = []   # the access key ids of all sessions
        self.lifetime_s = None  # of the next sessions, if not moto's

    @property
    def front_url(self):
        """Where both services are, for those who have no keys."""
        return f"http://127.0.0.1:{self.front_port}"

    def start(self):
        super().start()
        self._front = front.Front(self.front_port, self.port, self._answer)

    def stop(self):
        if self._front is not None:
            self._front.close()
            self._front = None
        super().stop()

    # ---- What a test arranges --------------------------------------------------------------------

    def new_role(self, *actions):
        arn = super().new_role(*actions)
        self._roles.add(arn)
        return arn

    def new_token(self, lifetime_s=3600):
        token = f"eyJhbGciOiJSUzI1NiJ9.{uuid.uuid4().hex}.c2lnbmF0dXJl+/=="
        self._tokens[token] = time.monotonic() + lifetime_s
        return token

    def expire_tokens(self):
        self._tokens = dict.fromkeys(self._tokens, 0)

    def end_sessions(self):
        """Every session until now has expired."""
        self._ended |= set(self.session_ids)

    # ---- The front -------------------------------------------------------------------------------

    def _answer(self, headers, body):
        form = dict(urllib.parse.parse_qsl(body.decode(errors="replace")))
        if form.get("Action") == ACTION:
            return self._assume(form, body)
        key_id = re.search("Credential=([^/]*)/", headers.get("Authorization", ""))
        if key_id and key_id[1] in self._ended:
            return 403, "application/x-amz-json-1.0", json.dumps({
                "__type": "com.amazon.coral.service#ExpiredTokenException",
                "message": "The security token included in the request is expired"}).encode()
        return None

    def _assume(self, form, body):
        good_until = self._tokens.get(form["WebIdentityToken"])
        if good_until is None:
            return _error("InvalidIdentityToken")
        if good_until < time.monotonic():
            return _error("ExpiredTokenException")
        if form["RoleArn"] not in self._roles:
            return _error("AccessDenied")
        status, content_type, answer = self._front.ask_behind("/", body, self._signed(body))
        if status == 200:
            self.session_ids.append(re.search(b"<AccessKeyId>(.*?)</", answer)[1].decode())
        if self.lifetime_s is not None:
            end = (datetime.datetime.now(datetime.timezone.utc) +
                   datetime.timedelta(seconds=self.lifetime_s))
            answer = re.sub(b"<Expiration>.*?</", f"<Expiration>{end:%Y-%m-%dT%H:%M:%SZ}</".encode(),
                            answer)
        return status, content_type, answer

    def _signed(self, body):
        """The headers of that form as the owner sends it."""
        base.python_package("boto3", sqs.BOTO3)
        from botocore import auth, awsrequest, credentials
        request = awsrequest.AWSRequest("POST", self.endpoint + "/", headers=FORM, data=body)
        auth.SigV4Auth(credentials.Credentials(*self.owner), "sts", sqs.REGION).add_auth(request)
        return dict(request.headers.items())

    # ---- boto3 as the oracle ---------------------------------------------------------------------

    def assumed_by_boto3(self, role_arn, token):
        """STS's response to boto3, raw and as boto3 reads it."""
        client = sqs.client_of("sts", self.front_url)
        bodies = []
        client.meta.events.register(
            f"before-parse.sts.{ACTION}",
            lambda response_dict, **_: bodies.append(response_dict["body"].decode()))
        answer = client.assume_role_with_web_identity(
            RoleArn=role_arn, RoleSessionName="oracle", WebIdentityToken=token)
        return {"body": bodies[0], "read": self._plain(answer)}

    def read_by_boto3(self, bodies):
        """The same of each of these answers; None of one that boto3 cannot read."""
        model = sqs.client_of("sts", self.front_url).meta.service_model.operation_model(ACTION)
        from botocore import parsers
        parser = parsers.create_parser(model.metadata["protocol"])

        def read(body):
            try:
                return self._plain(parser.parse(
                    {"status_code": 200, "headers": {}, "body": body.encode()}, model.output_shape))
            except (parsers.ResponseParserError, KeyError, ValueError):
                return None
        return [read(body) for body in bodies]

    @staticmethod
    def _plain(answer):
        credentials = answer["Credentials"]
        return [credentials["AccessKeyId"], credentials["SecretAccessKey"],
                credentials["SessionToken"], credentials["Expiration"].isoformat()]
