/* An agent for tests of the controller's side: answers properly, and misbehaves when it is asked to. */
#ifndef DRILL_TESTS_SUPPORT_SMALL_AGENT_H
#define DRILL_TESTS_SUPPORT_SMALL_AGENT_H

/* Its clock is this much ahead of CLOCK_MONOTONIC. */
#define SMALL_AGENT_AHEAD_NS (5 * 1000000000LL)

/* Serves standard input and output until the input ends; returns the exit status.
 *
 *   hello ping exit   as every agent
 *   echo              answers with its parameters
 *   fail              answers with an error: code "state", "not now"
 *   ignore            never answers
 *   status            answers with heartbeats (how many came), fds (how many are open), place
 *   emit              notifies `event` with t_ns of its clock and kind "mark", then answers
 *   big               answers with `size` letters
 *   say               prints `line` as it is, does not answer
 *   deaf              reads no more, until it is killed
 *   stubborn          answers, then stays when its input ends
 *   die               kills itself
 *   leave             exits with `status` */
int small_agent_main(void);

#endif
