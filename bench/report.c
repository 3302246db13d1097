/* SPDX-License-Identifier: MIT */
/* See report.h. */
#include "report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <zoetrope/version.h>

struct spread {
	double least, median, most;
};

static struct spread spread_of(const double *values, unsigned int count)
{
	double sorted[ROUNDS_MAX];
	struct spread spread;

	memcpy(sorted, values, count * sizeof(*values));
	spread.median = median(sorted, count);
	spread.least = sorted[0];
	spread.most = sorted[count - 1];
	return spread;
}

static unsigned int measure_count(const struct results *results)
{
	return results->groups[results->group_count - 1].end;
}

static unsigned int find(const struct results *results, const char *name)
{
	unsigned int i = 0;

	while (strcmp(results->measures[i].name, name) != 0)
		i++;
	return i;
}

/* Round by round, then the median: what slows a round slows both. */
static struct spread ratio_of(const struct results *results,
			      const struct aim *aim)
{
	const double *own = results->values[find(results, aim->measure)];
	const double *other = results->values[find(results, aim->beside)];
	double ratios[ROUNDS_MAX] = { 0 };

	for (unsigned int i = 0; i < results->rounds; i++)
		if (own[i] > 0 && other[i] > 0)
			ratios[i] = aim->ratio == RATIO_COST ?
				own[i] / other[i] : other[i] / own[i];
	return spread_of(ratios, results->rounds);
}

static int met(const struct aim *aim, double ratio)
{
	return aim->ratio == RATIO_COST ? ratio <= aim->limit :
					  ratio >= aim->limit;
}

static void print_row(const struct group *group, const char *text,
		      struct spread ns)
{
	double gigabytes = (double)FRAME_BYTES;

	switch (group->unit) {
	case UNIT_NS:
		printf("| %s | %.0f | %.0f | %.0f |\n", text, ns.median,
		       ns.least, ns.most);
		break;
	case UNIT_RATE:
		printf("| %s | %.2f | %.2f | %.2f |\n", text, 1e3 / ns.median,
		       1e3 / ns.most, 1e3 / ns.least);
		break;
	case UNIT_FRAMES:
		printf("| %s | %.0f | %.0f | %.0f | %.2f |\n", text,
		       1e9 / ns.median, 1e9 / ns.most, 1e9 / ns.least,
		       gigabytes / ns.median);
	}
}

static void print_group(const struct results *results,
			const struct group *group)
{
	static const char *const units[] = {
		[UNIT_NS] = "ns",
		[UNIT_RATE] = "million/s",
		[UNIT_FRAMES] = "frames/s",
	};
	int frames = group->unit == UNIT_FRAMES;

	printf("\n| %s | %s | least | most |%s\n|---|---:|---:|---:|%s\n",
	       group->title, units[group->unit], frames ? " GB/s |" : "",
	       frames ? "---:|" : "");
	for (unsigned int i = group->first; i < group->end; i++)
		if (results->values[i][0] > 0)
			print_row(group, results->measures[i].text,
				  spread_of(results->values[i],
					    results->rounds));
	if (group->note)
		printf("\n%s\n", group->note);
}

static int measured(const struct results *results, const struct group *group)
{
	for (unsigned int i = group->first; i < group->end; i++)
		if (results->values[i][0] > 0)
			return 1;
	return 0;
}

static void print_aim(const struct results *results, const struct aim *aim)
{
	const struct measure *measures = results->measures;
	struct spread ratio = ratio_of(results, aim);
	char wanted[32] = "";

	if (ratio.median <= 0)
		return;
	if (aim->limit > 0)
		snprintf(wanted, sizeof(wanted), "%s %.2f: %s",
			 aim->ratio == RATIO_COST ? "≤" : "≥", aim->limit,
			 met(aim, ratio.median) ? "met" : "**missed**");
	printf("| %s / %s (%s) | %.2f | %.2f | %.2f | %s |\n",
	       measures[find(results, aim->measure)].text,
	       measures[find(results, aim->beside)].text,
	       aim->ratio == RATIO_COST ? "time" : "speed", ratio.median,
	       ratio.least, ratio.most, wanted);
}

void report_table(const struct results *results)
{
	printf("zoetrope %s: two processes on processors %d and %d, medians of %u rounds\n",
	       ZT_VERSION_TEXT, results->cpus[0], results->cpus[1],
	       results->rounds);
	for (unsigned int i = 0; i < results->group_count; i++)
		if (measured(results, &results->groups[i]))
			print_group(results, &results->groups[i]);
	printf("\n| Ratio, within a round | median | least | most | aim |\n"
	       "|---|---:|---:|---:|---|\n");
	for (unsigned int i = 0; i < results->aim_count; i++)
		print_aim(results, &results->aims[i]);
}

static void json_measure(FILE *file, const struct results *results,
			 unsigned int index)
{
	const double *values = results->values[index];
	struct spread spread = spread_of(values, results->rounds);

	fprintf(file, "    \"%s\": {\"ns\": %.2f, \"least\": %.2f, ",
		results->measures[index].name, spread.median, spread.least);
	fprintf(file, "\"most\": %.2f, \"rounds\": [", spread.most);
	for (unsigned int i = 0; i < results->rounds; i++)
		fprintf(file, "%s%.2f", i ? ", " : "", values[i]);
	fputs("]}", file);
}

static void json_aim(FILE *file, const struct results *results,
		     const struct aim *aim)
{
	struct spread ratio = ratio_of(results, aim);

	fprintf(file, "    {\"measure\": \"%s\", \"beside\": \"%s\", ",
		aim->measure, aim->beside);
	fprintf(file, "\"of\": \"%s\", ",
		aim->ratio == RATIO_COST ? "time" : "speed");
	fprintf(file, "\"ratio\": %.4f, \"least\": %.4f, \"most\": %.4f",
		ratio.median, ratio.least, ratio.most);
	if (aim->limit > 0)
		fprintf(file, ", \"aim\": %.2f, \"met\": %s", aim->limit,
			met(aim, ratio.median) ? "true" : "false");
	fputs("}", file);
}

int report_json(const struct results *results, const char *path)
{
	FILE *file = fopen(path, "w");
	const char *comma = "\n";
	int failed;

	if (!file)
		die(path, -errno, NULL);
	fprintf(file, "{\n  \"version\": \"%s\",\n  \"rounds\": %u,\n",
		ZT_VERSION_TEXT, results->rounds);
	fprintf(file, "  \"processors\": [%d, %d],\n  \"measures\": {",
		results->cpus[0], results->cpus[1]);
	for (unsigned int i = 0; i < measure_count(results); i++) {
		if (results->values[i][0] <= 0)
			continue;
		fputs(comma, file);
		json_measure(file, results, i);
		comma = ",\n";
	}
	fputs("\n  },\n  \"ratios\": [", file);
	comma = "\n";
	for (unsigned int i = 0; i < results->aim_count; i++) {
		if (ratio_of(results, &results->aims[i]).median <= 0)
			continue;
		fputs(comma, file);
		json_aim(file, results, &results->aims[i]);
		comma = ",\n";
	}
	fputs("\n  ]\n}\n", file);
	failed = ferror(file);
	if (fclose(file) || failed)
		die(path, -EIO, NULL);
	return 0;
}
