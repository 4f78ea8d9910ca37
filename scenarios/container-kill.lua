-- Kill a container, and see whether its restart policy brings it back.
--
-- A process that dies by itself is started again by Docker under every policy but "no". One that is killed through the engine ("docker
-- kill", as an operator or a script does it) is another matter: Docker takes that for a wish, and leaves it dead. The gateway is the
-- only way in, so users see each second of it; of a dead application HAProxy's own health check keeps most requests away.
--
--   drill scenarios/container-kill.lua                                   the gateway, killed through the engine, policy unless-stopped
--   drill scenarios/container-kill.lua --set how=process                 the same, dying by itself
--   drill scenarios/container-kill.lua --set restart=always              the policy: no, always, unless-stopped, on-failure
--   drill scenarios/container-kill.lua --set service=orders@rack-app1    one of the two applications behind it
return drill {
  title      = "Kill a container",
  why        = "A restart policy is what most containers have instead of an operator: it must do what its name promises.",
  usual      = "25s",
  topology   = "topologies/containers.yaml",
  load       = { rate = "200/s", writes = "30%", deadline = "1s", connections = "mixed" },
  measure    = { hold = "5s" },
  params     = { service = "gateway@rack-gw", how = "engine", watch = "12s" },
  objectives = { "rto <= 10s", "lost <= 0" },

  run = function(d)
    d:steady "5s"
    local kill = d.params.how == "process" and fault.kill or fault.container_kill
    local dead <close> = d:inject(kill { service = d.params.service })
    d:wait(d.params.watch) -- the policy's turn
    dead:revert()          -- starts what is still dead
    d:await_recovery { within = "30s" }
  end,
}
