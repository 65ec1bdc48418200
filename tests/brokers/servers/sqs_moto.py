"""A second SQS server for tests: moto, which checks every request's signature and the permissions of
the user it is from, as Amazon does. It forgets everything when it ends.
"""
import json
import os
import sys
import urllib.request
import uuid

from . import base, sqs

MOTO = "moto[server,sqs,iam,sts]==5.2.5"
#: what a reader has to be allowed; moto asks for the batches' own names, Amazon for the singular
READING = ("sqs:GetQueueUrl", "sqs:ReceiveMessage", "sqs:DeleteMessage*",
           "sqs:ChangeMessageVisibility*")


def _policy(actions):
    return json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": list(actions), "Resource": "*"}]})


class Server(sqs.SqsServer):
    def __init__(self):
        super().__init__()
        base.python_package("moto", MOTO)

    def start(self):
        packages = base.package_folder() / "python" / MOTO
        self._start([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", self.port],
                    env={**os.environ, "PYTHONPATH": str(packages)})
        self.owner = self.new_user("*")
        self.reader = self.new_user(*READING)
        self._check_requests_from_now_on()

    def _check_requests_from_now_on(self):
        request = urllib.request.Request(f"{self.endpoint}/moto-api/reset-auth", data=b"0",
                                         headers={"Content-Type": "text/plain"})
        urllib.request.urlopen(request, timeout=10).close()

    def _client(self, service):
        return sqs.client_of(service, self.endpoint, *self.owner)

    def new_user(self, *actions):
        """(access key id, secret key) of a user who may do these."""
        iam = self._client("iam")
        name = f"u-{uuid.uuid4().hex[:8]}"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=_policy(actions))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def new_role(self, *actions):
        """The ARN of a role that may do these."""
        iam = self._client("iam")
        name = f"r-{uuid.uuid4().hex[:8]}"
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(["sts:AssumeRole*"]))
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=_policy(actions))
        return role["Role"]["Arn"]

    def new_session(self, *actions):
        """(access key id, secret key, session token) of a role that may do these."""
        session = self._client("sts").assume_role(
            RoleArn=self.new_role(*actions), RoleSessionName="reader")["Credentials"]
        return session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"]

    def new_topic(self, queue):
        """An SNS topic that writes to the queue; a function that publishes a text with attributes there,
        and returns what SNS calls the message."""
        sns = self._client("sns")
        topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:8]}")["TopicArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)

        def publish(text, **attributes):
            typed = {name: {"DataType": "String", "StringValue": value}
                     for name, value in attributes.items()}
            return sns.publish(TopicArn=topic, Message=text, MessageAttributes=typed)["MessageId"]
        return publish

    def new_rule(self, queue):
        """An EventBridge rule that sends events of its own source to the queue; a function that puts one,
        and returns its id."""
        events = self._client("events")
        name = f"r-{uuid.uuid4().hex[:8]}"
        events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
        events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": queue.arn}])

        def put(detail_type, detail):
            entry = {"Source": name, "DetailType": detail_type, "Detail": detail}
            return events.put_events(Entries=[entry])["Entries"][0]["EventId"]
        return put

    def change_reader(self):
        """Another user reads from now on; the one before may not any more."""
        before, self.reader = self.reader, self.new_user(*READING)
        self.revoke(before[0])

    def revoke(self, access_key_id):
        iam = self._client("iam")
        user = iam.get_access_key_last_used(AccessKeyId=access_key_id)["UserName"]
        iam.delete_access_key(UserName=user, AccessKeyId=access_key_id)
