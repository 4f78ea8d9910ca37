/* The live line on a terminal, plain lines elsewhere. */
#include "harness/cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"

void progress_init(struct progress *progress, bool quiet)
{
    const char *term = secure_getenv("TERM");
    *progress = (struct progress){.quiet = quiet};
    progress->live = !quiet && isatty(STDERR_FILENO) && !str_eq(term, "dumb");
    progress->colour = isatty(STDOUT_FILENO) && !secure_getenv("NO_COLOR");
    for (int i = 0; i < SPARK_SECONDS; i++) {
        progress->spark[i] = -1;
    }
}

static void add_spark(struct progress *progress, const struct engine_progress *now)
{
    long long second = now->elapsed_ns / NS_PER_S;
    uint64_t all = now->ok_per_second + now->failed_per_second;
    if (second == progress->spark_second) {
        return;
    }
    progress->spark_second = second;
    memmove(progress->spark, progress->spark + 1, sizeof(progress->spark) - sizeof(progress->spark[0]));
    progress->spark[SPARK_SECONDS - 1] = all ? (int)(now->ok_per_second * 7 / all) : -1;
}

static void draw_spark(const struct progress *progress)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    for (int i = 0; i < SPARK_SECONDS; i++) {
        fputs(progress->spark[i] < 0 ? " " : bars[progress->spark[i]], stderr);
    }
}

static void draw_live(struct progress *progress, const struct engine_progress *now)
{
    add_spark(progress, now);
    fprintf(stderr, "\r\033[K%5.1fs  %-18s ", (double)now->elapsed_ns / NS_PER_S, now->phase);
    draw_spark(progress);
    fprintf(stderr, " %llu ok/s %llu failed/s", (unsigned long long)now->ok_per_second,
            (unsigned long long)now->failed_per_second);
    if (now->left_ns > 0) {
        fprintf(stderr, "  %.0fs left", (double)now->left_ns / NS_PER_S);
    }
    fprintf(stderr, "%s%s", *now->in_force ? "  in force: " : "  ", *now->in_force ? now->in_force : now->detail);
    fflush(stderr);
    progress->drawn = true;
}

static void print_line(struct progress *progress, const struct engine_progress *now)
{
    if (!str_eq(progress->last_phase, now->phase)) {
        fprintf(stderr, "%7.1fs  %s%s%s\n", (double)now->elapsed_ns / NS_PER_S, now->phase, *now->detail ? ": " : "",
                now->detail);
        (void)str_copy(progress->last_phase, sizeof(progress->last_phase), now->phase);
    }
}

void progress_show(void *context, const struct engine_progress *now)
{
    struct progress *progress = context;
    if (progress->live) {
        draw_live(progress, now);
    } else if (!progress->quiet) {
        print_line(progress, now);
    }
}

void progress_end(struct progress *progress)
{
    if (progress->drawn) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->drawn = false;
    }
}
