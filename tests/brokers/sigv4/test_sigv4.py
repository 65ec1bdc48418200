"""Our Signature Version 4 against Amazon's published test suite, as it comes with botocore's
source archive, and against botocore's own signer on random requests."""
import base64
import datetime
import json
import os
import pathlib
import random
import subprocess
import sys
import unittest
from urllib.parse import unquote

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from servers import base, install  # noqa: E402

BOTOCORE = "botocore==1.44.8"
# Credentials and time of the suite.
ACCESS_KEY_ID, SECRET_KEY = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TIME = datetime.datetime(2015, 8, 30, 12, 36, tzinfo=datetime.timezone.utc)
CASES_MIN = 34
RANDOM_REQUESTS = 500


class Signer:
    def __init__(self):
        self._process = subprocess.Popen([os.environ["CONVOY_SIGV4_SIGNER"]], text=True,
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def sign(self, **question):
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def parse(raw):
    """A request as the suite writes it, which is more than HTTP allows: blanks in paths, folded
    header lines."""
    head, _, body = raw.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.rstrip("\n").split("\n")
    method, rest = first.split(" ", 1)
    path, _, query = rest.rsplit(" ", 1)[0].partition("?")
    headers = []
    for line in lines:
        if line[0] in " \t":
            headers[-1][1] += " " + line.strip()
        else:
            headers.append(line.split(":", 1))
    pairs = [item.partition("=")[::2] for item in query.split("&")] if query else []
    return {"method": method, "path": unquote(path), "headers": headers,
            "query": [[unquote(name), unquote(value)] for name, value in pairs],
            "body": base64.b64encode(body.encode()).decode()}


class SigV4Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.signer = Signer()

    @classmethod
    def tearDownClass(cls):
        cls.signer.close()

    def test_every_case_of_the_published_suite(self):
        root = install.python_source("botocore_source", BOTOCORE) / "tests/unit/auth/aws4_testsuite"
        count = 0
        for file in sorted(root.rglob("*.req")):
            expected = {suffix: file.with_suffix(suffix).read_text(encoding="utf-8")
                        .replace("\r", "") for suffix in (".creq", ".sts", ".authz")}
            request = parse(file.read_text(encoding="utf-8"))
            # These two cases leave it to the signer to add the token.
            token = [line for line in expected[".creq"].split("\n")
                     if line.startswith("x-amz-security-token:")]
            given = [name for name, _ in request["headers"]]
            if token and "X-Amz-Security-Token" not in given:
                request["headers"].append(["X-Amz-Security-Token", token[0].split(":", 1)[1]])
            with self.subTest(file.parent.name):
                answer = self.signer.sign(
                    **request, time=int(TIME.timestamp()), region="us-east-1", service="service",
                    access_key_id=ACCESS_KEY_ID, secret_key=SECRET_KEY)
                self.assertEqual(answer["canonical_request"], expected[".creq"])
                self.assertEqual(answer["string_to_sign"], expected[".sts"])
                self.assertEqual(answer["authorization"], expected[".authz"])
                count += 1
        print(f"sigv4: {count} cases of the published suite agree")
        self.assertGreaterEqual(count, CASES_MIN)

    def test_random_requests_are_signed_as_botocore_signs_them(self):
        version = base.python_package("botocore", BOTOCORE).__version__
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
        seed = int(os.environ.get("CONVOY_TEST_SEED", "20240501"))
        generator = random.Random(seed)
        for index in range(RANDOM_REQUESTS):
            question = random_request(generator)
            token = generator.choice([None, random_text(generator, PLAIN, 40)])
            url = f"https://{question['host']}{question['path']}"
            botocore = AWSRequest(method=question["method"], url=url, data=question["body"],
                                  headers=dict(question["headers"]), params=question["query"])
            credentials = Credentials(question["access_key_id"], question["secret_key"], token)
            auth = SigV4Auth(credentials, question["service"], question["region"])
            auth.add_auth(botocore)
            date = botocore.headers["X-Amz-Date"]
            time = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(
                tzinfo=datetime.timezone.utc)
            headers = [["Host", question.pop("host")], *question["headers"], ["X-Amz-Date", date]]
            if token:
                headers.append(["X-Amz-Security-Token", token])
            question.update(headers=headers, time=int(time.timestamp()),
                            query=[list(item) for item in question["query"].items()],
                            body=base64.b64encode(question["body"]).decode())
            with self.subTest(f"request {index} of seed {seed}: {question}"):
                self.assertEqual(self.signer.sign(**question)["authorization"],
                                 botocore.headers["Authorization"])
        print(f"sigv4: {RANDOM_REQUESTS} random requests agree with botocore {version}, seed {seed}")


PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
WIDE = PLAIN + "-_.~!*'()@:$,=+& \u00e9\u4e2d\U0001f600"


def random_text(generator, alphabet, length_max):
    return "".join(generator.choices(alphabet, k=generator.randint(1, length_max)))


def random_request(generator):
    """With some of everything. Query names are unlike each other: botocore knows no others."""
    segments = generator.choices(["", ".", "..", "queue", "123456789012", "a b", "\u00e9", "x~y"],
                                 k=generator.randint(0, 5))
    path = "/" + "/".join(segments)
    return {
        "method": generator.choice(["POST", "GET", "DELETE"]),
        "host": random_text(generator, PLAIN.lower(), 10) + generator.choice(["", ":9324"]),
        "path": path,
        "query": {random_text(generator, WIDE, 8): random_text(generator, WIDE, 8)
                  for _ in range(generator.randint(0, 4))},
        "headers": [[f"X-Amz-{random_text(generator, PLAIN, 6)}",
                     random_text(generator, PLAIN + "  ,;\"", 20)]
                    for _ in range(generator.randint(0, 3))],
        "body": generator.randbytes(generator.randint(0, 300)),
        "region": generator.choice(["us-east-1", "eu-central-1", "cn-north-1"]),
        "service": generator.choice(["sqs", "sts", "execute-api"]),
        "access_key_id": random_text(generator, PLAIN, 20),
        "secret_key": random_text(generator, WIDE, 60),
    }


if __name__ == "__main__":
    unittest.main()
