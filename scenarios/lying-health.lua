-- A health check that lies: it says 200 while every request fails.
--
-- Both gateways of us-east, where DNS sends everybody, answer their checks with 200 and everything else with 500, as gateways do whose check
-- looks at nothing that a request needs. DNS failover acts on the check alone, so it goes on sending everybody there, for as long as it
-- lasts. Nobody but the users can tell: here somebody reads their complaints and ends it after `noticed`.
--
-- Expected to FAIL: a failover that is never begun has no recovery time. What would pass is a check that asks what requests ask.
--
--   drill scenarios/lying-health.lua
--   drill scenarios/lying-health.lua --set how=silence        no answer instead of an error
--   drill scenarios/lying-health.lua --set spared=/static     an honest check: /healthz fails as requests do; DNS sees it, and the drill passes
return drill {
  title      = "Health checks of us-east lie",
  why        = "A check that only says that a process is there keeps a broken region in service.",
  usual      = "30s",
  topology   = "topologies/two-region.yaml",
  load       = { rate = "200/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "5s" },
  params     = { how = "error", spared = "/healthz", noticed = "15s" },
  objectives = { "rto <= 12s", "lost <= 0" },

  run = function(d)
    d:steady "3s"
    local lie <close> = d:inject(fault.lying_health { role = "gateway", region = "us-east", how = d.params.how, path = d.params.spared })
    d:wait(d.params.noticed)
    lie:revert() -- somebody noticed
    d:await_recovery { within = "30s" }
  end,
}
