# SPDX-License-Identifier: MIT
"""
The benchmark works: it measures all that it promises, its figures are figures,
and what it copies is checked. How fast it goes is nobody's to say here.
"""
import json
import os
import unittest

import harness

HANDOFF = os.path.join(os.environ['ZT_EXAMPLES'], '../bench/handoff')
BESIDE = {      # the limits that the aims are set against
    'spin_handoff': 'spin_line', 'wake_handoff': 'wake_eventfd',
    'rate_1_64': 'rate_line', 'copy_stream': 'copy_shared',
    'set_stream': 'set_shared',
}


@unittest.skipUnless(os.path.exists(HANDOFF), 'the benchmarks are not built')
@unittest.skipIf(len(os.sched_getaffinity(0)) < 2, 'needs two processors')
class Bench(harness.Case):
    limit = 120

    def handoff(self, *arguments, status=0):
        return self.finish(self.start(HANDOFF, *arguments), status)

    def test_measures_everything(self):
        table = self.handoff('--quick', '--json', 'figures.json').out
        with open('figures.json', encoding='utf-8') as file:
            figures = json.load(file)
        self.assertEqual(len(figures['measures']), 25)
        for name, measure in figures['measures'].items():
            self.assertEqual(len(measure['rounds']), 2, name)
            self.assertTrue(all(ns > 0 for ns in measure['rounds']), name)
            self.assertLessEqual(measure['least'], measure['ns'], name)
            self.assertLessEqual(measure['ns'], measure['most'], name)
        self.check_ratios(figures)
        self.assertIn('| bare cache line, one way |', table)
        self.assertIn('| handoff / bare cache line, one way (time) |', table)

    def check_ratios(self, figures):
        """Ratios are of the same round, and judged as they say."""
        aims = {(ratio['measure'], ratio['beside']): ratio
                for ratio in figures['ratios']}
        for name, beside in BESIDE.items():
            ratio = aims[name, beside]
            own = figures['measures'][name]['rounds']
            other = figures['measures'][beside]['rounds']
            values = sorted(b / a if ratio['of'] == 'speed' else a / b
                            for a, b in zip(own, other))
            self.assertAlmostEqual(ratio['ratio'], sum(values) / 2, 1)
            self.assertEqual(ratio['met'], ratio['ratio'] >= ratio['aim']
                             if ratio['of'] == 'speed' else
                             ratio['ratio'] <= ratio['aim'])

    def test_measures_a_part(self):
        table = self.handoff('--quick', '--only', 'wake_eventfd').out
        self.assertIn('| bare eventfd, one way |', table)
        self.assertNotIn('1080p', table)

    def test_busy_for_strace(self):
        self.assertIn('5000 frames', self.handoff('--busy', '5000').out)

    def test_refuses_what_it_does_not_know(self):
        for wrong in (['--rounds', 'many'], ['--rounds', '0'],
                      ['--cpus', '1'], ['--frames'], ['quick']):
            self.assertTrue(self.handoff(*wrong, status=2).err)


if __name__ == '__main__':
    harness.main()
