-- Freeze a container, as `docker pause` does it, or a machine that is out of breath.
--
-- To the engine a paused container still runs, so no restart policy acts. To everybody else it is a host that takes connections and never
-- answers: only who gives up by himself gets away. HAProxy's own check does. What was sent to the frozen process meanwhile lies in its
-- sockets and is done when it goes on, long after its users have given up.
--
--   drill scenarios/container-pause.lua                                  one of two applications behind the gateway
--   drill scenarios/container-pause.lua --set service=gateway@rack-gw    the gateway itself
return drill {
  title      = "A paused container",
  why        = "What hangs is neither dead nor alive, and restart policies know only the dead.",
  usual      = "25s",
  topology   = "topologies/containers.yaml",
  load       = { rate = "200/s", writes = "30%", deadline = "1s", connections = "mixed" },
  measure    = { hold = "5s" },
  params     = { service = "orders@rack-app1", time = "12s" },
  objectives = { "rto <= 5s", "lost <= 0", "failed < 10%" },

  run = function(d)
    d:steady "5s"
    local frozen <close> = d:inject(fault.container_pause { service = d.params.service })
    d:wait(d.params.time)
    frozen:revert()
    d:await_recovery { within = "30s" }
  end,
}
