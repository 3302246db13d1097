# SPDX-License-Identifier: MIT
"""
demo --command PATH [--out DIR] [--seconds N] [VIDEO]

A stream and its readers on stage: one that takes every frame, one that is too
slow, one that is killed, and a publisher that is killed too. Then the account
of every frame. Exit 0: it adds up; 1: it does not, or something failed; 2:
what was asked for cannot be had.
"""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import asdict

import video
from account import Account
from players import Failed
from stage import STREAM, Stage

PICTURES = ('slow', 'mortal-1', 'mortal-2')


class Unavailable(Exception):
    """What was asked for cannot be had."""


def parse():
    parser = argparse.ArgumentParser(
        prog='run_demo.sh', description='A stream, and readers and a '
        'publisher of it that are killed; then the account of every frame.')
    parser.add_argument('--command', help=argparse.SUPPRESS, required=True)
    parser.add_argument('--out', default='demo-out', help=argparse.SUPPRESS)
    parser.add_argument('--seconds', type=float, default=20, metavar='N',
                        help='about how long it plays (default 20)')
    parser.add_argument('video', nargs='?', metavar='VIDEO',
                        help='a video to publish (default: a test picture)')
    options = parser.parse_args()
    if not 1 <= options.seconds <= 3600:
        parser.error('--seconds is to be between 1 and 3600')
    return options


def prepare(options):
    """Check what was asked for; clear away the last demo's pictures."""
    if options.video:
        if not os.path.isfile(options.video):
            raise Unavailable(f'there is no file {options.video}')
        # from the root: no name is taken for a protocol of ffmpeg's then
        given, options.video = options.video, os.path.abspath(options.video)
        if fault := video.why_not(options.video):
            raise Unavailable(f'ffmpeg cannot read {given}: {fault}')
    options.out = os.path.abspath(options.out)
    try:
        os.makedirs(options.out, exist_ok=True)
        for name in PICTURES:
            path = os.path.join(options.out, name)
            if os.path.exists(path):
                shutil.rmtree(path)
            os.mkdir(path)
    except OSError as error:
        raise Unavailable(f'cannot leave pictures in {options.out}: '
                          f'{error.strerror}') from error


def thin_out(out):
    """Keep about ten pictures of each process, and count them."""
    kept = 0
    for name in PICTURES:
        directory = os.path.join(out, name)
        files = sorted(os.listdir(directory))
        step = max(1, len(files) // 10)
        for index, file in enumerate(files):
            # one with a dot was not finished: its writer was killed
            if index % step or file.startswith('.'):
                os.unlink(os.path.join(directory, file))
            else:
                kept += 1
    return kept


def conclude(stage, options):
    """Show the account. Returns whether it is right."""
    account = Account(options.out, stage.summaries())
    taken = [account.taken('fast', number) for number in (1, 2)]
    faults = [*account.faults(stage.seen), *stage.faults(taken)]
    with open(os.path.join(options.out, 'account.json'), 'w',
              encoding='utf-8') as file:
        json.dump({'rows': [asdict(row) for row in account.rows],
                   'faults': faults}, file, indent=2)
        file.write('\n')
    print('', *account.table(), '', sep='\n')
    for fault in faults:
        print(f'WRONG: {fault}')
    if not faults:
        how = ('came out byte for byte as they went in' if options.video else
               'were right in every pixel')
        print('Every frame is accounted for:\n'
              '  published = taken + dropped + away + still offered.\n'
              f'The {sum(taken)} frames that fast took {how}.\n'
              f'Nothing is left behind but {STREAM}.lock, which counts the '
              'publishers.')
    print(f'{thin_out(options.out)} of the pictures are in {options.out}.')
    return not faults


def perform(options):
    with tempfile.TemporaryDirectory(prefix='zoetrope-demo-') as place:
        os.environ['ZOETROPE_DIR'] = os.path.join(place, 'run')
        os.mkdir(os.environ['ZOETROPE_DIR'], 0o700)
        stage = Stage(options, place)
        try:
            stage.run()
            return 0 if conclude(stage, options) else 1
        finally:
            stage.put_away()


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    try:
        options = parse()
        prepare(options)
        return perform(options)
    except Unavailable as fault:
        status, why = 2, fault
    except Failed as fault:
        status, why = 1, fault
    except KeyboardInterrupt:
        status, why = 1, 'interrupted'
    print(f'run_demo.sh: {why}', file=sys.stderr)
    return status


if __name__ == '__main__':
    sys.exit(main())
