# SPDX-License-Identifier: MIT
"""
mutants.py SOURCE SOAK CC...: does the soak see what it is to see?

Builds the library again and again, each time broken on purpose in one place,
and runs the soak with each, until it finds something: it has to. (And with the
library as it is, nothing.) Prints a line for each, then "N passed, N failed".

A mutant whose text is no longer found in the source fails: change it with the
source, or put another in its place.
"""
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile

SECONDS = 60        # a mutant gets; most are found in the first few

# What is broken: file, text, what stands there instead; and what the soak
# should call it (any of these).
MUTANTS = [
    ('a slot that somebody has is written again',
     'core/pick.c',
     r'if \(!\(lent & bit\)\)\n',
     'if (lent != 1)\n',
     ['pixels', 'order', 'eviction', 'account']),
    ('the retained frame is offered to a joiner, but not lent to it',
     'core/attach.c',
     r'\tatomic_fetch_or_explicit\(&sub->lent, zti_bit\(slot\),\s*'
     r'memory_order_seq_cst\);\n',
     '',
     ['pixels', 'order', 'account', 'holdings']),
    ('the slots of a subscriber that hung up are not given back',
     'core/attach.c',
     r'\tatomic_fetch_and_explicit\(&pub->holding, ~zti_bit\(index\),\s*'
     r'memory_order_seq_cst\);\n(\tzti_quiesce)',
     r'\1',
     ['holdings', 'progress', 'processes']),
    ('a waiting loan is not told of what comes back',
     'core/serve.c',
     r'(void zti_wake_loan\(.*\n\{\n)',
     r'\1\tif (pub)\n\t\treturn;\n',
     ['waking', 'processes']),
    ('a subscriber that sleeps is not told of a frame',
     'core/offer.c',
     r'\tif \(sleeping\)\n\t\twake\(pub, sleeping\);\n',
     '\tif (sleeping & (sleeping - 1))\n\t\twake(pub, sleeping);\n',
     ['waking']),
    ('a subscriber that sleeps is not told of what the service offers',
     'core/attach.c',
     r'if \(!joining && atomic_exchange_explicit',
     'if (0 && atomic_exchange_explicit',
     ['waking']),
    ('frames in new memory are not made good when it is known',
     'core/join.c',
     r'(static void catch_up\(.*\n\{\n(?:.*\n)*?)(\tif \(peer->state)',
     r'\1\tif (sub)\n\t\treturn;\n\2',
     ['waking', 'account']),
    ('a queue gives its newest frame first',
     'core/take.c',
     r'if \(sequence > conn->last && sequence < best\) \{',
     'if (sequence > conn->last && (best == UINT64_MAX || '
     'sequence > best)) {',
     ['order', 'account', 'waking', 'bequest']),
    ('a queue that is full drops the new frame, not the oldest',
     'core/offer.c',
     r'\t\tif \(!waiting\)\n\t\t\treturn;\n',
     '\t\tif (waiting || !waiting)\n\t\t\treturn;\n',
     ['waking', 'bequest', 'account']),
    ('what is withdrawn from a latest subscriber is not counted',
     'core/offer.c',
     r'(harvest\(sub\);\n)\tcount\(&sub->withdrawn_count, '
     r'zti_count\(was\)\);\n(\tcount\(&sub->offered_count)',
     r'\1\2',
     ['account']),
    ('one drop too few is told to the subscriber',
     'core/take.c',
     r'taken->frame.dropped = sequence - conn->last - 1;',
     'taken->frame.dropped = sequence - conn->last - 1;\n'
     '\tif (taken->frame.dropped > 3)\n\t\ttaken->frame.dropped--;',
     ['account']),
    ('what is held is counted before what came back',
     'core/offer.c',
     r'\tharvest\(sub\);\n(\tcount\(&sub->withdrawn_count, zti_count\(was\)'
     r'\);\n(?:.*\n)*?\t\tcut_off\(pub, index\);\n)',
     r'\1\tharvest(sub);\n',
     ['eviction', 'calls']),
    ('an eviction takes what the subscriber holds',
     'core/offer.c',
     r'(&pub->to_evict, zti_bit\(index\),\s*memory_order_release\);\n)',
     r'\1\tset_lent(sub, 0);\n',
     ['pixels', 'account', 'holdings']),
    ('a lossless subscriber is evicted long before its time',
     'core/wait.c',
     r'if \(\(uint64_t\)\(now - since\) >= after\)',
     'if ((uint64_t)(now - since) >= after / 20)',
     ['eviction']),
    ('the time that a lossless subscriber is in the way is never set back',
     'core/pick.c',
     r'\t\t\tsub->blocking_since = 0;',
     '\t\t\t;',
     ['eviction']),
    ('memory is retired while frames in it are held',
     'core/segments.c',
     r'\tin_use \|= zti_lent\(pub\);\n',
     '',
     ['pixels', 'processes', 'calls', 'account', 'holdings', 'order']),
    ('memory that frames have outgrown is never given back',
     'core/segments.c',
     r'(static void free_segment\(.*\n\{\n)'
     r'(\tpub->memory_used -= seg->memory.size;\n)'
     r'\tzti_memfd_backend.detach\(&seg->memory\);\n',
     r'\1\2',
     ['holdings']),
    ('a subscriber keeps retired memory mapped',
     'core/connection.c',
     r'\t\tzti_memory_backend\(conn->segments\[id\].kind\)\s*'
     r'->detach\(&conn->segments\[id\]\);\n',
     '\t\tconn->segments[id].address = NULL;\n',
     ['holdings']),
    ('the connection of a peer that is gone stays open',
     'core/peer.c',
     r'\tclose\(peer->fd\);\n\tpeer->fd = -1;\n',
     '\tpeer->fd = -1;\n',
     ['holdings', 'eviction', 'waking', 'processes']),
    ('a reader trusts its last description of a slot',
     'core/take.c',
     r'now.format_serial != taken->format_serial',
     'now.segment != taken->segment',
     ['pixels', 'calls']),
    ('the end of a stream withdraws what was not taken',
     'core/attach.c',
     r'if \(sub->page && !pub->ending\)',
     'if (sub->page)',
     ['bequest', 'account', 'calls', 'eviction']),
    ('a subscriber leaves a dead publisher without looking for its last frames',
     'core/subscriber.c',
     r'\tif \(conn->error\)\n\t\treturn ended\(sub\);\n',
     '\tif (conn->error || conn->state != ZTI_CONNECTION_STARTED)\n'
     '\t\treturn ended(sub);\n',
     ['bequest', 'calls', 'account']),
    ('the next publisher has the epoch of the last',
     'os/rundir.c',
     r'\tr = write_epoch\(fd, epoch\);\n',
     '\tr = 0;\n',
     ['order', 'account', 'eviction', 'pixels']),
    ('a subscriber does not look whether its stream has come back',
     'core/seek.c',
     r'IN_CREATE \| IN_MOVED_TO\)',
     'IN_DELETE_SELF)\n',
     None),     # the timer makes up for it: see below
    ('a subscriber neither watches for its stream nor looks now and then',
     'core/seek.c',
     r'IN_CREATE \| IN_MOVED_TO\);((?:.*\n)*?)'
     r'\treturn zti_watch_fd\(sub, sub->timer_fd\);',
     r'IN_DELETE_SELF);\1\treturn 0;',
     ['waking']),
    ('min_interval is forgotten',
     'core/offer.c',
     r'if \(sub->min_interval_ns && sub->last_offer_ns &&',
     'if (sub->min_interval_ns > 59000000 && sub->last_offer_ns &&',
     ['order']),
    ('zt_publish_copy takes the rows of the slot for those of the buffer',
     'core/copy.c',
     r'data \+ y \* from_stride, bytes',
     'data + y * (from_stride < bytes + 8 ? bytes : to_stride), bytes',
     ['pixels', 'processes']),
    ('a frame is offered before it is described',
     'core/loan.c',
     r'\tdescribe\(pub, slot, now\);\n((?:.*\n)*?)(\tzti_offer\(.*\n)',
     r'\1\2\tdescribe(pub, slot, now);\n',
     ['pixels', 'order', 'account', 'waking', 'calls', 'eviction']),
    ('what was returned is counted again and again',
     'core/offer.c',
     r'atomic_exchange_explicit\(&sub->page->returned.word, 0,\s*'
     r'memory_order_acq_rel\)',
     'atomic_load_explicit(&sub->page->returned.word, '
     'memory_order_acquire)',
     ['pixels', 'order', 'account', 'holdings', 'calls']),
    ('a subscriber that leaves with a frame held does not say so',
     'core/connection.c',
     r'(\t    atomic_load_explicit\(&conn->held, memory_order_relaxed\))\)\n'
     r'(\t\tzti_message_send)',
     r'\1 && false)\n\2',
     ['progress', 'eviction', 'holdings', 'account', 'processes', 'pixels']),
]
MUTANTS = [mutant for mutant in MUTANTS if mutant[4]]


