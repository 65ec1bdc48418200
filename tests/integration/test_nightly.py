"""script/nightly: commands, figures and failures of a run, with the simulator and convoyd that are built."""
import json
import pathlib
import re
import subprocess
import unittest

import host

BIN_DIR = str(pathlib.Path(host.binary()).parent)
ALL = ("asan", "tsan", "clang", "coverage", "fuzz", "simulation", "kills")


def nightly(*arguments):
    done = subprocess.run([host.ROOT / "script/test", "nightly", *arguments], capture_output=True,
                          text=True, check=False, timeout=300)
    return done.returncode, done.stdout + done.stderr


class NightlyTest(unittest.TestCase):
    def test_a_dry_run_lists_the_commands_of_every_part(self):
        status, output = nightly("--dry-run", "--seeds", "100", "--kills", "120", "--fuzz-minutes", "7")
        self.assertEqual(status, 0, output)
        self.assertEqual(tuple(re.findall("^# (.*)$", output, re.M)), ALL)
        self.assertEqual(re.findall("CONVOY_CRASH_RUNS=([0-9]+)", output), ["50", "10"])  # on each database
        self.assertEqual(sum(map(int, re.findall("--seeds ([0-9]+)", output))), 100)
        targets = re.findall(r"^convoy_fuzz_target|^  convoy_fuzz_target",
                             (host.ROOT / "tests/fuzz/CMakeLists.txt").read_text(), re.M)
        seconds = int(re.search("script/test fuzz ([0-9]+)", output)[1])
        self.assertAlmostEqual(seconds * len(targets), 420, delta=len(targets))

    def test_a_small_run_prints_its_figures_and_is_not_recorded(self):
        page = (host.ROOT / "docs/quality.md").read_text()
        status, output = nightly("simulation", "kills", "--seeds", "20", "--first-seed", "5", "--kills",
                                 "1", "--bin-dir", BIN_DIR, "--record")
        self.assertEqual(status, 1, output)
        self.assertIn("simulation is not recorded: --seeds is less than 100000", output)
        self.assertIn("kills is not recorded: --kills is less than 1000", output)
        self.assertEqual((host.ROOT / "docs/quality.md").read_text(), page)
        self.assertRegex(output, r"\| simulation \| passed \| seeds 5 to 24: [0-9,]+ processes, ")
        self.assertRegex(output, r"\| kills \| passed \| [12] kills, [0-9,]+ events acknowledged, 0 lost")

    def test_a_part_that_cannot_run_has_failed_and_the_next_one_is_run(self):
        status, output = nightly("simulation", "kills", "--seeds", "20", "--kills", "1", "--bin-dir",
                                 "/nonexistent")
        self.assertEqual(status, 1, output)
        self.assertIn("| simulation | FAILED |", output)
        self.assertIn("| kills | FAILED |", output)

    def test_what_has_passed_on_this_commit_is_not_run_again(self):
        commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=host.ROOT, text=True,
                                capture_output=True, check=True).stdout.strip()
        results = host.ROOT / "build/nightly/passed.json"
        former = results.read_text() if results.exists() else None
        results.parent.mkdir(parents=True, exist_ok=True)
        results.write_text(json.dumps({commit: {
            "simulation": {"figures": "seeds 1 to 20", "seconds": 90, "size": 20},
            "kills": {"figures": "1 kills", "seconds": 9, "size": 1}}}))
        try:
            status, output = nightly("simulation", "kills", "--resume", "--seeds", "20", "--kills",
                                     "2", "--bin-dir", "/nonexistent")
        finally:
            results.unlink()
            if former is not None:
                results.write_text(former)
        self.assertEqual(status, 1, output)
        self.assertIn("| simulation | passed | seeds 1 to 20 | 2 min |", output)
        self.assertIn("| kills | FAILED |", output)  # one was not enough

    def test_unknown_words_are_refused_by_name(self):
        for arguments, text in ((["fuzzing"], "unknown part 'fuzzing'; allowed are: asan, "),
                                (["--kills", "0"], "must be greater than 0")):
            status, output = nightly(*arguments)
            self.assertEqual(status, 2, output)
            self.assertIn(text, output)


if __name__ == "__main__":
    unittest.main()
