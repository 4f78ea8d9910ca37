-- Kill one of two gateways of the region that serves.
--
-- The process dies with SIGKILL; its address stays in DNS until the health checks have failed often enough. Clients that hold a
-- connection to it see a reset, new connections are refused. Then it is started again.
-- Half of the requests open a connection of their own, as many users do: one kept connection to the other gateway would see nothing.
--
--   drill scenarios/gateway-kill.lua
--   drill scenarios/gateway-kill.lua --set connections=new     clients without keep-alive feel it for longer
return drill {
  title      = "Kill a gateway of us-east",
  why        = "Processes die every day; one of two gateways must not be missed for longer than DNS takes to drop it.",
  usual      = "50s",
  topology   = "topologies/three-region.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s", connections = "mixed" },
  measure    = { hold = "10s" },
  params     = { signal = "KILL" },
  objectives = { "rto <= 15s", "lost <= 0", "failed < 20%" },

  run = function(d)
    d:steady "5s"
    local dead <close> = d:inject(fault.kill { service = "haproxy@us-east-gw1", signal = d.params.signal })
    d:await_recovery { within = "30s" }
    dead:revert() -- starts it again
    d:await_recovery { within = "30s" }
  end,
}
