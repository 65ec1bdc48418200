"""The base of the integration tests: one convoyd and one key for each test class."""
import os
import unittest

import host

#: for tests of memory and of moments, and for those that load the library into Python
unsanitized = unittest.skipIf(os.environ.get("CONVOY_SANITIZE"), "not with a sanitizer")


class HostCase(unittest.TestCase):
    flags = ()
    allow_local = True
    env = None

    @classmethod
    def setUpClass(cls):
        cls._folder = host.Folder()
        cls.database = cls._folder.__enter__() + "/convoy.db"
        cls.key = host.bootstrap(cls.database)
        cls.convoyd = host.Convoyd(cls.database, *cls.flags, allow_local=cls.allow_local,
                                   env=cls.env)
        cls.admin = cls.convoyd.client(cls.key)
        cls.inbox = host.Inbox()

    @classmethod
    def tearDownClass(cls):
        code = cls.convoyd.stop() if cls.convoyd.is_alive() else cls.convoyd.process.returncode
        log = cls.convoyd.log()
        cls.admin.close()
        cls.inbox.close()
        cls._folder.__exit__(None, None, None)
        if code != 0:
            raise AssertionError(f"convoyd ended with {code}:\n{log[-4000:]}")

    def project(self, kind, **config):
        """A project named after the test, so that each test sees only its own."""
        return host.Project(self.admin, f"{self.id()} {kind}", kind, **config)
