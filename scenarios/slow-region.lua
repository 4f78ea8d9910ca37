-- Make a region slow: nothing is down, everything takes longer.
--
-- Every packet between us-east and its users comes 60 ms later, give or take 20 ms, each way; packets of one connection keep their order.
-- The two other regions are as fast as ever, health checks answer, and DNS has no reason to move anybody: a grey failure, seen by users
-- alone. A little later the links to the other regions get bad as well: losses come in bursts of eight packets, which stalls replication
-- and consensus where scattered losses would hardly show. What is judged is that requests still succeed, half of them within a quarter of a
-- second, and that no write is lost on the way.
--
--   drill scenarios/slow-region.lua
--   drill scenarios/slow-region.lua --set delay=150ms     beyond the deadline for those who must connect anew
return drill {
  title      = "Slow down us-east",
  why        = "Rerouted fibres and full links are slow long before they are down.",
  usual      = "55s",
  topology   = "topologies/three-region.yaml",
  load       = { rate = "300/s", writes = "30%", deadline = "1s" },
  measure    = { hold = "10s", share = "90%" },
  params     = { delay = "60ms", jitter = "20ms", length = "8s" },
  objectives = { "failed < 10%", "lost <= 0", "p50 <= 250ms during recovery" },

  run = function(d)
    d:steady "5s"
    local slow <close> = d:inject(fault.delay { region = "us-east", planes = "edge", by = d.params.delay, jitter = d.params.jitter })
    d:wait(d.params.length)
    local bad <close> = d:inject(fault.loss { region = "us-east", planes = "backbone", probability = "3%", burst = 8 })
    d:wait(d.params.length)
    bad:revert()
    slow:revert()
    d:await_recovery { within = "30s" }
  end,
}
