-- Take a container out of its network, as `docker network disconnect` does it, or a network plugin that has lost its mind.
--
-- The process runs on. The engine's health check is run inside the container: this topology's asks the container's own address, which is
-- gone, so it notices; one that asks localhost would not. Either way nothing follows from it: Docker restarts what has ended, not what is
-- unhealthy. Who keeps users away from it is the gateway, by a check of its own.
--
--   drill scenarios/container-disconnect.lua                                  one of two applications behind the gateway
--   drill scenarios/container-disconnect.lua --set service=gateway@rack-gw    the gateway itself
return drill {
  title      = "A container without its network",
  why        = "An engine that calls a container unhealthy has done all that it will do about it.",
  usual      = "25s",
  topology   = "topologies/containers.yaml",
  load       = { rate = "200/s", writes = "30%", deadline = "1s", connections = "mixed" },
  measure    = { hold = "5s" },
  params     = { service = "orders@rack-app1", time = "12s" },
  objectives = { "rto <= 5s", "lost <= 0", "failed < 10%" },

  run = function(d)
    d:steady "5s"
    local cut <close> = d:inject(fault.container_disconnect { service = d.params.service })
    d:wait(d.params.time)
    cut:revert()
    d:await_recovery { within = "30s" }
  end,
}
