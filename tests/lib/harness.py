# SPDX-License-Identifier: MIT
"""
The test runner for tests in Python: unittest, with the promises of harness.h.

    import harness

    class Listing(harness.Case):
        def test_empty(self):
            self.assertEqual(self.zoetrope('ls').stdout, '')

    if __name__ == '__main__':
        harness.main()

Each test has a new, empty runtime directory (ZOETROPE_DIR, self.runtime) and
working directory (self.scratch), and a time limit (`limit`, in seconds). It
fails when it leaves behind a child, an object in /dev/shm, a System V segment,
or anything but lock files in its runtime directory (sockets too, where the
class says leaves_sockets: it kills publishers). What it left is killed.

The program speaks TAP; arguments are shell patterns of the tests to run, -l
lists them. All limits are multiplied by ZT_TEST_SCALE.
"""
import ctypes
import fnmatch
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SCALE = int(os.environ.get('ZT_TEST_SCALE') or 1)
PATIENCE = 20 * SCALE       # only ever reached when something is wrong
IN_CI = os.environ.get('CI', '') not in ('', '0', 'false')


def need_program(name):
    """Skip the test where a program is not installed; fail it in CI."""
    if shutil.which(name):
        return
    if IN_CI:
        raise AssertionError(f'{name} is not installed')
    raise unittest.SkipTest(f'{name} is not installed')


def until(condition, what='what was to happen'):
    """Wait until condition() is true, and return what it gave."""
    limit = time.monotonic() + PATIENCE
    while not (value := condition()):
        if time.monotonic() > limit:
            raise AssertionError(f'waited in vain for {what}')
        time.sleep(0.001)
    return value


def children():
    """The processes whose parent we are, the dead ones too."""
    found = []
    for path in glob.glob('/proc/[0-9]*/stat'):
        try:
            with open(path, encoding='utf-8', errors='replace') as file:
                state = file.read()
        except OSError:
            continue
        if int(state[state.rindex(')') + 2:].split()[1]) == os.getpid():
            found.append(int(path.split('/')[2]))
    return found


def shared_objects():
    """Our names in /dev/shm and System V ids; all, for root."""
    mine, found = os.geteuid(), set()
    for path in glob.glob('/dev/shm/*'):
        try:
            if mine in (0, os.lstat(path).st_uid):
                found.add(path)
        except OSError:
            continue
    for row in sysv_rows():
        if mine in (0, row['cuid']):
            found.add(f'System V segment {row["shmid"]}')
    return found


def sysv_rows():
    try:
        with open('/proc/sysvipc/shm', encoding='utf-8') as file:
            names = file.readline().split()
            return [dict(zip(names, map(int, line.split()))) for line in file]
    except OSError:
        return []


def in_use(thing):
    """Does a living process use it? Those of tests beside this one are."""
    if thing.startswith('System V'):
        return any(row['shmid'] == int(thing.split()[-1]) and
                   (row['nattch'] or os.path.exists(f'/proc/{row["cpid"]}'))
                   for row in sysv_rows())
    for process in glob.glob('/proc/[0-9]*'):
        try:
            with open(f'{process}/maps', encoding='utf-8') as file:
                if any(line.rstrip().endswith(f' {thing}') for line in file):
                    return True
            for fd in glob.glob(f'{process}/fd/*'):
                if os.readlink(fd) == thing:
                    return True
        except OSError:
            continue
    return False


