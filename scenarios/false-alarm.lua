-- A health check that cries wolf: it fails while every request succeeds.
--
-- The checks of us-east's gateways get 503, requests are served as ever: a check that depends on something which requests do not need, or
-- an operator's typo. DNS sends everybody to another region. Nothing was broken before, and nothing may be broken by that: no failed
-- request, no lost write, on the way there and on the way back.
--
--   drill scenarios/false-alarm.lua
--   drill scenarios/false-alarm.lua --set where=all      every region's checks fail: DNS must not answer with nothing
return drill {
  title      = "False alarm in us-east",
  why        = "A failover for no reason moves everybody; it must at least not hurt them.",
  usual      = "30s",
  topology   = "topologies/two-region.yaml",
  load       = { rate = "200/s", writes = "30%", deadline = "1s", connections = "mixed" },
  measure    = { hold = "5s" },
  params     = { where = "us-east", length = "15s" },
  objectives = { "failed <= 0", "lost <= 0", "p99 <= 300ms during recovery" },

  run = function(d)
    d:steady "3s"
    local where = d.params.where ~= "all" and d.params.where or nil
    local alarm <close> = d:inject(fault.false_alarm { role = "gateway", region = where })
    d:wait(d.params.length)
    alarm:revert()
    d:await_recovery { within = "30s" }
  end,
}
