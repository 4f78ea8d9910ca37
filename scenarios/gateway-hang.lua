-- Let one of two gateways accept connections and never answer.
--
-- A dead process is refused at once; one that hangs costs every client its whole deadline, and a health check that only connects calls it
-- healthy. DNS must drop it as soon as a real question goes unanswered.
-- Half of the requests open a connection of their own, as many users do: one kept connection to the other gateway would see nothing.
--
--   drill scenarios/gateway-hang.lua
return drill {
  title      = "Hang a gateway of us-east",
  why        = "A service that accepts and never answers is worse than one that is gone.",
  usual      = "50s",
  topology   = "topologies/three-region.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s", connections = "mixed" },
  measure    = { hold = "10s" },
  objectives = { "rto <= 20s", "lost <= 0", "failed < 30%" },

  run = function(d)
    d:steady "5s"
    local stuck <close> = d:inject(fault.hang { service = "haproxy@us-east-gw1" })
    d:await_recovery { within = "30s" }
    stuck:revert()
    d:await_recovery { within = "30s" }
  end,
}