class Case(unittest.TestCase):
    """One group of tests."""
    limit = 60
    leaves_sockets = False

    def setUp(self):
        self.base = tempfile.mkdtemp(prefix='zoetrope-test-')
        self.runtime = os.path.join(self.base, 'run')
        self.scratch = os.path.join(self.base, 'scratch')
        os.mkdir(self.runtime, 0o700)
        os.mkdir(self.scratch, 0o700)
        os.environ['ZOETROPE_DIR'] = self.runtime
        os.environ.pop('XDG_RUNTIME_DIR', None)
        os.chdir(self.scratch)
        self._objects = shared_objects()
        signal.signal(signal.SIGALRM, self._too_long)
        signal.alarm(self.limit * SCALE)
        # clean-ups run last in, first out: this is the last of all
        self.addCleanup(self._check)

    def _too_long(self, *_):
        raise AssertionError('the test took longer than its time limit')

    def _check(self):
        signal.alarm(0)
        left = self._kill_children() + self._left_objects()
        left += [f'{name} in the runtime directory'
                 for name in sorted(os.listdir(self.runtime))
                 if not name.endswith('.lock') and
                 not (self.leaves_sockets and name.endswith('.sock'))]
        os.chdir('/')
        shutil.rmtree(self.base, ignore_errors=True)
        if left:
            raise AssertionError('the test left behind: ' + ', '.join(left))

    @staticmethod
    def _kill_children():
        left = []
        while pids := children():
            for pid in pids:
                with open(f'/proc/{pid}/cmdline', encoding='utf-8',
                          errors='replace') as file:
                    command = file.read().replace('\0', ' ').strip()
                left.append(f'child {pid} {command}'.rstrip())
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        return left

    def _left_objects(self):
        def left():
            return [thing for thing in sorted(shared_objects() - self._objects)
                    if not in_use(thing)]

        limit = time.monotonic() + SCALE
        while (found := left()) and time.monotonic() < limit:
            time.sleep(0.001)
        return found

    def start(self, *command, **options):
        """
        Start a program with its output in pipes, as text; it is killed and
        waited for at the test's end where the test has not done so.
        """
        options = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE,
                   'text': True, **options}
        process = subprocess.Popen([str(part) for part in command], **options)
        self.addCleanup(self._end, process)
        return process

    @staticmethod
    def _end(process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def start_zoetrope(self, *arguments, **options):
        """Start the command under test."""
        return self.start(os.environ['ZOETROPE_COMMAND'], *arguments,
                          **options)

    def finish(self, process, status=0):
        """Wait for a program's end and check how it ended."""
        process.out, process.err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, status,
                         f'{process.args}: {process.err}')
        return process

    def zoetrope(self, *arguments, status=0, **options):
        """Run the command under test to its end."""
        return self.finish(self.start_zoetrope(*arguments, **options), status)


class TapResult(unittest.TestResult):
    """Prints a line of TAP for each test, when it is over."""
    number = 0

    def startTest(self, test):
        super().startTest(test)
        self.faults, self.reason = [], None

    def addError(self, test, error):
        super().addError(test, error)
        self.faults.append(self.errors[-1][1])

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.faults.append(self.failures[-1][1])

    def addSubTest(self, test, subtest, error):
        told = len(self.errors) + len(self.failures)
        super().addSubTest(test, subtest, error)
        if len(self.errors) + len(self.failures) > told:
            kind = (self.failures if issubclass(error[0], AssertionError)
                    else self.errors)
            self.faults.append(f'{subtest}: {kind[-1][1]}')

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.reason = reason

    def stopTest(self, test):
        super().stopTest(test)
        self.number += 1
        name = '.'.join(test.id().split('.')[-2:])
        skip = f' # SKIP {self.reason}' if self.reason else ''
        print(f'{"not ok" if self.faults else "ok"} {self.number} - '
              f'{name}{skip if not self.faults else ""}')
        for line in ''.join(self.faults).splitlines():
            print(f'#   {line}')
        sys.stdout.flush()


def flatten(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        else:
            yield test


def main():
    patterns = [word for word in sys.argv[1:] if word != '-l']
    tests = [test for test in
             flatten(unittest.defaultTestLoader.loadTestsFromModule(
                 sys.modules['__main__']))
             if not patterns or
             any(fnmatch.fnmatch(test.id(), f'*{p}*') for p in patterns)]
    if '-l' in sys.argv[1:]:
        for test in tests:
            print('.'.join(test.id().split('.')[-2:]))
        return
    # PR_SET_CHILD_SUBREAPER: daemons of a test become our children
    ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)
    print(f'1..{len(tests)}', flush=True)
    result = TapResult()
    unittest.TestSuite(tests).run(result)
    sys.exit(0 if result.wasSuccessful() else 1)