def crash_mutants(source):
    """What the crash test has for breaking and building the library."""
    path = os.path.join(source, 'tests/crash/mutants.py')
    spec = importlib.util.spec_from_file_location('crash_mutants', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def soak(program, library, seconds):
    """The soak's exit status and what it said."""
    result = subprocess.run(
        [program, '--seconds', str(seconds), '--seed', '1', '--enough', '1'],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env={**os.environ, 'LD_LIBRARY_PATH': library})
    return result.returncode, result.stdout


def violations(said):
    return [line.removeprefix('# violation ') for line in said.splitlines()
            if line.startswith('# violation ')]


def judge(mutant, status, said):
    """Whether all is as it has to be; prints what was."""
    name, pattern, _, _, expected = mutant
    found = violations(said)
    if not pattern:
        print(f'{"passes" if status == 0 else "FAILS "}  {name}')
        if status:
            print(said)
        return status == 0
    seen = status == 1 and found
    kind = found[0].split(': ')[1] if seen else ''
    print(f'{"seen   " if seen else "MISSED "} {name}'
          f'{"" if not seen or kind in expected else " (as another)"}')
    print(f'        {found[0][:300] if found else said[-300:]}', flush=True)
    return bool(seen)


def try_mutant(mutant, source, program, tools, cc):
    name, pattern, old, new, _ = mutant
    with tempfile.TemporaryDirectory(prefix='zoetrope-mutant-') as work:
        copy = os.path.join(work, 'source')
        for part in ('include', 'src'):
            shutil.copytree(os.path.join(source, part),
                            os.path.join(copy, part))
        if pattern and not tools.mutate(copy, pattern, old, new):
            print(f'STALE   {name}: its text is not in the source')
            return False
        tools.build(copy, cc, work)
        return judge(mutant, *soak(program, work, SECONDS))


def main():
    source, program, *cc = sys.argv[1:]
    tools = crash_mutants(source)
    as_it_is = ('the library as it is', None, '', '', [])
    results = [try_mutant(mutant, source, program, tools, cc)
               for mutant in [as_it_is, *MUTANTS]]
    passed = sum(results)
    print(f'{passed} passed, {len(results) - passed} failed')
    sys.exit(passed != len(results))


if __name__ == '__main__':
    main()
