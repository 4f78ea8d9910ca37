-- Lose a region and see who is told, and when.
--
-- Prometheus scrapes every gateway and probes the API, Alertmanager holds what fires. us-east goes dark: "the region is down" must fire
-- within ten seconds, traffic moves to another region and that must be told too; failed answers may be told, since writes fail there until it
-- has a primary; and nothing else may fire: an alert that cries for every fault tells nobody what is wrong. An alert that stays silent and one
-- that fires without cause are both findings.
--
--   drill scenarios/monitoring.lua
return drill {
  title      = "Lose us-east: who is told, and when",
  why        = "A failover that nobody hears of is found by the customers of the second one.",
  usual      = "75s",
  topology   = "topologies/monitored.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "10s" },
  alerts     = { "alert RegionDown", "alert TrafficMoved" },
  may_fire   = { "alert FailedAnswers" }, -- writes that reach the other region before it has a primary
  objectives = { "detect <= 10s", "silent_alerts <= 0", "false_alerts <= 0", "rto <= 20s", "lost <= 0" },

  run = function(d)
    d:steady "25s" -- long enough for the monitor to know what is usual
    local dark <close> = d:inject(fault.blackhole { region = "us-east" })
    d:await_change { observer = "alert RegionDown", to = "active", within = "20s" }
    d:await_recovery { within = "30s" }
    dark:revert()
    d:await_recovery { within = "30s" }
  end,
}
