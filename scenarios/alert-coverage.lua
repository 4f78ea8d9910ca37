-- Three faults, three alerts: does each fault raise the alert that is about it, and no other?
--
-- An alert that was never seen firing is a hope, and one that fires for everything says nothing. So each of the three that tell what users
-- get is given the fault that it alone is about:
--
--   SlowAnswers     every packet between us-east and its users takes 60 ms longer, each way
--   FailedAnswers   us-east's database refuses its region's backends, as after a wrong firewall rule: the gateways are healthy and
--                   answer 503 at once
--   TrafficMoved    the health checks of the DNS server do not reach us-east any more, users do: DNS sends everybody elsewhere, and
--                   not one request fails
--
-- Each fault stays until its alert fires, and the next one begins when that is resolved. An alert that fires for another's fault is a
-- finding, and so is one that stays silent.
--
--   drill scenarios/alert-coverage.lua
--   drill scenarios/alert-coverage.lua --set by=100ms               slower still, and the wrong alert fires: the prober gives up
--   drill scenarios/alert-coverage.lua --set connections=keepalive  clients that never ask DNS again stay where they are
return drill {
  title      = "Three faults, three alerts",
  why        = "Nobody knows that an alert works before it has fired for what it is about, and for nothing else.",
  usual      = "70s",
  topology   = "topologies/monitored.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s", connections = "new" },
  measure    = { hold = "5s", share = "90%" },
  params     = { by = "60ms" },
  alerts     = { "alert SlowAnswers after delay", "alert FailedAnswers after refuse", "alert TrafficMoved after partition" },
  objectives = { "silent_alerts <= 0", "false_alerts <= 0", "slowest_alert <= 30s", "slowest_resolve <= 30s", "lost <= 0" },

  run = function(d)
    local function raises(alert, what)
      local broken <close> = d:inject(what)
      d:await_change { observer = alert, to = "active", within = "40s" }
      broken:revert()
      d:await_change { observer = alert, to = "inactive", within = "30s" } -- the next fault must not be laid to this one
      d:await_recovery { within = "20s" }
    end

    d:steady "25s" -- long enough for the monitor to know what is usual
    raises("alert SlowAnswers", fault.delay { region = "us-east", planes = "edge", by = d.params.by })
    raises("alert FailedAnswers", fault.refuse { host = "us-east-db", peer = { "us-east-app1", "us-east-app2" } })
    raises("alert TrafficMoved", fault.partition { region = "us-east", peer = "dns" })
  end,
}
