# SPDX-License-Identifier: MIT
"""
mutants.py SOURCE CRASH CC...: does the crash test see what it is to see?

Builds the library again and again, each time broken on purpose in one place,
and runs the crash test with each: it has to fail. (And with the library as it
is, to pass.) Prints a line for each, then "N passed, N failed".

A mutant whose text is no longer found in the source fails: change it with the
source, or put another in its place.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

# What is broken: file, text, what stands there instead, the calls in whose
# deaths it shows, and the stride (an instruction that matters is one of
# hundreds).
MUTANTS = [
    ('a frame is offered before it is described',
     'core/loan.c',
     r'\tdescribe\(pub, slot, now\);\n((?:.*\n)*?)(\tzti_offer\(.*\n)',
     r'\1\2\tdescribe(pub, slot, now);\n',
     ['publish, withdrawing'], 5),
    ('latest: the old frame is withdrawn before the new one is offered',
     'core/offer.c',
     r'was = atomic_exchange_explicit\(&sub->page->offered.word, bit,\s*'
     r'memory_order_seq_cst\) & lent;',
     'was = atomic_exchange_explicit(&sub->page->offered.word, 0,\n'
     'memory_order_seq_cst) & lent;\n'
     'atomic_fetch_or_explicit(&sub->page->offered.word, bit,\n'
     'memory_order_seq_cst);',
     ['publish, withdrawing'], 1),
    ('queue: the oldest frame is withdrawn before the new one is offered',
     'core/offer.c',
     r'\(word & ~drop\) \| bit,\s*memory_order_seq_cst, '
     r'memory_order_relaxed\)\) \{',
     'word & ~drop, memory_order_seq_cst, memory_order_relaxed)) {\n'
     'atomic_fetch_or_explicit(offered, bit, memory_order_seq_cst);',
     ['publish, withdrawing'], 1),
    ('the slots of a subscriber that hung up are not given back',
     'core/attach.c',
     r'(void zti_subscription_remove\(.*\n\{\n)',
     r'\1\tif (pub)\n\t\treturn;\n',
     ['take as queue'], 20),
    ('a waiting loan is not told of a hang-up',
     'core/serve.c',
     r'(void zti_wake_loan\(.*\n\{\n)',
     r'\1\tif (pub)\n\t\treturn;\n',
     ['leave, the publisher waiting'], 50),
    ('the newest frame is offered to a joiner, but not lent to it',
     'core/attach.c',
     r'\tatomic_fetch_or_explicit\(&sub->lent, zti_bit\(slot\),\s*'
     r'memory_order_seq_cst\);\n',
     '',
     ['serve a leave, frame held'], 50),
    ('what was returned is counted again and again',
     'core/offer.c',
     r'atomic_exchange_explicit\(&sub->page->returned.word, 0,\s*'
     r'memory_order_acq_rel\)',
     'atomic_load_explicit(&sub->page->returned.word, '
     'memory_order_acquire)',
     ['take as latest'], 50),
    ('the connection of a peer that is gone stays open',
     'core/peer.c',
     r'\tclose\(peer->fd\);\n\tpeer->fd = -1;\n',
     '\tpeer->fd = -1;\n',
     ['take as queue'], 20),
    ('the page of a peer that is gone stays mapped',
     'core/peer.c',
     r'\t\tzti_memfd_backend.detach\(&peer->page\);\n',
     '',
     ['take as queue'], 20),
    ('a socket that a crash left in the making is in the way for ever',
     'os/socket.c',
     r'\tif \(unlinkat\(dirfd, made, 0\) < 0 && errno != ENOENT\)\n'
     r'\t\treturn -errno;\n',
     '',
     ['create'], 100),
    ('the epoch is written when the publisher is up, not before',
     'os/rundir.c',
     r'r = write_epoch\(fd, \+\+epoch\);',
     'epoch++;',
     ['publish, withdrawing'], 100),
    ('a subscriber that leaves with a frame held does not say so',
     'core/connection.c',
     r'(\t    atomic_load_explicit\(&conn->held, memory_order_relaxed\))\)\n'
     r'(\t\tzti_message_send)',
     r'\1 && false)\n\2',
     ['release as lossless, after leaving'], 100),
    ('queue: what was won is handed out without another look',
     'core/take.c',
     r'\t\t\tconn->pending \|= 1ULL << slot;\n',
     '\t\t\treturn deliver(conn, slot, sequence_of(conn, slot),\n'
     '\t\t\t\t       ret_frame);\n',
     ['take as queue; frames come'], 3),
    ('latest: a frame that was taken counts as withdrawn',
     'core/offer.c',
     r'(\twas = atomic_exchange_explicit\(&sub->page->offered.word, bit,\s*'
     r'memory_order_seq_cst\)) & lent;',
     r'\1 | lent;',
     ['publish, readers full'], 100),
    ('a joiner is not told of what is published as it joins',
     'core/attach.c',
     r'(\t\t\t\t\t memory_order_seq_cst\);\n)'
     r'\t\tif \(zti_phase_sequence\(get_phase\(pub\)\) ==\n'
     r'\t\t    zti_phase_sequence\(phase\)\) \{\n',
     r'\1\t\t{\n',
     ['serve a join as lossless; frames come'], 5),
    ('a joiner does not wait for a publish that is under way',
     'core/attach.c',
     r'\t\tif \(phase & 1\) \{\n\t\t\tsched_yield\(\);\n'
     r'\t\t\tcontinue;\n\t\t\}\n',
     '',
     ['publish; a reader joins as lossless',
      'publish; a reader joins as latest'], 2),
    ('what a publish is using is taken from under it',
     'core/attach.c',
     r'while \(\(seen & 1\) && get_phase\(pub\) == seen\)',
     'while (0)',
     ['publish; a reader dies as latest'], 5),
    ('a reconnecting subscriber counts sequences on from the old publisher',
     'core/connection.c',
     r'\tconn->last = first - 1;\n',
     '\tstatic uint64_t before;\n\tconn->last = first - 1 + before++ / 3;\n',
     ['publish, withdrawing'], 100),
]


def sources(source):
    return [os.path.join(directory, name)
            for part in ('core', 'memory', 'os')
            for directory, _, names in os.walk(
                os.path.join(source, 'src', part))
            for name in sorted(names) if name.endswith('.c')]


def build(source, cc, out):
    """Build the library of a source tree into the directory out."""
    soname = 'libzoetrope.so.0'
    subprocess.run(
        [*cc, '-shared', '-fPIC', '-O2', '-g', '-std=gnu11', '-D_GNU_SOURCE',
         '-w', '-fvisibility=hidden', '-I' + os.path.join(source, 'include'),
         '-I' + os.path.join(source, 'src'), *sources(source),
         '-Wl,-soname,' + soname,
         '-Wl,--version-script=' + os.path.join(source, 'src/zoetrope.map'),
         '-lpthread', '-o', os.path.join(out, soname)], check=True)


def mutate(source, pattern, old, new):
    """Break the source; False where there is nothing to break."""
    for path in sources(source):
        if not re.search('/' + pattern + '$', path):
            continue
        with open(path, encoding='utf-8') as file:
            text = file.read()
        changed, count = re.subn(old, new, text, count=1)
        if count:
            with open(path, 'w', encoding='utf-8') as file:
                file.write(changed)
            return True
    return False


def crash(program, library, calls, stride):
    """The crash test's exit status and what it said."""
    result = subprocess.run(
        [program, '-s', str(stride), *calls], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, 'LD_LIBRARY_PATH': library})
    return result.returncode, result.stdout


