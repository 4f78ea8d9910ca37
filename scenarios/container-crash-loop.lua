-- A container that dies again each time its restart policy has brought it back.
--
-- Docker waits before each restart: 100 ms at first, then twice as long each time, up to a minute, until the container has lived for ten
-- seconds. So a loop of quick deaths becomes a row of ever longer gaps, and the last one goes on after the cause is gone. A life counts
-- from when the engine says that the container runs, which it does only once the start is over.
--
--   drill scenarios/container-crash-loop.lua
--   drill scenarios/container-crash-loop.lua --set times=8
return drill {
  title      = "A container in a crash loop under its restart policy",
  why        = "Back-off protects the machine, and users pay for it.",
  usual      = "35s",
  topology   = "topologies/containers.yaml",
  load       = { rate = "200/s", writes = "30%", deadline = "1s", connections = "mixed" },
  measure    = { hold = "5s" },
  params     = { service = "gateway@rack-gw", every = "500ms", times = "7" },
  objectives = { "rto <= 10s", "lost <= 0" },

  run = function(d)
    d:steady "5s"
    local loop <close> = d:inject(fault.crash_loop {
      service = d.params.service, every = d.params.every, times = d.params.times, restart = false,
    })
    d:await_recovery { within = "60s" }
    loop:revert()
    d:await_recovery { within = "30s" }
  end,
}
