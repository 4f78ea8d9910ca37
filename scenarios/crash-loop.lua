-- A gateway that dies again each time it has come back.
--
-- After a bad release a process comes up, serves for a moment and dies. Each return to service takes users to it who then see it die: the
-- health check's hysteresis decides how many. After the last death it may live.
-- Half of the requests open a connection of their own, as many users do: one kept connection to the other gateway would see nothing.
--
--   drill scenarios/crash-loop.lua
--   drill scenarios/crash-loop.lua --set every=1s
return drill {
  title      = "A gateway of us-east in a crash loop",
  why        = "What comes back too early hurts more than what stays away.",
  usual      = "45s",
  topology   = "topologies/three-region.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s", connections = "mixed" },
  measure    = { hold = "10s" },
  params     = { every = "3s", times = "4" },
  objectives = { "rto <= 45s", "lost <= 0", "failed < 30%" },

  run = function(d)
    d:steady "5s"
    local loop <close> = d:inject(fault.crash_loop {
      service = "haproxy@us-east-gw1", every = d.params.every, times = d.params.times,
    })
    d:await_recovery { within = "60s" }
    loop:revert()
    d:await_recovery { within = "30s" }
  end,
}
