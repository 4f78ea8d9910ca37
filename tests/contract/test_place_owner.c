/* The world and its owner: held by another process, attached to, taken along by its death; and what refuses to make one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "tests/support/in_world.h"

/* ---- a world that another process holds ---- */

struct held {
    pid_t owner, world;
    uint64_t start_ticks;
};

static _Noreturn void be_owner(int tell_fd)
{
    struct fixture fixture = {0};
    struct held held = {.owner = getpid()};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (start(&fixture, 20 * NS_PER_MS, 0) == 0) {
        held.world = world_pid(fixture.world);
        held.start_ticks = world_start_ticks(fixture.world);
    }
    (void)!write(tell_fd, &held, sizeof(held));
    for (;;) {
        (void)pause();
    }
}

static struct held have_it_held(void)
{
    struct held held = {0};
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t owner = fork();
    if (owner == 0) {
        be_owner(ends[1]);
    }
    assert_int_equal(read(ends[0], &held, sizeof(held)), sizeof(held));
    assert_true(held.world > 0);
    fd_close(ends[0]);
    fd_close(ends[1]);
    return held;
}

/* Attaches, has agents in it that do not go by themselves, lets the owner be killed: nothing stays. */
static void a_killed_owner_takes_everything_along(void **state)
{
    (void)state;
    struct held held = have_it_held();
    struct world *world = NULL;
    struct err err = {0};
    int lost = 0;
    struct place *place = NULL;
    assert_int_equal(world_attach(held.world, held.start_ticks + 1, &world, &err), -ERR_STATE);
    assert_int_equal(world_attach(held.world, held.start_ticks, &world, &err), 0);
    struct places *places = places_new(&indifferent, &lost);
    assert_int_equal(places_add_netns(places, world, "client", &(struct place_settings){0}, &place, &err), 0);
    assert_int_equal(place_call(place, "deaf", NULL, 50 * NS_PER_MS, NULL, &err), -ERR_TIMEOUT);
    struct pollfd gone = {.fd = world_pidfd(world), .events = POLLIN};
    assert_int_equal(poll(&gone, 1, 0), 0);
    assert_int_equal(kill(held.owner, SIGKILL), 0);
    assert_int_equal(waitpid(held.owner, NULL, 0), held.owner);
    assert_int_equal(poll(&gone, 1, PATIENCE_MS), 1);
    assert_int_equal(places_step(places, clock_now_ns() + PATIENCE_MS * NS_PER_MS, -1, &err), 0);
    assert_false(place_is_alive(place));
    assert_int_equal(lost, 1);
    assert_int_equal(world_attach(held.world, held.start_ticks, &(struct world *){0}, &err), -ERR_STATE);
    places_free(places);
    world_stop(world);
}

static void letting_go_leaves_an_attached_world(void **state)
{
    (void)state;
    struct held held = have_it_held();
    struct world *world = NULL;
    struct err err = {0};
    assert_int_equal(world_attach(held.world, held.start_ticks, &world, &err), 0);
    assert_int_equal(world_pid(world), held.world);
    int pidfd = fcntl(world_pidfd(world), F_DUPFD_CLOEXEC, 3);
    struct fixture as_built = {0};
    assert_int_equal(start(&as_built, 0, 0), 0);
    assert_int_equal(world_is_emulated(world), world_is_emulated(as_built.world)); /* the same kernel */
    world_stop(as_built.world);
    world_stop(world);
    struct pollfd gone = {.fd = pidfd, .events = POLLIN};
    assert_int_equal(poll(&gone, 1, 100), 0);
    assert_int_equal(kill(held.owner, SIGKILL), 0);
    assert_int_equal(waitpid(held.owner, NULL, 0), held.owner);
    assert_int_equal(poll(&gone, 1, PATIENCE_MS), 1);
    fd_close(pidfd);
}

/* ---- refusals, made true inside of a world, where one may ---- */

static int refused_for_want_of_namespaces(void)
{
    struct err err = {0};
    if (world_supported(&err) < 0) {
        return 1; /* a world within a world is fine before */
    }
    if (fd_write_file("/proc/sys/user/max_user_namespaces", "0", &err) < 0) {
        return 2;
    }
    return world_supported(&err) != -ERR_UNSUPPORTED ? 3 : strstr(err.text, "sysctl user.max_user_namespaces=") ? 0 : 4;
}

static int refused_in_a_chroot(void)
{
    struct err err = {0};
    if (mkdir("/run/drill/state/proc", 0755) < 0 || mount("proc", "/run/drill/state/proc", "proc", 0, NULL) < 0 ||
        chroot("/run/drill/state") < 0 || chdir("/") < 0) {
        return 1;
    }
    return world_supported(&err) != -ERR_UNSUPPORTED ? 2 : strstr(err.text, "chroot") ? 0 : 3;
}

static void a_refusal_says_what_to_do(void **state)
{
    (void)state;
    struct fixture fixture = {0};
    assert_int_equal(start(&fixture, 0, 0), 0);
    assert_int_equal(IN_WORLD(fixture.world, refused_in_a_chroot()), 0);
    assert_int_equal(IN_WORLD(fixture.world, refused_for_want_of_namespaces()), 0); /* for good, in this world */
    world_stop(fixture.world);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_owner_takes_everything_along),
        cmocka_unit_test(letting_go_leaves_an_attached_world),
        cmocka_unit_test(a_refusal_says_what_to_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return in_world_main(argc, argv, run);
}
