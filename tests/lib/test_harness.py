# SPDX-License-Identifier: MIT
"""The Python runner catches each kind of leak, and what else goes wrong."""
import glob
import os
import signal
import subprocess
import sys
import time
import unittest

import harness


class Specimen(harness.Case):
    """Tests that misbehave; run only by the tests below."""

    def test_behaves(self):
        with open(os.path.join(self.runtime, 'cam0.lock'), 'w'):
            pass
        with open('scratch-file', 'w'):
            pass
        self.start('sleep', '1000')

    def test_asserts_wrong(self):
        self.assertEqual(6 * 9, 42)

    def test_has_a_wrong_part(self):
        for part in 1, 2, 3:
            with self.subTest(part=part):
                self.assertNotEqual(part, 2)

    def test_skips(self):
        self.skipTest('no camera')

    def test_needs_a_program(self):
        harness.need_program('zoetrope-specimen')

    def test_leaks_child(self):
        subprocess.Popen(['sleep', '1000'])

    def test_leaks_daemon(self):
        subprocess.run(['sh', '-c', 'setsid sleep 1000 &'], check=True)

    def test_leaks_shm(self):
        name = f'/dev/shm/zt-specimen-{os.getpid()}'
        with open(name, 'w'):
            pass

    def test_leaves_file(self):
        with open(os.path.join(self.runtime, 'cam0.tmp'), 'w'):
            pass

    def test_leaves_socket(self):
        with open(os.path.join(self.runtime, 'cam0.sock'), 'w'):
            pass

    def test_waits_in_vain(self):
        harness.PATIENCE = 0.01
        harness.until(lambda: False, 'rain')


class Hanging(harness.Case):
    limit = 1

    def test_hangs(self):
        self.start('sleep', '1000').communicate()


class Killing(harness.Case):
    leaves_sockets = True

    def test_leaves_socket(self):
        Specimen.test_leaves_socket(self)


class Runner(unittest.TestCase):
    def run_specimen(self, name, **environment):
        return subprocess.run(
            [sys.executable, __file__, '--specimens', name],
            env={**os.environ, 'CI': '', **environment},
            capture_output=True, text=True)

    def passes(self, name, line=None, **environment):
        result = self.run_specimen(name, **environment)
        self.assertEqual(result.stdout, f'1..1\n{line or f"ok 1 - {name}"}\n')
        self.assertEqual(result.returncode, 0)

    def fails(self, name, reason, **environment):
        result = self.run_specimen(name, **environment)
        self.assertTrue(
            result.stdout.startswith(f'1..1\nnot ok 1 - {name}\n'), result)
        self.assertIn(reason, result.stdout)
        self.assertEqual(result.returncode, 1)

    def test_good_tests_pass(self):
        self.passes('Specimen.test_behaves')
        self.passes('Killing.test_leaves_socket')

    def test_skips_are_told(self):
        self.passes('Specimen.test_skips',
                    'ok 1 - Specimen.test_skips # SKIP no camera')

    def test_a_missing_program_fails_in_ci_only(self):
        name = 'Specimen.test_needs_a_program'
        self.passes(name, f'ok 1 - {name} # SKIP zoetrope-specimen is not '
                    'installed')
        self.fails(name, 'zoetrope-specimen is not installed', CI='true')

    def test_bad_ends_fail(self):
        self.fails('Specimen.test_asserts_wrong', '54 != 42')
        self.fails('Specimen.test_has_a_wrong_part', '(part=2)')
        self.fails('Specimen.test_waits_in_vain', 'waited in vain for rain')
        begun = time.monotonic()
        self.fails('Hanging.test_hangs', 'longer than its time limit')
        self.assertLess(time.monotonic() - begun, 30)

    def test_leaked_children_fail(self):
        self.fails('Specimen.test_leaks_child', 'left behind: child')
        self.fails('Specimen.test_leaks_daemon', 'left behind: child')

    def test_leaked_objects_fail(self):
        try:
            self.fails('Specimen.test_leaks_shm', '/dev/shm/zt-specimen-')
        finally:
            for name in glob.glob('/dev/shm/zt-specimen-[0-9]*'):
                os.unlink(name)

    def test_leftovers_in_the_runtime_directory_fail(self):
        self.fails('Specimen.test_leaves_file', 'cam0.tmp in the runtime')
        self.fails('Specimen.test_leaves_socket', 'cam0.sock in the runtime')


if __name__ == '__main__':
    signal.alarm(300)
    if '--specimens' in sys.argv:
        sys.argv.remove('--specimens')
        del Runner
    else:
        del Specimen, Hanging, Killing
    harness.main()
