# SPDX-License-Identifier: MIT
"""
Every call that the library makes to the C library either fails in its turn
(CALL() in calls.c), or is here with the reason why it need not; and nothing is
listed that the library does not call.
"""
import os
import re
import subprocess
import unittest

import harness

ARCHIVE = os.environ['ZT_ARCHIVE']
CALLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'calls.c')

HARMLESS = {
    'They work on memory alone': '''
        memccpy memchr memcmp memcpy memmove memset qsort snprintf strchr
        strcmp strcspn strerror strlen strncmp strnlen strrchr strspn strstr
        strtok_r strtoull vsnprintf sigfillset''',
    'They ask what is always there': '''
        __errno_location geteuid getpid getrlimit64 secure_getenv sysconf''',
    'They give back, and cannot fail on what is there': '''
        free munmap inotify_rm_watch''',
    'They are close(), whose result changes nothing, and free()': '''
        closedir fclose''',
    'Locks of the usual kind, used as they are to be used': '''
        pthread_mutex_destroy pthread_mutex_init pthread_mutex_lock
        pthread_mutex_trylock pthread_mutex_unlock pthread_join
        pthread_sigmask sched_yield''',
    'On fds that do not wait, or on a file of /sys: an error is as nothing '
    'read, or there to be read already': 'read write',
    'An error is as no such directory, which unit/rundir_choice tests':
        'stat64',
    'They end the program where the library is wrong': '__assert_fail',
}

# What compilers, sanitizers and coverage add.
ADDED = re.compile(r'_GLOBAL_OFFSET_TABLE_|__popcountdi2|__stack_chk_fail|'
                   r'__tls_get_addr|__(asan|ubsan|tsan|sanitizer|gcov|llvm|'
                   r'odr_asan|start|stop)_\w*|_Unwind_\w*|__sanitizer_\w*')


def symbols(kind):
    listed = subprocess.run(['nm', kind, ARCHIVE], check=True,
                            capture_output=True, text=True).stdout
    return {line.split()[-1] for line in listed.splitlines()
            if len(line.split()) > 1}


def called():
    names = symbols('--undefined-only') - symbols('--defined-only')
    # as _FORTIFY_SOURCE has them: __pread64_chk, __open64_2
    names = {re.sub(r'^__(\w+?)_(chk|2)$', r'\1', name) for name in names
             if not ADDED.fullmatch(name)}
    return {re.sub(r'^__isoc\d\d_', '', name) for name in names}


def wrapped():
    with open(CALLS, encoding='utf-8') as file:
        return set(re.findall(r'^CALL\([^,]*, *(\w+),', file.read(), re.M))


class Calls(unittest.TestCase):
    maxDiff = None
    harmless = {name for names in HARMLESS.values() for name in names.split()}

    def test_all_are_considered(self):
        self.assertTrue(called())
        self.assertEqual(called() - wrapped() - self.harmless, set())

    def test_none_is_listed_twice(self):
        self.assertEqual(wrapped() & self.harmless, set())

    def test_all_that_fail_are_called(self):
        # inlined or not: the same call
        self.assertEqual(wrapped() - called() - {'getline', '__getdelim'},
                         set())


if __name__ == '__main__':
    harness.main()
