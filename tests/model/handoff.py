# SPDX-License-Identifier: MIT
"""
The handoff, model-checked by Spin: the scenarios of spin/handoff.pml hold, and
with any one rule broken one of them fails. MODEL=full takes more frames,
subscribers and deaths, and hours less than a night.
"""
import os
import re
import shutil
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FULL = os.environ.get('MODEL') == 'full'

# name: what it is made of. `full` ones run with MODEL=full only.
SCENARIOS = {
    'latest': 'D0=LATEST B0=1 FRAMES=5',
    'latest, holds two': 'D0=LATEST B0=2 FRAMES=3',
    'latest, two loans': 'D0=LATEST B0=1 LOANS=2 FRAMES=4',
    'latest, keeps what it has': 'D0=LATEST B0=1 FRAMES=4 KEEP=1',
    'queue': 'D0=QUEUE B0=2 FRAMES=4',
    'queue, two loans': 'D0=QUEUE B0=2 LOANS=2 FRAMES=3',
    'queue, keeps what it has': 'D0=QUEUE B0=2 FRAMES=3 KEEP=1',
    'lossless': 'D0=LOSSLESS B0=2 FRAMES=3',
    'lossless, depth one': 'D0=LOSSLESS B0=1 FRAMES=4',
    'lossless, two loans': 'D0=LOSSLESS B0=2 LOANS=2 FRAMES=3',
    'lossless, keeps what it has': 'D0=LOSSLESS B0=2 FRAMES=3 KEEP=1',
    'latest, killed': 'D0=LATEST B0=1 FRAMES=3 DEATHS=1',
    'latest, both killed': 'D0=LATEST B0=1 FRAMES=2 DEATHS=2',
    'queue, killed': 'D0=QUEUE B0=2 FRAMES=3 DEATHS=1 MORTAL=4',
    'queue, both killed': 'D0=QUEUE B0=1 FRAMES=2 DEATHS=2',
    'lossless, killed': 'D0=LOSSLESS B0=1 FRAMES=2 DEATHS=1',
    'lossless, both killed': 'D0=LOSSLESS B0=1 FRAMES=2 DEATHS=2',
}


def defines(text):
    return [f'-D{part}' for part in text.split()]


class Checker:
    """Makes a verifier of a scenario and runs it."""

    def __init__(self, keep=None):
        self.directory = keep or tempfile.mkdtemp(prefix='zoetrope-model-')

    def run(self, text, optimise):
        """(the assertion that failed or '', states, what is wrong or '')."""
        def command(*words):
            return subprocess.run(words, cwd=self.directory, text=True,
                                  stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)

        made = command('spin', '-a', *defines(text),
                       os.path.join(HERE, 'spin', 'handoff.pml'))
        if made.returncode or 'Error' in made.stdout:
            return '', 0, made.stdout
        made = command('gcc', optimise, '-w', '-DSAFETY', '-DNOCLAIM',
                       '-DVECTORSZ=512', '-o', 'pan', 'pan.c')
        if made.returncode:
            return '', 0, made.stdout
        out = command('./pan', '-E', '-m200000', '-w23').stdout
        states = re.search(r'(\d+) states, stored', out)
        failed = re.search(r'assertion violated (.*) \(at depth', out)
        whole = re.search(r'errors: (\d+)', out)
        if not states or not whole or 'too small' in out or (
                whole[1] != '0' and not failed) or 'aborted' in out:
            return '', 0, out
        return (failed[1] if failed else ''), int(states[1]), ''