def first_violation(said):
    for line in said.splitlines():
        if line.startswith('violation: '):
            return line[len('violation: '):]
    return said.strip().splitlines()[-1]


def try_mutant(mutant, source, program, cc):
    name, pattern, old, new, calls, stride = mutant
    with tempfile.TemporaryDirectory(prefix='zoetrope-mutant-') as work:
        copy = os.path.join(work, 'source')
        for part in ('include', 'src'):
            shutil.copytree(os.path.join(source, part),
                            os.path.join(copy, part))
        if pattern and not mutate(copy, pattern, old, new):
            print(f'STALE   {name}: its text is not in the source')
            return False
        build(copy, cc, work)
        status, said = crash(program, work, calls, stride)
        if not pattern:
            print(f'{"passes" if status == 0 else "FAILS "}  {name}')
            if status:
                print(said)
            return status == 0
        print(f'{"seen   " if status == 1 else "MISSED "} {name}')
        print(f'        {first_violation(said)}', flush=True)
        return status == 1


def main():
    source, program, *cc = sys.argv[1:]
    as_it_is = ('the library as it is', None, '', '',
                sorted({call for mutant in MUTANTS for call in mutant[4]}),
                100)
    results = [try_mutant(mutant, source, program, cc)
               for mutant in [as_it_is, *MUTANTS]]
    passed = sum(results)
    print(f'{passed} passed, {len(results) - passed} failed')
    sys.exit(passed != len(results))


if __name__ == '__main__':
    main()
